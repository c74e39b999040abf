/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One guest console: the scrollback of what a serial port said, the channels that watch it, and the
 * input on its way to the port. It outlives resets of the guest.
 *
 * Contract: the port side (console_put, console_get, console_has_input) may be called by any
 * thread, with the port's lock held; the others only by the event thread or while it does not run.
 * Watchers get the scrollback first, then live output, as raw messages. One that reads too slowly
 * loses the oldest bytes once the scrollback has gone over them, and is told so. Input is never
 * dropped: while there is no room, messages stay in their channel.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "mgmt/lib/vm_log.h"
#include "vmm/events.h"

#define CONSOLE_WATCHERS_MAX 4
#define CONSOLE_INPUT_SIZE   8192 /* at least one whole message more than a port takes at once */

struct console;

/* Locks: [t] event thread  [l] console's lock */
struct console_watcher {
	struct console *console;
	struct watch watch; /* [t] watch.fd is the channel, -1: free */
	uint64_t position;  /* [l] of the next byte to send, counted from the first ever put */
};

struct console {
	struct mutex lock;
	struct events *events;   /* [I] */
	struct timer flush;      /* its lock is `timer_lock` */
	struct mutex timer_lock; /* taken after the port's and before `lock`; guards nothing else */
	struct vm_log *log;      /* [I] shared with init, which keeps it when the VMM has ended */
	int log_fd;              /* [I] its memory object */
	uint8_t *ring;           /* [l] its bytes */
	uint32_t size;           /* [I] bytes of ring */
	uint64_t head;           /* [l] bytes ever put */
	bool flush_set;          /* [l] */
	bool input_blocked;      /* [l] a message waits for room */
	uint32_t in_head, in_tail;      /* [l] */
	unsigned nr_watchers;           /* [l] */
	uint8_t in[CONSOLE_INPUT_SIZE]; /* [l] */
	struct console_watcher watchers[CONSOLE_WATCHERS_MAX];
	void (*input_ready)(void *port); /* set while a port is attached, by the building thread */
	void *port;
};

/* 0 or a negative errno. */
int console_init(struct console *console, struct events *events, uint32_t scrollback);
/* Closes all channels. */
void console_destroy(struct console *console);

/* The port that takes input; NULL: none. `input_ready` is called with no lock held. */
void console_set_port(struct console *console, void (*input_ready)(void *), void *port);

void console_put(struct console *console, uint8_t byte);
bool console_has_input(struct console *console);
/* Next byte of input, or -1. */
int console_get(struct console *console);

/* Takes the channel over. 0 or -EBUSY: too many watchers (the channel is still the caller's). */
int console_attach(struct console *console, int channel);

/* A handle of its own on the scrollback's memory object; a negative errno. */
int console_log_handle(const struct console *console);

/* Write the scrollback to a file. */
void console_dump(struct console *console, int fd);

/* Send what can be sent now. True: every watcher has all. */
bool console_flush(struct console *console);
