// SPDX-License-Identifier: GPL-2.0-or-later
// Requests of programs, in frames among the keys (mgmt/lib/frame.h). A command's output is kept
// until the next request, so that what the line lost can be sent again and nothing runs twice.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mgmt/lib/frame.h"
#include "mgmt/shell/keys.h"
#include "mgmt/shell/shell.h"

static struct session machine = { .no_terminal = true };

#define OUTPUT_MAX (FRAME_PIECES_MAX * FRAME_PIECE)
#define LAST_LINE  256 /* kept free for the line that says that there was more */

static struct {
	bool valid;
	uint32_t id;
	char *output;
	size_t len, room, limit;
	bool cut; /* there was more than `limit` */
	int status;
} last;

static void send_frame(const char *body)
{
	char frame[FRAME_ROOM];
	size_t len = frame_make(frame, body);

	fwrite(frame, 1, len, stdout);
}

static unsigned pieces(void)
{
	return (unsigned)((last.len + FRAME_PIECE - 1) / FRAME_PIECE);
}

static void send_pieces(unsigned first, unsigned count)
{
	char body[64 + 2 * FRAME_PIECE];

	for (unsigned i = first; i < pieces() && count--; i++) {
		size_t at = (size_t)i * FRAME_PIECE, left = last.len - at;
		int n = snprintf(body, sizeof(body), "D %08x %u ", last.id, i);

		base64_encode(body + n, last.output + at, left < FRAME_PIECE ? left : FRAME_PIECE);
		send_frame(body);
	}
}

static void send_end(void)
{
	char body[64];

	snprintf(body, sizeof(body), "E %08x %d %u", last.id, last.status, pieces());
	send_frame(body);
}

static void send_short(char what, uint32_t id)
{
	char body[32];

	snprintf(body, sizeof(body), "%c %08x", what, id);
	send_frame(body);
	fflush(stdout);
}

/* ---- a command's output ---- */

/* A stream in stdout's place. What is too much is an error to whoever writes. */
static ssize_t keep(void *cookie, const char *bytes, size_t len)
{
	(void)cookie;
	if (last.cut || last.len + len > last.limit) {
		last.cut = true;
		return 0;
	}
	if (last.len + len > last.room) {
		size_t room = 2 * (last.len + len);
		char *more = realloc(last.output, room);

		if (!more)
			return 0;
		last.output = more;
		last.room = room;
	}
	memcpy(last.output + last.len, bytes, len);
	last.len += len;
	return (ssize_t)len;
}

static FILE *open_output(size_t limit)
{
	static const cookie_io_functions_t functions = { .write = keep };

	last.limit = limit;
	return fopencookie(NULL, "w", functions);
}

/* Whole lines are kept, so that each object is one. */
static void end_cut_output(void)
{
	while (last.len && last.output[last.len - 1] != '\n')
		last.len--;
	last.cut = false;
	stdout = open_output(OUTPUT_MAX);
	if (stdout) {
		shell_fail(&machine, "more than %u KiB of output: cut off here", OUTPUT_MAX >> 10);
		fclose(stdout);
	}
	last.status = STATUS_FAIL;
}

/* Runs a line with its output in memory instead of on the terminal. */
static void run_captured(const char *line)
{
	FILE *terminal = stdout;

	free(last.output);
	last.output = NULL;
	last.len = last.room = 0;
	last.cut = false;
	last.status = STATUS_FAIL;
	stdout = open_output(OUTPUT_MAX - LAST_LINE);
	if (stdout) {
		last.status = shell_run_line(&machine, line);
		fclose(stdout);
	}
	if (last.cut)
		end_cut_output();
	stdout = terminal;
}

static void on_run(uint32_t id, const char *base64)
{
	char line[FRAME_LINE + 1];
	long n = base64_decode(line, FRAME_LINE, base64);

	if (n < 0 || memchr(line, '\0', (size_t)n))
		return;
	line[n] = '\0';
	send_short('A', id);
	if (!last.valid || last.id != id) {
		last.valid = true;
		last.id = id;
		run_captured(line);
		send_pieces(0, pieces());
	}
	send_end();
}

static void on_frame(const char *body)
{
	char what, base64[FRAME_MAX] = "";
	uint32_t id;
	unsigned first = 0, count = 0;

	fflush(stdout);
	if (sscanf(body, "%c %8x", &what, &id) != 2 || strlen(body) < 10)
		return;
	if (what == 'Q' && sscanf(body + 10, " %4095s", base64) == 1)
		on_run(id, base64);
	else if (what != 'Q' && (!last.valid || last.id != id))
		send_short('N', id);
	else if (what == 'G' && sscanf(body + 10, " %u %u", &first, &count) == 2)
		send_pieces(first, count);
	else if (what == 'S')
		send_end();
	fflush(stdout);
}

void machine_init(struct session *s)
{
	machine.channel = s->channel;
	keys_on_frame(on_frame);
}
