// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The MOV decoder. A cursor hands out bytes and remembers running out of them, so that the parts
 * need no checks of their own (APM 3, "Instruction Encoding").
 */
#include "virt/mmio_decode.h"

#include "abi/strata.h"
#include "lib/bits.h"
#include "lib/errno.h"

#define REX_W 8
#define REX_R 4

struct cursor {
	const uint8_t *bytes;
	unsigned n, at;
	bool short_of; /* a byte was wanted that is not there */
};

struct decode {
	struct cursor c;
	enum mmio_mode mode;
	bool opsize, adsize;
	uint8_t rex;
	struct mmio_insn *insn;
};

static uint8_t next(struct cursor *c)
{
	if (c->at >= c->n) {
		c->short_of = true;
		return 0;
	}
	return c->bytes[c->at++];
}

static uint64_t next_le(struct cursor *c, unsigned len)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < len; i++)
		value |= (uint64_t)next(c) << i * 8;
	return value;
}

/* Prefixes; the opcode's first byte. LOCK and REP are for no MOV and end up as unknown opcodes. */
static uint8_t prefixes(struct decode *d)
{
	for (;;) {
		uint8_t b = next(&d->c);

		switch (b) {
		case 0x66: d->opsize = true; break;
		case 0x67: d->adsize = true; break;
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0x64:
		case 0x65: break; /* the address is known already */
		default:
			if (d->mode != MMIO_MODE_64 || (b & 0xf0) != 0x40)
				return b;
			d->rex = b;
			return next(&d->c);
		}
	}
}

static uint8_t operand_size(const struct decode *d)
{
	if (d->rex & REX_W)
		return 8;
	return (d->mode == MMIO_MODE_16) == d->opsize ? 4 : 2;
}

static uint8_t address_size(const struct decode *d)
{
	if (d->mode == MMIO_MODE_64)
		return d->adsize ? 4 : 8;
	return (d->mode == MMIO_MODE_16) == d->adsize ? 4 : 2;
}

/* Skips SIB and displacement of a memory operand; false: it is a register. */
static bool skip_memory(struct decode *d, uint8_t modrm)
{
	unsigned mod = modrm >> 6, rm = modrm & 7;
	bool wide = address_size(d) != 2;

	if (mod == 3)
		return false;
	if (wide && rm == 4) {
		uint8_t sib = next(&d->c);

		if (mod == 0 && (sib & 7) == 5)
			next_le(&d->c, 4);
	}
	if (mod == 1)
		next(&d->c);
	else if (mod == 2)
		next_le(&d->c, wide ? 4 : 2);
	else if (mod == 0 && rm == (wide ? 5 : 6))
		next_le(&d->c, wide ? 4 : 2);
	return true;
}

/* Register number n as operand of `size` bytes: without REX, 4..7 of a byte are AH..BH. */
static void set_register(struct decode *d, unsigned n, unsigned size)
{
	d->insn->high = size == 1 && !d->rex && n >= 4;
	d->insn->reg = (uint8_t)(d->insn->high ? n - 4 : n);
}

static int memory_and_register(struct decode *d, uint8_t size, uint8_t dest_size, bool write)
{
	uint8_t modrm = next(&d->c);

	d->insn->size = size;
	d->insn->dest_size = dest_size;
	d->insn->write = write;
	set_register(d, (modrm >> 3 & 7) | (d->rex & REX_R ? 8 : 0), dest_size);
	return skip_memory(d, modrm) ? 0 : -EINVAL;
}

static int memory_and_immediate(struct decode *d, uint8_t size)
{
	uint8_t modrm = next(&d->c);
	uint64_t imm;

	d->insn->size = size;
	d->insn->dest_size = size;
	d->insn->write = true;
	d->insn->immediate = true;
	if ((modrm >> 3 & 7) || !skip_memory(d, modrm))
		return -EINVAL;
	imm = next_le(&d->c, MIN(size, 4));
	d->insn->imm = size == 8 ? (uint64_t)(int64_t)(int32_t)imm : imm;
	return 0;
}

/* A0..A3: accumulator and an address in the instruction. */
static int memory_offset(struct decode *d, uint8_t size, bool write)
{
	d->insn->size = size;
	d->insn->dest_size = size;
	d->insn->write = write;
	d->insn->reg = GPR_RAX;
	next_le(&d->c, address_size(d));
	return 0;
}

static int two_byte(struct decode *d)
{
	uint8_t op = next(&d->c), size = op & 1 ? 2 : 1;

	switch (op) {
	case 0xbe:
	case 0xbf: d->insn->sign = true; __attribute__((fallthrough));
	case 0xb6:
	case 0xb7: break;
	default: return -EINVAL;
	}
	return memory_and_register(d, size, operand_size(d), false);
}

static int movsxd(struct decode *d)
{
	uint8_t dest = operand_size(d);

	if (d->mode != MMIO_MODE_64)
		return -EINVAL;
	d->insn->sign = true;
	return memory_and_register(d, MIN(dest, 4), dest, false);
}

static int one_byte(struct decode *d, uint8_t op)
{
	uint8_t size = op & 1 ? operand_size(d) : 1;

	switch (op) {
	case 0x88:
	case 0x89: return memory_and_register(d, size, size, true);
	case 0x8a:
	case 0x8b: return memory_and_register(d, size, size, false);
	case 0xa0:
	case 0xa1: return memory_offset(d, size, false);
	case 0xa2:
	case 0xa3: return memory_offset(d, size, true);
	case 0xc6:
	case 0xc7: return memory_and_immediate(d, size);
	case 0x0f: return two_byte(d);
	case 0x63: return movsxd(d);
	default: return -EINVAL;
	}
}

int mmio_decode(const uint8_t *bytes, unsigned n, enum mmio_mode mode, struct mmio_insn *insn)
{
	struct decode d = { .mode = mode, .insn = insn };
	int err;

	d.c.bytes = bytes;
	d.c.n = MIN(n, (unsigned)MMIO_INSN_MAX);
	*insn = (struct mmio_insn){ 0 };
	err = one_byte(&d, prefixes(&d));
	if (d.c.short_of)
		return n >= MMIO_INSN_MAX ? -EINVAL : -ENODATA;
	insn->len = (uint8_t)d.c.at;
	return err;
}

static uint64_t size_mask(unsigned size)
{
	return size >= 8 ? ~0ull : BIT(size * 8) - 1;
}

uint64_t mmio_store_value(const struct mmio_insn *insn, const uint64_t *gpr)
{
	uint64_t value = insn->immediate ? insn->imm : gpr[insn->reg & 15] >> (insn->high ? 8 : 0);

	return value & size_mask(insn->size);
}

static uint64_t sign_extend(uint64_t value, unsigned size)
{
	unsigned shift = 64 - size * 8;

	return (uint64_t)((int64_t)(value << shift) >> shift);
}

void mmio_load_value(const struct mmio_insn *insn, uint64_t *gpr, uint64_t value)
{
	uint64_t *reg = &gpr[insn->reg & 15];
	uint64_t mask = size_mask(insn->dest_size);
	unsigned shift = insn->high ? 8 : 0;

	value &= size_mask(insn->size);
	if (insn->sign)
		value = sign_extend(value, insn->size);
	if (insn->dest_size == 4) /* the upper half is cleared */
		*reg = (uint32_t)value;
	else
		*reg = (*reg & ~(mask << shift)) | (value & mask) << shift;
}
