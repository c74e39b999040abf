/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sleeping and waking for host tests: thread.c stands in for the wait queues of thread/thread.h. */
#pragma once

#include "tests/host/host.h"
#include "thread/thread.h"

/* The next or present interruptible sleep of the thread on that CPU returns -EINTR. */
void host_interrupt(unsigned cpu);

/* loan.c: each CPU's thread has a number, its CPU's, from now on. */
void host_threads_begin(void);
unsigned host_lends_to(unsigned cpu); /* 0: nobody; else 1 + the CPU of the borrower */
