// SPDX-License-Identifier: GPL-2.0-or-later
// Red-black tree and pairing heap: random insertions and removals against a flat model, with the
// structural invariants checked after every step.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "lib/heap.h"
#include "lib/rbtree.h"

#define ITEMS 64

struct item {
	int key;
	bool in;
	struct rb_node node;
	struct heap_node hnode;
};

static struct item items[ITEMS];

static void insert(struct rb_root *root, struct item *it)
{
	struct rb_node **link = &root->node, *parent = NULL;

	while (*link != NULL) {
		parent = *link;
		link = it->key < rb_entry(parent, struct item, node)->key ? &parent->left
									  : &parent->right;
	}
	rb_insert(root, &it->node, parent, link);
}

/* Returns the number of blacks on every way down; checks parents, colours and that. */
static int check_subtree(const struct rb_node *n, const struct rb_node *parent)
{
	int left, right;

	if (n == NULL)
		return 1;
	assert_ptr_equal(n->parent, parent);
	assert_false(n->red && (parent == NULL || parent->red));
	left = check_subtree(n->left, n);
	right = check_subtree(n->right, n);
	assert_int_equal(left, right);
	return left + !n->red;
}

static void check_order(const struct rb_root *root, int expected)
{
	const struct item *last = NULL, *it;
	int n = 0;

	rb_for_each_entry (it, root, node) {
		assert_true(it->in);
		assert_true(last == NULL || last->key <= it->key);
		if (last != NULL)
			assert_ptr_equal(rb_prev(&it->node), &last->node);
		last = it;
		n++;
	}
	assert_int_equal(n, expected);
	assert_ptr_equal(rb_last(root), last == NULL ? NULL : &last->node);
}

static void test_rbtree(void **state)
{
	struct rb_root root = { NULL };
	int count = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct item *it = &items[rand() % ITEMS];

		if (it->in) {
			rb_remove(&root, &it->node);
		} else {
			it->key = rand() % 40;
			insert(&root, it);
		}
		it->in = !it->in;
		count += it->in ? 1 : -1;
		check_subtree(root.node, NULL);
		check_order(&root, count);
		assert_int_equal(rb_empty(&root), count == 0);
	}
}

static bool less(const struct heap_node *a, const struct heap_node *b)
{
	return heap_entry(a, const struct item, hnode)->key <
	       heap_entry(b, const struct item, hnode)->key;
}

static int model_least(void)
{
	int least = 1000;

	for (int i = 0; i < ITEMS; i++) {
		if (items[i].in && items[i].key < least)
			least = items[i].key;
	}
	return least;
}

static void test_heap(void **state)
{
	struct heap heap;

	(void)state;
	heap_init(&heap, less);
	for (int i = 0; i < ITEMS; i++)
		items[i].in = false;
	for (int round = 0; round < 50000; round++) {
		struct item *it = &items[rand() % ITEMS];

		if (it->in && rand() % 4 == 0) {
			it = heap_entry(heap_pop(&heap), struct item, hnode);
			assert_int_equal(it->key, model_least());
		} else if (it->in) {
			heap_remove(&heap, &it->hnode);
		} else {
			it->key = rand() % 100;
			heap_insert(&heap, &it->hnode);
		}
		it->in = !it->in;
		assert_int_equal(heap_empty(&heap), model_least() == 1000);
		if (!heap_empty(&heap))
			assert_int_equal(heap_entry(heap_first(&heap), struct item, hnode)->key,
					 model_least());
	}
	while (!heap_empty(&heap)) {
		struct item *it = heap_entry(heap_pop(&heap), struct item, hnode);

		assert_int_equal(it->key, model_least());
		it->in = false;
	}
	assert_null(heap_pop(&heap));
	assert_int_equal(model_least(), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rbtree),
		cmocka_unit_test(test_heap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
