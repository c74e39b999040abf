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
/* Locks: [I] immutable after start   [l] the log's */
struct place {
	const struct log_sink *sink; /* [I] NULL: none, and none behind it */
	enum log_level level;        /* [l] */
	bool taken;                  /* [l] the terminal is somebody's ... */
	bool suspended;              /* [l] ... but for now, until he takes a line */
	uint64_t untaken;            /* [l] ... who has seen the lines before this one */
};

/* Locks: [l] lock */
static struct {
	uint32_t lock;
	uint64_t next;                      /* [l] number of the next line */
	char lines[LINES][LINE_SIZE];       /* [l] */
	struct log_about about[LINES];      /* [l] */
	struct place places[LOG_SINKS_MAX]; /* [l] */
	void (*kick)(void);                 /* [l] */
} state;

#define for_each_place(p) \
	for (struct place *p = state.places; p < state.places + LOG_SINKS_MAX && p->sink; p++)

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

static bool is_left_to_reader(const struct place *p)
{
	return p->taken && !p->suspended;
}

static void write_to(const struct place *p, const char *text)
{
	p->sink->write(p->sink->console, text, strlen(text));
}

static void emit(const char *text, enum log_level level)
{
	for_each_place(p)
	{
		if (level <= p->level && !is_left_to_reader(p))
			write_to(p, text);
	}
}

/* To the next line that waits; false: none. What the ring has lost is passed over. */
static bool find_waiting(struct place *p)
{
	if (p->untaken + LINES < state.next)
		p->untaken = state.next - LINES;
	while (p->untaken < state.next && state.about[p->untaken % LINES].level > p->level)
		p->untaken++;
	return is_left_to_reader(p) && p->untaken < state.next;
}

static void emit_waiting(struct place *p)
{
	while (find_waiting(p))
		write_to(p, state.lines[p->untaken++ % LINES]);
}

void log_last_words(void)
{
	for_each_place(p)
	{
		emit_waiting(p);
		p->taken = false;
	}
}

static struct place *place_of(unsigned sink)
{
	return sink < LOG_SINKS_MAX && state.places[sink].sink ? &state.places[sink] : NULL;
}

int log_take_over(unsigned sink, void (*kick)(void))
{
	struct place *p = place_of(sink);

	if (p == NULL)
		return -ENODEV;
	acquire();
	if (p->taken) {
		release();
		return -EBUSY;
	}
	p->untaken = state.next;
	p->taken = true;
	p->suspended = false;
	state.kick = kick;
	release();
	return 0;
}

int64_t log_take(unsigned sink, char *buf, size_t len)
{
	struct place *p = place_of(sink);
	int64_t ret = -ENOENT;

	if (p == NULL)
		return ret;
	acquire();
	p->suspended = false;
	if (find_waiting(p))
		ret = (int64_t)copy_line(state.lines[p->untaken++ % LINES], buf, len);
	release();
	return ret;
}

bool log_waits(unsigned sink)
{
	struct place *p = place_of(sink);
	bool waits;

	if (p == NULL)
		return false;
	acquire();
	waits = find_waiting(p) || (p->taken && p->suspended);
	release();
	return waits;
}

void log_give_back(unsigned sink)
{
	struct place *p = place_of(sink);

	if (p == NULL)
		return;
	acquire();
	emit_waiting(p);
	p->taken = false;
	release();
}

void log_show_now(void)
{
	acquire();
	for_each_place(p)
	{
		emit_waiting(p);
		p->suspended = true;
	}
	release();
}

void log_repeat(void (*write)(const char *text, size_t len), void (*then)(void))
{
	acquire();
	for (uint64_t n = state.next > LINES ? state.next - LINES : 0; n < state.next; n++) {
		const char *line = state.lines[n % LINES];

		if (state.about[n % LINES].level <= state.places[0].level)
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
	unsigned i = 0;

	while (i < LOG_SINKS_MAX && state.places[i].sink)
		i++;
	ASSERT(i < LOG_SINKS_MAX);
	state.places[i].level = level;
	state.places[i].sink = sink;
}

enum log_level log_level(void)
{
	return __atomic_load_n(&state.places[0].level, __ATOMIC_RELAXED);
}

enum log_level log_set_levels(enum log_level level)
{
	enum log_level before;

	acquire();
	before = state.places[0].level;
	for_each_place(p) p->level = level;
	release();
	return before;
}

/* A line has come: whether somebody is to be told. */
static bool tell_readers(enum log_level level)
{
	bool tell = false;

	for_each_place(p)
	{
		if (p->suspended)
			p->untaken = state.next;
		tell |= p->taken && level <= p->level;
	}
	return tell;
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
	if (tell_readers(level))
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
