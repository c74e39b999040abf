// SPDX-License-Identifier: GPL-2.0-or-later
// The only instructions of the kernel that touch user addresses. The range is checked first; a page
// that is not there is filled by the page-fault handler, which calls as_fault, and the instruction
// goes on; if that fails, the exception table leads to the end of the copy with what is left to do
// in RCX.
#include "cpu/extable.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/as.h"
#include "mem/usercopy.h"

#define CR4_SMAP (1ull << 21)

static bool smap; /* immutable after boot */

void usercopy_init(void)
{
	uint64_t cr4;

	__asm__("movq %%cr4, %0" : "=r"(cr4));
	smap = cr4 & CR4_SMAP;
}

static void user_access_begin(void)
{
	if (smap)
		__asm__ volatile("stac" : : : "memory");
}

static void user_access_end(void)
{
	if (smap)
		__asm__ volatile("clac" : : : "memory");
}

static bool in_user_space(uint64_t va, size_t len)
{
	return va <= AS_USER_END && len <= AS_USER_END - va;
}

/* One of the two is a user address. True: all was copied. */
static bool copy(void *dst, const void *src, size_t len)
{
	size_t words = len / 8, rest = len % 8;

	user_access_begin();
	__asm__ volatile("1: rep movsq\n"
			 "   movq %3, %%rcx\n"
			 "2: rep movsb\n"
			 "3:\n" EXTABLE(1b, 3b) EXTABLE(2b, 3b)
			 : "+D"(dst), "+S"(src), "+c"(words)
			 : "r"(rest)
			 : "memory");
	user_access_end();
	return words == 0;
}

int copy_from_user(void *dst, uint64_t src, size_t len)
{
	return in_user_space(src, len) && copy(dst, (const void *)src, len) ? 0 : -EFAULT;
}

int copy_to_user(uint64_t dst, const void *src, size_t len)
{
	return in_user_space(dst, len) && copy((void *)dst, src, len) ? 0 : -EFAULT;
}

int64_t copy_string_from_user(char *dst, uint64_t src, size_t size)
{
	size_t done = 0;

	while (done < size) {
		/* Not beyond the page, since the next one need not be there. */
		size_t n = MIN(size - done, PAGE_SIZE - ((src + done) & (PAGE_SIZE - 1)));

		if (copy_from_user(dst + done, src + done, n) < 0)
			return -EFAULT;

		size_t len = strnlen(dst + done, n);

		done += len;
		if (len < n)
			return (int64_t)done;
	}
	return -ENAMETOOLONG;
}

int user_load32(uint64_t va, uint32_t *value)
{
	uint32_t v = 0, failed = 1;

	if (!IS_ALIGNED(va, 4) || !in_user_space(va, 4))
		return -EFAULT;
	user_access_begin();
	__asm__ volatile("1: movl (%2), %0\n"
			 "   xorl %1, %1\n"
			 "2:\n" EXTABLE(1b, 2b)
			 : "+r"(v), "+r"(failed)
			 : "r"(va)
			 : "memory", "cc");
	user_access_end();
	*value = v;
	return failed ? -EFAULT : 0;
}
