/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs share that move a running guest from VM to VM: the guest's start as a multiboot
 * loader makes it, and whether a state that was set is the one that was got. No locks.
 */
#pragma once

#include <stddef.h>

#include "tests/programs/vm.h"

#define RAM  (16u << 20)
#define INFO 0x9000u /* multiboot information, its command line behind it */

extern const char program[]; /* its name */
static int failures;
static uint64_t seed = 0x5eed;

static inline void fail(const char *what, long value)
{
	if (__atomic_fetch_add(&failures, 1, __ATOMIC_SEQ_CST) < 20)
		printf("%s: %s: %ld\n", program, what, value);
}

static inline uint64_t random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* ---- the guest ---- */

struct elf32 {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version, entry, phoff, shoff, flags;
	uint16_t ehsize, phentsize, phnum;
};
struct phdr32 {
	uint32_t type, offset, vaddr, paddr, filesz, memsz, flags, align;
};

/* The entry point, 0: no such file, or not one of ours. */
static inline uint32_t load(uint8_t *ram, const char *path)
{
	static uint8_t file[1 << 20];
	int fd = open(path, O_RDONLY);
	ssize_t size = fd < 0 ? -1 : read(fd, file, sizeof(file));
	struct elf32 e;

	close(fd);
	if (size < (ssize_t)sizeof(e) || memcmp(file, "\177ELF\1", 5) != 0)
		return 0;
	memcpy(&e, file, sizeof(e));
	for (unsigned i = 0; i < e.phnum; i++) {
		struct phdr32 p;

		if (e.phoff + (i + 1) * sizeof(p) > (size_t)size)
			return 0;
		memcpy(&p, file + e.phoff + i * sizeof(p), sizeof(p));
		if (p.type != 1)
			continue;
		if (p.filesz > (size_t)size || p.offset > (size_t)size - p.filesz ||
		    p.paddr > RAM || p.filesz > RAM - p.paddr)
			return 0;
		memcpy(ram + p.paddr, file + p.offset, p.filesz);
	}
	return e.entry;
}

static inline void put_info(uint8_t *ram, const char *words)
{
	const uint32_t flags = 4, cmdline = INFO + 64;

	memcpy(ram + INFO, &flags, 4);
	memcpy(ram + INFO + 16, &cmdline, 4);
	memcpy(ram + cmdline, words, strlen(words) + 1);
}

static inline void boot_state(struct vcpu_state *s, uint32_t entry)
{
	const struct vcpu_segment data = { 0, 0xffffffff, 16, 0xc93 };

	memset(&s->regs, 0, sizeof(s->regs));
	s->regs.gpr[GPR_RAX] = 0x2badb002;
	s->regs.gpr[GPR_RBX] = INFO;
	s->regs.rip = entry;
	s->regs.rflags = 2;
	for (unsigned i = SEG_ES; i <= SEG_GS; i++)
		s->sregs.seg[i] = data;
	s->sregs.seg[SEG_CS] = (struct vcpu_segment){ 0, 0xffffffff, 8, 0xc9b };
	s->sregs.cr0 = 0x11;
}

/* The vCPU starts at `entry`. */
static inline long start_at(int vcpu, uint32_t entry)
{
	static struct vcpu_state s;
	long rc = call(SYS_VCPU_GET_STATE, vcpu, (long)&s, 0, 0);

	if (rc < 0)
		return rc;
	boot_state(&s, entry);
	s.valid = VCPU_STATE_REGS | VCPU_STATE_SREGS;
	return call(SYS_VCPU_SET_STATE, vcpu, (long)&s, 0, 0);
}

/* ---- states ---- */

#define MSR_TSC 0x10

static inline void compare(const struct vcpu_state *a, struct vcpu_state *b)
{
	if (memcmp(&a->regs, &b->regs, sizeof(a->regs)) != 0)
		fail("registers differ at rip", (long)b->regs.rip);
	if (memcmp(&a->sregs, &b->sregs, sizeof(a->sregs)) != 0)
		fail("system registers differ at rip", (long)b->regs.rip);
	if (memcmp(a->dr, b->dr, sizeof(a->dr)) != 0 || a->dr6 != b->dr6 || a->dr7 != b->dr7)
		fail("debug registers differ, dr6", (long)b->dr6);
	if (a->nr_msrs != b->nr_msrs)
		fail("number of MSRs", b->nr_msrs);
	for (unsigned i = 0; i < a->nr_msrs; i++)
		if (a->msrs[i].index != MSR_TSC &&
		    memcmp(&a->msrs[i], &b->msrs[i], sizeof(a->msrs[i])) != 0)
			fail("MSR differs", a->msrs[i].index);
	if (a->xsave_size != b->xsave_size || memcmp(a->xsave, b->xsave, a->xsave_size) != 0)
		fail("FPU state differs, size", b->xsave_size);
	/* A timer that ends meanwhile is seen in IRR. */
	for (unsigned i = 0; i < 0x20; i++)
		if (a->lapic[i] != b->lapic[i])
			fail("local APIC's register differs", i);
	if (memcmp(&a->mp_state, &b->mp_state,
		   sizeof(*a) - offsetof(struct vcpu_state, mp_state)) != 0)
		fail("events differ, mp_state", b->mp_state);
}
