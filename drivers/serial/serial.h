/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The console's UART as a character device ("ttyS0".."ttyS3"), interrupt driven. The log goes on
 * writing to the same UART, polled; a raw lock in struct uart16550 keeps the two apart.
 */
#pragma once

#include "drivers/serial/uart16550.h"

/*
 * Registers the UART as a character device and routes its ISA interrupt to `vector` on the boot
 * CPU. Once, after ioapic_init. 0; -ENODEV: no such UART or interrupt line (the device is not
 * registered).
 */
int serial_init(struct uart16550 *uart, uint8_t vector, uint32_t apic_id);
