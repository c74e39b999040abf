// SPDX-License-Identifier: GPL-2.0-or-later
// log: the kernel's log, of a level and graver, and what of it the console is to show.

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mgmt/lib/strata.h"
#include "mgmt/shell/shell.h"

#define LINE_MAX_BYTES 512

static const char *const levels[] = { "error", "warn", "info", "debug" };
#define LEVELS (sizeof(levels) / sizeof(levels[0]))

/* LEVELS: no such name. */
static uint32_t level_of(const char *name)
{
	uint32_t i = 0;

	while (i < LEVELS && strcmp(levels[i], name) != 0)
		i++;
	return i;
}

static const char *level_name(uint32_t level)
{
	return level < LEVELS ? levels[level] : "?";
}

/* The next line of the level and graver; false: there is none. *sequence becomes the number behind
 * it. */
static bool next_line(uint64_t *sequence, uint32_t level, char line[LINE_MAX_BYTES],
		      struct log_line *about)
{
	while (strata_log_read(sequence, line, LINE_MAX_BYTES, about) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		if (about->level <= level)
			return true;
	}
	return false;
}

static uint64_t count_lines(uint32_t level)
{
	char line[LINE_MAX_BYTES];
	struct log_line about;
	uint64_t sequence = 0, n = 0;

	while (next_line(&sequence, level, line, &about))
		n++;
	return n;
}

static void print_line(const struct session *s, uint64_t sequence, const char *line,
		       const struct log_line *about)
{
	if (s->json)
		shell_print_json(json_pack("{s:I,s:I,s:s,s:s}", "sequence", (json_int_t)sequence,
					   "ns", (json_int_t)about->ns, "level",
					   level_name(about->level), "line", line));
	else
		printf("%6" PRIu64 ".%03" PRIu64 " %-5s %s\n", about->ns / 1000000000,
		       about->ns / 1000000 % 1000, level_name(about->level), line);
}

int cmd_log(struct session *s, int argc, char **argv)
{
	uint32_t level = argc ? level_of(argv[0]) : LEVELS;
	uint64_t sequence = 0, skip = 0, wanted, all;
	char line[LINE_MAX_BYTES];
	struct log_line about;

	if (level < LEVELS)
		argc--, argv++;
	else
		level = LEVELS - 1;
	if (argc > 1 || (argc == 1 && !option_number(argv[0], 0, UINT64_MAX, &wanted)))
		return STATUS_USAGE;
	if (argc == 1) {
		all = count_lines(level);
		skip = all > wanted ? all - wanted : 0;
	}
	while (next_line(&sequence, level, line, &about)) {
		if (skip)
			skip--;
		else
			print_line(s, sequence - 1, line, &about);
	}
	return STATUS_OK;
}

int cmd_log_level(struct session *s, int argc, char **argv)
{
	uint32_t level = argc ? level_of(argv[0]) : LEVELS;
	int ret;

	if (argc && level == LEVELS)
		return shell_fail(s, "log level: %s: expected error, warn, info or debug", argv[0]);
	ret = strata_log_level(argc ? level : LOG_LEVEL_QUERY);
	if (ret < 0)
		return shell_no_answer(s, "log level", ret);
	if (!argc)
		level = (uint32_t)ret;
	if (s->json)
		shell_print_json(json_pack("{s:s}", "level", level_name(level)));
	else
		printf("the console shows: %s%s\n", level_name(level),
		       level ? " and what is graver" : "");
	return STATUS_OK;
}
