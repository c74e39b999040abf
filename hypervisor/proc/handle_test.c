// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: proc/handle.c proc/object.c proc/archive.c mem/kalloc.c mem/container.c mem/page.c mem/zone.c mem/preempt.c
// Handle tables: lowest number first, limits, quotas that run out, every reference dropped once;
// with several CPUs at work on one table. And names of the boot archive: links, loops, later files
// win.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/errno.h"
#include "mem/kalloc.h"
#include "proc/archive.h"
#include "proc/handle.h"
#include "tests/host/rand.h"
#include "tests/host/thread.h"

static uint64_t alive; /* [a] */
static struct container *box;

static void thing_destroy(struct object *o)
{
	__atomic_fetch_sub(&alive, 1, __ATOMIC_SEQ_CST);
	kfree(o);
}

static const struct object_ops thing_ops = { .name = "thing", .destroy = thing_destroy };
static const struct object_ops other_ops = { .name = "other", .destroy = thing_destroy };

static struct object *thing(void)
{
	struct object *o = kalloc(kernel_container, sizeof(*o));

	object_init(o, &thing_ops, kernel_container);
	__atomic_fetch_add(&alive, 1, __ATOMIC_SEQ_CST);
	return o;
}

static uint64_t used(void)
{
	struct container_info info;

	container_get_info(box, &info);
	return info.used;
}

static void test_numbers(void **state)
{
	struct handle_table t;
	struct object *o;

	(void)state;
	handle_table_init(&t, box);
	for (int i = 0; i < 40; i++)
		assert_int_equal(handle_install(&t, thing(), 0, 0), i);
	assert_int_equal(handle_close(&t, 7), 0);
	assert_int_equal(handle_close(&t, 7), -EBADF);
	assert_null(handle_get(&t, 7));
	assert_int_equal(handle_install(&t, thing(), 8, HANDLE_CLOEXEC), 40);
	assert_int_equal(handle_flags(&t, 40), HANDLE_CLOEXEC);
	assert_int_equal(handle_install(&t, thing(), 0, 0), 7);
	assert_int_equal(handle_count(&t), 41);
	assert_int_equal(handle_install_at(&t, thing(), 3, 0), 3);
	assert_int_equal(alive, 41);
	assert_null(handle_get_kind(&t, 3, &other_ops));
	o = handle_get_kind(&t, 3, &thing_ops);
	assert_non_null(o);
	handle_table_close(&t);
	assert_int_equal(alive, 1);
	object_put(o);
	assert_int_equal(alive, 0);
	o = thing();
	assert_int_equal(handle_install(&t, o, 0, 0), -EMFILE);
	object_put(o);
	assert_int_equal(used(), 0);
}

static void test_limits(void **state)
{
	static const int bad[] = { -1, HANDLES_MAX, INT32_MAX, INT32_MIN };
	struct handle_table t;
	struct object *o = thing();

	(void)state;
	handle_table_init(&t, box);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(handle_install_at(&t, o, bad[i], 0), -EBADF);
		assert_int_equal(handle_close(&t, bad[i]), -EBADF);
		assert_int_equal(handle_flags(&t, bad[i]), -EBADF);
		assert_null(handle_get(&t, bad[i]));
		assert_null(handle_take(&t, bad[i]));
	}
	assert_int_equal(handle_install_at(&t, o, HANDLES_MAX - 1, 0), HANDLES_MAX - 1);
	for (int i = 0; i < HANDLES_MAX - 1; i++)
		assert_int_equal(handle_install(&t, thing(), 0, 0), i);
	o = thing();
	assert_int_equal(handle_install(&t, o, 0, 0), -EMFILE);
	object_put(o);
	handle_table_close(&t);
	assert_int_equal(alive, 0);
	assert_int_equal(used(), 0);
}

static void test_quota(void **state)
{
	struct container *small = container_create(kernel_container, "small", 600);
	struct handle_table t;
	struct object *o;
	int n = 0, rc;

	(void)state;
	handle_table_init(&t, small);
	for (;; n++) {
		o = thing();
		rc = handle_install(&t, o, 0, 0);
		if (rc < 0)
			break;
		assert_int_equal(rc, n);
	}
	object_put(o);
	assert_int_equal(rc, -ENOMEM);
	assert_true(n >= 16);
	assert_int_equal(handle_count(&t), n);
	handle_table_close(&t);
	container_put(small);
	assert_int_equal(alive, 0);
}

static struct handle_table shared;

static void hammer(void *arg)
{
	uint64_t r = this_cpu_id().n + 1;

	(void)arg;
	for (int i = 0; i < 5000; i++) {
		int fd = (int)host_rand_below(&r, 24);
		struct object *o;

		switch (host_rand_below(&r, 4)) {
		case 0:
			o = thing();
			if (handle_install(&shared, o, (unsigned int)fd, 0) < 0)
				object_put(o);
			break;
		case 1:
			o = thing();
			if (handle_install_at(&shared, o, fd, 0) < 0)
				object_put(o);
			break;
		case 2: (void)handle_close(&shared, fd); break;
		default: object_put(handle_get(&shared, fd)); break;
		}
	}
}

static void test_at_once(void **state)
{
	(void)state;
	handle_table_init(&shared, box);
	host_run_on_cpus(4, hammer, NULL);
	assert_int_equal(alive, handle_count(&shared));
	handle_table_close(&shared);
	assert_int_equal(alive, 0);
	assert_int_equal(used(), 0);
}

/* ---- the archive ---- */

static char bytes[8192];
static size_t size;

static void put(const char *name, unsigned int mode, const char *data)
{
	size += (size_t)snprintf(bytes + size, sizeof(bytes) - size,
				 "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 1,
				 mode, 0, 0, 1, 5, (unsigned int)strlen(data), 0, 0, 0, 0,
				 (unsigned int)strlen(name) + 1, 0);
	memcpy(bytes + size, name, strlen(name) + 1);
	size = (size + strlen(name) + 1 + 3) & ~(size_t)3;
	memcpy(bytes + size, data, strlen(data));
	size = (size + strlen(data) + 3) & ~(size_t)3;
}

static int look(const char *path, bool follow, struct archive_node **n)
{
	return archive_lookup(archive_root(), path, follow, n);
}

static void expect_file(const char *path, const char *data, const char *real)
{
	struct archive_node *n = NULL;
	char name[64];

	assert_int_equal(look(path, true, &n), 0);
	assert_int_equal(n->size, strlen(data));
	assert_memory_equal(n->data, data, strlen(data));
	assert_int_equal(archive_path(n, name, sizeof(name)), strlen(real));
	assert_string_equal(name, real);
}

static void test_archive(void **state)
{
	struct archive_node *n;
	char longest[ARCHIVE_PATH_MAX + 8];

	(void)state;
	put("etc/a", 0100644, "first");
	put("etc/a", 0100600, "second");
	put("link", 0120777, "etc/../etc/a");
	put("dir", 0120777, "/etc");
	put("loop", 0120777, "loop2");
	put("loop2", 0120777, "loop");
	put("dev/disk", 0060600, "");
	put("../evil", 0100644, "x");
	put("TRAILER!!!", 0, "");
	assert_int_equal(archive_add(bytes, size), 8);

	expect_file("/etc/a", "second", "/etc/a");
	expect_file("etc//./a", "second", "/etc/a");
	expect_file("/../../etc/a", "second", "/etc/a");
	expect_file("/link", "second", "/etc/a");
	expect_file("/dir/a", "second", "/etc/a");
	assert_int_equal(look("/link", false, &n), 0);
	assert_true(archive_is(n, MODE_SYMLINK));
	assert_int_equal(look("/loop", true, &n), -ELOOP);
	assert_int_equal(look("/loop", false, &n), 0);
	assert_int_equal(look("/etc/a/", true, &n), -ENOTDIR);
	assert_int_equal(look("/etc/a/b", true, &n), -ENOTDIR);
	assert_int_equal(look("/etc/b", true, &n), -ENOENT);
	assert_int_equal(look("/evil", true, &n), -ENOENT);
	assert_int_equal(look("/dev/disk", true, &n), -ENOENT);
	assert_int_equal(look("", true, &n), -ENOENT);
	assert_int_equal(look("/etc/", true, &n), 0);
	assert_true(archive_is(n, MODE_DIR));
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(look(longest, true, &n), -ENAMETOOLONG);

	assert_int_equal(archive_add_device("/dev/null", 0666, "null"), 0);
	assert_int_equal(look("/dev/null", true, &n), 0);
	assert_true(archive_is(n, MODE_CHAR));
	assert_string_equal(n->device, "null");
	assert_int_equal(archive_add_device("/etc", 0666, "x"), -EEXIST);
}

static int setup(void **state)
{
	(void)state;
	host_machine_init();
	box = container_create(kernel_container, "box", MiB(1));
	return box == NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_quota),   cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_archive),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
