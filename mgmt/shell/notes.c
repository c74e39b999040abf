// SPDX-License-Identifier: GPL-2.0-or-later
// A read gives one line with its newline. Lines go straight to the terminal: stdout may be a buffer
// of a command that a program asked for.

#include "mgmt/shell/notes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int fd = -1;

/* Strata's numbers for the further consoles: 0xf000 + 1 and on, as major << 8 | minor. */
#define FURTHER_MAJOR 0xf0
#define FURTHER_MAX   4

/* Of the console that we have; NULL: it is none of Strata's. */
static const char *log_device(void)
{
	static const char *const further[] = { "/dev/klog1", "/dev/klog2", "/dev/klog3",
					       "/dev/klog4" };
	struct stat st;

	if (fstat(STDIN_FILENO, &st) != 0 || !S_ISCHR(st.st_mode))
		return NULL;
	if (st.st_rdev == makedev(5, 1))
		return "/dev/klog";
	if (major(st.st_rdev) != FURTHER_MAJOR || minor(st.st_rdev) - 1 >= FURTHER_MAX)
		return NULL;
	return further[minor(st.st_rdev) - 1];
}

void notes_begin(void)
{
	const char *device = log_device();

	if (!device)
		return;
	/* Readable may mean that the kernel has shown its lines itself, and wants a reader to say
	 * that it is there again: then there is nothing to read. */
	fd = open(device, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

int notes_fd(void)
{
	return fd;
}

static void write_all(const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, text, len);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
}

void notes_print(void)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char line[512];
	ssize_t n;

	fflush(stdout);
	while (poll(&p, 1, 0) == 1 && (n = read(fd, line, sizeof(line))) > 0)
		write_all(line, (size_t)n);
}
