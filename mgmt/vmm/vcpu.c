// SPDX-License-Identifier: GPL-2.0-or-later
// The loop of a vCPU's thread. A port access is all that is short: no call of libc but for the
// device's. The end of the machine, and a pause, are seen at VCPU_EXIT_INTR alone, which
// vcpu_interrupt makes certain of.

#include "vmm/vcpu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/types.h"
#include "mgmt/lib/strata.h"

#define STACK_SIZE (128u << 10)

static void port_access(const struct vcpu *v)
{
	struct vcpu_run *run = v->run;
	const struct bus *bus = &v->machine->bus;

	if (run->io.write)
		bus_port_write(bus, run->io.port, run->io.size, run->io.data);
	else
		run->io.data = (uint32_t)bus_port_read(bus, run->io.port, run->io.size);
}

static void raise_fault(struct vcpu *v)
{
	struct emu *e = &v->emu;
	int ret;

	if (e->fault.vector == 14) {
		v->run->sregs.cr2 = e->sregs.cr2;
		v->run->dirty |= RUN_SREGS_DIRTY;
	}
	ret = strata_vcpu_inject(v->fd, &e->fault);
	if (ret < 0)
		machine_stop(v->machine, MACHINE_FAIL, 0, "vCPU %u: exception %u: %s", v->number,
			     e->fault.vector, strerror(-ret));
}

static void emulate(struct vcpu *v, const uint8_t *bytes, unsigned len)
{
	struct vcpu_run *run = v->run;
	struct emu *e = &v->emu;
	enum emu_result result;

	e->regs = run->regs;
	e->sregs = run->sregs;
	e->cpl = run->cpl;
	result = emu_run(e, bytes, len);
	if (result == EMU_FAILED) {
		machine_stop(v->machine, MACHINE_FAIL, 0, "vCPU %u: %s", v->number, e->reason);
		return;
	}
	run->regs = e->regs;
	run->dirty |= RUN_REGS_DIRTY;
	if (result == EMU_FAULT)
		raise_fault(v);
}

/* False: the thread's work is done. */
static bool slow_exit(struct vcpu *v)
{
	struct vcpu_run *run = v->run;
	struct machine *m = v->machine;

	switch (run->exit_reason) {
	case VCPU_EXIT_IO: emulate(v, NULL, 0); return true;
	case VCPU_EXIT_MMIO:
		emulate(v, run->mmio.insn, MIN(run->mmio.insn_len, sizeof(run->mmio.insn)));
		return true;
	case VCPU_EXIT_NONE:
	case VCPU_EXIT_IRQ_WINDOW: return true;
	case VCPU_EXIT_INTR: return machine_hold(m);
	case VCPU_EXIT_SHUTDOWN:
		machine_stop(m, MACHINE_FAIL, 0, "vCPU %u: triple fault at 0x%llx", v->number,
			     (unsigned long long)run->regs.rip);
		return false;
	case VCPU_EXIT_RESET:
		machine_stop(m, MACHINE_RESET, 0, "reset by the guest (INIT)");
		return false;
	case VCPU_EXIT_FAILED:
		machine_stop(m, MACHINE_FAIL, 0, "vCPU %u: %.80s", v->number, run->fail.text);
		return false;
	default:
		machine_stop(m, MACHINE_FAIL, 0, "vCPU %u: unknown exit %u", v->number,
			     run->exit_reason);
		return false;
	}
}

static void *vcpu_main(void *arg)
{
	struct vcpu *v = arg;
	struct vcpu_run *run = v->run;

	for (;;) {
		int ret = strata_vcpu_run(v->fd);

		if (likely(ret == 0 && run->exit_reason == VCPU_EXIT_IO && !run->io.string)) {
			port_access(v);
			continue;
		}
		if (ret == -EINTR)
			continue;
		if (ret < 0) {
			machine_stop(v->machine, MACHINE_FAIL, 0, "vCPU %u: %s", v->number,
				     strerror(-ret));
			return NULL;
		}
		if (!slow_exit(v))
			return NULL;
	}
}

int vcpu_create(struct vcpu *v, struct machine *m, unsigned number)
{
	int ret;

	v->machine = m;
	v->number = number;
	v->fd = strata_vcpu_create(m->vm_fd, number);
	if (v->fd < 0)
		return v->fd;
	v->run = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (v->run == MAP_FAILED) {
		ret = -errno;
		v->run = NULL;
		return ret;
	}
	/* What runs a vCPU keeps nothing in vector registers across that call. */
	v->run->without = RUN_NO_REGS | RUN_NO_FPU;
	ret = emu_init(&v->emu, &m->ram, &m->bus);
	v->emu.kernel_port = strata_vcpu_port;
	v->emu.vcpu = v->fd;
	return ret;
}

int vcpu_set_boot_state(struct vcpu *v, const struct vcpu_regs *regs,
			const struct vcpu_sregs *sregs)
{
	struct vcpu_state *s = calloc(1, sizeof(*s));
	struct vcpu_sregs reset;
	int ret;

	if (!s)
		return -ENOMEM;
	s->version = VCPU_STATE_VERSION;
	s->size = sizeof(*s);
	s->valid = VCPU_STATE_REGS | VCPU_STATE_SREGS;
	ret = strata_vcpu_get_state(v->fd, s);
	if (ret >= 0) {
		reset = s->sregs;
		s->version = VCPU_STATE_VERSION;
		s->size = sizeof(*s);
		s->valid = VCPU_STATE_REGS | VCPU_STATE_SREGS;
		s->regs = *regs;
		s->sregs = *sregs;
		s->sregs.apic_base = reset.apic_base;
		s->sregs.cr8 = reset.cr8;
		ret = strata_vcpu_set_state(v->fd, s);
	}
	free(s);
	return ret < 0 ? ret : 0;
}

int vcpu_start(struct vcpu *v)
{
	pthread_attr_t attr;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	ret = pthread_create(&v->thread, &attr, vcpu_main, v);
	pthread_attr_destroy(&attr);
	v->started = ret == 0;
	return -ret;
}

void vcpu_interrupt(struct vcpu *v)
{
	if (!v->run)
		return;
	__atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	/* One that is not in vcpu_run looks at the flag when it enters. */
	strata_vcpu_kick(v->fd);
}

void vcpu_allow(struct vcpu *v)
{
	__atomic_store_n(&v->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
}

void vcpu_join(struct vcpu *v)
{
	if (v->started)
		pthread_join(v->thread, NULL);
	v->started = false;
}

void vcpu_destroy(struct vcpu *v)
{
	emu_destroy(&v->emu);
	if (v->run)
		munmap(v->run, 4096);
	v->run = NULL;
	if (v->fd >= 0)
		close(v->fd);
	v->fd = -1;
}
