/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Intrusive doubly linked list. The head is a node of its own; an empty list points at itself.
 * Nothing is locked here: whoever owns the list serializes access.
 */
#include "lib/types.h"

struct list_head {
	struct list_head *next;
	struct list_head *prev;
};

#define LIST_HEAD_INIT(name)     \
	{                        \
		&(name), &(name) \
	}
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)

/* Make `h` an empty list (or a node on no list). */
static inline void list_init(struct list_head *h)
{
	h->next = h;
	h->prev = h;
}

static inline bool list_empty(const struct list_head *h)
{
	return h->next == h;
}

static inline void list_insert_between(struct list_head *n, struct list_head *prev,
				       struct list_head *next)
{
	n->prev = prev;
	n->next = next;
	prev->next = n;
	next->prev = n;
}

/* Insert `n` first in the list `h` (that is, right after the node `h`). */
static inline void list_add(struct list_head *n, struct list_head *h)
{
	list_insert_between(n, h, h->next);
}

/* Insert `n` last in the list `h` (that is, right before the node `h`). */
static inline void list_add_tail(struct list_head *n, struct list_head *h)
{
	list_insert_between(n, h->prev, h);
}

/* Take `n` off its list; it is left as an empty list, so deleting twice does no harm. */
static inline void list_del(struct list_head *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

static inline void list_move_tail(struct list_head *n, struct list_head *h)
{
	list_del(n);
	list_add_tail(n, h);
}

/* Append everything on `from` to `to`, in order; `from` is left empty. */
static inline void list_splice_tail(struct list_head *from, struct list_head *to)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#define list_entry(ptr, type, member)     container_of(ptr, type, member)
#define list_first_entry(h, type, member) list_entry((h)->next, type, member)
#define list_last_entry(h, type, member)  list_entry((h)->prev, type, member)
#define list_next_entry(pos, member)      list_entry((pos)->member.next, __typeof__(*(pos)), member)
#define list_first_entry_or_null(h, type, member) \
	(list_empty(h) ? NULL : list_first_entry(h, type, member))

#define list_for_each(pos, h) for ((pos) = (h)->next; (pos) != (h); (pos) = (pos)->next)

#define list_for_each_entry(pos, h, member)                                                    \
	for ((pos) = list_entry((h)->next, __typeof__(*(pos)), member); &(pos)->member != (h); \
	     (pos) = list_next_entry(pos, member))

/* As above; the body may delete (and free) `pos`. */
#define list_for_each_entry_safe(pos, tmp, h, member)                   \
	for ((pos) = list_entry((h)->next, __typeof__(*(pos)), member), \
	    (tmp) = list_next_entry(pos, member);                       \
	     &(pos)->member != (h); (pos) = (tmp), (tmp) = list_next_entry(tmp, member))
