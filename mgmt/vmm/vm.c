// SPDX-License-Identifier: GPL-2.0-or-later
// A run is built in steps, each of which can fail with a sentence; what was built is taken down in
// one place, whatever the step. Whoever ends the machine gets the vCPUs out of the guest and the
// event loop out of its wait; this thread then collects them.

#include "vmm/vm.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/types.h"
#include "mgmt/lib/strata.h"
#include "mgmt/lib/vm_sched.h"
#include "vmm/acpi/tables.h"
#include "vmm/dev/fw_cfg.h"
#include "vmm/load/boot.h"

static int refuse(struct vm *vm, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(struct vm *vm, int error, const char *format, ...)
{
	va_list args;

	vm->end = MACHINE_FAIL;
	vm->exit_code = 0;
	va_start(args, format);
	vsnprintf(vm->reason, sizeof(vm->reason), format, args);
	va_end(args);
	return error;
}

/* ---- what outlives resets ---- */

static int create_memory(struct vm *vm)
{
	uint64_t size = vm->config->memory;
	void *host;

	vm->memory_fd = strata_mobj_create(size, MOBJ_GUEST);
	if (vm->memory_fd < 0)
		return refuse(vm, vm->memory_fd, "%s: memory: %llu MiB: %s", vm->path,
			      (unsigned long long)(size >> 20), strerror(-vm->memory_fd));
	host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->memory_fd, 0);
	if (host == MAP_FAILED)
		return refuse(vm, -errno, "%s: memory: cannot be mapped: %s", vm->path,
			      strerror(errno));
	vm->memory = host;
	return 0;
}

static int create_consoles(struct vm *vm)
{
	for (unsigned i = 0; i < VM_CONFIG_CONSOLES_MAX; i++) {
		const struct vm_config_console *c = &vm->config->consoles[i];

		int ret =
			c->present ? console_init(&vm->consoles[i], &vm->events, c->scrollback) : 0;

		if (ret)
			return refuse(vm, ret, "%s: console %u: no memory for its scrollback: %s",
				      vm->path, i, strerror(-ret));
	}
	return 0;
}

static int load_file(struct vm *vm, struct file *file, const char *key, const char *path)
{
	int ret = file_load(file, path);

	if (ret)
		refuse(vm, ret, "%s: %s: %s: %s", vm->path, key, path, strerror(-ret));
	return ret;
}

static int load_fw_files(struct vm *vm)
{
	int ret = 0;

	for (unsigned i = 0; !ret && i < vm->config->nr_fw_files; i++)
		ret = load_file(vm, &vm->fw_files[i], "file", vm->config->fw_files[i].file);
	return ret;
}

static int open_disks(struct vm *vm)
{
	for (unsigned i = 0; i < vm->config->nr_disks; i++) {
		const struct vm_config_disk *d = &vm->config->disks[i];
		int ret = disk_open(&vm->disks[i], d->file, d->size, d->readonly);

		if (ret == -EFBIG)
			return refuse(vm, ret, "%s: disk %u: size: %s is larger than %llu bytes",
				      vm->path, i, d->file, (unsigned long long)d->size);
		if (ret == -EINVAL)
			return refuse(vm, ret, "%s: disk %u: file: %s is empty", vm->path, i,
				      d->file);
		if (ret)
			return refuse(vm, ret, "%s: disk %u: %s: %s", vm->path, i,
				      d->file ? d->file : "zeros", strerror(-ret));
	}
	return 0;
}

int vm_init(struct vm *vm, const struct vm_config *config, const char *path)
{
	int ret;

	memset(vm, 0, sizeof(*vm));
	vm->config = config;
	vm->path = path;
	vm->memory_fd = -1;
	ret = events_init(&vm->events);
	if (ret)
		return refuse(vm, ret, "%s: no event loop: %s", path, strerror(-ret));
	ret = create_consoles(vm);
	if (!ret)
		ret = load_fw_files(vm);
	if (!ret)
		ret = open_disks(vm);
	if (!ret)
		ret = create_memory(vm);
	return ret;
}

void vm_destroy(struct vm *vm)
{
	for (unsigned i = 0; i < VM_CONFIG_CONSOLES_MAX; i++) {
		if (vm->consoles[i].ring)
			console_destroy(&vm->consoles[i]);
	}
	for (unsigned i = 0; i < VM_CONFIG_FW_FILES_MAX; i++)
		file_unload(&vm->fw_files[i]);
	for (unsigned i = 0; i < VM_CONFIG_DISKS_MAX; i++)
		disk_close(&vm->disks[i]);
	if (vm->memory)
		munmap(vm->memory, vm->config->memory);
	if (vm->memory_fd >= 0)
		close(vm->memory_fd);
	events_destroy(&vm->events);
}

/* ---- one run ---- */

static void on_end(struct machine *m)
{
	struct vm *vm = container_of(m, struct vm, machine);

	for (unsigned i = 0; i < vm->config->vcpus; i++)
		vcpu_interrupt(&vm->vcpus[i]);
	events_quit(&vm->events);
}

static int set_scheduling(struct vm *vm)
{
	const struct vm_config *c = vm->config;
	struct sched_params p = vm_sched_params(c);
	int ret;

	ret = strata_vm_sched(vm->machine.vm_fd, &p);
	if (ret == -EBUSY)
		return refuse(vm, ret,
			      "%s: cpus: dedicated: pool %u has not %u CPUs free by whole cores",
			      vm->path, c->pool, c->vcpus);
	if (ret < 0)
		return refuse(vm, ret, "%s: cpus: pool %u has none of these CPUs", vm->path,
			      c->pool);
	return 0;
}

static int create_vm_object(struct vm *vm)
{
	struct vm_create args = { .nr_vcpus_max = vm->config->vcpus };
	struct machine *m = &vm->machine;

	memcpy(args.name, vm->config->name, sizeof(args.name));
	m->vm_fd = strata_vm_create(&args);
	if (m->vm_fd < 0)
		return refuse(vm, m->vm_fd, "%s: no VM: %s", vm->path, strerror(-m->vm_fd));
	for (unsigned i = 0; i < m->ram.nr_pieces; i++) {
		const struct ram_piece *p = &m->ram.pieces[i];
		struct vm_map map = {
			.vm_fd = m->vm_fd,
			.mobj_fd = vm->memory_fd,
			.gpa = p->gpa,
			.offset = p->offset,
			.size = p->size,
			.rights = AS_READ | AS_WRITE | AS_EXEC,
		};
		int ret = strata_vm_map(&map);

		if (ret < 0)
			return refuse(vm, ret, "%s: memory at 0x%llx: %s", vm->path,
				      (unsigned long long)p->gpa, strerror(-ret));
	}
	return 0;
}

static int create_vcpus(struct vm *vm)
{
	int ret = 0;

	for (unsigned i = 0; !ret && i < vm->config->vcpus; i++) {
		ret = vcpu_create(&vm->vcpus[i], &vm->machine, i);
		if (ret)
			refuse(vm, ret, "%s: vCPU %u: %s", vm->path, i, strerror(-ret));
	}
	return ret;
}

static int offer_fw_files(struct vm *vm)
{
	int ret = 0;

	for (unsigned i = 0; !ret && i < vm->config->nr_fw_files; i++)
		ret = fw_cfg_add_file(vm->machine.fw_cfg, vm->config->fw_files[i].name,
				      vm->fw_files[i].data, (uint32_t)vm->fw_files[i].size);
	return ret ? refuse(vm, ret, "%s: too many fw_cfg files", vm->path) : 0;
}

static int create_devices(struct vm *vm)
{
	int ret = machine_create_devices(&vm->machine);

	if (ret)
		return refuse(vm, ret, "%s: %s", vm->path, vm->machine.reason);
	return offer_fw_files(vm);
}

struct boot_files {
	struct file kernel, modules[BOOT_MODULES_MAX];
};

static int add_module(struct vm *vm, struct boot *boot, struct boot_files *files, const char *key,
		      const char *path, const char *cmdline)
{
	struct file *file = &files->modules[boot->nr_modules];
	int ret = load_file(vm, file, key, path);

	if (ret)
		return ret;
	boot->modules[boot->nr_modules++] =
		(struct boot_module){ { file->data, file->size }, cmdline };
	return 0;
}

static int load_boot_files(struct vm *vm, struct boot *boot, struct boot_files *files)
{
	const struct vm_config *c = vm->config;
	int ret = load_file(vm, &files->kernel, "kernel", c->kernel);

	boot->kernel = (struct image){ files->kernel.data, files->kernel.size };
	if (!ret && c->initrd)
		ret = add_module(vm, boot, files, "initrd", c->initrd, NULL);
	for (unsigned i = 0; !ret && i < c->nr_modules; i++)
		ret = add_module(vm, boot, files, "file", c->modules[i].file,
				 c->modules[i].cmdline);
	return ret;
}

static int load_guest(struct vm *vm)
{
	const struct vm_config *c = vm->config;
	struct boot boot = { .ram = &vm->machine.ram,
			     .name = c->kernel,
			     .cmdline = c->cmdline,
			     .rsdp = acpi_build(&vm->machine) };
	struct boot_files files = { 0 };
	int ret = load_boot_files(vm, &boot, &files);

	if (!ret) {
		ret = boot_load(&boot);
		if (ret)
			refuse(vm, ret, "%s: %s", vm->path, boot.error);
	}
	if (!ret) {
		ret = vcpu_set_boot_state(&vm->vcpus[0], &boot.regs, &boot.sregs);
		if (ret)
			refuse(vm, ret, "%s: vCPU 0: first state: %s", vm->path, strerror(-ret));
	}
	file_unload(&files.kernel);
	for (unsigned i = 0; i < BOOT_MODULES_MAX; i++)
		file_unload(&files.modules[i]);
	return ret;
}

static int build(struct vm *vm)
{
	struct machine *m = &vm->machine;
	int ret;

	machine_init(m, vm->config, &vm->events, vm->consoles);
	m->disks = vm->disks;
	ram_init(&m->ram, vm->memory, vm->config->memory);
	vm->vcpus = calloc(vm->config->vcpus, sizeof(*vm->vcpus));
	if (!vm->vcpus)
		return refuse(vm, -ENOMEM, "%s: no memory for vCPUs", vm->path);
	for (unsigned i = 0; i < vm->config->vcpus; i++)
		vm->vcpus[i].fd = -1;
	ret = create_vm_object(vm);
	if (!ret)
		ret = set_scheduling(vm);
	if (!ret)
		ret = create_vcpus(vm);
	if (!ret)
		ret = create_devices(vm);
	if (!ret)
		ret = load_guest(vm);
	if (!ret)
		m->on_end = on_end;
	return ret;
}

static void run_guest(struct vm *vm)
{
	struct machine *m = &vm->machine;

	int ret = strata_vm_stop_reason(m->vm_fd, VM_STATE_RUNNING, 0, "");

	if (ret < 0) {
		refuse(vm, ret, "%s: state: %s", vm->path, strerror(-ret));
		return;
	}
	if (vm->on_running)
		vm->on_running(vm);
	for (unsigned i = 0; i < vm->config->vcpus; i++) {
		ret = vcpu_start(&vm->vcpus[i]);
		if (ret) {
			machine_stop(m, MACHINE_FAIL, 0, "vCPU %u: no thread: %s", i,
				     strerror(-ret));
			break;
		}
	}
	events_run(&vm->events);
	for (unsigned i = 0; i < vm->config->vcpus; i++)
		vcpu_join(&vm->vcpus[i]);
	vm->end = m->end;
	vm->exit_code = m->exit_code;
	snprintf(vm->reason, sizeof(vm->reason), "%s", m->reason);
}

static void take_down(struct vm *vm)
{
	struct machine *m = &vm->machine;

	machine_destroy(m);
	for (unsigned i = 0; vm->vcpus && i < vm->config->vcpus; i++)
		vcpu_destroy(&vm->vcpus[i]);
	free(vm->vcpus);
	vm->vcpus = NULL;
	if (m->vm_fd >= 0) {
		strata_vm_stop_reason(m->vm_fd,
				      vm->end == MACHINE_FAIL ? VM_STATE_FAILED : VM_STATE_STOPPED,
				      vm->exit_code, vm->reason);
		close(m->vm_fd);
	}
	m->vm_fd = -1;
}

/* ---- from the console ---- */

bool vm_pause(struct vm *vm)
{
	struct machine *m = &vm->machine;
	bool first;

	pthread_mutex_lock(&m->end_lock);
	first = !m->paused && m->end == MACHINE_RUNS;
	m->paused = true;
	pthread_mutex_unlock(&m->end_lock);
	if (!first)
		return false;
	for (unsigned i = 0; i < vm->config->vcpus; i++)
		vcpu_interrupt(&vm->vcpus[i]);
	pthread_mutex_lock(&m->end_lock);
	while (m->parked < vm->config->vcpus && m->end == MACHINE_RUNS)
		pthread_cond_wait(&m->changed, &m->end_lock);
	pthread_mutex_unlock(&m->end_lock);
	return true;
}

bool vm_resume(struct vm *vm)
{
	struct machine *m = &vm->machine;
	bool paused;

	pthread_mutex_lock(&m->end_lock);
	paused = m->paused && m->end == MACHINE_RUNS;
	m->paused = false;
	/* Who ends the machine sets the flags after `end`: they are not cleared behind him. */
	for (unsigned i = 0; paused && i < vm->config->vcpus; i++)
		vcpu_allow(&vm->vcpus[i]);
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->end_lock);
	return paused;
}

void vm_reset(struct vm *vm)
{
	vm->restart = true;
	machine_stop(&vm->machine, MACHINE_RESET, 0, "reset from the console");
}

/* Once for each reset from the console. */
static bool restarts(struct vm *vm)
{
	bool asked = vm->restart;

	vm->restart = false;
	return asked || vm->config->reboot == VM_REBOOT_RESTART;
}

void vm_run(struct vm *vm)
{
	do {
		if (build(vm) == 0)
			run_guest(vm);
		take_down(vm);
	} while (vm->end == MACHINE_RESET && restarts(vm));
	if (vm->end == MACHINE_RESET)
		vm->end = MACHINE_STOP;
}
