// SPDX-License-Identifier: GPL-2.0-or-later
// A terminal for each line, any number of openers, each with an object of its own (its own
// O_NONBLOCK). The
// device's notification may come in the middle of a call that holds the lock, on this CPU even: it
// only leaves word (`news`) then, and who drops the lock looks after it.
#include "cpu/log.h"
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

#define DRAIN_NS 2000000000ull

struct console;

struct opener {
	struct object object;
	struct console *console; /* [I] */
	struct list_head node;   /* [l] its openers */
};

static const struct lock_class console_class = { "console", LOCK_RANK_OBJECT };

/* Locks: [I] immutable after boot   [l] lock   [a] atomic */
static struct console {
	struct lock lock;
	struct chardev *line;        /* [I] NULL: none */
	unsigned int log_sink;       /* [I] its number among the log's */
	struct tty tty;              /* [l] */
	struct list_head openers;    /* [l] */
	struct linux_winsize window; /* [l] all zero: not known */
	bool news;                   /* [a] the device has told something that nobody looked at */
	uint8_t input[TTY_INPUT_SIZE];
} consoles[CONSOLE_MAX];

static unsigned int nr_consoles; /* [I] immutable after boot */

static struct console *console_of(struct object *o)
{
	return container_of(o, struct opener, object)->console;
}

static void notify_openers(struct console *c)
{
	struct opener *o;

	list_for_each_entry (o, &c->openers, node)
		object_notify(&o->object);
}

/* What the device has goes to the terminal, as far as there is room. Lock held. */
static void take_input(struct console *c)
{
	uint8_t bytes[64];
	size_t n;

	do {
		n = chardev_read(c->line, bytes, MIN(sizeof(bytes), tty_room(&c->tty)));
		tty_input(&c->tty, bytes, n);
	} while (n != 0);
	notify_openers(c);
}

static bool take_news(struct console *c)
{
	return __atomic_exchange_n(&c->news, false, __ATOMIC_SEQ_CST);
}

/* Who cannot have the lock leaves it to the holder. */
static void look_after_news(struct console *c)
{
	while (__atomic_load_n(&c->news, __ATOMIC_SEQ_CST) && lock_try(&c->lock)) {
		while (take_news(c))
			take_input(c);
		lock_release(&c->lock);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	}
}

static void console_unlock(struct console *c)
{
	lock_release(&c->lock);
	/* The release must be seen before we look: else word could be left with nobody. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	look_after_news(c);
}

static void on_line(void *arg)
{
	struct console *c = arg;

	__atomic_store_n(&c->news, true, __ATOMIC_SEQ_CST);
	look_after_news(c);
}

/* Echo: what finds no room is lost, as nobody waits here. */
static void send_echo(void *ctx, const uint8_t *bytes, size_t len)
{
	struct console *c = ctx;

	chardev_write(c->line, bytes, len);
}

void console_init(void)
{
	for (unsigned int i = 0; i < CONSOLE_MAX; i++) {
		lock_init(&consoles[i].lock, &console_class);
		list_init(&consoles[i].openers);
	}
}

void console_attach(struct chardev *d, unsigned int log_sink)
{
	struct console *c = &consoles[nr_consoles++];

	ASSERT(nr_consoles <= CONSOLE_MAX);
	tty_init(&c->tty, c->input, send_echo, c);
	c->line = d;
	c->log_sink = log_sink;
	chardev_set_notify(d, on_line, c);
	on_line(c);
}

int console_log_sink(unsigned int number)
{
	return number < nr_consoles ? (int)consoles[number].log_sink : -1;
}

void console_drain(void)
{
	uint64_t end = time_now() + DRAIN_NS;

	for (unsigned int i = 0; i < nr_consoles; i++) {
		while (chardev_unsent(consoles[i].line) != 0 && time_now() < end)
			preempt_point();
	}
}

/* ---- the object ---- */

static void console_destroy(struct object *o)
{
	struct opener *opener = container_of(o, struct opener, object);
	struct console *c = opener->console;

	lock_acquire(&c->lock);
	list_del(&opener->node);
	console_unlock(c);
	kfree(opener);
}

static uint32_t console_ready(struct object *o)
{
	struct console *c = console_of(o);
	uint32_t bits;

	if (c->line == NULL)
		return OBJECT_OUT;
	lock_acquire(&c->lock);
	bits = tty_readable(&c->tty) ? OBJECT_IN : 0;
	bits |= chardev_can_write(c->line) ? OBJECT_OUT : 0;
	console_unlock(c);
	return bits;
}

static int64_t console_read(struct object *o, uint64_t buf, uint64_t len)
{
	struct console *c = console_of(o);
	uint8_t bytes[CHUNK];
	int64_t n;

	if (len == 0)
		return 0;
	if (c->line == NULL)
		return -EAGAIN;
	lock_acquire(&c->lock);
	n = tty_read(&c->tty, bytes, MIN(len, (uint64_t)CHUNK));
	/* There is room now for what the device may hold. */
	if (n > 0)
		__atomic_store_n(&c->news, true, __ATOMIC_SEQ_CST);
	console_unlock(c);
	if (n > 0 && copy_to_user(buf, bytes, (size_t)n) != 0)
		return -EFAULT;
	return n;
}

static int64_t console_write(struct object *o, uint64_t buf, uint64_t len)
{
	struct console *c = console_of(o);
	uint8_t bytes[CHUNK], out[CHUNK];
	size_t n = MIN(len, (uint64_t)CHUNK), sent;

	if (c->line == NULL || len == 0)
		return (int64_t)len;
	if (copy_from_user(bytes, buf, n) != 0)
		return -EFAULT;
	lock_acquire(&c->lock);
	/* Only we write to the line: its room does not shrink. */
	sent = tty_output(&c->tty, bytes, n, &n, out, MIN(sizeof(out), chardev_room(c->line)));
	chardev_write(c->line, out, sent);
	console_unlock(c);
	return n != 0 ? (int64_t)n : -EAGAIN;
}

static int console_stat(struct object *o, struct object_stat *st)
{
	uint64_t number = (uint64_t)(console_of(o) - consoles);

	*st = (struct object_stat){ .mode = MODE_CHAR | 0600,
				    .nlink = 1,
				    .rdev = number ? CONSOLE_RDEV_FURTHER + number : CONSOLE_RDEV };
	return 0;
}

/* ---- ioctl ---- */

static int64_t get_termios(struct console *c, uint64_t arg)
{
	struct tty_termios t;

	lock_acquire(&c->lock);
	t = c->tty.termios;
	console_unlock(c);
	return USER_PUT(arg, &t);
}

static int64_t set_termios(struct console *c, uint64_t arg, bool flush)
{
	struct tty_termios t;

	if (USER_GET(&t, arg) != 0)
		return -EFAULT;
	lock_acquire(&c->lock);
	if (flush)
		tty_flush_input(&c->tty);
	tty_set_termios(&c->tty, &t);
	notify_openers(c);
	console_unlock(c);
	return 0;
}

static int64_t get_winsize(struct console *c, uint64_t arg)
{
	struct linux_winsize ws;

	lock_acquire(&c->lock);
	ws = c->window;
	console_unlock(c);
	return USER_PUT(arg, &ws);
}

static int64_t set_winsize(struct console *c, uint64_t arg)
{
	struct linux_winsize ws;

	if (USER_GET(&ws, arg) != 0)
		return -EFAULT;
	lock_acquire(&c->lock);
	c->window = ws;
	console_unlock(c);
	return 0;
}

/* TCIFLUSH 0, TCOFLUSH 1, TCIOFLUSH 2. What is on its way out goes out all the same. */
static int64_t flush(struct console *c, uint64_t which)
{
	if (which > 2)
		return -EINVAL;
	if (which == 1)
		return 0;
	lock_acquire(&c->lock);
	tty_flush_input(&c->tty);
	console_unlock(c);
	return 0;
}

static int64_t get_pending(struct console *c, uint64_t arg)
{
	uint32_t n;

	lock_acquire(&c->lock);
	n = tty_pending(&c->tty);
	console_unlock(c);
	return USER_PUT(arg, &n);
}

static int64_t put_int(uint64_t arg, uint32_t v)
{
	return USER_PUT(arg, &v);
}

static int64_t console_ioctl(struct object *o, uint32_t cmd, uint64_t arg)
{
	struct console *c = console_of(o);
	if (c->line == NULL)
		return -ENOTTY;
	switch (cmd) {
	case LINUX_TCGETS: return get_termios(c, arg);
	case LINUX_TCSETS:
	case LINUX_TCSETSW: return set_termios(c, arg, false);
	case LINUX_TCSETSF: return set_termios(c, arg, true);
	case LINUX_TCFLSH: return flush(c, arg);
	case LINUX_TIOCGWINSZ: return get_winsize(c, arg);
	case LINUX_TIOCSWINSZ: return set_winsize(c, arg);
	case LINUX_FIONREAD: return get_pending(c, arg);
	case LINUX_TIOCOUTQ: return put_int(arg, (uint32_t)chardev_unsent(c->line));
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

static int open_at(unsigned int number, struct container *container, struct object **out)
{
	struct opener *opener = kalloc(container, sizeof(*opener));
	struct console *c = &consoles[number];

	if (opener == NULL)
		return -ENOMEM;
	object_init(&opener->object, &console_ops, container);
	opener->console = c;
	lock_acquire(&c->lock);
	list_add_tail(&opener->node, &c->openers);
	console_unlock(c);
	*out = &opener->object;
	return 0;
}

int console_open(const struct device *device, struct container *container, struct object **out)
{
	(void)device;
	return open_at(0, container, out);
}

int console_open_further(const struct device *device, struct container *container,
			 struct object **out)
{
	unsigned int number = (unsigned int)(device->rdev - CONSOLE_RDEV_FURTHER);

	return number < nr_consoles ? open_at(number, container, out) : -ENODEV;
}
