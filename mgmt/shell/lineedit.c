// SPDX-License-Identifier: GPL-2.0-or-later
// readline with the shell's keys and completion: the command table gives the words of a verb, init
// the names of VMs.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "mgmt/lib/proto.h"
#include "mgmt/shell/keys.h"
#include "mgmt/shell/notes.h"
#include "mgmt/shell/screen.h"
#include "mgmt/shell/shell.h"

#define HISTORY_LINES 500

static struct session *session;

static int next_key(FILE *unused)
{
	int c = keys_next();

	(void)unused;
	return c < 0 ? EOF : c;
}

/* Ctrl-C at the prompt drops the line, as every shell does. */
static int drop_line(int count, int key)
{
	(void)count;
	(void)key;
	rl_crlf();
	rl_replace_line("", 1);
	rl_on_new_line();
	rl_forced_update_display();
	return 0;
}

/* Words typed before the one that is being completed. */
static int words_before(int start, char *words[WORDS_MAX], char **buffer)
{
	const char *error;
	char *head = strndup(rl_line_buffer, (size_t)start);
	int n = head ? words_split(head, words, buffer, &error) : -1;

	free(head);
	return n;
}

/* The word of command `c` at place n if its earlier words are the ones typed; malloc'ed. */
static char *command_word(const struct command *c, int n, char **words)
{
	char *copy = strdup(c->name), *save = NULL, *result = NULL;
	char *word = copy ? strtok_r(copy, " ", &save) : NULL;

	for (int i = 0; word && i < n; i++) {
		if (strcmp(word, words[i]) != 0)
			word = NULL;
		else
			word = strtok_r(NULL, " ", &save);
	}
	if (word)
		result = strdup(word);
	free(copy);
	return result;
}

static struct {
	char *words[WORDS_MAX], *buffer;
	int n;
	size_t index;
	char *last;
} completing;

static char *next_command_word(const char *text, int state)
{
	if (!state) {
		completing.index = 0;
		free(completing.last);
		completing.last = NULL;
	}
	while (completing.index < commands_count) {
		char *word =
			command_word(&commands[completing.index++], completing.n, completing.words);

		if (word && !strncmp(word, text, strlen(text)) &&
		    (!completing.last || strcmp(completing.last, word) != 0)) {
			free(completing.last);
			completing.last = strdup(word);
			return word;
		}
		free(word);
	}
	return NULL;
}

static char *next_vm_name(const char *text, int state)
{
	struct session quiet = { .channel = session->channel };

	if (!state)
		completing.index = 0;
	for (;;) {
		char name[64];
		json_t *reply = client_try(
			&quiet, "vm", json_pack("{s:I}", "index", (json_int_t)completing.index++));

		if (!reply)
			return NULL;
		snprintf(name, sizeof(name), "%s",
			 proto_string(json_object_get(reply, "vm"), "name", ""));
		json_decref(reply);
		if (!strncmp(name, text, strlen(text)))
			return strdup(name);
	}
}

static char **complete(const char *text, int start, int end)
{
	const struct command *c;
	char **matches = NULL;
	int used;

	(void)end;
	rl_attempted_completion_over = 1;
	completing.n = words_before(start, completing.words, &completing.buffer);
	if (completing.n < 0)
		return NULL;
	c = command_find(completing.n, completing.words, &used);
	if (c && c->complete == COMPLETE_VM && completing.n == used) {
		matches = rl_completion_matches(text, next_vm_name);
	} else if (c && c->complete == COMPLETE_COMMAND) {
		completing.n -= used;
		memmove(completing.words, completing.words + used,
			sizeof(char *) * (size_t)completing.n);
		matches = rl_completion_matches(text, next_command_word);
	} else if (!c) {
		matches = rl_completion_matches(text, next_command_word);
	}
	free(completing.buffer);
	return matches;
}

/* Above the line that is being edited, as a well-behaved program does. */
static void show_notes(void)
{
	rl_clear_visible_line();
	fflush(rl_outstream);
	notes_print();
	rl_on_new_line();
	rl_redisplay();
}

void lineedit_init(struct session *s)
{
	session = s;
	notes_begin();
	rl_readline_name = "strata";
	rl_getc_function = next_key;
	rl_attempted_completion_function = complete;
	rl_catch_signals = 0;
	rl_variable_bind("enable-bracketed-paste", "off");
	rl_variable_bind("bell-style", "none");
	rl_bind_key(3, drop_line);
	stifle_history(HISTORY_LINES);
}

/* A serial line does not tell readline how wide it is. */
static void fit_screen(void)
{
	unsigned rows, columns;

	if (screen_must_ask() && screen_size(&rows, &columns))
		rl_set_screen_size((int)rows, (int)columns);
	if (screen_is_dumb() && strcmp(rl_terminal_name ? rl_terminal_name : "", "dumb") != 0)
		rl_reset_terminal("dumb");
}

char *lineedit_read(void)
{
	fit_screen();
	keys_also_wait(notes_fd(), show_notes);
	char *line = readline("strata> ");
	keys_also_wait(-1, NULL);

	if (line && *line) {
		HIST_ENTRY *last =
			history_length ? history_get(history_base + history_length - 1) : NULL;

		if (!last || strcmp(last->line, line) != 0)
			add_history(line);
	}
	return line;
}
