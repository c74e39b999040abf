// SPDX-License-Identifier: GPL-2.0-or-later
// Words of the command line that tune threads: when the watchdog barks, and how long idle CPUs look
// for work before they halt.
#include "boot/init.h"
#include "boot/words.h"
#include "thread/thread.h"
#include "thread/watchdog.h"

void boot_start_watchdog(const struct boot_info *info)
{
	watchdog_start(boot_word_number(info->cmdline, "watchdog") * 1000000000ull);
}

void boot_tune_idle(const struct boot_info *info)
{
	thread_set_idle_poll(boot_word_number(info->cmdline, "idle.poll") * 1000);
}
