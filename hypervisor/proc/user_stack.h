/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first bytes of a program's stack, as System V's ABI for x86-64 ("Process Initialization") and
 * Linux have them: argc, argv, envp, the auxiliary vector, then strings. Built in a kernel buffer
 * that the caller copies to the top of the new stack. Host-testable.
 */
#pragma once

#include "lib/types.h"

/* Types of auxiliary vector entries (elf.h of any libc). */
#define AT_NULL     0
#define AT_PHDR     3
#define AT_PHENT    4
#define AT_PHNUM    5
#define AT_PAGESZ   6
#define AT_BASE     7
#define AT_FLAGS    8
#define AT_ENTRY    9
#define AT_UID      11
#define AT_EUID     12
#define AT_GID      13
#define AT_EGID     14
#define AT_PLATFORM 15
#define AT_HWCAP    16
#define AT_CLKTCK   17
#define AT_SECURE   23
#define AT_RANDOM   25
#define AT_HWCAP2   26
#define AT_EXECFN   31

#define USER_STACK_RANDOM   16
#define USER_STACK_ARGS_MAX 1024 /* argv and envp together */

/* argv and envp by value: nr_args + nr_envs strings, one behind the other, each with its NUL. */
struct user_args {
	const char *strings;
	size_t size; /* bytes of all strings */
	unsigned int nr_args, nr_envs;
};

struct user_stack_info {
	uint64_t top; /* address behind the stack's last byte, multiple of 16 */
	const char *execfn;
	uint64_t entry, phdrs, nr_phdrs, hwcap;
	uint8_t random[USER_STACK_RANDOM];
};

/*
 * Fills the end of buf[size]; the last byte of buf stands for the byte below info->top. The number
 * of bytes used, which is a multiple of 16 (so RSP = top - result); -E2BIG: buf is too small.
 */
int64_t user_stack_build(void *buf, size_t size, const struct user_args *args,
			 const struct user_stack_info *info) __must_check;
