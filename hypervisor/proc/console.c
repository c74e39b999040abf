// SPDX-License-Identifier: GPL-2.0-or-later
// One terminal, any number of openers, each with an object of its own (its own O_NONBLOCK). The
// device's notification may come in the middle of a call that holds the lock, on this CPU even: it
// only leaves word (`news`) then, and who drops the lock looks after it.
#include "cpu/time.h"
#include "io/tty.h"
#include "lib/errno.h"
#include "mem/kalloc.h"
#include "proc/archive.h"
#include "proc/device.h"
#include "proc/linux_abi.h"
#include "proc/process.h"
#include "proc/user.h"

#define CHUNK 512u /* bytes that one call copies over the stack */

#define CONSOLE_RDEV 0x501
#define DRAIN_NS     2000000000ull

struct opener {
	struct object object;
	struct list_head node; /* [l] console.openers */
};

static const struct lock_class console_class = { "console", LOCK_RANK_OBJECT };

/* Locks: [I] immutable after boot   [l] lock   [a] atomic */
static struct {
	struct lock lock;
	struct chardev *line;        /* [I] NULL: none */
	struct tty tty;              /* [l] */
	struct list_head openers;    /* [l] */
	struct linux_winsize window; /* [l] all zero: not known */
	bool news;                   /* [a] the device has told something that nobody looked at */
} console = {
	.lock = LOCK_INIT(&console_class),
	.openers = LIST_HEAD_INIT(console.openers),
};

static uint8_t input[TTY_INPUT_SIZE];

static void notify_openers(void)
{
	struct opener *o;

	list_for_each_entry (o, &console.openers, node)
		object_notify(&o->object);
}

/* What the device has goes to the terminal, as far as there is room. Lock held. */
static void take_input(void)
{
	uint8_t bytes[64];
	size_t n;

	do {
		n = chardev_read(console.line, bytes, MIN(sizeof(bytes), tty_room(&console.tty)));
		tty_input(&console.tty, bytes, n);
	} while (n != 0);
	notify_openers();
}

static bool take_news(void)
{
	return __atomic_exchange_n(&console.news, false, __ATOMIC_SEQ_CST);
}

/* Who cannot have the lock leaves it to the holder. */
static void look_after_news(void)
{
	while (__atomic_load_n(&console.news, __ATOMIC_SEQ_CST) && lock_try(&console.lock)) {
		while (take_news())
			take_input();
		lock_release(&console.lock);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	}
}

static void console_unlock(void)
{
	lock_release(&console.lock);
	/* The release must be seen before we look: else word could be left with nobody. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	look_after_news();
}

static void on_line(void *arg)
{
	(void)arg;
	__atomic_store_n(&console.news, true, __ATOMIC_SEQ_CST);
	look_after_news();
}

/* Echo: what finds no room is lost, as nobody waits here. */
static void send_echo(void *ctx, const uint8_t *bytes, size_t len)
{
	(void)ctx;
	chardev_write(console.line, bytes, len);
}

void console_attach(struct chardev *d)
{
	tty_init(&console.tty, input, send_echo, NULL);
	console.line = d;
	chardev_set_notify(d, on_line, NULL);
	on_line(NULL);
}

void console_drain(void)
{
	uint64_t end = time_now() + DRAIN_NS;

	while (console.line != NULL && chardev_unsent(console.line) != 0 && time_now() < end)
		preempt_point();
}

/* ---- the object ---- */

static void console_destroy(struct object *o)
{
	struct opener *opener = container_of(o, struct opener, object);

	lock_acquire(&console.lock);
	list_del(&opener->node);
	console_unlock();
	kfree(opener);
}

static uint32_t console_ready(struct object *o)
{
	uint32_t bits;

	(void)o;
	if (console.line == NULL)
		return OBJECT_OUT;
	lock_acquire(&console.lock);
	bits = tty_readable(&console.tty) ? OBJECT_IN : 0;
	bits |= chardev_can_write(console.line) ? OBJECT_OUT : 0;
	console_unlock();
	return bits;
}

static int64_t console_read(struct object *o, uint64_t buf, uint64_t len)
{
	uint8_t bytes[CHUNK];
	int64_t n;

	(void)o;
	if (len == 0)
		return 0;
	if (console.line == NULL)
		return -EAGAIN;
	lock_acquire(&console.lock);
	n = tty_read(&console.tty, bytes, MIN(len, (uint64_t)CHUNK));
	/* There is room now for what the device may hold. */
	if (n > 0)
		__atomic_store_n(&console.news, true, __ATOMIC_SEQ_CST);
	console_unlock();
	if (n > 0 && copy_to_user(buf, bytes, (size_t)n) != 0)
		return -EFAULT;
	return n;
}

static int64_t console_write(struct object *o, uint64_t buf, uint64_t len)
{
	uint8_t bytes[CHUNK], out[CHUNK];
	size_t n = MIN(len, (uint64_t)CHUNK), sent;

	(void)o;
	if (console.line == NULL || len == 0)
		return (int64_t)len;
	if (copy_from_user(bytes, buf, n) != 0)
		return -EFAULT;
	lock_acquire(&console.lock);
	/* Only we write to the line: its room does not shrink. */
	sent = tty_output(&console.tty, bytes, n, &n, out,
			  MIN(sizeof(out), chardev_room(console.line)));
	chardev_write(console.line, out, sent);
	console_unlock();
	return n != 0 ? (int64_t)n : -EAGAIN;
}

static int console_stat(struct object *o, struct object_stat *st)
{
	(void)o;
	*st = (struct object_stat){ .mode = MODE_CHAR | 0600, .nlink = 1, .rdev = CONSOLE_RDEV };
	return 0;
}

/* ---- ioctl ---- */

static int64_t get_termios(uint64_t arg)
{
	struct tty_termios t;

	lock_acquire(&console.lock);
	t = console.tty.termios;
	console_unlock();
	return USER_PUT(arg, &t);
}

static int64_t set_termios(uint64_t arg, bool flush)
{
	struct tty_termios t;

	if (USER_GET(&t, arg) != 0)
		return -EFAULT;
	lock_acquire(&console.lock);
	if (flush)
		tty_flush_input(&console.tty);
	tty_set_termios(&console.tty, &t);
	notify_openers();
	console_unlock();
	return 0;
}

static int64_t get_winsize(uint64_t arg)
{
	struct linux_winsize ws;

	lock_acquire(&console.lock);
	ws = console.window;
	console_unlock();
	return USER_PUT(arg, &ws);
}

static int64_t set_winsize(uint64_t arg)
{
	struct linux_winsize ws;

	if (USER_GET(&ws, arg) != 0)
		return -EFAULT;
	lock_acquire(&console.lock);
	console.window = ws;
	console_unlock();
	return 0;
}

/* TCIFLUSH 0, TCOFLUSH 1, TCIOFLUSH 2. What is on its way out goes out all the same. */
static int64_t flush(uint64_t which)
{
	if (which > 2)
		return -EINVAL;
	if (which == 1)
		return 0;
	lock_acquire(&console.lock);
	tty_flush_input(&console.tty);
	console_unlock();
	return 0;
}

static int64_t get_pending(uint64_t arg)
{
	uint32_t n;

	lock_acquire(&console.lock);
	n = tty_pending(&console.tty);
	console_unlock();
	return USER_PUT(arg, &n);
}

static int64_t put_int(uint64_t arg, uint32_t v)
{
	return USER_PUT(arg, &v);
}

static int64_t console_ioctl(struct object *o, uint32_t cmd, uint64_t arg)
{
	(void)o;
	if (console.line == NULL)
		return -ENOTTY;
	switch (cmd) {
	case LINUX_TCGETS: return get_termios(arg);
	case LINUX_TCSETS:
	case LINUX_TCSETSW: return set_termios(arg, false);
	case LINUX_TCSETSF: return set_termios(arg, true);
	case LINUX_TCFLSH: return flush(arg);
	case LINUX_TIOCGWINSZ: return get_winsize(arg);
	case LINUX_TIOCSWINSZ: return set_winsize(arg);
	case LINUX_FIONREAD: return get_pending(arg);
	case LINUX_TIOCOUTQ: return put_int(arg, (uint32_t)chardev_unsent(console.line));
	case LINUX_TIOCGPGRP: return put_int(arg, process_current()->pid);
	case LINUX_TIOCSPGRP: return 0;
	default: return -ENOTTY;
	}
}

const struct object_ops console_ops = {
	.name = "console",
	.destroy = console_destroy,
	.ready = console_ready,
	.read = console_read,
	.write = console_write,
	.write_all = true,
	.stat = console_stat,
	.ioctl = console_ioctl,
};

int console_open(const struct device *device, struct container *c, struct object **out)
{
	struct opener *opener = kalloc(c, sizeof(*opener));

	(void)device;
	if (opener == NULL)
		return -ENOMEM;
	object_init(&opener->object, &console_ops, c);
	lock_acquire(&console.lock);
	list_add_tail(&opener->node, &console.openers);
	console_unlock();
	*out = &opener->object;
	return 0;
}
