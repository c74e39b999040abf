/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A panic that has an exception's frame. Any context; never returns, takes no lock. */
#pragma once

#include "cpu/intr.h"
#include "cpu/log.h"

__noreturn void panic_frame(const struct trap_frame *frame);
