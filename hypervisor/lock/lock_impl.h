/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The MCS lock behind lock/lock.h, called by lock.c alone, as its public functions are. */
#pragma once

#include "lock/lock.h"

void mcs_acquire(struct lock *l);
bool mcs_try(struct lock *l);
void mcs_release(struct lock *l);
