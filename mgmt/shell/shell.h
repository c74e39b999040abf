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
	int channel;      /* to init; -1: none */
	bool json;        /* --json was given with this command */
	bool json_always; /* every command is to print objects: a script run with --json */
	int status;       /* of the last command */
	unsigned depth;   /* scripts that run scripts */
	bool no_terminal; /* nobody sits there: no keys, no escape sequences */
	bool paged;       /* long output stops at each screen */
	bool captured;    /* output goes to a program, byte for byte */
};

enum complete {
	COMPLETE_NONE,
	COMPLETE_VM,
	COMPLETE_COMMAND
};

/* A member of the objects that a command prints with --json; docs/json.md is made of these. */
struct member {
	const char *name; /* NULL ends a list */
	const char *type; /* string, integer, number, boolean, object, array */
	const char *meaning;
	bool optional;
};

struct command {
	const char *name; /* one or two words */
	const char *args; /* as in help, "" when none */
	const char *help; /* one line */
	const char *more; /* paragraph for `help NAME` and docs, or NULL */
	int (*run)(struct session *s, int argc, char **argv);
	int min_args, max_args;
	enum complete complete;      /* of its first argument */
	const struct member *output; /* of each object with --json; NULL: has no --json */
	bool terminal;               /* needs a person's terminal */
	bool unpaged;                /* its output is never stopped at a full screen */
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
/* Control characters, which a terminal would obey, become question marks. */
void shell_clean(char *text);
/* The kernel has not told what `what` shows: -errno. STATUS_FAIL. */
int shell_no_answer(const struct session *s, const char *what, int error);
/* A VM as init describes it: one line, or an object. */
void shell_print_state(const struct session *s, const json_t *vm);
/* One request with the members `more` (taken); then the state of VM `name`. STATUS_*. */
int shell_act(struct session *s, const char *op, json_t *more, const char *name);
/* Runs the commands of a file; the status of the first that failed. */
int shell_run_script(struct session *s, const char *path, bool keep_going);

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
/* The same, with the handle that comes with the reply; -1: none. */
json_t *client_call_for_handle(struct session *s, const char *op, json_t *more, int *handle);
/* The VM as init knows it; the caller drops it. NULL after an error was printed. */
json_t *client_vm(struct session *s, const char *name);
/* The same without a word when it fails: for completion. */
json_t *client_try(struct session *s, const char *op, json_t *more);

/* ---- schema.c: what the objects hold ---- */
extern const struct member schema_vm[], schema_host[], schema_cpu[], schema_memory[], schema_log[],
	schema_log_level[];
extern const struct member schema_terminal[];
extern const struct member schema_bench[];
extern const struct member schema_action[], schema_command[], schema_text[], schema_setting[];
extern const struct member schema_top[], schema_trace[], schema_chrome[], schema_check[],
	schema_dump[], schema_line[];

/* ---- options.c: words behind a verb ---- */
/* Seconds, at most a day; a fraction where `ms` gets it. false: not such a number. */
bool option_seconds(const char *word, int64_t *ms);
bool option_number(const char *word, uint64_t min, uint64_t max, uint64_t *out);
/*
 * Takes `NAME VALUE` out of the words, wherever it stands. 1 with *value, 0: not there, -1: without
 * a value.
 */
int option_take(int *argc, char **argv, const char *name, const char **value);
bool option_flag(int *argc, char **argv, const char *name); /* takes a word out */

/* ---- commands ---- */
int cmd_echo(struct session *s, int argc, char **argv);
int cmd_sleep(struct session *s, int argc, char **argv);
int cmd_wait(struct session *s, int argc, char **argv);
int cmd_run(struct session *s, int argc, char **argv);
int cmd_config_show(struct session *s, int argc, char **argv);
int cmd_config_check(struct session *s, int argc, char **argv);
int cmd_vm_list(struct session *s, int argc, char **argv);
int cmd_vm_show(struct session *s, int argc, char **argv);
int cmd_vm_start(struct session *s, int argc, char **argv);
int cmd_vm_stop(struct session *s, int argc, char **argv);
int cmd_vm_kill(struct session *s, int argc, char **argv);
int cmd_vm_create(struct session *s, int argc, char **argv);
int cmd_vm_destroy(struct session *s, int argc, char **argv);
int cmd_vm_set(struct session *s, int argc, char **argv);
int cmd_vm_pause(struct session *s, int argc, char **argv);
int cmd_vm_resume(struct session *s, int argc, char **argv);
int cmd_vm_reset(struct session *s, int argc, char **argv);
int cmd_vm_nmi(struct session *s, int argc, char **argv);
int cmd_vm_dump(struct session *s, int argc, char **argv);
/* ---- cmd_vm_core.c ---- */
int vm_dump_core(struct session *s, const char *name, bool raw);
int cmd_vm_log(struct session *s, int argc, char **argv);
int cmd_vm_console(struct session *s, int argc, char **argv);
int cmd_host_show(struct session *s, int argc, char **argv);
int cmd_cpu(struct session *s, int argc, char **argv);
int cmd_mem(struct session *s, int argc, char **argv);
int cmd_trace_on(struct session *s, int argc, char **argv);
int cmd_trace_off(struct session *s, int argc, char **argv);
int cmd_trace_show(struct session *s, int argc, char **argv);
int cmd_trace_export(struct session *s, int argc, char **argv);
int cmd_top(struct session *s, int argc, char **argv);
int cmd_terminal(struct session *s, int argc, char **argv);
int cmd_log(struct session *s, int argc, char **argv);
int cmd_log_level(struct session *s, int argc, char **argv);
/* ---- cmd_bench.c ---- */
int cmd_bench(struct session *s, int argc, char **argv);

int cmd_reboot(struct session *s, int argc, char **argv);
int cmd_poweroff(struct session *s, int argc, char **argv);
int cmd_help(struct session *s, int argc, char **argv);

/* ---- help.c, doc.c ---- */
void help_usage(const struct command *c, const char *before, const char *after);
json_t *help_json(const struct command *c);
void doc_print(void); /* docs/console.md */
void doc_json(void);  /* docs/json.md */
void doc_table(void); /* the command table, an object a row: for tests and tools */
/* ---- machine.c ---- */
void machine_init(struct session *s); /* from now on programs are served beside the person */
/* ---- lineedit.c ---- */
void lineedit_init(struct session *s);
char *lineedit_read(void); /* malloc'ed line; NULL: end of input */
