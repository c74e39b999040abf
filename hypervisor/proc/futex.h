/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Futexes: sleeping on a word of user memory until somebody wakes that word. A word is known by the
 * memory behind it, so processes that share a memory object share its futexes.
 * Addresses are the current address space's. No lock held.
 */
#pragma once

#include "lib/types.h"

#define FUTEX_ANY UINT32_MAX /* bitset that matches every waiter */

/* Sleeps while the word is `value`. 0 woken; -EAGAIN, -EFAULT, -EINVAL (alignment, bitset 0),
 * -ETIMEDOUT, -EINTR. */
int64_t futex_wait(uint64_t va, uint32_t value, uint64_t deadline, uint32_t bitset);
/* Wakes up to n waiters whose bitset shares a bit. How many, or -EFAULT, -EINVAL. */
int64_t futex_wake(uint64_t va, uint32_t n, uint32_t bitset);
/*
 * FUTEX_REQUEUE without moving anyone: wakes nr_wake + nr_move waiters, who look at their word
 * again and sleep where they belong; a futex may always wake early. If `expected` is not NULL, only
 * when the word holds that value (-EAGAIN).
 */
int64_t futex_requeue(uint64_t from, uint32_t nr_wake, uint32_t nr_move, const uint32_t *expected);
void futex_init(void);
