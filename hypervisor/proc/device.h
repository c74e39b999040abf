/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The devices that ring 3 finds under /dev: null, zero, random, urandom, console and tty. The
 * console is a terminal (io/tty.h) on the character device that boot names with console_attach;
 * without one nothing is ever typed and what is written is swallowed.
 */
#pragma once

#include "io/chardev.h"
#include "proc/object.h"

struct device {
	const char *path;
	/* A new object for one opener. 0 or -ENOMEM. */
	int (*open)(const struct device *d, struct container *c, struct object **out);
	const struct object_ops *ops;
	uint64_t rdev; /* Linux' device number, major << 8 | minor */
};

/* Adds the nodes to the archive tree. Boot, once. */
void device_init(void);

/* Opens the console, as /dev/console does. 0 or -ENOMEM. */
int console_open(const struct device *d, struct container *c, struct object **out);
extern const struct object_ops console_ops;

/* The terminal's line from now on. Boot, once. */
void console_attach(struct chardev *d);

/* Waits, not for ever, until all that was written has gone to the device. Thread context, no lock
 * held. */
void console_drain(void);
