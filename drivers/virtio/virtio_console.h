/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first virtio console of the machine as a character device ("hvc0"), interrupt driven: Virtio
 * 1.2, section 5.3 "Console Device", one port. The log writes to it as well, polled; a raw lock
 * keeps the two apart. A device that breaks the rules of its queues is reset and costs one line: it
 * says nothing from then on and swallows what is written.
 */
#pragma once

#include "io/chardev.h"

/*
 * Finds it, starts it, and registers it as a character device whose interrupt goes to that CPU.
 * Boot CPU, once, after pci_init. NULL after a line on why there is none.
 */
struct chardev *virtio_console_init(uint32_t apic_id);

/*
 * Sends all of s, a newline as CR LF; any context. Where the host does not read, what finds no room
 * within a moment is lost. Without a device: nothing.
 */
void virtio_console_write(const char *s, size_t len);

/* Waits, not for ever, until the device has taken all. */
void virtio_console_drain(void);
