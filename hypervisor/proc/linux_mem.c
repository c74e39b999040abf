// SPDX-License-Identifier: GPL-2.0-or-later
// The layout of the caller's address space. One change at a time per process
// (process_layout_begin): the records of which object's page is mapped where must tell the truth,
// or an object might be freed under a mapping. Shared anonymous memory is private here: there is no
// fork to share it with.
#include "lib/errno.h"
#include "mem/kalloc.h"
#include "proc/linux_calls.h"
#include "proc/process.h"
#include "proc/user.h"

#define PAGE 4096ull

/* Pages looked at, or copied, between two chances for others. */
#define TURN_PAGES 16

static struct as *own_as(void)
{
	return process_current()->as;
}

/* ---- mmap ---- */

static uint32_t rights_of(uint64_t prot)
{
	return (prot & LINUX_PROT_READ ? AS_READ : 0) |
	       (prot & LINUX_PROT_WRITE ? AS_READ | AS_WRITE : 0) |
	       (prot & LINUX_PROT_EXEC ? AS_READ | AS_EXEC : 0);
}

/* Length in whole pages; 0: none, or it does not fit. */
static uint64_t page_length(uint64_t len)
{
	return len <= AS_USER_END ? ALIGN_UP(len, PAGE) : 0;
}

/* Unmaps and forgets whose pages were there. In a layout change. */
static int unmap(uint64_t va, uint64_t size)
{
	int rc = as_unmap(own_as(), va, size);

	if (rc == 0)
		process_drop_mappings(process_current(), va, size);
	return rc;
}

/* Maps; `o`, if not NULL, owns the page and lives as long as it is mapped. In a layout change. */
static int64_t map(const struct as_map_args *args, struct object *o)
{
	struct process *p = process_current();
	int64_t va = as_map(p->as, args);
	int rc;

	if (va < 0)
		return va;
	if (args->fixed)
		process_drop_mappings(p, (uint64_t)va, args->size);
	if (args->kind != AS_KIND_RUN_PAGE)
		return va;
	rc = process_add_mapping(p, o, (uint64_t)va, args->size);
	if (rc != 0)
		(void)unmap((uint64_t)va, args->size);
	return rc != 0 ? rc : va;
}

/* Where nothing is; -EEXIST. */
static int64_t map_noreplace(struct as_map_args *args, uint64_t va, struct object *o)
{
	int64_t at;

	args->fixed = false;
	at = map(args, o);
	if (at < 0 || (uint64_t)at == va)
		return at;
	(void)unmap((uint64_t)at, args->size);
	return -EEXIST;
}

static int64_t map_checked(struct as_map_args *args, uint64_t flags, struct object *o)
{
	struct process *p = process_current();
	int64_t va;

	process_layout_begin(p);
	if (flags & LINUX_MAP_FIXED_NOREPLACE)
		va = map_noreplace(args, args->va, o);
	else
		va = map(args, o);
	process_layout_end(p);
	return va;
}

static int64_t map_object(struct as_map_args *args, uint64_t flags, int fd)
{
	struct object *o = handle_get(&process_current()->handles, fd);
	int64_t rc = -ENODEV;

	if (o == NULL)
		return -EBADF;
	if (o->ops->mmap != NULL)
		rc = o->ops->mmap(o, args, flags & LINUX_MAP_SHARED);
	if (rc == 0)
		rc = map_checked(args, flags, o);
	object_put(o);
	return rc;
}

int64_t linux_mmap(const struct syscall_args *a)
{
	const uint64_t fixed = LINUX_MAP_FIXED | LINUX_MAP_FIXED_NOREPLACE;
	uint64_t flags = a->arg[3];
	struct as_map_args args = {
		.va = a->arg[0],
		.size = page_length(a->arg[1]),
		.rights = rights_of(a->arg[2]),
		.kind = AS_KIND_ANON,
		.fixed = flags & fixed,
		.offset = a->arg[5],
	};

	if (a->arg[1] == 0 || (flags & (LINUX_MAP_SHARED | LINUX_MAP_PRIVATE)) == 0)
		return -EINVAL;
	if (args.size == 0)
		return -ENOMEM;
	if (!IS_ALIGNED(args.offset, PAGE) || (args.fixed && !IS_ALIGNED(args.va, PAGE)))
		return -EINVAL;
	args.va = ALIGN_DOWN(args.va, PAGE);
	if ((args.rights & AS_WRITE) && (args.rights & AS_EXEC))
		return -EACCES;
	if (flags & LINUX_MAP_ANONYMOUS) {
		args.offset = 0;
		return map_checked(&args, flags, NULL);
	}
	return map_object(&args, flags, (int)a->arg[4]);
}

int64_t linux_munmap(const struct syscall_args *a)
{
	struct process *p = process_current();
	uint64_t size = page_length(a->arg[1]);
	int rc;

	if (size == 0)
		return -EINVAL;
	process_layout_begin(p);
	rc = unmap(a->arg[0], size);
	process_layout_end(p);
	return rc;
}

int64_t linux_mprotect(const struct syscall_args *a)
{
	const uint64_t known = LINUX_PROT_READ | LINUX_PROT_WRITE | LINUX_PROT_EXEC;
	struct process *p = process_current();
	uint64_t size = page_length(a->arg[1]);
	int rc;

	if ((a->arg[2] & ~known) != 0 || !IS_ALIGNED(a->arg[0], PAGE))
		return -EINVAL;
	if (a->arg[1] == 0)
		return 0;
	if (size == 0)
		return -ENOMEM;
	process_layout_begin(p);
	rc = as_protect(p->as, a->arg[0], size, rights_of(a->arg[2]));
	process_layout_end(p);
	return rc;
}

/* ---- brk ---- */

/* Moves the end of the heap within whole pages; false: it stays. In a layout change. */
static bool move_heap_end(uint64_t old_end, uint64_t end)
{
	struct as_map_args args = {
		.va = old_end,
		.size = end - old_end,
		.rights = AS_READ | AS_WRITE,
		.kind = AS_KIND_ANON,
	};

	if (end < old_end)
		return unmap(end, old_end - end) == 0;
	if (end == old_end)
		return true;
	return map_noreplace(&args, old_end, NULL) == (int64_t)old_end;
}

/* The end of the heap after the call; like Linux it answers the old one when it cannot move. */
int64_t linux_brk(const struct syscall_args *a)
{
	struct process *p = process_current();
	uint64_t want = a->arg[0], brk;

	process_layout_begin(p);
	brk = p->brk;
	if (want >= p->brk_start && want <= AS_MMAP_TOP &&
	    move_heap_end(ALIGN_UP(brk, PAGE), ALIGN_UP(want, PAGE)))
		p->brk = brk = want;
	process_layout_end(p);
	return (int64_t)brk;
}

/* ---- mremap ---- */

/* All of the range is anonymous memory with one set of rights: 0, else -EFAULT, -EINVAL. */
static int check_anon(uint64_t va, uint64_t size, uint32_t *rights)
{
	struct as_query q;

	as_query(own_as(), va, &q);
	*rights = q.rights;
	for (uint64_t at = va; at < va + size; at += PAGE) {
		as_query(own_as(), at, &q);
		if (q.kind == AS_KIND_NONE)
			return -EFAULT;
		if (q.kind != AS_KIND_ANON || q.rights != *rights)
			return -EINVAL;
		if (at / PAGE % TURN_PAGES == 0)
			preempt_point();
	}
	return 0;
}

/* Copies the pages that are there. 0, -EFAULT (unreadable), -ENOMEM. */
static int copy_pages(uint64_t to, uint64_t from, uint64_t size, void *page)
{
	struct as_query q;

	for (uint64_t at = 0; at < size; at += PAGE) {
		as_query(own_as(), from + at, &q);
		if (q.page_size == 0)
			continue;
		if (copy_from_user(page, from + at, PAGE) != 0)
			return -EFAULT;
		if (copy_to_user(to + at, page, PAGE) != 0)
			return -ENOMEM;
		preempt_point();
	}
	return 0;
}

static int copy_memory(uint64_t to, uint64_t from, uint64_t size)
{
	void *page = kalloc(process_container(process_current()), PAGE);
	int rc;

	if (page == NULL)
		return -ENOMEM;
	rc = copy_pages(to, from, size, page);
	kfree(page);
	return rc;
}

/* A larger place with the old contents; the old one goes. In a layout change. */
static int64_t move(uint64_t old, uint64_t old_size, uint64_t size, uint32_t rights)
{
	struct as_map_args args = { .size = size, .rights = rights, .kind = AS_KIND_ANON };
	int64_t va;
	int rc = 0;

	/* Contents are copied through the mappings, so they must be writable. */
	if ((rights & AS_WRITE) == 0)
		return -ENOMEM;
	va = map(&args, NULL);
	if (va < 0)
		return va;
	rc = copy_memory((uint64_t)va, old, old_size);
	if (rc == 0)
		rc = unmap(old, old_size);
	if (rc != 0)
		(void)unmap((uint64_t)va, size);
	return rc != 0 ? rc : va;
}

static int64_t grow(uint64_t old, uint64_t old_size, uint64_t size, bool may_move)
{
	struct as_map_args args = { .va = old + old_size,
				    .size = size - old_size,
				    .kind = AS_KIND_ANON };
	int rc = check_anon(old, old_size, &args.rights);

	if (rc != 0)
		return rc;
	if (map_noreplace(&args, args.va, NULL) == (int64_t)args.va)
		return (int64_t)old;
	return may_move ? move(old, old_size, size, args.rights) : -ENOMEM;
}

/* Only anonymous memory grows. */
int64_t linux_mremap(const struct syscall_args *a)
{
	struct process *p = process_current();
	uint64_t old = a->arg[0], old_size = page_length(a->arg[1]), size = page_length(a->arg[2]);
	int64_t rc = (int64_t)old;

	if (!IS_ALIGNED(old, PAGE) || old_size == 0 || size == 0 || old > AS_USER_END - old_size ||
	    (a->arg[3] & ~(uint64_t)LINUX_MREMAP_MAYMOVE) != 0)
		return -EINVAL;
	process_layout_begin(p);
	if (size < old_size && unmap(old + size, old_size - size) != 0)
		rc = -EFAULT;
	else if (size > old_size)
		rc = grow(old, old_size, size, a->arg[3] & LINUX_MREMAP_MAYMOVE);
	process_layout_end(p);
	return rc;
}

/* ---- madvise ---- */

/* The end of the run of pages from va on that are of one kind and have the same rights. */
static uint64_t run_end(uint64_t va, uint64_t end, struct as_query *first)
{
	struct as_query q;

	as_query(own_as(), va, first);
	for (va += PAGE; va < end; va += PAGE) {
		as_query(own_as(), va, &q);
		if (q.kind != first->kind || q.rights != first->rights)
			break;
		if (va / PAGE % TURN_PAGES == 0)
			preempt_point();
	}
	return va;
}

/* Fresh zeros in place of anonymous memory. In a layout change. */
static int64_t discard(uint64_t va, uint64_t end)
{
	while (va < end) {
		struct as_query q;
		struct as_map_args args = { .va = va, .fixed = true, .kind = AS_KIND_ANON };
		int64_t rc;

		args.size = run_end(va, end, &q) - va;
		args.rights = q.rights;
		if (q.kind == AS_KIND_NONE)
			return -ENOMEM;
		if (q.kind != AS_KIND_ANON)
			return -EINVAL;
		rc = map(&args, NULL);
		if (rc < 0)
			return rc;
		va += args.size;
	}
	return 0;
}

/* MADV_DONTNEED is what allocators rely on; other advice may be ignored by its definition. */
int64_t linux_madvise(const struct syscall_args *a)
{
	struct process *p = process_current();
	uint64_t va = a->arg[0], size = page_length(a->arg[1]);
	int64_t rc = 0;

	if (!IS_ALIGNED(va, PAGE) || (size == 0 && a->arg[1] != 0) || va > AS_USER_END - size)
		return -EINVAL;
	if ((int)a->arg[2] != LINUX_MADV_DONTNEED)
		return (uint32_t)a->arg[2] <= LINUX_MADV_LAST ? 0 : -EINVAL;
	process_layout_begin(p);
	if (va < AS_USER_BEGIN && size != 0)
		rc = -ENOMEM;
	else
		rc = discard(va, va + size);
	process_layout_end(p);
	return rc;
}
