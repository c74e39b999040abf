// SPDX-License-Identifier: GPL-2.0-or-later
// One range after the other.
#include "mgmt/lib/cpu_list.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool number(const char **s, unsigned long *out)
{
	char *end;

	if (**s < '0' || **s > '9')
		return false;
	*out = strtoul(*s, &end, 10);
	*s = end;
	return *out < CPU_SET_BITS;
}

static bool range(const char **s, uint64_t *cpus)
{
	unsigned long first, last;

	if (!number(s, &first))
		return false;
	last = first;
	if (**s == '-') {
		(*s)++;
		if (!number(s, &last))
			return false;
	}
	for (unsigned long i = first; i <= last; i++)
		cpus[i / 64] |= 1ull << i % 64;
	return first <= last;
}

int cpu_list_parse(const char *text, uint64_t cpus[CPU_SET_BITS / 64])
{
	memset(cpus, 0, CPU_SET_BITS / 8);
	for (;; text++) {
		if (!range(&text, cpus))
			return -EINVAL;
		if (*text != ',')
			return *text ? -EINVAL : 0;
	}
}

static bool has(const uint64_t *cpus, unsigned i)
{
	return i < CPU_SET_BITS && (cpus[i / 64] >> i % 64 & 1);
}

void cpu_list_format(char *text, size_t room, const uint64_t cpus[CPU_SET_BITS / 64])
{
	size_t at = 0;

	*text = '\0';
	for (unsigned i = 0; i < CPU_SET_BITS && at < room; i++) {
		unsigned last = i;

		if (!has(cpus, i))
			continue;
		while (has(cpus, last + 1))
			last++;
		at += (size_t)snprintf(text + at, room - at, last > i ? "%s%u-%u" : "%s%u",
				       at ? "," : "", i, last);
		i = last;
	}
}
