/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * Basic types and macros that every file may use. No state, no locks; compiles in the kernel and on
 * the host (only freestanding C headers are included).
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t phys_t; /* host-physical address, bytes */
typedef uint64_t virt_t; /* virtual address as a number, bytes */
typedef uint64_t gpa_t;  /* guest-physical address, bytes */

#ifndef __ssize_t_defined
#ifndef _SSIZE_T_DECLARED
typedef long ssize_t;
#define __ssize_t_defined
#define _SSIZE_T_DECLARED
#endif
#endif

#define KiB(n) ((uint64_t)(n) << 10)
#define MiB(n) ((uint64_t)(n) << 20)
#define GiB(n) ((uint64_t)(n) << 30)
#define TiB(n) ((uint64_t)(n) << 40)

/* Round `x` to a multiple of `a`, a power of two; the result has the type of `x`. */
#define ALIGN_DOWN(x, a)   ((x) & ~((__typeof__(x))(a)-1))
#define ALIGN_UP(x, a)     (((x) + ((__typeof__(x))(a)-1)) & ~((__typeof__(x))(a)-1))
#define IS_ALIGNED(x, a)   (((x) & ((__typeof__(x))(a)-1)) == 0)
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define MIN(a, b)                                  \
	({                                         \
		__typeof__(a) min_a_ = (a);        \
		__typeof__(b) min_b_ = (b);        \
		min_a_ < min_b_ ? min_a_ : min_b_; \
	})
#define MAX(a, b)                                  \
	({                                         \
		__typeof__(a) max_a_ = (a);        \
		__typeof__(b) max_b_ = (b);        \
		max_a_ > max_b_ ? max_a_ : max_b_; \
	})

/* The object of type `type` whose member `member` is at `ptr`. */
#define container_of(ptr, type, member) ((type *)((uintptr_t)(ptr)-offsetof(type, member)))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Keep the compiler (not the CPU) from moving memory accesses across. */
#define barrier() __asm__ volatile("" ::: "memory")

/* One untorn access that the compiler neither repeats nor drops. */
#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

#define __packed                    __attribute__((packed))
#define __aligned(n)                __attribute__((aligned(n)))
#define __section(s)                __attribute__((section(s)))
#define __noreturn                  __attribute__((noreturn))
#define __noinline                  __attribute__((noinline))
#define __used                      __attribute__((used))
#define __maybe_unused              __attribute__((unused))
#define __must_check                __attribute__((warn_unused_result))
#define __printf_like(f, a)         __attribute__((format(printf, f, a)))
#define static_assert_size(type, n) _Static_assert(sizeof(type) == (n), "size of " #type)
#define static_assert_offset(type, field, n) \
	_Static_assert(offsetof(type, field) == (n), "offset of " #type "." #field)
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/* For `if (DEBUG_BUILD)`: the debug configuration defines CONFIG_DEBUG=1, the others nothing. */
#ifdef CONFIG_DEBUG
#define DEBUG_BUILD 1
#else
#define DEBUG_BUILD 0
#endif
