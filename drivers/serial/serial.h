/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The consoles' UARTs as character devices ("ttyS0".."ttyS3"), interrupt driven. The log goes on
 * writing to the same UART, polled; a raw lock in struct uart16550 keeps the two apart.
 */
#pragma once

#include "drivers/serial/uart16550.h"
#include "io/chardev.h"

/*
 * Registers the UART as a character device and routes its ISA interrupt to the boot CPU, by a
 * vector of its own, or of the other UART on that line. Once for each, after ioapic_init. NULL: no
 * such UART, or its interrupt cannot be routed.
 */
struct chardev *serial_init(struct uart16550 *uart, uint32_t apic_id);
