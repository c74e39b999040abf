// SPDX-License-Identifier: GPL-2.0-or-later
// `help` and docs/console.md, both printed from the command table.

#include <stdio.h>
#include <string.h>

#include "mgmt/shell/shell.h"

static void print_usage(const struct command *c, const char *before, const char *after)
{
	printf("%s%s%s%s%s%s\n", before, c->name, *c->args ? " " : "", c->args,
	       c->json ? " [--json]" : "", after);
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
			print_usage(&commands[i], "  ", "");
			found++;
		}
	}
	return found;
}

int cmd_help(struct session *s, int argc, char **argv)
{
	const struct command *c;
	int used;

	if (argc == 0)
		return help_all();
	c = command_find(argc, argv, &used);
	if (c && used == argc) {
		print_usage(c, "usage: ", "");
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

void doc_print(void)
{
	printf("# Console reference\n\n"
	       "Made by `make docs` from the shell's command table (`mgmt/shell/commands.c`): do "
	       "not edit.\n\n"
	       "Words are divided by blanks; `'...'` and `\"...\"` hold together, `\\` takes the "
	       "next character as it is, "
	       "`#` begins a comment. Tab completes commands and names of VMs. A command that "
	       "fails prints one line, "
	       "`error: ...`, or with `--json` an object with the member `error`.\n");
	for (size_t i = 0; i < commands_count; i++) {
		const struct command *c = &commands[i];

		print_usage(c, "\n## `", "`\n");
		printf("%c%s.%s%s\n",
		       c->help[0] >= 'a' && c->help[0] <= 'z' ? c->help[0] - 32 : c->help[0],
		       c->help + 1, c->more ? " " : "", c->more ? c->more : "");
	}
}
