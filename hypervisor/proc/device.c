// SPDX-License-Identifier: GPL-2.0-or-later
// The simple devices: an object without state of its own for each opener. The console is in
// console.c.
#include "proc/device.h"

#include "cpu/log.h"
#include "lib/errno.h"
#include "mem/kalloc.h"
#include "proc/archive.h"
#include "proc/random.h"
#include "proc/user.h"

struct simple {
	struct object object;
	const struct device *device;
};

static void simple_destroy(struct object *o)
{
	kfree(container_of(o, struct simple, object));
}

static int simple_stat(struct object *o, struct object_stat *st)
{
	*st = (struct object_stat){
		.mode = MODE_CHAR | 0666,
		.nlink = 1,
		.rdev = container_of(o, struct simple, object)->device->rdev,
	};
	return 0;
}

static int64_t null_read(struct object *o, uint64_t buf, uint64_t len)
{
	(void)o;
	(void)buf;
	(void)len;
	return 0;
}

static int64_t null_write(struct object *o, uint64_t buf, uint64_t len)
{
	(void)o;
	(void)buf;
	return (int64_t)len;
}

static int64_t zero_read(struct object *o, uint64_t buf, uint64_t len)
{
	(void)o;
	return user_clear(buf, len) == 0 ? (int64_t)len : -EFAULT;
}

static int64_t random_read(struct object *o, uint64_t buf, uint64_t len)
{
	uint8_t bytes[256];
	uint64_t n = MIN(len, (uint64_t)sizeof(bytes));

	(void)o;
	random_bytes(bytes, n);
	return copy_to_user(buf, bytes, n) == 0 ? (int64_t)n : -EFAULT;
}

static const struct object_ops null_ops = {
	.name = "null",
	.destroy = simple_destroy,
	.read = null_read,
	.write = null_write,
	.stat = simple_stat,
};

static const struct object_ops zero_ops = {
	.name = "zero",
	.destroy = simple_destroy,
	.read = zero_read,
	.write = null_write,
	.stat = simple_stat,
};

static const struct object_ops random_ops = {
	.name = "random",
	.destroy = simple_destroy,
	.read = random_read,
	.write = null_write,
	.stat = simple_stat,
};

static int simple_open(const struct device *d, struct container *c, struct object **out)
{
	struct simple *s = kalloc(c, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	object_init(&s->object, d->ops, c);
	s->device = d;
	*out = &s->object;
	return 0;
}

static const struct device devices[] = {
	{ "/dev/null", simple_open, &null_ops, 0x103 },
	{ "/dev/zero", simple_open, &zero_ops, 0x105 },
	{ "/dev/random", simple_open, &random_ops, 0x108 },
	{ "/dev/urandom", simple_open, &random_ops, 0x109 },
	{ "/dev/tty", console_open, &console_ops, 0x500 },
	{ "/dev/console", console_open, &console_ops, CONSOLE_RDEV },
	{ "/dev/console1", console_open_further, &console_ops, CONSOLE_RDEV_FURTHER + 1 },
	{ "/dev/console2", console_open_further, &console_ops, CONSOLE_RDEV_FURTHER + 2 },
	{ "/dev/console3", console_open_further, &console_ops, CONSOLE_RDEV_FURTHER + 3 },
	{ "/dev/console4", console_open_further, &console_ops, CONSOLE_RDEV_FURTHER + 4 },
	{ "/dev/klog", klog_open, &klog_ops, 0x10b },
	{ "/dev/klog1", klog_open, &klog_ops, KLOG_RDEV_FURTHER + 1 },
	{ "/dev/klog2", klog_open, &klog_ops, KLOG_RDEV_FURTHER + 2 },
	{ "/dev/klog3", klog_open, &klog_ops, KLOG_RDEV_FURTHER + 3 },
	{ "/dev/klog4", klog_open, &klog_ops, KLOG_RDEV_FURTHER + 4 },
};

void device_init(void)
{
	klog_init();
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		int rc = archive_add_device(devices[i].path, 0666, &devices[i]);

		if (rc != 0)
			log_warn("%s: cannot be made: error %d", devices[i].path, -rc);
	}
}
