// SPDX-License-Identifier: GPL-2.0-or-later
// terminal: what the shell takes its terminal for, and what a person says that it is.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mgmt/shell/screen.h"
#include "mgmt/shell/shell.h"

#define EDGE_MIN 5
#define EDGE_MAX 1000

static int show(const struct session *s)
{
	unsigned rows = 0, columns = 0;
	bool known = screen_size(&rows, &columns), pages = screen_pages() && !s->no_terminal;
	const char *kind = getenv("TERM");

	kind = kind && *kind ? kind : "dumb";
	if (s->json)
		shell_print_json(json_pack("{s:s,s:i,s:i,s:b}", "terminal", kind, "rows", (int)rows,
					   "columns", (int)columns, "paging", pages));
	else if (known)
		printf("%s, %u rows, %u columns, %s\n", kind, rows, columns,
		       pages ? "paged" : "not paged");
	else
		printf("%s, size not known, %s\n", kind, pages ? "paged" : "not paged");
	return STATUS_OK;
}

static int ask(const struct session *s)
{
	screen_set_asking();
	if (screen_must_ask() && (s->no_terminal || !screen_ask()))
		return shell_fail(s, "terminal: it does not tell its size");
	return show(s);
}

static int set_size(const struct session *s, char **argv)
{
	uint64_t rows, columns;

	if (!option_number(argv[0], EDGE_MIN, EDGE_MAX, &rows) ||
	    !option_number(argv[1], EDGE_MIN, EDGE_MAX, &columns))
		return STATUS_USAGE;
	screen_set_size((unsigned)rows, (unsigned)columns);
	return show(s);
}

int cmd_terminal(struct session *s, int argc, char **argv)
{
	if (argc == 0)
		return show(s);
	if (argc == 2)
		return set_size(s, argv);
	if (!strcmp(argv[0], "ask"))
		return ask(s);
	if (!strcmp(argv[0], "dumb"))
		screen_set_dumb();
	else if (!strcmp(argv[0], "page") || !strcmp(argv[0], "nopage"))
		screen_set_paging(*argv[0] == 'p');
	else
		return STATUS_USAGE;
	return show(s);
}
