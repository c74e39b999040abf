/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random bytes for ring 3: AT_RANDOM, getrandom, /dev/urandom. */
#pragma once

#include "lib/types.h"

/* Any thread context, no lock of LOCK_RANK_LEAF held. */
void random_bytes(void *buf, size_t len);
