// SPDX-License-Identifier: GPL-2.0-or-later
// String input and output, REP and not, all sizes, both directions, across pages, with a fault in
// the middle, from a device in the VMM (fw_cfg, RTC) and one in the kernel (PIC); string
// instructions that touch device memory.

#include "tests/guests/rt/rt.h"

const char guest_name[] = "string";

#define FW_SELECTOR 0x510
#define FW_DATA     0x511
#define ITEM_ID     0x00 /* "QEMU" */
#define ITEM_DIR    0x19

static uint8_t buffer[3 * 4096] __aligned(4096);
extern uint64_t page_root[], page_pointers[], page_directories[];

static void insb(uint16_t port, void *to, uint64_t count)
{
	__asm__ volatile("rep insb" : "+D"(to), "+c"(count) : "d"(port) : "memory");
}

static void test_ins(void)
{
	uint64_t count = 4;
	uint8_t *to = buffer, by_port[64];

	memset(buffer, 0xaa, sizeof(buffer));
	outw(FW_SELECTOR, ITEM_ID);
	__asm__ volatile("rep insb" : "+D"(to), "+c"(count) : "d"(FW_DATA) : "memory");
	check(!memcmp(buffer, "QEMU\xaa", 5), "insb", "bytes %02x %02x %02x %02x %02x", buffer[0],
	      buffer[1], buffer[2], buffer[3], buffer[4]);
	CHECK_EQ("insb-rdi", to, buffer + 4);
	CHECK_EQ("insb-rcx", count, 0);

	/* A longer item across a page boundary, against single reads. */
	outw(FW_SELECTOR, ITEM_DIR);
	for (size_t i = 0; i < sizeof(by_port); i++)
		by_port[i] = inb(FW_DATA);
	outw(FW_SELECTOR, ITEM_DIR);
	insb(FW_DATA, buffer + 4096 - 30, sizeof(by_port));
	check(!memcmp(buffer + 4096 - 30, by_port, sizeof(by_port)), "insb-two-pages", "differs");

	/* Backwards. */
	to = buffer + 8192 + 3;
	count = 4;
	outw(FW_SELECTOR, ITEM_ID);
	__asm__ volatile("std; rep insb; cld" : "+D"(to), "+c"(count) : "d"(FW_DATA) : "memory");
	check(!memcmp(buffer + 8192, "UMEQ", 4), "insb-backwards", "%02x %02x %02x %02x",
	      buffer[8192], buffer[8193], buffer[8194], buffer[8195]);
	CHECK_EQ("insb-backwards-rdi", to, buffer + 8191);

	/* Without REP, and with a count of 0. */
	to = buffer;
	outw(FW_SELECTOR, ITEM_ID);
	__asm__ volatile("insb" : "+D"(to) : "d"(FW_DATA) : "memory");
	CHECK_EQ("insb-single", buffer[0], 'Q');
	count = 0;
	buffer[1] = 0x77;
	__asm__ volatile("rep insb" : "+D"(to), "+c"(count) : "d"(FW_DATA) : "memory");
	CHECK_EQ("insb-zero", buffer[1], 0x77);
	CHECK_EQ("insb-zero-rdi", to, buffer + 1);
}

static void test_wide(void)
{
	uint64_t count = 3;
	uint32_t *to = (uint32_t *)buffer;

	/* The signature as a 32-bit port. */
	__asm__ volatile("rep insl" : "+D"(to), "+c"(count) : "d"(0x514) : "memory");
	CHECK_EQ("insl", *(uint32_t *)buffer, 0x554d4551);
	CHECK_EQ("insl-last", ((uint32_t *)buffer)[2], 0x554d4551);
	CHECK_EQ("insl-rdi", to, buffer + 12);
}

/* The PIC is the kernel's: its mask register takes what OUTS writes and gives it to INS. */
static void test_kernel_port(void)
{
	static const uint8_t masks[] = { 0xfe, 0xfb, 0xff };
	const uint8_t *from = masks;
	uint64_t count = 2;

	__asm__ volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(0x21) : "memory");
	CHECK_EQ("outsb", inb(0x21), 0xfb);
	CHECK_EQ("outsb-rsi", from, masks + 2);
	insb(0x21, buffer, 5);
	check(!memcmp(buffer, "\xfb\xfb\xfb\xfb\xfb", 5), "insb-kernel", "%02x .. %02x", buffer[0],
	      buffer[4]);
	__asm__ volatile("outsb" : "+S"(from) : "d"(0x21) : "memory");
	CHECK_EQ("outsb-single", inb(0x21), 0xff);
}

/* COM1's scratch register is the VMM's. */
static void test_outs(void)
{
	static uint8_t bytes[300];
	const uint8_t *from = bytes;
	uint64_t count = sizeof(bytes);

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	__asm__ volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(0x3ff) : "memory");
	CHECK_EQ("outsb-vmm", inb(0x3ff), bytes[sizeof(bytes) - 1]);
	CHECK_EQ("outsb-vmm-rsi", from, bytes + sizeof(bytes));
	CHECK_EQ("outsb-vmm-rcx", count, 0);
}

/* The second page is not there: the fault reports how far it came, and the rest can be resumed. */
static uint8_t *ins_to;
static uint64_t ins_left;
static uint64_t table[512] __aligned(4096);

static void fill_in(struct frame *f)
{
	ins_to = (uint8_t *)f->rdi;
	ins_left = f->rcx;
	table[1] |= 1;
	invlpg((void *)f->rdi);
}

static void test_fault(void)
{
	uint8_t *va = (uint8_t *)0x40000000ull; /* 1 GiB: nothing else is there */
	uint64_t saved = page_directories[512];

	for (unsigned i = 0; i < 3; i++)
		table[i] = (uintptr_t)(buffer + i * 4096) | (i == 1 ? 2 : 3);
	page_directories[512] = (uintptr_t)table | 3;
	write_cr3(read_cr3());
	set_handler(EXC_PF, fill_in);
	memset(buffer, 0, sizeof(buffer));
	outw(FW_SELECTOR, ITEM_DIR);
	insb(FW_DATA, va + 4096 - 5, 64);
	set_handler(EXC_PF, NULL);
	CHECK_EQ("ins-fault-rdi", ins_to, va + 4096);
	CHECK_EQ("ins-fault-rcx", ins_left, 59);
	outw(FW_SELECTOR, ITEM_DIR);
	insb(FW_DATA, buffer + 8192, 64);
	check(!memcmp(buffer + 4096 - 5, buffer + 8192, 64), "ins-fault-resumed", "bytes differ");
	page_directories[512] = saved;
	write_cr3(read_cr3());
}

/* MOVS from the IO-APIC's window (device memory of the kernel): a small ROM-like copy. */
static void test_device_memory(void)
{
	uint32_t version = ioapic_read(1), copy = 0;
	const uint32_t *from = (const uint32_t *)0xfec00010ul;
	uint32_t *to = &copy;

	__asm__ volatile("movsl" : "+S"(from), "+D"(to)::"memory");
	CHECK_EQ("movs-from-device", copy, version);
}

void guest_main(void)
{
	test_ins();
	test_wide();
	if (option("kernel-ports", 0))
		test_kernel_port();
	test_outs();
	test_fault();
	if (option("movs", 0))
		test_device_memory();
}
