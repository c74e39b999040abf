/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The consoles' UARTs as character devices ("ttyS0".."ttyS3", and "ttyS4" for
 * one that is not a PC's), driven by interrupts, or by a timer where none reaches us. The log goes
 * on writing to the same UART, polled; a raw lock in struct uart16550 keeps the two apart.
 */
#pragma once

#include "drivers/serial/uart16550.h"
#include "io/chardev.h"

/*
 * Registers the UART as a character device and routes its ISA interrupt to the boot CPU, by a
 * vector of its own, or of the other UART on that line; *polled: there is none, and the UART is
 * looked at every millisecond. On the boot CPU, once for each, after ioapic_init and thread_init.
 * NULL: there is no UART, or no place for another one that is not a PC's.
 */
struct chardev *serial_init(struct uart16550 *uart, uint32_t apic_id, bool *polled);
