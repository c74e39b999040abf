// SPDX-License-Identifier: GPL-2.0-or-later
// When the watchdog barks: by default after ten seconds, by the command line after 1 to 3600.
#include "boot/init.h"
#include "cpu/log.h"
#include "cpu/watch.h"
#include "lib/cmdline.h"
#include "lib/errno.h"
#include "thread/watchdog.h"

#define SECONDS_MAX 3600

void boot_start_watchdog(const struct boot_info *info)
{
	uint64_t limit = WATCH_LIMIT_NS, seconds;
	int err = cmdline_u64(info->cmdline, "watchdog", &seconds);

	if (err == 0 && seconds <= SECONDS_MAX)
		limit = seconds * 1000000000ull;
	else if (err != -ENOENT)
		log_warn("command line: watchdog: expected seconds from 0 to %u", SECONDS_MAX);
	watchdog_start(limit);
}
