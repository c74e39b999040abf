// SPDX-License-Identifier: GPL-2.0-or-later
// String instructions, told apart by their opcode byte (Capstone's names collide with SSE's). Each
// repetition is a whole step of its own: a fault or a pause between two leaves registers that
// restart the instruction where it stopped.

#include "vmm/emu/parts.h"

/* After so many repetitions the guest is entered again, so that interrupts are not held up. */
#define REPEAT_MAX 1024

#define OP_INS  0x6c
#define OP_OUTS 0x6e
#define OP_MOVS 0xa4
#define OP_CMPS 0xa6
#define OP_STOS 0xaa
#define OP_LODS 0xac
#define OP_SCAS 0xae

#define PREFIX_REPNE 0xf2
#define PREFIX_REP   0xf3

struct string {
	unsigned op, size; /* opcode without its lowest bit; bytes of an element */
	uint64_t address_mask;
	enum vcpu_seg source;
	bool repeat;
};

bool emu_is_string(const cs_x86 *x)
{
	unsigned op = x->opcode[0] & 0xfe;

	/* A second opcode byte means another table. */
	if (x->opcode[1] || x->modrm)
		return false;
	return op == OP_INS || op == OP_OUTS || op == OP_MOVS || op == OP_CMPS || op == OP_STOS ||
	       op == OP_LODS || op == OP_SCAS;
}

static unsigned element_size(const struct emu *e, const cs_x86 *x)
{
	unsigned op = x->opcode[0] & 0xfe;
	bool io = op == OP_INS || op == OP_OUTS;

	if (!(x->opcode[0] & 1))
		return 1;
	if (x->rex & 8 && !io)
		return 8;
	return (emu_mode(e) == 2) != (x->prefix[2] == 0x66) ? 2 : 4;
}

static enum vcpu_seg source_segment(const cs_x86 *x)
{
	switch (x->prefix[1]) {
	case 0x26: return SEG_ES;
	case 0x2e: return SEG_CS;
	case 0x36: return SEG_SS;
	case 0x64: return SEG_FS;
	case 0x65: return SEG_GS;
	default: return SEG_DS;
	}
}

/* A counter or index: 16-bit addressing keeps the upper bits, 32-bit clears them. */
static void set_index(struct emu *e, const struct string *s, enum vcpu_gpr reg, uint64_t value)
{
	uint64_t kept = s->address_mask == 0xffff ? e->regs.gpr[reg] & ~0xffffull : 0;

	e->regs.gpr[reg] = kept | (value & s->address_mask);
}

static void advance(struct emu *e, const struct string *s, enum vcpu_gpr reg)
{
	uint64_t by = e->regs.rflags & RFLAGS_DF ? -(uint64_t)s->size : s->size;

	set_index(e, s, reg, e->regs.gpr[reg] + by);
}

static bool open_source(struct emu *e, const struct string *s, struct emu_span *span)
{
	return emu_open(e, s->source, e->regs.gpr[GPR_RSI] & s->address_mask, s->size, ACCESS_READ,
			span);
}

static bool open_destination(struct emu *e, const struct string *s, unsigned access,
			     struct emu_span *span)
{
	return emu_open(e, SEG_ES, e->regs.gpr[GPR_RDI] & s->address_mask, s->size, access, span);
}

static void set_accumulator(struct emu *e, const struct string *s, uint64_t value)
{
	uint64_t *rax = &e->regs.gpr[GPR_RAX];

	*rax = s->size >= 4 ? value : (*rax & ~size_mask(s->size)) | value;
}

static bool movs(struct emu *e, const struct string *s)
{
	struct emu_span from, to;

	if (!open_source(e, s, &from) || !open_destination(e, s, ACCESS_WRITE, &to))
		return false;
	emu_store(e, &to, emu_load(e, &from));
	advance(e, s, GPR_RSI);
	advance(e, s, GPR_RDI);
	return true;
}

static bool cmps(struct emu *e, const struct string *s)
{
	struct emu_span a, b;

	if (!open_source(e, s, &a) || !open_destination(e, s, ACCESS_READ, &b))
		return false;
	emu_alu(ALU_SUB, s->size, emu_load(e, &a), emu_load(e, &b), &e->regs.rflags);
	advance(e, s, GPR_RSI);
	advance(e, s, GPR_RDI);
	return true;
}

static bool stos(struct emu *e, const struct string *s)
{
	struct emu_span to;

	if (!open_destination(e, s, ACCESS_WRITE, &to))
		return false;
	emu_store(e, &to, e->regs.gpr[GPR_RAX]);
	advance(e, s, GPR_RDI);
	return true;
}

static bool lods(struct emu *e, const struct string *s)
{
	struct emu_span from;

	if (!open_source(e, s, &from))
		return false;
	set_accumulator(e, s, emu_load(e, &from));
	advance(e, s, GPR_RSI);
	return true;
}

static bool scas(struct emu *e, const struct string *s)
{
	struct emu_span at;

	if (!open_destination(e, s, ACCESS_READ, &at))
		return false;
	emu_alu(ALU_SUB, s->size, e->regs.gpr[GPR_RAX], emu_load(e, &at), &e->regs.rflags);
	advance(e, s, GPR_RDI);
	return true;
}

/* What the kernel serves (PIC, doorbells) is on no bus of ours. */
static bool by_kernel(const struct emu *e, struct vcpu_port *access)
{
	return e->kernel_port && !bus_is_claimed(e->bus, BUS_PORT, access->port) &&
	       e->kernel_port(e->vcpu, access) == 0;
}

static uint64_t read_port(const struct emu *e, unsigned size)
{
	struct vcpu_port access = { .port = (uint16_t)e->regs.gpr[GPR_RDX], .size = (uint8_t)size };

	return by_kernel(e, &access) ? access.value : bus_read(e->bus, BUS_PORT, access.port, size);
}

static void write_port(const struct emu *e, unsigned size, uint64_t value)
{
	struct vcpu_port access = { .port = (uint16_t)e->regs.gpr[GPR_RDX],
				    .size = (uint8_t)size,
				    .write = 1,
				    .value = (uint32_t)value };

	if (!by_kernel(e, &access))
		bus_write(e->bus, BUS_PORT, access.port, size, value);
}

static bool ins(struct emu *e, const struct string *s)
{
	struct emu_span to;

	if (!open_destination(e, s, ACCESS_WRITE, &to))
		return false;
	emu_store(e, &to, read_port(e, s->size));
	advance(e, s, GPR_RDI);
	return true;
}

static bool outs(struct emu *e, const struct string *s)
{
	struct emu_span from;

	if (!open_source(e, s, &from))
		return false;
	write_port(e, s->size, emu_load(e, &from));
	advance(e, s, GPR_RSI);
	return true;
}

static bool one_step(struct emu *e, const struct string *s)
{
	switch (s->op) {
	case OP_INS: return ins(e, s);
	case OP_OUTS: return outs(e, s);
	case OP_MOVS: return movs(e, s);
	case OP_CMPS: return cmps(e, s);
	case OP_STOS: return stos(e, s);
	case OP_LODS: return lods(e, s);
	default: return scas(e, s);
	}
}

/* Whether a comparison ends the repetition. */
static bool compared_out(const struct emu *e, const cs_x86 *x, const struct string *s)
{
	bool zero = e->regs.rflags & RFLAGS_ZF;

	if (s->op != OP_CMPS && s->op != OP_SCAS)
		return false;
	return x->prefix[0] == PREFIX_REPNE ? zero : !zero;
}

bool emu_string(struct emu *e, const cs_x86 *x, bool *done)
{
	struct string s = {
		.op = x->opcode[0] & 0xfe,
		.size = element_size(e, x),
		.address_mask = size_mask(x->addr_size),
		.source = source_segment(x),
		.repeat = x->prefix[0] == PREFIX_REP || x->prefix[0] == PREFIX_REPNE,
	};

	*done = true;
	if (!s.repeat)
		return one_step(e, &s);
	for (unsigned n = 0; n < REPEAT_MAX; n++) {
		uint64_t count = e->regs.gpr[GPR_RCX] & s.address_mask;

		if (count == 0)
			return true;
		if (!one_step(e, &s))
			return false;
		set_index(e, &s, GPR_RCX, count - 1);
		if (count == 1 || compared_out(e, x, &s))
			return true;
	}
	*done = false;
	return true;
}
