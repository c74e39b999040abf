// SPDX-License-Identifier: GPL-2.0-or-later
// A channel is one allocation with both ends in it and one lock; it is freed when both ends have
// been destroyed. What a destroyed end had queued is dropped after the lock, since it may hold the
// last references to other objects. Ends that travel are counted under one more lock (rare).
#include "proc/channel_impl.h"

#include "cpu/log.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "lock/llog.h"
#include "mem/kalloc.h"

static const struct lock_class channel_class = { "channel", LOCK_RANK_OBJECT };
static const struct lock_class transit_class = { "channel.transit", LOCK_RANK_LEAF };
static struct lock transit_lock = LOCK_INIT(&transit_class);

/* ---- the logical log, with the channel's lock held ---- */

static void log_message(enum llog_op op, const struct channel_end *e, const struct message *m)
{
	LLOG_LOCKED(&e->channel->lock, op, (uintptr_t)m, e->count, chan_number_of(e));
}

static void log_waiter(enum llog_op op, const struct chan_waiter *w)
{
	LLOG_LOCKED(&w->end->channel->lock, op, (uintptr_t)w, 0,
		    chan_number_of(w->end) * 2 + w->sends);
}

/* ---- messages ---- */

struct message *message_create(struct container *c, uint32_t len)
{
	struct message *m = kalloc(c, sizeof(*m) + len);

	if (m == NULL)
		return NULL;
	m->container = container_get(c);
	m->len = len;
	return m;
}

void message_free(struct message *m)
{
	struct container *c = m->container;

	for (unsigned int i = 0; i < m->nr_handles; i++)
		object_put(m->handles[i]);
	kfree(m);
	container_put(c);
}

static unsigned int ends_in(const struct message *m)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < m->nr_handles; i++)
		n += m->handles[i]->ops == &channel_ops;
	return n;
}

bool chan_begin_travel(struct message *m, struct channel_end *to)
{
	unsigned int n = ends_in(m);
	bool ok;

	if (n == 0)
		return true;
	lock_acquire(&transit_lock);
	ok = to->travels == 0;
	for (unsigned int i = 0; i < m->nr_handles; i++) {
		if (m->handles[i]->ops == &channel_ops)
			ok = ok && chan_end_of(m->handles[i])->ends_queued == 0 &&
			     m->handles[i] != &to->object;
	}
	for (unsigned int i = 0; ok && i < m->nr_handles; i++) {
		if (m->handles[i]->ops == &channel_ops)
			chan_end_of(m->handles[i])->travels++;
	}
	to->ends_queued += ok ? n : 0;
	lock_release(&transit_lock);
	return ok;
}

void chan_end_travel(struct message *m, struct channel_end *to)
{
	unsigned int n = ends_in(m);

	if (n == 0)
		return;
	lock_acquire(&transit_lock);
	to->ends_queued -= n;
	for (unsigned int i = 0; i < m->nr_handles; i++) {
		if (m->handles[i]->ops == &channel_ops)
			chan_end_of(m->handles[i])->travels--;
	}
	lock_release(&transit_lock);
}

/* ---- waiting in line ---- */

void chan_sleep_init(struct chan_sleep *s)
{
	wait_queue_init(&s->queue);
	s->done = false;
}

void chan_sleep_end(struct chan_sleep *s, int result)
{
	s->result = result;
	wait_begin(&s->queue);
	s->done = true;
	wait_wake_locked(&s->queue, 1);
	wait_end(&s->queue);
}

int chan_sleep_until(struct chan_sleep *s, uint64_t deadline)
{
	int rc;

	do {
		wait_begin(&s->queue);
		if (s->done) {
			wait_end(&s->queue);
			return 0;
		}
		rc = wait_sleep(&s->queue, deadline, true);
	} while (rc == 0);
	return rc;
}

/* Takes w off its line; it returns with `result`. Lock held. */
static void serve(struct chan_waiter *w, int result)
{
	list_del(&w->node);
	log_waiter(LLOG_LINE_SERVED, w);
	chan_sleep_end(&w->sleep, result);
}

/* Waits at the end of `line`. Called with the lock held, which it drops. */
static int wait_in_line(struct channel *c, struct list_head *line, struct chan_waiter *w,
			uint64_t deadline)
{
	int rc;

	chan_sleep_init(&w->sleep);
	list_add_tail(&w->node, line);
	log_waiter(LLOG_LINE_JOIN, w);
	lock_release(&c->lock);
	rc = chan_sleep_until(&w->sleep, deadline);
	lock_acquire(&c->lock);
	if (w->sleep.done) { /* perhaps just when the time was over: what was served counts */
		rc = w->sleep.result;
	} else {
		list_del(&w->node);
		log_waiter(LLOG_LINE_LEFT, w);
	}
	lock_release(&c->lock);
	return rc;
}

bool chan_fits(const struct message *m, uint32_t room, uint32_t handle_room)
{
	return m->len - m->read <= room && m->nr_handles <= handle_room;
}

/* To the first receiver in line who has room for it, else into the queue. Lock held. */
static void deliver(struct channel_end *to, struct message *m)
{
	while (!list_empty(&to->receivers)) {
		struct chan_waiter *w = list_first_entry(&to->receivers, struct chan_waiter, node);

		if (chan_fits(m, w->room, w->handle_room)) {
			w->m = m;
			log_message(LLOG_CHAN_HAND, to, m);
			chan_call_taken(to, m, w->thread);
			serve(w, 0);
			return;
		}
		serve(w, -EMSGSIZE);
	}
	list_add_tail(&m->node, &to->messages);
	to->count++;
	log_message(LLOG_CHAN_QUEUE, to, m);
	object_notify(&to->object);
}

/* Takes m out of e's queue; the first sender in line takes its place. Lock held. */
static void unqueue(struct channel_end *e, struct message *m)
{
	struct channel_end *peer = chan_peer_of(e);

	list_del(&m->node);
	e->count--;
	log_message(LLOG_CHAN_TAKE, e, m);
	if (!list_empty(&e->senders)) {
		struct chan_waiter *w = list_first_entry(&e->senders, struct chan_waiter, node);

		deliver(e, w->m);
		serve(w, 0);
	} else if (!peer->gone) {
		object_notify(&peer->object);
	}
}

/* ---- the object ---- */

static void serve_all(struct list_head *line, int result)
{
	while (!list_empty(line))
		serve(list_first_entry(line, struct chan_waiter, node), result);
}

static void channel_destroy(struct object *o)
{
	struct channel_end *e = chan_end_of(o), *peer = chan_peer_of(e);
	struct channel *c = e->channel;
	struct message *m, *tmp;
	LIST_HEAD(dropped);
	bool last;

	lock_acquire(&c->lock);
	e->gone = true;
	list_splice_tail(&e->messages, &dropped);
	e->count = 0;
	log_message(LLOG_CHAN_DROP, e, NULL);
	serve_all(&e->senders, -EPIPE);
	if (!peer->gone) {
		serve_all(&peer->receivers, -EPIPE);
		chan_calls_break(e);
		object_notify(&peer->object);
	}
	lock_release(&c->lock);
	list_for_each_entry_safe (m, tmp, &dropped, node) {
		list_del(&m->node);
		chan_end_travel(m, e);
		message_free(m);
	}
	lock_acquire(&c->lock);
	last = --c->alive == 0;
	lock_release(&c->lock);
	if (last)
		kfree(c);
}

static uint32_t channel_ready(struct object *o)
{
	struct channel_end *e = chan_end_of(o), *peer = chan_peer_of(e);
	uint32_t bits = 0;

	lock_acquire(&e->channel->lock);
	if (e->count != 0)
		bits |= OBJECT_IN;
	if (peer->gone)
		bits |= OBJECT_IN | OBJECT_HUP;
	else if (peer->count < e->channel->depth)
		bits |= OBJECT_OUT;
	lock_release(&e->channel->lock);
	return bits;
}

/* The lock is held, and dropped. */
int chan_send_locked(struct channel_end *e, struct message *m, uint64_t deadline)
{
	struct channel_end *peer = chan_peer_of(e);
	struct chan_waiter w = { .m = m, .end = peer, .sends = true };
	int rc = 0;

	if (peer->gone)
		rc = -EPIPE;
	else if (peer->count < e->channel->depth)
		deliver(peer, m);
	else if (deadline == CHANNEL_NOWAIT)
		rc = -EAGAIN;
	else
		return wait_in_line(e->channel, &peer->senders, &w, deadline);
	lock_release(&e->channel->lock);
	return rc;
}

int channel_send(struct object *end, struct message *m, uint64_t deadline)
{
	struct channel_end *e = chan_end_of(end);
	int rc;

	if (!chan_begin_travel(m, chan_peer_of(e)))
		return -ELOOP;
	lock_acquire(&e->channel->lock);
	if (m->call) {
		rc = chan_call_reply(e, m);
		lock_release(&e->channel->lock);
	} else {
		rc = chan_send_locked(e, m, deadline);
	}
	if (rc != 0)
		chan_end_travel(m, chan_peer_of(e));
	return rc;
}

/* The first message, still queued; NULL and *rc when there is none. Lock held. */
static struct message *first_message(struct channel_end *e, int *rc)
{
	if (e->count == 0) {
		*rc = chan_peer_of(e)->gone ? -EPIPE : -EAGAIN;
		return NULL;
	}
	return list_first_entry(&e->messages, struct message, node);
}

/* The lock is held, and dropped. */
static int receive_locked(struct channel_end *e, struct chan_waiter *w, uint64_t deadline)
{
	int rc = 0;

	w->m = first_message(e, &rc);
	if (rc == -EAGAIN && deadline != CHANNEL_NOWAIT)
		return wait_in_line(e->channel, &e->receivers, w, deadline);
	if (rc == 0 && !chan_fits(w->m, w->room, w->handle_room))
		rc = -EMSGSIZE;
	if (rc == 0) {
		unqueue(e, w->m);
		chan_call_taken(e, w->m, w->thread);
	}
	lock_release(&e->channel->lock);
	return rc;
}

int channel_receive(struct object *end, uint32_t room, uint32_t handle_room, uint64_t deadline,
		    struct message **m)
{
	struct channel_end *e = chan_end_of(end);
	struct chan_waiter w = {
		.end = e, .thread = thread_current(), .room = room, .handle_room = handle_room
	};
	int rc;

	lock_acquire(&e->channel->lock);
	rc = receive_locked(e, &w, deadline);
	if (rc != 0)
		return rc;
	chan_end_travel(w.m, e);
	*m = w.m;
	return 0;
}

unsigned int channel_count(struct object *end)
{
	return READ_ONCE(chan_end_of(end)->count);
}

/* ---- as a stream of bytes ---- */

/*
 * Up to len bytes of the first message go to buf (kernel memory); handles of a message that was
 * read so are dropped. 0 when the peer is gone and all is read, as at the end of a file.
 */
static int64_t read_some(struct channel_end *e, uint8_t *buf, uint32_t len)
{
	struct message *m, *done = NULL;
	int rc = 0;

	lock_acquire(&e->channel->lock);
	m = first_message(e, &rc);
	if (m != NULL) {
		len = MIN(len, m->len - m->read);
		memcpy(buf, m->bytes + m->read, len);
		m->read += len;
		if (m->read == m->len) {
			unqueue(e, m);
			done = m;
		}
	}
	lock_release(&e->channel->lock);
	if (done != NULL) {
		channel_refuse(&e->object, done->call, -EIO);
		chan_end_travel(done, e);
		message_free(done);
	}
	if (rc != 0)
		return rc == -EPIPE ? 0 : rc;
	return len;
}

static int64_t channel_read(struct object *o, uint64_t buf, uint64_t len)
{
	uint8_t bytes[512];
	int64_t n;

	if (len == 0)
		return 0;
	do {
		n = read_some(chan_end_of(o), bytes, (uint32_t)MIN(len, sizeof(bytes)));
		/* A message without bytes is only its handles: not the end of the stream. */
	} while (n == 0 && (channel_count(o) != 0 || (object_ready(o) & OBJECT_HUP) == 0));
	if (n > 0 && copy_to_user(buf, bytes, (size_t)n) != 0)
		return -EFAULT;
	return n;
}

static int64_t channel_write(struct object *o, uint64_t buf, uint64_t len)
{
	uint32_t n = (uint32_t)MIN(len, (uint64_t)CHAN_MSG_MAX);
	struct message *m;
	int rc = 0;

	if (n == 0)
		return 0;
	m = message_create(o->container, n);
	if (m == NULL)
		return -ENOMEM;
	if (copy_from_user(m->bytes, buf, n) != 0)
		rc = -EFAULT;
	if (rc == 0)
		rc = channel_send(o, m, CHANNEL_NOWAIT);
	if (rc != 0)
		message_free(m);
	return rc != 0 ? rc : (int64_t)n;
}

const struct object_ops channel_ops = {
	.name = "channel",
	.destroy = channel_destroy,
	.ready = channel_ready,
	.read = channel_read,
	.write = channel_write,
	.write_all = true,
};

int channel_create(struct container *c, unsigned int depth, struct object *ends[2])
{
	struct channel *ch = kalloc(c, sizeof(*ch));

	if (ch == NULL)
		return -ENOMEM;
	lock_init(&ch->lock, &channel_class);
	ch->depth = depth;
	ch->alive = 2;
	for (int i = 0; i < 2; i++) {
		struct channel_end *e = &ch->ends[i];

		object_init(&e->object, &channel_ops, c);
		e->channel = ch;
		list_init(&e->messages);
		list_init(&e->receivers);
		list_init(&e->senders);
		list_init(&e->calls);
		ends[i] = &e->object;
	}
	return 0;
}
