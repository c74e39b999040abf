/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The native system calls: the one header that the kernel and ring-3 programs share.
 *
 * Calls use the Linux x86-64 convention (number in RAX, arguments in RDI RSI RDX R10 R8 R9, result
 * or -errno in RAX). Linux's own numbers lie below STRATA_SYS_BASE; hypervisor/proc/linux_calls.c
 * lists those that exist. Every kernel object is a file descriptor of the process that holds it:
 * close() drops it, poll() waits for it where "poll" is said below, and a channel message carries
 * it to another process.
 *
 * All structures have fixed size and no padding that is not named; every reserved field must be
 * zero.
 */
#pragma once

#include <stdint.h>

#define STRATA_ABI_VERSION 1
#define STRATA_SYS_BASE    0x1000
#define STRATA_NAME_MAX    32 /* names of VMs, containers and processes, with the NUL */

enum strata_syscall {
	/* Threads of the caller's own process. */
	SYS_THREAD_WAKEUP = STRATA_SYS_BASE, /* (tid): ends or forestalls one thread_sleep */
	SYS_THREAD_KILL,        /* (tid): ends the thread at its next return to ring 3 */
	SYS_THREAD_SLEEP,       /* (ns; -1 = for ever): 0 woken, -ETIMEDOUT */
	SYS_THREAD_GET_CONTEXT, /* (tid, struct thread_context *): of a sleeping thread */
	SYS_THREAD_SET_CONTEXT, /* (tid, const struct thread_context *) */
	SYS_AS_QUERY,           /* (va, struct as_query *) */
	SYS_SELF,               /* (struct self_info *) */

	/* Channels: two ends, messages in order, each with bytes and handles. poll. */
	SYS_CHAN_CREATE, /* (int32_t fds[2], depth 1..64): two connected ends */
	SYS_CHAN_SEND,   /* (fd, const struct chan_msg *): -EAGAIN when full and CHAN_NOWAIT; -EPIPE
			  */
	SYS_CHAN_RECV, /* (fd, struct chan_msg *): length; -EAGAIN, -EPIPE when the peer is gone and
			  all is read */
	SYS_CHAN_WAIT, /* (fd, timeout ns): waits for a message without taking it */
	SYS_CHAN_CHECK, /* (fd): number of messages that wait */
	SYS_CHAN_CALL,  /* (fd, const struct chan_msg *request, struct chan_msg *answer): sends and
			   waits for the answer to it until request's time-out; its length. Who has
			   the request runs with the caller's weight on top of its own meanwhile.
			   -EINVAL: CHAN_NOWAIT; -EAGAIN: 64 calls under way at this end; -EPIPE,
			   -EIO: it cannot be answered any more. Sending an answer never waits:
			   -ESRCH: nobody waits for it; -EMSGSIZE: no room for it */

	/* Processes. A process handle polls readable when the process has ended. */
	SYS_PROC_SPAWN, /* (const struct proc_spawn *): process handle */
	SYS_PROC_KILL,  /* (fd, exit code) */
	SYS_PROC_INFO,  /* (fd, struct proc_info *) */

	/* Memory objects: mmap(MAP_SHARED) maps them into a process, vm_map into a VM. */
	SYS_MOBJ_CREATE, /* (size in bytes, flags MOBJ_*): handle */

	/* Virtual machines. */
	SYS_VM_CREATE,   /* (const struct vm_create *): handle */
	SYS_VM_MAP,      /* (const struct vm_map *) */
	SYS_VM_UNMAP,    /* (vm fd, gpa, size) */
	SYS_VM_DOORBELL, /* (const struct vm_doorbell *): adds, or removes with DOORBELL_REMOVE */
	SYS_VM_IRQ_LINE, /* (vm fd, gsi, level 0/1): drives an input of PIC and IO-APIC */
	SYS_VM_MSI,      /* (vm fd, address, data): raises a message-signalled interrupt */
	SYS_VM_STOP_REASON, /* (vm fd, enum vm_state, exit code, const char *reason): shown by
			       vm_info */
	SYS_VM_INFO,        /* (vm fd or index with VM_INFO_INDEX, struct vm_info *) */
	SYS_VM_SCHED,    /* (vm fd, or vm_info's id with VM_INFO_ID, struct sched_params *): makes
			    the changes named by `set`, tells what holds then; -EINVAL, -EBUSY: not
			    so many CPUs are free */
	SYS_VCPU_CREATE, /* (vm fd, vcpu number): handle; mmap of it (one page) is its struct
			    vcpu_run */
	SYS_VCPU_RUN,    /* (vcpu fd): runs until a slow exit; the reason is in the run page */
	SYS_VCPU_KICK,   /* (vcpu fd): makes a vcpu_run of another thread return VCPU_EXIT_INTR */
	SYS_VCPU_INJECT, /* (vcpu fd, const struct vcpu_event *) */
	SYS_VCPU_GET_STATE, /* (vcpu fd, struct vcpu_state *): only while it does not run */
	SYS_VCPU_SET_STATE, /* (vcpu fd, const struct vcpu_state *) */
	SYS_VCPU_SYNC, /* (vcpu fd): moves what is pending from run page to vCPU without running it
			*/
	SYS_VCPU_PORT, /* (vcpu fd, struct vcpu_port *): an access to a port that the kernel serves,
			  for INS and OUTS; -ENOENT: it serves none such */

	/* The machine: only for processes spawned with PROC_ADMIN. */
	SYS_SYS_INFO,  /* (enum sys_topic, index, void *buf, len): bytes written, -ENOENT past the
			  last index */
	SYS_SYS_POWER, /* (enum power_action, exit code): does not return */
	SYS_LOG_READ,  /* (uint64_t *sequence, char *buf, len, struct log_line * or NULL): next
			  kernel  log line, -ENOENT when none */
	SYS_LOG_WRITE, /* (level, const char *text, len): adds a line to the kernel log */
	SYS_POOL_SET,  /* (const struct cpu_pool *): CPUs of a pool 1..CPU_POOLS - 1; those that no
			  pool has are pool 0's. -EINVAL: part of a core, or CPU 0's core; -EBUSY: a
			  dedicated CPU, or the last CPU of a pool that VMs are in */
	SYS_BENCH, /* (enum bench_what, its argument, rounds 1..100000, struct bench_result *): the
		      kernel measures itself. -EINVAL: also when there are not so many CPUs */
	SYS_TRACE_SET,  /* (enum trace_set, id of a VM for TRACE_ON or 0: all): 0, TRACE_QUERY: 1
			   while it is on; -EBUSY: another one switches, -ENOMEM */
	SYS_TRACE_READ, /* (CPU, uint64_t *sequence, struct trace_event *buf, up to TRACE_READ_MAX):
			   how many; from the first that is left at or after *sequence, which
			   becomes the next one's number */
	SYS_LOG_LEVEL,  /* (level, or LOG_LEVEL_QUERY): lines above it stay in the log and are not
			   shown  on the console; the level before */
	STRATA_SYS_END,
};

/* ---- threads and address space ---- */

struct thread_context {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rflags, fs_base, gs_base;
};

struct as_query {
	uint64_t page_size; /* bytes of the mapping that holds the address; 0: not present */
	uint32_t rights;    /* AS_READ | AS_WRITE | AS_EXEC */
	uint32_t kind;      /* enum as_kind */
};
#define AS_READ  1u
#define AS_WRITE 2u
#define AS_EXEC  4u
enum as_kind {
	AS_KIND_NONE,
	AS_KIND_ANON,
	AS_KIND_FILE,
	AS_KIND_MOBJ,
	AS_KIND_RUN_PAGE
};

struct self_info {
	uint64_t pid, tid;
	uint64_t container_id, container_used, container_limit; /* bytes */
	uint32_t cpu, flags;                                    /* flags: PROC_* */
	char name[STRATA_NAME_MAX];
};

/* ---- channels ---- */

#define CHAN_MSG_MAX     4096
#define CHAN_HANDLES_MAX 4
#define CHAN_NOWAIT      1u
struct chan_msg {
	uint64_t buf;        /* address of the bytes */
	uint32_t len;        /* send: bytes; recv: room before, bytes after */
	uint32_t flags;      /* CHAN_NOWAIT */
	int64_t timeout_ns;  /* -1: no limit */
	uint32_t nr_handles; /* send: how many; recv: room before, how many after */
	uint32_t call; /* recv: number of the call that this asks for, 0: none; send: the call that
			  this answers */
	int32_t handles[CHAN_HANDLES_MAX]; /* send: moved out of the sender; recv: new fds */
};

/* ---- processes ---- */

#define PROC_ADMIN         1u /* may use sys_info, sys_power, log_* and the raw console */
#define PROC_SPAWN_FDS_MAX 8
struct proc_spawn {
	uint64_t path;         /* C string: file of the boot archive */
	uint64_t argv, envp;   /* NULL-terminated arrays of C strings */
	uint64_t memory_limit; /* bytes of a new container below the caller's; 0: share the caller's
				*/
	uint32_t flags;        /* PROC_ADMIN: only by a process that has it */
	uint32_t nr_fds; /* fds[i] of the caller becomes fd i of the child (copied); -1: none */
	int32_t fds[PROC_SPAWN_FDS_MAX];
	char name[STRATA_NAME_MAX];
};

enum proc_end {
	PROC_RUNNING,
	PROC_EXITED,
	PROC_KILLED,
	PROC_FAULTED
};
struct proc_info {
	uint64_t pid;
	uint32_t end;      /* enum proc_end */
	int32_t exit_code; /* PROC_EXITED: status; PROC_FAULTED: Linux signal number that fits */
	uint64_t fault_rip, fault_address;
	uint64_t run_time_ns, memory_used;
	uint32_t nr_threads, nr_handles;
	char name[STRATA_NAME_MAX];
};

/* ---- memory objects and VMs ---- */

#define MOBJ_GUEST 1u /* guest RAM: largest pages that fit, taken at creation, zeros */

struct vm_create {
	char name[STRATA_NAME_MAX];
	uint32_t nr_vcpus_max;
	uint32_t flags;   /* VM_* */
	uint32_t tsc_khz; /* 0: the host's */
	uint32_t reserved;
};
#define VM_NO_IRQCHIP 1u /* reserved for tests: no LAPIC/IO-APIC/PIC in the kernel */
#define VM_NO_KVM_PV  2u /* hide the paravirtual leaves */
#define VM_MAX_VCPUS  64u

struct vm_map {
	int32_t vm_fd, mobj_fd;
	uint64_t gpa, offset, size; /* bytes, multiples of 4096 */
	uint32_t rights;            /* AS_READ | AS_WRITE | AS_EXEC */
	uint32_t reserved;
};

#define DOORBELL_PORT   1u /* addr is an I/O port; otherwise a guest-physical address */
#define DOORBELL_MATCH  2u /* only writes of the value `match` */
#define DOORBELL_REMOVE 4u
struct vm_doorbell {
	int32_t vm_fd;
	int32_t event_fd; /* eventfd to signal */
	uint64_t addr, match;
	uint32_t len; /* access width 1, 2, 4, 8; 0: any */
	uint32_t flags;
};

enum vm_state {
	VM_STATE_CREATED,
	VM_STATE_RUNNING,
	VM_STATE_PAUSED,
	VM_STATE_STOPPED,
	VM_STATE_FAILED
};

#define VM_INFO_INDEX \
	(1ull << 32) /* first argument is an index over all VMs, not an fd (PROC_ADMIN) */
#define VM_INFO_ID       (1ull << 33) /* it is vm_info's `id` (PROC_ADMIN); ids are below 2^32 */
#define VM_INFO_COUNTERS 64
struct vm_info {
	char name[STRATA_NAME_MAX];
	uint64_t id;
	uint32_t state; /* enum vm_state */
	int32_t exit_code;
	uint32_t nr_vcpus, nr_counters;
	uint64_t memory;        /* bytes of guest memory mapped */
	uint64_t kernel_memory; /* bytes of kernel memory beside it */
	uint64_t run_time_ns, guest_time_ns;
	uint32_t nr_reasons; /* so many of the counters, the first ones, are exits by reason */
	uint32_t reserved;
	char reason[96];
	struct vm_counter {
		char name[24];
		uint64_t count;
	} counters[VM_INFO_COUNTERS]; /* summed over vCPUs */
};

/* ---- scheduling ---- */

#define CPU_POOLS    16
#define CPU_SET_BITS 256

/* `set`: what a call changes. */
#define SCHED_SET_WEIGHT    1u
#define SCHED_SET_CAP       2u
#define SCHED_SET_DEDICATED 4u
#define SCHED_SET_POOL      8u
#define SCHED_SET_CPUS      16u
#define SCHED_WEIGHT_USUAL  100u
#define SCHED_WEIGHT_MAX    10000u
struct sched_params {
	uint32_t set;    /* in: SCHED_SET_* */
	uint32_t weight; /* of the VM against other VMs, shared by its vCPUs that want to run */
	uint32_t cap;    /* percent of one CPU that its vCPUs get together at most; 0: no limit */
	uint32_t dedicated; /* 1: each vCPU has a CPU of its own, by whole cores of the pool */
	uint32_t pool;      /* 0..CPU_POOLS - 1 */
	uint32_t reserved;
	uint64_t cpus[CPU_SET_BITS / 64]; /* in: CPUs of the pool to keep to, all zeros: all; out:
					     where it may run */
};

struct cpu_pool {
	uint32_t pool, reserved;
	uint64_t cpus[CPU_SET_BITS / 64];
};

/* ---- vCPU state ---- */

enum vcpu_gpr {
	GPR_RAX,
	GPR_RCX,
	GPR_RDX,
	GPR_RBX,
	GPR_RSP,
	GPR_RBP,
	GPR_RSI,
	GPR_RDI,
	GPR_R8,
	GPR_R9,
	GPR_R10,
	GPR_R11,
	GPR_R12,
	GPR_R13,
	GPR_R14,
	GPR_R15,
	GPR_COUNT,
};

struct vcpu_regs {
	uint64_t gpr[GPR_COUNT]; /* hardware order: enum vcpu_gpr */
	uint64_t rip, rflags;
};

struct vcpu_segment {
	uint64_t base;
	uint32_t limit;
	uint16_t selector;
	uint16_t attr; /* VMCB form: type 3:0, S 4, DPL 6:5, P 7, AVL 8, L 9, D/B 10, G 11 */
};

enum vcpu_seg {
	SEG_ES,
	SEG_CS,
	SEG_SS,
	SEG_DS,
	SEG_FS,
	SEG_GS,
	SEG_GDTR,
	SEG_LDTR,
	SEG_IDTR,
	SEG_TR,
	SEG_COUNT
};

struct vcpu_sregs {
	struct vcpu_segment seg[SEG_COUNT];
	uint64_t cr0, cr2, cr3, cr4, cr8, efer, xcr0, apic_base;
};

#define VCPU_MSRS_MAX  64
#define VCPU_XSAVE_MAX 4096
struct vcpu_msr {
	uint32_t index, reserved;
	uint64_t value;
};

struct vcpu_event {
	uint8_t vector;
	uint8_t type; /* enum vcpu_event_type */
	uint8_t has_error;
	uint8_t reserved;
	uint32_t error;
};
enum vcpu_event_type {
	EVENT_INTR = 0,
	EVENT_NMI = 2,
	EVENT_EXCEPTION = 3,
	EVENT_SOFT_INT = 4
};

enum vcpu_mp_state {
	MP_RUNNABLE,
	MP_HALTED,
	MP_WAIT_FOR_SIPI,
	MP_INIT
};

/*
 * The complete external form. What others have posted to the vCPU by the moment of get is in it. An
 * access that vcpu_run returned for is made again by whoever goes on from the state: vcpu_sync
 * first where it has been answered. `valid` names the groups that are present (get) or wanted
 * (set).
 */
#define VCPU_STATE_VERSION 2
#define VCPU_STATE_REGS    1u
#define VCPU_STATE_SREGS   2u
#define VCPU_STATE_DEBUG   4u
#define VCPU_STATE_MSRS    8u
#define VCPU_STATE_XSAVE   16u
#define VCPU_STATE_LAPIC   32u
#define VCPU_STATE_EVENTS  64u
#define VCPU_STATE_ALL     127u
struct vcpu_state {
	uint32_t version, size, valid, reserved;
	struct vcpu_regs regs;
	struct vcpu_sregs sregs;
	uint64_t dr[4], dr6, dr7;
	struct vcpu_msr msrs[VCPU_MSRS_MAX];
	uint32_t nr_msrs, xsave_size;
	uint8_t xsave[VCPU_XSAVE_MAX]; /* standard (non-compacted) XSAVE format */
	uint32_t lapic[64];            /* register at offset n * 0x10 */
	uint64_t lapic_timer_deadline; /* guest TSC, 0: none */
	uint32_t mp_state;             /* enum vcpu_mp_state */
	uint8_t sipi_vector, nmi_pending, nmi_masked, interrupt_shadow;
	/* Events, in the order in which they are delivered; type EVENT_INTR vector 0: none. */
	struct vcpu_event pending;   /* an exit has cut its delivery short */
	struct vcpu_event exception; /* raised */
	struct vcpu_event injected;  /* the interrupt of vcpu_inject */
	uint8_t unhalted;            /* the next HLT is over at once (KVM_HC_KICK_CPU) */
	uint8_t shutdown;            /* a triple fault that is still to be told */
	uint8_t reserved2[6];
};

/* ---- the run page ---- */

struct vcpu_port {
	uint16_t port;
	uint8_t size, write; /* size: 1, 2, 4 */
	uint32_t value;      /* of a write; after a read its result */
};

enum vcpu_exit {
	VCPU_EXIT_NONE,
	VCPU_EXIT_INTR, /* kicked, or immediate_exit */
	VCPU_EXIT_IO, /* IN/OUT of a port that the kernel does not serve; INS/OUTS have io.string */
	VCPU_EXIT_MMIO, /* access to a GPA that no memory backs: emulate the instruction at RIP */
	VCPU_EXIT_IRQ_WINDOW, /* asked for by request_irq_window: the guest can take an interrupt
				 now */
	VCPU_EXIT_SHUTDOWN,   /* triple fault */
	VCPU_EXIT_HYPERCALL,  /* reserved */
	VCPU_EXIT_FAILED,     /* the kernel stopped the vCPU for good: `fail` says why */
	VCPU_EXIT_RESET,      /* INIT to the boot processor: reset the VM */
};

#define RUN_REGS_DIRTY  1u /* vcpu_run first takes `regs` back */
#define RUN_SREGS_DIRTY 2u /* and `sregs` */

/* What a VMM can do without: vcpu_run is shorter then. */
#define RUN_NO_REGS 1u /* regs, ready_for_irq and cpl at VCPU_EXIT_IO without io.string */
#define RUN_NO_FPU                                                                         \
	2u /* its own registers of x87, SSE and AVX: after vcpu_run only the control words \
	      are what they were, as after any function. XGETBV may tell the guest's XCR0  \
	      then, until one of these registers is used */

/*
 * VCPU_EXIT_IO without io.string: io.data is the value of an OUT, with no bits beyond its size;
 * that of an IN the VMM puts there. Then it calls vcpu_run, which finishes the instruction (RAX by
 * size, RIP). VCPU_EXIT_MMIO and io.string: the VMM emulates the instruction, changes regs (RIP
 * too) and sets RUN_REGS_DIRTY. regs is valid at every exit, sregs at those two and whenever
 * `sregs_valid`. `without` (RUN_NO_*) changes that.
 */
struct vcpu_run {
	/* VMM to kernel */
	uint8_t request_irq_window, immediate_exit, without, reserved0;
	uint32_t dirty; /* RUN_*_DIRTY */
	/* kernel to VMM */
	uint32_t exit_reason; /* enum vcpu_exit */
	uint8_t ready_for_irq, sregs_valid, cpl, reserved1;
	union {
		struct {
			uint64_t next_rip;
			uint32_t data;
			uint16_t port;
			uint8_t size, write, string, rep, addr_size,
				segment; /* segment: enum vcpu_seg */
		} io;
		struct {
			uint64_t gpa, gva; /* gva: 0 when not known */
			uint8_t write, insn_len, reserved[6];
			uint8_t insn[16]; /* insn_len bytes, 0: fetch them */
		} mmio;
		struct {
			uint64_t hw_reason, info1, info2;
			char text[96];
		} fail;
		uint8_t space[256];
	};
	struct vcpu_regs regs;
	struct vcpu_sregs sregs;
};
_Static_assert(sizeof(struct vcpu_run) <= 4096, "the run page is one page");

/* ---- the machine ---- */

enum power_action {
	POWER_OFF,
	POWER_REBOOT
};

enum bench_what {
	BENCH_TICKET_LOCK,  /* acquire and release; argument: so many CPUs at once, 1..16. From two
			       on  the lock is held over a PAUSE, so that the others meet it taken */
	BENCH_MCS_LOCK,     /* the same */
	BENCH_CHANNEL,      /* a message there and one back; 0: on one CPU, 1: between two */
	BENCH_SWITCH,       /* two threads yield to each other; 0 */
	BENCH_WAKEUP,       /* two threads wake each other in turn; 0: on one CPU, 1: on two */
	BENCH_PAGE,         /* a block of pages taken and given back; its order, 0..9 */
	BENCH_FAIR,         /* so many threads, 1..64, compute on all CPUs, each for as many
			       milliseconds as there are rounds if shares are equal; the result's
			       times are how long they ran */
	BENCH_FAIR_WEIGHTS, /* the same, and every second thread has twice the weight; the times are
			       how long they ran for a weight of one */
	BENCH_LATENCY,      /* of so many threads, 1..64, one sleeps for a moment in each round, the
			       others compute on all CPUs; the result's times are how much later than
			       it wanted it ran, `sum_ns` those of all rounds */
};

struct bench_result {
	uint64_t rounds;            /* of each thread */
	uint64_t least_ns, most_ns; /* that the quickest and the slowest thread took for all */
	uint64_t sum_ns;            /* that all threads took */
	uint32_t threads;
	uint32_t behind; /* locks: rounds that one had still to do when the first had done all */
};

enum sys_topic {
	SYS_TOPIC_HOST,
	SYS_TOPIC_CPU,
	SYS_TOPIC_MEMORY,
	SYS_TOPIC_CONTAINER,
	SYS_TOPIC_PROC,
	SYS_TOPIC_PCI,
	SYS_TOPIC_NODE,
	SYS_TOPIC_VCPU,
};

struct sys_host {
	char version[64], cpu_model[64], virt[16]; /* virt: "svm", "vmx", "none" */
	uint32_t nr_cpus, nr_nodes, tsc_khz, nr_vms;
	uint64_t uptime_ns, memory_total;
	uint32_t nr_objects, nr_threads; /* kernel objects that handles refer to; threads, those of
					    the kernel included */
	char cmdline[512];
};

struct sys_cpu {
	uint32_t cpu, apic_id, node, online;
	uint64_t idle_ns, user_ns, guest_ns, kernel_ns;
	uint64_t switches, interrupts, ipis, exits;
	uint32_t core; /* same number: threads of one core */
	uint32_t pool;
	uint64_t dedicated_to; /* id of the VM that has it for itself, 0: none */
	char mitigations[128];
	char features[256]; /* names, divided by blanks */
	uint32_t package;   /* same number: cores of one package */
	uint32_t reserved;
};

struct sys_memory { /* bytes */
	uint64_t total, free, kernel_image, page_structs, kernel_used, user_used, guest_used,
		cpu_caches, boot_archive;
	uint64_t at_rest_baseline; /* `kernel_used` + `user_used` when init had started its first
				      shell */
};

struct sys_node { /* memory of a NUMA node, bytes */
	uint32_t node, nr_cpus;
	uint64_t total; /* without what was reserved at the start */
	uint64_t free;  /* not in CPUs' caches either */
};

struct sys_vcpu {
	char vm[STRATA_NAME_MAX];
	uint64_t vm_id;
	uint32_t vcpu, cpu;    /* cpu: where it ran last */
	uint64_t run_ns;       /* it had a CPU, in the guest or for an exit in the kernel */
	uint64_t guest_ns;     /* of it in the guest */
	uint64_t steal_ns;     /* it was ready and others had the CPU */
	uint64_t exits, halts; /* halts: how often it slept in HLT */
};

struct sys_container {
	uint64_t id, parent, used, limit, peak; /* bytes */
	char name[STRATA_NAME_MAX];
};

#define LOG_LEVEL_QUERY (~0ull)
struct log_line {
	uint64_t ns;    /* as sys_host's uptime_ns; 0: before there was a clock */
	uint32_t level; /* 0 error, 1 warning, 2 info, 3 debug */
	uint32_t reserved;
};

enum trace_set {
	TRACE_OFF,
	TRACE_ON, /* what was traced before is forgotten */
	TRACE_QUERY
};

enum trace_event_kind {
	TRACE_EVENT_GUEST,  /* a stay in a guest, with the exits that the kernel answered; name: VM
			     */
	TRACE_EVENT_EXIT,   /* an exit until it was answered, or left for later; name: why, address:
			       RIP */
	TRACE_EVENT_INJECT, /* an event for a guest; name: what, address: vector */
	TRACE_EVENT_SWITCH, /* from here on the CPU runs `thread`; name: its */
	TRACE_EVENT_POST,   /* an event is left for a vCPU; name: what, address: vector */
	TRACE_EVENT_CALL,   /* a system call of `thread` that has returned; address: result */
};

#define TRACE_READ_MAX 64
struct trace_event {
	uint64_t sequence; /* of its CPU, from 0 for ever: gaps were overwritten */
	uint64_t ns;       /* when it began, as sys_host's uptime_ns */
	uint64_t duration_ns;
	uint64_t address;
	uint32_t vm;     /* its id (the low half); 0: none. Of a switch: of the vCPU's thread */
	uint32_t thread; /* its id (the low half) */
	uint32_t kind;   /* enum trace_event_kind */
	uint32_t number; /* of the vCPU; of the system call, 0xffff: that or more */
	char name[28];
	uint32_t reserved;
};

struct sys_pci {
	uint16_t segment;
	uint8_t bus, device, function, class_code, subclass, prog_if;
	uint16_t vendor, product;
	uint64_t bar[6], bar_size[6];
};
