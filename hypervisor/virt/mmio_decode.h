/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decodes the MOVs that guests use on the pages of the local APIC and the IO-APIC: MOV between
 * memory and register or immediate, MOVZX, MOVSX, MOVSXD. Everything else, string moves too, is
 * refused. Pure functions on values.
 *
 * The memory operand's address is not computed: the nested page fault names it.
 */
#pragma once

#include "lib/types.h"

enum mmio_mode {
	MMIO_MODE_16,
	MMIO_MODE_32,
	MMIO_MODE_64,
};

struct mmio_insn {
	uint8_t len;       /* bytes of the instruction */
	uint8_t size;      /* bytes of the memory access: 1, 2, 4, 8 */
	uint8_t dest_size; /* load: bytes of the register that are written; 4 clears the upper half
			    */
	uint8_t reg;       /* enum vcpu_gpr */
	bool high;         /* the register is AH, CH, DH, BH: bits 15:8 of reg */
	bool write;        /* to memory */
	bool immediate;    /* write: the value is imm */
	bool sign;         /* load: sign-extended from size to dest_size */
	uint64_t imm;
};

#define MMIO_INSN_MAX 15

/* 0; -EINVAL: not one of these; -ENODATA: it is longer than the n bytes given. */
int mmio_decode(const uint8_t *bytes, unsigned n, enum mmio_mode mode, struct mmio_insn *insn);

/* The value that a write stores, `size` bytes of it. gpr[GPR_COUNT], RSP too. */
uint64_t mmio_store_value(const struct mmio_insn *insn, const uint64_t *gpr);
/* Puts the value that was read into the register. */
void mmio_load_value(const struct mmio_insn *insn, uint64_t *gpr, uint64_t value);
