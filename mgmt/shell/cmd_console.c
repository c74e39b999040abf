// SPDX-License-Identifier: GPL-2.0-or-later
// vm console: a channel of its own to the VMM carries the serial port's bytes both ways while the
// terminal is raw. Keys go out in small pieces that the channel has room for; what is left when a
// person detaches goes back to the shell. Requests of programs among the keys are answered
// meanwhile.

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mgmt/lib/frame.h"
#include "mgmt/lib/proto.h"
#include "mgmt/lib/strata.h"
#include "mgmt/shell/keys.h"
#include "mgmt/shell/shell.h"

#define DETACH_KEY 0x1d /* Ctrl-] */

enum relay {
	RELAY_GO_ON,
	RELAY_DETACHED,
	RELAY_GONE,
	RELAY_NO_INPUT
};

struct pending {
	char keys[256];
	size_t len;
	bool detach; /* the key came: after what is before it has been sent */
};

static void write_all(const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, buf, len);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return;
		if (n > 0) {
			buf += n;
			len -= (size_t)n;
		}
	}
}

static enum relay take_output(int channel)
{
	char buf[CHAN_MSG_MAX];
	int n;

	while ((n = strata_recv(channel, buf, sizeof(buf), NULL)) >= 0)
		write_all(buf, (size_t)n);
	return n == -EAGAIN ? RELAY_GO_ON : RELAY_GONE;
}

/* Cuts the keys at a frame's mark, and has the frame answered when it is the first. */
static void look_for_frame(struct pending *p)
{
	char *mark = memchr(p->keys, FRAME_MARK, p->len);

	if (!mark)
		return;
	size_t before = (size_t)(mark - p->keys);
	keys_unget(mark, p->len - before);
	p->len = before;
	if (!before && !keys_take_mark())
		p->keys[p->len++] = FRAME_MARK;
}

/* Cuts the keys at the detach key and gives what follows it back to the shell. */
static void look_for_detach(struct pending *p)
{
	char *key = memchr(p->keys, DETACH_KEY, p->len);

	if (!key)
		return;
	size_t before = (size_t)(key - p->keys);
	keys_unget(key + 1, p->len - before - 1);
	p->len = before;
	p->detach = true;
}

static enum relay take_keys(struct pending *p)
{
	ssize_t n = (ssize_t)keys_take(p->keys, sizeof(p->keys));

	if (n == 0)
		n = read(STDIN_FILENO, p->keys, sizeof(p->keys));
	if (n <= 0)
		return RELAY_NO_INPUT;
	p->len = (size_t)n;
	look_for_frame(p);
	look_for_detach(p);
	return RELAY_GO_ON;
}

static enum relay send_keys(int channel, struct pending *p)
{
	int ret = p->len ? strata_send(channel, p->keys, p->len, -1) : 0;

	if (ret == -EAGAIN)
		return RELAY_GO_ON;
	if (ret < 0)
		return RELAY_GONE;
	p->len = 0;
	return p->detach ? RELAY_DETACHED : RELAY_GO_ON;
}

static enum relay relay_once(int channel, struct pending *p)
{
	bool kept = p->len == 0 && !p->detach && keys_kept();
	bool full = p->len || p->detach;
	struct pollfd fds[2] = {
		{ .fd = channel, .events = (short)(POLLIN | (full ? POLLOUT : 0)) },
		{ .fd = full || kept ? -1 : STDIN_FILENO, .events = POLLIN },
	};
	enum relay r = RELAY_GO_ON;

	if (poll(fds, 2, kept ? 0 : -1) < 0 && errno != EINTR)
		return RELAY_GONE;
	if (kept || fds[1].revents)
		r = take_keys(p);
	if (r == RELAY_GO_ON && (p->len || p->detach))
		r = send_keys(channel, p);
	if (r == RELAY_GO_ON && fds[0].revents & (POLLIN | POLLHUP))
		r = take_output(channel);
	return r;
}

static void relay(int channel)
{
	struct pending p = { .len = 0 };
	enum relay r;

	keys_begin();
	do
		r = relay_once(channel, &p);
	while (r == RELAY_GO_ON);
	keys_end();
	printf("\n[%s]\n", r == RELAY_GONE ? "the VM has ended" : "detached");
}

int cmd_vm_console(struct session *s, int argc, char **argv)
{
	int32_t ends[2];
	json_t *reply;
	int ret = strata_chan_create(ends, 32);

	(void)argc;
	if (ret < 0)
		return shell_fail(s, "no channel: %s", strerror(-ret));
	reply = client_call(s, "console", json_pack("{s:s}", "vm", argv[0]), ends[1]);
	if (!reply) {
		close(ends[0]);
		return STATUS_FAIL;
	}
	json_decref(reply);
	printf("[%s: Ctrl-] detaches]\n", argv[0]);
	fflush(stdout);
	relay(ends[0]);
	close(ends[0]);
	return STATUS_OK;
}
