/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The management shell: what its files share.
 *
 * One table of commands (commands.c) drives dispatch, completion, help, --json and docs/console.md.
 * A handler gets its words without the verb and without --json, prints to stdout, and returns an
 * exit status: 0 done, 1 failed (with one line that says why), 2 wrong words (usage is printed by
 * the caller).
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATUS_OK    0
#define STATUS_FAIL  1
#define STATUS_USAGE 2

struct session {
	int channel; /* to init; -1: none */
	bool json;   /* --json was given with this command */
	int status;  /* of the last command */
	bool quit;
};

enum complete {
	COMPLETE_NONE,
	COMPLETE_VM,
	COMPLETE_COMMAND
};

struct command {
	const char *name; /* one or two words */
	const char *args; /* as in help, "" when none */
	const char *help; /* one line */
	const char *more; /* paragraph for `help NAME` and docs, or NULL */
	int (*run)(struct session *s, int argc, char **argv);
	int min_args, max_args;
	enum complete complete; /* of its first argument */
	bool json;              /* has --json */
};

extern const struct command commands[];
extern const size_t commands_count;

/* Splits, finds and runs one line; prints errors; returns the status. Any text is fine. */
int shell_run_line(struct session *s, const char *line);
/* The command that the words begin with, and how many words its name has. NULL: none. */
const struct command *command_find(int argc, char **argv, int *used);

/* One line on why the command failed: as text, or as an object with --json. Returns STATUS_FAIL. */
int shell_fail(const struct session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints one object on a line of its own and drops it. */
void shell_print_json(json_t *object);

/* ---- words.c ---- */
#define WORDS_MAX 64
/*
 * Splits a line into words: blanks divide, '...' and "..." hold together, \ takes the next
 * character as it is, # at the start of a word begins a comment. Words point into *buffer, which
 * the caller frees. Number of words, or -1 with a sentence in *error.
 */
int words_split(const char *line, char *words[WORDS_MAX], char **buffer, const char **error);

/* ---- client.c: requests to init ---- */
/*
 * Sends {"op":op, ...more} (reference to more is taken; may be NULL) and waits for the reply. NULL
 * after printing why when it failed, init is gone, or a person pressed Ctrl-C. The caller drops the
 * reply.
 */
json_t *client_call(struct session *s, const char *op, json_t *more, int handle);
/* The same without a word when it fails: for completion. */
json_t *client_try(struct session *s, const char *op, json_t *more);

/* ---- commands ---- */
int cmd_vm_list(struct session *s, int argc, char **argv);
int cmd_vm_show(struct session *s, int argc, char **argv);
int cmd_vm_start(struct session *s, int argc, char **argv);
int cmd_vm_stop(struct session *s, int argc, char **argv);
int cmd_vm_kill(struct session *s, int argc, char **argv);
int cmd_vm_console(struct session *s, int argc, char **argv);
int cmd_host_show(struct session *s, int argc, char **argv);
int cmd_cpu(struct session *s, int argc, char **argv);
int cmd_mem(struct session *s, int argc, char **argv);
int cmd_log(struct session *s, int argc, char **argv);
int cmd_reboot(struct session *s, int argc, char **argv);
int cmd_poweroff(struct session *s, int argc, char **argv);
int cmd_help(struct session *s, int argc, char **argv);

/* ---- doc.c ---- */
void doc_print(void); /* docs/console.md */
/* ---- lineedit.c ---- */
void lineedit_init(struct session *s);
char *lineedit_read(void); /* malloc'ed line; NULL: end of input */
