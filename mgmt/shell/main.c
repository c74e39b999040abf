// SPDX-License-Identifier: GPL-2.0-or-later
// The shell's start: channel 3 leads to init. `--doc` prints the reference; `-c LINE` runs one line
// and exits with its status; without a channel (on a workstation) only the verbs that need no init
// work.

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mgmt/shell/shell.h"

#define INIT_CHANNEL 3

static void loop(struct session *s)
{
	char *line;

	lineedit_init(s);
	while ((line = lineedit_read())) {
		shell_run_line(s, line);
		free(line);
	}
}

int main(int argc, char **argv)
{
	struct session s = { .channel = fcntl(INIT_CHANNEL, F_GETFD) < 0 ? -1 : INIT_CHANNEL };

	if (argc == 2 && !strcmp(argv[1], "--doc")) {
		doc_print();
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "-c"))
		return shell_run_line(&s, argv[2]);
	if (argc != 1) {
		fprintf(stderr, "usage: shell [--doc | -c LINE]\n");
		return 2;
	}
	loop(&s);
	return s.status;
}
