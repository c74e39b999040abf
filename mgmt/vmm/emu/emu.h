/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Emulation of one guest instruction that touches what no memory backs: moves, the simple
 * arithmetic that compilers use on memory operands, strings, INS and OUTS, in 16-, 32- and 64-bit
 * mode, with segments and the guest's paging.
 *
 * Contract: one struct emu belongs to one vCPU and is used by its thread alone. Guest memory may
 * change under it: every value is copied before it is looked at. All of an instruction's operands
 * are translated and checked before the first of them is read or written, so a fault leaves nothing
 * half done (a REP string instruction keeps what it has finished, as on a CPU). A read-modify-write
 * of device memory is not atomic. No locks but those of the devices.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "abi/strata.h"
#include "vmm/bus.h"
#include "vmm/ram.h"

#define EMU_REASON_MAX 96

enum emu_result {
	EMU_DONE,  /* regs are those after the instruction, or on the way through a REP */
	EMU_FAULT, /* raise `fault`; regs are as they are when it is raised; #PF: cr2 is set */
	EMU_FAILED /* `reason` says what cannot be emulated; regs are of no use */
};

struct emu_decoder;

struct emu {
	const struct guest_ram *ram;
	const struct bus *bus;
	struct emu_decoder *decoder;
	/* Ports that no device has claimed, for INS and OUTS: 0, or an error: nobody's. May be
	 * NULL. */
	int (*kernel_port)(int vcpu, struct vcpu_port *access);
	int vcpu; /* its argument */
	/* of the instruction */
	struct vcpu_regs regs;
	struct vcpu_sregs sregs; /* only cr2 is ever changed */
	unsigned cpl;
	struct vcpu_event fault;
	char reason[EMU_REASON_MAX];
	uint64_t next_rip;
	unsigned len;
	uint8_t bytes[16];
};

/* 0 or -ENOMEM. */
int emu_init(struct emu *emu, const struct guest_ram *ram, const struct bus *bus);
void emu_destroy(struct emu *emu);

/*
 * Emulate the instruction at regs.rip; regs, sregs and cpl are set by the caller. `bytes` (may be
 * NULL) are the first `len` bytes of the instruction where the hardware has told them.
 */
enum emu_result emu_run(struct emu *emu, const uint8_t *bytes, unsigned len);
