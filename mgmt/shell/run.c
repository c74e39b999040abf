// SPDX-License-Identifier: GPL-2.0-or-later
// From a line to a command: words, the longest command name that they begin with, --json taken out,
// the number of arguments checked against the table, the handler.

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mgmt/lib/proto.h"
#include "mgmt/shell/pager.h"
#include "mgmt/shell/shell.h"

void shell_print_json(json_t *object)
{
	if (object && json_dumpf(object, stdout, JSON_COMPACT) == 0)
		putchar('\n');
	json_decref(object);
}

void shell_clean(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
	}
}

int shell_fail(const struct session *s, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	shell_clean(text); /* what a person typed comes back in it */
	if (s->json)
		shell_print_json(json_pack("{s:o}", "error", proto_text(text)));
	else
		printf("error: %s\n", text);
	return STATUS_FAIL;
}

int shell_no_answer(const struct session *s, const char *what, int error)
{
	return shell_fail(s, "%s: the kernel does not say: %s", what, strerror(-error));
}

static bool name_matches(const struct command *c, int argc, char **argv, int *used)
{
	const char *space = strchr(c->name, ' ');
	size_t first = space ? (size_t)(space - c->name) : strlen(c->name);

	if (strlen(argv[0]) != first || strncmp(argv[0], c->name, first) != 0)
		return false;
	*used = space ? 2 : 1;
	return !space || (argc > 1 && !strcmp(argv[1], space + 1));
}

const struct command *command_find(int argc, char **argv, int *used)
{
	for (size_t i = 0; argc > 0 && i < commands_count; i++) {
		if (name_matches(&commands[i], argc, argv, used))
			return &commands[i];
	}
	return NULL;
}

/* Removes every "--json" from the words; true when there was one. */
static bool take_json(int *argc, char **argv)
{
	int kept = 0;

	for (int i = 0; i < *argc; i++) {
		if (strcmp(argv[i], "--json") != 0)
			argv[kept++] = argv[i];
	}
	bool found = kept != *argc;
	*argc = kept;
	return found;
}

static int usage(const struct session *s, const struct command *c)
{
	return shell_fail(s, "%s: expected: %s%s%s%s", c->name, c->name, *c->args ? " " : "",
			  c->args, c->output ? " [--json]" : "");
}

static int run_words(struct session *s, int argc, char **argv)
{
	const struct command *c;
	int used, status;
	bool paged;

	s->json = take_json(&argc, argv) || s->json_always;
	if (argc == 0)
		return s->json && !s->json_always
			       ? shell_fail(s, "--json: expected a command with it")
			       : s->status;
	c = command_find(argc, argv, &used);
	if (!c)
		return shell_fail(s, "%s%s%s: no such command: try help", argv[0],
				  argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
	argc -= used;
	if (argc < c->min_args || argc > c->max_args || (s->json && !c->output))
		return usage(s, c), STATUS_USAGE;
	if (c->terminal && s->no_terminal)
		return shell_fail(s, "%s: expected a person's terminal", c->name);
	paged = s->paged && !s->depth && !s->json && !c->terminal && !c->unpaged && pager_begin();
	status = c->run(s, argc, argv + used);
	if (status == STATUS_USAGE)
		usage(s, c);
	if (paged)
		pager_end();
	return status;
}

int shell_run_line(struct session *s, const char *line)
{
	char *words[WORDS_MAX], *buffer;
	const char *error;
	int n = words_split(line, words, &buffer, &error);

	s->json = s->json_always;
	if (n < 0) {
		s->status = shell_fail(s, "%s", error);
	} else {
		s->status = run_words(s, n, words);
		free(buffer);
	}
	fflush(stdout);
	return s->status;
}
