/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spin locks, FIFO fair, of two kinds behind one interface: ticket locks, and MCS locks for what
 * many CPUs want at once. A lock's class says which kind it is.
 *
 * The kernel runs with interrupts off, so a lock is always held with interrupts off. The lock lives
 * in the object that it guards. hypervisor/README.md has the order; a class is a line there. The
 * debug image knows each lock's owner and class and panics on re-acquire, release by another CPU,
 * an order violation (a class with a lower or the same rank is taken after a higher one),
 * interrupts on, or a sleep with a lock held.
 */
#pragma once

#include "cpu/cpu.h"

/* Rank: locks are taken in rising rank. Leaves share LOCK_RANK_LEAF and are never nested in each
 * other. */
enum lock_rank {
	LOCK_RANK_PROC = 10,    /* process table and process */
	LOCK_RANK_VM = 20,      /* VM: memory map, doorbells, vCPU list */
	LOCK_RANK_AS = 30,      /* address space: regions */
	LOCK_RANK_MOBJ = 40,    /* memory object */
	LOCK_RANK_PT = 50,      /* page table */
	LOCK_RANK_OBJECT = 60,  /* channels, events, handles tables */
	LOCK_RANK_IRQCHIP = 65, /* PIC, IO-APIC of a VM */
	LOCK_RANK_POLL = 68,    /* who polls an object */
	LOCK_RANK_WAIT = 70,    /* wait queues */
	LOCK_RANK_INBOX = 80,   /* per-CPU inbox */
	LOCK_RANK_CONTAINER = 85,
	LOCK_RANK_ZONE = 90, /* page allocator zone */
	LOCK_RANK_LEAF = 100,
};

/*
 * With a class' rank: an MCS lock, where each waits at a word of its own CPU. Else a ticket lock,
 * which is cheaper while few wait, but all of them look at one word.
 */
#define LOCK_MCS       0x100u
#define LOCK_RANK_MASK 0xffu

struct lock_class {
	const char *name;
	unsigned rank; /* enum lock_rank, or with LOCK_MCS */
};

/* Locks: [a] atomic   [h] the holder */
struct lock {
	union {
		uint32_t next; /* [a] ticket lock: the next ticket */
		uint32_t tail; /* [a] MCS: number of the last node in line, 0: free */
	};
	union {
		uint32_t serving; /* [a] ticket lock: whose turn it is */
		uint32_t holder;  /* [h] MCS: number of the holder's node */
	};
	const struct lock_class *class; /* [I] */
#ifdef CONFIG_DEBUG
	uint32_t owner;    /* [a] CPU number + 1, 0: free */
	const void *where; /* [h] */
#endif
#ifdef CONFIG_LLOG
	uint32_t turn;   /* [h] how often it has been taken */
	uint64_t number; /* [I] names it in the log; 0: its address does */
#endif
};

#define LOCK_INIT(cls)         \
	{                      \
		.class = (cls) \
	}

void lock_init(struct lock *l, const struct lock_class *class);

/* Waits in turn. Any context with interrupts off. While it spins it serves nothing: see cpu/lapic.h
 * for why that is safe. */
void lock_acquire(struct lock *l);
bool lock_try(struct lock *l);
void lock_release(struct lock *l);

/* Debug image: whether this CPU holds it; release image: whether anyone does. For
 * ASSERT(lock_held(..)) in _locked functions. */
bool lock_held(const struct lock *l);

/* Debug image: panics when this CPU holds any lock (before sleeping and before waiting for other
 * CPUs). */
void lock_assert_none(void);
