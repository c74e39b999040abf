// SPDX-License-Identifier: GPL-2.0-or-later
// Starts the image by its 64-bit entry, as kexec or a 64-bit loader does, anywhere in memory. QEMU
// gives us, as multiboot modules, the image (its command line is the kernel's) and the boot
// archive. Our own command line has load=0xADDRESS: the image goes there, and boot_params, the
// command line and the archive behind it, so that an address above 4 GiB tests all of them there.
// far=0xADDRESS puts 1 GiB of RAM there into the memory map, which the machine has not.
#include <stdint.h>

#define FAR_SIZE (1ull << 30)

struct multiboot {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4];
	uint32_t mmap_length, mmap_addr;
};
struct module {
	uint32_t start, end, string, reserved;
};
struct mmap_entry {
	uint32_t size;
	uint64_t addr, len;
	uint32_t type;
} __attribute__((packed));
struct e820_entry {
	uint64_t addr, size;
	uint32_t type;
} __attribute__((packed));

void loader_main(const struct multiboot *mb);
void jump_to_kernel(uint64_t entry, void *boot_params) __attribute__((noreturn));

static void copy(void *to, const void *from, uint64_t n)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

static void clear(void *to, uint64_t n)
{
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(0) : "memory");
}

static uint64_t align_up(uint64_t v)
{
	return (v + 4095) & ~4095ull;
}

static uint64_t length(const char *s)
{
	uint64_t n = 0;
	while (s[n])
		n++;
	return n;
}

static int starts_with(const char *s, const char *with)
{
	while (*with && *s == *with) {
		s++;
		with++;
	}
	return !*with;
}

/* The hexadecimal number behind `name`, which ends in "=0x"; 0: there is no such word. */
static uint64_t number(const char *s, const char *name)
{
	uint64_t v = 0;
	while (*s && !starts_with(s, name))
		s++;
	for (s += *s ? length(name) : 0; *s; s++) {
		if (*s >= '0' && *s <= '9')
			v = v * 16 + (uint64_t)(*s - '0');
		else if (*s >= 'a' && *s <= 'f')
			v = v * 16 + (uint64_t)(*s - 'a' + 10);
		else
			break;
	}
	return v;
}

static void put32(uint8_t *bp, unsigned int at, uint64_t v)
{
	*(uint32_t *)(bp + at) = (uint32_t)v;
}

static void put_memory_map(uint8_t *bp, const struct multiboot *mb, uint64_t far)
{
	struct e820_entry *out = (void *)(bp + 0x2d0);
	if (far) {
		*out++ = (struct e820_entry){ far, FAR_SIZE, 1 };
		bp[0x1e8]++;
	}
	uint64_t at = mb->mmap_addr, end = at + mb->mmap_length;
	while (at < end && bp[0x1e8] < 128) {
		const struct mmap_entry *e = (void *)at;
		*out++ = (struct e820_entry){ e->addr, e->len, e->type };
		bp[0x1e8]++;
		at += e->size + 4;
	}
}

/* QEMU puts the module's file name in front of its command line. */
static const char *behind_name(const char *s)
{
	while (*s && *s != ' ')
		s++;
	return *s ? s + 1 : s;
}

void loader_main(const struct multiboot *mb)
{
	const struct module *mods = (void *)(uint64_t)mb->mods_addr;
	const uint8_t *image = (void *)(uint64_t)mods[0].start;
	const char *words = (void *)(uint64_t)mb->cmdline;
	uint64_t load = number(words, "load=0x");
	uint64_t setup_size = (image[0x1f1] + 1ull) * 512;
	copy((void *)load, image + setup_size, mods[0].end - mods[0].start - setup_size);

	uint8_t *bp = (void *)align_up(load + *(const uint32_t *)(image + 0x260));
	clear(bp, 4096);
	copy(bp + 0x1f1, image + 0x1f1, 0x202 + image[0x201] - 0x1f1u);
	bp[0x210] = 0xff; /* type_of_loader: undefined */
	put_memory_map(bp, mb, number(words, "far=0x"));

	const char *cmdline = behind_name((void *)(uint64_t)mods[0].string);
	uint64_t at = (uint64_t)bp + 4096;
	copy((void *)at, cmdline, length(cmdline) + 1);
	put32(bp, 0x228, at);
	put32(bp, 0xc8, at >> 32);
	at = align_up(at + length(cmdline) + 1);
	if (mb->mods_count > 1) {
		uint64_t size = mods[1].end - mods[1].start;
		copy((void *)at, (void *)(uint64_t)mods[1].start, size);
		put32(bp, 0x218, at);
		put32(bp, 0xc0, at >> 32);
		put32(bp, 0x21c, size);
	}
	jump_to_kernel(load + 0x200, bp);
}
