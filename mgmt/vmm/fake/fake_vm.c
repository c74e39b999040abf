// SPDX-License-Identifier: GPL-2.0-or-later
// Handles are files without names, so that mmap of a vCPU gives its run page and close works as on
// the kernel.

#include "vmm/fake/fake_vm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct fake_vm fake_vm = { .lock = PTHREAD_MUTEX_INITIALIZER, .kicks = PTHREAD_COND_INITIALIZER };

static int make_file(uint64_t size)
{
	int fd = memfd_create("fake", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)size))
		abort();
	return fd;
}

static void drop_vcpus(void)
{
	for (unsigned i = 0; i < FAKE_VCPUS; i++) {
		struct fake_vcpu *v = &fake_vm.vcpus[i];

		if (v->run)
			munmap(v->run, 4096);
		*v = (struct fake_vcpu){ .fd = -1 };
	}
}

void fake_vm_reset(void)
{
	drop_vcpus();
	fake_vm = (struct fake_vm){ .lock = PTHREAD_MUTEX_INITIALIZER,
				    .kicks = PTHREAD_COND_INITIALIZER };
	for (unsigned i = 0; i < FAKE_VCPUS; i++)
		fake_vm.vcpus[i].fd = -1;
}

static struct fake_vcpu *vcpu_of(int fd, unsigned *number)
{
	for (unsigned i = 0; i < FAKE_VCPUS; i++) {
		if (fake_vm.vcpus[i].fd == fd && fake_vm.vcpus[i].run) {
			if (number)
				*number = i;
			return &fake_vm.vcpus[i];
		}
	}
	abort();
}

int strata_mobj_create(uint64_t size, unsigned flags)
{
	if (flags & ~MOBJ_GUEST)
		abort();
	return make_file(size);
}

int strata_vm_create(const struct vm_create *args)
{
	if (fake_vm.vm_create_error)
		return fake_vm.vm_create_error;
	drop_vcpus();
	fake_vm.vms_created++;
	fake_vm.create = *args;
	fake_vm.nr_maps = 0;
	memset(fake_vm.line, 0, sizeof(fake_vm.line));
	return make_file(0);
}

int strata_vm_map(const struct vm_map *args)
{
	if (fake_vm.vm_map_error)
		return fake_vm.vm_map_error;
	if (fake_vm.nr_maps == FAKE_MAPS)
		abort();
	fake_vm.maps[fake_vm.nr_maps++] = *args;
	return 0;
}

int strata_vm_sched(int vm, struct sched_params *params)
{
	(void)vm;
	fake_vm.sched = *params;
	return fake_vm.vm_sched_error;
}

int strata_vm_irq_line(int vm, unsigned gsi, int level)
{
	(void)vm;
	if (gsi >= 24 || gsi == 2)
		return -EINVAL;
	pthread_mutex_lock(&fake_vm.lock);
	if (level && !fake_vm.line[gsi])
		fake_vm.line_rises[gsi]++;
	fake_vm.line[gsi] = level;
	pthread_mutex_unlock(&fake_vm.lock);
	return 0;
}

int strata_vm_msi(int vm, uint64_t address, uint32_t data)
{
	(void)vm;
	pthread_mutex_lock(&fake_vm.lock);
	fake_vm.nr_msis++;
	fake_vm.msi_address = address;
	fake_vm.msi_data = data;
	pthread_cond_broadcast(&fake_vm.kicks);
	pthread_mutex_unlock(&fake_vm.lock);
	return 0;
}

int strata_vm_doorbell(const struct vm_doorbell *args)
{
	bool remove = args->flags & DOORBELL_REMOVE;

	if (!(args->flags & DOORBELL_PORT) || (remove && args->addr != fake_vm.doorbell))
		return -ENOENT;
	fake_vm.doorbell = remove ? 0 : args->addr;
	fake_vm.doorbell_fd = args->event_fd;
	return 0;
}

void fake_vm_wait_msis(unsigned n)
{
	pthread_mutex_lock(&fake_vm.lock);
	while (fake_vm.nr_msis < n)
		pthread_cond_wait(&fake_vm.kicks, &fake_vm.lock);
	pthread_mutex_unlock(&fake_vm.lock);
}

int strata_vm_stop_reason(int vm, enum vm_state state, int exit_code, const char *reason)
{
	(void)vm;
	if (state == VM_STATE_RUNNING)
		return 0;
	fake_vm.vms_stopped++;
	fake_vm.stop_state = state;
	fake_vm.stop_code = exit_code;
	snprintf(fake_vm.stop_reason, sizeof(fake_vm.stop_reason), "%s", reason);
	return 0;
}

int strata_vcpu_create(int vm, unsigned number)
{
	struct fake_vcpu *v = &fake_vm.vcpus[number];

	(void)vm;
	if (fake_vm.vcpu_create_error && number)
		return fake_vm.vcpu_create_error;
	v->fd = make_file(4096);
	v->run = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (v->run == MAP_FAILED)
		abort();
	v->state.sregs.apic_base = 0xfee00800 | (number == 0) << 8;
	return v->fd;
}

int strata_vcpu_run(int vcpu)
{
	unsigned number;
	struct fake_vcpu *v = vcpu_of(vcpu, &number);

	v->runs++;
	if (__atomic_load_n(&v->run->immediate_exit, __ATOMIC_SEQ_CST)) {
		v->run->exit_reason = VCPU_EXIT_INTR;
		return 0;
	}
	v->run->exit_reason = VCPU_EXIT_NONE;
	return fake_vm.script(number, v);
}

int strata_vcpu_kick(int vcpu)
{
	struct fake_vcpu *v = vcpu_of(vcpu, NULL);

	pthread_mutex_lock(&fake_vm.lock);
	v->kicked = true;
	pthread_cond_broadcast(&fake_vm.kicks);
	pthread_mutex_unlock(&fake_vm.lock);
	return 0;
}

int strata_vcpu_inject(int vcpu, const struct vcpu_event *event)
{
	struct fake_vcpu *v = vcpu_of(vcpu, NULL);

	v->nr_injected++;
	v->injected = *event;
	return 0;
}

int strata_vcpu_port(int vcpu, struct vcpu_port *access)
{
	(void)vcpu;
	(void)access;
	return -ENOENT;
}

int strata_vcpu_get_state(int vcpu, struct vcpu_state *state)
{
	*state = vcpu_of(vcpu, NULL)->state;
	return 0;
}

int strata_vcpu_set_state(int vcpu, const struct vcpu_state *state)
{
	if (state->version != VCPU_STATE_VERSION || state->size != sizeof(*state))
		return -EINVAL;
	vcpu_of(vcpu, NULL)->state = *state;
	return 0;
}

void fake_vm_halt(struct fake_vcpu *v)
{
	pthread_mutex_lock(&fake_vm.lock);
	while (!v->kicked)
		pthread_cond_wait(&fake_vm.kicks, &fake_vm.lock);
	v->kicked = false;
	pthread_mutex_unlock(&fake_vm.lock);
	v->run->exit_reason = VCPU_EXIT_INTR;
}

static void io_exit(struct fake_vcpu *v, uint16_t port, unsigned size, bool write)
{
	v->run->exit_reason = VCPU_EXIT_IO;
	memset(&v->run->io, 0, sizeof(v->run->io));
	v->run->io.port = port;
	v->run->io.size = (uint8_t)size;
	v->run->io.write = write;
}

void fake_vm_out(struct fake_vcpu *v, uint16_t port, unsigned size, uint32_t value)
{
	io_exit(v, port, size, true);
	v->run->io.data = value;
}

void fake_vm_in(struct fake_vcpu *v, uint16_t port, unsigned size)
{
	io_exit(v, port, size, false);
}
