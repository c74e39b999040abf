/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Start of mem/usercopy.c; the copy functions themselves are in mem/as.h. */
#pragma once

/* Boot CPU, by mem_init: looks whether cpu/ has switched SMAP on. */
void usercopy_init(void);
