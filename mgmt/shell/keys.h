/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keyboard between prompts. While a command runs the terminal is raw and what is typed is kept
 * for the line editor, so that a paste over several commands loses nothing; Ctrl-C alone is acted
 * on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define KEY_INTERRUPT 3 /* Ctrl-C */

/* Once, before a person's first line: no key is a signal from now on and none stops the output,
 * also between two lines; readline leaves both on, and a line's noise would use them. */
void keys_are_no_signals(void);

void keys_begin(void); /* terminal raw; nests */
void keys_end(void);   /* as it was */
bool keys_full(void);  /* no room to keep more: stop reading the keyboard */
/* Reads what is there; true when a Ctrl-C was among it (it is not kept). */
bool keys_fill_until_interrupt(void);
/* Whenever the shell waits for a key and fd becomes readable, `ready` is called; it reads it empty.
 */
void keys_also_wait(int fd, void (*ready)(void));

/* Who gets the frames that come among the keys (mgmt/lib/frame.h); they are no keys. */
void keys_on_frame(void (*take)(const char *body));
/*
 * Waits up to ms for a frame among the keys and has it taken; keys before it stay. A Ctrl-C among
 * them is taken out, and no frame.
 */
enum keys_waited {
	KEYS_FRAME,
	KEYS_NONE, /* the time is over, or no more keys will come */
	KEYS_INTERRUPT
};
enum keys_waited keys_wait_frame(int ms);
/* Next key: kept ones first, then the keyboard, waiting. -1: end of input. */
int keys_next(void);
/* Takes up to room of the kept keys without waiting. */
size_t keys_take(char *buf, size_t room);
bool keys_kept(void); /* keys_take would give some */
/*
 * Takes a terminal's report of its position (ESC [ ROWS ; COLUMNS R) from among the keys, which are
 * kept; waits up to ms for it. false: none came.
 */
bool keys_take_report(unsigned *rows, unsigned *columns, int ms);
/* Puts bytes back in front: what a detached console did not take. */
void keys_unget(const char *buf, size_t len);

/*
 * For who takes keys as they come: the next kept key is FRAME_MARK. True: a frame began there; it
 * has been taken, whole or broken. False: it is a key, taken as well.
 */
bool keys_take_mark(void);
