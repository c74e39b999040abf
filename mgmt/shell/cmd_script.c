// SPDX-License-Identifier: GPL-2.0-or-later
// The verbs that make scripts: echo, sleep, wait, run. A script is read whole, then run line by
// line through the same function that runs what a person types.

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mgmt/lib/clock.h"
#include "mgmt/lib/proto.h"
#include "mgmt/shell/keys.h"
#include "mgmt/shell/notes.h"
#include "mgmt/shell/shell.h"

#define SCRIPT_MAX   (1 << 20)
#define SCRIPT_DEPTH 8
#define WAIT_MS      30000

/* ---- echo ---- */

static void add_word(char *line, size_t room, const char *word)
{
	size_t at = strlen(line);

	snprintf(line + at, room - at, "%s%s", at ? " " : "", word);
}

int cmd_echo(struct session *s, int argc, char **argv)
{
	char line[8192] = "", status[16];

	snprintf(status, sizeof(status), "%d", s->status);
	for (int i = 0; i < argc; i++)
		add_word(line, sizeof(line), strcmp(argv[i], "$?") ? argv[i] : status);
	if (s->json)
		shell_print_json(json_pack("{s:o}", "text", proto_text(line)));
	else
		printf("%s\n", line);
	return STATUS_OK;
}

/* ---- sleep ---- */

/* false: a person pressed Ctrl-C. */
static bool pause_ms(const struct session *s, int64_t ms)
{
	int64_t end = now_ms() + ms;

	for (int64_t left = ms; left > 0; left = end - now_ms()) {
		bool listen = !s->no_terminal && !keys_full();
		struct pollfd fds[2] = { { .fd = listen ? STDIN_FILENO : -1, .events = POLLIN },
					 { .fd = s->no_terminal ? -1 : notes_fd(),
					   .events = POLLIN } };

		if (poll(fds, 2, left > 3600000 ? 3600000 : (int)left) <= 0)
			continue;
		if (fds[1].revents & POLLIN)
			notes_print();
		if (fds[0].revents & POLLIN && keys_fill_until_interrupt())
			return false;
		if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
			return false;
	}
	return true;
}

int cmd_sleep(struct session *s, int argc, char **argv)
{
	int64_t ms;
	bool whole;

	(void)argc;
	if (!option_seconds(argv[0], &ms))
		return STATUS_USAGE;
	fflush(stdout);
	keys_begin();
	whole = pause_ms(s, ms);
	keys_end();
	if (!whole)
		return shell_fail(s, "given up");
	if (s->json)
		shell_print_json(json_pack("{s:s}", "action", "slept"));
	return STATUS_OK;
}

/* ---- wait ---- */

/* "a,b" as an array; init knows which names are states. */
static json_t *split_states(const char *text)
{
	json_t *states = json_array();

	while (*text) {
		size_t n = strcspn(text, ",");

		json_array_append_new(states, json_stringn(text, n));
		text += n + (text[n] == ',');
	}
	return states;
}

int cmd_wait(struct session *s, int argc, char **argv)
{
	const char *states = "stopped,failed", *timeout = NULL;
	int64_t ms = WAIT_MS;
	json_t *reply;

	if (option_take(&argc, argv, "--state", &states) < 0 ||
	    option_take(&argc, argv, "--timeout", &timeout) < 0 || argc != 1 ||
	    (timeout && !option_seconds(timeout, &ms)))
		return STATUS_USAGE;
	reply = client_call(s, "wait",
			    json_pack("{s:s,s:o,s:I}", "vm", argv[0], "states",
				      split_states(states), "timeout_ms", (json_int_t)ms),
			    -1);
	if (!reply)
		return STATUS_FAIL;
	shell_print_state(s, json_object_get(reply, "vm"));
	json_decref(reply);
	return STATUS_OK;
}

/* ---- run ---- */

/* The file's text, NUL-terminated; NULL with a sentence in `why`. */
static char *read_script(const char *path, const char **why)
{
	char *text = malloc(SCRIPT_MAX + 1);
	ssize_t n = 0, len = 0;
	int fd = text ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	*why = text ? strerror(errno) : "no memory";
	if (fd >= 0) {
		while (len <= SCRIPT_MAX &&
		       (n = read(fd, text + len, (size_t)(SCRIPT_MAX + 1 - len))) > 0)
			len += n;
		*why = n < 0 ? strerror(errno) : len > SCRIPT_MAX ? "expected at most 1 MiB" : NULL;
		close(fd);
	}
	if (!*why && memchr(text, '\0', (size_t)len))
		*why = "expected text, found a NUL byte";
	if (*why) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

/* Whether there is a command in the line. */
static bool is_command(const char *line)
{
	line += strspn(line, " \t\r");
	return *line && *line != '#';
}

static int run_line(struct session *s, const char *line)
{
	if (!is_command(line))
		return STATUS_OK;
	if (!s->json_always)
		printf("+ %s\n", line + strspn(line, " \t\r"));
	return shell_run_line(s, line);
}

static int run_text(struct session *s, const char *path, char *text, bool keep_going)
{
	int first = STATUS_OK, number = 0;

	for (char *line = text, *next; line; line = next) {
		int status;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		number++;
		status = run_line(s, line);
		if (status == STATUS_OK)
			continue;
		first = first ? first : status;
		if (keep_going)
			continue;
		s->json = s->json_always;
		shell_fail(s, "%s:%d: stopped: status %d", path, number, status);
		break;
	}
	return first;
}

int shell_run_script(struct session *s, const char *path, bool keep_going)
{
	bool json = s->json_always;
	const char *why;
	char *text;
	int status;

	if (s->depth >= SCRIPT_DEPTH)
		return shell_fail(s, "%s: expected at most %d scripts that run each other", path,
				  SCRIPT_DEPTH);
	text = read_script(path, &why);
	if (!text)
		return shell_fail(s, "%s: %s", path, why);
	s->depth++;
	s->json_always = s->json;
	status = run_text(s, path, text, keep_going);
	s->json_always = json;
	s->depth--;
	free(text);
	return status;
}

int cmd_run(struct session *s, int argc, char **argv)
{
	bool keep_going = option_flag(&argc, argv, "--keep-going");

	if (argc != 1)
		return STATUS_USAGE;
	return shell_run_script(s, argv[0], keep_going);
}
