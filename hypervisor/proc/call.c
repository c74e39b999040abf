// SPDX-License-Identifier: GPL-2.0-or-later
// Calls over a channel. The caller's end lists its calls; a request carries its call's number, and
// who sends with that number at the other end answers: the reply goes to the caller past the queue.
// From the moment a thread has received the request until the call is over - answered, given up, or
// an end gone - the caller lends that thread its weight (thread/loan.h).
#include "cpu/log.h"
#include "lib/errno.h"
#include "lock/llog.h"
#include "proc/channel_impl.h"
#include "thread/loan.h"

/* ---- with the channel's lock held ---- */

static void log_call(enum llog_op op, const struct channel_end *e, uint32_t id, int result)
{
	LLOG_LOCKED(&e->channel->lock, op, id, (uint64_t)result, chan_number_of(e));
}

/* The call with that number made at e; NULL: over, or there was none. */
static struct chan_call *find(struct channel_end *e, uint32_t id)
{
	struct chan_call *c;

	list_for_each_entry (c, &e->calls, node) {
		if (c->id == id)
			return c;
	}
	return NULL;
}

/* No other call that is under way has it, on either end; 0 is none. */
static uint32_t new_id(struct channel *ch)
{
	do
		ch->last_call++;
	while (ch->last_call == 0 || find(&ch->ends[0], ch->last_call) ||
	       find(&ch->ends[1], ch->last_call));
	return ch->last_call;
}

static int open_call(struct channel_end *e, struct chan_call *c)
{
	if (e->nr_calls == CHANNEL_CALLS_MAX)
		return -EAGAIN;
	c->id = new_id(e->channel);
	chan_sleep_init(&c->sleep);
	list_add_tail(&c->node, &e->calls);
	e->nr_calls++;
	log_call(LLOG_CALL_OPEN, e, c->id, 0);
	return 0;
}

/* The caller's weight is its own again before anybody knows. */
static void close_call(struct channel_end *e, struct chan_call *c, int result)
{
	list_del(&c->node);
	e->nr_calls--;
	loan_end(c->caller);
	log_call(LLOG_CALL_CLOSED, e, c->id, result);
}

static void finish(struct channel_end *e, struct chan_call *c, int result)
{
	close_call(e, c, result);
	chan_sleep_end(&c->sleep, result);
}

void chan_call_taken(struct channel_end *e, const struct message *m, struct thread *by)
{
	struct chan_call *c = m->call ? find(chan_peer_of(e), m->call) : NULL;

	if (!c)
		return;
	c->taken = true;
	log_call(LLOG_CALL_TAKEN, chan_peer_of(e), c->id, 0);
	loan_begin(c->caller, by);
}

int chan_call_reply(struct channel_end *e, struct message *m)
{
	struct chan_call *c = find(chan_peer_of(e), m->call);

	if (!c || !c->taken)
		return -ESRCH;
	if (!chan_fits(m, c->room, c->handle_room))
		return -EMSGSIZE;
	c->reply = m;
	finish(chan_peer_of(e), c, 0);
	return 0;
}

void chan_calls_break(struct channel_end *e)
{
	struct channel_end *at = chan_peer_of(e);

	while (!list_empty(&at->calls))
		finish(at, list_first_entry(&at->calls, struct chan_call, node), -EPIPE);
}

/* ---- from outside ---- */

void channel_refuse(struct object *end, uint32_t id, int result)
{
	struct channel_end *e = chan_end_of(end);
	struct chan_call *c;

	if (!id)
		return;
	lock_acquire(&e->channel->lock);
	c = find(chan_peer_of(e), id);
	if (c)
		finish(chan_peer_of(e), c, result);
	lock_release(&e->channel->lock);
}

/* Sends the request; 0: it is on its way, or has even been answered. */
static int ask(struct channel_end *e, struct chan_call *c, struct message *m, uint64_t deadline)
{
	int rc;

	lock_acquire(&e->channel->lock);
	rc = open_call(e, c);
	if (rc != 0) {
		lock_release(&e->channel->lock);
		return rc;
	}
	m->call = c->id;
	rc = chan_send_locked(e, m, deadline);
	if (rc == 0)
		return 0;
	lock_acquire(&e->channel->lock);
	if (!c->sleep.done)
		close_call(e, c, rc);
	lock_release(&e->channel->lock);
	m->call = 0;
	return rc;
}

static int await(struct channel_end *e, struct chan_call *c, uint64_t deadline)
{
	int rc = chan_sleep_until(&c->sleep, deadline);

	lock_acquire(&e->channel->lock);
	if (c->sleep.done)
		rc = c->sleep.result;
	else
		close_call(e, c, rc);
	lock_release(&e->channel->lock);
	return rc;
}

int channel_call(struct object *end, struct message *m, uint32_t room, uint32_t handle_room,
		 uint64_t deadline, bool *sent, struct message **reply)
{
	struct channel_end *e = chan_end_of(end);
	struct chan_call c = { .caller = thread_current(),
			       .room = room,
			       .handle_room = handle_room };
	int rc;

	*sent = false;
	if (!chan_begin_travel(m, chan_peer_of(e)))
		return -ELOOP;
	loan_prepare();
	rc = ask(e, &c, m, deadline);
	if (rc != 0) {
		chan_end_travel(m, chan_peer_of(e));
		return rc;
	}
	*sent = true;
	rc = await(e, &c, deadline);
	loan_settle();
	if (rc != 0)
		return rc;
	chan_end_travel(c.reply, e);
	*reply = c.reply;
	return 0;
}
