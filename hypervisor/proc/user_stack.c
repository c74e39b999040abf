// SPDX-License-Identifier: GPL-2.0-or-later
// The block is laid out from its top downwards: strings first, then, once their addresses are known
// and the size of the tables too, argc and the tables from the bottom of what they need upwards.
#include "proc/user_stack.h"

#include "lib/errno.h"
#include "lib/string.h"

#define AUX_PAIRS 18

struct builder {
	uint8_t *buf;
	size_t size;
	size_t used; /* bytes at the end of buf */
	uint64_t top;
};

/* Room for len bytes below what is there: its offset in buf, and its user address in *va. */
static uint8_t *take(struct builder *b, size_t len, uint64_t *va)
{
	if (len > b->size - b->used)
		return NULL;
	b->used += len;
	*va = b->top - b->used;
	return b->buf + b->size - b->used;
}

static bool push(struct builder *b, const void *bytes, size_t len, uint64_t *va)
{
	uint8_t *p = take(b, len, va);

	if (p == NULL)
		return false;
	memcpy(p, bytes, len);
	return true;
}

static uint64_t *put_pointers(uint64_t *p, const char **s, uint64_t *va, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		size_t len = strlen(*s) + 1;

		*p++ = *va;
		*s += len;
		*va += len;
	}
	*p++ = 0;
	return p;
}

struct strings {
	uint64_t args, execfn, platform, random;
};

static void put_aux(uint64_t *p, const struct user_stack_info *info, const struct strings *s)
{
	const uint64_t pairs[AUX_PAIRS][2] = {
		{ AT_PHDR, info->phdrs },
		{ AT_PHENT, 56 },
		{ AT_PHNUM, info->nr_phdrs },
		{ AT_PAGESZ, 4096 },
		{ AT_BASE, 0 },
		{ AT_FLAGS, 0 },
		{ AT_ENTRY, info->entry },
		{ AT_UID, 0 },
		{ AT_EUID, 0 },
		{ AT_GID, 0 },
		{ AT_EGID, 0 },
		{ AT_SECURE, 0 },
		{ AT_CLKTCK, 100 },
		{ AT_HWCAP, info->hwcap },
		{ AT_RANDOM, s->random },
		{ AT_EXECFN, s->execfn },
		{ AT_PLATFORM, s->platform },
		{ AT_NULL, 0 },
	};

	memcpy(p, pairs, sizeof(pairs));
}

int64_t user_stack_build(void *buf, size_t size, const struct user_args *args,
			 const struct user_stack_info *info)
{
	struct builder b = { .buf = buf, .size = size, .top = info->top };
	size_t words = 1 + args->nr_args + 1 + args->nr_envs + 1 + (size_t)2 * AUX_PAIRS;
	const char *text = args->strings;
	struct strings s;
	uint64_t *p, va;

	if (!push(&b, info->execfn, strlen(info->execfn) + 1, &s.execfn) ||
	    !push(&b, "x86_64", 7, &s.platform) ||
	    !push(&b, info->random, sizeof(info->random), &s.random) ||
	    !push(&b, args->strings, args->size, &s.args))
		return -E2BIG;
	/* RSP, below the tables, must be a multiple of 16. */
	if (take(&b, ALIGN_UP(b.used + words * 8, 16) - b.used - words * 8, &va) == NULL)
		return -E2BIG;
	p = (uint64_t *)(void *)take(&b, words * 8, &va);
	if (p == NULL)
		return -E2BIG;
	*p++ = args->nr_args;
	va = s.args;
	p = put_pointers(p, &text, &va, args->nr_args);
	p = put_pointers(p, &text, &va, args->nr_envs);
	put_aux(p, info, &s);
	return (int64_t)b.used;
}
