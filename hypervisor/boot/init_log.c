// SPDX-License-Identifier: GPL-2.0-or-later
// Each early console is a sink of the log, of the same number. `strata.log=` chooses what they
// show; everything stays in the log's ring whatever the level.
#include "boot/console_place.h"
#include "boot/early_console.h"
#include "boot/early_map.h"
#include "boot/init.h"
#include "boot/words.h"
#include "cpu/log.h"
#include "lib/version.h"

static struct log_sink sinks[LOG_SINKS_MAX]; /* immutable after boot_init_log */
_Static_assert(CONSOLES_MAX < LOG_SINKS_MAX, "the virtio console has a sink as well");

static void warn(const char *line)
{
	log_warn("%s", line);
}

static const struct boot_info *refused_for;

static bool refused(const struct console_arg *arg, const struct cmdline_word *word)
{
	const char *why = console_refusal(arg, refused_for, early_map_reach());

	(void)word;
	if (why != NULL)
		log_warn("command line: console at address %#llx: %s: ignored",
			 (unsigned long long)arg->memory, why);
	return why != NULL;
}

/* Consoles where none may be: the words are good, the places are not. */
static void report_refused(const struct boot_info *info)
{
	struct console_args args;

	refused_for = info;
	console_args_parse(info->cmdline, refused, &args);
}

void boot_init_log(const struct boot_info *info)
{
	/* The alternatives of the word stand in the levels' order. */
	int level = boot_word_choice(info->cmdline, "strata.log");

	/* One always, for the level: with console=none it leads nowhere. */
	for (unsigned int i = 0; i == 0 || i < early_console_count(); i++) {
		sinks[i] = (struct log_sink){ .write = early_console_write_to, .console = i };
		log_add_sink(&sinks[i], level >= 0 ? (enum log_level)level : LOG_INFO);
	}
	log_info("Strata %s (%s), protocol %x, loader %#x, command line '%s'", strata_version,
		 strata_config, info->protocol, info->loader_type, info->cmdline);
	boot_words_check(info->cmdline, DEBUG_BUILD, warn);
	report_refused(info);
}
