// SPDX-License-Identifier: GPL-2.0-or-later
// One request over a line that may lose bytes either way. Whatever is silent too long is asked for
// again: the request until it is known to be taken, its end, then each missing piece. Asking costs
// nothing, for the console runs a request once, by its number.

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "mgmt/client/client.h"
#include "mgmt/lib/clock.h"
#include "mgmt/lib/frame.h"

#define SILENCE_MS     400 /* then ask again, and wait twice as long */
#define SILENCE_MAX_MS 1600
#define ASK_PIECES     48u

struct piece {
	uint8_t bytes[FRAME_PIECE];
	size_t len; /* 0: not here yet */
};

struct state {
	int fd;
	uint32_t id;
	const char *question; /* the frame's body that asks for it all */
	bool taken, ended, lost;
	int status;
	unsigned nr_pieces, room;
	struct piece *pieces;
	struct frame_reader reader;
};

/* ---- what comes ---- */

static bool make_room(struct state *s, unsigned count)
{
	struct piece *more;

	if (count <= s->room)
		return true;
	if (count > FRAME_PIECES_MAX)
		return false;
	more = realloc(s->pieces, sizeof(*more) * count);
	if (!more)
		return false;
	memset(more + s->room, 0, sizeof(*more) * (count - s->room));
	s->pieces = more;
	s->room = count;
	return true;
}

static void take_piece(struct state *s, const char *words)
{
	char base64[FRAME_MAX];
	unsigned number;
	long len;

	if (sscanf(words, " %u %4095s", &number, base64) != 2 || number >= FRAME_PIECES_MAX ||
	    !make_room(s, number + 1))
		return;
	len = base64_decode(s->pieces[number].bytes, FRAME_PIECE, base64);
	if (len > 0)
		s->pieces[number].len = (size_t)len;
	s->taken = true;
}

static void take_end(struct state *s, const char *words)
{
	unsigned pieces;
	int status;

	if (sscanf(words, " %d %u", &status, &pieces) != 2 || !make_room(s, pieces))
		return;
	s->status = status;
	s->nr_pieces = pieces;
	s->taken = s->ended = true;
}

/* Whether the frame was an answer to us. */
static bool take_frame(struct state *s, const char *body)
{
	char what;
	uint32_t id;

	if (strlen(body) < 10 || sscanf(body, "%c %8x", &what, &id) != 2 || id != s->id)
		return false;
	switch (what) {
	case 'A': s->taken = true; break;
	case 'D': take_piece(s, body + 10); break;
	case 'E': take_end(s, body + 10); break;
	case 'N': s->lost = s->taken; break;
	default: return false;
	}
	return true;
}

/* 1: an answer was among what is there, 0: none, -1: the line is gone. */
static int take_bytes(struct state *s)
{
	uint8_t bytes[4096];
	ssize_t n = read(s->fd, bytes, sizeof(bytes));
	int answers = 0;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0)
		return -1;
	for (ssize_t i = 0; i < n; i++) {
		const char *body = frame_take(&s->reader, bytes[i]);

		if (body && take_frame(s, body))
			answers = 1;
	}
	return answers;
}

/* ---- what goes ---- */

static bool send_all(const struct state *s, const char *bytes, size_t len, int64_t deadline)
{
	while (len && now_ms() < deadline) {
		ssize_t n = write(s->fd, bytes, len);
		struct pollfd p = { .fd = s->fd, .events = POLLOUT };

		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
			return false;
		} else {
			poll(&p, 1, 100);
		}
	}
	return true;
}

static unsigned first_missing(const struct state *s)
{
	unsigned i = 0;

	while (i < s->nr_pieces && s->pieces[i].len)
		i++;
	return i;
}

static bool complete(const struct state *s)
{
	return s->ended && first_missing(s) == s->nr_pieces;
}

static bool ask(const struct state *s, int64_t deadline)
{
	char body[64], frame[FRAME_ROOM];

	if (!s->taken)
		return send_all(s, frame, frame_make(frame, s->question), deadline);
	if (!s->ended)
		snprintf(body, sizeof(body), "S %08x", s->id);
	else
		snprintf(body, sizeof(body), "G %08x %u %u", s->id, first_missing(s), ASK_PIECES);
	return send_all(s, frame, frame_make(frame, body), deadline);
}

/* ---- the whole ---- */

static int fail(const char *why)
{
	fprintf(stderr, "strata-client: %s\n", why);
	return EXIT_LINE;
}

/* Reads until something that is for us came, or it has been silent so long. -1: the line is gone.
 */
static int listen_for(struct state *s, int64_t silence, int64_t deadline)
{
	int64_t end = now_ms() + silence;

	end = end < deadline ? end : deadline;
	for (;;) {
		int64_t left = end - now_ms();
		struct pollfd p = { .fd = s->fd, .events = POLLIN };
		int n;

		if (left <= 0)
			return 0;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		n = take_bytes(s);
		if (n)
			return n;
	}
}

static int converse(struct state *s, int64_t deadline)
{
	int64_t silence = SILENCE_MS;
	int heard = 0;

	if (!ask(s, deadline))
		return fail("the line is gone");
	while (!complete(s)) {
		if (now_ms() >= deadline)
			return fail(
				s->taken ? "the command has not ended in time"
					 : "no answer: is nothing there, or a command of somebody "
					   "else's still running?");
		heard = listen_for(s, silence, deadline);
		if (heard < 0)
			return fail("the line is gone");
		if (s->lost)
			return fail("the console has forgotten the request: its shell was started "
				    "anew");
		if (!heard && !ask(s, deadline))
			return fail("the line is gone");
		silence = heard ? SILENCE_MS : silence < SILENCE_MAX_MS ? 2 * silence : silence;
	}
	for (unsigned i = 0; i < s->nr_pieces; i++)
		fwrite(s->pieces[i].bytes, 1, s->pieces[i].len, stdout);
	return fflush(stdout) ? fail("the output cannot be written") : s->status;
}

int request(int fd, const char *line, int64_t deadline_ms)
{
	struct state s = { .fd = fd };
	char question[FRAME_MAX];
	int status, n;

	if (strlen(line) > FRAME_LINE)
		return fail("expected a command of at most 2048 bytes");
	if (getrandom(&s.id, sizeof(s.id), 0) != sizeof(s.id))
		return fail("no random number");
	n = snprintf(question, sizeof(question), "Q %08x ", s.id);
	base64_encode(question + n, line, strlen(line));
	s.question = question;
	status = converse(&s, deadline_ms);
	free(s.pieces);
	return status;
}
