// SPDX-License-Identifier: GPL-2.0-or-later
// A word runs to the next white space outside quotes; its first '=' splits it. Quotes around a
// whole value are taken off, a quote that is never closed runs to the end of the line.
#include "boot/cmdline.h"

#include "lib/string.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void strip_quotes(struct cmdline_word *word)
{
	if (word->value_len == 0 || word->value[0] != '"')
		return;
	word->value++;
	word->value_len--;
	if (word->value_len > 0 && word->value[word->value_len - 1] == '"')
		word->value_len--;
}

bool cmdline_next(const char **cursor, struct cmdline_word *word)
{
	const char *p = *cursor;
	while (is_space(*p))
		p++;
	*word = (struct cmdline_word){ .name = p };
	bool quoted = false;
	for (; *p != '\0' && (quoted || !is_space(*p)); p++) {
		if (*p == '"')
			quoted = !quoted;
		if (*p == '=' && !word->value) {
			word->name_len = (size_t)(p - word->name);
			word->value = p + 1;
		}
	}
	*cursor = p;
	if (p == word->name)
		return false;
	if (word->value) {
		word->value_len = (size_t)(p - word->value);
		strip_quotes(word);
	} else {
		word->name_len = (size_t)(p - word->name);
	}
	return true;
}

bool cmdline_name_is(const struct cmdline_word *word, const char *name)
{
	return strlen(name) == word->name_len && memcmp(name, word->name, word->name_len) == 0;
}

bool cmdline_find(const char *cmdline, const char *name, struct cmdline_word *word)
{
	struct cmdline_word w;
	bool found = false;
	while (cmdline_next(&cmdline, &w)) {
		if (cmdline_name_is(&w, name)) {
			*word = w;
			found = true;
		}
	}
	return found;
}

bool cmdline_has(const char *cmdline, const char *name)
{
	struct cmdline_word word;
	return cmdline_find(cmdline, name, &word);
}

bool cmdline_copy(const char *cmdline, const char *name, char *buf, size_t size)
{
	struct cmdline_word word;
	if (size == 0 || !cmdline_find(cmdline, name, &word) || !word.value)
		return false;
	size_t len = MIN(word.value_len, size - 1);
	memcpy(buf, word.value, len);
	buf[len] = '\0';
	return true;
}
