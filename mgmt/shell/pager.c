// SPDX-License-Identifier: GPL-2.0-or-later
// A stream in stdout's place that counts the rows which its text takes on the screen.
#include "mgmt/shell/pager.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mgmt/shell/keys.h"
#include "mgmt/shell/screen.h"

#define PROMPT "-- more: space, Enter, q --"
#define ERASE  "\r\033[K"

static struct {
	FILE *terminal;         /* NULL: not paging */
	unsigned rows, columns; /* of the screen */
	unsigned row, column;   /* where the text is on this page */
	bool off;               /* show the rest without stopping */
	bool drop;              /* show nothing more */
	bool escape;            /* in an escape sequence */
} pager;

static void learn_size(void)
{
	if (screen_size(&pager.rows, &pager.columns))
		return;
	pager.rows = SCREEN_ROWS_USUAL;
	pager.columns = SCREEN_COLUMNS_USUAL;
}

static bool keys_wait(void)
{
	struct pollfd key = { .fd = STDIN_FILENO, .events = POLLIN };

	return keys_kept() || poll(&key, 1, 0) != 0;
}

static void on_key(int c)
{
	switch (c) {
	case ' ': pager.row = 0; break;
	case '\r':
	case '\n': pager.row--; break;
	default: pager.drop = true;
	}
}

static bool is_answer(int c)
{
	return c < 0 || c == KEY_INTERRUPT || strchr(" \r\nqQ", c) != NULL;
}

/* A page is full. stdout is the terminal meanwhile: what comes among the keys may print, too. */
static void stop(void)
{
	FILE *paged = stdout;
	int c;

	stdout = pager.terminal;
	if (keys_wait()) {
		pager.off = true;
	} else if (screen_must_ask() && !screen_ask()) {
		pager.off = true;
	} else {
		learn_size();
		if (pager.row + 1 >= pager.rows) {
			keys_begin();
			fputs(PROMPT, stdout);
			fflush(stdout);
			do
				c = keys_next();
			while (!is_answer(c));
			keys_end();
			fputs(ERASE, stdout);
			learn_size(); /* it may have changed meanwhile */
			on_key(c);
		}
	}
	stdout = paged;
}

static void next_row(void)
{
	pager.column = 0;
	pager.row++;
}

/* Before a character that begins a row where there is none left. */
static void make_room(void)
{
	if (!pager.off && !pager.drop && !pager.column && pager.row + 1 >= pager.rows)
		stop();
}

static void count(char c)
{
	if (pager.escape) {
		/* It ends with a letter. */
		pager.escape = c == '[' || c == ';' || c == '?' || (c >= '0' && c <= '9');
	} else if (c == '\033') {
		pager.escape = true;
	} else if (c == '\n') {
		next_row();
	} else if (c == '\r') {
		pager.column = 0;
	} else if ((c & 0xc0) != 0x80 && ++pager.column >= pager.columns) {
		next_row();
	}
}

static ssize_t take(void *cookie, const char *buf, size_t len)
{
	(void)cookie;
	for (size_t i = 0; i < len && !pager.drop; i++) {
		make_room();
		if (pager.drop)
			break;
		putc(buf[i], pager.terminal);
		count(buf[i]);
	}
	fflush(pager.terminal);
	return (ssize_t)len;
}

bool pager_begin(void)
{
	static const cookie_io_functions_t functions = { .write = take };
	FILE *paged;

	if (pager.terminal || !screen_pages())
		return false;
	paged = fopencookie(NULL, "w", functions);
	if (!paged)
		return false;
	setvbuf(paged, NULL, _IOLBF, 0);
	fflush(stdout);
	pager.terminal = stdout;
	pager.row = pager.column = 0;
	pager.off = pager.drop = pager.escape = false;
	learn_size();
	stdout = paged;
	return true;
}

void pager_end(void)
{
	fclose(stdout);
	stdout = pager.terminal;
	pager.terminal = NULL;
}
