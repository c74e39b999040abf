// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/lib/vm_sched.c mgmt/vmm/vm.c mgmt/vmm/vcpu.c mgmt/vmm/machine.c mgmt/vmm/bus.c mgmt/vmm/lock.c mgmt/vmm/events.c
// TEST-WITH: mgmt/vmm/console.c mgmt/vmm/ram.c mgmt/vmm/files.c mgmt/vmm/fake/fake_vm.c
// TEST-WITH: mgmt/vmm/dev/uart.c mgmt/vmm/dev/rtc.c mgmt/vmm/dev/pit.c mgmt/vmm/dev/pci.c
// TEST-WITH: mgmt/vmm/dev/pm.c mgmt/vmm/dev/fw_cfg.c mgmt/vmm/dev/simple.c
// TEST-WITH: mgmt/vmm/acpi/tables.c mgmt/vmm/acpi/dsdt.c mgmt/vmm/acpi/aml.c
// TEST-WITH: mgmt/vmm/load/boot.c mgmt/vmm/load/elf.c mgmt/vmm/load/pvh.c mgmt/vmm/load/bzimage.c
// TEST-WITH: mgmt/vmm/load/multiboot.c mgmt/vmm/emu/emu.c mgmt/vmm/emu/paging.c
// TEST-WITH: mgmt/vmm/emu/access.c mgmt/vmm/emu/decode.c mgmt/vmm/emu/alu.c mgmt/vmm/emu/string.c
// TEST-WITH: mgmt/vmm/emu/execute.c mgmt/vmm/emu/capstone_x86.c mgmt/lib/chan.c
// TEST-WITH: mgmt/vmm/fake/fake_chan.c
// TEST-WITH: mgmt/vmm/dev/virtio_blk.c mgmt/vmm/dev/virtio_pci.c mgmt/vmm/dev/virtio.c
// TEST-WITH: mgmt/vmm/dev/virtio_queue.c mgmt/vmm/dev/msix.c mgmt/vmm/dev/disk.c
// TEST-WITH: mgmt/vmm/dev/pci_function.c
// TEST-LIBS: -lcapstone
// Whole runs of a VM over calls that are played by scripts: each way to end, resets, other vCPUs in
// HLT, ports, emulation, and what is refused before a guest runs.

#include "vmm/vm.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "vmm/fake/fake_vm.h"

#define KERNEL "/tmp/strata-vm-test-kernel"

static struct vm_config config;
static struct vm vm;
static unsigned running; /* calls of on_running */

/* A multiboot kernel that asks to be at 1 MiB. */
static void write_kernel(void)
{
	uint32_t h[8] = { 0x1badb002, 0x10000, 0, 0x100000, 0x100000, 0, 0x101000, 0x100020 };
	FILE *f = fopen(KERNEL, "wb");

	h[2] = -(h[0] + h[1]);
	assert_non_null(f);
	assert_int_equal(fwrite(h, 1, sizeof(h), f), sizeof(h));
	for (unsigned i = 0; i < 64; i++)
		fputc(0x90, f);
	assert_int_equal(fclose(f), 0);
}

static int set_up(void **state)
{
	(void)state;
	fake_vm_reset();
	write_kernel();
	config = (struct vm_config){ .name = "test",
				     .vcpus = 1,
				     .weight = 250,
				     .memory = 4 << 20,
				     .kernel = (char *)KERNEL,
				     .cmdline = (char *)"a=1",
				     .debug_exit = true,
				     .debug_exit_port = 0xf4 };
	config.consoles[0] = (struct vm_config_console){ true, 65536 };
	running = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(KERNEL);
	return 0;
}

static void count_running(struct vm *v)
{
	(void)v;
	running++;
}

static void run(int (*script)(unsigned, struct fake_vcpu *))
{
	fake_vm.script = script;
	if (vm_init(&vm, &config, "/vms/test.conf") == 0) {
		vm.on_running = count_running;
		vm_run(&vm);
	}
	vm_destroy(&vm);
}

static void expect_end(enum machine_end end, int code, const char *reason)
{
	assert_string_equal(vm.reason, reason);
	assert_int_equal(vm.end, end);
	assert_int_equal(vm.exit_code, code);
}

static int debug_exit(unsigned number, struct fake_vcpu *v)
{
	(void)number;
	fake_vm_out(v, 0xf4, 4, 42);
	return 0;
}

static void ends_by_debug_exit(void **state)
{
	(void)state;
	run(debug_exit);
	expect_end(MACHINE_STOP, 42, "debug-exit");
	assert_int_equal(running, 1);
	assert_int_equal(fake_vm.vms_created, 1);
	assert_int_equal(fake_vm.vms_stopped, 1);
	assert_int_equal(fake_vm.stop_state, VM_STATE_STOPPED);
	assert_int_equal(fake_vm.stop_code, 42);
	assert_string_equal(fake_vm.create.name, "test");
	assert_int_equal(fake_vm.sched.weight, 250);
	assert_int_equal(fake_vm.sched.set & SCHED_SET_WEIGHT, SCHED_SET_WEIGHT);
	/* Two pieces: the VGA hole is between them. */
	assert_int_equal(fake_vm.nr_maps, 2);
	assert_int_equal(fake_vm.maps[0].gpa, 0);
	assert_int_equal(fake_vm.maps[0].size, 0xa0000);
	assert_int_equal(fake_vm.maps[1].gpa, 0xc0000);
	assert_int_equal(fake_vm.maps[1].size, (4 << 20) - 0xc0000);
	assert_int_equal(fake_vm.maps[1].rights, AS_READ | AS_WRITE | AS_EXEC);
}

static int check_first_state(unsigned number, struct fake_vcpu *v)
{
	const struct vcpu_state *s = &v->state;

	assert_int_equal(number, 0);
	assert_int_equal(s->valid, VCPU_STATE_REGS | VCPU_STATE_SREGS);
	assert_int_equal(s->regs.rip, 0x100020);
	assert_int_equal(s->regs.gpr[GPR_RAX], 0x2badb002);
	assert_int_equal(s->sregs.cr0, 0x11);
	/* The local APIC stays where the kernel put it. */
	assert_int_equal(s->sregs.apic_base, 0xfee00900);
	fake_vm_out(v, 0xf4, 1, 0);
	return 0;
}

static void first_state(void **state)
{
	(void)state;
	run(check_first_state);
	expect_end(MACHINE_STOP, 0, "debug-exit");
}

/* The others sleep in the kernel; the end gets them out. */
static int one_of_many(unsigned number, struct fake_vcpu *v)
{
	if (number == 0)
		fake_vm_out(v, 0xf4, 1, 3);
	else
		fake_vm_halt(v);
	return 0;
}

static void halted_vcpus_are_collected(void **state)
{
	(void)state;
	config.vcpus = 8;
	for (unsigned i = 0; i < 20; i++) {
		run(one_of_many);
		expect_end(MACHINE_STOP, 3, "debug-exit");
		fake_vm_reset();
	}
}

/* ---- from the console ---- */

static struct timer console_timer;
static struct mutex console_lock;
static unsigned step;         /* [event thread] */
static unsigned finished;     /* [a] the guest may end */
static unsigned in_the_guest; /* [a] scripts that run */

/* A guest that computes: it leaves only when it is kicked. */
static int until_finished(unsigned number, struct fake_vcpu *v)
{
	if (number == 0 && __atomic_load_n(&finished, __ATOMIC_SEQ_CST)) {
		fake_vm_out(v, 0xf4, 1, 9);
		return 0;
	}
	__atomic_fetch_add(&in_the_guest, 1, __ATOMIC_SEQ_CST);
	fake_vm_halt(v);
	__atomic_fetch_sub(&in_the_guest, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static void pause_and_resume(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 20; i++) {
		assert_false(vm_resume(&vm));
		assert_true(vm_pause(&vm));
		assert_int_equal(__atomic_load_n(&in_the_guest, __ATOMIC_SEQ_CST), 0);
		assert_int_equal(vm.machine.parked, config.vcpus);
		assert_false(vm_pause(&vm));
		if (i == 19)
			__atomic_store_n(&finished, 1, __ATOMIC_SEQ_CST);
		assert_true(vm_resume(&vm));
	}
}

/* Once while it is paused, once while it runs; the third run ends by itself. */
static void reset_twice(void *arg)
{
	(void)arg;
	if (step == 0)
		assert_true(vm_pause(&vm));
	if (step == 2)
		__atomic_store_n(&finished, 1, __ATOMIC_SEQ_CST);
	if (step++ < 2)
		vm_reset(&vm);
	else
		strata_vcpu_kick(vm.vcpus[0].fd);
}

static void arm_console(struct vm *v)
{
	running++;
	mutex_lock(&console_lock);
	timer_set(&console_timer, events_now());
	mutex_unlock(&console_lock);
	(void)v;
}

static void run_with_console(void (*act)(void *arg))
{
	step = finished = 0;
	config.vcpus = 3;
	fake_vm.script = until_finished;
	assert_int_equal(vm_init(&vm, &config, "/vms/test.conf"), 0);
	timer_init(&console_timer, &vm.events, &console_lock, act, NULL);
	vm.on_running = arm_console;
	vm_run(&vm);
	timer_remove(&console_timer);
	vm_destroy(&vm);
}

static void pauses_and_resumes(void **state)
{
	(void)state;
	run_with_console(pause_and_resume);
	expect_end(MACHINE_STOP, 9, "debug-exit");
	assert_int_equal(running, 1);
}

/* Whatever the configuration says of resets by the guest. */
static void console_resets(void **state)
{
	(void)state;
	config.reboot = VM_REBOOT_STOP;
	run_with_console(reset_twice);
	expect_end(MACHINE_STOP, 9, "debug-exit");
	assert_int_equal(running, 3);
	assert_int_equal(fake_vm.vms_stopped, 3);
}

static int reset_once(unsigned number, struct fake_vcpu *v)
{
	(void)number;
	if (fake_vm.vms_created == 1)
		fake_vm_out(v, 0xcf9, 1, 6);
	else
		fake_vm_out(v, 0xf4, 1, 7);
	return 0;
}

static void reset_runs_again(void **state)
{
	(void)state;
	run(reset_once);
	expect_end(MACHINE_STOP, 7, "debug-exit");
	assert_int_equal(fake_vm.vms_created, 2);
	assert_int_equal(fake_vm.vms_stopped, 2);
	assert_int_equal(running, 2);
}

static void reset_may_stop(void **state)
{
	(void)state;
	config.reboot = VM_REBOOT_STOP;
	run(reset_once);
	expect_end(MACHINE_STOP, 0, "reset by the guest (port 0xcf9)");
	assert_int_equal(fake_vm.vms_created, 1);
}

static int power_off(unsigned number, struct fake_vcpu *v)
{
	(void)number;
	fake_vm_out(v, 0x604, 2, 5 << 10 | 1 << 13);
	return 0;
}

static void ends_by_s5(void **state)
{
	(void)state;
	run(power_off);
	expect_end(MACHINE_STOP, 0, "powered off by the guest");
}

static int panic(unsigned number, struct fake_vcpu *v)
{
	(void)number;
	fake_vm_out(v, 0x505, 1, 1);
	return 0;
}

static void ends_by_panic(void **state)
{
	(void)state;
	run(panic);
	expect_end(MACHINE_FAIL, 0, "the guest panicked");
	assert_int_equal(fake_vm.stop_state, VM_STATE_FAILED);
}

static int triple_fault(unsigned number, struct fake_vcpu *v)
{
	(void)number;
	v->run->exit_reason = VCPU_EXIT_SHUTDOWN;
	v->run->regs.rip = 0x1234;
	return 0;
}

static int init_to_bsp(unsigned number, struct fake_vcpu *v)
{
	(void)number;
	v->run->exit_reason = VCPU_EXIT_RESET;
	return 0;
}

static int kernel_gives_up(unsigned number, struct fake_vcpu *v)
{
	(void)number;
	v->run->exit_reason = VCPU_EXIT_FAILED;
	memset(v->run->fail.text, 'x', sizeof(v->run->fail.text));
	memcpy(v->run->fail.text, "exit 0x63", 10);
	return 0;
}

static int unknown_exit(unsigned number, struct fake_vcpu *v)
{
	(void)number;
	v->run->exit_reason = 99;
	return 0;
}

static int call_fails(unsigned number, struct fake_vcpu *v)
{
	(void)number;
	return v->runs < 3 ? -EINTR : -EIO;
}

static void other_exits(void **state)
{
	(void)state;
	config.reboot = VM_REBOOT_STOP;
	run(triple_fault);
	expect_end(MACHINE_FAIL, 0, "vCPU 0: triple fault at 0x1234");
	run(init_to_bsp);
	expect_end(MACHINE_STOP, 0, "reset by the guest (INIT)");
	run(kernel_gives_up);
	expect_end(MACHINE_FAIL, 0, "vCPU 0: exit 0x63");
	run(unknown_exit);
	expect_end(MACHINE_FAIL, 0, "vCPU 0: unknown exit 99");
	run(call_fails);
	expect_end(MACHINE_FAIL, 0, "vCPU 0: Input/output error");
}

/* IN of the fw_cfg signature, which the next exit checks. */
static int read_port(unsigned number, struct fake_vcpu *v)
{
	(void)number;
	switch (v->runs) {
	case 1: fake_vm_out(v, 0x510, 2, 0); break;
	case 2: fake_vm_in(v, 0x511, 1); break;
	case 3:
		assert_int_equal(v->run->io.data, 'Q');
		fake_vm_in(v, 0x1234, 4);
		break;
	default: assert_int_equal(v->run->io.data, 0xffffffff); fake_vm_out(v, 0xf4, 1, 0);
	}
	return 0;
}

static void ports(void **state)
{
	(void)state;
	run(read_port);
	expect_end(MACHINE_STOP, 0, "debug-exit");
}

/* In flat 32-bit code at 1 MiB. */
static void mmio_exit(struct fake_vcpu *v, const char *code, unsigned len)
{
	v->run->exit_reason = VCPU_EXIT_MMIO;
	v->run->regs = v->state.regs;
	v->run->sregs = v->state.sregs;
	memset(&v->run->mmio, 0, sizeof(v->run->mmio));
	v->run->mmio.insn_len = (uint8_t)len;
	memcpy(v->run->mmio.insn, code, len);
	v->run->dirty = 0;
}

static int read_ecam(unsigned number, struct fake_vcpu *v)
{
	(void)number;
	if (v->runs == 1) {
		mmio_exit(v, "\xa1\x00\x00\x00\xe0", 5); /* mov 0xe0000000, %eax */
		return 0;
	}
	assert_int_equal(v->run->dirty, RUN_REGS_DIRTY);
	assert_int_equal(v->run->regs.gpr[GPR_RAX], 0x00081b36);
	assert_int_equal(v->run->regs.rip, 0x100025);
	fake_vm_out(v, 0xf4, 1, 0);
	return 0;
}

static int fault_in_emulation(unsigned number, struct fake_vcpu *v)
{
	(void)number;
	if (v->runs == 1) {
		mmio_exit(v, "\xa1\x00\x00\x00\xe0", 5);
		v->run->sregs.cr0 |= 1u << 31; /* no page tables: zeros at CR3 */
		v->run->sregs.cr3 = 0x3000;
		return 0;
	}
	assert_int_equal(v->run->dirty, RUN_REGS_DIRTY | RUN_SREGS_DIRTY);
	assert_int_equal(v->run->regs.rip, 0x100020);
	assert_int_equal(v->run->sregs.cr2, 0xe0000000);
	assert_int_equal(v->nr_injected, 1);
	assert_int_equal(v->injected.vector, 14);
	assert_int_equal(v->injected.error, 0);
	fake_vm_out(v, 0xf4, 1, 0);
	return 0;
}

static int string_io(unsigned number, struct fake_vcpu *v)
{
	(void)number;
	if (v->runs == 1) {
		mmio_exit(v, "", 0);
		memcpy(ram_ptr(&vm.machine.ram, 0x100020, 2), "\xf3\x6e", 2); /* rep outsb */
		v->run->exit_reason = VCPU_EXIT_IO;
		memset(&v->run->io, 0, sizeof(v->run->io));
		v->run->io.string = 1;
		v->run->regs.gpr[GPR_RDX] = 0x3f8;
		v->run->regs.gpr[GPR_RSI] = 0x100000;
		v->run->regs.gpr[GPR_RCX] = 4;
		return 0;
	}
	assert_int_equal(v->run->regs.rip, 0x100022);
	assert_int_equal(vm.consoles[0].head, 4);
	fake_vm_out(v, 0xf4, 1, 0);
	return 0;
}

static int cannot_emulate(unsigned number, struct fake_vcpu *v)
{
	(void)number;
	mmio_exit(v, "\x0f\xae\x05\x00\x00\x00\xe0", 7);
	return 0;
}

static void emulation(void **state)
{
	(void)state;
	run(read_ecam);
	expect_end(MACHINE_STOP, 0, "debug-exit");
	run(fault_in_emulation);
	expect_end(MACHINE_STOP, 0, "debug-exit");
	run(string_io);
	expect_end(MACHINE_STOP, 0, "debug-exit");
	run(cannot_emulate);
	expect_end(MACHINE_FAIL, 0,
		   "vCPU 0: instruction not emulated: 0f ae 05 00 00 00 e0 at 0x100020");
}

static int never(unsigned number, struct fake_vcpu *v)
{
	(void)number, (void)v;
	abort();
}

static void refusals(void **state)
{
	(void)state;
	fake_vm.vm_create_error = -ENOMEM;
	run(never);
	expect_end(MACHINE_FAIL, 0, "/vms/test.conf: no VM: Cannot allocate memory");
	fake_vm.vm_create_error = 0;
	fake_vm.vm_map_error = -EINVAL;
	run(never);
	expect_end(MACHINE_FAIL, 0, "/vms/test.conf: memory at 0x0: Invalid argument");
	fake_vm.vm_map_error = 0;
	config.vcpus = 2;
	fake_vm.vm_sched_error = -EBUSY;
	run(never);
	expect_end(MACHINE_FAIL, 0,
		   "/vms/test.conf: cpus: dedicated: pool 0 has not 2 CPUs free by whole cores");
	fake_vm.vm_sched_error = -EINVAL;
	run(never);
	expect_end(MACHINE_FAIL, 0, "/vms/test.conf: cpus: pool 0 has none of these CPUs");
	fake_vm.vm_sched_error = 0;
	fake_vm.vcpu_create_error = -EEXIST;
	run(never);
	expect_end(MACHINE_FAIL, 0, "/vms/test.conf: vCPU 1: File exists");
	fake_vm.vcpu_create_error = 0;
	config.kernel = (char *)"/nonexistent";
	run(never);
	expect_end(MACHINE_FAIL, 0,
		   "/vms/test.conf: kernel: /nonexistent: No such file or directory");
	config.kernel = (char *)"/etc/passwd";
	run(never);
	expect_end(MACHINE_FAIL, 0,
		   "/vms/test.conf: kernel: neither bzImage nor ELF with a PVH note nor multiboot");
	config.kernel = (char *)"/etc";
	run(never);
	expect_end(MACHINE_FAIL, 0, "/vms/test.conf: kernel: /etc: Is a directory");
	config.kernel = (char *)KERNEL;
	config.nr_fw_files = 1;
	config.fw_files[0] = (struct vm_config_fw_file){ (char *)"opt/x", (char *)"/nonexistent" };
	run(never);
	expect_end(MACHINE_FAIL, 0,
		   "/vms/test.conf: file: /nonexistent: No such file or directory");
	assert_int_equal(running, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(ends_by_debug_exit), TEST(first_state),    TEST(halted_vcpus_are_collected),
		TEST(reset_runs_again),   TEST(reset_may_stop), TEST(ends_by_s5),
		TEST(ends_by_panic),      TEST(other_exits),    TEST(ports),
		TEST(emulation),          TEST(refusals),       TEST(pauses_and_resumes),
		TEST(console_resets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
