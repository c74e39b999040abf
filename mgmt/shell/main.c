// SPDX-License-Identifier: GPL-2.0-or-later
// The shell's start: channel 3 leads to init. `-c LINE` runs one line, `-f SCRIPT` a script, and
// exits with its status; `-r SCRIPT` runs a script and goes on as a console; `--doc`, `--json-doc`
// and `--table` print what is made of the command table. Without a channel (on a workstation) only
// the verbs that need no init work.

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mgmt/shell/keys.h"
#include "mgmt/shell/shell.h"

#define INIT_CHANNEL 3
#define MAPPED_FROM  (128 << 10)

static void loop(struct session *s)
{
	char *line;

	s->paged = true;
	lineedit_init(s);
	machine_init(s);
	while ((line = lineedit_read())) {
		shell_run_line(s, line);
		free(line);
	}
}

static const struct {
	const char *option;
	void (*print)(void);
} printers[] = {
	{ "--doc", doc_print },
	{ "--json-doc", doc_json },
	{ "--table", doc_table },
};

/* Nobody sits before a script: keys are left alone. */
static int run_script(struct session *s, const char *path)
{
	s->no_terminal = true;
	int status = shell_run_script(s, path, false);
	fflush(stdout);
	return status;
}

/*
 * A shell lives for months: what a command needs much memory for (a trace, a core file) goes back
 * when it ends. Left alone malloc takes such blocks from the heap, once the first one has been
 * freed, and small ones above them hold the heap up.
 */
static void keep_heap_small(void)
{
	mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
	mallopt(M_TRIM_THRESHOLD, MAPPED_FROM);
}

int main(int argc, char **argv)
{
	struct session s = { .channel = fcntl(INIT_CHANNEL, F_GETFD) < 0 ? -1 : INIT_CHANNEL };

	keep_heap_small();
	for (size_t i = 0; argc == 2 && i < sizeof(printers) / sizeof(printers[0]); i++) {
		if (!strcmp(argv[1], printers[i].option)) {
			printers[i].print();
			return 0;
		}
	}
	if (argc == 3 && !strcmp(argv[1], "-c"))
		return shell_run_line(&s, argv[2]);
	if (argc == 3 && !strcmp(argv[1], "-f"))
		return run_script(&s, argv[2]);
	if (argc == 3 && !strcmp(argv[1], "-r")) {
		run_script(&s, argv[2]);
		s.no_terminal = false;
	} else if (argc != 1) {
		fprintf(stderr, "usage: shell [-c LINE | -f SCRIPT | -r SCRIPT]\n");
		return STATUS_USAGE;
	}
	keys_are_no_signals();
	loop(&s);
	return s.status;
}
