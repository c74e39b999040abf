// SPDX-License-Identifier: GPL-2.0-or-later
// Channels for unit tests: what is sent is written to the handle as it is, what is received is read
// from it; a socket pair does.

#include <errno.h>
#include <sys/socket.h>

#include "mgmt/lib/strata.h"

int strata_chan_send(int fd, const struct chan_msg *msg)
{
	ssize_t n =
		send(fd, (const void *)(uintptr_t)msg->buf, msg->len, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n < 0 ? -errno : 0;
}

int strata_chan_recv(int fd, struct chan_msg *msg)
{
	ssize_t n = recv(fd, (void *)(uintptr_t)msg->buf, msg->len, MSG_DONTWAIT);

	msg->nr_handles = 0;
	if (n == 0)
		return -EPIPE;
	return n < 0 ? -errno : (int)n;
}
