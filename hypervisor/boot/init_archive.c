// SPDX-License-Identifier: GPL-2.0-or-later
// Runs before mem: a compressed boot archive is unpacked into the largest piece of free RAM that
// the early map reaches, and takes the loader's place in *info; mem then gets the rest, and the
// packed bytes.
#include "boot/early_map.h"
#include "boot/init.h"
#include "boot/mem_map.h"
#include "boot/unpack.h"
#include "cpu/log.h"
#include "mem/page.h"

#define FROM  MiB(1)
#define REACH GiB(8) /* the early map's spare tables allow a few GiB above the first four */

/* Smaller archives are unpacked in a moment. */
#define SHOW_FROM MiB(16)

struct gap {
	phys_t base;
	uint64_t size;
};

static void keep_larger(struct gap *best, phys_t from, phys_t to)
{
	from = ALIGN_UP(from, PAGE_SIZE);
	to = ALIGN_DOWN(to, PAGE_SIZE);
	if (to > from && to - from > best->size)
		*best = (struct gap){ from, to - from };
}

/* The largest part of [from, to) that neither the kernel nor the packed archive has. */
static void look_at(const struct boot_info *info, struct gap *best, phys_t from, phys_t to)
{
	const struct gap taken[] = { { info->image_base, info->image_size },
				     { info->initrd_base, info->initrd_size } };
	bool first = taken[0].base < taken[1].base;

	for (unsigned int i = 0; i < ARRAY_SIZE(taken); i++) {
		const struct gap *t = &taken[first ? i : 1 - i];

		if (t->base >= to || t->base + t->size <= from)
			continue;
		keep_larger(best, from, t->base);
		from = t->base + t->size;
	}
	keep_larger(best, from, to);
}

static struct gap find_gap(const struct boot_info *info)
{
	struct gap best = { 0, 0 };

	for (unsigned int i = 0; i < info->nr_mem; i++) {
		const struct boot_mem *m = &info->mem[i];
		phys_t from = MAX(m->base, FROM), to = MIN(m->base + m->size, REACH);

		if (m->type == BOOT_MEM_RAM && from < to)
			look_at(info, &best, from, to);
	}
	return best;
}

static void report(const struct boot_info *info, const struct unpack_result *r)
{
	if (r->what != NULL && r->size == 0)
		fatal("boot archive: at byte %llu: %s", (unsigned long long)r->at, r->what);
	if (r->what != NULL)
		log_error("boot archive: at byte %llu: %s", (unsigned long long)r->at, r->what);
	log_info("boot archive: unpacked %llu KiB to %llu KiB",
		 (unsigned long long)info->initrd_size / 1024, (unsigned long long)r->size / 1024);
}

/* What a person who waits for a large archive sees: each further tenth of it. */
struct tenths {
	size_t size, next;
};

static void show_tenth(void *arg, size_t done)
{
	struct tenths *t = arg;

	if (t->size < SHOW_FROM || done < t->next)
		return;
	log_info("boot archive: unpacking, %llu of %llu MiB", (unsigned long long)(done / MiB(1)),
		 (unsigned long long)(t->size / MiB(1)));
	t->next = done + t->size / 10;
}

void boot_unpack_archive(struct boot_info *info)
{
	const uint8_t *in = early_map(info->initrd_base, info->initrd_size);
	struct inflate_work *work;
	struct tenths tenths = { info->initrd_size, info->initrd_size / 10 };
	const struct progress progress = { .tell = show_tenth, .arg = &tenths };
	struct unpack_result r;
	struct gap gap;
	uint8_t *out;

	if (in == NULL || !unpack_needed(in, info->initrd_size))
		return;
	gap = find_gap(info);
	out = (uint8_t *)early_map(gap.base, gap.size);
	if (out == NULL || gap.size <= sizeof(*work) + PAGE_SIZE) {
		log_error("boot archive: no memory to unpack it");
		return;
	}
	log_info("boot archive: unpacking %llu KiB", (unsigned long long)info->initrd_size / 1024);
	work = (struct inflate_work *)out;
	out += ALIGN_UP(sizeof(*work), PAGE_SIZE);
	r = unpack(in, info->initrd_size, out, gap.size - ALIGN_UP(sizeof(*work), PAGE_SIZE), work,
		   &progress);
	report(info, &r);
	info->initrd_base = gap.base + ALIGN_UP(sizeof(*work), PAGE_SIZE);
	info->initrd_size = r.size;
}
