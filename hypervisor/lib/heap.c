// SPDX-License-Identifier: GPL-2.0-or-later
// Pairing heap: a tree whose nodes are no greater than their children, the children in a list.
// Linking two trees makes the greater root the first child of the other; when a node leaves, its
// children are linked in pairs, then the pairs into one, and that tree takes the node's place.
#include "lib/heap.h"

/* Link two trees (neither NULL) whose roots have no siblings; returns the root. */
static struct heap_node *link_trees(struct heap *h, struct heap_node *a, struct heap_node *b)
{
	if (h->less(b, a)) {
		struct heap_node *t = a;

		a = b;
		b = t;
	}
	b->next = a->child;
	if (b->next != NULL)
		b->next->prev = b;
	b->prev = a;
	a->child = b;
	return a;
}

static struct heap_node *cut_first(struct heap_node **list)
{
	struct heap_node *n = *list;

	*list = n->next;
	n->next = NULL;
	n->prev = NULL;
	return n;
}

/* Link a list of siblings into one tree; NULL for an empty list. */
static struct heap_node *link_siblings(struct heap *h, struct heap_node *list)
{
	struct heap_node *pairs = NULL, *root = NULL;

	while (list != NULL) {
		struct heap_node *n = cut_first(&list);

		if (list != NULL)
			n = link_trees(h, n, cut_first(&list));
		n->next = pairs;
		pairs = n;
	}
	while (pairs != NULL) {
		struct heap_node *n = cut_first(&pairs);

		root = root != NULL ? link_trees(h, root, n) : n;
	}
	return root;
}

void heap_insert(struct heap *h, struct heap_node *n)
{
	*n = (struct heap_node){ 0 };
	h->root = h->root != NULL ? link_trees(h, h->root, n) : n;
}

/* Unhook a node that is not the root from its parent or sibling. */
static void detach(struct heap_node *n)
{
	if (n->prev->child == n)
		n->prev->child = n->next;
	else
		n->prev->next = n->next;
	if (n->next != NULL)
		n->next->prev = n->prev;
}

void heap_remove(struct heap *h, struct heap_node *n)
{
	struct heap_node *rest = link_siblings(h, n->child);

	if (h->root == n) {
		h->root = rest;
	} else {
		detach(n);
		if (rest != NULL)
			h->root = link_trees(h, h->root, rest);
	}
	*n = (struct heap_node){ 0 };
}

struct heap_node *heap_pop(struct heap *h)
{
	struct heap_node *n = h->root;

	if (n != NULL)
		heap_remove(h, n);
	return n;
}
