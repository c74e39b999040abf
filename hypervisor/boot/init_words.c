// SPDX-License-Identifier: GPL-2.0-or-later
// The command line up to a lone `--` is the kernel's; what follows is copied argument by argument,
// a byte at a time, so that quotes may stand anywhere in one.
#include "boot/init_words.h"

#include "lib/cmdline.h"
#include "lib/errno.h"
#include "lib/string.h"

static bool add_byte(struct init_words *w, char c)
{
	if (w->args_size == sizeof(w->args))
		return false;
	w->args[w->args_size++] = c;
	return true;
}

static const char *skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/* Copies the argument at *pos and moves *pos behind it. */
static bool add_arg(struct init_words *w, const char **pos)
{
	const char *p = *pos;
	bool quoted = false, fits = true;

	for (; *p != '\0' && (quoted || (*p != ' ' && *p != '\t')); p++) {
		if (*p == '"')
			quoted = !quoted;
		else
			fits = fits && add_byte(w, *p);
	}
	*pos = p;
	w->nr_args++;
	return fits && add_byte(w, '\0');
}

/* What follows the word `--`; NULL: there is none. */
static const char *find_rest(const char *cmdline)
{
	struct cmdline_word word;

	while (cmdline_next(&cmdline, &word)) {
		if (word.name_len == 2 && word.value == NULL && memcmp(word.name, "--", 2) == 0)
			return cmdline;
	}
	return NULL;
}

static int find_path(const char *cmdline, const char *rest, char path[INIT_PATH_MAX])
{
	struct cmdline_word word;

	str_copy(path, INIT_PATH_DEFAULT, INIT_PATH_MAX);
	while ((rest == NULL || cmdline < rest) && cmdline_next(&cmdline, &word)) {
		if (word.name_len != 4 || memcmp(word.name, "init", 4) != 0 || word.value_len == 0)
			continue;
		if (word.value_len >= INIT_PATH_MAX)
			return -E2BIG;
		memcpy(path, word.value, word.value_len);
		path[word.value_len] = '\0';
	}
	return 0;
}

int init_words_parse(const char *cmdline, struct init_words *w)
{
	const char *rest = find_rest(cmdline), *p;
	int rc = find_path(cmdline, rest, w->path);

	w->args_size = str_copy(w->args, w->path, sizeof(w->args)) + 1;
	w->nr_args = 1;
	if (rc != 0 || rest == NULL)
		return rc;
	for (p = skip_blanks(rest); *p != '\0'; p = skip_blanks(p)) {
		if (!add_arg(w, &p))
			return -E2BIG;
	}
	return 0;
}
