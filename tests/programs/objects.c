// SPDX-License-Identifier: GPL-2.0-or-later
// Channels, processes, events, timers and poll as ring 3 sees them, their failures first of all.
// Every check that does not hold prints a line; at the end `objects: ok` or the number of failures.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "abi/strata.h"

#define MS  1000000ll
#define BAD ((void *)0xffff800000000000) /* the kernel's */

static int failures;
static volatile int *volatile nowhere = (int *)16;

#define CHECK(cond)                                                         \
	do {                                                                \
		if (!(cond)) {                                              \
			printf("objects: line %d: %s\n", __LINE__, #cond);  \
			__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED); \
		}                                                           \
	} while (0)

static long call(long nr, long a, long b, long c, long d)
{
	long rc = syscall(nr, a, b, c, d);

	return rc == -1 ? -errno : rc;
}

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static long send_msg(int fd, const char *text, int handle, int64_t timeout)
{
	struct chan_msg m = {
		.buf = (uintptr_t)text,
		.len = (uint32_t)strlen(text),
		.flags = timeout == 0 ? CHAN_NOWAIT : 0,
		.timeout_ns = timeout,
		.nr_handles = handle >= 0,
		.handles = { handle },
	};

	return call(SYS_CHAN_SEND, fd, (long)&m, 0, 0);
}

static long receive(int fd, char *buf, uint32_t room, int *handle, int64_t timeout)
{
	struct chan_msg m = {
		.buf = (uintptr_t)buf,
		.len = room,
		.flags = timeout == 0 ? CHAN_NOWAIT : 0,
		.timeout_ns = timeout,
		.nr_handles = handle != NULL,
	};
	long n = call(SYS_CHAN_RECV, fd, (long)&m, 0, 0);

	if (handle != NULL)
		*handle = n >= 0 && m.nr_handles ? m.handles[0] : -1;
	return n;
}

static void make(int32_t ends[2], int depth)
{
	CHECK(call(SYS_CHAN_CREATE, (long)ends, depth, 0, 0) == 0);
}

/* ---- channels ---- */

static void test_bad_arguments(void)
{
	struct chan_msg good = { .flags = CHAN_NOWAIT }, m;
	int32_t ends[2];

	CHECK(call(SYS_CHAN_CREATE, (long)ends, 0, 0, 0) == -EINVAL);
	CHECK(call(SYS_CHAN_CREATE, (long)ends, 65, 0, 0) == -EINVAL);
	CHECK(call(SYS_CHAN_CREATE, (long)BAD, 1, 0, 0) == -EFAULT);
	CHECK(call(SYS_CHAN_CREATE, 8, 1, 0, 0) == -EFAULT);
	make(ends, 1);
	CHECK(ends[0] == 3 && ends[1] == 4); /* what failed left no handle behind */
	CHECK(call(SYS_CHAN_SEND, ends[0], (long)BAD, 0, 0) == -EFAULT);
	CHECK(call(SYS_CHAN_SEND, 99, (long)&good, 0, 0) == -EBADF);
	CHECK(call(SYS_CHAN_SEND, -1, (long)&good, 0, 0) == -EBADF);
	CHECK(call(SYS_CHAN_SEND, 1, (long)&good, 0, 0) == -EBADF); /* the console */
	m = good, m.len = CHAN_MSG_MAX + 1;
	CHECK(call(SYS_CHAN_SEND, ends[0], (long)&m, 0, 0) == -EINVAL);
	m = good, m.flags = 2;
	CHECK(call(SYS_CHAN_SEND, ends[0], (long)&m, 0, 0) == -EINVAL);
	m = good, m.call = 1;
	CHECK(call(SYS_CHAN_SEND, ends[0], (long)&m, 0, 0) == -ESRCH);
	m = good, m.nr_handles = CHAN_HANDLES_MAX + 1;
	CHECK(call(SYS_CHAN_SEND, ends[0], (long)&m, 0, 0) == -EINVAL);
	m = good, m.flags = 0, m.timeout_ns = -2;
	CHECK(call(SYS_CHAN_SEND, ends[0], (long)&m, 0, 0) == -EINVAL);
	m = good, m.len = 8, m.buf = (uintptr_t)BAD;
	CHECK(call(SYS_CHAN_SEND, ends[0], (long)&m, 0, 0) == -EFAULT);
	m = good, m.nr_handles = 1, m.handles[0] = 77;
	CHECK(call(SYS_CHAN_SEND, ends[0], (long)&m, 0, 0) == -EBADF);
	CHECK(call(SYS_CHAN_CHECK, ends[1], 0, 0, 0) == 0); /* none of these was sent */
	CHECK(call(SYS_CHAN_CHECK, 1, 0, 0, 0) == -EBADF);
	CHECK(call(SYS_CHAN_WAIT, 1, 0, 0, 0) == -EBADF);
	close(ends[0]);
	close(ends[1]);
}

static void test_messages(void)
{
	char buf[CHAN_MSG_MAX];
	int32_t ends[2];
	int64_t start;

	make(ends, 2);
	CHECK(receive(ends[1], buf, 10, NULL, 0) == -EAGAIN);
	start = now();
	CHECK(receive(ends[1], buf, 10, NULL, 20 * MS) == -ETIMEDOUT);
	CHECK(now() - start >= 20 * MS);
	CHECK(call(SYS_CHAN_WAIT, ends[1], 5 * MS, 0, 0) == -ETIMEDOUT);
	CHECK(send_msg(ends[0], "one", -1, 0) == 0 && send_msg(ends[0], "two", -1, 0) == 0);
	CHECK(send_msg(ends[0], "three", -1, 0) == -EAGAIN);
	CHECK(send_msg(ends[0], "three", -1, 10 * MS) == -ETIMEDOUT);
	CHECK(call(SYS_CHAN_CHECK, ends[1], 0, 0, 0) == 2);
	CHECK(call(SYS_CHAN_WAIT, ends[1], -1, 0, 0) == 0);
	CHECK(receive(ends[1], buf, 2, NULL, 0) == -EMSGSIZE);
	CHECK(receive(ends[1], buf, 3, NULL, 0) == 3 && memcmp(buf, "one", 3) == 0);
	close(ends[0]);
	CHECK(receive(ends[1], buf, 10, NULL, 0) == 3 && memcmp(buf, "two", 3) == 0);
	CHECK(receive(ends[1], buf, 10, NULL, -1) == -EPIPE);
	CHECK(call(SYS_CHAN_WAIT, ends[1], -1, 0, 0) == -EPIPE);
	CHECK(send_msg(ends[1], "x", -1, -1) == -EPIPE);
	CHECK(read(ends[1], buf, 10) == 0);
	close(ends[1]);
}

static void test_handles(void)
{
	int32_t a[2], b[2];
	char buf[8];
	int got;

	make(a, 2);
	make(b, 2);
	CHECK(send_msg(a[0], "take", b[0], 0) == 0);
	CHECK(fcntl(b[0], F_GETFD) == -1 && errno == EBADF); /* moved */
	CHECK(receive(a[1], buf, 8, NULL, 0) == -EMSGSIZE);  /* no room for its handle */
	CHECK(receive(a[1], buf, 8, &got, 0) == 4 && got >= 0);
	CHECK(send_msg(b[1], "hi", -1, 0) == 0);
	CHECK(receive(got, buf, 8, NULL, 0) == 2);
	CHECK(send_msg(a[0], "self", a[1], 0) == -ELOOP);
	CHECK(send_msg(a[0], "", got, 0) == 0);
	close(a[0]);
	close(a[1]); /* the message and the end in it go with its queue */
	CHECK(send_msg(b[1], "x", -1, 0) == -EPIPE);
	close(b[1]);
}

#define SENDERS 4
#define EACH    500
static int32_t pipe_ends[2];

static void *sender(void *arg)
{
	char text[2] = { (char)('A' + (long)arg), 0 };

	for (int i = 0; i < EACH; i++)
		CHECK(send_msg(pipe_ends[0], text, -1, -1) == 0);
	return NULL;
}

static void test_senders(void)
{
	int count[SENDERS] = { 0 };
	pthread_t t[SENDERS];
	char c;

	make(pipe_ends, 1);
	for (long i = 0; i < SENDERS; i++)
		CHECK(pthread_create(&t[i], NULL, sender, (void *)i) == 0);
	for (int i = 0; i < SENDERS * EACH; i++) {
		CHECK(receive(pipe_ends[1], &c, 1, NULL, -1) == 1);
		if (c >= 'A' && c < 'A' + SENDERS)
			count[c - 'A']++;
	}
	for (int i = 0; i < SENDERS; i++) {
		CHECK(count[i] == EACH);
		pthread_join(t[i], NULL);
	}
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

/* ---- calls ---- */

#define HOPS 3

static int32_t hops[HOPS][2];

/* What the last of them waits at. Locks: [g] lock */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t opened;
	bool closed;  /* [g] */
	bool reached; /* [g] since it was closed */
} gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false };

static void gate_close(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.closed = true;
	gate.reached = false;
	pthread_mutex_unlock(&gate.lock);
}

/* True if somebody has come to it. */
static bool gate_open(void)
{
	bool reached;

	pthread_mutex_lock(&gate.lock);
	gate.closed = false;
	reached = gate.reached;
	pthread_cond_broadcast(&gate.opened);
	pthread_mutex_unlock(&gate.lock);
	return reached;
}

static void gate_pass(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.reached = true;
	while (gate.closed)
		pthread_cond_wait(&gate.opened, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
}

static long call_hop(int i, int64_t timeout)
{
	char buf[4];
	struct chan_msg request = { .buf = (uintptr_t) "ask", .len = 3, .timeout_ns = timeout };
	struct chan_msg reply = { .buf = (uintptr_t)buf, .len = sizeof(buf) };

	return call(SYS_CHAN_CALL, hops[i][0], (long)&request, (long)&reply, 0);
}

/* Asks the next one before it answers; the last one takes its time. */
static void *serve_hop(void *arg)
{
	int i = (int)(long)arg;
	long rc;

	for (;;) {
		char buf[4];
		struct chan_msg m = { .buf = (uintptr_t)buf, .len = 4, .timeout_ns = -1 };

		rc = call(SYS_CHAN_RECV, hops[i][1], (long)&m, 0, 0);
		if (rc == -EPIPE)
			return NULL;
		CHECK(rc == 3 && m.call != 0);
		if (i + 1 < HOPS) {
			CHECK(call_hop(i + 1, -1) == 3);
		} else {
			gate_pass();
			call(SYS_THREAD_SLEEP, 2 * MS, 0, 0, 0);
		}
		rc = call(SYS_CHAN_SEND, hops[i][1], (long)&m, 0, 0);
		CHECK(rc == 0 || rc == -ESRCH);
	}
}

static void *call_once(void *arg)
{
	(void)arg;
	CHECK(call_hop(0, -1) == -EPIPE);
	return NULL;
}

/* Given up while the last one has it: what was lent comes back from all of them. */
static void give_up_at_the_last(void)
{
	int reached = 0;

	/* The limit grows until the last one is reached within it, however slow the machine is. */
	for (int64_t limit = MS; reached < 3; limit *= 2) {
		gate_close();
		CHECK(call_hop(0, limit) == -ETIMEDOUT);
		reached += gate_open();
		CHECK(call_hop(0, -1) == 3);
	}
}

/* Through three servers: answered, given up at all moments, and the end gone. */
static void test_calls(void)
{
	pthread_t t[HOPS], caller;
	int given_up = 0;

	for (long i = 0; i < HOPS; i++) {
		make(hops[i], 1);
		CHECK(pthread_create(&t[i], NULL, serve_hop, (void *)i) == 0);
	}
	CHECK(call_hop(0, -1) == 3);
	for (int i = 0; i < 30; i++) {
		long rc = call_hop(0, i * MS / 5);

		CHECK(rc == 3 || rc == -ETIMEDOUT);
		given_up += rc == -ETIMEDOUT;
	}
	CHECK(given_up > 0 && call_hop(0, -1) == 3);
	give_up_at_the_last();
	for (int i = 0; i < HOPS; i++) {
		close(hops[i][0]);
		pthread_join(t[i], NULL);
		close(hops[i][1]);
	}
	make(hops[0], 1);
	CHECK(pthread_create(&caller, NULL, call_once, NULL) == 0);
	CHECK(call(SYS_CHAN_WAIT, hops[0][1], -1, 0, 0) == 0);
	close(hops[0][1]);
	pthread_join(caller, NULL);
	close(hops[0][0]);
}

/* ---- events, timers, poll, select ---- */

static void test_events(void)
{
	uint64_t v = 0;
	int fd = eventfd(3, EFD_NONBLOCK), semaphore = eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE);

	CHECK(read(fd, &v, 8) == 8 && v == 3);
	CHECK(read(fd, &v, 8) == -1 && errno == EAGAIN);
	v = UINT64_MAX;
	CHECK(write(fd, &v, 8) == -1 && errno == EINVAL);
	CHECK(write(fd, &v, 4) == -1 && errno == EINVAL);
	v = UINT64_MAX - 1;
	CHECK(write(fd, &v, 8) == 8);
	v = 1;
	CHECK(write(fd, &v, 8) == -1 && errno == EAGAIN);
	CHECK(write(fd, BAD, 8) == -1 && errno == EFAULT);
	CHECK(read(semaphore, &v, 8) == 8 && v == 1);
	CHECK(read(semaphore, &v, 8) == 8 && v == 1);
	CHECK(read(semaphore, &v, 8) == -1 && errno == EAGAIN);
	close(fd);
	close(semaphore);
}

static void test_timers(void)
{
	struct itimerspec spec = { .it_value.tv_nsec = 10 * MS, .it_interval.tv_nsec = 5 * MS };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0), event = eventfd(0, 0);
	int64_t start = now();
	uint64_t v = 0;

	CHECK(timerfd_settime(fd, 0, &spec, NULL) == 0);
	CHECK(read(fd, &v, 8) == 8 && v >= 1);
	CHECK(now() - start >= 10 * MS);
	usleep(30000);
	CHECK(read(fd, &v, 8) == 8 && v >= 4);
	CHECK(timerfd_gettime(fd, &spec) == 0 && spec.it_interval.tv_nsec == 5 * MS);
	CHECK(timerfd_settime(event, 0, &spec, NULL) == -1 && errno == EINVAL);
	CHECK(timerfd_settime(99, 0, &spec, NULL) == -1 && errno == EBADF);
	spec.it_value.tv_nsec = 1000000000;
	CHECK(timerfd_settime(fd, 0, &spec, NULL) == -1 && errno == EINVAL);
	close(fd);
	close(event);
}

static void *signal_later(void *arg)
{
	uint64_t one = 1;

	usleep(20000);
	CHECK(write((int)(long)arg, &one, 8) == 8);
	return NULL;
}

static void test_poll(void)
{
	int event = eventfd(0, 0);
	struct pollfd fds[3] = { { .fd = event, .events = POLLIN | POLLOUT },
				 { .fd = -1, .events = POLLIN },
				 { .fd = 99, .events = POLLIN } };
	struct timeval tv = { 0, 10000 };
	int64_t start = now();
	pthread_t t;
	fd_set set;

	CHECK(poll(fds, 3, -1) == 2);
	CHECK(fds[0].revents == POLLOUT && fds[1].revents == 0 && fds[2].revents == POLLNVAL);
	fds[0].events = POLLIN;
	CHECK(poll(fds, 1, 20) == 0 && now() - start >= 20 * MS);
	CHECK(poll(BAD, 1, 0) == -1 && errno == EFAULT);
	CHECK(pthread_create(&t, NULL, signal_later, (void *)(long)event) == 0);
	CHECK(poll(fds, 1, 10000) == 1 && fds[0].revents == POLLIN);
	pthread_join(t, NULL);
	FD_ZERO(&set);
	FD_SET(event, &set);
	CHECK(select(event + 1, &set, NULL, NULL, &tv) == 1 && FD_ISSET(event, &set));
	eventfd_read(event, &(eventfd_t){ 0 });
	CHECK(select(event + 1, &set, NULL, NULL, &tv) == 0 && !FD_ISSET(event, &set));
	close(event);
	FD_SET(event, &set);
	CHECK(select(event + 1, &set, NULL, NULL, &tv) == -1 && errno == EBADF);
}

/* ---- processes and the machine ---- */

static long spawn(struct proc_spawn *s, const char *path, char **argv)
{
	s->path = (uintptr_t)path;
	s->argv = (uintptr_t)argv;
	strcpy(s->name, "child");
	return call(SYS_PROC_SPAWN, (long)s, 0, 0, 0);
}

static void wait_end(int fd, struct proc_info *info)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	CHECK(poll(&p, 1, 20000) == 1);
	CHECK(call(SYS_PROC_INFO, fd, (long)info, 0, 0) == 0);
	close(fd);
}

static void test_processes(void)
{
	char *argv[] = { "objects", "child", NULL }, *sleeper[] = { "objects", "sleeper", NULL };
	char *crasher[] = { "objects", "crasher", NULL };
	struct proc_spawn good = { .flags = 0 }, s;
	struct proc_info info;
	int32_t ends[2];
	char buf[64];
	long fd;

	s = good;
	CHECK(spawn(&s, "/nothing", argv) == -ENOENT);
	CHECK(spawn(&s, "/etc/fruit", argv) == -EACCES);
	CHECK(spawn(&s, BAD, argv) == -EFAULT);
	CHECK(spawn(&s, "/bin/objects", BAD) == -EFAULT);
	s = good, s.flags = 2;
	CHECK(spawn(&s, "/bin/objects", argv) == -EINVAL);
	s = good, s.nr_fds = 9;
	CHECK(spawn(&s, "/bin/objects", argv) == -EINVAL);
	s = good, s.nr_fds = 1, s.fds[0] = 55;
	CHECK(spawn(&s, "/bin/objects", argv) == -EBADF);
	s = good, s.memory_limit = 4096;
	CHECK(spawn(&s, "/bin/objects", argv) == -ENOMEM);
	s = good, s.memory_limit = 1ull << 60;
	CHECK(spawn(&s, "/bin/objects", argv) == -ENOMEM);
	make(ends, 4);
	s = good, s.nr_fds = 4, s.memory_limit = 8 << 20;
	memcpy(s.fds, (int32_t[]){ 0, 1, 2, ends[1] }, 16);
	fd = spawn(&s, "/bin/objects", argv);
	CHECK(fd >= 0);
	close(ends[1]);
	CHECK(receive(ends[0], buf, sizeof(buf), NULL, -1) == 5 && memcmp(buf, "child", 5) == 0);
	CHECK(receive(ends[0], buf, sizeof(buf), NULL, -1) == -EPIPE);
	wait_end((int)fd, &info);
	CHECK(info.end == PROC_EXITED && info.exit_code == 42 && strcmp(info.name, "child") == 0);
	s = good;
	fd = spawn(&s, "/bin/objects", sleeper);
	CHECK(call(SYS_PROC_KILL, fd, 7, 0, 0) == 0);
	wait_end((int)fd, &info);
	CHECK(info.end == PROC_KILLED && info.exit_code == 7);
	fd = spawn(&s, "/bin/objects", crasher);
	wait_end((int)fd, &info);
	CHECK(info.end == PROC_FAULTED && info.exit_code == 11 && info.fault_address == 16);
	CHECK(call(SYS_PROC_KILL, 1, 0, 0, 0) == -EBADF);
	CHECK(call(SYS_PROC_INFO, ends[0], (long)&info, 0, 0) == -EBADF);
	close(ends[0]);
}

static void test_machine(void)
{
	struct sys_memory mem;
	uint64_t sequence = 0;
	char line[128];

	CHECK(call(SYS_SYS_INFO, SYS_TOPIC_MEMORY, 0, (long)&mem, sizeof(mem)) == sizeof(mem));
	CHECK(mem.free > 0 && mem.free < mem.total);
	CHECK(call(SYS_SYS_INFO, SYS_TOPIC_MEMORY, 1, (long)&mem, sizeof(mem)) == -ENOENT);
	CHECK(call(SYS_SYS_INFO, 77, 0, (long)&mem, sizeof(mem)) == -EINVAL);
	CHECK(call(SYS_SYS_INFO, SYS_TOPIC_HOST, 0, (long)BAD, 16) == -EFAULT);
	CHECK(call(SYS_SYS_POWER, 9, 0, 0, 0) == -EINVAL);
	CHECK(call(SYS_LOG_READ, (long)&sequence, (long)line, sizeof(line), 0) > 0 && sequence > 0);
	CHECK(call(SYS_LOG_READ, (long)BAD, (long)line, sizeof(line), 0) == -EFAULT);
	CHECK(call(SYS_LOG_WRITE, 99, (long)line, 4, 0) == -EINVAL);
	CHECK(call(SYS_LOG_WRITE, 2, (long)BAD, 4, 0) == -EFAULT);
}

static void test_terminal(void)
{
	struct termios before = { 0 }, raw;
	struct winsize ws = { .ws_row = 50, .ws_col = 132 };
	int n = -1;

	CHECK(isatty(0) && tcgetattr(0, &before) == 0 && (before.c_lflag & ICANON));
	raw = before;
	cfmakeraw(&raw);
	CHECK(tcsetattr(0, TCSAFLUSH, &raw) == 0 && tcgetattr(0, &raw) == 0);
	CHECK((raw.c_lflag & (ICANON | ECHO)) == 0);
	CHECK(tcsetattr(0, TCSANOW, &before) == 0);
	CHECK(ioctl(0, FIONREAD, &n) == 0 && n == 0);
	CHECK(ioctl(0, TIOCSWINSZ, &ws) == 0);
	ws.ws_row = 0;
	CHECK(ioctl(0, TIOCGWINSZ, &ws) == 0 && ws.ws_row == 50 && ws.ws_col == 132);
	CHECK(ioctl(0, TCGETS, BAD) == -1 && errno == EFAULT);
}

/* Without PROC_ADMIN the machine is closed. */
static int child(void)
{
	struct sys_host host;

	CHECK(call(SYS_SYS_INFO, SYS_TOPIC_HOST, 0, (long)&host, sizeof(host)) == -EPERM);
	CHECK(call(SYS_SYS_POWER, POWER_OFF, 0, 0, 0) == -EPERM);
	CHECK(call(SYS_LOG_WRITE, 2, (long)"x", 1, 0) == -EPERM);
	CHECK(send_msg(3, "child", -1, -1) == 0);
	return failures ? 1 : 42;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "child") == 0)
		return child();
	if (argc > 1 && strcmp(argv[1], "sleeper") == 0)
		return (int)call(SYS_THREAD_SLEEP, -1, 0, 0, 0);
	if (argc > 1 && strcmp(argv[1], "crasher") == 0)
		return *nowhere;
	test_bad_arguments();
	test_messages();
	test_handles();
	test_senders();
	test_calls();
	test_events();
	test_timers();
	test_poll();
	test_processes();
	test_machine();
	test_terminal();
	if (failures)
		printf("objects: %d failures\n", failures);
	else
		printf("objects: ok\n");
	return failures != 0;
}
