/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the test programs that make VMs share: native calls, a VM with one vCPU and some memory, its
 * state in a multiboot loader's or in real mode. No locks; a program has a few of these at most.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi/strata.h"

static inline long call(long nr, long a, long b, long c, long d)
{
	long rc = syscall(nr, a, b, c, d);

	return rc == -1 ? -errno : rc;
}

struct test_vm {
	int vm, vcpu, memory;
	struct vcpu_run *run;
};

/* 0, or the first error. `memory` is a memory object of the caller's, mapped whole at 0. */
static inline long test_vm_create(struct test_vm *t, int memory, uint64_t size)
{
	const struct vm_create args = { .name = "test", .nr_vcpus_max = 2 };
	struct vm_map map = { .mobj_fd = memory,
			      .size = size,
			      .rights = AS_READ | AS_WRITE | AS_EXEC };
	void *page;
	long rc;

	*t = (struct test_vm){ .vm = -1, .vcpu = -1, .memory = memory };
	t->vm = (int)call(SYS_VM_CREATE, (long)&args, 0, 0, 0);
	if (t->vm < 0)
		return t->vm;
	map.vm_fd = t->vm;
	rc = call(SYS_VM_MAP, (long)&map, 0, 0, 0);
	if (rc < 0)
		return rc;
	t->vcpu = (int)call(SYS_VCPU_CREATE, t->vm, 0, 0, 0);
	if (t->vcpu < 0)
		return t->vcpu;
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, t->vcpu, 0);
	if (page == MAP_FAILED)
		return -errno;
	t->run = page;
	return 0;
}

static inline void test_vm_destroy(struct test_vm *t)
{
	if (t->run)
		munmap(t->run, 4096);
	close(t->vcpu);
	close(t->vm);
}
