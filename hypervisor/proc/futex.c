// SPDX-License-Identifier: GPL-2.0-or-later
// A hash of buckets, each with a lock and a list of waiters. A waiter queues itself first and then
// looks at the word: a wakeup between the two finds it queued, so none is lost, and no user memory
// is touched with a lock held. A waiter leaves only after taking its bucket's lock once more, so
// that a waker never touches a frame that is gone.
#include "proc/futex.h"

#include "lib/errno.h"
#include "lib/list.h"
#include "mem/as.h"
#include "thread/thread.h"

#define BUCKETS 256

struct key {
	uint64_t object, offset;
};

/* Locks: [I] immutable while queued   [b] the lock of `bucket`   [w] wait.lock, changed under both
 */
struct waiter {
	struct list_head node; /* [b] */
	struct bucket *bucket; /* [I] */
	struct key key;        /* [I] */
	uint32_t bitset;       /* [I] */
	struct wait_queue wait;
	bool woken; /* [w] */
};

/* Locks: [l] lock */
struct bucket {
	struct lock lock;
	struct list_head waiters; /* [l] FIFO */
} __aligned(64);

static const struct lock_class bucket_class = { "futex", LOCK_RANK_OBJECT };
static struct bucket buckets[BUCKETS];

void futex_init(void)
{
	for (unsigned int i = 0; i < BUCKETS; i++) {
		lock_init(&buckets[i].lock, &bucket_class);
		list_init(&buckets[i].waiters);
	}
}

static int get_key(uint64_t va, struct key *key)
{
	if (va % sizeof(uint32_t) != 0)
		return -EINVAL;
	return as_key(as_current(), va, &key->object, &key->offset);
}

static struct bucket *bucket_of(const struct key *key)
{
	uint64_t h = (key->object ^ key->offset >> 2) * 0x9e3779b97f4a7c15ull;

	return &buckets[h >> 56];
}

static bool same_key(const struct key *a, const struct key *b)
{
	return a->object == b->object && a->offset == b->offset;
}

static void enqueue(struct waiter *w)
{
	w->bucket = bucket_of(&w->key);
	lock_acquire(&w->bucket->lock);
	list_add_tail(&w->node, &w->bucket->waiters);
	lock_release(&w->bucket->lock);
}

/* Takes w out; true when a wakeup had done so before. */
static bool dequeue(struct waiter *w)
{
	bool woken;

	lock_acquire(&w->bucket->lock);
	woken = w->woken;
	if (!woken)
		list_del(&w->node);
	lock_release(&w->bucket->lock);
	return woken;
}

static int sleep_on(struct waiter *w, uint64_t deadline)
{
	int rc = 0;

	while (rc == 0) {
		wait_begin(&w->wait);
		if (w->woken) {
			wait_end(&w->wait);
			return 0;
		}
		rc = wait_sleep(&w->wait, deadline, true);
	}
	return rc;
}

int64_t futex_wait(uint64_t va, uint32_t value, uint64_t deadline, uint32_t bitset)
{
	struct waiter w = { .bitset = bitset };
	uint32_t now;
	int rc;

	if (bitset == 0)
		return -EINVAL;
	rc = get_key(va, &w.key);
	if (rc != 0)
		return rc;
	wait_queue_init(&w.wait);
	enqueue(&w);
	rc = user_load32(va, &now);
	if (rc == 0)
		rc = now == value ? sleep_on(&w, deadline) : -EAGAIN;
	return dequeue(&w) ? 0 : rc;
}

/* Bucket lock held. */
static void wake_waiter(struct waiter *w)
{
	list_del(&w->node);
	wait_begin(&w->wait);
	w->woken = true;
	wait_wake_locked(&w->wait, 1);
	wait_end(&w->wait);
}

int64_t futex_wake(uint64_t va, uint32_t n, uint32_t bitset)
{
	struct waiter *w, *tmp;
	struct bucket *b;
	struct key key;
	int64_t count = 0;
	int rc = get_key(va, &key);

	if (rc != 0)
		return rc;
	if (bitset == 0)
		return -EINVAL;
	b = bucket_of(&key);
	lock_acquire(&b->lock);
	list_for_each_entry_safe (w, tmp, &b->waiters, node) {
		if (count >= n)
			break;
		if (same_key(&w->key, &key) && (w->bitset & bitset) != 0) {
			wake_waiter(w);
			count++;
		}
	}
	lock_release(&b->lock);
	return count;
}

int64_t futex_requeue(uint64_t from, uint32_t nr_wake, uint32_t nr_move, const uint32_t *expected)
{
	uint32_t now, n;
	int rc;

	if (expected != NULL) {
		rc = user_load32(from, &now);
		if (rc != 0)
			return rc;
		if (now != *expected)
			return -EAGAIN;
	}
	if (__builtin_add_overflow(nr_wake, nr_move, &n))
		n = UINT32_MAX;
	return futex_wake(from, n, FUTEX_ANY);
}
