/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own address space, for the files of mem/.
 */
#pragma once

#include "mem/pt.h"

/* The upper half of its root is complete after mem_init and shared by every user address space. */
extern struct page_table kernel_pt;

/* Makes the tables of the kstack and device regions that must exist before the first user address
 * space. Boot CPU. */
void kspace_init(void);
