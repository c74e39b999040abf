/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a VM's maps, for vm.c; see vm.h for the rules of snapshots.
 */
#pragma once

#include "virt/vm.h"

/* Who changes a map, or adds a vCPU: one at a time, and it may wait meanwhile. */
void vm_begin_change(struct vm *vm);
void vm_end_change(struct vm *vm);

int vm_memory_init(struct vm *vm);     /* 0 or -ENOMEM */
void vm_memory_destroy(struct vm *vm); /* of a partly made VM, too */
int vm_io_init(struct vm *vm);
void vm_io_destroy(struct vm *vm);
