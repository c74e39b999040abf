// SPDX-License-Identifier: GPL-2.0-or-later
// A read gives one line with its newline. Lines go straight to the terminal: stdout may be a buffer
// of a command that a program asked for.

#include "mgmt/shell/notes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int fd = -1;

/* The kernel leaves the first console alone, and none of the others. */
static bool is_first_console(void)
{
	struct stat st;

	return fstat(STDIN_FILENO, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(5, 1);
}

void notes_begin(void)
{
	if (!is_first_console())
		return;
	/* Readable may mean that the kernel has shown its lines itself, and wants a reader to say
	 * that it is there again: then there is nothing to read. */
	fd = open("/dev/klog", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
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
