// SPDX-License-Identifier: GPL-2.0-or-later
// The native calls on channels. A message is made whole before it is sent: bytes copied, a
// reference taken on each handle; only when it is on its way are the handles taken from the sender.
// What is received is given its numbers before the bytes are copied out.
#include "cpu/time.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "proc/channel.h"
#include "proc/linux_calls.h"
#include "proc/native.h"
#include "proc/process.h"
#include "proc/user.h"

static struct handle_table *table(void)
{
	return &process_current()->handles;
}

static struct object *get_end(uint64_t fd)
{
	return handle_get_kind(table(), (int)fd, &channel_ops);
}

/* -1: no limit. 0 or -EINVAL. */
static int deadline_of(int64_t timeout_ns, uint64_t *deadline)
{
	*deadline = WAIT_FOREVER;
	if (timeout_ns < -1)
		return -EINVAL;
	if (timeout_ns >= 0 && __builtin_add_overflow(time_now(), (uint64_t)timeout_ns, deadline))
		*deadline = WAIT_FOREVER;
	return 0;
}

/* What is wrong with a message that ring 3 hands in, and until when it may wait. */
static int check(const struct chan_msg *msg, uint64_t *deadline)
{
	if (msg->len > CHAN_MSG_MAX || msg->nr_handles > CHAN_HANDLES_MAX ||
	    (msg->flags & ~CHAN_NOWAIT) != 0)
		return -EINVAL;
	if (msg->flags & CHAN_NOWAIT) {
		*deadline = CHANNEL_NOWAIT;
		return 0;
	}
	return deadline_of(msg->timeout_ns, deadline);
}

static int64_t sys_chan_create(const struct syscall_args *a)
{
	uint64_t depth = a->arg[1];
	struct object *ends[2];
	int32_t fds[2];
	int rc;

	if (depth < 1 || depth > CHANNEL_DEPTH_MAX)
		return -EINVAL;
	rc = channel_create(process_container(process_current()), (unsigned int)depth, ends);
	if (rc != 0)
		return rc;
	fds[0] = (int32_t)linux_install(ends[0], 0);
	if (fds[0] < 0) {
		object_put(ends[1]);
		return fds[0];
	}
	fds[1] = (int32_t)linux_install(ends[1], 0);
	rc = fds[1] < 0 ? fds[1] : USER_PUT(a->arg[0], &fds);
	if (rc == 0)
		return 0;
	handle_close(table(), fds[0]);
	if (fds[1] >= 0)
		handle_close(table(), fds[1]);
	return rc;
}

/* ---- sending ---- */

static bool is_twice(const struct chan_msg *msg, unsigned int i)
{
	for (unsigned int k = 0; k < i; k++) {
		if (msg->handles[k] == msg->handles[i])
			return true;
	}
	return false;
}

/* 0, -EBADF, -EINVAL. What was taken before an error goes with the message. */
static int attach_handles(struct message *m, const struct chan_msg *msg)
{
	for (unsigned int i = 0; i < msg->nr_handles; i++) {
		struct object *o = handle_get(table(), msg->handles[i]);

		if (o == NULL)
			return -EBADF;
		m->handles[m->nr_handles++] = o;
		if (is_twice(msg, i))
			return -EINVAL;
	}
	return 0;
}

static int make_message(const struct chan_msg *msg, struct message **out)
{
	struct message *m = message_create(process_container(process_current()), msg->len);
	int rc;

	if (m == NULL)
		return -ENOMEM;
	m->call = msg->call;
	rc = copy_from_user(m->bytes, msg->buf, msg->len);
	if (rc == 0)
		rc = attach_handles(m, msg);
	if (rc != 0)
		message_free(m);
	*out = m;
	return rc;
}

/* m was sent: its handles are the receiver's now. A number that another thread has closed or reused
 * meanwhile is that thread's fault. */
static void close_sent(const struct chan_msg *msg)
{
	for (unsigned int i = 0; i < msg->nr_handles; i++)
		(void)handle_close(table(), msg->handles[i]);
}

static int64_t send(struct object *end, const struct chan_msg *msg, uint64_t deadline)
{
	struct message *m;
	int rc = make_message(msg, &m);

	if (rc != 0)
		return rc;
	rc = channel_send(end, m, deadline);
	if (rc != 0) {
		message_free(m);
		return rc;
	}
	close_sent(msg);
	return 0;
}

static int64_t sys_chan_send(const struct syscall_args *a)
{
	struct object *end;
	struct chan_msg msg;
	uint64_t deadline;
	int64_t rc;

	if (USER_GET(&msg, a->arg[1]) != 0)
		return -EFAULT;
	rc = check(&msg, &deadline);
	if (rc != 0)
		return rc;
	end = get_end(a->arg[0]);
	if (end == NULL)
		return -EBADF;
	rc = send(end, &msg, deadline);
	object_put(end);
	return rc;
}

/* ---- receiving ---- */

/* Numbers for the handles of m, whose references become the table's. 0 or -EMFILE, -ENOMEM: none.
 */
static int install_handles(struct message *m, struct chan_msg *msg)
{
	for (unsigned int i = 0; i < m->nr_handles; i++) {
		int fd = handle_install(table(), m->handles[i], 0, 0);

		if (fd < 0) {
			while (i-- != 0)
				m->handles[i] = handle_take(table(), msg->handles[i]);
			return fd;
		}
		msg->handles[i] = fd;
	}
	msg->nr_handles = m->nr_handles;
	m->nr_handles = 0;
	return 0;
}

/* Hands a received message out. When that fails the message is lost: the caller's memory is bad or
 * its table full. */
static int64_t hand_out(struct message *m, struct chan_msg *msg, uint64_t msg_address)
{
	uint32_t len = m->len - m->read;
	int rc = copy_to_user(msg->buf, m->bytes + m->read, len);

	msg->len = len;
	msg->call = m->call;
	if (rc == 0)
		rc = install_handles(m, msg);
	if (rc == 0)
		rc = USER_PUT(msg_address, msg);
	return rc != 0 ? rc : (int64_t)len;
}

/* Any room will do. */
static void cut_room(struct chan_msg *msg)
{
	msg->len = MIN(msg->len, (uint32_t)CHAN_MSG_MAX);
	msg->nr_handles = MIN(msg->nr_handles, (uint32_t)CHAN_HANDLES_MAX);
}

static int64_t receive(struct object *end, struct chan_msg *msg, uint64_t deadline,
		       uint64_t msg_address)
{
	struct message *m;
	int64_t rc = channel_receive(end, msg->len, msg->nr_handles, deadline, &m);

	if (rc != 0)
		return rc;
	rc = hand_out(m, msg, msg_address);
	if (rc < 0)
		channel_refuse(end, m->call, -EIO);
	message_free(m);
	return rc;
}

static int64_t sys_chan_recv(const struct syscall_args *a)
{
	struct object *end;
	struct chan_msg msg;
	uint64_t deadline;
	int64_t rc;

	if (USER_GET(&msg, a->arg[1]) != 0)
		return -EFAULT;
	cut_room(&msg);
	rc = check(&msg, &deadline);
	if (rc != 0)
		return rc;
	end = get_end(a->arg[0]);
	if (end == NULL)
		return -EBADF;
	rc = receive(end, &msg, deadline, a->arg[1]);
	object_put(end);
	return rc;
}

/* ---- calling ---- */

static int64_t call(struct object *end, const struct chan_msg *request, struct chan_msg *answer,
		    uint64_t deadline, uint64_t answer_address)
{
	struct message *m, *reply;
	bool sent;
	int64_t rc = make_message(request, &m);

	if (rc != 0)
		return rc;
	rc = channel_call(end, m, answer->len, answer->nr_handles, deadline, &sent, &reply);
	if (sent)
		close_sent(request);
	else
		message_free(m);
	if (rc != 0)
		return rc;
	rc = hand_out(reply, answer, answer_address);
	message_free(reply);
	return rc;
}

static int64_t sys_chan_call(const struct syscall_args *a)
{
	struct chan_msg request, answer;
	struct object *end;
	uint64_t deadline;
	int64_t rc;

	if (USER_GET(&request, a->arg[1]) != 0 || USER_GET(&answer, a->arg[2]) != 0)
		return -EFAULT;
	cut_room(&answer);
	if (request.flags != 0 || request.call != 0)
		return -EINVAL;
	rc = check(&request, &deadline);
	if (rc != 0)
		return rc;
	end = get_end(a->arg[0]);
	if (end == NULL)
		return -EBADF;
	rc = call(end, &request, &answer, deadline, a->arg[2]);
	object_put(end);
	return rc;
}

/* ---- looking ---- */

static int64_t sys_chan_wait(const struct syscall_args *a)
{
	struct object *end;
	uint64_t deadline;
	int64_t rc = deadline_of((int64_t)a->arg[1], &deadline);

	if (rc != 0)
		return rc;
	end = get_end(a->arg[0]);
	if (end == NULL)
		return -EBADF;
	rc = object_wait(end, OBJECT_IN, deadline);
	if (rc == 0 && channel_count(end) == 0 && (object_ready(end) & OBJECT_HUP))
		rc = -EPIPE;
	object_put(end);
	return rc;
}

static int64_t sys_chan_check(const struct syscall_args *a)
{
	struct object *end = get_end(a->arg[0]);
	int64_t n;

	if (end == NULL)
		return -EBADF;
	n = channel_count(end);
	object_put(end);
	return n;
}

static const struct syscall_row rows[] = {
	{ SYS_CHAN_CREATE, "chan_create", sys_chan_create },
	{ SYS_CHAN_SEND, "chan_send", sys_chan_send },
	{ SYS_CHAN_RECV, "chan_recv", sys_chan_recv },
	{ SYS_CHAN_WAIT, "chan_wait", sys_chan_wait },
	{ SYS_CHAN_CHECK, "chan_check", sys_chan_check },
	{ SYS_CHAN_CALL, "chan_call", sys_chan_call },
};

const struct syscall_table native_chan_calls = { rows, ARRAY_SIZE(rows) };
