// SPDX-License-Identifier: GPL-2.0-or-later
// A scanner over a copy of the line: it writes each word, unquoted, back into the copy, which is
// never shorter than what it writes.

#include <stdlib.h>
#include <string.h>

#include "mgmt/shell/shell.h"

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Copies the quoted part at *in (after the quote) to *out; false when it is not closed. */
static bool take_quoted(const char **in, char **out, char quote)
{
	while (**in && **in != quote) {
		if (**in == '\\' && quote == '"' && (*in)[1])
			(*in)++;
		*(*out)++ = *(*in)++;
	}
	if (!**in)
		return false;
	(*in)++;
	return true;
}

/* Copies one word; NULL or why it is none. */
static const char *take_word(const char **in, char **out)
{
	while (**in && !blank(**in)) {
		char c = *(*in)++;

		if (c == '\'' || c == '"') {
			if (!take_quoted(in, out, c))
				return "a quote is not closed";
		} else if (c == '\\') {
			if (!**in)
				return "nothing follows the last \\";
			*(*out)++ = *(*in)++;
		} else {
			*(*out)++ = c;
		}
	}
	return NULL;
}

int words_split(const char *line, char *words[WORDS_MAX], char **buffer, const char **error)
{
	const char *in = line;
	char *out = malloc(2 * strlen(line) + 1);
	int n = 0;

	*buffer = out;
	*error = out ? NULL : "no memory";
	while (!*error) {
		while (blank(*in))
			in++;
		if (!*in || *in == '#')
			return n;
		if (n == WORDS_MAX) {
			*error = "more than 64 words";
			break;
		}
		words[n++] = out;
		*error = take_word(&in, &out);
		*out++ = '\0';
	}
	free(*buffer);
	*buffer = NULL;
	return -1;
}
