// SPDX-License-Identifier: GPL-2.0-or-later
// Who waits says so in the word before it sleeps on it, and takes the mutex as WANTED, since others
// may sleep as well: at worst a wake that nobody needed.

#include "vmm/lock.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

void mutex_wait(struct mutex *m)
{
	while (__atomic_exchange_n(&m->state, MUTEX_WANTED, __ATOMIC_ACQUIRE) != MUTEX_FREE)
		syscall(SYS_futex, &m->state, FUTEX_WAIT_PRIVATE, MUTEX_WANTED, NULL, NULL, 0);
}

void mutex_wake(struct mutex *m)
{
	syscall(SYS_futex, &m->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
