/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Channels: two ends, each with a queue of messages from the other. A message has bytes and handles
 * (references to objects), is delivered whole and in order, and is paid for by its sender until it
 * is received. An end whose peer is gone still delivers what is queued.
 *
 * Who must wait waits in line: a sender that finds the queue full hands its message to the channel
 * and sleeps, and the receiver that makes room moves the message of the first one in line into the
 * queue; a message that finds receivers asleep goes to the first of them. So nobody is overtaken.
 *
 * So that no cycle of references can keep queues alive for ever, an end may travel in a message
 * only while its own queue holds no ends and the receiving end does not itself travel (-ELOOP).
 *
 * A call sends a request and waits for the answer to just that; its server works with the caller's
 * weight meanwhile.
 *
 * Locks: each channel its own (LOCK_RANK_OBJECT).
 */
#pragma once

#include "proc/object.h"

#define CHANNEL_DEPTH_MAX 64
#define CHANNEL_CALLS_MAX 64 /* under way at one end */

extern const struct object_ops channel_ops;

/* Both ends, one reference each for the caller. 0 or -ENOMEM. */
int channel_create(struct container *c, unsigned int depth, struct object *ends[2]);

/* A message on its way: made by the sender, consumed by channel_send on success, else the caller's.
 */
struct message {
	struct list_head node;
	struct container *container; /* a reference */
	uint32_t len, read;          /* bytes; of those, taken by read() */
	uint32_t nr_handles;
	uint32_t call; /* 0, or the number of the call that it asks for or answers */
	struct object *handles[CHAN_HANDLES_MAX]; /* references */
	uint8_t bytes[];
};

struct message *message_create(struct container *c, uint32_t len); /* NULL: quota or memory */
void message_free(struct message *m);                              /* drops what it holds */

#define CHANNEL_NOWAIT 0ull /* as a deadline: -EAGAIN instead of waiting */

/*
 * Sends, waiting in line for room until time_now() reaches `deadline` (WAIT_FOREVER: without end).
 * 0; -EAGAIN, -ETIMEDOUT, -EINTR: not sent; -EPIPE: the peer is gone; -ELOOP: see above. No lock
 * held.
 */
int channel_send(struct object *end, struct message *m, uint64_t deadline);
/*
 * The next message, which becomes the caller's. -EAGAIN, -ETIMEDOUT, -EINTR: none; -EPIPE: none and
 * the peer is gone; -EMSGSIZE: it has more bytes than `room` or more handles than `handle_room` (it
 * stays). No lock held.
 */
int channel_receive(struct object *end, uint32_t room, uint32_t handle_room, uint64_t deadline,
		    struct message **m);
/*
 * A call: sends the request and waits for its answer, which is what is sent at the other end with
 * the request's number (message.call), and goes to the caller past all messages that wait. While a
 * thread has the request, the caller lends it its weight (thread/loan.h). *sent: the request is
 * consumed. 0: *reply becomes the caller's. Not sent: as channel_send, and -EAGAIN: too many calls
 * under way. Sent: -ETIMEDOUT, -EINTR: not answered until then; -EPIPE: the peer went away; or what
 * channel_refuse says. Who answers later is told -ESRCH by channel_send, and -EMSGSIZE, with the
 * call still on, when there is no room for the answer. No lock held.
 */
int channel_call(struct object *end, struct message *m, uint32_t room, uint32_t handle_room,
		 uint64_t deadline, bool *sent, struct message **reply);
/* The request of call `id` (0: none), received at `end`, cannot be answered: its caller gets
 * `result`. No lock held. */
void channel_refuse(struct object *end, uint32_t id, int result);
unsigned int channel_count(struct object *end); /* messages that wait */
