// SPDX-License-Identifier: GPL-2.0-or-later
// Command-line words. One scanner splits a word off the line; who asks walks the whole line with it
// and keeps the last match, so that what a boot menu appends overrides what came before.
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

static bool is_text(const char *at, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(at, text, len) == 0;
}

bool cmdline_is(const struct cmdline_word *w, const char *name)
{
	return is_text(w->name, w->name_len, name);
}

bool cmdline_value_is(const struct cmdline_word *w, const char *value)
{
	return w->value != NULL && is_text(w->value, w->value_len, value);
}

bool cmdline_ends(const struct cmdline_word *w)
{
	return w->value == NULL && cmdline_is(w, "--");
}

int cmdline_copy(const struct cmdline_word *w, char *buf, size_t size)
{
	if (w->value == NULL)
		return -EINVAL;
	if (w->value_len >= size)
		return -ENAMETOOLONG;
	memcpy(buf, w->value, w->value_len);
	buf[w->value_len] = '\0';
	return (int)w->value_len;
}

int cmdline_number(const struct cmdline_word *w, uint64_t *out)
{
	return w->value != NULL ? str_to_u64(w->value, w->value_len, true, out) : -EINVAL;
}
