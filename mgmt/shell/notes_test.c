// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/shell/notes.c
// TEST-LIBS: -Wl,--wrap=open,--wrap=fstat,--wrap=poll
// A pipe in the log's place. Readable with nothing to read is what the kernel says when it has
// shown its lines itself.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <cmocka.h>

#include "mgmt/shell/notes.h"

int __wrap_open(const char *path, int flags, ...);
int __wrap_fstat(int fd, struct stat *st);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);

static dev_t terminal;
static const char *opened; /* NULL: nothing was */
static int klog[2];
static int readable; /* so often poll says that there is a line */

int __wrap_open(const char *path, int flags, ...)
{
	opened = path;
	assert_int_equal(fcntl(klog[0], F_SETFL, flags & O_NONBLOCK), 0);
	return klog[0];
}

int __wrap_fstat(int fd, struct stat *st)
{
	assert_int_equal(fd, STDIN_FILENO);
	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFCHR;
	st->st_rdev = terminal;
	return 0;
}

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	assert_int_equal(n, 1);
	assert_int_equal(timeout, 0);
	fds->revents = readable > 0 ? POLLIN : 0;
	return readable-- > 0;
}

static void test_nothing_to_read(void **state)
{
	static const char line[] = "a line\n";
	int out = dup(STDOUT_FILENO), shown[2];
	char text[64];

	(void)state;
	terminal = makedev(5, 1);
	assert_int_equal(pipe(klog), 0);
	assert_int_equal(pipe(shown), 0);
	notes_begin();
	assert_int_equal(notes_fd(), klog[0]);
	assert_int_equal(dup2(shown[1], STDOUT_FILENO), STDOUT_FILENO);
	alarm(20); /* whoever waits for a line is ended */
	readable = 1;
	notes_print();
	assert_int_equal(write(klog[1], line, strlen(line)), strlen(line));
	readable = 2;
	notes_print();
	alarm(0);
	assert_int_equal(dup2(out, STDOUT_FILENO), STDOUT_FILENO);
	assert_int_equal(read(shown[0], text, sizeof(text)), strlen(line));
	assert_memory_equal(text, line, strlen(line));
}

/* The log of the console that the shell has; on another terminal none. */
static void test_devices(void **state)
{
	static const struct {
		unsigned major, minor;
		const char *device;
	} rows[] = {
		{ 5, 1, "/dev/klog" }, { 0xf0, 1, "/dev/klog1" }, { 0xf0, 4, "/dev/klog4" },
		{ 0xf0, 0, NULL },     { 0xf0, 5, NULL },         { 5, 0, NULL },
		{ 136, 1, NULL },
	};

	(void)state;
	assert_int_equal(pipe(klog), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		opened = NULL;
		terminal = makedev(rows[i].major, rows[i].minor);
		notes_begin();
		if (rows[i].device)
			assert_string_equal(opened, rows[i].device);
		else
			assert_null(opened);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_nothing_to_read),
					    cmocka_unit_test(test_devices) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
