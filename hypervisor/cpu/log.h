/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel log, panic and assertions.
 *
 * log() formats one line into a ring in memory and gives it to the sinks (the early console). Any
 * context but an exit fast path: nothing there may print. The log has its own raw lock below all
 * others; an NMI or a panic never waits for it.
 */
#pragma once

#include "lib/types.h"

enum log_level {
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG
};

void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

/*
 * A sink is a terminal: it gets each line (with its newline), polled, at or below its level, but
 * for the time that somebody has taken the log over there. They are numbered as they are added.
 */
#define LOG_SINKS_MAX 8u
struct log_sink {
	void (*write)(unsigned console, const char *text, size_t len);
	unsigned console; /* the writer's number for it */
};
void log_add_sink(const struct log_sink *sink, enum log_level level);
/* What all sinks get from now on; the first one's level before. */
enum log_level log_set_levels(enum log_level level);
enum log_level log_level(void); /* of the first sink */

/*
 * Reads the first line whose sequence number is at least *seq into buf (NUL-terminated, cut to len)
 * and sets *seq to the next number; *about (NULL: not wanted) says when and how grave. Returns the
 * length or -ENOENT when there is none yet.
 */
struct log_about {
	uint64_t ns; /* time_now(); 0 before there is a clock */
	enum log_level level;
};
int64_t log_read(uint64_t *seq, char *buf, size_t len, struct log_about *about);

/*
 * Gives `write` every line that is still there and that the first sink shows, then calls `then`:
 * both under the log's lock, so that a device which joins a sink there misses no line and gets none
 * twice.
 */
void log_repeat(void (*write)(const char *text, size_t len), void (*then)(void));

/*
 * Whoever drives a terminal takes the log over there: lines that its sink would get wait for
 * log_take then. `kick` is called after each, in the writer's context: any, with locks held; one
 * for all sinks. -EBUSY: somebody has it; -ENODEV: no such sink. Lines that nobody takes are lost
 * to the terminal when the ring has gone round, not to log_read. A panic takes the terminals back
 * by itself, and says first what was not taken.
 */
int log_take_over(unsigned sink, void (*kick)(void)) __must_check;
/* The next line that waits, NUL-terminated, without its newline; its length, or -ENOENT. */
int64_t log_take(unsigned sink, char *buf, size_t len);
bool log_waits(unsigned sink);
/* Back to the sink, with what was not taken. */
void log_give_back(unsigned sink);
/* What waits, and what comes, goes to the terminals at once, until the reader of each takes the
 * next line: for what may be the readers' fault. */
void log_show_now(void);

/* Prints registers, a backtrace with symbols and the last trace events, stops all CPUs. For bugs of
 * ours alone. */
__noreturn void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Fatal condition that is not our bug (machine unfit): prints the line and stops; no backtrace. */
__noreturn void fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define ASSERT(cond)                                                                     \
	do {                                                                             \
		if (unlikely(!(cond)))                                                   \
			panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #cond); \
	} while (0)

#ifdef CONFIG_DEBUG
#define DEBUG_ASSERT(cond) ASSERT(cond)
#else
#define DEBUG_ASSERT(cond) ((void)sizeof(!(cond)))
#endif

/* Trace ring: per CPU, no lock, any context, a few instructions. `what` is a static string. */
void trace_event(const char *what, uint64_t a, uint64_t b);
