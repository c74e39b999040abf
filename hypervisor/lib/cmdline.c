// SPDX-License-Identifier: GPL-2.0-or-later
// Command-line words. One scanner splits a word off the line; every query walks the whole line with
// it and keeps the last match, so that what a boot menu appends overrides what came before.
#include "lib/cmdline.h"
#include "lib/errno.h"
#include "lib/string.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void scan_value(const char **pos, struct cmdline_word *w)
{
	const char *p = *pos;
	bool quoted = *p == '"';

	if (quoted)
		p++;
	w->value = p;
	while (*p != '\0' && (quoted ? *p != '"' : !is_blank(*p)))
		p++;
	w->value_len = (size_t)(p - w->value);
	if (quoted && *p == '"')
		p++;
	*pos = p;
}

bool cmdline_next(const char **pos, struct cmdline_word *w)
{
	const char *p = *pos;

	while (is_blank(*p))
		p++;
	*w = (struct cmdline_word){ .name = p };
	while (*p != '\0' && *p != '=' && !is_blank(*p))
		p++;
	w->name_len = (size_t)(p - w->name);
	if (*p == '=') {
		p++;
		scan_value(&p, w);
	}
	*pos = p;
	return w->name_len != 0 || w->value != NULL;
}

bool cmdline_find(const char *line, const char *name, struct cmdline_word *w)
{
	size_t len = strlen(name);
	struct cmdline_word word;
	bool found = false;

	while (cmdline_next(&line, &word)) {
		if (word.name_len == len && memcmp(word.name, name, len) == 0) {
			*w = word;
			found = true;
		}
	}
	return found;
}

bool cmdline_has(const char *line, const char *name)
{
	struct cmdline_word w;

	return cmdline_find(line, name, &w);
}

int cmdline_str(const char *line, const char *name, char *buf, size_t size)
{
	struct cmdline_word w;

	if (!cmdline_find(line, name, &w))
		return -ENOENT;
	if (w.value == NULL)
		return -EINVAL;
	if (w.value_len >= size)
		return -ENAMETOOLONG;
	memcpy(buf, w.value, w.value_len);
	buf[w.value_len] = '\0';
	return (int)w.value_len;
}

int cmdline_u64(const char *line, const char *name, uint64_t *out)
{
	struct cmdline_word w;

	if (!cmdline_find(line, name, &w))
		return -ENOENT;
	if (w.value == NULL)
		return -EINVAL;
	return str_to_u64(w.value, w.value_len, true, out);
}
