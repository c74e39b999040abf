/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of init share: where things are, and the log. */
#pragma once

struct init_options {
	const char *vmm, *shell, *vms, *conf; /* paths */
	int console;                          /* 1: keeps a shell on stdin/stdout */
	const char *script;  /* console commands that the first shell runs; NULL: none */
	const char *exit_vm; /* the machine ends with that VM's exit code; NULL: it goes on */
};
extern struct init_options init_options;

/* One line to the kernel's log. */
void init_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
