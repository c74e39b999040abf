// SPDX-License-Identifier: GPL-2.0-or-later
// The guest's arithmetic is done by the same instruction of the CPU that the VMM runs on, with the
// guest's arithmetic flags loaded before and taken after, so results and flags need no model.

#include "vmm/emu/parts.h"

typedef uint64_t (*alu_fn)(uint64_t a, uint64_t b, uint64_t *flags);

/* The stack pointer steps over the red zone. */
#define WITH_FLAGS(insn)             \
	"lea -128(%%rsp), %%rsp\n\t" \
	"push %[f]\n\t"              \
	"popfq\n\t" insn "\n\t"      \
	"pushfq\n\t"                 \
	"pop %[f]\n\t"               \
	"lea 128(%%rsp), %%rsp"

#define BINARY(name, insn, type)                                      \
	static uint64_t name(uint64_t a, uint64_t b, uint64_t *flags) \
	{                                                             \
		type r = (type)a;                                     \
		uint64_t f = *flags;                                  \
                                                                      \
		__asm__ volatile(WITH_FLAGS(insn " %[b], %[r]")       \
				 : [r] "+&q"(r), [f] "+&r"(f)         \
				 : [b] "q"((type)b)                   \
				 : "cc", "memory");                   \
		*flags = f;                                           \
		return r;                                             \
	}

#define UNARY(name, insn, type)                                       \
	static uint64_t name(uint64_t a, uint64_t b, uint64_t *flags) \
	{                                                             \
		type r = (type)a;                                     \
		uint64_t f = *flags;                                  \
                                                                      \
		(void)b;                                              \
		__asm__ volatile(WITH_FLAGS(insn " %[r]")             \
				 : [r] "+&q"(r), [f] "+&r"(f)         \
				 :                                    \
				 : "cc", "memory");                   \
		*flags = f;                                           \
		return r;                                             \
	}

#define SIZES(kind, name)                                                    \
	kind(name##1, #name "b", uint8_t) kind(name##2, #name "w", uint16_t) \
		kind(name##4, #name "l", uint32_t) kind(name##8, #name "q", uint64_t)

SIZES(BINARY, add)
SIZES(BINARY, or)
SIZES(BINARY, adc)
SIZES(BINARY, sbb)
SIZES(BINARY, and)
SIZES(BINARY, sub)
SIZES(BINARY, xor)
SIZES(UNARY, inc)
SIZES(UNARY, dec)
SIZES(UNARY, neg)

#define ROW(name)                                  \
	{                                          \
		name##1, name##2, name##4, name##8 \
	}

static const alu_fn functions[ALU_OPS][4] = {
	[ALU_ADD] = ROW(add), [ALU_OR] = ROW(or),   [ALU_ADC] = ROW(adc), [ALU_SBB] = ROW(sbb),
	[ALU_AND] = ROW(and), [ALU_SUB] = ROW(sub), [ALU_XOR] = ROW(xor), [ALU_INC] = ROW(inc),
	[ALU_DEC] = ROW(dec), [ALU_NEG] = ROW(neg),
};

uint64_t emu_alu(enum alu_op op, unsigned size, uint64_t a, uint64_t b, uint64_t *flags)
{
	uint64_t f = (*flags & ARITHMETIC) | 2, result;

	result = functions[op][__builtin_ctz(size)](a, b, &f);
	*flags = (*flags & ~ARITHMETIC) | (f & ARITHMETIC);
	return result;
}
