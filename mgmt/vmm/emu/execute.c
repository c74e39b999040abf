// SPDX-License-Identifier: GPL-2.0-or-later
// One row for each instruction: what it does to its operands. Operands are opened (decoded,
// checked, translated) before any is read, and written last.

#include "vmm/emu/execute.h"

#include "lib/types.h"

enum operand_kind {
	OPERAND_REGISTER,
	OPERAND_VALUE,
	OPERAND_MEMORY
};

struct operand {
	enum operand_kind kind;
	unsigned size;          /* bytes */
	enum vcpu_gpr reg;      /* OPERAND_REGISTER */
	unsigned shift;         /* 8 for AH, CH, DH, BH */
	uint64_t value;         /* OPERAND_VALUE */
	struct emu_span memory; /* OPERAND_MEMORY */
};

struct row {
	unsigned id; /* enum x86_insn */
	bool (*run)(struct emu *e, const cs_x86 *x, const struct row *row);
	unsigned op; /* for `run` */
};

/* Low byte, second byte, 2, 4 and 8 bytes of a register, as Capstone names them. */
#define LEGACY(low, high, two, four, eight, gpr)                                                   \
	{ X86_REG_##low, gpr, 1, 0 }, { X86_REG_##high, gpr, 1, 8 }, { X86_REG_##two, gpr, 2, 0 }, \
		{ X86_REG_##four, gpr, 4, 0 },                                                     \
	{                                                                                          \
		X86_REG_##eight, gpr, 8, 0                                                         \
	}
#define INDEX(low, two, four, eight, gpr)                                                          \
	{ X86_REG_##low, gpr, 1, 0 }, { X86_REG_##two, gpr, 2, 0 }, { X86_REG_##four, gpr, 4, 0 }, \
	{                                                                                          \
		X86_REG_##eight, gpr, 8, 0                                                         \
	}
#define NUMBERED(n) INDEX(R##n##B, R##n##W, R##n##D, R##n, GPR_R##n)

static const struct register_name {
	x86_reg id;
	uint8_t gpr, size, shift;
} registers[] = {
	LEGACY(AL, AH, AX, EAX, RAX, GPR_RAX),
	LEGACY(CL, CH, CX, ECX, RCX, GPR_RCX),
	LEGACY(DL, DH, DX, EDX, RDX, GPR_RDX),
	LEGACY(BL, BH, BX, EBX, RBX, GPR_RBX),
	INDEX(SPL, SP, ESP, RSP, GPR_RSP),
	INDEX(BPL, BP, EBP, RBP, GPR_RBP),
	INDEX(SIL, SI, ESI, RSI, GPR_RSI),
	INDEX(DIL, DI, EDI, RDI, GPR_RDI),
	NUMBERED(8),
	NUMBERED(9),
	NUMBERED(10),
	NUMBERED(11),
	NUMBERED(12),
	NUMBERED(13),
	NUMBERED(14),
	NUMBERED(15),
};

static const struct register_name *register_named(x86_reg id)
{
	for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
		if (registers[i].id == id)
			return &registers[i];
	}
	return NULL;
}

static int segment_named(x86_reg id)
{
	switch (id) {
	case X86_REG_ES: return SEG_ES;
	case X86_REG_CS: return SEG_CS;
	case X86_REG_SS: return SEG_SS;
	case X86_REG_DS: return SEG_DS;
	case X86_REG_FS: return SEG_FS;
	case X86_REG_GS: return SEG_GS;
	default: return -1;
	}
}

/* ---- operands ---- */

/* False when no instruction of ours has such an operand; *value: base or index, 0 when absent. */
static bool address_part(const struct emu *e, x86_reg id, uint64_t next, uint64_t *value)
{
	const struct register_name *r;

	*value = 0;
	if (id == X86_REG_INVALID || id == X86_REG_EIZ || id == X86_REG_RIZ)
		return true;
	if (id == X86_REG_RIP || id == X86_REG_EIP) {
		*value = next;
		return true;
	}
	r = register_named(id);
	if (!r)
		return false;
	*value = e->regs.gpr[r->gpr] & size_mask(r->size);
	return true;
}

static enum vcpu_seg segment_of(const x86_op_mem *mem)
{
	const struct register_name *base = register_named(mem->base);
	int named = segment_named(mem->segment);

	if (named >= 0)
		return (enum vcpu_seg)named;
	return base && (base->gpr == GPR_RBP || base->gpr == GPR_RSP) ? SEG_SS : SEG_DS;
}

/* `bit`: displacement in bytes of a bit string's element. */
static bool open_memory(struct emu *e, const cs_x86 *x, const x86_op_mem *mem, int64_t bit,
			unsigned access, struct operand *o)
{
	uint64_t base, index, offset;

	if (!address_part(e, mem->base, e->next_rip, &base) ||
	    !address_part(e, mem->index, 0, &index))
		return emu_unknown(e);
	offset = base + index * (uint64_t)mem->scale + (uint64_t)mem->disp + (uint64_t)bit;
	o->kind = OPERAND_MEMORY;
	return emu_open(e, segment_of(mem), offset & size_mask(x->addr_size), o->size, access,
			&o->memory);
}

static bool open_operand(struct emu *e, const cs_x86 *x, unsigned n, unsigned access,
			 struct operand *o)
{
	const cs_x86_op *op = &x->operands[n];
	const struct register_name *r;

	*o = (struct operand){ .size = op->size };
	if (n >= x->op_count || !op->size || op->size > 8 || op->size & (op->size - 1))
		return emu_unknown(e);
	switch (op->type) {
	case X86_OP_MEM: return open_memory(e, x, &op->mem, 0, access, o);
	case X86_OP_IMM:
		o->kind = OPERAND_VALUE;
		o->value = (uint64_t)op->imm;
		return true;
	case X86_OP_REG:
		r = register_named(op->reg);
		if (!r)
			return emu_unknown(e);
		o->kind = OPERAND_REGISTER;
		o->reg = (enum vcpu_gpr)r->gpr;
		o->size = r->size;
		o->shift = r->shift;
		return true;
	default: return emu_unknown(e);
	}
}

static uint64_t get(const struct emu *e, const struct operand *o)
{
	switch (o->kind) {
	case OPERAND_REGISTER: return e->regs.gpr[o->reg] >> o->shift & size_mask(o->size);
	case OPERAND_VALUE: return o->value; /* sign-extended: users cut it */
	default: return emu_load(e, &o->memory);
	}
}

static void put(struct emu *e, const struct operand *o, uint64_t value)
{
	uint64_t mask = size_mask(o->size), *reg = &e->regs.gpr[o->reg];

	if (o->kind == OPERAND_MEMORY)
		emu_store(e, &o->memory, value);
	else if (o->size == 4)
		*reg = value & mask;
	else
		*reg = (*reg & ~(mask << o->shift)) | (value & mask) << o->shift;
}

/* The usual two: the first is written (and read first, with `access` WRITE for both). */
static bool open_two(struct emu *e, const cs_x86 *x, unsigned access, struct operand *a,
		     struct operand *b)
{
	return open_operand(e, x, 0, access, a) && open_operand(e, x, 1, ACCESS_READ, b);
}

/* ---- instructions ---- */

static bool store_segment(struct emu *e, const cs_x86 *x, int seg)
{
	struct operand to;

	if (!open_operand(e, x, 0, ACCESS_WRITE, &to))
		return false;
	/* Memory takes the selector alone, whatever the operand size is. */
	if (to.kind != OPERAND_MEMORY || to.size != 2)
		return emu_unknown(e);
	put(e, &to, e->sregs.seg[seg].selector);
	return true;
}

static bool mov(struct emu *e, const cs_x86 *x, const struct row *row)
{
	struct operand to, from;

	(void)row;
	if (x->op_count == 2 && x->operands[1].type == X86_OP_REG &&
	    segment_named(x->operands[1].reg) >= 0)
		return store_segment(e, x, segment_named(x->operands[1].reg));
	if (!open_two(e, x, ACCESS_WRITE, &to, &from))
		return false;
	if (from.kind != OPERAND_VALUE && from.size != to.size)
		return emu_unknown(e);
	put(e, &to, get(e, &from));
	return true;
}

static bool mov_extend(struct emu *e, const cs_x86 *x, const struct row *row)
{
	struct operand to, from;
	unsigned unused;
	uint64_t value;

	if (!open_two(e, x, ACCESS_WRITE, &to, &from))
		return false;
	value = get(e, &from);
	unused = 64 - 8 * from.size;
	if (row->op)
		value = (uint64_t)((int64_t)(value << unused) >> unused);
	put(e, &to, value);
	return true;
}

static bool swap_bytes(struct emu *e, const cs_x86 *x, const struct row *row)
{
	struct operand to, from;

	(void)row;
	if (!open_two(e, x, ACCESS_WRITE, &to, &from))
		return false;
	put(e, &to, __builtin_bswap64(get(e, &from)) >> (64 - 8 * to.size));
	return true;
}

/* ADD and the like. */
static bool binary(struct emu *e, const cs_x86 *x, const struct row *row)
{
	struct operand a, b;
	uint64_t result;

	if (!open_two(e, x, ACCESS_WRITE, &a, &b))
		return false;
	result = emu_alu((enum alu_op)row->op, a.size, get(e, &a), get(e, &b), &e->regs.rflags);
	put(e, &a, result);
	return true;
}

/* CMP and TEST. */
static bool compare(struct emu *e, const cs_x86 *x, const struct row *row)
{
	struct operand a, b;

	if (!open_two(e, x, ACCESS_READ, &a, &b))
		return false;
	emu_alu((enum alu_op)row->op, a.size, get(e, &a), get(e, &b), &e->regs.rflags);
	return true;
}

static bool unary(struct emu *e, const cs_x86 *x, const struct row *row)
{
	struct operand a;
	uint64_t result;

	if (!open_operand(e, x, 0, ACCESS_WRITE, &a))
		return false;
	result = emu_alu((enum alu_op)row->op, a.size, get(e, &a), 0, &e->regs.rflags);
	put(e, &a, result);
	return true;
}

static bool invert(struct emu *e, const cs_x86 *x, const struct row *row)
{
	struct operand a;

	(void)row;
	if (!open_operand(e, x, 0, ACCESS_WRITE, &a))
		return false;
	put(e, &a, ~get(e, &a));
	return true;
}

/* XCHG writes both operands; the order of the names does not matter. */
static bool exchange(struct emu *e, const cs_x86 *x, const struct row *row)
{
	struct operand a, b;
	uint64_t was_a, was_b;

	if (!open_operand(e, x, 0, ACCESS_WRITE, &a) || !open_operand(e, x, 1, ACCESS_WRITE, &b))
		return false;
	was_a = get(e, &a);
	was_b = get(e, &b);
	if (row->op) /* XADD */
		put(e, &b, was_a);
	put(e, &a, row->op ? emu_alu(ALU_ADD, a.size, was_a, was_b, &e->regs.rflags) : was_b);
	if (!row->op)
		put(e, &b, was_a);
	return true;
}

static bool compare_exchange(struct emu *e, const cs_x86 *x, const struct row *row)
{
	struct operand to, from, rax = { .kind = OPERAND_REGISTER, .reg = GPR_RAX };
	uint64_t was;

	(void)row;
	if (!open_two(e, x, ACCESS_WRITE, &to, &from))
		return false;
	rax.size = to.size;
	was = get(e, &to);
	emu_alu(ALU_SUB, to.size, get(e, &rax), was, &e->regs.rflags);
	if (e->regs.rflags & RFLAGS_ZF) {
		put(e, &to, get(e, &from));
	} else {
		put(e, &to, was);
		put(e, &rax, was);
	}
	return true;
}

enum bit_op {
	BIT_TEST,
	BIT_SET,
	BIT_RESET,
	BIT_COMPLEMENT
};

/* With a bit number in a register, memory is a string of bits that reaches beyond the operand. */
static bool open_bits(struct emu *e, const cs_x86 *x, unsigned access, struct operand *o,
		      uint64_t *bit)
{
	struct operand number;
	int64_t n;

	if (!open_operand(e, x, 1, ACCESS_READ, &number))
		return false;
	*bit = get(e, &number);
	if (x->operands[0].type != X86_OP_MEM || number.kind == OPERAND_VALUE)
		return open_operand(e, x, 0, access, o);
	*o = (struct operand){ .size = x->operands[0].size };
	if (o->size != number.size || o->size < 2)
		return emu_unknown(e);
	n = (int64_t)(*bit << (64 - 8 * o->size)) >> (64 - 8 * o->size);
	n = (n >> __builtin_ctz(8 * o->size)) * (int64_t)o->size;
	return open_memory(e, x, &x->operands[0].mem, n, access, o);
}

static bool bit_test(struct emu *e, const cs_x86 *x, const struct row *row)
{
	unsigned access = row->op == BIT_TEST ? ACCESS_READ : ACCESS_WRITE;
	uint64_t value, bit;
	struct operand o;

	if (!open_bits(e, x, access, &o, &bit))
		return false;
	bit = 1ull << (bit & (8 * o.size - 1));
	value = get(e, &o);
	e->regs.rflags &= ~RFLAGS_CF;
	e->regs.rflags |= value & bit ? RFLAGS_CF : 0;
	switch (row->op) {
	case BIT_SET: put(e, &o, value | bit); break;
	case BIT_RESET: put(e, &o, value & ~bit); break;
	case BIT_COMPLEMENT: put(e, &o, value ^ bit); break;
	}
	return true;
}

static const struct row rows[] = {
	{ X86_INS_MOV, mov, 0 },
	{ X86_INS_MOVABS, mov, 0 },
	{ X86_INS_MOVNTI, mov, 0 },
	{ X86_INS_MOVZX, mov_extend, 0 },
	{ X86_INS_MOVSX, mov_extend, 1 },
	{ X86_INS_MOVSXD, mov_extend, 1 },
	{ X86_INS_MOVBE, swap_bytes, 0 },
	{ X86_INS_ADD, binary, ALU_ADD },
	{ X86_INS_OR, binary, ALU_OR },
	{ X86_INS_ADC, binary, ALU_ADC },
	{ X86_INS_SBB, binary, ALU_SBB },
	{ X86_INS_AND, binary, ALU_AND },
	{ X86_INS_SUB, binary, ALU_SUB },
	{ X86_INS_XOR, binary, ALU_XOR },
	{ X86_INS_CMP, compare, ALU_SUB },
	{ X86_INS_TEST, compare, ALU_AND },
	{ X86_INS_INC, unary, ALU_INC },
	{ X86_INS_DEC, unary, ALU_DEC },
	{ X86_INS_NEG, unary, ALU_NEG },
	{ X86_INS_NOT, invert, 0 },
	{ X86_INS_XCHG, exchange, 0 },
	{ X86_INS_XADD, exchange, 1 },
	{ X86_INS_CMPXCHG, compare_exchange, 0 },
	{ X86_INS_BT, bit_test, BIT_TEST },
	{ X86_INS_BTS, bit_test, BIT_SET },
	{ X86_INS_BTR, bit_test, BIT_RESET },
	{ X86_INS_BTC, bit_test, BIT_COMPLEMENT },
};

bool emu_execute(struct emu *e, const cs_insn *insn)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].id == insn->id)
			return rows[i].run(e, &insn->detail->x86, &rows[i]);
	}
	return emu_unknown(e);
}
