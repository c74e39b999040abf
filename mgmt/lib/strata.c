// SPDX-License-Identifier: GPL-2.0-or-later
// Each function is one SYSCALL instruction: the argument registers are those of the Linux
// convention and RAX carries the result, so nothing here needs libc's errno.

#include "mgmt/lib/strata.h"

#include <errno.h>

static long call6(long nr, long a, long b, long c, long d, long e, long f)
{
	long ret;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static int call(long nr, long a, long b, long c, long d)
{
	return (int)call6(nr, a, b, c, d, 0, 0);
}

/* The one that is made most: nothing else is loaded for it. RUN_NO_FPU: vector registers change, as
 * they may in any function. */
static int call1(long nr, long a)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a) : "rcx", "r11", "memory");
	return (int)ret;
}

int strata_thread_wakeup(uint64_t tid)
{
	return call(SYS_THREAD_WAKEUP, (long)tid, 0, 0, 0);
}

int strata_thread_kill(uint64_t tid)
{
	return call(SYS_THREAD_KILL, (long)tid, 0, 0, 0);
}

int strata_thread_sleep(int64_t ns)
{
	return call(SYS_THREAD_SLEEP, ns, 0, 0, 0);
}

int strata_thread_get_context(uint64_t tid, struct thread_context *ctx)
{
	return call(SYS_THREAD_GET_CONTEXT, (long)tid, (long)ctx, 0, 0);
}

int strata_thread_set_context(uint64_t tid, const struct thread_context *ctx)
{
	return call(SYS_THREAD_SET_CONTEXT, (long)tid, (long)ctx, 0, 0);
}

int strata_as_query(const void *address, struct as_query *out)
{
	return call(SYS_AS_QUERY, (long)address, (long)out, 0, 0);
}

int strata_self(struct self_info *out)
{
	return call(SYS_SELF, (long)out, 0, 0, 0);
}

int strata_chan_create(int32_t fds[2], unsigned depth)
{
	return call(SYS_CHAN_CREATE, (long)fds, depth, 0, 0);
}

int strata_chan_send(int fd, const struct chan_msg *msg)
{
	return call(SYS_CHAN_SEND, fd, (long)msg, 0, 0);
}

int strata_chan_recv(int fd, struct chan_msg *msg)
{
	return call(SYS_CHAN_RECV, fd, (long)msg, 0, 0);
}

int strata_chan_wait(int fd, int64_t timeout_ns)
{
	return call(SYS_CHAN_WAIT, fd, timeout_ns, 0, 0);
}

int strata_chan_check(int fd)
{
	return call(SYS_CHAN_CHECK, fd, 0, 0, 0);
}

int strata_proc_spawn(const struct proc_spawn *args)
{
	return call(SYS_PROC_SPAWN, (long)args, 0, 0, 0);
}

int strata_proc_kill(int fd, int exit_code)
{
	return call(SYS_PROC_KILL, fd, exit_code, 0, 0);
}

int strata_proc_info(int fd, struct proc_info *out)
{
	return call(SYS_PROC_INFO, fd, (long)out, 0, 0);
}

int strata_mobj_create(uint64_t size, unsigned flags)
{
	return call(SYS_MOBJ_CREATE, (long)size, flags, 0, 0);
}

int strata_vm_create(const struct vm_create *args)
{
	return call(SYS_VM_CREATE, (long)args, 0, 0, 0);
}

int strata_vm_map(const struct vm_map *args)
{
	return call(SYS_VM_MAP, (long)args, 0, 0, 0);
}

int strata_vm_unmap(int vm, uint64_t gpa, uint64_t size)
{
	return call(SYS_VM_UNMAP, vm, (long)gpa, (long)size, 0);
}

int strata_vm_doorbell(const struct vm_doorbell *args)
{
	return call(SYS_VM_DOORBELL, (long)args, 0, 0, 0);
}

int strata_vm_irq_line(int vm, unsigned gsi, int level)
{
	return call(SYS_VM_IRQ_LINE, vm, gsi, level, 0);
}

int strata_vm_msi(int vm, uint64_t address, uint32_t data)
{
	return call(SYS_VM_MSI, vm, (long)address, data, 0);
}

int strata_vm_stop_reason(int vm, enum vm_state state, int exit_code, const char *reason)
{
	return call(SYS_VM_STOP_REASON, vm, state, exit_code, (long)reason);
}

int strata_vm_info(int vm, struct vm_info *out)
{
	return call(SYS_VM_INFO, vm, (long)out, 0, 0);
}

int strata_vm_info_at(unsigned index, struct vm_info *out)
{
	return call(SYS_VM_INFO, (long)(VM_INFO_INDEX | index), (long)out, 0, 0);
}

int strata_vm_sched(int vm, struct sched_params *params)
{
	return call(SYS_VM_SCHED, vm, (long)params, 0, 0);
}

int strata_vm_sched_id(uint64_t id, struct sched_params *params)
{
	return call(SYS_VM_SCHED, (long)(VM_INFO_ID | id), (long)params, 0, 0);
}

int strata_vcpu_create(int vm, unsigned number)
{
	return call(SYS_VCPU_CREATE, vm, number, 0, 0);
}

int strata_vcpu_run(int vcpu)
{
	return call1(SYS_VCPU_RUN, vcpu);
}

int strata_vcpu_kick(int vcpu)
{
	return call(SYS_VCPU_KICK, vcpu, 0, 0, 0);
}

int strata_vcpu_inject(int vcpu, const struct vcpu_event *event)
{
	return call(SYS_VCPU_INJECT, vcpu, (long)event, 0, 0);
}

int strata_vcpu_get_state(int vcpu, struct vcpu_state *state)
{
	return call(SYS_VCPU_GET_STATE, vcpu, (long)state, 0, 0);
}

int strata_vcpu_set_state(int vcpu, const struct vcpu_state *state)
{
	return call(SYS_VCPU_SET_STATE, vcpu, (long)state, 0, 0);
}

int strata_vcpu_sync(int vcpu)
{
	return call(SYS_VCPU_SYNC, vcpu, 0, 0, 0);
}

int strata_vcpu_port(int vcpu, struct vcpu_port *access)
{
	return call(SYS_VCPU_PORT, vcpu, (long)access, 0, 0);
}

int strata_sys_info(enum sys_topic topic, unsigned index, void *buf, size_t len)
{
	return call(SYS_SYS_INFO, topic, index, (long)buf, (long)len);
}

int strata_sys_power(enum power_action action, int exit_code)
{
	return call(SYS_SYS_POWER, action, exit_code, 0, 0);
}

int strata_log_level(uint64_t level)
{
	return call(SYS_LOG_LEVEL, (long)level, 0, 0, 0);
}

int strata_log_read(uint64_t *sequence, char *buf, size_t len, struct log_line *about)
{
	return call(SYS_LOG_READ, (long)sequence, (long)buf, (long)len, (long)about);
}

int strata_log_write(unsigned level, const char *text, size_t len)
{
	return call(SYS_LOG_WRITE, level, (long)text, (long)len, 0);
}

int strata_pool_set(const struct cpu_pool *pool)
{
	return call(SYS_POOL_SET, (long)pool, 0, 0, 0);
}

int strata_bench(enum bench_what what, uint64_t arg, unsigned rounds, struct bench_result *out)
{
	return call(SYS_BENCH, what, (long)arg, rounds, (long)out);
}

int strata_trace_set(enum trace_set what, uint64_t vm)
{
	return call(SYS_TRACE_SET, what, (long)vm, 0, 0);
}

int strata_trace_read(unsigned cpu, uint64_t *sequence, struct trace_event *buf, unsigned max)
{
	return call(SYS_TRACE_READ, cpu, (long)sequence, (long)buf, max);
}
