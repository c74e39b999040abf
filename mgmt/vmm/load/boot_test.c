// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/vmm/load/boot.c mgmt/vmm/load/elf.c mgmt/vmm/load/pvh.c mgmt/vmm/load/bzimage.c
// TEST-WITH: mgmt/vmm/load/multiboot.c mgmt/vmm/ram.c
// Small kernels made here, one for each boot protocol, end up where their headers say, with what
// the protocol promises beside them; broken ones are refused with a sentence.

#include "vmm/load/boot.h"

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MEMORY (32ull << 20)

static uint8_t *memory;
static struct guest_ram ram;
static uint8_t file[16384];

static int make_memory(void **state)
{
	(void)state;
	memory = calloc(1, MEMORY);
	ram_init(&ram, memory, MEMORY);
	memset(file, 0, sizeof(file));
	return memory ? 0 : -1;
}

static int drop_memory(void **state)
{
	(void)state;
	free(memory);
	return 0;
}

static struct boot boot_of(size_t size)
{
	return (struct boot){ .ram = &ram,
			      .name = "/guests/k",
			      .cmdline = "a=1 b",
			      .kernel = { file, size },
			      .rsdp = 0xe0000 };
}

static uint32_t word(uint64_t gpa)
{
	uint32_t v;

	memcpy(&v, memory + gpa, 4);
	return v;
}

/* An ELF64 file: one segment at 2 MiB and the PVH note. */
static void make_pvh(uint32_t entry)
{
	struct {
		Elf64_Ehdr h;
		Elf64_Phdr p[2];
		Elf64_Nhdr n;
		char name[4];
		uint32_t desc;
	} k = { .n = { 4, 4, 18 }, .name = "Xen", .desc = entry };

	memcpy(k.h.e_ident, ELFMAG, SELFMAG);
	k.h.e_ident[EI_CLASS] = ELFCLASS64;
	k.h.e_ident[EI_DATA] = ELFDATA2LSB;
	k.h.e_machine = EM_X86_64;
	k.h.e_phoff = sizeof(k.h);
	k.h.e_phnum = 2;
	k.h.e_phentsize = sizeof(Elf64_Phdr);
	k.p[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
			       .p_offset = 4096,
			       .p_vaddr = 0xffffffff80200000,
			       .p_paddr = 0x200000,
			       .p_filesz = 100,
			       .p_memsz = 8192 };
	k.p[1] = (Elf64_Phdr){ .p_type = PT_NOTE,
			       .p_offset = offsetof(__typeof__(k), n),
			       .p_filesz = 20,
			       .p_memsz = 20 };
	memcpy(file, &k, sizeof(k));
	memset(file + 4096, 0x90, 100);
}

static void loads_pvh(void **state)
{
	static const uint8_t initrd[5000] = { 1, 2, 3 };
	struct boot b;
	uint32_t list;

	(void)state;
	make_pvh(0x200010);
	memset(memory + 0x200000, 0xff, 8192);
	b = boot_of(8192);
	b.nr_modules = 1;
	b.modules[0].image = (struct image){ initrd, sizeof(initrd) };
	assert_int_equal(boot_load(&b), 0);
	assert_int_equal(b.regs.rip, 0x200010);
	assert_int_equal(memory[0x200063], 0x90);
	assert_int_equal(memory[0x200064], 0);
	assert_int_equal(memory[0x201fff], 0);
	assert_int_equal(word(b.regs.gpr[GPR_RBX]), 0x336ec578);
	assert_int_equal(word(BOOT_INFO + 12), 1);
	assert_string_equal(memory + word(BOOT_INFO + 24), "a=1 b");
	assert_int_equal(word(BOOT_INFO + 32), 0xe0000);
	list = word(BOOT_INFO + 16);
	assert_memory_equal(memory + word(list), initrd, sizeof(initrd));
	assert_int_equal(word(list) % 4096, 0);
	assert_int_equal(word(list + 8), sizeof(initrd));
	assert_int_equal(b.sregs.cr0, 0x11);
	assert_int_equal(b.sregs.seg[SEG_CS].attr, 0xc9b);
}

static void refuses_bad_pvh(void **state)
{
	struct boot b;
	Elf64_Phdr *p = (Elf64_Phdr *)(file + sizeof(Elf64_Ehdr));

	(void)state;
	make_pvh(0x300000);
	b = boot_of(8192);
	assert_int_equal(boot_load(&b), -EINVAL);
	assert_non_null(strstr(b.error, "outside of the kernel"));
	make_pvh(0x200000);
	p->p_paddr = 0x1000;
	b = boot_of(8192);
	assert_int_equal(boot_load(&b), -EINVAL);
	assert_non_null(strstr(b.error, "not memory above 1 MiB"));
	p->p_paddr = MEMORY - 4096;
	b = boot_of(8192);
	assert_int_equal(boot_load(&b), -EINVAL);
	p->p_paddr = 0xffffffffffff0000;
	b = boot_of(8192);
	assert_int_equal(boot_load(&b), -EINVAL);
	make_pvh(0x200000);
	p->p_offset = 8192;
	b = boot_of(8192);
	assert_int_equal(boot_load(&b), -EINVAL);
}

static void put32(unsigned at, uint32_t v)
{
	memcpy(file + at, &v, 4);
}

/* Multiboot by addresses: the header at 64 of a file that loads at 1 MiB. */
static void make_multiboot(uint32_t flags, uint32_t load_end, uint32_t bss_end)
{
	const uint32_t header[8] = { 0x1badb002, flags,    -(0x1badb002u + flags),
				     0x100040,   0x100000, load_end,
				     bss_end,    0x100080 };

	memset(file, 0x90, sizeof(file));
	memcpy(file + 64, header, sizeof(header));
}

static void loads_multiboot(void **state)
{
	static const uint8_t module[3] = { 7, 8, 9 };
	struct boot b;
	uint32_t at, end, seen = 0;

	(void)state;
	make_multiboot(0x10003, 0x101000, 0x103000);
	memset(memory + 0x100000, 0xff, 0x4000);
	b = boot_of(sizeof(file));
	b.nr_modules = 1;
	b.modules[0] = (struct boot_module){ { module, 3 }, "m x" };
	assert_int_equal(boot_load(&b), 0);
	assert_int_equal(b.regs.rip, 0x100080);
	assert_int_equal(b.regs.gpr[GPR_RAX], 0x2badb002);
	assert_int_equal(b.regs.gpr[GPR_RBX], BOOT_INFO);
	assert_int_equal(memory[0x100fff], 0x90);
	assert_int_equal(memory[0x101000], 0);
	assert_int_equal(memory[0x102fff], 0);
	assert_int_equal(memory[0x103000], 0xff);
	assert_int_equal(word(BOOT_INFO), 0x24d);
	assert_int_equal(word(BOOT_INFO + 4), 639);
	assert_int_equal(word(BOOT_INFO + 8), (MEMORY >> 10) - 1024);
	assert_string_equal(memory + word(BOOT_INFO + 16), "/guests/k a=1 b");
	at = word(BOOT_INFO + 24);
	assert_memory_equal(memory + word(at), module, 3);
	assert_int_equal(word(at + 4) - word(at), 3);
	assert_string_equal(memory + word(at + 8), "m x");
	at = word(BOOT_INFO + 48);
	end = at + word(BOOT_INFO + 44);
	for (; at < end; at += word(at) + 4) {
		if (word(at + 20) == 1)
			seen += word(at + 12);
	}
	assert_int_equal(seen, BOOT_EBDA + MEMORY - BOOT_HIGH);
}

static void refuses_bad_multiboot(void **state)
{
	struct boot b = boot_of(sizeof(file));

	(void)state;
	make_multiboot(0x10008, 0, 0);
	assert_int_equal(boot_load(&b), -EINVAL);
	assert_non_null(strstr(b.error, "unknown multiboot requirements 0x8"));
	make_multiboot(0x10000, 0x200000, 0);
	assert_int_equal(boot_load(&b), -EINVAL);
	make_multiboot(0x10000, 0x50, 0);
	assert_int_equal(boot_load(&b), -EINVAL);
	make_multiboot(0, 0, 0);
	assert_int_equal(boot_load(&b), -EINVAL);
	assert_non_null(strstr(b.error, "must be an ELF file"));
	memset(file, 0, sizeof(file));
	assert_int_equal(boot_load(&b), -EINVAL);
	assert_non_null(strstr(b.error, "neither bzImage nor ELF"));
}

/* Protocol 2.15, relocatable, one setup sector more than the boot sector. */
static void make_bzimage(uint32_t init_size)
{
	memset(file, 0, sizeof(file));
	file[0x1f1] = 1;
	file[0x1fe] = 0x55;
	file[0x1ff] = 0xaa;
	file[0x201] = 0x6a;
	memcpy(file + 0x202, "HdrS", 4);
	put32(0x206, 0x20f);
	file[0x211] = 1;
	put32(0x214, 0x100000);
	put32(0x22c, 0x7fffffff);
	file[0x234] = 1;
	put32(0x238, 2047);
	put32(0x258, 0x1000000);
	put32(0x260, init_size);
	memset(file + 1024, 0xcc, sizeof(file) - 1024);
}

static void loads_bzimage(void **state)
{
	static const uint8_t initrd[4097] = { 5 };
	struct boot b;

	(void)state;
	make_bzimage(0x800000);
	b = boot_of(sizeof(file));
	b.nr_modules = 1;
	b.modules[0].image = (struct image){ initrd, sizeof(initrd) };
	assert_int_equal(boot_load(&b), 0);
	assert_int_equal(b.regs.rip, 0x100000);
	assert_int_equal(b.regs.gpr[GPR_RSI], BOOT_INFO);
	assert_int_equal(memory[0x100000], 0xcc);
	assert_memory_equal(memory + BOOT_INFO + 0x202, "HdrS", 4);
	assert_int_equal(memory[BOOT_INFO + 0x210], 0xff);
	assert_string_equal(memory + word(BOOT_INFO + 0x228), "a=1 b");
	assert_int_equal(word(BOOT_INFO + 0x070), 0xe0000);
	assert_int_equal(word(BOOT_INFO + 0x21c), sizeof(initrd));
	assert_memory_equal(memory + word(BOOT_INFO + 0x218), initrd, sizeof(initrd));
	assert_true(word(BOOT_INFO + 0x218) >= 0x1800000);
	assert_true(memory[BOOT_INFO + 0x1e8] >= 4);
}

static void refuses_bad_bzimage(void **state)
{
	struct boot b = boot_of(sizeof(file));

	(void)state;
	make_bzimage(MEMORY);
	assert_int_equal(boot_load(&b), -EINVAL);
	assert_non_null(strstr(b.error, "memory is too small"));
	make_bzimage(0x800000);
	file[0x1f1] = 200;
	assert_int_equal(boot_load(&b), -EINVAL);
	make_bzimage(0x800000);
	put32(0x206, 0x200);
	assert_int_equal(boot_load(&b), -EINVAL);
	make_bzimage(0x800000);
	put32(0x238, 3);
	assert_int_equal(boot_load(&b), -EINVAL);
	assert_non_null(strstr(b.error, "at most 3 characters"));
}

int main(void)
{
#define MEMORY_TEST(f) cmocka_unit_test_setup_teardown(f, make_memory, drop_memory)
	static const struct CMUnitTest tests[] = {
		MEMORY_TEST(loads_pvh),       MEMORY_TEST(refuses_bad_pvh),
		MEMORY_TEST(loads_multiboot), MEMORY_TEST(refuses_bad_multiboot),
		MEMORY_TEST(loads_bzimage),   MEMORY_TEST(refuses_bad_bzimage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
