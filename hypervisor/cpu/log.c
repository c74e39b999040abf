// SPDX-License-Identifier: GPL-2.0-or-later
// Lines of fixed length in a ring, numbered from 0 for ever. A raw lock (below all others,
// interrupts are off) makes a line whole; sinks are called under it, so that lines of two CPUs
// never mix.
#include "cpu/log.h"

#include "cpu/cpu.h"
#include "cpu/log_private.h"
#include "cpu/time.h"
#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define LINES     512
#define LINE_SIZE 256
#define SINKS     4

/* Locks: [l] lock   [I] immutable after start */
static struct {
	uint32_t lock;
	uint64_t next;                       /* [l] number of the next line */
	char lines[LINES][LINE_SIZE];        /* [l] */
	struct log_about about[LINES];       /* [l] */
	const struct log_sink *sinks[SINKS]; /* [I] */
	enum log_level levels[SINKS];        /* [l] */
	bool taken;                          /* [l] the terminal is somebody's ... */
	bool suspended;                      /* [l] ... but for now, until he takes a line */
	uint64_t untaken;                    /* [l] ... who has seen the lines before this one */
	void (*kick)(void);                  /* [l] */
} state;

/* Without its newline, cut to the room; its length. */
static size_t copy_line(const char *line, char *buf, size_t len)
{
	size_t n = MIN(strlen(line) - 1, len ? len - 1 : 0);

	memcpy(buf, line, n);
	if (len)
		buf[n] = '\0';
	return n;
}

static void acquire(void)
{
	while (__atomic_exchange_n(&state.lock, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
}

static void release(void)
{
	__atomic_store_n(&state.lock, 0, __ATOMIC_RELEASE);
}

static bool is_left_to_reader(void)
{
	return state.taken && !state.suspended;
}

static void emit(const char *text, enum log_level level)
{
	for (int i = 0; i < SINKS && state.sinks[i]; i++) {
		if (level <= state.levels[i] && !(is_left_to_reader() && state.sinks[i]->terminal))
			state.sinks[i]->write(text, strlen(text));
	}
}

/* What a terminal shows. */
static bool is_shown(enum log_level level)
{
	for (int i = 0; i < SINKS && state.sinks[i]; i++) {
		if (state.sinks[i]->terminal && level <= state.levels[i])
			return true;
	}
	return false;
}

/* To the next line that waits; false: none. What the ring has lost is passed over. */
static bool find_waiting(void)
{
	if (state.untaken + LINES < state.next)
		state.untaken = state.next - LINES;
	while (state.untaken < state.next && !is_shown(state.about[state.untaken % LINES].level))
		state.untaken++;
	return is_left_to_reader() && state.untaken < state.next;
}

/* To the terminals alone. */
static void emit_waiting(void)
{
	while (find_waiting()) {
		uint64_t n = state.untaken++ % LINES;

		for (int i = 0; i < SINKS && state.sinks[i]; i++) {
			if (state.sinks[i]->terminal && state.about[n].level <= state.levels[i])
				state.sinks[i]->write(state.lines[n], strlen(state.lines[n]));
		}
	}
}

void log_last_words(void)
{
	emit_waiting();
	state.taken = false;
}

int log_take_over(void (*kick)(void))
{
	int rc = 0;

	acquire();
	if (state.taken)
		rc = -EBUSY;
	else
		state.untaken = state.next;
	if (rc == 0)
		state.kick = kick;
	state.taken = true;
	state.suspended = false;
	release();
	return rc;
}

int64_t log_take(char *buf, size_t len)
{
	int64_t ret = -ENOENT;

	acquire();
	state.suspended = false;
	if (find_waiting())
		ret = (int64_t)copy_line(state.lines[state.untaken++ % LINES], buf, len);
	release();
	return ret;
}

bool log_waits(void)
{
	acquire();
	bool waits = find_waiting() || (state.taken && state.suspended);
	release();
	return waits;
}

void log_give_back(void)
{
	acquire();
	emit_waiting();
	state.taken = false;
	release();
}

void log_show_now(void)
{
	acquire();
	emit_waiting();
	state.suspended = true;
	release();
}

void log_repeat(void (*write)(const char *text, size_t len), void (*then)(void))
{
	acquire();
	for (uint64_t n = state.next > LINES ? state.next - LINES : 0; n < state.next; n++) {
		const char *line = state.lines[n % LINES];

		if (is_shown(state.about[n % LINES].level))
			write(line, strlen(line));
	}
	then();
	release();
}

void log_emit(const char *text)
{
	emit(text, LOG_ERROR);
}

void log_add_sink(const struct log_sink *sink, enum log_level level)
{
	int i = 0;

	while (i < SINKS && state.sinks[i])
		i++;
	ASSERT(i < SINKS);
	state.levels[i] = level;
	state.sinks[i] = sink;
}

void log_set_level(const struct log_sink *sink, enum log_level level)
{
	for (int i = 0; i < SINKS; i++) {
		if (state.sinks[i] == sink)
			state.levels[i] = level;
	}
}

enum log_level log_level(void)
{
	return __atomic_load_n(&state.levels[0], __ATOMIC_RELAXED);
}

enum log_level log_set_levels(enum log_level level)
{
	enum log_level before;

	acquire();
	before = state.levels[0];
	for (int i = 0; i < SINKS; i++)
		state.levels[i] = level;
	release();
	return before;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	void (*kick)(void) = NULL;
	char line[LINE_SIZE];
	va_list ap;

	va_start(ap, fmt);
	size_t len = fmt_vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	len = MIN(len, sizeof(line) - 2);
	memcpy(line + len, "\n", 2);
	acquire();
	state.about[state.next % LINES] = (struct log_about){ .ns = time_now(), .level = level };
	memcpy(state.lines[state.next++ % LINES], line, len + 2);
	emit(line, level);
	if (state.suspended)
		state.untaken = state.next;
	if (state.taken && is_shown(level))
		kick = state.kick;
	release();
	if (kick)
		kick();
}

int64_t log_read(uint64_t *seq, char *buf, size_t len, struct log_about *about)
{
	int64_t ret = -ENOENT;

	acquire();
	if (state.next > LINES && *seq < state.next - LINES)
		*seq = state.next - LINES;
	if (*seq < state.next) {
		ret = (int64_t)copy_line(state.lines[*seq % LINES], buf, len);
		if (about)
			*about = state.about[*seq % LINES];
		(*seq)++;
	}
	release();
	return ret;
}
