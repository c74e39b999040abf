/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A terminal's line discipline: what comes in is edited into lines (canonical mode) or passed on as
 * it comes (raw mode), echoed if wanted; what goes out gets CR before NL. Pure data, host-testable;
 * the owner's lock guards it. No signals exist here: the interrupt character discards the line.
 */
#pragma once

#include "lib/bitmap.h"

#define TTY_INPUT_SIZE 131072u /* a paste at full speed must fit while nobody reads */

#define TTY_NCCS 19

/* Linux' struct termios of TCGETS/TCSETS. */
struct tty_termios {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line;
	uint8_t cc[TTY_NCCS];
};
static_assert_size(struct tty_termios, 36);

/* Bits of struct termios that mean something here (asm-generic/termbits.h). */
#define TTY_IGNCR   0200u
#define TTY_ICRNL   0400u
#define TTY_INLCR   0100u
#define TTY_OPOST   1u
#define TTY_ONLCR   4u
#define TTY_CS8     060u
#define TTY_CREAD   0200u
#define TTY_CLOCAL  04000u
#define TTY_B115200 010002u
#define TTY_ISIG    1u
#define TTY_ICANON  2u
#define TTY_ECHO    010u
#define TTY_ECHOE   020u
#define TTY_ECHOK   040u
#define TTY_ECHOCTL 01000u
#define TTY_ECHOKE  04000u
#define TTY_IEXTEN  0100000u
enum tty_cc {
	TTY_VINTR,
	TTY_VQUIT,
	TTY_VERASE,
	TTY_VKILL,
	TTY_VEOF,
	TTY_VTIME,
	TTY_VMIN,
	TTY_VSWTC,
	TTY_VSTART,
	TTY_VSTOP,
	TTY_VSUSP,
	TTY_VEOL
};

struct tty {
	struct tty_termios termios;
	uint8_t *input;      /* TTY_INPUT_SIZE bytes */
	uint32_t head, tail; /* free-running: where the next byte goes, comes from */
	uint32_t committed;  /* readers may take up to here */
	uint64_t lost;       /* bytes that found no room */
	/* Called for what is to be sent (echo); never waits, may drop. */
	void (*send)(void *ctx, const uint8_t *bytes, size_t len);
	void *ctx;
	DECLARE_BITMAP(
		delimiter,
		TTY_INPUT_SIZE); /* this byte ends a line; a NUL so marked is an end of file */
};

/* Canonical mode with echo. `input`: TTY_INPUT_SIZE bytes that stay. */
void tty_init(struct tty *t, uint8_t *input, void (*send)(void *, const uint8_t *, size_t),
	      void *ctx);

void tty_input(struct tty *t, const uint8_t *bytes, size_t len);

/* Is there something for tty_read (a line, in canonical mode)? */
bool tty_readable(const struct tty *t);
/*
 * Up to len bytes, in canonical mode not beyond the end of a line. 0: end of file was typed, or
 * nothing is there and VMIN is 0; -EAGAIN: nothing there.
 */
int64_t tty_read(struct tty *t, uint8_t *buf, size_t len);
uint32_t tty_pending(const struct tty *t); /* bytes that tty_read could take */
void tty_flush_input(struct tty *t);
/*
 * How many bytes may be given to tty_input without losing any. 0: leave them in the device, a
 * reader makes room. A line that fills the whole buffer is the exception, since nobody can read it
 * before it ends: what is too much of it is dropped.
 */
uint32_t tty_room(const struct tty *t);

void tty_set_termios(struct tty *t, const struct tty_termios *termios);

/*
 * Translates output: at most `room` bytes to out from the `len` at in. *used: how many of in that
 * took. How many of out.
 */
size_t tty_output(const struct tty *t, const uint8_t *in, size_t len, size_t *used, uint8_t *out,
		  size_t room);
