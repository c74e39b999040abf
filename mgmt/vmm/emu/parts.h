/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the emulator's files share: the processor's mode, faults, translation, memory operands,
 * decoding and arithmetic.
 *
 * Contract: functions that return bool return false when the instruction cannot go on; then a fault
 * (emu->fault) or a failure (emu->reason) is noted. No locks.
 */
#pragma once

#include <capstone/capstone.h>

#include "vmm/emu/emu.h"

#define CR0_PE     (1ull << 0)
#define CR0_WP     (1ull << 16)
#define CR0_PG     (1ull << 31)
#define CR4_PSE    (1ull << 4)
#define CR4_PAE    (1ull << 5)
#define CR4_LA57   (1ull << 12)
#define CR4_SMEP   (1ull << 20)
#define CR4_SMAP   (1ull << 21)
#define EFER_LMA   (1ull << 10)
#define EFER_NXE   (1ull << 11)
#define RFLAGS_CF  (1ull << 0)
#define RFLAGS_ZF  (1ull << 6)
#define RFLAGS_DF  (1ull << 10)
#define RFLAGS_RF  (1ull << 16)
#define RFLAGS_VM  (1ull << 17)
#define RFLAGS_AC  (1ull << 18)
#define ARITHMETIC 0x8d5ull /* OF SF ZF AF PF CF */

#define VECTOR_UD 6
#define VECTOR_SS 12
#define VECTOR_GP 13
#define VECTOR_PF 14

/* What an access is for; user or supervisor follows from the CPL. */
#define ACCESS_READ  0u
#define ACCESS_WRITE 1u
#define ACCESS_EXEC  2u

/* Code size in bytes: 2, 4 or 8. */
static inline unsigned emu_mode(const struct emu *e)
{
	uint16_t attr = e->sregs.seg[SEG_CS].attr;

	if (e->sregs.efer & EFER_LMA && attr & 1u << 9)
		return 8;
	return attr & 1u << 10 ? 4 : 2;
}

static inline uint64_t size_mask(unsigned bytes)
{
	return bytes == 8 ? UINT64_MAX : (1ull << (8 * bytes)) - 1;
}

/* Both return false. */
bool emu_raise(struct emu *e, uint8_t vector, uint32_t error);
bool emu_fail(struct emu *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The instruction is none that is emulated: names its bytes. */
bool emu_unknown(struct emu *e);

/* ---- paging.c: guest-linear to guest-physical; sets accessed and dirty bits ---- */
bool emu_translate(struct emu *e, uint64_t linear, unsigned access, uint64_t *gpa);

/* ---- access.c: memory operands ---- */
struct emu_piece {
	uint64_t gpa;
	uint8_t *host; /* NULL: a device's */
	unsigned len;
};
/* At most 8 bytes: two pages at most, each all memory or all not. */
struct emu_span {
	struct emu_piece piece[2];
	unsigned nr;
};
/* Checks and translates [offset, offset + len) of a segment. */
bool emu_open(struct emu *e, enum vcpu_seg seg, uint64_t offset, unsigned len, unsigned access,
	      struct emu_span *span);
uint64_t emu_load(const struct emu *e, const struct emu_span *span);
void emu_store(const struct emu *e, const struct emu_span *span, uint64_t value);

/* ---- decode.c ---- */
/* The instruction at rip, with details; its raw bytes stay in insn->bytes. NULL: noted. */
const cs_insn *emu_decode(struct emu *e, const uint8_t *bytes, unsigned len);
int emu_decoder_create(struct emu_decoder **out);
void emu_decoder_destroy(struct emu_decoder *d);

/* ---- alu.c: done by the same instruction of the CPU this runs on ---- */
enum alu_op {
	ALU_ADD,
	ALU_OR,
	ALU_ADC,
	ALU_SBB,
	ALU_AND,
	ALU_SUB,
	ALU_XOR,
	ALU_INC,
	ALU_DEC,
	ALU_NEG,
	ALU_OPS
};
/* The low `size` bytes of the result; the arithmetic bits of *flags change as the CPU's do. */
uint64_t emu_alu(enum alu_op op, unsigned size, uint64_t a, uint64_t b, uint64_t *flags);

/* ---- string.c: MOVS, CMPS, STOS, LODS, SCAS, INS, OUTS ---- */
bool emu_is_string(const cs_x86 *x);
/* *done: the instruction is finished, not only a part of its repetitions. */
bool emu_string(struct emu *e, const cs_x86 *x, bool *done);
