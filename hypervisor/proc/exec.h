/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading a program of the boot archive into a fresh address space. */
#pragma once

#include "mem/as.h"
#include "proc/archive.h"
#include "proc/user_stack.h"

#define EXEC_STACK_SIZE MiB(8)  /* address space; pages come as they are touched */
#define EXEC_ARGS_MAX   KiB(48) /* bytes of argv and envp strings */

struct exec_result {
	uint64_t entry, stack; /* first RIP and RSP */
	uint64_t brk;          /* where the heap begins */
};

/*
 * Maps the program and its stack and writes the stack's first block. Thread context, no lock held;
 * switches the current thread to `as` and back meanwhile. 0, -ENOEXEC, -EINVAL, -EACCES, -E2BIG,
 * -ENOMEM; what is mapped then goes with the as.
 */
int exec_load(struct as *as, const struct archive_node *file, const char *execfn,
	      const struct user_args *args, struct exec_result *out);
