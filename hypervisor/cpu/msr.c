// SPDX-License-Identifier: GPL-2.0-or-later
// The error code of the safe forms is set by the fixup, behind the instruction that may fault.
#include "cpu/msr.h"

#include "cpu/extable.h"
#include "lib/errno.h"

int msr_read_safe(uint32_t msr, uint64_t *v)
{
	uint32_t lo = 0, hi = 0;
	int ret = -EFAULT;

	__asm__ volatile("1: rdmsr\n\t"
			 "xorl %0, %0\n"
			 "2:\n\t" EXTABLE(1b, 2b)
			 : "+r"(ret), "+a"(lo), "+d"(hi)
			 : "c"(msr));
	*v = ret ? 0 : (uint64_t)hi << 32 | lo;
	return ret;
}

int msr_write_safe(uint32_t msr, uint64_t v)
{
	int ret = -EFAULT;

	__asm__ volatile("1: wrmsr\n\t"
			 "xorl %0, %0\n"
			 "2:\n\t" EXTABLE(1b, 2b)
			 : "+r"(ret)
			 : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
			 : "memory");
	return ret;
}
