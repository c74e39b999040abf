// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/vmm/load/boot.c mgmt/vmm/load/elf.c mgmt/vmm/load/pvh.c mgmt/vmm/load/bzimage.c
// TEST-WITH: mgmt/vmm/load/multiboot.c mgmt/vmm/ram.c
// Any bytes as a guest's kernel: it loads, with its entry inside of what was loaded, or it is
// refused with a sentence.

#include "vmm/load/boot.h"

#include <stdlib.h>

#define MEMORY (4ull << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t *memory;
	static const uint8_t module[100];
	struct guest_ram ram;
	struct boot boot = { .ram = &ram,
			     .name = "/k",
			     .cmdline = "x",
			     .kernel = { data, size },
			     .modules = { { { module, sizeof(module) }, NULL } },
			     .nr_modules = 1,
			     .rsdp = 0xe0000 };

	if (!memory)
		memory = malloc(MEMORY);
	if (!memory)
		abort();
	ram_init(&ram, memory, MEMORY);
	if (boot_load(&boot)) {
		if (!boot.error[0])
			abort();
	} else if (boot.regs.rip < boot.kernel_start || boot.regs.rip >= boot.kernel_end) {
		abort();
	}
	return 0;
}
