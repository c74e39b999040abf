// SPDX-License-Identifier: GPL-2.0-or-later
// Ranges are few and this runs once: insertion into a sorted array, linear walks.
// A range is inserted piece by piece, so that what is there already keeps its node.
// Two sets are combined by walking through both from their low ends.
#include "mem/ranges.h"

#include "lib/string.h"

static phys_t end_of(const struct mem_range *r)
{
	return r->base + r->size;
}

static bool insert_at(struct range_set *s, unsigned i, phys_t base, phys_t end, int node)
{
	if (s->nr == MEM_RANGES_MAX)
		return false;
	memmove(&s->at[i + 1], &s->at[i], (s->nr - i) * sizeof(s->at[0]));
	s->at[i] = (struct mem_range){ .base = base, .size = end - base, .node = node };
	s->nr++;
	return true;
}

/* Adds what of [base, end) is not there yet. */
static bool add_range(struct range_set *s, phys_t base, phys_t end, int node)
{
	for (unsigned i = 0; base < end; i++) {
		if (i == s->nr || end <= s->at[i].base)
			return insert_at(s, i, base, end, node);
		if (base < s->at[i].base) {
			if (!insert_at(s, i, base, s->at[i].base, node))
				return false;
			i++;
		}
		base = MAX(base, end_of(&s->at[i]));
	}
	return true;
}

static void join_neighbours(struct range_set *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->nr; i++) {
		if (n && end_of(&s->at[n - 1]) == s->at[i].base &&
		    s->at[n - 1].node == s->at[i].node)
			s->at[n - 1].size += s->at[i].size;
		else
			s->at[n++] = s->at[i];
	}
	s->nr = n;
}

static phys_t round_down(phys_t pa)
{
	return pa & PAGE_MASK;
}

static phys_t round_up(phys_t pa)
{
	return (pa + PAGE_SIZE - 1) & PAGE_MASK;
}

/* The end of a range, cut at the limit; also right for ranges that wrap. */
static phys_t clipped_end(const struct mem_range *r, phys_t limit)
{
	return r->base >= limit || r->size > limit - r->base ? limit : end_of(r);
}

bool ranges_normalize(struct range_set *out, const struct mem_range *in, unsigned nr, bool inwards,
		      phys_t limit)
{
	out->nr = 0;
	for (unsigned i = 0; i < nr; i++) {
		phys_t base = MIN(in[i].base, limit), end = clipped_end(&in[i], limit);

		base = inwards ? round_up(base) : round_down(base);
		end = inwards ? round_down(end) : round_up(end);
		if (in[i].size && !add_range(out, base, end, in[i].node))
			return false;
	}
	join_neighbours(out);
	return true;
}

static bool append(struct range_set *s, phys_t base, phys_t end, int node)
{
	return base >= end || insert_at(s, s->nr, base, end, node);
}

bool ranges_subtract(struct range_set *out, const struct range_set *a, const struct range_set *b)
{
	unsigned j = 0;

	out->nr = 0;
	for (unsigned i = 0; i < a->nr; i++) {
		phys_t base = a->at[i].base, end = end_of(&a->at[i]);

		while (j && end_of(&b->at[j - 1]) > base)
			j--;
		for (; j < b->nr && b->at[j].base < end; j++) {
			if (!append(out, base, MIN(end, b->at[j].base), a->at[i].node))
				return false;
			base = MAX(base, end_of(&b->at[j]));
		}
		if (!append(out, base, end, a->at[i].node))
			return false;
	}
	return true;
}

bool ranges_intersect(struct range_set *out, const struct range_set *a, const struct range_set *b)
{
	out->nr = 0;
	for (unsigned i = 0, j = 0; i < a->nr && j < b->nr;) {
		phys_t end_a = end_of(&a->at[i]), end_b = end_of(&b->at[j]);

		if (!append(out, MAX(a->at[i].base, b->at[j].base), MIN(end_a, end_b),
			    a->at[i].node))
			return false;
		if (end_a <= end_b)
			i++;
		else
			j++;
	}
	return true;
}

uint64_t ranges_size(const struct range_set *s)
{
	uint64_t size = 0;

	for (unsigned i = 0; i < s->nr; i++)
		size += s->at[i].size;
	return size;
}

/* Removes [base, end), which lies in range i; there is room for one range more. */
static void cut(struct range_set *s, unsigned i, phys_t base, phys_t end)
{
	phys_t old_end = end_of(&s->at[i]);

	s->at[i].size = base - s->at[i].base;
	if (end < old_end)
		insert_at(s, i + 1, end, old_end, s->at[i].node);
	if (s->at[i].size == 0) {
		s->nr--;
		memmove(&s->at[i], &s->at[i + 1], (s->nr - i) * sizeof(s->at[0]));
	}
}

phys_t ranges_take(struct range_set *s, uint64_t size, uint64_t align, phys_t limit, int *node)
{
	if (s->nr == MEM_RANGES_MAX)
		return 0;
	for (unsigned i = s->nr; i-- > 0;) {
		phys_t end = MIN(end_of(&s->at[i]), limit);
		phys_t base = end >= size ? ALIGN_DOWN(end - size, align) : 0;

		if (base == 0 || base < s->at[i].base)
			continue;
		*node = s->at[i].node;
		cut(s, i, base, base + size);
		return base;
	}
	return 0;
}
