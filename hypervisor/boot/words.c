// SPDX-License-Identifier: GPL-2.0-or-later
// A value is compared with the alternatives of its row, which are what people read as well: a table
// that said one thing and checked another would be caught by the first reader.
#include "boot/words.h"

#include "boot/console_arg.h"
#include "cpu/cpu.h"
#include "cpu/watch.h"
#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "thread/idle_poll.h"

#define LINES_MAX 8  /* of one command line; what comes behind is counted */
#define SHOWN_MAX 60 /* characters of a word */

const struct boot_word boot_words[] = {
	{
		.name = "console",
		.values = "ttySN[,BAUD[n8]]|uart[8250],TYPE,ADDRESS[,BAUD[n8]]|hvc0|none",
		.preset = "what ACPI's SPCR or EFI's console says, else ttyS0",
		.help = "Serial port for messages, N from 0 to 3, BAUD a divisor of 115200; or a "
			"16550 elsewhere (the last one named), TYPE io for its I/O port, mmio, "
			"mmio16 or mmio32 for registers in memory of 1, 2 or 4 bytes, as far apart "
			"(without TYPE, 0xADDRESS: mmio), whose rate is left as it is without "
			"BAUD; "
			"or the first virtio console, which shows what went before when PCI is "
			"there. With several each gets all messages and a shell, the last one is "
			"/dev/console",
		.good = console_arg_good,
	},
	{
		.name = "strata.log",
		.values = "error|warn|info|debug",
		.preset = "info",
		.help = "What the console shows of the kernel's log, which keeps all",
	},
	{
		.name = "strata.panic",
		.values = "wait|reboot|poweroff|SECONDS",
		.max = 3600,
		.preset = "wait",
		.help = "What a kernel that has panicked or cannot start does: stand still, or end "
			"the machine; after that time it reboots",
	},
	{
		.name = "strata.run",
		.values = "PATH",
		.help = "The first console runs the commands of that file of the archive, then is "
			"a "
			"console",
	},
	{
		.name = "strata.exit",
		.values = "VM",
		.help = "When that VM has ended, the machine powers off with its exit code: QEMU's "
			"isa-debug-exit is told (status 2 * code + 1), else ACPI. A VM that failed "
			"counts as 1 at least; 125: there is no such VM. `init`: when the first "
			"process has ended, `selftest`: when the tests have",
	},
	{
		.name = "init",
		.values = "PATH",
		.preset = "/bin/init",
		.help = "The first process; its arguments stand behind `--`",
	},
	{
		.name = "maxcpus",
		.values = "NUMBER",
		.min = 1,
		.max = CPU_MAX,
		.number = CPU_MAX,
		.help = "Start so many CPUs at most",
	},
	{
		.name = "mitigations",
		.values = "auto|off",
		.preset = "auto",
		.help = "Do against leaks through speculation what the CPU needs (the log and "
			"`cpu` "
			"say what), or nothing",
	},
	{
		.name = "watchdog",
		.values = "SECONDS",
		.max = 3600,
		.number = WATCH_LIMIT_NS / 1000000000ull,
		.help = "Report a CPU, lock or call that stands still for so long; 0: never",
	},
	{
		.name = "idle.poll",
		.values = "MICROSECONDS",
		.max = 10000,
		.number = IDLE_POLL_MAX_NS / 1000,
		.help = "How long at most an idle CPU looks for work before it halts",
	},
	{
		.name = "selftest",
		.values = "PREFIX",
		.bare = true,
		.debug = true,
		.help = "Run the self-tests whose names begin with PREFIX (several: `,` between "
			"them), or all",
	},
	{
		.name = "llog",
		.debug = true,
		.help = "Write the logical log",
	},
	{
		.name = "strata.mutants",
		.values = "NUMBER",
		.max = 1000000,
		.debug = true,
		.help = "Read so many spoilt copies of boot_params and ACPI tables first",
	},
	{
		.name = "initrd",
		.values = "PATH",
		.loader = true,
		.help = "A part of the boot archive, for the EFI stub and for loaders",
	},
	{
		.name = "BOOT_IMAGE",
		.values = "PATH",
		.bare = true,
		.loader = true,
		.help = "The image, by GRUB and PXELINUX",
	},
	{
		.name = "BOOTIF",
		.values = "ADDRESS",
		.bare = true,
		.loader = true,
		.help = "The network card, by PXELINUX",
	},
};

const unsigned int nr_boot_words = ARRAY_SIZE(boot_words);

static const struct boot_word *row_of(const struct cmdline_word *w)
{
	for (unsigned int i = 0; i < nr_boot_words; i++) {
		if (cmdline_is(w, boot_words[i].name))
			return &boot_words[i];
	}
	return NULL;
}

static size_t alternative_len(const char *values)
{
	size_t len = 0;

	while (values[len] != '\0' && values[len] != '|')
		len++;
	return len;
}

/* Is the value what stands at `alternative`, or of its kind? */
static bool fits(const struct boot_word *row, const struct cmdline_word *w, const char *alternative,
		 size_t len)
{
	uint64_t number;

	if (*alternative < 'A' || *alternative > 'Z')
		return len == w->value_len && memcmp(alternative, w->value, len) == 0;
	if (row->max == 0)
		return true;
	return cmdline_number(w, &number) == 0 && number >= row->min && number <= row->max;
}

/* Which alternative the value is, from 0; -1: none. */
static int alternative_of(const struct boot_word *row, const struct cmdline_word *w)
{
	const char *at = row->values;
	int i = 0;

	if (at == NULL || w->value == NULL || w->value_len == 0)
		return -1;
	for (;; i++) {
		size_t len = alternative_len(at);

		if (fits(row, w, at, len))
			return i;
		if (at[len] == '\0')
			return -1;
		at += len + 1;
	}
}

static bool is_good(const struct boot_word *row, const struct cmdline_word *w)
{
	if (row->good != NULL)
		return row->good(w);
	if (w->value == NULL)
		return row->bare || row->values == NULL;
	return alternative_of(row, w) >= 0;
}

/* A word of ours; false at the end of the line and at `--`. */
static bool next_word(const char **pos, struct cmdline_word *w)
{
	return cmdline_next(pos, w) && !cmdline_ends(w);
}

/* "rd.", "systemd.": has a dot, and what stands before it is no word of ours begins with. */
static bool is_foreign(const struct cmdline_word *w)
{
	size_t prefix = 0;

	while (prefix < w->name_len && w->name[prefix] != '.')
		prefix++;
	if (prefix == 0 || prefix == w->name_len)
		return false;
	for (unsigned int i = 0; i < nr_boot_words; i++) {
		const char *name = boot_words[i].name;

		if (strlen(name) > prefix && memcmp(name, w->name, prefix + 1) == 0)
			return false;
	}
	return true;
}

/* The word as it was typed, cut, without what a terminal would take for more than a letter. */
static void show(const struct cmdline_word *w, char out[SHOWN_MAX + 4])
{
	size_t whole = w->value ? (size_t)(w->value - w->name) + w->value_len : w->name_len;
	size_t len = MIN(whole, (size_t)SHOWN_MAX);

	for (size_t i = 0; i < len; i++)
		out[i] = w->name[i] >= ' ' && w->name[i] <= '~' ? w->name[i] : '?';
	str_copy(out + len, whole > len ? "..." : "", 4);
}

static void say_expected(const struct boot_word *row, const char *shown, char *line, size_t size)
{
	if (row->values == NULL)
		fmt_snprintf(line, size, "command line: %s: expected no value", shown);
	else if (row->max != 0)
		fmt_snprintf(line, size, "command line: %s: expected %s (from %llu to %llu)", shown,
			     row->values, (unsigned long long)row->min,
			     (unsigned long long)row->max);
	else
		fmt_snprintf(line, size, "command line: %s: expected %s", shown, row->values);
}

/* False: there is nothing to say about the word. */
static bool complain(const struct cmdline_word *w, bool debug, char *line, size_t size)
{
	const struct boot_word *row = row_of(w);
	char shown[SHOWN_MAX + 4];

	if ((row == NULL && is_foreign(w)) || (row != NULL && row->loader))
		return false;
	show(w, shown);
	if (row == NULL) {
		fmt_snprintf(line, size, "command line: %s: no such word: ignored", shown);
	} else if (!is_good(row, w)) {
		say_expected(row, shown, line, size);
	} else if (row->debug && !debug) {
		fmt_snprintf(line, size, "command line: %s: expected the debug image", shown);
	} else {
		return false;
	}
	return true;
}

void boot_words_check(const char *cmdline, bool debug, void (*warn)(const char *line))
{
	struct cmdline_word w;
	unsigned int nr = 0;
	char line[160];

	while (next_word(&cmdline, &w)) {
		if (complain(&w, debug, line, sizeof(line)) && nr++ < LINES_MAX)
			warn(line);
	}
	if (nr > LINES_MAX) {
		fmt_snprintf(line, sizeof(line), "command line: %u more words are ignored",
			     nr - LINES_MAX);
		warn(line);
	}
}

bool boot_word_find(const char *cmdline, const char *name, struct cmdline_word *w)
{
	struct cmdline_word word;
	bool found = false;

	while (next_word(&cmdline, &word)) {
		const struct boot_word *row = cmdline_is(&word, name) ? row_of(&word) : NULL;

		if (row == NULL || !is_good(row, &word))
			continue;
		found = true;
		if (w != NULL)
			*w = word;
	}
	return found;
}

int boot_word_str(const char *cmdline, const char *name, char *buf, size_t size)
{
	struct cmdline_word w;

	if (!boot_word_find(cmdline, name, &w) || w.value == NULL)
		return -ENOENT;
	return cmdline_copy(&w, buf, size);
}

uint64_t boot_word_number(const char *cmdline, const char *name)
{
	const struct cmdline_word asked = { .name = name, .name_len = strlen(name) };
	const struct boot_word *row = row_of(&asked);
	struct cmdline_word w;
	uint64_t number;

	if (boot_word_find(cmdline, name, &w) && cmdline_number(&w, &number) == 0)
		return number;
	return row != NULL ? row->number : 0;
}

int boot_word_choice(const char *cmdline, const char *name)
{
	struct cmdline_word w;

	return boot_word_find(cmdline, name, &w) ? alternative_of(row_of(&w), &w) : -ENOENT;
}
