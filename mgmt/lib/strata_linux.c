// SPDX-License-Identifier: GPL-2.0-or-later
// Stand-ins on plain Linux for the calls that init and shell use: a channel is a SOCK_SEQPACKET
// pair (handles go by SCM_RIGHTS), a process handle is a pidfd. What Linux has no like of answers
// -ENOSYS. For tests and for running the shell on a workstation.

#include "mgmt/lib/strata.h"
#include "mgmt/lib/strata_fake.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int strata_chan_create(int32_t fds[2], unsigned depth)
{
	int pair[2];

	if (depth < 1 || depth > 64)
		return -EINVAL;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	fds[0] = pair[0];
	fds[1] = pair[1];
	return 0;
}

int strata_chan_wait(int fd, int64_t timeout_ns)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n = poll(&p, 1, timeout_ns < 0 ? -1 : (int)(timeout_ns / 1000000));

	if (n < 0)
		return -errno;
	return n ? 0 : -ETIMEDOUT;
}

int strata_chan_send(int fd, const struct chan_msg *msg)
{
	char control[CMSG_SPACE(sizeof(int) * CHAN_HANDLES_MAX)] = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)msg->buf, .iov_len = msg->len };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (msg->len > CHAN_MSG_MAX || msg->nr_handles > CHAN_HANDLES_MAX)
		return -EINVAL;
	if (msg->nr_handles) {
		hdr.msg_control = control;
		hdr.msg_controllen = CMSG_SPACE(sizeof(int) * msg->nr_handles);
		struct cmsghdr *c = CMSG_FIRSTHDR(&hdr);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * msg->nr_handles);
		memcpy(CMSG_DATA(c), msg->handles, sizeof(int) * msg->nr_handles);
	}
	int flags = MSG_NOSIGNAL | (msg->flags & CHAN_NOWAIT ? MSG_DONTWAIT : 0);
	if (sendmsg(fd, &hdr, flags) < 0)
		return -errno;
	for (uint32_t i = 0; i < msg->nr_handles; i++)
		close(msg->handles[i]);
	return 0;
}

static void take_handles(struct msghdr *hdr, struct chan_msg *msg)
{
	uint32_t room = msg->nr_handles;

	msg->nr_handles = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c; c = CMSG_NXTHDR(hdr, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int handle;

			memcpy(&handle, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (msg->nr_handles < room)
				msg->handles[msg->nr_handles++] = handle;
			else
				close(handle);
		}
	}
}

int strata_chan_recv(int fd, struct chan_msg *msg)
{
	char control[CMSG_SPACE(sizeof(int) * CHAN_HANDLES_MAX)];
	struct iovec iov = { .iov_base = (void *)(uintptr_t)msg->buf, .iov_len = msg->len };
	struct msghdr hdr = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int flags = MSG_CMSG_CLOEXEC | (msg->flags & CHAN_NOWAIT ? MSG_DONTWAIT : 0);
	ssize_t n = recvmsg(fd, &hdr, flags);

	if (n < 0)
		return -errno;
	take_handles(&hdr, msg);
	if (n == 0 && !msg->nr_handles)
		return -EPIPE;
	msg->len = (uint32_t)n;
	return (int)n;
}

int strata_chan_check(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) < 0 ? -errno : (p.revents & POLLIN ? 1 : 0);
}

static void child_exec(const struct proc_spawn *args)
{
	int moved[PROC_SPAWN_FDS_MAX];

	/* Out of the way first, so that dup2 never overwrites one that is still to come. */
	for (uint32_t i = 0; i < args->nr_fds; i++)
		moved[i] = args->fds[i] < 0 ? -1 : fcntl(args->fds[i], F_DUPFD_CLOEXEC, 64);
	for (uint32_t i = 0; i < args->nr_fds; i++) {
		if (moved[i] >= 0)
			dup2(moved[i], (int)i);
	}
	execve((const char *)(uintptr_t)args->path, (char **)(uintptr_t)args->argv,
	       (char **)(uintptr_t)args->envp);
	_exit(127);
}

int strata_proc_spawn(const struct proc_spawn *args)
{
	pid_t pid;

	if (args->nr_fds > PROC_SPAWN_FDS_MAX)
		return -EINVAL;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		child_exec(args);
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	return fd < 0 ? -errno : fd;
}

int strata_proc_kill(int fd, int exit_code)
{
	(void)exit_code;
	return syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) ? -errno : 0;
}

int strata_proc_info(int fd, struct proc_info *out)
{
	siginfo_t si = { 0 };

	memset(out, 0, sizeof(*out));
	if (waitid(P_PIDFD, (id_t)fd, &si, WEXITED | WNOHANG | WNOWAIT))
		return -errno;
	out->pid = (uint64_t)si.si_pid;
	if (!si.si_pid)
		return 0;
	out->end = si.si_code == CLD_EXITED ? PROC_EXITED : PROC_KILLED;
	if (si.si_code == CLD_DUMPED || (si.si_code == CLD_KILLED && si.si_status != SIGKILL))
		out->end = PROC_FAULTED;
	out->exit_code = si.si_status;
	return 0;
}

/* Memory is that of a file without a name; for guests there is no stand-in. */
int strata_mobj_create(uint64_t size, unsigned flags)
{
	int fd = memfd_create("mobj", MFD_CLOEXEC);

	(void)flags;
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size)) {
		int ret = -errno;

		close(fd);
		return ret;
	}
	return fd;
}

int strata_vm_create(const struct vm_create *args)
{
	(void)args;
	return -ENOSYS;
}

int strata_vm_map(const struct vm_map *args)
{
	(void)args;
	return -ENOSYS;
}

int strata_vm_doorbell(const struct vm_doorbell *args)
{
	(void)args;
	return -ENOSYS;
}

int strata_vm_irq_line(int vm, unsigned gsi, int level)
{
	(void)vm, (void)gsi, (void)level;
	return -ENOSYS;
}

int strata_vm_msi(int vm, uint64_t address, uint32_t data)
{
	(void)vm, (void)address, (void)data;
	return -ENOSYS;
}

int strata_vm_stop_reason(int vm, enum vm_state state, int exit_code, const char *reason)
{
	(void)vm, (void)state, (void)exit_code, (void)reason;
	return -ENOSYS;
}

int strata_vm_sched(int vm, struct sched_params *params)
{
	(void)vm, (void)params;
	return -ENOSYS;
}

int strata_vm_sched_id(uint64_t id, struct sched_params *params)
{
	(void)id, (void)params;
	return -ENOENT;
}

int strata_vcpu_create(int vm, unsigned number)
{
	(void)vm, (void)number;
	return -ENOSYS;
}

int strata_vcpu_run(int vcpu)
{
	(void)vcpu;
	return -ENOSYS;
}

int strata_vcpu_port(int vcpu, struct vcpu_port *access)
{
	(void)vcpu;
	(void)access;
	return -ENOSYS;
}

int strata_vcpu_kick(int vcpu)
{
	(void)vcpu;
	return -ENOSYS;
}

int strata_vcpu_inject(int vcpu, const struct vcpu_event *event)
{
	(void)vcpu, (void)event;
	return -ENOSYS;
}

int strata_vcpu_get_state(int vcpu, struct vcpu_state *state)
{
	(void)vcpu, (void)state;
	return -ENOSYS;
}

int strata_vcpu_set_state(int vcpu, const struct vcpu_state *state)
{
	(void)vcpu, (void)state;
	return -ENOSYS;
}

int strata_vm_info_at(unsigned index, struct vm_info *out)
{
	return fake_is_on() ? fake_vm_info_at(index, out) : -ENOENT;
}

int strata_sys_info(enum sys_topic topic, unsigned index, void *buf, size_t len)
{
	return fake_is_on() ? fake_sys_info(topic, index, buf, len) : -ENOSYS;
}

/* The machine is the program. */
int strata_sys_power(enum power_action action, int exit_code)
{
	(void)action;
	exit(exit_code);
}

int strata_log_read(uint64_t *sequence, char *buf, size_t len, struct log_line *about)
{
	return fake_is_on() ? fake_log_read(sequence, buf, len, about) : -ENOENT;
}

int strata_log_level(uint64_t level)
{
	return fake_is_on() ? fake_log_level(level) : -ENOSYS;
}

int strata_log_write(unsigned level, const char *text, size_t len)
{
	fprintf(stderr, "log %u: %.*s\n", level, (int)len, text);
	return 0;
}

int strata_bench(enum bench_what what, uint64_t arg, unsigned rounds, struct bench_result *out)
{
	(void)what, (void)arg, (void)rounds, (void)out;
	return -ENOSYS;
}

int strata_pool_set(const struct cpu_pool *pool)
{
	(void)pool;
	return -ENOSYS;
}

int strata_trace_set(enum trace_set what, uint64_t vm)
{
	return fake_is_on() ? fake_trace_set(what, vm) : -ENOSYS;
}

int strata_trace_read(unsigned cpu, uint64_t *sequence, struct trace_event *buf, unsigned max)
{
	return fake_is_on() ? fake_trace_read(cpu, sequence, buf, max) : -ENOSYS;
}
