// SPDX-License-Identifier: GPL-2.0-or-later
// Input is edited where it lies: in canonical mode the unfinished line is what stands between
// `committed` and `head`, erasing moves head back, and the end of a line commits. In raw mode every
// byte commits at once. A bitmap beside the ring marks the bytes that end lines.
#include "io/tty.h"

#include "lib/errno.h"
#include "lib/string.h"

#define MASK (TTY_INPUT_SIZE - 1)
_Static_assert((TTY_INPUT_SIZE & MASK) == 0, "the ring's size is a power of two");

void tty_init(struct tty *t, uint8_t *input, void (*send)(void *, const uint8_t *, size_t),
	      void *ctx)
{
	static const struct tty_termios start = {
		.iflag = TTY_ICRNL,
		.oflag = TTY_OPOST | TTY_ONLCR,
		.cflag = TTY_B115200 | TTY_CS8 | TTY_CREAD | TTY_CLOCAL,
		.lflag = TTY_ISIG | TTY_ICANON | TTY_ECHO | TTY_ECHOE | TTY_ECHOK | TTY_ECHOCTL |
			 TTY_ECHOKE | TTY_IEXTEN,
		.cc = { [TTY_VINTR] = 3,
			[TTY_VQUIT] = 28,
			[TTY_VERASE] = 127,
			[TTY_VKILL] = 21,
			[TTY_VEOF] = 4,
			[TTY_VMIN] = 1,
			[TTY_VSTART] = 17,
			[TTY_VSTOP] = 19,
			[TTY_VSUSP] = 26 },
	};

	memset(t, 0, sizeof(*t));
	t->termios = start;
	t->input = input;
	t->send = send;
	t->ctx = ctx;
}

static bool lflag(const struct tty *t, uint32_t bit)
{
	return t->termios.lflag & bit;
}

static void echo(struct tty *t, const char *s, size_t len)
{
	if (lflag(t, TTY_ECHO))
		t->send(t->ctx, (const uint8_t *)s, len);
}

static bool is_control(uint8_t c)
{
	return (c < 32 && c != '\t' && c != '\n') || c == 127;
}

static void echo_byte(struct tty *t, uint8_t c)
{
	const char pair[2] = { '^', (char)(c ^ 0x40) };
	const char plain = (char)c;

	if (c == '\n')
		echo(t, "\r\n", 2);
	else if (is_control(c) && lflag(t, TTY_ECHOCTL) && c != '\r')
		echo(t, pair, 2);
	else
		echo(t, &plain, 1);
}

/* False: no room. One place is kept free, so that a full line can still be ended. */
static bool append(struct tty *t, uint8_t c, bool delimiter)
{
	uint32_t room = TTY_INPUT_SIZE - (t->head - t->tail);

	if (room <= (delimiter ? 0 : 1)) {
		t->lost++;
		return false;
	}
	t->input[t->head & MASK] = c;
	if (delimiter)
		bitmap_set(t->delimiter, t->head & MASK);
	else
		bitmap_clear(t->delimiter, t->head & MASK);
	t->head++;
	return true;
}

static void erase_one(struct tty *t)
{
	if (t->head == t->committed)
		return;
	t->head--;
	if (lflag(t, TTY_ECHOE))
		echo(t, is_control(t->input[t->head & MASK]) ? "\b\b  \b\b" : "\b \b",
		     is_control(t->input[t->head & MASK]) ? 6 : 3);
}

static void end_line(struct tty *t, uint8_t c)
{
	if (append(t, c, true))
		t->committed = t->head;
}

static bool is_cc(const struct tty *t, uint8_t c, enum tty_cc which)
{
	return c != 0 && c == t->termios.cc[which];
}

static void canonical_byte(struct tty *t, uint8_t c)
{
	if (is_cc(t, c, TTY_VERASE) || c == '\b') {
		erase_one(t);
	} else if (is_cc(t, c, TTY_VKILL)) {
		while (t->head != t->committed)
			erase_one(t);
	} else if (is_cc(t, c, TTY_VEOF)) {
		end_line(t, 0);
	} else if (lflag(t, TTY_ISIG) && is_cc(t, c, TTY_VINTR)) {
		t->head = t->committed;
		echo(t, "^C\r\n", 4);
	} else if (c == '\n' || is_cc(t, c, TTY_VEOL)) {
		echo_byte(t, c);
		end_line(t, c);
	} else if (append(t, c, false)) {
		echo_byte(t, c);
	}
}

static void raw_byte(struct tty *t, uint8_t c)
{
	if (!append(t, c, false))
		return;
	t->committed = t->head;
	echo_byte(t, c);
}

void tty_input(struct tty *t, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t c = bytes[i];

		if (c == '\r' && (t->termios.iflag & TTY_IGNCR))
			continue;
		if (c == '\r' && (t->termios.iflag & TTY_ICRNL))
			c = '\n';
		else if (c == '\n' && (t->termios.iflag & TTY_INLCR))
			c = '\r';
		if (lflag(t, TTY_ICANON))
			canonical_byte(t, c);
		else
			raw_byte(t, c);
	}
}

bool tty_readable(const struct tty *t)
{
	return t->committed != t->tail;
}

uint32_t tty_pending(const struct tty *t)
{
	return t->committed - t->tail;
}

/* Ctrl-D after some text only hands the text over: the end of file behind it is not one of its own.
 */
static bool next_is_eof(const struct tty *t)
{
	uint32_t pos = t->tail & MASK;

	return t->tail != t->committed && lflag(t, TTY_ICANON) && bitmap_test(t->delimiter, pos) &&
	       t->input[pos] == 0;
}

int64_t tty_read(struct tty *t, uint8_t *buf, size_t len)
{
	size_t n = 0;

	if (!tty_readable(t))
		return !lflag(t, TTY_ICANON) && t->termios.cc[TTY_VMIN] == 0 ? 0 : -EAGAIN;
	while (n < len && t->tail != t->committed) {
		uint32_t pos = t->tail++ & MASK;
		bool ends = bitmap_test(t->delimiter, pos);

		if (!ends || t->input[pos] != 0)
			buf[n++] = t->input[pos];
		if (ends && lflag(t, TTY_ICANON))
			return (int64_t)n;
	}
	if (n != 0 && next_is_eof(t))
		t->tail++;
	return (int64_t)n;
}

uint32_t tty_room(const struct tty *t)
{
	uint32_t free = TTY_INPUT_SIZE - (t->head - t->tail);

	if (!tty_readable(t))
		return TTY_INPUT_SIZE;
	return free > 1 ? free - 1 : 0;
}

void tty_flush_input(struct tty *t)
{
	t->tail = t->committed = t->head;
}

void tty_set_termios(struct tty *t, const struct tty_termios *termios)
{
	t->termios = *termios;
	/* An unfinished line becomes readable when raw mode begins. */
	if (!lflag(t, TTY_ICANON))
		t->committed = t->head;
}

size_t tty_output(const struct tty *t, const uint8_t *in, size_t len, size_t *used, uint8_t *out,
		  size_t room)
{
	uint32_t want = TTY_OPOST | TTY_ONLCR;
	bool crnl = (t->termios.oflag & want) == want;
	size_t n = 0, i;

	for (i = 0; i < len; i++) {
		bool two = crnl && in[i] == '\n';

		if (n + 1 + two > room)
			break;
		if (two)
			out[n++] = '\r';
		out[n++] = in[i];
	}
	*used = i;
	return n;
}
