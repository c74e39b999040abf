// SPDX-License-Identifier: GPL-2.0-or-later
// The lines that lead to a console. All are read and written without waiting.

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "mgmt/client/client.h"
#include "mgmt/lib/clock.h"

static const struct {
	unsigned baud;
	speed_t speed;
} speeds[] = {
	{ 9600, B9600 },     { 19200, B19200 },   { 38400, B38400 },   { 57600, B57600 },
	{ 115200, B115200 }, { 230400, B230400 }, { 460800, B460800 }, { 921600, B921600 },
};

static int failed(const char *name, const char *why)
{
	fprintf(stderr, "strata-client: %s: %s\n", name, why);
	return -1;
}

int link_serial(const char *device, unsigned baud)
{
	int fd = open(device, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct termios t;
	size_t i = 0;

	while (i < sizeof(speeds) / sizeof(speeds[0]) && speeds[i].baud != baud)
		i++;
	if (i == sizeof(speeds) / sizeof(speeds[0]))
		return failed(device, "--baud: expected 9600, 19200, ... or 921600");
	if (fd < 0)
		return failed(device, strerror(errno));
	if (tcgetattr(fd, &t)) {
		close(fd);
		return failed(device, "expected a serial device or a pty");
	}
	cfmakeraw(&t);
	t.c_cflag |= CLOCAL | CREAD;
	cfsetspeed(&t, speeds[i].speed);
	tcsetattr(fd, TCSANOW, &t);
	return fd;
}

int link_unix(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(a.sun_path))
		return failed(path, "expected a shorter path");
	strcpy(a.sun_path, path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		failed(path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* 0, or an errno. */
static int connect_until(int fd, const struct addrinfo *a, int64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int64_t left = deadline_ms - now_ms();
	int error = 0;
	socklen_t len = sizeof(error);

	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	if (poll(&p, 1, left < 0 ? 0 : (int)left) != 1)
		return ETIMEDOUT;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error;
}

static int connect_any(const struct addrinfo *list, int64_t deadline_ms, int *error)
{
	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		*error = fd < 0 ? errno : connect_until(fd, a, deadline_ms);
		if (!*error)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

int link_tcp(const char *host_port, int64_t deadline_ms)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	const char *colon = strrchr(host_port, ':');
	char host[256];
	int fd, error = 0;

	if (!colon || colon == host_port || !colon[1] ||
	    (size_t)(colon - host_port) >= sizeof(host))
		return failed(host_port, "expected HOST:PORT");
	memcpy(host, host_port, (size_t)(colon - host_port));
	host[colon - host_port] = '\0';
	error = getaddrinfo(host, colon + 1, &hints, &list);
	if (error)
		return failed(host_port, gai_strerror(error));
	fd = connect_any(list, deadline_ms, &error);
	freeaddrinfo(list);
	return fd < 0 ? failed(host_port, strerror(error)) : fd;
}
