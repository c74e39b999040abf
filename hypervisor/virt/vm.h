/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtual machine: nested page table, memory map, doorbells, interrupt controllers, vCPUs, name,
 * state and its reason.
 *
 * Memory map and port maps are read on every exit without a lock: a reader takes the pointer to an
 * immutable snapshot, and an update publishes a new one, waits until every CPU has passed through
 * a point where it holds no such pointer (vm_quiesce), and frees the old. That works because the
 * kernel is not preemptible: a pointer taken from a snapshot must not be kept across anything that
 * sleeps, yields or waits for another CPU.
 */
#pragma once

#include "abi/strata.h"
#include "lib/list.h"
#include "lock/lock.h"
#include "mem/mobj.h"
#include "mem/pt.h"
#include "proc/object.h"
#include "virt/counters.h"
#include "virt/cpuid.h"
#include "thread/group.h"
#include "virt/irqchip.h"

struct vcpu;

/* A piece of guest-physical memory that an object backs; [gpa, gpa + size). */
struct vm_slot {
	gpa_t gpa;
	uint64_t size;
	struct mobj *mobj; /* a reference */
	uint64_t offset;
	uint32_t rights; /* AS_* */
};

/* Snapshot, sorted by gpa, not overlapping. */
struct vm_slots {
	unsigned count;
	struct vm_slot slot[];
};
#define VM_SLOTS_MAX 80

/*
 * What an access to a registered port or address does; *value is 0 before a read. false: not mine
 * after all (a doorbell that wants another value). Fit for the fast context.
 */
struct vm_io;
typedef bool (*vm_io_fn)(struct vcpu *v, const struct vm_io *io, bool write, uint64_t addr,
			 unsigned len, uint64_t *value);

/* A range of ports or of guest-physical addresses that the kernel serves. */
struct vm_io {
	uint64_t first, last; /* inclusive */
	vm_io_fn fn;
	void *arg;      /* doorbell: its event, a reference */
	uint64_t match; /* doorbell */
	uint32_t len;   /* doorbell: 0 any */
	uint32_t flags; /* doorbell: DOORBELL_* and VM_IO_EVENT; 0: a device of the kernel */
};
#define VM_IO_EVENT (1u << 31) /* `arg` is an object */

struct vm_ios {
	unsigned count;
	uint64_t maybe[16]; /* bit n: a range has an address that is n modulo 1024 */
	struct vm_io io[];
};

/* false: certainly in none of the ranges. */
static inline bool vm_io_maybe(const struct vm_ios *ios, uint64_t addr)
{
	return ios->maybe[addr / 64 % ARRAY_SIZE(ios->maybe)] & (1ull << addr % 64);
}
#define VM_IOS_MAX 128

/*
 * Locks: [I] immutable after create   [l] lock (LOCK_RANK_VM)   [m] map_busy, held across waits
 *        [q] snapshot: read with READ_ONCE, replaced under map_busy, freed after vm_quiesce
 *        [a] atomic
 */
struct vm {
	struct object object;    /* reference count; what a VM handle refers to */
	struct page_table npt;   /* has its own lock */
	struct vm_slots *slots;  /* [q] */
	struct vm_ios *ports;    /* [q] */
	struct vm_ios *mmio;     /* [q] doorbells by address */
	uint64_t tlb_generation; /* [a] rises when something was unmapped */
	struct vm_cpuid cpuid;   /* [I] */
	struct irqchip irqchip;  /* has its own rules; no lines and ports with VM_NO_IRQCHIP */
	struct vcpu *vcpus[VM_MAX_VCPUS]; /* [a] set once; a vCPU lives as long as the VM */
	uint32_t nr_vcpus;         /* [a] how many there are (they may have gaps in between) */
	uint32_t nr_vcpus_max;     /* [I] */
	uint32_t flags;            /* [I] VM_* */
	uint32_t tsc_khz;          /* [I] the guest's rate; no scaling here: the host's */
	uint64_t tsc_offset;       /* [I] the guest's TSC starts at 0 at creation, the same for all
				      vCPUs */
	uint64_t start_ns;         /* [I] time_now() at creation: kvmclock counts from here */
	struct sched_group *sched; /* [I] what its vCPUs get of the CPUs */
	struct container *container; /* [I] everything is charged to it; the object's reference */
	uint64_t id;                 /* [I] */
	char name[STRATA_NAME_MAX];  /* [I] */

	uint32_t map_busy; /* [a] 1: somebody changes a map */
	struct lock lock;
	enum vm_state state;   /* [l] */
	int32_t exit_code;     /* [l] */
	char reason[96];       /* [l] */
	uint64_t memory;       /* [l] bytes in slots */
	struct list_head link; /* the list of all VMs, by its lock */
};

extern const struct object_ops vm_object_ops;

/* A new VM with one reference for the caller. 0, -EINVAL, -ENOMEM, -ENODEV (no virtualization).
 * Thread context. */
int vm_create(struct container *c, const struct vm_create *args, struct vm **out);
static inline struct vm *vm_get(struct vm *vm)
{
	object_get(&vm->object);
	return vm;
}
/* With the last reference (vCPU handles hold one each) everything goes. Waits for other CPUs: no
 * lock held. */
static inline void vm_put(struct vm *vm)
{
	object_put(&vm->object);
}

/* 0; -EINVAL (alignment, range), -EEXIST (overlaps), -ENOSPC, -ENOMEM. Takes its own reference on
 * m. Thread context, no lock held. */
int vm_map(struct vm *vm, struct mobj *m, gpa_t gpa, uint64_t offset, uint64_t size,
	   uint32_t rights);
/* Removes the slots that lie wholly in the range; -EINVAL when one lies partly in it. Waits for
 * other CPUs. */
int vm_unmap(struct vm *vm, gpa_t gpa, uint64_t size);

/* Adds a range to vm->ports or vm->mmio; -EEXIST, -ENOSPC, -ENOMEM. Waits for other CPUs. */
int vm_add_port(struct vm *vm, const struct vm_io *io);
int vm_add_mmio(struct vm *vm, const struct vm_io *io);
/* Removes the doorbell with the same first, len, match and flags; hands its `arg` back through
 * *arg. -ENOENT. */
int vm_remove_io(struct vm *vm, bool port, const struct vm_io *io, void **arg);

/* vm_io_fn of doorbells: signals the event `arg`. */
bool vm_ring_doorbell(struct vcpu *v, const struct vm_io *io, bool write, uint64_t addr,
		      unsigned len, uint64_t *value);

/* What holds `gpa`; NULL: nothing. For the reader's rule see above. Any context. */
const struct vm_slot *vm_slot_find(const struct vm *vm, gpa_t gpa);

enum vm_fill {
	VM_FILL_DONE,
	VM_FILL_MMIO,
	VM_FILL_NO_MEMORY
};
/* A guest's access to `gpa` found nothing in the nested table: maps the largest piece that fits. */
enum vm_fill vm_fill(struct vm *vm, gpa_t gpa, bool write);

/* Sets state and reason for the console; the first reason of a stop stays. */
void vm_set_state(struct vm *vm, enum vm_state state, int32_t exit_code, const char *reason);

void vm_get_info(struct vm *vm, struct vm_info *info);
/* The vCPU number `index` over all VMs: 0, or -ENOENT past the last. Thread context. */
int vm_vcpu_figures(unsigned index, struct sys_vcpu *out);
/* A reference to the n-th VM; NULL past the end. */
struct vm *vm_by_index(uint64_t n);
struct vm *vm_by_id(uint64_t id); /* the same for the VM of that id */
unsigned vm_count(void);

/* Returns when every CPU has passed a point where it uses no snapshot. No lock held. */
void vm_quiesce(void);
