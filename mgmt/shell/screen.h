/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal that a person sits at: its kind, and its size. A pty knows its size; a serial line
 * does not, so the terminal itself is asked when it matters, each time, as it may have been
 * resized.
 *
 * Contract: the shell's one thread. Sizes in rows and columns.
 */
#pragma once

#include <stdbool.h>

#define SCREEN_ROWS_USUAL    24
#define SCREEN_COLUMNS_USUAL 80

/* TERM says that it takes no escape sequences, or says nothing. */
bool screen_is_dumb(void);
/* Rows as last known; SCREEN_ROWS_USUAL when nobody knows. */
unsigned screen_rows(void);
/* false: nobody knows the size. */
bool screen_size(unsigned *rows, unsigned *columns);

/* Long output is to stop at each screen. */
bool screen_pages(void);
/* Whether the terminal has to be asked for its size before it is relied upon. */
bool screen_must_ask(void);
/* Asks; the answer is what screen_size() tells from now on. false: no answer, it is not asked again
 * unless screen_set_asking(). Waits up to a second. */
bool screen_ask(void);

/* From the console: */
void screen_set_size(unsigned rows, unsigned columns);
void screen_set_asking(void);
void screen_set_paging(bool on);
void screen_set_dumb(void);
