// SPDX-License-Identifier: GPL-2.0-or-later
// Red-black tree with parent pointers. Rebalancing is written once for both sides: `child(n, side)`
// picks the link, and `!side` is the mirror image. A missing child counts as black, so removal
// carries the parent along with the (perhaps missing) node that lacks one black.
#include "lib/rbtree.h"

enum side {
	LEFT,
	RIGHT,
};

static struct rb_node **child(struct rb_node *n, bool side)
{
	return side == LEFT ? &n->left : &n->right;
}

static bool side_of(const struct rb_node *n, const struct rb_node *parent)
{
	return parent->left == n ? LEFT : RIGHT;
}

static bool is_red(const struct rb_node *n)
{
	return n != NULL && n->red;
}

/* Make `new` (may be NULL) the child of `parent` (NULL: the root) in the place of `old`. */
static void replace_child(struct rb_root *root, struct rb_node *parent, struct rb_node *old,
			  struct rb_node *new)
{
	if (parent == NULL)
		root->node = new;
	else
		*child(parent, side_of(old, parent)) = new;
	if (new != NULL)
		new->parent = parent;
}

/* Turn `n` down to `side`; its child on the other side takes its place. */
static void rotate(struct rb_root *root, struct rb_node *n, bool side)
{
	struct rb_node *up = *child(n, !side);
	struct rb_node *moved = *child(up, side);

	replace_child(root, n->parent, n, up);
	*child(up, side) = n;
	n->parent = up;
	*child(n, !side) = moved;
	if (moved != NULL)
		moved->parent = n;
}

void rb_insert(struct rb_root *root, struct rb_node *n, struct rb_node *parent,
	       struct rb_node **link)
{
	*n = (struct rb_node){ .parent = parent, .red = true };
	*link = n;

	while (is_red(n->parent)) {
		struct rb_node *p = n->parent;
		struct rb_node *grand = p->parent;
		bool side = side_of(p, grand);
		struct rb_node *uncle = *child(grand, !side);

		if (is_red(uncle)) {
			p->red = uncle->red = false;
			grand->red = true;
			n = grand;
			continue;
		}
		if (side_of(n, p) != side) {
			rotate(root, p, side);
			p = n;
		}
		p->red = false;
		grand->red = true;
		rotate(root, grand, !side);
		break;
	}
	root->node->red = false;
}

/* The subtree `n` (may be NULL) below `parent` has one black too few. */
static void restore_black(struct rb_root *root, struct rb_node *n, struct rb_node *parent)
{
	while (parent != NULL && !is_red(n)) {
		bool side = side_of(n, parent);
		struct rb_node *sibling = *child(parent, !side);

		if (sibling->red) {
			sibling->red = false;
			parent->red = true;
			rotate(root, parent, side);
			sibling = *child(parent, !side);
		}
		if (!is_red(sibling->left) && !is_red(sibling->right)) {
			sibling->red = true;
			n = parent;
			parent = n->parent;
			continue;
		}
		if (!is_red(*child(sibling, !side))) {
			(*child(sibling, side))->red = false;
			sibling->red = true;
			rotate(root, sibling, !side);
			sibling = *child(parent, !side);
		}
		sibling->red = parent->red;
		parent->red = false;
		(*child(sibling, !side))->red = false;
		rotate(root, parent, side);
		return;
	}
	if (n != NULL)
		n->red = false;
}

/* Exchange `n`, which has two children, with its successor; afterwards n has no left child. */
static void swap_with_next(struct rb_root *root, struct rb_node *n)
{
	struct rb_node *next = rb_next(n);
	struct rb_node *next_parent = next->parent;
	struct rb_node *next_right = next->right;
	bool red = next->red;

	replace_child(root, n->parent, n, next);
	next->left = n->left;
	next->left->parent = next;
	next->red = n->red;
	if (next_parent == n) {
		next->right = n;
		n->parent = next;
	} else {
		next->right = n->right;
		next->right->parent = next;
		next_parent->left = n;
		n->parent = next_parent;
	}
	n->left = NULL;
	n->right = next_right;
	if (next_right != NULL)
		next_right->parent = n;
	n->red = red;
}

void rb_remove(struct rb_root *root, struct rb_node *n)
{
	struct rb_node *only, *parent;

	if (n->left != NULL && n->right != NULL)
		swap_with_next(root, n);
	only = n->left != NULL ? n->left : n->right;
	parent = n->parent;
	replace_child(root, parent, n, only);
	if (!n->red)
		restore_black(root, only, parent);
	*n = (struct rb_node){ 0 };
}

static struct rb_node *furthest(struct rb_node *n, bool side)
{
	while (n != NULL && *child(n, side) != NULL)
		n = *child(n, side);
	return n;
}

static struct rb_node *neighbour(const struct rb_node *n, bool side)
{
	struct rb_node *below = side == LEFT ? n->left : n->right;

	if (below != NULL)
		return furthest(below, !side);
	while (n->parent != NULL && side_of(n, n->parent) == side)
		n = n->parent;
	return n->parent;
}

struct rb_node *rb_first(const struct rb_root *root)
{
	return furthest(root->node, LEFT);
}

struct rb_node *rb_last(const struct rb_root *root)
{
	return furthest(root->node, RIGHT);
}

struct rb_node *rb_next(const struct rb_node *n)
{
	return neighbour(n, RIGHT);
}

struct rb_node *rb_prev(const struct rb_node *n)
{
	return neighbour(n, LEFT);
}
