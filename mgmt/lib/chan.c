// SPDX-License-Identifier: GPL-2.0-or-later
// The common case of a channel message, on top of the calls: some bytes and at most one handle,
// without waiting. Works over strata.c and over strata_linux.c alike.

#include "mgmt/lib/strata.h"

int strata_send(int fd, const void *buf, size_t len, int handle)
{
	struct chan_msg msg = {
		.buf = (uintptr_t)buf,
		.len = (uint32_t)len,
		.flags = CHAN_NOWAIT,
		.timeout_ns = STRATA_FOREVER,
		.nr_handles = handle >= 0 ? 1 : 0,
		.handles = { handle },
	};

	return strata_chan_send(fd, &msg);
}

int strata_recv(int fd, void *buf, size_t room, int *handle)
{
	struct chan_msg msg = {
		.buf = (uintptr_t)buf,
		.len = (uint32_t)room,
		.flags = CHAN_NOWAIT,
		.timeout_ns = STRATA_FOREVER,
		.nr_handles = handle ? 1 : 0,
	};
	int ret = strata_chan_recv(fd, &msg);

	if (handle)
		*handle = ret >= 0 && msg.nr_handles ? msg.handles[0] : -1;
	return ret;
}
