// SPDX-License-Identifier: GPL-2.0-or-later
// The early console is the log's first sink. `loglevel=` chooses what it shows; everything stays in
// the log's ring whatever the level.
#include "boot/early_console.h"
#include "boot/init.h"
#include "cpu/log.h"
#include "lib/cmdline.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "lib/version.h"

static const struct log_sink console_sink = { .write = early_console_write };

static const char *const level_names[] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warn",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

static bool level_by_name(const char *name, enum log_level *level)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(level_names); i++) {
		if (strcmp(name, level_names[i]) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void boot_init_log(const struct boot_info *info)
{
	char name[8];
	enum log_level level = LOG_INFO;
	int len = cmdline_str(info->cmdline, "loglevel", name, sizeof(name));
	bool understood = len == -ENOENT || (len >= 0 && level_by_name(name, &level));
	log_add_sink(&console_sink, level);
	log_info("Strata %s (%s), protocol %x, loader %#x, command line '%s'", strata_version,
		 strata_config, info->protocol, info->loader_type, info->cmdline);
	if (!understood)
		log_warn("loglevel= wants error, warn, info or debug");
}
