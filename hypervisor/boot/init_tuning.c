// SPDX-License-Identifier: GPL-2.0-or-later
// Words of the command line that tune threads: when the watchdog barks, and how long idle CPUs look
// for work before they halt.
#include "boot/init.h"
#include "cpu/log.h"
#include "cpu/watch.h"
#include "lib/cmdline.h"
#include "lib/errno.h"
#include "thread/idle_poll.h"
#include "thread/thread.h"
#include "thread/watchdog.h"

#define WATCHDOG_MAX_S   3600u
#define IDLE_POLL_MAX_US 10000u

/* The number, or `otherwise` when the word is not there or is not one up to max. */
static uint64_t number(const struct boot_info *info, const char *word, const char *unit,
		       uint64_t max, uint64_t otherwise)
{
	uint64_t value;
	int err = cmdline_u64(info->cmdline, word, &value);

	if (err == 0 && value <= max)
		return value;
	if (err != -ENOENT)
		log_warn("command line: %s: expected %s from 0 to %llu", word, unit,
			 (unsigned long long)max);
	return otherwise;
}

void boot_start_watchdog(const struct boot_info *info)
{
	watchdog_start(number(info, "watchdog", "seconds", WATCHDOG_MAX_S,
			      WATCH_LIMIT_NS / 1000000000ull) *
		       1000000000ull);
}

void boot_tune_idle(const struct boot_info *info)
{
	thread_set_idle_poll(number(info, "idle.poll", "microseconds", IDLE_POLL_MAX_US,
				    IDLE_POLL_MAX_NS / 1000) *
			     1000);
}
