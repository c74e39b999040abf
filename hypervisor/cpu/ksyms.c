// SPDX-License-Identifier: GPL-2.0-or-later
// The table is made from the linked kernel (boot/ksyms.py) and linked in behind the read-only
// data: functions' offsets from the start of the text, sorted, then the offsets of their names.
#include "cpu/ksyms.h"

struct ksym {
	uint32_t text_off;
	uint32_t name_off;
};

extern const char text_start[], text_end[];
extern const uint32_t ksyms_count;
extern const struct ksym ksyms_table[];
extern const char ksyms_names[];

const char *ksym_lookup(virt_t addr, uint64_t *off)
{
	virt_t start = (virt_t)text_start;
	if (addr < start || addr >= (virt_t)text_end || ksyms_count == 0)
		return NULL;
	uint64_t text_off = addr - start;
	/* The last symbol that starts at or before the address. */
	uint32_t lo = 0, hi = ksyms_count;
	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (ksyms_table[mid].text_off <= text_off)
			lo = mid;
		else
			hi = mid;
	}
	if (ksyms_table[lo].text_off > text_off)
		return NULL;
	if (off)
		*off = text_off - ksyms_table[lo].text_off;
	return &ksyms_names[ksyms_table[lo].name_off];
}
