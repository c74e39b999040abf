// SPDX-License-Identifier: GPL-2.0-or-later
// `help`, printed from the command table.

#include <stdio.h>
#include <string.h>

#include "mgmt/shell/shell.h"

void help_usage(const struct command *c, const char *before, const char *after)
{
	printf("%s%s%s%s%s%s\n", before, c->name, *c->args ? " " : "", c->args,
	       c->output ? " [--json]" : "", after);
}

static int help_all(void)
{
	for (size_t i = 0; i < commands_count; i++) {
		char left[64];

		snprintf(left, sizeof(left), "%s%s%s", commands[i].name,
			 *commands[i].args ? " " : "", commands[i].args);
		printf("  %-34s %s\n", left, commands[i].help);
	}
	printf("Commands that print data take --json: one object a line.\n");
	return STATUS_OK;
}

/* `help vm`: the commands that begin with the word. */
static int help_group(const char *word)
{
	size_t len = strlen(word);
	int found = 0;

	for (size_t i = 0; i < commands_count; i++) {
		if (!strncmp(commands[i].name, word, len) && commands[i].name[len] == ' ') {
			help_usage(&commands[i], "  ", "");
			found++;
		}
	}
	return found;
}

json_t *help_json(const struct command *c)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:b,s:b}", "name", c->name, "args", c->args, "help",
			 c->help, "more", c->more ? c->more : "", "json", c->output != NULL,
			 "terminal", c->terminal);
}

/* The commands that begin with the words; a status. */
static int help_objects(struct session *s, int argc, char **argv)
{
	const struct command *exact;
	int used, found = 0;

	exact = command_find(argc, argv, &used);
	if (exact && used != argc)
		exact = NULL;
	for (size_t i = 0; i < commands_count; i++) {
		const struct command *c = &commands[i];
		size_t len = argc == 1 ? strlen(argv[0]) : 0;

		if (exact ? c != exact
			  : argc && (!len || strncmp(c->name, argv[0], len) || c->name[len] != ' '))
			continue;
		shell_print_json(help_json(c));
		found++;
	}
	return found ? STATUS_OK : shell_fail(s, "help: no such command: %s", argv[0]);
}

int cmd_help(struct session *s, int argc, char **argv)
{
	const struct command *c;
	int used;

	if (s->json)
		return help_objects(s, argc, argv);
	if (argc == 0)
		return help_all();
	c = command_find(argc, argv, &used);
	if (c && used == argc) {
		help_usage(c, "usage: ", "");
		printf("%s.\n", c->help);
		if (c->more)
			printf("%s\n", c->more);
		return STATUS_OK;
	}
	if (argc == 1 && help_group(argv[0]))
		return STATUS_OK;
	return shell_fail(s, "help: no such command: %s%s%s", argv[0], argc > 1 ? " " : "",
			  argc > 1 ? argv[1] : "");
}
