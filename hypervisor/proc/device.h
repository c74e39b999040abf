/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The devices that ring 3 finds under /dev: null, zero, random, urandom, klog, console and tty.
 * The consoles are terminals (io/tty.h) on the character devices that boot names with
 * console_attach; without one nothing is ever typed and what is written is swallowed.
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

#define CONSOLE_MAX          5u
#define CONSOLE_RDEV         0x501u  /* Linux' /dev/console */
#define CONSOLE_RDEV_FURTHER 0xf000u /* + 1 to + 4: /dev/console1 to 4; ours */

/* Opens the console, as /dev/console does. 0 or -ENOMEM. */
int console_open(const struct device *d, struct container *c, struct object **out);
/* The same for the terminal number rdev - CONSOLE_RDEV_FURTHER. -ENODEV: there is none. */
int console_open_further(const struct device *d, struct container *c, struct object **out);
/* Boot, once, before console_attach and the first opener. */
void console_init(void);
extern const struct object_ops console_ops;

#define KLOG_RDEV_FURTHER 0xf100u /* + 1 to + 4: /dev/klog1 to 4; ours */

/*
 * The log for the one that drives a terminal, the console or a further one: while it is open the
 * kernel writes no lines there, and each read gives one (-EAGAIN: none waits). Administrators
 * alone; a second opener gets -EBUSY, and -ENODEV who asks for a terminal that there is not.
 */
int klog_open(const struct device *d, struct container *c, struct object **out);
extern const struct object_ops klog_ops;
void klog_init(void); /* by device_init */

/* A line becomes a terminal: the first one the console, the next ones those after it. `log_sink`:
 * its number among the log's. Boot, at most CONSOLE_MAX times. */
void console_attach(struct chardev *d, unsigned int log_sink);
/* That number; -1: there is no such terminal. */
int console_log_sink(unsigned int number);

/* Waits, not for ever, until all that was written has gone to the device. Thread context, no lock
 * held. */
void console_drain(void);
