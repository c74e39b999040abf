// SPDX-License-Identifier: GPL-2.0-or-later
// The scrollback is a ring, and each watcher only a position in it, so that watching costs no copy
// until a message is sent. Output is sent some milliseconds after the first byte, so that one
// wakeup serves a whole line; a full channel is tried again as late.

#include "vmm/console.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mgmt/lib/strata.h"

#define FLUSH_DELAY_NS 4000000ull

static uint32_t input_room(const struct console *c)
{
	return CONSOLE_INPUT_SIZE - (c->in_head - c->in_tail);
}

static void set_flush(struct console *c, uint64_t delay)
{
	mutex_lock(&c->timer_lock);
	timer_set(&c->flush, events_now() + delay);
	mutex_unlock(&c->timer_lock);
}

static void detach(struct console_watcher *w)
{
	struct console *c = w->console;

	watch_remove(c->events, &w->watch);
	close(w->watch.fd);
	w->watch.fd = -1;
	mutex_lock(&c->lock);
	c->nr_watchers--;
	mutex_unlock(&c->lock);
}

/* Copies what the watcher has not seen, at most `room` bytes. */
static uint32_t copy_unseen(struct console_watcher *w, uint8_t *to, uint32_t room)
{
	struct console *c = w->console;
	uint32_t n = 0;

	mutex_lock(&c->lock);
	if (c->head - w->position > c->size) {
		uint64_t lost = c->head - c->size - w->position;

		n = (uint32_t)snprintf((char *)to, room, "\r\n[%llu bytes lost]\r\n",
				       (unsigned long long)lost);
		w->position += lost;
	}
	for (; n < room && w->position < c->head; n++)
		to[n] = c->ring[w->position++ % c->size];
	mutex_unlock(&c->lock);
	return n;
}

/* True: the watcher has everything, or is gone. */
static bool flush_watcher(struct console_watcher *w)
{
	uint8_t bytes[CHAN_MSG_MAX];

	for (;;) {
		uint64_t before = w->position;
		uint32_t n = copy_unseen(w, bytes, sizeof(bytes));
		int ret;

		if (n == 0)
			return true;
		ret = strata_send(w->watch.fd, bytes, n, -1);
		if (ret == -EAGAIN) {
			w->position = before;
			return false;
		}
		if (ret < 0) {
			detach(w);
			return true;
		}
	}
}

bool console_flush(struct console *c)
{
	bool all = true;

	for (unsigned i = 0; i < CONSOLE_WATCHERS_MAX; i++) {
		if (c->watchers[i].watch.fd >= 0)
			all &= flush_watcher(&c->watchers[i]);
	}
	return all;
}

static void update_input(struct console *c)
{
	bool room;

	mutex_lock(&c->lock);
	room = input_room(c) >= CHAN_MSG_MAX;
	c->input_blocked = !room;
	mutex_unlock(&c->lock);
	for (unsigned i = 0; i < CONSOLE_WATCHERS_MAX; i++)
		c->watchers[i].watch.wanted = room ? POLLIN : 0;
}

/* Called with timer_lock held, which must not be held while anything else is done. */
static void on_flush(void *arg)
{
	struct console *c = arg;
	bool all;

	mutex_unlock(&c->timer_lock);
	mutex_lock(&c->lock);
	c->flush_set = false;
	mutex_unlock(&c->lock);
	all = console_flush(c);
	update_input(c);
	if (!all)
		set_flush(c, FLUSH_DELAY_NS);
	mutex_lock(&c->timer_lock);
}

/* A message of input, only asked for when there is room for all of it. */
static void on_input(void *arg, short revents)
{
	struct console_watcher *w = arg;
	struct console *c = w->console;
	uint8_t bytes[CHAN_MSG_MAX];
	int handle = -1, n = strata_recv(w->watch.fd, bytes, sizeof(bytes), &handle);

	(void)revents;
	if (handle >= 0)
		close(handle);
	if (n == -EAGAIN)
		return;
	if (n < 0) {
		detach(w);
		return;
	}
	mutex_lock(&c->lock);
	for (int i = 0; i < n; i++)
		c->in[c->in_head++ % CONSOLE_INPUT_SIZE] = bytes[i];
	mutex_unlock(&c->lock);
	update_input(c);
	if (c->input_ready)
		c->input_ready(c->port);
}

static uint64_t log_bytes(uint32_t scrollback)
{
	return (sizeof(struct vm_log) + scrollback + 4095) & ~4095ull;
}

static int create_log(struct console *c, uint32_t scrollback)
{
	void *log;

	c->log_fd = strata_mobj_create(log_bytes(scrollback), 0);
	if (c->log_fd < 0)
		return c->log_fd;
	log = mmap(NULL, log_bytes(scrollback), PROT_READ | PROT_WRITE, MAP_SHARED, c->log_fd, 0);
	if (log == MAP_FAILED) {
		int ret = -errno;

		close(c->log_fd);
		return ret;
	}
	c->log = log;
	c->log->size = c->size = scrollback;
	c->ring = c->log->data;
	return 0;
}

int console_log_handle(const struct console *c)
{
	int fd = dup(c->log_fd);

	return fd < 0 ? -errno : fd;
}

int console_init(struct console *c, struct events *events, uint32_t scrollback)
{
	int ret;

	memset(c, 0, sizeof(*c));
	ret = create_log(c, scrollback);
	if (ret)
		return ret;
	c->events = events;
	mutex_init(&c->lock);
	mutex_init(&c->timer_lock);
	timer_init(&c->flush, events, &c->timer_lock, on_flush, c);
	for (unsigned i = 0; i < CONSOLE_WATCHERS_MAX; i++) {
		struct console_watcher *w = &c->watchers[i];

		w->console = c;
		w->watch =
			(struct watch){ .fd = -1, .wanted = POLLIN, .ready = on_input, .arg = w };
	}
	return 0;
}

void console_destroy(struct console *c)
{
	for (unsigned i = 0; i < CONSOLE_WATCHERS_MAX; i++) {
		if (c->watchers[i].watch.fd >= 0)
			detach(&c->watchers[i]);
	}
	timer_remove(&c->flush);
	munmap(c->log, log_bytes(c->size));
	close(c->log_fd);
	c->log = NULL;
	c->ring = NULL;
}

void console_set_port(struct console *c, void (*input_ready)(void *), void *port)
{
	c->input_ready = input_ready;
	c->port = port;
}

void console_put(struct console *c, uint8_t byte)
{
	bool set;

	mutex_lock(&c->lock);
	c->ring[c->head++ % c->size] = byte;
	__atomic_store_n(&c->log->head, c->head, __ATOMIC_RELEASE);
	set = c->nr_watchers && !c->flush_set;
	if (set)
		c->flush_set = true;
	mutex_unlock(&c->lock);
	if (set)
		set_flush(c, FLUSH_DELAY_NS);
}

bool console_has_input(struct console *c)
{
	bool has;

	mutex_lock(&c->lock);
	has = c->in_head != c->in_tail;
	mutex_unlock(&c->lock);
	return has;
}

int console_get(struct console *c)
{
	bool unblock;
	int byte = -1;

	mutex_lock(&c->lock);
	if (c->in_head != c->in_tail)
		byte = c->in[c->in_tail++ % CONSOLE_INPUT_SIZE];
	unblock = c->input_blocked && input_room(c) >= CHAN_MSG_MAX;
	if (unblock)
		c->input_blocked = false;
	mutex_unlock(&c->lock);
	if (unblock)
		set_flush(c, 0);
	return byte;
}

int console_attach(struct console *c, int channel)
{
	for (unsigned i = 0; i < CONSOLE_WATCHERS_MAX; i++) {
		struct console_watcher *w = &c->watchers[i];

		if (w->watch.fd >= 0)
			continue;
		mutex_lock(&c->lock);
		w->position = c->head > c->size ? c->head - c->size : 0;
		c->nr_watchers++;
		mutex_unlock(&c->lock);
		w->watch.fd = channel;
		watch_add(c->events, &w->watch);
		update_input(c);
		set_flush(c, 0);
		return 0;
	}
	return -EBUSY;
}

void console_dump(struct console *c, int fd)
{
	uint64_t at = c->head > c->size ? c->head - c->size : 0;

	while (at < c->head) {
		uint64_t to_end = c->size - at % c->size, left = c->head - at;
		ssize_t n = write(fd, c->ring + at % c->size, left < to_end ? left : to_end);

		if (n <= 0)
			return; /* nobody reads it */
		at += (uint64_t)n;
	}
}
