// SPDX-License-Identifier: GPL-2.0-or-later
// To learn its size the terminal is sent to its far corner and asked where it is (ECMA-48, "DSR");
// it answers among the keys with ESC [ ROWS ; COLUMNS R.
#include "mgmt/shell/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "mgmt/shell/keys.h"

#define ASK           "\0337\033[999;999H\033[6n\0338"
#define ASK_MS        1000
#define SIZE_MAX_EDGE 1000

static struct {
	unsigned rows, columns; /* 0: not known */
	bool fixed;             /* a person has said it */
	bool silent;            /* the terminal has not answered */
	bool unpaged;
} screen;

bool screen_is_dumb(void)
{
	const char *term = getenv("TERM");

	return !term || !*term || !strcmp(term, "dumb");
}

/* What the line itself knows. */
static bool line_size(unsigned *rows, unsigned *columns)
{
	struct winsize ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) || !ws.ws_row || !ws.ws_col)
		return false;
	*rows = ws.ws_row;
	*columns = ws.ws_col;
	return true;
}

bool screen_size(unsigned *rows, unsigned *columns)
{
	if (!screen.fixed && line_size(rows, columns))
		return true;
	*rows = screen.rows;
	*columns = screen.columns;
	return screen.rows != 0;
}

unsigned screen_rows(void)
{
	unsigned rows, columns;

	return screen_size(&rows, &columns) ? rows : SCREEN_ROWS_USUAL;
}

bool screen_pages(void)
{
	return !screen.unpaged && !screen_is_dumb() && isatty(STDIN_FILENO);
}

bool screen_must_ask(void)
{
	unsigned rows, columns;

	return !screen.fixed && !line_size(&rows, &columns);
}

bool screen_ask(void)
{
	unsigned rows, columns;
	bool answered;

	if (screen.silent || screen_is_dumb())
		return false;
	keys_begin();
	fputs(ASK, stdout);
	fflush(stdout);
	answered = keys_take_report(&rows, &columns, ASK_MS);
	keys_end();
	if (answered && rows > 2 && rows <= SIZE_MAX_EDGE && columns > 2 &&
	    columns <= SIZE_MAX_EDGE) {
		screen.rows = rows;
		screen.columns = columns;
		return true;
	}
	screen.silent = true;
	return false;
}

void screen_set_size(unsigned rows, unsigned columns)
{
	screen.rows = rows;
	screen.columns = columns;
	screen.fixed = true;
}

void screen_set_asking(void)
{
	screen.fixed = screen.silent = false;
}

void screen_set_paging(bool on)
{
	screen.unpaged = !on;
}

void screen_set_dumb(void)
{
	setenv("TERM", "dumb", 1);
}
