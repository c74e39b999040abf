/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory as the kernel reads and writes it: by guest-physical address through the VM's memory
 * map, by linear address through a walk of the guest's own tables. All access goes through the
 * memory objects' accessor. Thread context; no lock held.
 */
#pragma once

#include "lib/types.h"

struct vm;

/* How a guest translates linear addresses. */
struct guest_paging {
	uint64_t cr0, cr3, cr4, efer;
	uint64_t rflags; /* AC matters for SMAP */
	uint64_t cs_base;
	unsigned cpl;
	bool long_mode; /* EFER.LMA */
	bool code64;    /* CS.L in long mode */
	bool code32;    /* CS.D */
};

/* Bytes at a guest-physical address. 0, or -EFAULT: no memory there (nothing or only a part was
 * copied; writing: or the memory is read-only). */
int gmem_read(struct vm *vm, gpa_t gpa, void *buf, size_t len);
int gmem_write(struct vm *vm, gpa_t gpa, const void *buf, size_t len);

/*
 * A piece of guest memory, found by the first of several reads for those that follow: tables of a
 * guest mostly lie near each other. Only while the caller neither waits nor takes interrupts, since
 * the memory map changes meanwhile. Zeros: none yet.
 */
struct gmem_view {
	gpa_t gpa;
	uint64_t size;
	const uint8_t *at;
};
/* As gmem_read(); aligned reads of 4 and 8 bytes are single loads where the memory is there. */
int gmem_view_read(struct vm *vm, struct gmem_view *view, gpa_t gpa, void *buf, size_t len);

#define GMEM_WRITE 1u
#define GMEM_FETCH 2u
/*
 * Linear to physical, as the CPU would for `access` at privilege p->cpl, without setting accessed
 * or dirty bits. 0; -EFAULT: not mapped or not allowed, *error is the page-fault error code; -EIO:
 * the tables lie outside memory.
 */
int gmem_translate(struct vm *vm, const struct guest_paging *p, uint64_t gva, uint32_t access,
		   gpa_t *gpa, uint32_t *error);
/* Up to len instruction bytes at linear address gva (CS base and RIP, see gmem_code_address);
 * returns how many could be read, 0: none. */
unsigned gmem_fetch(struct vm *vm, const struct guest_paging *p, uint64_t gva, uint8_t *buf,
		    unsigned len);
/* Linear address of the instruction at `rip`. */
uint64_t gmem_code_address(const struct guest_paging *p, uint64_t rip);
