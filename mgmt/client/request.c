// SPDX-License-Identifier: GPL-2.0-or-later
// One request over a line that may lose bytes either way. Whatever is silent too long is asked for
// again: the request until it is known to be taken, then how far it is. Asking costs nothing, for
// the console runs a request once, by its number. It keeps a window of the output; what is here is
// told to it every quarter of that, so that it goes on. Answers come behind the pieces that they
// count: when the newest question's is here, what is missing is lost, and is asked for.

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "mgmt/client/client.h"
#include "mgmt/lib/clock.h"
#include "mgmt/lib/frame.h"

#define SILENCE_MS     200 /* then ask again, and wait twice as long */
#define SILENCE_MAX_MS 1600
#define ASK_PIECES     64u
#define TELL_PIECES    (FRAME_WINDOW / 4)
#define TELL_MS        2000

struct state {
	int fd;
	uint32_t id;
	const char *question; /* the frame's body that asks for it all */
	bool taken, ended, lost;
	int status;
	uint32_t crc;            /* of all, once it has ended */
	unsigned next;           /* all pieces before it are here */
	unsigned known;          /* so many there are, as far as we know */
	unsigned told;           /* `next` as the console knows it ... */
	int64_t told_ms;         /* ... since then ... */
	unsigned tag;            /* ... by the question of this number */
	bool answered;           /* it has been answered */
	bool have[FRAME_WINDOW]; /* pieces from `next` on, by number */
	struct output *output;
	struct frame_reader reader;
};

/* ---- what comes ---- */

static void go_on(struct state *s)
{
	while (s->have[s->next % FRAME_WINDOW]) {
		s->have[s->next % FRAME_WINDOW] = false;
		s->next++;
	}
}

static void take_piece(struct state *s, const char *words)
{
	char base64[FRAME_MAX];
	uint8_t bytes[FRAME_PIECE];
	unsigned number;
	long len;

	if (sscanf(words, " %u %4095s", &number, base64) != 2)
		return;
	s->taken = true;
	/* Told again, or no console of ours: it never sends what lies beyond its window. */
	if (number < s->next || number - s->next >= FRAME_WINDOW)
		return;
	len = base64_decode(bytes, sizeof(bytes), base64);
	if (len <= 0)
		return;
	if (!s->have[number % FRAME_WINDOW])
		output_put(s->output, (uint64_t)number * FRAME_PIECE, bytes, (size_t)len);
	s->have[number % FRAME_WINDOW] = true;
	if (s->known <= number)
		s->known = number + 1;
	go_on(s);
}

static void take_progress(struct state *s, const char *words)
{
	unsigned known, tag;

	if (sscanf(words, " %u %u", &known, &tag) != 2)
		return;
	if (known > s->known)
		s->known = known;
	s->taken = true;
	s->answered |= tag == s->tag;
}

static void take_end(struct state *s, const char *words)
{
	unsigned pieces, crc, tag;
	int status;

	if (sscanf(words, " %d %u %8x %u", &status, &pieces, &crc, &tag) != 4)
		return;
	s->status = status;
	s->known = pieces;
	s->crc = crc;
	s->taken = s->ended = true;
	s->answered |= tag == s->tag;
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
	case 'P': take_progress(s, body + 10); break;
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

static bool complete(const struct state *s)
{
	return s->ended && s->next >= s->known;
}

static bool send_body(const struct state *s, const char *body, int64_t deadline)
{
	char frame[FRAME_ROOM];

	return send_all(s, frame, frame_make(frame, body), deadline);
}

/* How far it is; what is here need not be kept. */
static bool tell(struct state *s, int64_t deadline)
{
	char body[64];

	s->told = s->next;
	s->told_ms = now_ms();
	s->answered = false;
	snprintf(body, sizeof(body), "W %08x %u %u", s->id, s->next, ++s->tag);
	/* Where frames have been lost another one may be; waiting for the answer costs more. */
	return send_body(s, body, deadline) &&
	       (s->next == s->known || send_body(s, body, deadline));
}

static uint64_t missing_from(const struct state *s, unsigned first)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < ASK_PIECES && first + i < s->known; i++)
		mask |= (uint64_t)!s->have[(first + i) % FRAME_WINDOW] << i;
	return mask;
}

/* What was sent and is not here. */
static bool ask_missing(const struct state *s, int64_t deadline)
{
	unsigned end = s->known - s->next < FRAME_WINDOW ? s->known : s->next + FRAME_WINDOW;
	char body[64];

	for (unsigned i = s->next; i < end; i += ASK_PIECES) {
		uint64_t mask = missing_from(s, i);

		snprintf(body, sizeof(body), "G %08x %u %" PRIx64, s->id, i, mask);
		if (mask && !send_body(s, body, deadline))
			return false;
	}
	return true;
}

/* It has been silent, or something is known to be lost. */
static bool ask(struct state *s, int64_t deadline)
{
	if (!s->taken)
		return send_body(s, s->question, deadline);
	if (s->next < s->known && !ask_missing(s, deadline))
		return false;
	return tell(s, deadline);
}

/* Something has come. The console must not wait for us to say so. */
static bool go_on_asking(struct state *s, int64_t deadline)
{
	if (s->answered && s->next < s->known)
		return ask(s, deadline);
	if (s->ended || s->next == s->told)
		return true;
	if (s->next - s->told < TELL_PIECES && now_ms() - s->told_ms < TELL_MS)
		return true;
	return tell(s, deadline);
}

/* ---- the whole ---- */

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

static bool too_late(const struct state *s)
{
	if (!s->taken)
		client_fail("no answer: is nothing there, or a command of somebody else's still "
			    "running?");
	else if (s->known)
		client_fail("no more of the output has come in time: %u bytes of it are here",
			    s->next * FRAME_PIECE);
	else
		client_fail("the command has not ended in time");
	return false;
}

/* Until all is here. false: after a message. */
static bool converse(struct state *s, int64_t timeout_ms)
{
	int64_t silence = SILENCE_MS, deadline = now_ms() + timeout_ms;
	bool there = ask(s, deadline);

	while (there && !complete(s)) {
		unsigned before = s->next;
		int heard;

		if (now_ms() >= deadline)
			return too_late(s);
		heard = listen_for(s, silence, deadline);
		if (s->lost) {
			client_fail("the console has dropped the request: its shell was started "
				    "anew, or another program has asked");
			return false;
		}
		if (s->next != before)
			deadline = now_ms() + timeout_ms;
		there = heard >= 0 && (heard ? go_on_asking(s, deadline) : ask(s, deadline));
		silence = heard ? SILENCE_MS : silence < SILENCE_MAX_MS ? 2 * silence : silence;
	}
	if (!there)
		client_fail("the line is gone");
	return there;
}

/* Whether it is what the console had; each piece has been checked, but there are many. */
static bool is_right(struct state *s)
{
	uint32_t crc;

	if (!output_crc(s->output, &crc))
		client_fail("the output cannot be written: %s", strerror(errno));
	else if (crc != s->crc)
		client_fail("the output came damaged: its checksum is wrong");
	else
		return true;
	return false;
}

int request(int fd, const char *line, struct output *output, int64_t timeout_ms)
{
	struct state s = { .fd = fd, .output = output };
	char question[FRAME_MAX];
	int n;

	if (getrandom(&s.id, sizeof(s.id), 0) != sizeof(s.id))
		return client_fail("no random number");
	n = snprintf(question, sizeof(question), "Q %08x ", s.id);
	base64_encode(question + n, line, strlen(line));
	s.question = question;
	if (converse(&s, timeout_ms) && is_right(&s))
		return output_end(output, s.status);
	output_drop(output);
	return EXIT_LINE;
}
