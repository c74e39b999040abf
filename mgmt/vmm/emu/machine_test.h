/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest for the emulator's tests: 1 MiB of memory with page tables, code, and a device of plain
 * bytes above it. Linear TEST_DATA is three pages: what backs them is chosen by the test.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "vmm/emu/parts.h"

#define TEST_RAM    (1u << 20)
#define TEST_DEVICE 0xd0000000ull /* guest-physical */
#define TEST_DATA   0x20000000ull /* linear */
#define TEST_CODE   0x400000ull   /* linear */
#define TEST_PAGES  3

#define GPA_PML4 0x1000
#define GPA_PDPT 0x2000
#define GPA_PD   0x3000 /* 0x4000: of TEST_DATA */
#define GPA_PT   0x5000 /* 0x6000: of TEST_DATA */
#define GPA_CODE 0x8000
#define GPA_DATA 0x10000

struct test_guest {
	struct emu emu;
	struct guest_ram ram;
	struct bus bus;
	struct mutex lock;
	uint8_t device[TEST_PAGES * 4096];
	unsigned reads, writes; /* of the device */
	uint64_t port_in, port_out;
	unsigned outs;
};

static uint64_t device_read_test(void *device, uint64_t offset, unsigned size)
{
	struct test_guest *g = device;
	uint64_t value = 0;

	g->reads++;
	memcpy(&value, g->device + offset, size);
	return value;
}

static void device_write_test(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	struct test_guest *g = device;

	g->writes++;
	memcpy(g->device + offset, &value, size);
}

static uint64_t port_read_test(void *device, uint64_t offset, unsigned size)
{
	struct test_guest *g = device;

	(void)offset, (void)size;
	return g->port_in++;
}

static void port_write_test(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	struct test_guest *g = device;

	(void)offset, (void)size;
	g->port_out = g->port_out << 8 | (value & 0xff);
	g->outs++;
}

static const struct bus_ops test_device_ops = {
	.name = "test", .max_size = 8, .read = device_read_test, .write = device_write_test
};
static const struct bus_ops test_port_ops = {
	.name = "port", .max_size = 4, .read = port_read_test, .write = port_write_test
};

static inline void *guest_at(struct test_guest *g, uint64_t gpa)
{
	return g->ram.host + gpa;
}

static inline void put_entry(struct test_guest *g, uint64_t table, unsigned index, uint64_t value)
{
	memcpy(guest_at(g, table + 8 * index), &value, 8);
}

/* Page n of TEST_DATA becomes `gpa` with `rights` (present, writable, user, NX). */
static inline void map_data(struct test_guest *g, unsigned n, uint64_t gpa, uint64_t rights)
{
	put_entry(g, GPA_PT + 0x1000, n, gpa | rights);
}

/* 64-bit mode, CPL 0, all of the above mapped. */
static inline void guest_long_mode(struct test_guest *g)
{
	struct emu *e = &g->emu;

	memset(&e->sregs, 0, sizeof(e->sregs));
	for (unsigned i = 0; i <= SEG_GS; i++)
		e->sregs.seg[i] = (struct vcpu_segment){ 0, 0xffffffff, (uint16_t)(8 * i), 0xc93 };
	e->sregs.seg[SEG_CS].attr = 0xa9b;
	e->sregs.seg[SEG_FS].base = 0x1000;
	e->sregs.cr0 = CR0_PE | CR0_PG | CR0_WP;
	e->sregs.cr3 = GPA_PML4;
	e->sregs.cr4 = CR4_PAE;
	e->sregs.efer = EFER_LMA | EFER_NXE;
	e->cpl = 0;
	put_entry(g, GPA_PML4, 0, GPA_PDPT | 7);
	put_entry(g, GPA_PDPT, 0, GPA_PD | 7);
	put_entry(g, GPA_PD, TEST_CODE >> 21, GPA_PT | 7);
	put_entry(g, GPA_PD, TEST_DATA >> 21, (GPA_PT + 0x1000) | 7);
	put_entry(g, GPA_PT, 0, GPA_CODE | 7);
	put_entry(g, GPA_PT, 1, (GPA_CODE + 4096) | 7);
	for (unsigned n = 0; n < TEST_PAGES; n++)
		map_data(g, n, GPA_DATA + 4096 * n, 7);
}

/* Flat 32-bit protected mode without paging; attr 0xc9b: 32-bit code, 0x09b: 16-bit. */
static inline void guest_flat(struct test_guest *g, uint16_t code_attr)
{
	struct emu *e = &g->emu;

	memset(&e->sregs, 0, sizeof(e->sregs));
	for (unsigned i = 0; i <= SEG_GS; i++)
		e->sregs.seg[i] = (struct vcpu_segment){ 0, 0xffffffff, (uint16_t)(8 * i), 0xc93 };
	e->sregs.seg[SEG_CS].attr = code_attr;
	e->sregs.cr0 = CR0_PE;
	e->cpl = 0;
}

static inline int guest_create(struct test_guest *g)
{
	memset(g, 0, sizeof(*g));
	mutex_init(&g->lock);
	ram_init(&g->ram, calloc(1, TEST_RAM), TEST_RAM);
	if (!g->ram.host ||
	    bus_claim(&g->bus, BUS_MEMORY, TEST_DEVICE, sizeof(g->device), &test_device_ops, g,
		      &g->lock) ||
	    bus_claim(&g->bus, BUS_PORT, 0x100, 8, &test_port_ops, g, &g->lock))
		return -1;
	return emu_init(&g->emu, &g->ram, &g->bus);
}

static inline void guest_destroy(struct test_guest *g)
{
	emu_destroy(&g->emu);
	free(g->ram.host);
}
