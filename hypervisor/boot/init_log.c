// SPDX-License-Identifier: GPL-2.0-or-later
// The early console is the log's first sink, the terminal among its ports apart from the others.
// `strata.log=` chooses what it shows; everything stays in the log's ring whatever the level.
#include "boot/early_console.h"
#include "boot/init.h"
#include "boot/words.h"
#include "cpu/log.h"
#include "lib/version.h"

static const struct log_sink terminal_sink = { .write = early_console_write_terminal,
					       .terminal = true };
static const struct log_sink others_sink = { .write = early_console_write_others };

static void warn(const char *line)
{
	log_warn("%s", line);
}

void boot_init_log(const struct boot_info *info)
{
	/* The alternatives of the word stand in the levels' order. */
	int level = boot_word_choice(info->cmdline, "strata.log");

	log_add_sink(&terminal_sink, level >= 0 ? (enum log_level)level : LOG_INFO);
	log_add_sink(&others_sink, level >= 0 ? (enum log_level)level : LOG_INFO);
	log_info("Strata %s (%s), protocol %x, loader %#x, command line '%s'", strata_version,
		 strata_config, info->protocol, info->loader_type, info->cmdline);
	boot_words_check(info->cmdline, DEBUG_BUILD, warn);
}
