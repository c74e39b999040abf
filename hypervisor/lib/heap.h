/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Intrusive min-heap (a pairing heap) for timers: the least node is always at hand, insert is O(1),
 * removing any node is O(log n) amortized. Nothing is allocated or locked here; the owner
 * serializes access. No recursion: stack use is constant.
 */
#include "lib/types.h"

struct heap_node {
	struct heap_node *child; /* first child */
	struct heap_node *next;  /* next sibling */
	struct heap_node *prev;  /* previous sibling, or the parent for a first child */
};

/* Is `a` to come out strictly before `b`? Nodes that compare equal come out in any order. */
typedef bool (*heap_less_fn)(const struct heap_node *a, const struct heap_node *b);

struct heap {
	struct heap_node *root;
	heap_less_fn less;
};

static inline void heap_init(struct heap *h, heap_less_fn less)
{
	h->root = NULL;
	h->less = less;
}

static inline bool heap_empty(const struct heap *h)
{
	return h->root == NULL;
}

/* The least node, or NULL. */
static inline struct heap_node *heap_first(const struct heap *h)
{
	return h->root;
}

#define heap_entry(ptr, type, member) container_of(ptr, type, member)

void heap_insert(struct heap *h, struct heap_node *n);

/* Take `n`, which is in the heap, out of it. */
void heap_remove(struct heap *h, struct heap_node *n);

/* Take out and return the least node, or NULL. */
struct heap_node *heap_pop(struct heap *h);
