/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * User address spaces: regions (anonymous memory, files of the boot archive, memory objects, run
 * pages) in a tree, filled on demand.
 *
 * Locks: as->lock (LOCK_RANK_AS) guards the regions; each fault takes it. Changes of the layout
 * (map, unmap, protect) exclude each other until their TLB flush is done, so an address is never
 * given out again while some CPU still knows its old page. An as is active on the CPUs in its set,
 * which is what TLB shootdown uses. User memory is touched by the kernel only through
 * copy_from_user/copy_to_user.
 */
#pragma once

#include "abi/strata.h"
#include "mem/mobj.h"
#include "mem/pt.h"

struct as;

#define AS_USER_BEGIN 0x0000000000010000ull
#define AS_USER_END   0x00007ffffffff000ull
#define AS_MMAP_TOP   0x00007ff000000000ull /* what the kernel chooses lies below */

struct as *as_create(struct container *c); /* NULL: no memory */
void as_destroy(struct as *as); /* no thread runs in it; no lock held; may give others a turn */
void as_switch(struct as *as);  /* this CPU; NULL: the kernel's own tables */
struct as *as_current(void);

struct as_map_args {
	uint64_t va;     /* 0 and !fixed: the kernel chooses. Not 0 and !fixed: there if it is free,
			    else the kernel chooses */
	uint64_t size;   /* multiple of 4096 */
	uint32_t rights; /* AS_READ|AS_WRITE|AS_EXEC; WRITE with EXEC is refused: -EACCES */
	enum as_kind kind;
	bool fixed;         /* replaces what is there */
	struct mobj *mobj;  /* AS_KIND_MOBJ: a reference is taken */
	uint64_t offset;    /* multiple of 4096; into mobj or file */
	phys_t file_base;   /* AS_KIND_FILE: contiguous bytes in RAM (page-aligned or not); private:
			       copied on write or when unaligned */
	uint64_t file_size; /* bytes; what lies beyond reads as zeros */
	phys_t page; /* AS_KIND_RUN_PAGE: the page, owned by the caller; it must be unmapped before
			it is freed */
};
/* Address or -errno (-ENOMEM, -EINVAL, -EACCES). No lock held. */
int64_t as_map(struct as *as, const struct as_map_args *args);
int as_unmap(struct as *as, uint64_t va,
	     uint64_t size); /* 0, -EINVAL, -ENOMEM. No lock held: TLB shootdown */
/* All of the range must be mapped (-ENOMEM). No lock held. */
int as_protect(struct as *as, uint64_t va, uint64_t size, uint32_t rights);
/*
 * A page fault of ring 3, or of the kernel in copy_*_user; `wanted` is one of AS_READ, AS_WRITE,
 * AS_EXEC. 0: go on; -EFAULT: the program's error; -ENOMEM: its quota. No lock of rank >= AS held;
 * copy-on-write flushes TLBs, so no lock at all when others share the as.
 */
int as_fault(struct as *as, uint64_t va, uint32_t wanted);
void as_query(struct as *as, uint64_t va, struct as_query *out);
uint64_t as_used(const struct as *as); /* bytes of private memory present */

/* 0 or -EFAULT. Of the current address space. They may fault pages in; no lock held. */
int copy_from_user(void *dst, uint64_t src, size_t len);
int copy_to_user(uint64_t dst, const void *src, size_t len);
/* Length without the NUL, -EFAULT, or -ENAMETOOLONG when no NUL within size. */
int64_t copy_string_from_user(char *dst, uint64_t src, size_t size);
/* Atomic 32-bit load from user memory for futexes: 0 or -EFAULT (also when not aligned). */
int user_load32(uint64_t va, uint32_t *value);
/*
 * Identity of the memory behind a user address, equal in all processes that share it: for futex
 * keys. 0 or -EFAULT. Valid while it stays mapped.
 */
int as_key(struct as *as, uint64_t va, uint64_t *object, uint64_t *offset);
