// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/vmm/emu/emu.c mgmt/vmm/emu/paging.c mgmt/vmm/emu/access.c mgmt/vmm/emu/decode.c
// TEST-WITH: mgmt/vmm/emu/alu.c mgmt/vmm/emu/string.c mgmt/vmm/emu/execute.c mgmt/vmm/ram.c
// TEST-WITH: mgmt/vmm/bus.c mgmt/vmm/lock.c mgmt/vmm/emu/capstone_x86.c
// TEST-LIBS: -lcapstone
// What this CPU cannot be asked from a program: 16- and 32-bit code, segments, the kinds of paging,
// faults, repetitions that stop half way, ports, and instructions that are refused.

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "lib/types.h"
#include "vmm/emu/machine_test.h"

static struct test_guest guest;
static struct emu *const e = &guest.emu;

static int start(void **state)
{
	(void)state;
	return guest_create(&guest);
}

static int finish(void **state)
{
	(void)state;
	guest_destroy(&guest);
	return 0;
}

/* Registers are zero but rip; the code is at TEST_CODE (64-bit) or GPA_CODE (flat). */
static void code_at(uint64_t rip, const char *code, unsigned len)
{
	memset(&e->regs, 0, sizeof(e->regs));
	e->regs.rip = rip;
	e->regs.rflags = 2;
	memcpy(guest_at(&guest, GPA_CODE), code, len);
}
#define CODE64(text)                                        \
	do {                                                \
		guest_long_mode(&guest);                    \
		code_at(TEST_CODE, text, sizeof(text) - 1); \
	} while (0)
#define CODE_FLAT(attr, text)                              \
	do {                                               \
		guest_flat(&guest, attr);                  \
		code_at(GPA_CODE, text, sizeof(text) - 1); \
	} while (0)
#define CODE32 0xc9b
#define CODE16 0x09b

/* Bytes of guest memory as a number. */
static uint64_t memory(uint64_t gpa, unsigned size)
{
	uint64_t v = 0;

	memcpy(&v, guest_at(&guest, gpa), size);
	return v;
}

static uint32_t device_word(unsigned offset)
{
	uint32_t v;

	memcpy(&v, guest.device + offset, 4);
	return v;
}

static void set_device_word(unsigned offset, uint32_t v)
{
	memcpy(guest.device + offset, &v, 4);
}

static void expect_done(unsigned len)
{
	uint64_t rip = e->regs.rip;
	enum emu_result r = emu_run(e, NULL, 0);

	if (r != EMU_DONE)
		fail_msg("result %u: %s, vector %u error 0x%x cr2 0x%lx", r, e->reason,
			 e->fault.vector, e->fault.error, e->sregs.cr2);
	assert_int_equal(e->regs.rip, rip + len);
}

static void expect_fault(unsigned vector, uint32_t error, uint64_t cr2)
{
	uint64_t rip = e->regs.rip;

	assert_int_equal(emu_run(e, NULL, 0), EMU_FAULT);
	assert_int_equal(e->fault.vector, vector);
	assert_int_equal(e->fault.type, EVENT_EXCEPTION);
	assert_int_equal(e->fault.has_error, 1);
	assert_int_equal(e->fault.error, error);
	assert_int_equal(e->regs.rip, rip);
	if (vector == VECTOR_PF)
		assert_int_equal(e->sregs.cr2, cr2);
}

static void rip_relative(void **state)
{
	(void)state;
	CODE64("\x89\x05\x00\x01\x00\x00"); /* mov %eax, 0x100(%rip) */
	e->regs.gpr[GPR_RAX] = 0xa1b2c3d4;
	expect_done(6);
	assert_int_equal(memory(GPA_CODE + 6 + 0x100, 4), 0xa1b2c3d4);
}

static void segment_bases_64(void **state)
{
	(void)state;
	CODE64("\x64\x8b\x03"); /* mov %fs:(%rbx), %eax: FS counts */
	e->regs.gpr[GPR_RBX] = TEST_DATA;
	memset(guest_at(&guest, GPA_DATA + 0x1000), 0x5a, 4);
	expect_done(3);
	assert_int_equal(e->regs.gpr[GPR_RAX], 0x5a5a5a5a);
	CODE64("\x3e\x8b\x03"); /* DS does not */
	e->sregs.seg[SEG_DS].base = 0x1000;
	e->regs.gpr[GPR_RBX] = TEST_DATA + 0x1000;
	expect_done(3);
	assert_int_equal(e->regs.gpr[GPR_RAX], 0x5a5a5a5a);
	CODE64("\x64\xac"); /* lodsb %fs:(%rsi) */
	e->regs.gpr[GPR_RSI] = TEST_DATA;
	expect_done(2);
	assert_int_equal(e->regs.gpr[GPR_RAX], 0x5a);
}

static void protected_mode_32(void **state)
{
	(void)state;
	CODE_FLAT(CODE32, "\x89\x83\x10\x00\x00\xd0"); /* mov %eax, 0xd0000010(%ebx) */
	e->regs.gpr[GPR_RAX] = 0x11223344;
	expect_done(6);
	assert_int_equal(device_word(0x10), 0x11223344);
	CODE_FLAT(CODE32, "\x66\xa3\x20\x00\x00\xd0"); /* mov %ax, 0xd0000020 */
	e->regs.gpr[GPR_RAX] = 0xffff9988;
	set_device_word(0x20, 0);
	expect_done(6);
	assert_int_equal(device_word(0x20), 0x9988);
	CODE_FLAT(CODE32, "\x8b\x01"); /* mov (%ecx), %eax through a base that wraps at 4 GiB */
	e->sregs.seg[SEG_DS].base = 0xf0000000;
	e->regs.gpr[GPR_RCX] = 0xe0000010;
	expect_done(2);
	assert_int_equal(e->regs.gpr[GPR_RAX], 0x11223344);
	CODE_FLAT(CODE32, "\x67\xc6\x07\x33"); /* movb $0x33, (%bx) */
	e->regs.gpr[GPR_RBX] = 0xaaaa0123;
	expect_done(4);
	assert_int_equal(memory(0x123, 1), 0x33);
}

static void real_mode(void **state)
{
	(void)state;
	CODE_FLAT(CODE16, "\x89\x42\x10"); /* mov %ax, 0x10(%bp,%si): SS */
	e->sregs.cr0 = 0;
	e->sregs.seg[SEG_SS] = (struct vcpu_segment){ 0xd0000, 0xffff, 0xd000, 0x93 };
	e->regs.gpr[GPR_RBP] = 0x12340100;
	e->regs.gpr[GPR_RSI] = 0x0020;
	e->regs.gpr[GPR_RAX] = 0x7788;
	expect_done(3);
	assert_int_equal(memory(0xd0130, 2), 0x7788);
	CODE_FLAT(CODE16, "\x66\x67\xc7\x03\x04\x03\x02\x01"); /* movl $0x01020304, (%ebx) */
	e->regs.gpr[GPR_RBX] = TEST_DEVICE + 8;
	expect_done(8);
	assert_int_equal(device_word(8), 0x01020304);
	CODE_FLAT(CODE16, "\xf3\xa5"); /* rep movsw: 16-bit counters */
	e->regs.gpr[GPR_RCX] = 0x10002;
	e->regs.gpr[GPR_RSI] = 0x50001000;
	e->regs.gpr[GPR_RDI] = 0x60002000;
	memcpy(guest_at(&guest, 0x1000), "abcdef", 6);
	expect_done(2);
	assert_memory_equal(guest_at(&guest, 0x2000), "abcd\0\0", 6);
	assert_int_equal(e->regs.gpr[GPR_RCX], 0x10000);
	assert_int_equal(e->regs.gpr[GPR_RSI], 0x50001004);
	assert_int_equal(e->regs.gpr[GPR_RDI], 0x60002004);
}

static void limits(void **state)
{
	(void)state;
	CODE_FLAT(CODE16, "\x8b\x07"); /* mov (%bx), %ax */
	e->sregs.seg[SEG_DS].limit = 0xffff;
	e->regs.gpr[GPR_RBX] = 0xffff;
	expect_fault(VECTOR_GP, 0, 0);
	CODE_FLAT(CODE16, "\x8b\x46\x00"); /* mov 0(%bp), %ax: SS */
	e->sregs.seg[SEG_SS].limit = 0xfff;
	e->regs.gpr[GPR_RBP] = 0xfff;
	expect_fault(VECTOR_SS, 0, 0);
	CODE_FLAT(CODE32, "\x88\x03"); /* mov %al, (%ebx) into a read-only segment */
	e->sregs.seg[SEG_DS].attr = 0xc91;
	expect_fault(VECTOR_GP, 0, 0);
	CODE_FLAT(CODE32, "\x8a\x03"); /* expand-down: only above the limit */
	e->sregs.seg[SEG_DS] = (struct vcpu_segment){ 0, 0xfff, 8, 0xc97 };
	e->regs.gpr[GPR_RBX] = 0xfff;
	expect_fault(VECTOR_GP, 0, 0);
	e->regs.gpr[GPR_RBX] = 0x1000;
	expect_done(2);
	CODE64("\x88\x03"); /* a non-canonical address */
	e->regs.gpr[GPR_RBX] = 1ull << 47;
	expect_fault(VECTOR_GP, 0, 0);
}

static void page_faults(void **state)
{
	(void)state;
	CODE64("\x89\x03"); /* mov %eax, (%rbx) */
	map_data(&guest, 0, GPA_DATA, 0);
	e->regs.gpr[GPR_RBX] = TEST_DATA + 5;
	expect_fault(VECTOR_PF, 2, TEST_DATA + 5);
	map_data(&guest, 0, GPA_DATA, 5); /* read-only */
	expect_fault(VECTOR_PF, 3, TEST_DATA + 5);
	e->sregs.cr0 &= ~CR0_WP; /* for the supervisor, only with WP */
	expect_done(2);
	e->regs.rip = TEST_CODE;
	e->cpl = 3;
	expect_fault(VECTOR_PF, 7, TEST_DATA + 5);
	map_data(&guest, 0, GPA_DATA, 3); /* supervisor */
	expect_fault(VECTOR_PF, 7, TEST_DATA + 5);
	e->cpl = 0;
	map_data(&guest, 0, GPA_DATA, 7);
	e->sregs.cr4 |= CR4_SMAP;
	expect_fault(VECTOR_PF, 3, TEST_DATA + 5);
	e->regs.rflags |= RFLAGS_AC;
	expect_done(2);
	e->regs.rip = TEST_CODE;
	e->sregs.efer &= ~EFER_NXE;
	map_data(&guest, 0, GPA_DATA, 7 | 1ull << 63); /* NX is reserved now */
	expect_fault(VECTOR_PF, 11, TEST_DATA + 5);
}

/* The second page of an operand faults: nothing of the first is written. */
static void fault_on_second_page(void **state)
{
	(void)state;
	CODE64("\x48\x89\x03"); /* mov %rax, (%rbx) */
	map_data(&guest, 0, TEST_DEVICE, 7);
	map_data(&guest, 1, GPA_DATA, 0);
	e->regs.gpr[GPR_RBX] = TEST_DATA + 4096 - 3;
	e->regs.gpr[GPR_RAX] = UINT64_MAX;
	guest.writes = 0;
	expect_fault(VECTOR_PF, 2, TEST_DATA + 4096);
	assert_int_equal(guest.writes, 0);
	/* Nor is a device read that the result cannot be stored for. */
	CODE64("\xa4"); /* movsb */
	map_data(&guest, 0, TEST_DEVICE, 7);
	map_data(&guest, 1, GPA_DATA, 5);
	e->regs.gpr[GPR_RSI] = TEST_DATA;
	e->regs.gpr[GPR_RDI] = TEST_DATA + 4096;
	guest.reads = 0;
	expect_fault(VECTOR_PF, 3, TEST_DATA + 4096);
	assert_int_equal(guest.reads, 0);
}

static uint64_t data_entry(unsigned n)
{
	uint64_t v;

	memcpy(&v, guest_at(&guest, GPA_PT + 0x1000 + 8 * n), 8);
	return v;
}

static void accessed_and_dirty(void **state)
{
	(void)state;
	CODE64("\x8b\x03"); /* mov (%rbx), %eax */
	e->regs.gpr[GPR_RBX] = TEST_DATA;
	expect_done(2);
	assert_int_equal(data_entry(0) & 0x60, 0x20);
	CODE64("\x89\x03");
	e->regs.gpr[GPR_RBX] = TEST_DATA;
	expect_done(2);
	assert_int_equal(data_entry(0) & 0x60, 0x60);
}

static void put32(uint64_t gpa, uint32_t v)
{
	memcpy(guest_at(&guest, gpa), &v, 4);
}

/* Pages of 4 KiB and 4 MiB of 32-bit paging; a 4 MiB page beyond 4 GiB (PSE-36). */
static void paging_32(void **state)
{
	(void)state;
	CODE_FLAT(CODE32, "\x89\x03"); /* mov %eax, (%ebx) */
	e->sregs.cr0 |= CR0_PG;
	e->sregs.cr3 = 0x20000;
	e->sregs.cr4 = CR4_PSE;
	put32(0x20000, 0x21000 | 7); /* linear 0: code */
	put32(0x21000 + 4 * (GPA_CODE >> 12), GPA_CODE | 7);
	put32(0x20000 + 4, (0xd0000000 & ~0x3fffff) | 0x87); /* linear 4 MiB */
	e->regs.gpr[GPR_RBX] = 0x400040;
	e->regs.gpr[GPR_RAX] = 0xcafe;
	expect_done(2);
	assert_int_equal(device_word(0x40), 0xcafe);
	assert_int_equal(memory(0x20004, 4) & 0x60, 0x60);
	e->regs.rip = GPA_CODE;
	e->sregs.cr4 = 0; /* bit 7 means nothing now: a table where no memory is */
	assert_int_equal(emu_run(e, NULL, 0), EMU_FAILED);
	assert_string_equal(e->reason, "a page table at 0xd0000000, where no memory is");
	e->sregs.cr4 = CR4_PSE;
	put32(0x20004, 0x00200087); /* bit 21 is reserved */
	expect_fault(VECTOR_PF, 11, 0x400040);
	put32(0x20004, 0x00002087); /* bit 13: address bit 32 */
	expect_done(2);             /* nobody is there: the write is dropped */
}

static void paging_pae(void **state)
{
	(void)state;
	CODE_FLAT(CODE32, "\x89\x03");
	e->sregs.cr0 |= CR0_PG;
	e->sregs.cr4 = CR4_PAE;
	e->sregs.cr3 = 0x20020; /* the top table is 32 bytes long */
	put_entry(&guest, 0x20020, 0, 0x21000 | 1);
	put_entry(&guest, 0x21000, 0, 0x83 | 0);
	put_entry(&guest, 0x21000, 1, TEST_DEVICE | 0x83);
	e->regs.gpr[GPR_RBX] = 0x200050;
	e->regs.gpr[GPR_RAX] = 0xbeef;
	expect_done(2);
	assert_int_equal(device_word(0x50), 0xbeef);
	e->regs.rip = GPA_CODE;
	put_entry(&guest, 0x20020, 0, 0x21000 | 7); /* rights are reserved up there */
	expect_fault(VECTOR_PF, 9, GPA_CODE);
}

static void code_faults(void **state)
{
	(void)state;
	CODE64("\x89\x03");
	put_entry(&guest, GPA_PT, 0, GPA_CODE | 7 | 1ull << 63);
	expect_fault(VECTOR_PF, 0x11, TEST_CODE);
	put_entry(&guest, GPA_PT, 0, TEST_DEVICE | 7);
	assert_int_equal(emu_run(e, NULL, 0), EMU_FAILED);
	assert_string_equal(e->reason, "runs code at 0xd0000000, where no memory is");
	/* An instruction across two pages, the second of which is not there. */
	CODE64("");
	memcpy(guest_at(&guest, GPA_CODE + 4095), "\x89\x03", 2);
	e->regs.rip = TEST_CODE + 4095;
	e->regs.gpr[GPR_RBX] = TEST_DATA;
	expect_done(2);
	put_entry(&guest, GPA_PT, 1, 0);
	e->regs.rip = TEST_CODE + 4095;
	expect_fault(VECTOR_PF, 0x10, TEST_CODE + 4096);
}

/* The bytes that the hardware has told are taken; too few of them are not enough. */
static void bytes_from_hardware(void **state)
{
	(void)state;
	CODE64("\x90");
	e->regs.gpr[GPR_RBX] = TEST_DATA;
	assert_int_equal(emu_run(e, (const uint8_t *)"\xc6\x03\x77", 3), EMU_DONE);
	assert_int_equal(memory(GPA_DATA, 1), 0x77);
	CODE64("\xc6\x03\x78");
	e->regs.gpr[GPR_RBX] = TEST_DATA;
	assert_int_equal(emu_run(e, (const uint8_t *)"\xc6\x03", 2), EMU_DONE);
	assert_int_equal(memory(GPA_DATA, 1), 0x78);
}

/* What was decoded is used again for the same bytes at the same address in the same mode only. */
static void decoded_once(void **state)
{
	(void)state;
	for (uint64_t word = 1; word < 4; word++) {
		CODE64("\x89\x03"); /* mov %eax, (%rbx) */
		e->regs.gpr[GPR_RBX] = TEST_DATA + 8 * word;
		e->regs.gpr[GPR_RAX] = word;
		expect_done(2);
		assert_int_equal(memory(GPA_DATA + 8 * word, 4), word);
	}
	CODE64("\x89\x0b"); /* mov %ecx, (%rbx): written over the one before */
	e->regs.gpr[GPR_RBX] = TEST_DATA;
	e->regs.gpr[GPR_RCX] = 0x11223344;
	expect_done(2);
	assert_int_equal(memory(GPA_DATA, 4), 0x11223344);
	/* 0x67 0x89 0x0b at one place of what is kept: mov %ecx, (%ebx), (%bp,%di), and %cx,
	 * (%ebx). */
	CODE64("\x67\x89\x0b");
	e->regs.gpr[GPR_RBX] = 0xff00000000000000 + TEST_DATA;
	e->regs.gpr[GPR_RCX] = 0x55;
	expect_done(3);
	assert_int_equal(memory(GPA_DATA, 4), 0x55);
	CODE_FLAT(CODE32, "\x67\x89\x0b");
	e->regs.gpr[GPR_RBP] = 0x12340100;
	e->regs.gpr[GPR_RDI] = 0x20;
	e->regs.gpr[GPR_RCX] = 0x66778899;
	expect_done(3);
	assert_int_equal(memory(0x120, 4), 0x66778899);
	CODE_FLAT(CODE16, "\x67\x89\x0b");
	e->regs.gpr[GPR_RBX] = 0x140;
	e->regs.gpr[GPR_RCX] = 0xaabbccdd;
	expect_done(3);
	assert_int_equal(memory(0x140, 4), 0xccdd);
	/* What is kept is longer than what is there: the rest is fetched. */
	CODE64("\xc6\x03\x78");
	e->regs.gpr[GPR_RBX] = TEST_DATA;
	expect_done(3);
	e->regs.rip = TEST_CODE;
	memcpy(guest_at(&guest, GPA_CODE), "\xc6\x03\x79", 3);
	assert_int_equal(emu_run(e, (const uint8_t *)"\xc6\x03", 2), EMU_DONE);
	assert_int_equal(memory(GPA_DATA, 1), 0x79);
}

static void repeat_stops_at_fault(void **state)
{
	(void)state;
	CODE64("\xf3\x48\xab"); /* rep stosq */
	map_data(&guest, 1, GPA_DATA, 0);
	e->regs.gpr[GPR_RAX] = 0x0101010101010101;
	e->regs.gpr[GPR_RDI] = TEST_DATA + 4096 - 24;
	e->regs.gpr[GPR_RCX] = 10;
	expect_fault(VECTOR_PF, 2, TEST_DATA + 4096);
	assert_int_equal(e->regs.gpr[GPR_RCX], 7);
	assert_int_equal(e->regs.gpr[GPR_RDI], TEST_DATA + 4096);
}

static void repeat_pauses(void **state)
{
	(void)state;
	CODE64("\xf3\xaa"); /* rep stosb */
	map_data(&guest, 0, TEST_DEVICE, 7);
	e->regs.gpr[GPR_RDI] = TEST_DATA;
	e->regs.gpr[GPR_RCX] = 1500;
	expect_done(0);
	assert_int_equal(e->regs.gpr[GPR_RCX], 1500 - 1024);
	expect_done(2);
	assert_int_equal(e->regs.gpr[GPR_RCX], 0);
	assert_int_equal(e->regs.gpr[GPR_RDI], TEST_DATA + 1500);
}

static void ports(void **state)
{
	(void)state;
	CODE64("\xf3\x6c"); /* rep insb */
	e->regs.gpr[GPR_RDI] = TEST_DATA;
	e->regs.gpr[GPR_RCX] = 4;
	e->regs.gpr[GPR_RDX] = 0xabcd0100;
	guest.port_in = 'a';
	expect_done(2);
	assert_memory_equal(guest_at(&guest, GPA_DATA), "abcd", 4);
	CODE64("\xf3\x6e"); /* rep outsb */
	e->regs.gpr[GPR_RSI] = TEST_DATA;
	e->regs.gpr[GPR_RCX] = 4;
	e->regs.gpr[GPR_RDX] = 0x100;
	guest.outs = 0;
	expect_done(2);
	assert_int_equal(guest.outs, 4);
	assert_int_equal((uint32_t)guest.port_out, 0x61626364);
	CODE64("\x66\x6d"); /* insw */
	e->regs.gpr[GPR_RDI] = TEST_DATA;
	e->regs.gpr[GPR_RDX] = 0x100;
	guest.port_in = 0x1234;
	expect_done(2);
	assert_int_equal(memory(GPA_DATA, 2), 0x1234);
	/* A port is not read when the byte has nowhere to go. */
	CODE64("\x6c");
	map_data(&guest, 0, GPA_DATA, 5);
	e->regs.gpr[GPR_RDI] = TEST_DATA;
	e->regs.gpr[GPR_RDX] = 0x100;
	guest.port_in = 7;
	expect_fault(VECTOR_PF, 3, TEST_DATA);
	assert_int_equal(guest.port_in, 7);
}

static uint32_t kernel_register;
static int kernel_port(int vcpu, struct vcpu_port *access)
{
	assert_int_equal(vcpu, 5);
	if (access->port != 0x21 && access->port != 0x100)
		return -2;
	if (access->write)
		kernel_register = access->value;
	else
		access->value = kernel_register;
	return 0;
}

/* What no device has claimed is asked of the kernel; what it has not either reads ones. */
static void ports_of_the_kernel(void **state)
{
	(void)state;
	e->kernel_port = kernel_port;
	e->vcpu = 5;
	CODE64("\xf3\x6e"); /* rep outsb */
	memcpy(guest_at(&guest, GPA_DATA), "\xfe\xfb", 2);
	e->regs.gpr[GPR_RSI] = TEST_DATA;
	e->regs.gpr[GPR_RCX] = 2;
	e->regs.gpr[GPR_RDX] = 0x21;
	expect_done(2);
	assert_int_equal(kernel_register, 0xfb);
	CODE64("\x6d"); /* insl */
	e->regs.gpr[GPR_RDI] = TEST_DATA;
	e->regs.gpr[GPR_RDX] = 0x21;
	kernel_register = 0x12345678;
	expect_done(1);
	assert_int_equal(memory(GPA_DATA, 4), 0x12345678);
	CODE64("\x6c"); /* insb */
	e->regs.gpr[GPR_RDI] = TEST_DATA;
	e->regs.gpr[GPR_RDX] = 0x22;
	expect_done(1);
	assert_int_equal(memory(GPA_DATA, 1), 0xff);
	/* A device of ours comes first. */
	CODE64("\x6c");
	e->regs.gpr[GPR_RDI] = TEST_DATA;
	e->regs.gpr[GPR_RDX] = 0x100;
	guest.port_in = 'z';
	expect_done(1);
	assert_int_equal(memory(GPA_DATA, 1), 'z');
	e->kernel_port = NULL;
}

static void device_accesses_are_aligned(void **state)
{
	(void)state;
	CODE64("\x48\x8b\x03"); /* mov (%rbx), %rax */
	map_data(&guest, 0, TEST_DEVICE, 7);
	e->regs.gpr[GPR_RBX] = TEST_DATA + 8;
	guest.reads = 0;
	expect_done(3);
	assert_int_equal(guest.reads, 1);
	e->regs.rip = TEST_CODE;
	e->regs.gpr[GPR_RBX] = TEST_DATA + 1; /* 1 2 4 1 */
	guest.reads = 0;
	expect_done(3);
	assert_int_equal(guest.reads, 4);
}

static void resume_flag(void **state)
{
	(void)state;
	CODE64("\x89\x03");
	e->regs.gpr[GPR_RBX] = TEST_DATA;
	e->regs.rflags |= RFLAGS_RF;
	expect_done(2);
	assert_int_equal(e->regs.rflags & RFLAGS_RF, 0);
}

static void refused(void **state)
{
	static const struct {
		const char *code;
		unsigned len;
		const char *reason;
	} cases[] = {
		{ "\x0f\xae\x03", 3, "instruction not emulated: 0f ae 03 at 0x400000" },
		{ "\xf3\x0f\x6f\x03", 4, "instruction not emulated: f3 0f 6f 03 at 0x400000" },
		{ "\xf2\x0f\x10\x03", 4, "instruction not emulated: f2 0f 10 03 at 0x400000" },
		{ "\x8e\x1b", 2, "instruction not emulated: 8e 1b at 0x400000" },
		{ "\x0f\x22\xd8", 3, "instruction not emulated: 0f 22 d8 at 0x400000" },
		{ "\x06\x06\x06\x06\x06\x06\x06\x06\x06\x06\x06\x06\x06\x06\x06\x06", 16,
		  "instruction not emulated: 06 06 06 06 06 06 06 06 06 06 06 06 06 06 06 at "
		  "0x400000" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CODE64("");
		memcpy(guest_at(&guest, GPA_CODE), cases[i].code, cases[i].len);
		e->regs.gpr[GPR_RBX] = TEST_DATA;
		assert_int_equal(emu_run(e, NULL, 0), EMU_FAILED);
		assert_string_equal(e->reason, cases[i].reason);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rip_relative),
		cmocka_unit_test(segment_bases_64),
		cmocka_unit_test(protected_mode_32),
		cmocka_unit_test(real_mode),
		cmocka_unit_test(limits),
		cmocka_unit_test(page_faults),
		cmocka_unit_test(fault_on_second_page),
		cmocka_unit_test(accessed_and_dirty),
		cmocka_unit_test(paging_32),
		cmocka_unit_test(paging_pae),
		cmocka_unit_test(code_faults),
		cmocka_unit_test(bytes_from_hardware),
		cmocka_unit_test(decoded_once),
		cmocka_unit_test(repeat_stops_at_fault),
		cmocka_unit_test(repeat_pauses),
		cmocka_unit_test(ports),
		cmocka_unit_test(device_accesses_are_aligned),
		cmocka_unit_test(ports_of_the_kernel),
		cmocka_unit_test(resume_flag),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, start, finish);
}
