/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The native system calls as C functions, one each, for ring-3 programs.
 *
 * Contract: every function returns what the kernel returned: a value >= 0 or a negative errno;
 * errno itself is not touched. strata.c makes the calls; strata_linux.c has those that plain Linux
 * can stand in for (channels as socket pairs, processes as pidfds), so that programs run and are
 * tested on a workstation.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/strata.h"

#define STRATA_FOREVER (-1ll)

int strata_thread_wakeup(uint64_t tid);
int strata_thread_kill(uint64_t tid);
int strata_thread_sleep(int64_t ns);
int strata_thread_get_context(uint64_t tid, struct thread_context *ctx);
int strata_thread_set_context(uint64_t tid, const struct thread_context *ctx);
int strata_as_query(const void *address, struct as_query *out);
int strata_self(struct self_info *out);

int strata_chan_create(int32_t fds[2], unsigned depth);
int strata_chan_send(int fd, const struct chan_msg *msg);
int strata_chan_recv(int fd, struct chan_msg *msg);
int strata_chan_wait(int fd, int64_t timeout_ns);
int strata_chan_check(int fd);

/* Bytes and at most one handle (-1: none); nowait. Receiving: length; *handle is -1 when none came.
 */
int strata_send(int fd, const void *buf, size_t len, int handle);
int strata_recv(int fd, void *buf, size_t room, int *handle);

int strata_proc_spawn(const struct proc_spawn *args);
int strata_proc_kill(int fd, int exit_code);
int strata_proc_info(int fd, struct proc_info *out);

int strata_mobj_create(uint64_t size, unsigned flags);

int strata_vm_create(const struct vm_create *args);
int strata_vm_map(const struct vm_map *args);
int strata_vm_unmap(int vm, uint64_t gpa, uint64_t size);
int strata_vm_doorbell(const struct vm_doorbell *args);
int strata_vm_irq_line(int vm, unsigned gsi, int level);
int strata_vm_msi(int vm, uint64_t address, uint32_t data);
int strata_vm_stop_reason(int vm, enum vm_state state, int exit_code, const char *reason);
int strata_vm_info(int vm, struct vm_info *out);
int strata_vm_info_at(unsigned index, struct vm_info *out);
int strata_vm_sched(int vm, struct sched_params *params);
int strata_vm_sched_id(uint64_t id, struct sched_params *params);
int strata_vcpu_create(int vm, unsigned number);
int strata_vcpu_run(int vcpu);
int strata_vcpu_kick(int vcpu);
int strata_vcpu_inject(int vcpu, const struct vcpu_event *event);
int strata_vcpu_get_state(int vcpu, struct vcpu_state *state);
int strata_vcpu_set_state(int vcpu, const struct vcpu_state *state);
int strata_vcpu_sync(int vcpu);
int strata_vcpu_port(int vcpu, struct vcpu_port *access);

int strata_sys_info(enum sys_topic topic, unsigned index, void *buf, size_t len);
int strata_sys_power(enum power_action action, int exit_code);
int strata_log_read(uint64_t *sequence, char *buf, size_t len, struct log_line *about);
int strata_log_level(uint64_t level); /* LOG_LEVEL_QUERY: tells it */
int strata_bench(enum bench_what what, uint64_t arg, unsigned rounds, struct bench_result *out);
int strata_trace_set(enum trace_set what, uint64_t vm);
int strata_trace_read(unsigned cpu, uint64_t *sequence, struct trace_event *buf, unsigned max);
int strata_pool_set(const struct cpu_pool *pool);
int strata_log_write(unsigned level, const char *text, size_t len);
