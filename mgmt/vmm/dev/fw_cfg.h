/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fw_cfg: numbered items and named files that the guest reads by port or by DMA.
 *
 * Contract: items are added while the machine is built; data that is not copied must outlive it.
 */
#pragma once

#include "vmm/machine.h"

#define FW_CFG_SIGNATURE  0x00
#define FW_CFG_ID         0x01
#define FW_CFG_RAM_SIZE   0x03
#define FW_CFG_NB_CPUS    0x05
#define FW_CFG_MAX_CPUS   0x0f
#define FW_CFG_FILE_DIR   0x19
#define FW_CFG_FILE_FIRST 0x20

/* A number item, little-endian; 0 or -ENOSPC. */
int fw_cfg_add_number(struct fw_cfg *fw, uint16_t key, uint64_t value, unsigned size);
/* A file; `data` is not copied; the name has at most 55 characters. 0 or -ENOSPC. */
int fw_cfg_add_file(struct fw_cfg *fw, const char *name, const void *data, uint32_t size);
