// SPDX-License-Identifier: GPL-2.0-or-later
// Before threads exist there is nobody to give a turn to: the hook starts as a function that does
// nothing, so that the caller needs no test. thread/ sets it once, when its own structures are
// ready.
#include "mem/preempt.h"

#include "lock/lock.h"

static void nobody(void)
{
}

static void (*preempt_hook)(void) = nobody;

void mem_set_preempt_hook(void (*hook)(void))
{
	preempt_hook = hook;
}

void mem_preempt_point(void)
{
	lock_assert_none();
	preempt_hook();
}
