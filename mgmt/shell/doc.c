// SPDX-License-Identifier: GPL-2.0-or-later
// docs/console.md and docs/json.md, printed from the command table.

#include <stdio.h>
#include <string.h>

#include "mgmt/shell/shell.h"

void doc_print(void)
{
	printf("# Console reference\n\n"
	       "Made by `make docs` from the shell's command table (`mgmt/shell/commands.c`): do "
	       "not edit.\n\n"
	       "Words are divided by blanks; `'...'` and `\"...\"` hold together, `\\` takes the "
	       "next character as it is, "
	       "`#` begins a comment. Tab completes commands and names of VMs. A command that "
	       "fails prints one line, "
	       "`error: ...`, or with `--json` an object with the member `error`; its status is 1, "
	       "or 2 when its words "
	       "are wrong. `docs/json.md` says what the objects hold.\n");
	for (size_t i = 0; i < commands_count; i++) {
		const struct command *c = &commands[i];

		help_usage(c, "\n## `", "`\n");
		printf("%c%s.%s%s\n",
		       c->help[0] >= 'a' && c->help[0] <= 'z' ? c->help[0] - 32 : c->help[0],
		       c->help + 1, c->more ? " " : "", c->more ? c->more : "");
	}
}

static void print_members(const struct member *m)
{
	printf("\n| member | type | meaning |\n|---|---|---|\n");
	for (; m->name; m++)
		printf("| `%s`%s | %s | %s |\n", m->name, m->optional ? " (optional)" : "", m->type,
		       m->meaning);
}

/* Commands that print the same objects share a section. */
static bool printed_before(size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (commands[i].output == commands[at].output)
			return true;
	}
	return false;
}

static void print_section(size_t at)
{
	const char *comma = "";

	printf("\n## ");
	for (size_t i = at; i < commands_count; i++) {
		if (commands[i].output != commands[at].output)
			continue;
		printf("%s`%s`", comma, commands[i].name);
		comma = ", ";
	}
	printf("\n");
	print_members(commands[at].output);
}

void doc_json(void)
{
	printf("# The console's objects\n\n"
	       "Made by `make docs` from the shell's command table: do not edit.\n\n"
	       "With `--json` a command prints objects, one a line, in UTF-8; an empty list prints "
	       "nothing. "
	       "Names are stable: members may be added, none is\n"
	       "renamed or given another meaning. Sizes are in bytes, times in nanoseconds. "
	       "Optional members "
	       "are left out where they do not apply.\n"
	       "A command that fails prints as its last line an object with the one member "
	       "`error`, a "
	       "sentence.\n");
	for (size_t i = 0; i < commands_count; i++) {
		if (commands[i].output && !printed_before(i))
			print_section(i);
	}
}

static json_t *members_json(const struct member *m)
{
	json_t *members = json_array();

	for (; m && m->name; m++)
		json_array_append_new(members, json_pack("{s:s,s:s,s:b}", "name", m->name, "type",
							 m->type, "optional", m->optional));
	return members;
}

void doc_table(void)
{
	for (size_t i = 0; i < commands_count; i++) {
		json_t *row = help_json(&commands[i]);

		json_object_set_new(row, "output", members_json(commands[i].output));
		json_object_set_new(row, "min_args", json_integer(commands[i].min_args));
		json_object_set_new(row, "vm", json_boolean(commands[i].complete == COMPLETE_VM));
		shell_print_json(row);
	}
}
