/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory as the VMM sees it: one memory object, mapped here in one piece and in the guest in
 * up to three (below the VGA hole, below 3 GiB, above 4 GiB).
 *
 * Contract: addresses are guest-physical bytes. A pointer from ram_ptr is good for as long as the
 * machine exists; the guest may change what it points at any time, so whoever checks a value copies
 * it first. No locks: the layout is immutable after ram_init.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAM_VGA_START  0xa0000ull
#define RAM_VGA_END    0xc0000ull
#define RAM_LOW_MAX    0xc0000000ull  /* 3 GiB: above lie PCI, ECAM, IO-APIC, LAPIC */
#define RAM_HIGH_START 0x100000000ull /* 4 GiB */

struct ram_piece {
	uint64_t gpa, size, offset; /* bytes; offset within the memory object */
};

struct guest_ram {
	uint8_t *host; /* the whole object */
	uint64_t size; /* bytes; the 128 KiB under the VGA hole count, though the guest has them not
			*/
	struct ram_piece pieces[3];
	unsigned nr_pieces;
};

/* Lay out `size` bytes (a multiple of 1 MiB, not 0) that are mapped at `host`. */
void ram_init(struct guest_ram *ram, void *host, uint64_t size);

/* Host address of [gpa, gpa + len), or NULL when not all of it is in one piece of RAM. */
void *ram_ptr(const struct guest_ram *ram, uint64_t gpa, uint64_t len);

/* Whether the byte at `gpa` is RAM. */
bool ram_is(const struct guest_ram *ram, uint64_t gpa);

/* Bytes of RAM from 1 MiB up to the end of low memory, and above 4 GiB. */
uint64_t ram_low_end(const struct guest_ram *ram);
uint64_t ram_high_size(const struct guest_ram *ram);
