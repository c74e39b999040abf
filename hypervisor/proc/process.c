// SPDX-License-Identifier: GPL-2.0-or-later
// Processes: made whole by process_create, marked as ending once (by an exit, a kill or a fault),
// torn down by the last thread that leaves, announced by the reaper. The table of all processes
// holds no references; who walks it takes one only from a process that is not being destroyed.
#include "proc/process.h"

#include "cpu/log.h"
#include "cpu/tracing.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/kalloc.h"
#include "proc/exec.h"
#include "proc/uthread.h"

static const struct lock_class process_class = { "process", LOCK_RANK_PROC };
static const struct lock_class table_class = { "process.table", LOCK_RANK_PROC };

/* Locks: [t] lock   [a] atomic */
static struct {
	struct lock lock;
	struct list_head all; /* [t] by rising age of creation, which is not always by pid */
	uint32_t last_id;     /* [a] */
} table = {
	.lock = LOCK_INIT(&table_class),
	.all = LIST_HEAD_INIT(table.all),
};

uint32_t process_new_id(void)
{
	uint32_t id;

	do {
		id = __atomic_add_fetch(&table.last_id, 1, __ATOMIC_RELAXED) & 0x3fffffff;
	} while (id == 0);
	return id;
}

static uint32_t process_ready(struct object *o)
{
	struct process *p = container_of(o, struct process, object);

	return __atomic_load_n(&p->ended, __ATOMIC_ACQUIRE) ? OBJECT_IN : 0;
}

static void process_destroy(struct object *o)
{
	struct process *p = container_of(o, struct process, object);

	ASSERT(p->nr_threads == 0);
	lock_acquire(&table.lock);
	list_del(&p->table_node);
	lock_release(&table.lock);
	process_teardown(p);
	kfree(p);
}

const struct object_ops process_ops = {
	.name = "process",
	.destroy = process_destroy,
	.ready = process_ready,
};

/* Gives back all that the process holds. Idempotent; the last thread, or nobody, runs in it. */
void process_teardown(struct process *p)
{
	handle_table_close(&p->handles);
	if (p->as == NULL)
		return;
	as_destroy(p->as);
	p->as = NULL;
	process_drop_mappings(p, 0, UINT64_MAX);
}

static struct process *process_alloc(const struct process_args *args)
{
	struct process *p = kalloc(args->container, sizeof(*p));

	if (p == NULL)
		return NULL;
	object_init(&p->object, &process_ops, args->container);
	lock_init(&p->lock, &process_class);
	list_init(&p->threads);
	list_init(&p->mappings);
	wait_queue_init(&p->layout_queue);
	handle_table_init(&p->handles, args->container);
	p->pid = process_new_id();
	p->parent_pid = args->parent_pid;
	p->flags = args->flags;
	p->cwd = archive_root();
	str_copy(p->name, args->name, sizeof(p->name));
	lock_acquire(&table.lock);
	list_add_tail(&p->table_node, &table.all);
	lock_release(&table.lock);
	return p;
}

static int install_fds(struct process *p, const struct process_args *args)
{
	for (unsigned int i = 0; i < PROC_SPAWN_FDS_MAX; i++) {
		int rc;

		if (args->fds[i] == NULL)
			continue;
		rc = handle_install_at(&p->handles, object_get(args->fds[i]), (int)i, 0);
		if (rc < 0) {
			object_put(args->fds[i]);
			return rc;
		}
	}
	return 0;
}

static int find_program(const char *path, struct process *p, const struct archive_node **file)
{
	struct archive_node *n;
	int64_t len;
	int rc = archive_lookup(archive_root(), path, true, &n);

	if (rc != 0)
		return rc;
	if (!archive_is(n, MODE_FILE) || (n->mode & 0111) == 0)
		return -EACCES;
	len = archive_path(n, p->exe, sizeof(p->exe));
	*file = n;
	return len < 0 ? (int)len : 0;
}

static int fill(struct process *p, const struct process_args *args)
{
	struct uthread_args first = { .tid = p->pid };
	const struct archive_node *file;
	struct exec_result program;
	struct uthread *u;
	int rc = find_program(args->path, p, &file);

	if (rc != 0)
		return rc;
	p->as = as_create(args->container);
	if (p->as == NULL)
		return -ENOMEM;
	rc = exec_load(p->as, file, args->path, &args->args, &program);
	if (rc != 0)
		return rc;
	p->brk_start = program.brk;
	p->brk = program.brk;
	rc = install_fds(p, args);
	if (rc != 0)
		return rc;
	first.rip = program.entry;
	first.rsp = program.stack;
	return uthread_create(p, &first, &u);
}

int process_create(const struct process_args *args, struct process **out)
{
	struct process *p = process_alloc(args);
	int rc;

	if (p == NULL)
		return -ENOMEM;
	rc = fill(p, args);
	if (rc != 0) {
		object_put(&p->object);
		return rc;
	}
	*out = p;
	return 0;
}

void process_start(struct process *p)
{
	uthread_start(list_first_entry(&p->threads, struct uthread, node));
}

void process_discard(struct process *p)
{
	uthread_discard(list_first_entry(&p->threads, struct uthread, node));
	object_put(&p->object);
}

struct process *process_current(void)
{
	return uthread_current()->process;
}

/* A reset of a VM is a new one of the same VMM. */
void process_made_vm(struct process *p, uint32_t vm)
{
	uint32_t before = __atomic_exchange_n(&p->vm, vm, __ATOMIC_RELAXED);

	trace_follow(before, vm);
}

bool process_is_admin(void)
{
	return process_current()->flags & PROC_ADMIN;
}

/* First reason wins. Lock held. */
static bool begin_end(struct process *p, enum proc_end end, int32_t code)
{
	ASSERT(lock_held(&p->lock));
	if (p->ending)
		return false;
	p->end = end;
	p->exit_code = code;
	__atomic_store_n(&p->ending, true, __ATOMIC_RELEASE);
	return true;
}

static void interrupt_threads(struct process *p)
{
	struct uthread *u;

	list_for_each_entry (u, &p->threads, node)
		thread_interrupt(u->thread);
}

void process_kill(struct process *p, enum proc_end end, int32_t code)
{
	lock_acquire(&p->lock);
	if (begin_end(p, end, code))
		interrupt_threads(p);
	lock_release(&p->lock);
}

void process_fault(const struct trap_frame *frame, int signal, uint64_t address)
{
	struct process *p = process_current();
	bool first;

	lock_acquire(&p->lock);
	first = begin_end(p, PROC_FAULTED, signal);
	if (first) {
		p->fault_rip = frame->rip;
		p->fault_address = address;
		interrupt_threads(p);
	}
	lock_release(&p->lock);
	if (first)
		log_warn("process %u (%s): signal %d at rip %llx, address %llx", p->pid, p->name,
			 signal, (unsigned long long)frame->rip, (unsigned long long)address);
	uthread_exit();
}

bool process_is_ending(struct process *p)
{
	return __atomic_load_n(&p->ending, __ATOMIC_ACQUIRE);
}

void process_reaped(struct process *p)
{
	bool ended;

	lock_acquire(&p->lock);
	ended = --p->nr_unreaped == 0 && p->nr_threads == 0;
	lock_release(&p->lock);
	if (!ended)
		return;
	__atomic_store_n(&p->ended, true, __ATOMIC_RELEASE);
	object_notify(&p->object);
	if (p->on_end != NULL)
		p->on_end(p);
}

/* Lock held. */
static uint64_t run_time_locked(struct process *p)
{
	uint64_t ns = p->dead_run_time;
	struct uthread *u;

	list_for_each_entry (u, &p->threads, node)
		ns += thread_run_time(u->thread);
	return ns;
}

uint64_t process_run_time(struct process *p)
{
	uint64_t ns;

	lock_acquire(&p->lock);
	ns = run_time_locked(p);
	lock_release(&p->lock);
	return ns;
}

void process_get_info(struct process *p, struct proc_info *info)
{
	struct container_info c;

	container_get_info(process_container(p), &c);
	memset(info, 0, sizeof(*info));
	info->pid = p->pid;
	info->memory_used = c.used;
	memcpy(info->name, p->name, sizeof(info->name));
	lock_acquire(&p->lock);
	if (p->ended) {
		info->end = p->end;
		info->exit_code = p->exit_code;
		info->fault_rip = p->fault_rip;
		info->fault_address = p->fault_address;
	}
	info->nr_threads = p->nr_threads;
	info->nr_handles = handle_count(&p->handles);
	info->run_time_ns = run_time_locked(p);
	lock_release(&p->lock);
}

struct process *process_next(uint32_t after)
{
	struct process *p, *best = NULL;

	lock_acquire(&table.lock);
	list_for_each_entry (p, &table.all, table_node) {
		if (p->pid > after && (best == NULL || p->pid < best->pid) &&
		    __atomic_load_n(&p->object.refs, __ATOMIC_RELAXED) != 0)
			best = p;
	}
	/* A process that is going now is as good as gone: the caller asks for the next one. */
	if (best != NULL && !object_try_get(&best->object))
		best = NULL;
	lock_release(&table.lock);
	return best;
}

void process_layout_begin(struct process *p)
{
	for (;;) {
		wait_begin(&p->layout_queue);
		if (!p->layout_busy)
			break;
		(void)wait_sleep(&p->layout_queue, WAIT_FOREVER, false);
	}
	p->layout_busy = true;
	wait_end(&p->layout_queue);
}

void process_layout_end(struct process *p)
{
	wait_begin(&p->layout_queue);
	p->layout_busy = false;
	wait_wake_locked(&p->layout_queue, 1);
	wait_end(&p->layout_queue);
}

int process_add_mapping(struct process *p, struct object *o, uint64_t va, uint64_t size)
{
	struct proc_mapping *m = kalloc(process_container(p), sizeof(*m));

	if (m == NULL)
		return -ENOMEM;
	m->object = object_get(o);
	m->va = va;
	m->size = size;
	list_add_tail(&m->node, &p->mappings);
	return 0;
}

void process_drop_mappings(struct process *p, uint64_t va, uint64_t size)
{
	struct proc_mapping *m, *tmp;

	list_for_each_entry_safe (m, tmp, &p->mappings, node) {
		if (m->va < va || m->va - va >= size)
			continue;
		list_del(&m->node);
		object_put(m->object);
		kfree(m);
	}
}
