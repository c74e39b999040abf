// SPDX-License-Identifier: GPL-2.0-or-later
// Helpers around copies to and from ring 3.
#include "proc/user.h"

#include "lib/errno.h"
#include "thread/thread.h"

int user_clear(uint64_t va, uint64_t len)
{
	static const uint8_t zeros[4096];

	while (len != 0) {
		uint64_t n = MIN(len, sizeof(zeros));

		if (copy_to_user(va, zeros, n) != 0)
			return -EFAULT;
		va += n;
		len -= n;
		preempt_point();
	}
	return 0;
}
