/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The terminal that a person sits at, as far as its size and kind are known. */
#pragma once

#include <stdbool.h>

/* TERM says that it takes no escape sequences, or says nothing. */
bool screen_is_dumb(void);
/* Rows; 24 when nobody knows. */
unsigned screen_rows(void);
