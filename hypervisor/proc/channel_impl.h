/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between channel.c (messages and lines) and call.c (calls over a channel). */
#pragma once

#include "proc/channel.h"
#include "thread/thread.h"

/* The sleep of one thread until another ends it with a result, both with the channel's lock. */
struct chan_sleep {
	struct wait_queue queue;
	bool done;  /* [queue.lock] */
	int result; /* [l] the channel's lock */
};

/*
 * A thread that waits in line, on its own stack. Whoever serves it takes it off the line, sets the
 * result and wakes it, all with the channel's lock held; it takes that lock once more before it
 * returns.
 */
struct chan_waiter {
	struct list_head node;   /* [l] */
	struct channel_end *end; /* [I] whose line it is */
	bool sends;              /* [I] */
	struct thread *thread;   /* [I] of a receiver */
	struct chan_sleep sleep;
	struct message *m;          /* [l] sender: to send; receiver: received */
	uint32_t room, handle_room; /* [I] of a receiver */
};

/* A call under way, on its caller's stack: from before its request is sent until it is over. */
struct chan_call {
	struct list_head node; /* [l] in the calls of its end */
	struct thread *caller; /* [I] */
	uint32_t id;           /* [I] */
	bool taken;            /* [l] its request has been received */
	struct chan_sleep sleep;
	struct message *reply;      /* [l] */
	uint32_t room, handle_room; /* [I] for the reply */
};

/* Locks: [I] immutable   [l] the channel's lock   [t] transit_lock */
struct channel_end {
	struct object object;
	struct channel *channel;    /* [I] */
	struct list_head messages;  /* [l] to be received here */
	struct list_head receivers; /* [l] in line at an empty queue */
	struct list_head senders;   /* [l] in line to send to here: the queue is full */
	struct list_head calls;     /* [l] calls made here that are not over */
	unsigned int nr_calls;      /* [l] */
	unsigned int count;         /* [l] */
	bool gone;                  /* [l] destroyed */
	unsigned int travels;       /* [t] messages that carry this end */
	unsigned int ends_queued;   /* [t] ends carried by messages to here */
};

/* Locks: [I] immutable   [l] lock */
struct channel {
	struct lock lock;
	unsigned int depth; /* [I] messages in each direction */
	unsigned int alive; /* [l] ends not yet destroyed to the last */
	uint32_t last_call; /* [l] number of the last call made */
	struct channel_end ends[2];
};

static inline struct channel_end *chan_end_of(struct object *o)
{
	return container_of(o, struct channel_end, object);
}

static inline struct channel_end *chan_peer_of(struct channel_end *e)
{
	return &e->channel->ends[e == &e->channel->ends[0]];
}

static inline unsigned int chan_number_of(const struct channel_end *e)
{
	return e == &e->channel->ends[1];
}

/* ---- channel.c ---- */

void chan_sleep_init(struct chan_sleep *s);
/* Ends it. The channel's lock is held. */
void chan_sleep_end(struct chan_sleep *s, int result);
/* Until it is ended: 0; else why not. Look at `done` under the channel's lock after it: it may have
 * been ended at the same moment. */
int chan_sleep_until(struct chan_sleep *s, uint64_t deadline);
bool chan_fits(const struct message *m, uint32_t room, uint32_t handle_room);
/* May the ends in m travel to `to`? If so they are counted, until chan_end_travel. */
bool chan_begin_travel(struct message *m, struct channel_end *to);
void chan_end_travel(struct message *m, struct channel_end *to);
/* Puts m on its way, perhaps waiting in line. The lock is held, and dropped. */
int chan_send_locked(struct channel_end *e, struct message *m, uint64_t deadline);

/* ---- call.c, the channel's lock held but for chan_refuse ---- */

/* `by` receives m at e: if it is a request that somebody waits for, its caller lends to `by`. */
void chan_call_taken(struct channel_end *e, const struct message *m, struct thread *by);
/* m, whose `call` says so, answers a call of e's peer. 0; -ESRCH: there is none; -EMSGSIZE. */
int chan_call_reply(struct channel_end *e, struct message *m);
/* e is gone: the calls made at its peer are over. */
void chan_calls_break(struct channel_end *e);
