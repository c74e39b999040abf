// SPDX-License-Identifier: GPL-2.0-or-later
// A buffer between the terminal and its readers. Linear, since it is empty nearly always: bytes are
// taken at `start` and added at `end`. While much is pasted it never becomes empty: what is in it
// is moved to the front when that is no longer than what was taken, so that no more of it is
// touched than twice what waits.

#include "mgmt/shell/keys.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "mgmt/lib/clock.h"
#include "mgmt/lib/frame.h"

#define FRAME_PAUSE_MS 2000
#define MARK_PAUSE_MS \
	200 /* a program sends its marks at once; a person waits for what the key does */

static struct {
	int fd;
	void (*ready)(void);
} also = { .fd = -1 };

static void (*take_frame)(const char *body);

static char kept[65536];
static size_t start, end;

static struct termios cooked;
static int depth;
static bool is_terminal;

void keys_are_no_signals(void)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &t))
		return;
	/* readline sets ISIG again, but not the characters. */
	t.c_cc[VINTR] = t.c_cc[VQUIT] = t.c_cc[VSUSP] = _POSIX_VDISABLE;
	t.c_iflag &= ~(tcflag_t)(IXON | IXOFF | IXANY);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
}

void keys_begin(void)
{
	struct termios raw;

	if (depth++)
		return;
	is_terminal = tcgetattr(STDIN_FILENO, &cooked) == 0;
	if (!is_terminal)
		return;
	raw = cooked;
	cfmakeraw(&raw);
	raw.c_oflag |= OPOST | ONLCR;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

void keys_end(void)
{
	if (--depth == 0 && is_terminal)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &cooked);
}

static void compact(void)
{
	memmove(kept, kept + start, end - start);
	end -= start;
	start = 0;
}

bool keys_full(void)
{
	if (end == sizeof(kept) && start)
		compact();
	return end == sizeof(kept);
}

void keys_also_wait(int fd, void (*ready)(void))
{
	also.fd = fd;
	also.ready = ready;
}

/* Until there are keys, or no more will come. */
static void wait_for_keys(void)
{
	struct pollfd fds[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
				 { .fd = also.fd, .events = POLLIN } };

	while (also.fd >= 0 && (poll(fds, 2, -1) >= 0 || errno == EINTR) && !fds[0].revents) {
		if (fds[1].revents & POLLIN)
			also.ready();
	}
}

/* How many came; 0: none, no more will, or there is no room. */
static size_t fill(void)
{
	if (keys_full())
		return 0;
	wait_for_keys();
	if (start >= end - start)
		compact();
	ssize_t n = read(STDIN_FILENO, kept + end, sizeof(kept) - end);
	if (n <= 0)
		return 0;
	end += (size_t)n;
	return (size_t)n;
}

bool keys_fill_until_interrupt(void)
{
	size_t came = fill();
	char *c;

	if (!came)
		return false;
	c = memchr(kept + end - came, KEY_INTERRUPT, came);
	if (!c)
		return false;
	memmove(c, c + 1, (size_t)(kept + end - c - 1));
	end--;
	return true;
}

static int next_byte(void)
{
	if (start == end) {
		start = end = 0;
		if (!fill())
			return -1;
	}
	return (unsigned char)kept[start++];
}

void keys_on_frame(void (*take)(const char *body))
{
	take_frame = take;
}

/* A frame's bytes come close together: a longer pause says that its end was lost. */
static bool goes_on(int pause_ms)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

	return start != end || poll(&p, 1, pause_ms) == 1;
}

/* Behind the mark. */
static void read_frame(void)
{
	static struct frame_reader reader;

	int c = FRAME_MARK;

	/* To the end of the line, also when the frame is broken: its rest is no command. */
	while (c >= 0 && c != '\r' && c != '\n') {
		(void)frame_take(&reader, (uint8_t)c); /* only an end of line completes one */
		c = goes_on(FRAME_PAUSE_MS) ? next_byte() : -1;
	}
	const char *body = c < 0 ? NULL : frame_take(&reader, (uint8_t)c);
	if (body)
		take_frame(body);
}

/* Cuts a Ctrl-C out of the keys before `until`. */
static bool take_interrupt(const char *until)
{
	char *c = memchr(kept + start, KEY_INTERRUPT, (size_t)(until - (kept + start)));

	if (!c)
		return false;
	memmove(c, c + 1, (size_t)(kept + end - c - 1));
	end--;
	return true;
}

enum keys_waited keys_wait_frame(int ms)
{
	struct pollfd key = { .fd = STDIN_FILENO, .events = POLLIN };
	static char before[sizeof(kept)];
	int64_t end_ms = now_ms() + ms;
	char *mark;
	size_t n;

	while (!(mark = memchr(kept + start, FRAME_MARK, end - start))) {
		if (take_interrupt(kept + end))
			return KEYS_INTERRUPT;
		/* What somebody has typed all the time cannot be kept without end. */
		if (keys_full())
			start = end = 0;
		ms = (int)(end_ms - now_ms());
		if (ms <= 0 || poll(&key, 1, ms) != 1 || !fill())
			return KEYS_NONE;
	}
	if (take_interrupt(mark))
		return KEYS_INTERRUPT;
	n = (size_t)(mark - (kept + start));
	memcpy(before, kept + start, n);
	start += n + 1;
	read_frame();
	keys_unget(before, n);
	return KEYS_FRAME;
}

int keys_next(void)
{
	int c;

	while ((c = next_byte()) == FRAME_MARK && take_frame)
		read_frame();
	return c;
}

bool keys_take_mark(void)
{
	int c = next_byte(), next = goes_on(MARK_PAUSE_MS) ? next_byte() : -1;

	if (c == FRAME_MARK && next == FRAME_MARK && take_frame) {
		read_frame();
		return true;
	}
	if (next >= 0)
		keys_unget(&(char){ (char)next }, 1);
	return false;
}

size_t keys_take(char *buf, size_t room)
{
	size_t n = end - start < room ? end - start : room;

	memcpy(buf, kept + start, n);
	start += n;
	return n;
}

void keys_unget(const char *buf, size_t len)
{
	compact();
	if (len > sizeof(kept) - end)
		len = sizeof(kept) - end;
	memmove(kept + len, kept, end);
	memcpy(kept, buf, len);
	end += len;
}

bool keys_kept(void)
{
	return end > start;
}

/* ---- a terminal's report ---- */

/* Where it stands among the kept keys, and its length; NULL: it is not there, or not whole. */
static char *find_report(unsigned *rows, unsigned *columns, size_t *len)
{
	for (char *p = kept + start; p < kept + end; p++) {
		char text[32];
		size_t n = (size_t)(kept + end - p) < sizeof(text) - 1 ? (size_t)(kept + end - p)
								       : sizeof(text) - 1;
		int length = 0;
		char last = 0;

		if (*p != '\033')
			continue;
		memcpy(text, p, n);
		text[n] = '\0';
		if (sscanf(text, "\033[%5u;%5u%c%n", rows, columns, &last, &length) == 3 &&
		    last == 'R') {
			*len = (size_t)length;
			return p;
		}
	}
	return NULL;
}

bool keys_take_report(unsigned *rows, unsigned *columns, int ms)
{
	struct pollfd key = { .fd = STDIN_FILENO, .events = POLLIN };
	size_t len;
	char *at;

	while (!(at = find_report(rows, columns, &len))) {
		if (poll(&key, 1, ms) != 1 || !fill())
			return false;
	}
	memmove(at, at + len, (size_t)(kept + end - at) - len);
	end -= len;
	return true;
}
