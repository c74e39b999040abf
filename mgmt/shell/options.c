// SPDX-License-Identifier: GPL-2.0-or-later
// Options and numbers among a verb's words. What is taken out closes up the rest, so that a handler
// is left with its plain arguments.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mgmt/shell/shell.h"

#define SECONDS_MAX 86400

bool option_seconds(const char *word, int64_t *ms)
{
	char *end;

	if (*word < '0' || *word > '9' || strspn(word, "0123456789.") != strlen(word))
		return false;
	double seconds = strtod(word, &end);
	if (*end || seconds > SECONDS_MAX)
		return false;
	*ms = (int64_t)(seconds * 1000 + 0.5);
	return true;
}

bool option_number(const char *word, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end;

	if (*word < '0' || *word > '9')
		return false;
	errno = 0;
	*out = strtoull(word, &end, strncasecmp(word, "0x", 2) ? 10 : 16);
	return !*end && !errno && *out >= min && *out <= max;
}

static void take_out(int *argc, char **argv, int at, int n)
{
	memmove(argv + at, argv + at + n, sizeof(*argv) * (size_t)(*argc - at - n));
	*argc -= n;
}

int option_take(int *argc, char **argv, const char *name, const char **value)
{
	for (int i = 0; i < *argc; i++) {
		if (strcmp(argv[i], name) != 0)
			continue;
		if (i + 1 == *argc)
			return -1;
		*value = argv[i + 1];
		take_out(argc, argv, i, 2);
		return 1;
	}
	return 0;
}

bool option_flag(int *argc, char **argv, const char *name)
{
	for (int i = 0; i < *argc; i++) {
		if (!strcmp(argv[i], name)) {
			take_out(argc, argv, i, 1);
			return true;
		}
	}
	return false;
}
