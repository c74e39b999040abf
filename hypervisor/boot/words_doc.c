// SPDX-License-Identifier: GPL-2.0-or-later
// A program for the computer that builds: writes docs/boot.md out of the table of words.
#include <stdio.h>
#include <string.h>
#include "boot/words.h"

static const char intro[] =
	"# The kernel's command line\n"
	"\n"
	"Written by `make docs` from the table that reads it (`hypervisor/boot/words.c`). How the "
	"line gets there is the loader's matter: `docs/boot-anywhere.md`.\n"
	"\n"
	"Words are separated by blanks, each `name` or `name=value`; a value with blanks stands in "
	"double quotes. When a word comes twice the later one\n"
	"counts. What stands behind a lone `--` goes to the first process. In the table a value in "
	"capitals stands for a number (which may take K, M, G\n"
	"or T) or a text, one in small letters for itself.\n"
	"\n"
	"A word that is not in the table, and a value that does not fit, get one line each that "
	"names the word and what was expected, and have no\n"
	"effect. Words with a dot whose first part is none of the table's (`systemd.unit=`, "
	"`rd.debug`) are another program's and pass in silence.\n"
	"\n"
	"| word | without it | meaning |\n"
	"|---|---|---|\n";

/* A `|` inside of a cell would end it. */
static void put_escaped(const char *s)
{
	for (; *s != '\0'; s++)
		printf(*s == '|' ? "\\%c" : "%c", *s);
}

static void put_name(const struct boot_word *w)
{
	printf("| `%s", w->name);
	if (w->values != NULL) {
		printf(w->bare ? "[=" : "=");
		put_escaped(w->values);
		printf(w->bare ? "]" : "");
	}
	printf("` | ");
}

static void put_preset(const struct boot_word *w)
{
	if (w->preset != NULL)
		printf("%s", w->preset);
	else if (w->number != 0)
		printf("%llu", (unsigned long long)w->number);
	printf(" | ");
}

static void put_row(const struct boot_word *w)
{
	put_name(w);
	put_preset(w);
	if (w->debug)
		printf("Debug image: ");
	put_escaped(w->help);
	if (w->max != 0)
		printf(" (%llu to %llu)", (unsigned long long)w->min, (unsigned long long)w->max);
	printf(" |\n");
}

int main(void)
{
	fputs(intro, stdout);
	for (unsigned int i = 0; i < nr_boot_words; i++) {
		if (!boot_words[i].loader)
			put_row(&boot_words[i]);
	}
	fputs("\nLoaders put words of their own into the line, which mean nothing to the kernel:\n"
	      "\n| word | meaning |\n|---|---|\n",
	      stdout);
	for (unsigned int i = 0; i < nr_boot_words; i++) {
		const struct boot_word *w = &boot_words[i];

		if (w->loader)
			printf("| `%s=%s` | %s |\n", w->name, w->values, w->help);
	}
	return ferror(stdout) || fflush(stdout) != 0;
}
