/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the explored files call and what does not matter to them: functions that return 0, or 1. Without arguments and types,
 * so that they fit whatever the headers say. Balance and pools are not explored: threads stay on their CPU.
 */
	.text
	.macro	returns value, names:vararg
	.irp	name, \names
	.globl	\name
\name:
	.endr
	mov	$\value, %eax
	ret
	.endm

	returns 0, balance_arrived, balance_enter_idle, balance_latest, balance_least_loaded, balance_leave_idle
	returns 0, balance_note_arriving, balance_publish, balance_push, balance_take_lift
	returns 0, group_charge, group_set_active, group_thread_weight, pool_init_cpu, sched_group_put
	returns 0, as_switch, container_get, container_put, cpu_account_read, cpu_account_start, cpu_set_kernel_stack
	returns 0, fpu_area_size, fpu_load_saved, fpu_release, fpu_state_init, intr_set_return_hook, mem_set_preempt_hook
	returns 0, kfree, kstack_free, lock_assert_none, lock_wait_long, timer_init_cpu
	returns 0, trace_note, watchdog_add, watchdog_remove
	returns 1, pool_group_allows, pool_is_common, time_tsc, time_tsc_to_ns

	/* Off. */
	.bss
	.globl	tracing_on, tracing_vm
	.balign	4
tracing_on:
tracing_vm:
	.zero	4

	.section .note.GNU-stack, "", @progbits
