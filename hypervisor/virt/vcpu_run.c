// SPDX-License-Identifier: GPL-2.0-or-later
// vcpu_run: takes what the VMM left, runs the backend until something is the VMM's business, and
// tells it in the run page. HLT and waiting for SIPI sleep here. The guest's FPU state is in memory
// whenever the thread may lose its CPU in here; after an exit for a port it may stay where it is.
#include "virt/vcpu.h"

#include "cpu/account.h"
#include "cpu/mitigations.h"
#include "cpu/time.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "virt/vcpu_life.h"
#include "virt/virt.h"

/* ---- accounting ---- */

/* The ticks are right already: a reader sees what belongs together. */
static void has_cpu(struct vcpu *v, uint64_t now)
{
	__atomic_store_n(&v->run_since, now, __ATOMIC_RELEASE);
}

/* After a sleep, or after others had it. */
static void has_cpu_again(struct vcpu *v)
{
	WRITE_ONCE(v->steal_ticks, v->steal_ticks + thread_take_waited());
	has_cpu(v, time_tsc());
}

/* It sleeps, or waits for others, or is in its VMM. */
static void has_no_cpu(struct vcpu *v, uint64_t now)
{
	uint64_t since = v->run_since;

	__atomic_store_n(&v->run_since, 0, __ATOMIC_RELEASE);
	if (likely(now > since))
		__atomic_store_n(&v->run_ticks, v->run_ticks + (now - since), __ATOMIC_RELEASE);
}

uint64_t vcpu_run_time(const struct vcpu *v)
{
	uint64_t since, ticks, now;

	do {
		since = __atomic_load_n(&v->run_since, __ATOMIC_ACQUIRE);
		ticks = __atomic_load_n(&v->run_ticks, __ATOMIC_ACQUIRE);
		now = time_tsc();
	} while (since != __atomic_load_n(&v->run_since, __ATOMIC_ACQUIRE));
	return since && now > since ? ticks + (now - since) : ticks;
}

/* ---- requests and waiting ---- */

static void take_init(struct vcpu *v, uint32_t requests)
{
	if (requests & VREQ_INIT) {
		vcpu_reset(v, true);
		v->mp_state = MP_WAIT_FOR_SIPI;
	}
	if ((requests & VREQ_SIPI) && v->mp_state == MP_WAIT_FOR_SIPI) {
		virt->startup(v, __atomic_load_n(&v->sipi_vector, __ATOMIC_SEQ_CST));
		v->mp_state = MP_RUNNABLE;
	}
}

void vcpu_take_posted(struct vcpu *v, uint32_t requests)
{
	take_init(v, requests);
	if (requests & VREQ_NMI)
		v->nmi_pending = (uint8_t)MIN(v->nmi_pending + 1, 2);
	if (requests & VREQ_UNHALT)
		v->pv.unhalted = true;
	v->check_events = true;
}

/* VCPU_EXIT_NONE: go on. */
static enum vcpu_exit take_requests(struct vcpu *v)
{
	uint32_t requests;

	/* Most of the time: what comes now is seen before the guest is entered, or sleeps. */
	if (likely(!(__atomic_load_n(&v->requests, __ATOMIC_SEQ_CST) & VREQ_LEAVE)))
		return VCPU_EXIT_NONE;
	requests = __atomic_fetch_and(&v->requests, ~VREQ_LEAVE, __ATOMIC_SEQ_CST);
	if ((requests & VREQ_INIT) && v->index == 0)
		return VCPU_EXIT_RESET;
	vcpu_take_posted(v, requests);
	return requests & VREQ_KICK ? VCPU_EXIT_INTR : VCPU_EXIT_NONE;
}

/* Whether HLT is over. What comes up after EVENT was cleared sets it again. */
static bool wakes(struct vcpu *v)
{
	__atomic_fetch_and(&v->requests, ~VREQ_EVENT, __ATOMIC_SEQ_CST);
	v->check_events = true;
	if (v->mp_state != MP_HALTED || !virt->has_event(v))
		return false;
	v->mp_state = MP_RUNNABLE;
	v->pv.unhalted = false;
	vlapic_timer_woken(&v->lapic);
	return true;
}

/* Sleeps until a request comes. The check and the sleep are one under the queue's lock. */
static void wait_for_request(struct vcpu *v)
{
	wait_begin(&v->wait);
	__atomic_store_n(&v->mode, VCPU_ASLEEP, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&v->requests, __ATOMIC_SEQ_CST)) {
		wait_end(&v->wait);
	} else {
		vcpu_count(v, COUNT_HALT_SLEEPS);
		has_no_cpu(v, time_tsc());
		(void)wait_sleep(&v->wait, WAIT_FOREVER, true); /* the loop sees an interrupt */
		has_cpu_again(v);
	}
	__atomic_store_n(&v->mode, VCPU_OUTSIDE, __ATOMIC_SEQ_CST);
}

/* Sleeps until the cap lets it go on, or a request comes. */
static void wait_for_time(struct vcpu *v, uint64_t until)
{
	fpu_release(&v->fpu);
	wait_begin(&v->wait);
	__atomic_store_n(&v->mode, VCPU_ASLEEP, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&v->requests, __ATOMIC_SEQ_CST) & VREQ_LEAVE) {
		wait_end(&v->wait);
	} else {
		has_no_cpu(v, time_tsc());
		(void)wait_sleep(&v->wait, until, true); /* the loop sees an interrupt */
		has_cpu_again(v);
	}
	__atomic_store_n(&v->mode, VCPU_OUTSIDE, __ATOMIC_SEQ_CST);
}

static void halt(struct vcpu *v)
{
	if (wakes(v))
		return;
	if (v->mp_state == MP_HALTED && vlapic_timer_halt(&v->lapic) && wakes(v))
		return;
	/* Looking at a periodic timer may have moved it. */
	if (v->timer_changed)
		vcpu_arm_timer(v, true);
	fpu_release(&v->fpu);
	wait_for_request(v);
}

static void give_way(struct vcpu *v, bool yield)
{
	if (!yield && !thread_need_resched())
		return;
	fpu_release(&v->fpu);
	has_no_cpu(v, time_tsc());
	if (yield)
		thread_yield();
	else
		preempt_point();
	has_cpu_again(v);
}

/* ---- the loop ---- */

static bool window_open(struct vcpu *v)
{
	return v->window_wanted && virt->irqs_open(v) && !v->injected.valid;
}

static enum vcpu_exit fail(struct vcpu *v)
{
	vm_set_state(v->vm, VM_STATE_FAILED, 0, v->fail);
	return VCPU_EXIT_FAILED;
}

/* Exits that the backend answers itself count as the guest's time. */
static __always_inline enum virt_exit enter_guest(struct vcpu *v)
{
	uint64_t start = cpu_account_switch(CPU_TIME_KERNEL, CPU_TIME_GUEST);
	enum virt_exit exit = virt->run(v);

	v->guest_ticks += cpu_account_switch(CPU_TIME_GUEST, CPU_TIME_KERNEL) - start;
	return exit;
}

/* What the backend came back for; VCPU_EXIT_NONE: go on. */
static enum vcpu_exit answer(struct vcpu *v, enum virt_exit exit)
{
	switch (exit) {
	case VIRT_EXIT_PAUSE: give_way(v, true); return VCPU_EXIT_NONE;
	case VIRT_EXIT_REQUEST: give_way(v, false); return VCPU_EXIT_NONE;
	case VIRT_EXIT_IO: return VCPU_EXIT_IO;
	case VIRT_EXIT_MMIO: return VCPU_EXIT_MMIO;
	case VIRT_EXIT_IRQ_WINDOW: return VCPU_EXIT_IRQ_WINDOW;
	case VIRT_EXIT_SHUTDOWN: return VCPU_EXIT_SHUTDOWN;
	case VIRT_EXIT_FAILED: return fail(v);
	case VIRT_EXIT_HALT:
	case VIRT_EXIT_NONE: break;
	}
	return VCPU_EXIT_NONE;
}

static enum vcpu_exit run_loop(struct vcpu *v, enum vcpu_exit exit)
{
	uint64_t until;

	while (exit == VCPU_EXIT_NONE) {
		exit = take_requests(v);
		if (unlikely(exit != VCPU_EXIT_NONE))
			break;
		if (READ_ONCE(v->run->immediate_exit) || thread_interrupted())
			exit = VCPU_EXIT_INTR;
		else if (v->shutdown)
			exit = VCPU_EXIT_SHUTDOWN;
		else if (window_open(v))
			exit = VCPU_EXIT_IRQ_WINDOW;
		else if (v->mp_state != MP_RUNNABLE)
			halt(v);
		else if (unlikely((until = thread_throttled()) != 0))
			wait_for_time(v, until);
		else
			exit = answer(v, enter_guest(v));
		if (likely(exit != VCPU_EXIT_NONE))
			break;
		thread_call_progress();
	}
	return exit;
}

/* ---- the run page ---- */

static int take_sregs(struct vcpu *v)
{
	struct vcpu_sregs sregs;

	/* Its XCR0 may still be another CPU's. */
	fpu_fetch(&v->fpu);
	memcpy(&sregs, &v->run->sregs, sizeof(sregs));
	return vcpu_set_sregs(v, &sregs);
}

static __noinline int take_dirty(struct vcpu *v, uint32_t dirty)
{
	struct vcpu_regs regs;
	int err = 0;

	WRITE_ONCE(v->run->dirty, 0);
	if (dirty & RUN_SREGS_DIRTY)
		err = take_sregs(v);
	if (dirty & RUN_REGS_DIRTY) {
		memcpy(&regs, &v->run->regs, sizeof(regs));
		virt->set_regs(v, &regs);
	}
	return err;
}

/* An answer to an IN is in the page; an OUT needs none. */
static inline void finish_io(struct vcpu *v)
{
	virt->finish_io(v, READ_ONCE(v->run->io.data));
}

int vcpu_take_run_page(struct vcpu *v)
{
	uint32_t dirty = READ_ONCE(v->run->dirty);
	bool window_wanted = READ_ONCE(v->run->request_irq_window);
	int err = 0;

	if (unlikely(window_wanted != v->window_wanted)) {
		v->window_wanted = window_wanted;
		v->check_events = true;
	}
	if (unlikely(dirty))
		err = take_dirty(v, dirty);
	if (v->io)
		finish_io(v);
	return err;
}

static bool wants_sregs(const struct vcpu *v, enum vcpu_exit exit)
{
	return exit == VCPU_EXIT_MMIO || exit == VCPU_EXIT_FAILED ||
	       (exit == VCPU_EXIT_IO && !v->io);
}

static __noinline void publish_state(struct vcpu *v, enum vcpu_exit exit)
{
	struct vcpu_run *run = v->run;

	virt->get_regs(v, &run->regs);
	run->sregs_valid = wants_sregs(v, exit);
	if (run->sregs_valid)
		vcpu_get_sregs(v, &run->sregs);
	run->ready_for_irq = virt->irqs_open(v) && !v->injected.valid;
	run->cpl = (uint8_t)virt->cpl(v);
}

static void publish(struct vcpu *v, enum vcpu_exit exit, uint8_t without)
{
	v->run->exit_reason = exit;
	if (v->io && (without & RUN_NO_REGS))
		v->run->sregs_valid = false;
	else
		publish_state(v, exit);
}

/* The VMM may do without its own registers: then the guest's stay until it uses one, which it does
 * at most exits but those for a port. */
static void begin_fpu(struct vcpu *v, uint8_t without)
{
	if (likely(without & RUN_NO_FPU))
		fpu_begin_call(thread_fpu(thread_current()), &v->fpu);
	else
		fpu_fetch(&v->fpu);
}

static void end_fpu(struct vcpu *v, uint8_t without)
{
	if (unlikely(!(without & RUN_NO_FPU)))
		fpu_release(&v->fpu);
	else if (v->io)
		fpu_end_call(thread_fpu(thread_current()), &v->fpu);
	else
		fpu_end_call_now(thread_fpu(thread_current()), &v->fpu);
}

static int64_t leave(struct vcpu *v, enum vcpu_exit exit, uint8_t without)
{
	mitigations_to_vmm();
	has_no_cpu(v, cpu_account_since());
	end_fpu(v, without);
	publish(v, exit, without);
	return unlikely(exit == VCPU_EXIT_INTR) && thread_interrupted() ? -EINTR : 0;
}

static __noinline int64_t run_owned(struct vcpu *v)
{
	uint8_t without = READ_ONCE(v->run->without);
	enum vcpu_exit exit = v->failed ? VCPU_EXIT_FAILED : VCPU_EXIT_NONE;
	int err = vcpu_take_run_page(v);

	if (unlikely(err < 0))
		return err;
	if (unlikely(!thread_in_group(v->vm->sched)))
		thread_join_group(v->vm->sched, v->index);
	begin_fpu(v, without);
	/* Since the system call, and up to the last exit: a look at the clock less. */
	has_cpu(v, cpu_account_since());
	return leave(v, run_loop(v, exit), without);
}

/* ---- the usual call ---- */

#define USUALLY_WITHOUT (RUN_NO_REGS | RUN_NO_FPU)
#define USUAL_HEAD      ((uint64_t)USUALLY_WITHOUT << 16)
static_assert_offset(struct vcpu_run, without, 2);
static_assert_offset(struct vcpu_run, dirty, 4);

/* The VMM has answered an access to a port, asks for nothing else, and the guest can go on: what
 * the loop and the run page have questions about is told by two words. */
static inline bool is_usual(const struct vcpu *v)
{
	return v->io && READ_ONCE(*(const uint64_t *)v->run) == USUAL_HEAD && !v->detour &&
	       thread_in_free_group(v->vm->sched);
}

static __noinline int64_t run_on(struct vcpu *v, enum virt_exit exit)
{
	return leave(v, run_loop(v, answer(v, exit)), USUALLY_WITHOUT);
}

/* As run_owned. Requests, and that the thread is interrupted, are seen by the backend. */
static inline int64_t run_usual(struct vcpu *v)
{
	struct fpu_state *fpu = thread_fpu(thread_current());
	struct vcpu_run *run = v->run;
	enum virt_exit exit;

	finish_io(v);
	fpu_begin_call(fpu, &v->fpu);
	has_cpu(v, cpu_account_since());
	exit = enter_guest(v);
	if (unlikely(exit != VIRT_EXIT_IO || !v->io))
		return run_on(v, exit);
	mitigations_to_vmm();
	has_no_cpu(v, cpu_account_since());
	fpu_end_call(fpu, &v->fpu);
	run->exit_reason = VCPU_EXIT_IO;
	run->sregs_valid = false;
	return 0;
}

int64_t vcpu_run(struct vcpu *v)
{
	int64_t err = vcpu_acquire(v);

	if (unlikely(err < 0))
		return err;
	err = likely(is_usual(v)) ? run_usual(v) : run_owned(v);
	vcpu_release(v);
	return err;
}

int vcpu_sync(struct vcpu *v)
{
	int err = vcpu_acquire_whole(v);

	if (err < 0)
		return err;
	err = vcpu_take_run_page(v);
	vcpu_release(v);
	return err;
}
