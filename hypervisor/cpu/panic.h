/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A panic that has an exception's frame. Any context; never returns, takes no lock. */
#pragma once

#include "cpu/intr.h"
#include "cpu/log.h"

__noreturn void panic_frame(const struct trap_frame *frame);

/* The NMI handler asks: another CPU has panicked and wants this one to halt. */
bool panic_in_progress(void);
