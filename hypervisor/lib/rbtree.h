/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Intrusive red-black tree. The user embeds a struct rb_node and does the comparing: it walks down
 * from root->node to the empty link where the node belongs and calls rb_insert. Nothing is
 * allocated or locked here. Insert and remove take O(log n), next/prev amortized O(1).
 *
 *	struct rb_node **link = &tree->node, *parent = NULL;
 *
 *	while (*link != NULL) {
 *		parent = *link;
 *		link = key < rb_entry(parent, struct thing, node)->key ? &parent->left :
 *&parent->right;
 *	}
 *	rb_insert(tree, &thing->node, parent, link);
 */
#include "lib/types.h"

struct rb_node {
	struct rb_node *parent;
	struct rb_node *left;
	struct rb_node *right;
	bool red;
};

/* All-zero is an empty tree. */
struct rb_root {
	struct rb_node *node;
};

#define rb_entry(ptr, type, member) container_of(ptr, type, member)

static inline bool rb_empty(const struct rb_root *root)
{
	return root->node == NULL;
}

/* Put `n` at `*link`, the empty left or right link of `parent` (or the root), and rebalance. */
void rb_insert(struct rb_root *root, struct rb_node *n, struct rb_node *parent,
	       struct rb_node **link);

/* Take `n`, which is in the tree, out of it. */
void rb_remove(struct rb_root *root, struct rb_node *n);

/* Least, greatest, next greater, next smaller node; NULL if there is none. */
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *n);
struct rb_node *rb_prev(const struct rb_node *n);

/* rb_for_each_entry(pos, root, member): in order; the body must not remove `pos`. */
#define rb_for_each_entry(pos, root, member)                                                 \
	for (struct rb_node *rb_it_ = rb_first(root);                                        \
	     rb_it_ != NULL && ((pos) = rb_entry(rb_it_, __typeof__(*(pos)), member), true); \
	     rb_it_ = rb_next(rb_it_))
