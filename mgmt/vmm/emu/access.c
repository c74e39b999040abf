// SPDX-License-Identifier: GPL-2.0-or-later
// A memory operand goes through its segment, then page by page through the guest's tables; memory
// and devices meet only at page borders. Device accesses are cut into naturally aligned pieces.

#include "vmm/emu/parts.h"

#include <string.h>

#define ATTR_TYPE_WRITE  (1u << 1) /* data: writable; code: readable */
#define ATTR_TYPE_EXPAND (1u << 2)
#define ATTR_TYPE_CODE   (1u << 3)
#define ATTR_PRESENT     (1u << 7)
#define ATTR_BIG         (1u << 10)

static bool segment_fault(struct emu *e, enum vcpu_seg seg)
{
	return emu_raise(e, seg == SEG_SS ? VECTOR_SS : VECTOR_GP, 0);
}

static bool canonical(const struct emu *e, uint64_t linear)
{
	unsigned unused = e->sregs.cr4 & CR4_LA57 ? 7 : 16;

	return (uint64_t)((int64_t)(linear << unused) >> unused) == linear;
}

static bool linear64(struct emu *e, enum vcpu_seg seg, uint64_t offset, unsigned len,
		     uint64_t *linear)
{
	*linear = offset;
	if (seg == SEG_FS || seg == SEG_GS)
		*linear += e->sregs.seg[seg].base;
	return (canonical(e, *linear) && canonical(e, *linear + len - 1)) || segment_fault(e, seg);
}

static bool within_limit(const struct vcpu_segment *s, uint64_t offset, unsigned len)
{
	uint64_t last = offset + len - 1;

	if ((s->attr & (ATTR_TYPE_CODE | ATTR_TYPE_EXPAND)) == ATTR_TYPE_EXPAND)
		return offset > s->limit && last <= (s->attr & ATTR_BIG ? UINT32_MAX : 0xffff);
	return last <= s->limit;
}

/* Rights of the segment; real mode and virtual-8086 mode have none. */
static bool segment_allows(const struct emu *e, const struct vcpu_segment *s, unsigned access)
{
	if (!(e->sregs.cr0 & CR0_PE) || e->regs.rflags & RFLAGS_VM)
		return true;
	if (!(s->attr & ATTR_PRESENT))
		return false;
	if (access & ACCESS_EXEC)
		return true;
	if (s->attr & ATTR_TYPE_CODE)
		return !(access & ACCESS_WRITE) && s->attr & ATTR_TYPE_WRITE;
	return !(access & ACCESS_WRITE) || s->attr & ATTR_TYPE_WRITE;
}

static bool to_linear(struct emu *e, enum vcpu_seg seg, uint64_t offset, unsigned len,
		      unsigned access, uint64_t *linear)
{
	const struct vcpu_segment *s = &e->sregs.seg[seg];

	if (emu_mode(e) == 8)
		return linear64(e, seg, offset, len, linear);
	if (!segment_allows(e, s, access) || !within_limit(s, offset, len))
		return segment_fault(e, seg);
	*linear = (uint32_t)(s->base + offset);
	return true;
}

bool emu_open(struct emu *e, enum vcpu_seg seg, uint64_t offset, unsigned len, unsigned access,
	      struct emu_span *span)
{
	uint64_t linear = 0;

	span->nr = 0;
	if (!to_linear(e, seg, offset, len, access, &linear))
		return false;
	while (len) {
		struct emu_piece *p = &span->piece[span->nr++];
		unsigned to_page_end = 4096 - (unsigned)(linear & 4095);

		p->len = len < to_page_end ? len : to_page_end;
		if (!emu_translate(e, linear, access, &p->gpa))
			return false;
		p->host = ram_ptr(e->ram, p->gpa, p->len);
		len -= p->len;
		linear += p->len;
		if (emu_mode(e) != 8)
			linear = (uint32_t)linear;
	}
	return true;
}

/* The widest naturally aligned access that begins at gpa and has at most `len` bytes. */
static unsigned step(uint64_t gpa, unsigned len)
{
	unsigned n = 8;

	while (n > len || gpa & (n - 1))
		n /= 2;
	return n;
}

static void device_read(const struct emu *e, uint64_t gpa, unsigned len, uint8_t *to)
{
	for (unsigned n; len; gpa += n, to += n, len -= n) {
		uint64_t value;

		n = step(gpa, len);
		value = bus_read(e->bus, BUS_MEMORY, gpa, n);
		memcpy(to, &value, n);
	}
}

static void device_write(const struct emu *e, uint64_t gpa, unsigned len, const uint8_t *from)
{
	for (unsigned n; len; gpa += n, from += n, len -= n) {
		uint64_t value = 0;

		n = step(gpa, len);
		memcpy(&value, from, n);
		bus_write(e->bus, BUS_MEMORY, gpa, n, value);
	}
}

/* Memory is accessed in one go where the CPU would: other vCPUs look on. */
static void memory_read(const uint8_t *from, unsigned len, uint8_t *to)
{
	uint64_t v8;
	uint32_t v4;
	uint16_t v2;

	switch ((uintptr_t)from & (len - 1) ? 0 : len) {
	case 8:
		v8 = __atomic_load_n((const uint64_t *)from, __ATOMIC_ACQUIRE);
		memcpy(to, &v8, 8);
		break;
	case 4:
		v4 = __atomic_load_n((const uint32_t *)from, __ATOMIC_ACQUIRE);
		memcpy(to, &v4, 4);
		break;
	case 2:
		v2 = __atomic_load_n((const uint16_t *)from, __ATOMIC_ACQUIRE);
		memcpy(to, &v2, 2);
		break;
	default: memcpy(to, from, len);
	}
}

static void memory_write(uint8_t *to, unsigned len, const uint8_t *from)
{
	uint64_t v8;
	uint32_t v4;
	uint16_t v2;

	switch ((uintptr_t)to & (len - 1) ? 0 : len) {
	case 8:
		memcpy(&v8, from, 8);
		__atomic_store_n((uint64_t *)to, v8, __ATOMIC_RELEASE);
		break;
	case 4:
		memcpy(&v4, from, 4);
		__atomic_store_n((uint32_t *)to, v4, __ATOMIC_RELEASE);
		break;
	case 2:
		memcpy(&v2, from, 2);
		__atomic_store_n((uint16_t *)to, v2, __ATOMIC_RELEASE);
		break;
	default: memcpy(to, from, len);
	}
}

uint64_t emu_load(const struct emu *e, const struct emu_span *span)
{
	uint8_t bytes[8] = { 0 }, *to = bytes;
	uint64_t value;

	for (unsigned i = 0; i < span->nr; i++) {
		const struct emu_piece *p = &span->piece[i];

		if (p->host)
			memory_read(p->host, p->len, to);
		else
			device_read(e, p->gpa, p->len, to);
		to += p->len;
	}
	memcpy(&value, bytes, sizeof(value));
	return value;
}

void emu_store(const struct emu *e, const struct emu_span *span, uint64_t value)
{
	uint8_t bytes[8], *from = bytes;

	memcpy(bytes, &value, sizeof(value));
	for (unsigned i = 0; i < span->nr; i++) {
		const struct emu_piece *p = &span->piece[i];

		if (p->host)
			memory_write(p->host, p->len, from);
		else
			device_write(e, p->gpa, p->len, from);
		from += p->len;
	}
}
