/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small helpers around copy_from_user and copy_to_user. All: 0 or -EFAULT; no lock held. */
#pragma once

#include "mem/as.h"

/* USER_GET(&var, address), USER_PUT(address, &var): one object of the type of *ptr. */
#define USER_GET(ptr, va) copy_from_user((ptr), (va), sizeof(*(ptr)))
#define USER_PUT(va, ptr) copy_to_user((va), (ptr), sizeof(*(ptr)))

/* Zeroes a range of user memory, giving others a turn now and then. */
int user_clear(uint64_t va, uint64_t len);
