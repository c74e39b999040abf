/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of native calls that this layer registers (abi/strata.h says what each call does). */
#pragma once

#include "proc/syscall.h"

extern const struct syscall_table native_thread_calls; /* native_thread.c */
extern const struct syscall_table native_chan_calls;   /* native_chan.c */
extern const struct syscall_table native_proc_calls;   /* native_proc.c */
int64_t sys_bench(const struct syscall_args *a);     /* native_bench.c; a row of native_sys_calls */
int64_t sys_trace_set(const struct syscall_args *a); /* native_trace.c; rows of it as well */
int64_t sys_trace_read(const struct syscall_args *a);
extern const struct syscall_table native_sys_calls; /* native_sys.c */
