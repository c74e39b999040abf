/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A panic that has an exception's frame. Any context; never returns, takes no lock. */
#pragma once

#include "cpu/intr.h"
#include "cpu/log.h"

__noreturn void panic_frame(const struct trap_frame *frame);

/*
 * What is done when a panic or fatal() has said all: runs on that CPU, interrupts off, perhaps
 * inside of anything, so it takes no lock. The CPU halts if it returns. Boot, once.
 */
struct panic_ops {
	void (*end)(void);
};
void panic_register(const struct panic_ops *ops);

/* The NMI handler asks: another CPU has panicked and wants this one to halt. */
bool panic_in_progress(void);
