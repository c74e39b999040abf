// SPDX-License-Identifier: GPL-2.0-or-later
// Waiting for several handles. poll and select become one list of watched objects; the poller hangs
// on all of them, looks at each, and sleeps until one of them says that something has changed.
#include "cpu/time.h"
#include "lib/bitmap.h"
#include "lib/errno.h"
#include "mem/kalloc.h"
#include "proc/linux_calls.h"
#include "proc/process.h"
#include "proc/user.h"

/* One handle that is waited for. */
struct watch {
	struct poll_entry entry;
	struct object *object; /* a reference; NULL: no such handle, or one to be left out */
	int fd;
	uint32_t wanted; /* OBJECT_* */
	uint32_t result; /* OBJECT_*, LINUX_POLLNVAL */
};

struct watch_list {
	struct poller poller;
	struct watch *watches;
	unsigned int count;
};

/* The handle `fd`, or no handle at all when it is negative. */
static void watch_fd(struct watch *w, int fd, uint32_t wanted)
{
	w->fd = fd;
	w->wanted = wanted | OBJECT_ERR | OBJECT_HUP;
	if (fd >= 0)
		w->object = handle_get(&process_current()->handles, fd);
}

static void hang_on(struct watch_list *l)
{
	poller_init(&l->poller);
	for (unsigned int i = 0; i < l->count; i++) {
		if (l->watches[i].object != NULL)
			poller_watch(&l->poller, &l->watches[i].entry, l->watches[i].object);
	}
}

static void let_go(struct watch_list *l)
{
	for (unsigned int i = 0; i < l->count; i++) {
		if (l->watches[i].object == NULL)
			continue;
		poller_unwatch(&l->watches[i].entry);
		object_put(l->watches[i].object);
	}
	kfree(l->watches);
}

/* How many have something to tell. */
static int64_t look(struct watch_list *l)
{
	int64_t n = 0;

	for (unsigned int i = 0; i < l->count; i++) {
		struct watch *w = &l->watches[i];

		if (w->object != NULL)
			w->result = object_ready(w->object) & w->wanted;
		else
			w->result = w->fd >= 0 ? LINUX_POLLNVAL : 0;
		n += w->result != 0;
	}
	return n;
}

/* Waits until at least one has something to tell: how many; 0 at the deadline; -EINTR. */
static int64_t wait_for_any(struct watch_list *l, uint64_t deadline)
{
	for (;;) {
		int64_t n = look(l);
		int rc;

		if (n != 0)
			return n;
		rc = poller_sleep(&l->poller, deadline);
		if (rc != 0)
			return rc == -ETIMEDOUT ? look(l) : rc;
	}
}

static struct watch *alloc_watches(unsigned int count)
{
	/* One more, so that an empty list is a valid pointer too. */
	return kalloc(process_container(process_current()), (count + 1) * sizeof(struct watch));
}

/* ---- poll ---- */

static int read_pollfds(struct watch_list *l, uint64_t fds)
{
	for (unsigned int i = 0; i < l->count; i++) {
		struct linux_pollfd p;

		if (USER_GET(&p, fds + i * sizeof(p)) != 0)
			return -EFAULT;
		watch_fd(&l->watches[i], p.fd, (uint16_t)p.events);
	}
	return 0;
}

static int write_pollfds(const struct watch_list *l, uint64_t fds)
{
	for (unsigned int i = 0; i < l->count; i++) {
		int16_t revents = (int16_t)l->watches[i].result;
		uint64_t at = fds + i * sizeof(struct linux_pollfd) +
			      offsetof(struct linux_pollfd, revents);

		if (USER_PUT(at, &revents) != 0)
			return -EFAULT;
	}
	return 0;
}

static int64_t do_poll(uint64_t fds, uint64_t count, uint64_t deadline)
{
	struct watch_list l = { .count = (unsigned int)count };
	int64_t n;

	if (count > HANDLES_MAX)
		return -EINVAL;
	l.watches = alloc_watches(l.count);
	if (l.watches == NULL)
		return -ENOMEM;
	n = read_pollfds(&l, fds);
	hang_on(&l);
	if (n == 0)
		n = wait_for_any(&l, deadline);
	if (n >= 0 && write_pollfds(&l, fds) != 0)
		n = -EFAULT;
	let_go(&l);
	return n;
}

static uint64_t in_ns(uint64_t ns)
{
	uint64_t now = time_now();

	return ns < WAIT_FOREVER - now ? now + ns : WAIT_FOREVER;
}

int64_t linux_poll(const struct syscall_args *a)
{
	int timeout_ms = (int)a->arg[2];

	return do_poll(a->arg[0], (uint32_t)a->arg[1],
		       timeout_ms < 0 ? WAIT_FOREVER : in_ns((uint64_t)timeout_ms * 1000000));
}

/* The deadline of an optional timespec. */
static int deadline_of(uint64_t address, uint64_t *deadline)
{
	struct linux_timespec ts;

	*deadline = WAIT_FOREVER;
	if (address == 0)
		return 0;
	if (USER_GET(&ts, address) != 0)
		return -EFAULT;
	return linux_deadline(&ts, false, false, deadline);
}

/* The signal mask means nothing here. */
int64_t linux_ppoll(const struct syscall_args *a)
{
	uint64_t deadline;
	int rc = deadline_of(a->arg[2], &deadline);

	return rc != 0 ? rc : do_poll(a->arg[0], (uint32_t)a->arg[1], deadline);
}

/* ---- select ---- */

#define SELECT_WORDS BITMAP_WORDS(HANDLES_MAX)

/* What each of the three sets waits for (Linux' POLLIN_SET and so on, as far as it exists here). */
static const uint32_t set_bits[3] = {
	OBJECT_IN | OBJECT_HUP | OBJECT_ERR,
	OBJECT_OUT | OBJECT_ERR,
	OBJECT_PRI,
};

struct select_sets {
	uint64_t bits[3][SELECT_WORDS];
};

static int read_sets(struct select_sets *s, const uint64_t *addresses, unsigned int nr_fds)
{
	for (int i = 0; i < 3; i++) {
		if (addresses[i] != 0 &&
		    copy_from_user(s->bits[i], addresses[i], BITMAP_WORDS(nr_fds) * 8) != 0)
			return -EFAULT;
	}
	return 0;
}

static uint32_t wanted_by(const struct select_sets *s, unsigned int fd)
{
	uint32_t wanted = 0;

	for (int i = 0; i < 3; i++)
		wanted |= bitmap_test(s->bits[i], fd) ? set_bits[i] : 0;
	return wanted;
}

/* 0, or -EBADF for a handle that is not there. */
static int watch_sets(struct watch_list *l, const struct select_sets *s, unsigned int nr_fds)
{
	for (unsigned int fd = 0; fd < nr_fds; fd++) {
		uint32_t wanted = wanted_by(s, fd);
		struct watch *w = &l->watches[l->count];

		if (wanted == 0)
			continue;
		watch_fd(w, (int)fd, wanted);
		w->wanted = wanted; /* select tells of errors only where they were asked for */
		if (w->object == NULL)
			return -EBADF;
		l->count++;
	}
	return 0;
}

/* The sets of what is ready; how many bits they have. */
static int64_t fill_sets(struct select_sets *s, const struct watch_list *l)
{
	struct select_sets asked = *s;
	int64_t n = 0;

	*s = (struct select_sets){ 0 };
	for (unsigned int i = 0; i < l->count; i++) {
		size_t fd = (size_t)l->watches[i].fd;

		for (int set = 0; set < 3; set++) {
			if (!bitmap_test(asked.bits[set], fd) ||
			    (l->watches[i].result & set_bits[set]) == 0)
				continue;
			bitmap_set(s->bits[set], fd);
			n++;
		}
	}
	return n;
}

static int write_sets(const struct select_sets *s, const uint64_t *addresses, unsigned int nr_fds)
{
	for (int i = 0; i < 3; i++) {
		if (addresses[i] != 0 &&
		    copy_to_user(addresses[i], s->bits[i], BITMAP_WORDS(nr_fds) * 8) != 0)
			return -EFAULT;
	}
	return 0;
}

static int64_t do_select(uint64_t nr, const uint64_t *addresses, uint64_t deadline)
{
	unsigned int nr_fds = (unsigned int)MIN(nr, (uint64_t)HANDLES_MAX);
	struct select_sets sets = { 0 };
	struct watch_list l = { .count = 0 };
	int64_t n;

	if ((int32_t)nr < 0)
		return -EINVAL;
	if (read_sets(&sets, addresses, nr_fds) != 0)
		return -EFAULT;
	l.watches = alloc_watches(nr_fds);
	if (l.watches == NULL)
		return -ENOMEM;
	n = watch_sets(&l, &sets, nr_fds);
	hang_on(&l);
	if (n == 0)
		n = wait_for_any(&l, deadline);
	if (n >= 0)
		n = fill_sets(&sets, &l);
	if (n >= 0 && write_sets(&sets, addresses, nr_fds) != 0)
		n = -EFAULT;
	let_go(&l);
	return n;
}

/* The time that is left is not written back: POSIX leaves it open, and glibc keeps a copy. */
int64_t linux_select(const struct syscall_args *a)
{
	struct linux_timeval tv;
	uint64_t deadline = WAIT_FOREVER;

	if (a->arg[4] != 0) {
		if (USER_GET(&tv, a->arg[4]) != 0)
			return -EFAULT;
		if (tv.tv_sec < 0 || tv.tv_usec < 0)
			return -EINVAL;
		deadline = in_ns(MIN((uint64_t)tv.tv_sec, 1ull << 32) * 1000000000 +
				 MIN((uint64_t)tv.tv_usec, 1ull << 32) * 1000);
	}
	return do_select((uint32_t)a->arg[0], &a->arg[1], deadline);
}

int64_t linux_pselect6(const struct syscall_args *a)
{
	uint64_t deadline;
	int rc = deadline_of(a->arg[4], &deadline);

	return rc != 0 ? rc : do_select((uint32_t)a->arg[0], &a->arg[1], deadline);
}
