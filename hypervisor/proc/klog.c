// SPDX-License-Identifier: GPL-2.0-or-later
// /dev/klog: who has it open shows the log's lines in the kernel's place, on the console that it
// drives anyway; /dev/klog1 to 4 are for the further consoles. Lines are written in any context,
// with locks held; so the readers are told of them by an interrupt that the CPU sends to itself.
#include "cpu/intr.h"
#include "cpu/lapic.h"
#include "cpu/log.h"
#include "lib/errno.h"
#include "mem/kalloc.h"
#include "proc/device.h"
#include "proc/process.h"
#include "proc/user.h"

#define LINE_MAX 256

struct klog {
	struct object object;
	unsigned int console; /* [I] */
	unsigned int sink;    /* [I] of the log's */
};

static const struct lock_class klog_class = { "klog", LOCK_RANK_OBJECT };

/* Locks: [I] immutable after the first open   [l] lock   [a] atomic */
static struct {
	struct lock lock;
	struct klog *readers[CONSOLE_MAX]; /* [l] NULL: none */
	uint8_t vector; /* [I] 0: none could be had, the kernel shows its lines itself */
	bool kicked;    /* [a] an interrupt is on its way */
} klog = { .lock = LOCK_INIT(&klog_class) };

static void on_vector(struct trap_frame *frame)
{
	(void)frame;
	__atomic_store_n(&klog.kicked, false, __ATOMIC_SEQ_CST);
	lock_acquire(&klog.lock);
	for (unsigned int i = 0; i < CONSOLE_MAX; i++) {
		if (klog.readers[i] != NULL)
			object_notify(&klog.readers[i]->object);
	}
	lock_release(&klog.lock);
}

static void kick(void)
{
	if (!__atomic_exchange_n(&klog.kicked, true, __ATOMIC_SEQ_CST))
		lapic_send_ipi(this_cpu()->apic_id, klog.vector);
}

void klog_init(void)
{
	klog.vector = intr_alloc();
	if (klog.vector != 0)
		intr_register(klog.vector, on_vector);
	else
		log_warn("no interrupt for /dev/klog: the log stays on the console");
}

static struct klog *klog_of(struct object *o)
{
	return container_of(o, struct klog, object);
}

static void klog_destroy(struct object *o)
{
	struct klog *k = klog_of(o);

	/* The next reader may come as soon as it is given back: not before it is out of the list.
	 */
	lock_acquire(&klog.lock);
	klog.readers[k->console] = NULL;
	lock_release(&klog.lock);
	log_give_back(k->sink);
	kfree(k);
}

static uint32_t klog_ready(struct object *o)
{
	return log_waits(klog_of(o)->sink) ? OBJECT_IN : 0;
}

/* One line with its newline, cut to the room. */
static int64_t klog_read(struct object *o, uint64_t buf, uint64_t len)
{
	char line[LINE_MAX];
	int64_t n;

	if (len < 2)
		return -EINVAL;
	n = log_take(klog_of(o)->sink, line, MIN(len, (uint64_t)sizeof(line)));
	if (n < 0)
		return -EAGAIN;
	line[n++] = '\n'; /* where the NUL was */
	return copy_to_user(buf, line, (size_t)n) == 0 ? n : -EFAULT;
}

const struct object_ops klog_ops = {
	.name = "klog",
	.destroy = klog_destroy,
	.ready = klog_ready,
	.read = klog_read,
};

static unsigned int console_number(const struct device *d)
{
	return d->rdev > KLOG_RDEV_FURTHER ? (unsigned int)(d->rdev - KLOG_RDEV_FURTHER) : 0;
}

/* One reader at a time of each console. */
int klog_open(const struct device *d, struct container *c, struct object **out)
{
	unsigned int console = console_number(d);
	int rc, sink = console_log_sink(console);
	struct klog *k;

	if (!process_is_admin())
		return -EPERM;
	if (klog.vector == 0 || sink < 0)
		return -ENODEV;
	k = kalloc(c, sizeof(*k));
	if (k == NULL)
		return -ENOMEM;
	k->console = console;
	k->sink = (unsigned int)sink;
	rc = log_take_over(k->sink, kick);
	if (rc != 0) {
		kfree(k);
		return rc;
	}
	object_init(&k->object, &klog_ops, c);
	lock_acquire(&klog.lock);
	klog.readers[console] = k;
	lock_release(&klog.lock);
	*out = &k->object;
	return 0;
}
