// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/vmm/emu/emu.c mgmt/vmm/emu/paging.c mgmt/vmm/emu/access.c mgmt/vmm/emu/decode.c
// TEST-WITH: mgmt/vmm/emu/alu.c mgmt/vmm/emu/string.c mgmt/vmm/emu/execute.c mgmt/vmm/ram.c
// TEST-WITH: mgmt/vmm/bus.c mgmt/vmm/lock.c mgmt/vmm/emu/capstone_x86.c
// TEST-LIBS: -lcapstone
// Any bytes as code, any registers, any control bits, any page tables: the emulator finishes,
// faults or refuses, and never leaves the guest's memory.

#include "vmm/emu/machine_test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	uint8_t mode, cpl, flags, tables;
	uint8_t code[16];
	uint32_t places[GPR_COUNT];
	uint64_t entries[8];
};

static struct test_guest guest;

static uint64_t pointer(uint32_t place)
{
	static const uint64_t bases[] = { TEST_DATA, TEST_DEVICE, 0, 1ull << 47, TEST_CODE };

	return bases[place % 5] + (place >> 3) % (3 * 4096 + 64) - 32;
}

static void set_mode(const struct input *in)
{
	struct emu *e = &guest.emu;

	if (in->mode & 1) {
		guest_long_mode(&guest);
		e->regs.rip = TEST_CODE + (in->mode & 2 ? 4090 : 0);
		for (unsigned n = 0; n < TEST_PAGES; n++) {
			if (in->tables & 1u << n)
				map_data(&guest, n, TEST_DEVICE + 4096 * n, 7);
		}
		if (in->tables & 0x80) { /* entries as they come */
			memcpy(guest_at(&guest, GPA_PT + 0x1000), in->entries, sizeof(in->entries));
			memcpy(guest_at(&guest, GPA_PD + 8), in->entries, 16);
		}
	} else {
		guest_flat(&guest, in->mode & 2 ? 0xc9b : 0x09b);
		e->regs.rip = GPA_CODE;
		e->sregs.cr0 = in->mode & 4 ? 0 : CR0_PE;
		if (in->mode & 8) {
			e->sregs.cr0 |= CR0_PE | CR0_PG;
			e->sregs.cr4 = in->entries[0] & (CR4_PAE | CR4_PSE | CR4_SMAP | CR4_SMEP);
			e->sregs.cr3 = in->entries[1];
			memcpy(guest_at(&guest, in->entries[1] % (TEST_RAM - 64)), in->entries, 64);
		}
		for (unsigned i = 0; i < SEG_GDTR; i++) {
			e->sregs.seg[i].base = in->mode & 16 ? pointer(in->places[i]) : 0;
			e->sregs.seg[i].limit = in->mode & 32 ? in->places[i] : 0xffffffff;
		}
	}
	e->cpl = in->cpl & 3;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct emu *e = &guest.emu;
	struct input in = { 0 };

	if (!guest.ram.host && guest_create(&guest))
		abort();
	memcpy(&in, data, size < sizeof(in) ? size : sizeof(in));
	memset(guest_at(&guest, 0), 0, 0x20000);
	set_mode(&in);
	e->regs.rflags = 2 | in.flags | (in.cpl & 0x80 ? RFLAGS_DF : 0);
	for (unsigned i = 0; i < GPR_COUNT; i++)
		e->regs.gpr[i] = pointer(in.places[i]);
	memcpy(guest_at(&guest, GPA_CODE + (in.mode & 1 && in.mode & 2 ? 4090 : 0)), in.code, 16);
	switch (emu_run(e, NULL, 0)) {
	case EMU_DONE:
		if (e->reason[0])
			abort();
		break;
	case EMU_FAULT:
		if (!e->fault.vector || e->reason[0])
			abort();
		break;
	case EMU_FAILED:
		if (!e->reason[0])
			abort();
		break;
	}
	return 0;
}
