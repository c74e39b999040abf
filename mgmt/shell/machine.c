// SPDX-License-Identifier: GPL-2.0-or-later
// Requests of programs, in frames among the keys (mgmt/lib/frame.h). A command's output goes out in
// pieces as it comes about. The last ones are kept, so that what the line lost can be sent again
// and nothing runs twice; when the program has not told of so many, the command waits for it.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mgmt/lib/clock.h"
#include "mgmt/lib/frame.h"
#include "mgmt/shell/keys.h"
#include "mgmt/shell/shell.h"

#define GONE_MS 60000 /* a program that has said nothing so long does not come back */

static struct session machine = { .no_terminal = true, .captured = true };
static FILE *terminal; /* where frames go, also while stdout is a command's */

static struct {
	bool valid, running;
	bool gone; /* nobody takes the rest of the output */
	uint32_t id;
	int status;
	unsigned first, next; /* pieces [first, next) are kept and whole */
	unsigned tag;         /* of the program's last question */
	size_t len;           /* of the one that comes about, behind them */
	uint32_t crc;         /* of all that was written */
	int64_t heard_ms;
	uint8_t pieces[FRAME_WINDOW][FRAME_PIECE];
	uint8_t last_len; /* of the last piece, once it has ended */
} last;

static void send_frame(const char *body)
{
	char frame[FRAME_ROOM];
	size_t len = frame_make(frame, body);

	fwrite(frame, 1, len, terminal);
}

static void send_short(char what, uint32_t id)
{
	char body[32];

	snprintf(body, sizeof(body), "%c %08x", what, id);
	send_frame(body);
}

static void send_piece(unsigned number)
{
	bool is_last = !last.running && number + 1 == last.next;
	char body[64 + 2 * FRAME_PIECE];
	int n = snprintf(body, sizeof(body), "D %08x %u ", last.id, number);

	base64_encode(body + n, last.pieces[number % FRAME_WINDOW],
		      is_last ? last.last_len : FRAME_PIECE);
	send_frame(body);
}

/* Bit n: first + n. */
static void send_pieces(unsigned first, uint64_t mask)
{
	for (; mask; mask >>= 1, first++) {
		if (mask & 1 && first - last.first < last.next - last.first)
			send_piece(first);
	}
}

static void send_progress(void)
{
	char body[64];

	if (last.running)
		snprintf(body, sizeof(body), "P %08x %u %u", last.id, last.next, last.tag);
	else
		snprintf(body, sizeof(body), "E %08x %d %u %08x %u", last.id, last.status,
			 last.next, last.crc, last.tag);
	send_frame(body);
}

/* ---- a command's output ---- */

static bool is_full(void)
{
	return last.next - last.first == FRAME_WINDOW;
}

/* Until the program has told that it has some of the pieces; false: it is gone. */
static bool wait_for_room(void)
{
	last.heard_ms = now_ms();
	while (is_full() && !last.gone) {
		int64_t left = last.heard_ms + GONE_MS - now_ms();

		fflush(terminal);
		if (left <= 0 || keys_wait_frame((int)left) != KEYS_FRAME)
			last.gone = true;
	}
	return !last.gone;
}

static bool add_bytes(const uint8_t *bytes, size_t len)
{
	while (len) {
		size_t n = FRAME_PIECE - last.len < len ? FRAME_PIECE - last.len : len;

		if (is_full() && !wait_for_room())
			return false;
		memcpy(last.pieces[last.next % FRAME_WINDOW] + last.len, bytes, n);
		last.crc = frame_crc32(last.crc, bytes, n);
		last.len += n;
		bytes += n;
		len -= n;
		if (last.len == FRAME_PIECE) {
			last.len = 0;
			send_piece(last.next++);
		}
	}
	return true;
}

/* A stream in stdout's place. That nobody takes it any more is an error to whoever writes. */
static ssize_t on_output(void *cookie, const char *bytes, size_t len)
{
	(void)cookie;
	if (last.gone || !add_bytes((const uint8_t *)bytes, len))
		return 0;
	fflush(terminal);
	return (ssize_t)len;
}

/* The last piece is as long as it is. */
static void end_output(void)
{
	last.running = false;
	last.last_len = FRAME_PIECE;
	if (last.len && !last.gone) {
		last.last_len = (uint8_t)last.len;
		send_piece(last.next++);
	}
}

/* Runs a line with its output going to the program instead of the terminal. */
static void run_captured(uint32_t id, const char *line)
{
	static const cookie_io_functions_t functions = { .write = on_output };

	last.valid = last.running = true;
	last.gone = false;
	last.id = id;
	last.first = last.next = last.tag = 0;
	last.len = 0;
	last.crc = 0;
	last.status = STATUS_FAIL;
	stdout = fopencookie(NULL, "w", functions);
	if (stdout) {
		last.status = shell_run_line(&machine, line);
		fclose(stdout);
	}
	stdout = terminal;
	last.valid = !last.gone;
	end_output();
}

/* ---- frames ---- */

static void on_run(uint32_t id, const char *base64)
{
	char line[FRAME_LINE + 1];
	long n = base64_decode(line, FRAME_LINE, base64);

	if (n < 0 || memchr(line, '\0', (size_t)n))
		return;
	line[n] = '\0';
	/* Another program, so the one before is gone. This one asks again. */
	if (last.running && last.id != id) {
		last.gone = true;
		return;
	}
	send_short('A', id);
	if (last.running)
		return;
	if (!last.valid || last.id != id) {
		fflush(terminal);
		run_captured(id, line);
	}
	if (last.valid)
		send_progress();
}

static void on_told(unsigned next, unsigned tag)
{
	last.tag = tag;
	if (next > last.first && next <= last.next)
		last.first = next;
	send_progress();
}

static void on_frame(const char *body)
{
	char what, base64[FRAME_MAX] = "";
	uint32_t id;
	unsigned first = 0, tag = 0;
	uint64_t mask = 0;

	if (!last.running) {
		fflush(stdout);
		terminal = stdout;
	}
	if (sscanf(body, "%c %8x", &what, &id) != 2 || strlen(body) < 10)
		return;
	if (last.running && last.id == id)
		last.heard_ms = now_ms();
	if (what == 'Q' && sscanf(body + 10, " %4095s", base64) == 1)
		on_run(id, base64);
	else if (what != 'Q' && (!last.valid || last.id != id))
		send_short('N', id);
	else if (what == 'G' && sscanf(body + 10, " %u %16" SCNx64, &first, &mask) == 2)
		send_pieces(first, mask);
	else if (what == 'W' && sscanf(body + 10, " %u %u", &first, &tag) == 2)
		on_told(first, tag);
	fflush(terminal);
}

void machine_init(struct session *s)
{
	machine.channel = s->channel;
	keys_on_frame(on_frame);
}
