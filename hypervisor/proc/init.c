// SPDX-License-Identifier: GPL-2.0-or-later
// The start of this layer: futexes and the reaper first, then what ring 3 will find.
#include "proc/device.h"
#include "proc/futex.h"
#include "proc/linux_calls.h"
#include "proc/native.h"
#include "proc/uthread.h"

void proc_init(void)
{
	futex_init();
	reaper_init();
	uthread_init();
	device_init();
	syscall_register(&linux_calls);
	syscall_register(&native_thread_calls);
	syscall_register(&native_chan_calls);
	syscall_register(&native_proc_calls);
	syscall_register(&native_sys_calls);
}
