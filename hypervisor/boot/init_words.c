// SPDX-License-Identifier: GPL-2.0-or-later
// The command line up to a lone `--` is the kernel's, but for the words of `forwards`, which become
// options of init; what follows is copied argument by argument, a byte at a time, so that quotes
// may stand anywhere in one.
#include "boot/init_words.h"

#include "boot/words.h"
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
		if (cmdline_ends(&word))
			return cmdline;
	}
	return NULL;
}

static int find_path(const char *cmdline, char path[INIT_PATH_MAX])
{
	str_copy(path, INIT_PATH_DEFAULT, INIT_PATH_MAX);
	return boot_word_str(cmdline, "init", path, INIT_PATH_MAX) == -ENAMETOOLONG ? -E2BIG : 0;
}

/* Words whose values go to init as the option's argument, less the values that are the kernel's
 * own. */
static const struct {
	const char word[16], option[4];
	const char own[2][16];
} forwards[] = {
	{ .word = "strata.run", .option = "-r" },
	{ .word = "strata.exit", .option = "-e", .own = { "init", "selftest" } },
};

static bool add_string(struct init_words *w, const char *s, size_t len)
{
	bool fits = true;

	for (size_t i = 0; i < len; i++)
		fits = fits && add_byte(w, s[i]);
	w->nr_args++;
	return fits && add_byte(w, '\0');
}

/* The last word of that name counts, as everywhere. */
static bool forward_words(struct init_words *w, const char *cmdline)
{
	struct cmdline_word word;

	for (size_t i = 0; i < ARRAY_SIZE(forwards); i++) {
		if (!boot_word_find(cmdline, forwards[i].word, &word) ||
		    cmdline_value_is(&word, forwards[i].own[0]) ||
		    cmdline_value_is(&word, forwards[i].own[1]))
			continue;
		if (!add_string(w, forwards[i].option, strlen(forwards[i].option)) ||
		    !add_string(w, word.value, word.value_len))
			return false;
	}
	return true;
}

int init_words_parse(const char *cmdline, struct init_words *w)
{
	const char *rest = find_rest(cmdline), *p;
	int rc = find_path(cmdline, w->path);

	w->args_size = str_copy(w->args, w->path, sizeof(w->args)) + 1;
	w->nr_args = 1;
	if (rc != 0)
		return rc;
	if (!forward_words(w, cmdline))
		return -E2BIG;
	if (rest == NULL)
		return 0;
	for (p = skip_blanks(rest); *p != '\0'; p = skip_blanks(p)) {
		if (!add_arg(w, &p))
			return -E2BIG;
	}
	return 0;
}
