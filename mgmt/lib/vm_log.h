/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a VM's serial port said: a ring in a memory object of its own, written by the VMM alone and
 * kept by init beyond the VMM's end, however it came.
 *
 * Contract: `head` counts bytes ever written; byte n is at data[n % size]. The writer stores the
 * byte, then head. A reader copies, then looks at head again: what the writer may have gone over
 * meanwhile is not valid. Readers do not trust size: they compare it with the object's.
 */
#pragma once

#include <stdint.h>

struct vm_log {
	uint64_t size; /* bytes of data */
	uint64_t head; /* [a] */
	uint8_t data[];
};
