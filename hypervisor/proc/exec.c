// SPDX-License-Identifier: GPL-2.0-or-later
// A segment's file bytes are mapped from where they lie in the boot archive, copied only when
// written; what is zero comes with the fault. The stack's first block is built in a kernel buffer
// and copied in through the new address space, to which the current thread switches meanwhile.
#include "proc/exec.h"

#include "cpu/msr.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/kalloc.h"
#include "proc/elf_plan.h"
#include "proc/random.h"
#include "thread/thread.h"

#define STACK_TOP   (AS_USER_END - MiB(1))
#define STACK_GUARD KiB(64)
#define BLOCK_SIZE  KiB(64) /* EXEC_ARGS_MAX of strings and their pointers fit */

static int map_segment(struct as *as, const struct archive_node *file, const struct elf_segment *s)
{
	struct as_map_args map = { .va = s->va,
				   .size = s->size,
				   .rights = s->rights,
				   .fixed = true,
				   .kind = AS_KIND_ANON };
	int64_t rc;

	if (s->file_end > s->offset) {
		map.kind = AS_KIND_FILE;
		map.offset = s->offset;
		map.file_base = virt_to_phys(file->data);
		map.file_size = s->file_end;
	}
	rc = as_map(as, &map);
	return rc < 0 ? (int)rc : 0;
}

static int map_stack(struct as *as)
{
	struct as_map_args map = {
		.va = STACK_TOP - EXEC_STACK_SIZE,
		.size = EXEC_STACK_SIZE,
		.rights = AS_READ | AS_WRITE,
		.fixed = true,
		.kind = AS_KIND_ANON,
	};
	int64_t rc = as_map(as, &map);

	if (rc < 0)
		return (int)rc;
	map.va -= STACK_GUARD;
	map.size = STACK_GUARD;
	map.rights = 0;
	rc = as_map(as, &map);
	return rc < 0 ? (int)rc : 0;
}

static int copy_into(struct as *as, uint64_t va, const void *bytes, size_t len)
{
	struct thread *t = thread_current();
	struct as *own = thread_as(t);
	int rc;

	thread_set_as(t, as);
	rc = copy_to_user(va, bytes, len);
	thread_set_as(t, own);
	return rc == 0 ? 0 : -ENOMEM; /* the pages are mapped: only the quota can be missing */
}

static int make_stack(struct as *as, const struct user_args *args, struct user_stack_info *info,
		      uint64_t *rsp)
{
	uint8_t *block = kalloc(kernel_container, BLOCK_SIZE);
	int64_t len;
	int rc;

	if (block == NULL)
		return -ENOMEM;
	random_bytes(info->random, sizeof(info->random));
	len = user_stack_build(block, BLOCK_SIZE, args, info);
	rc = len < 0 ? (int)len
		     : copy_into(as, info->top - (uint64_t)len, block + BLOCK_SIZE - len,
				 (size_t)len);
	*rsp = info->top - (uint64_t)len;
	kfree(block);
	return rc;
}

int exec_load(struct as *as, const struct archive_node *file, const char *execfn,
	      const struct user_args *args, struct exec_result *out)
{
	struct user_stack_info info = { .top = STACK_TOP, .execfn = execfn };
	struct elf_plan plan;
	int rc = elf_plan(file->data, file->size, &plan);

	for (unsigned int i = 0; rc == 0 && i < plan.nr_segments; i++)
		rc = map_segment(as, file, &plan.segments[i]);
	if (rc == 0)
		rc = map_stack(as);
	if (rc != 0)
		return rc;
	info.entry = plan.entry;
	info.phdrs = plan.phdrs;
	info.nr_phdrs = plan.nr_phdrs;
	info.hwcap = cpuid(1, 0).edx;
	out->entry = plan.entry;
	out->brk = plan.end;
	return make_stack(as, args, &info, &out->stack);
}
