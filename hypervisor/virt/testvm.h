/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM of one vCPU for the self-tests of the debug image: 4 MiB of memory, identity-mapped long
 * mode up to 1 GiB
 * and around the local APIC, an IDT whose every vector writes its number to port TESTVM_VECTOR_PORT
 * and, from 32 on, ends the interrupt at an x2APIC and returns. Code runs at TESTVM_CODE.
 */
#pragma once

#include "cpu/log.h"
#include "cpu/selftest.h"
#include "virt/vcpu.h"
#include "virt/virt.h"

#define TESTVM_MEMORY      MiB(4)
#define TESTVM_CODE        0x8000ull
#define TESTVM_STACK       0x7000ull
#define TESTVM_VECTOR_PORT 0xe0

struct testvm {
	struct vm *vm;
	struct vcpu *v;
	struct mobj *memory;
	uint64_t used; /* bytes charged before it was made */
};

/* Bytes of guest code between two labels of an assembly block. */
#define TESTVM_GUEST(name, text)                                                        \
	extern const uint8_t name[], name##_end[];                                      \
	__asm__(".pushsection .rodata\n" #name ":\n" text "\n" #name "_end:\n.code64\n" \
		".popsection\n")

/* Guest code: x2APIC mode, APIC on, and vector 0x41 sent to itself. */
#define TESTVM_X2APIC_SELF_IPI \
	"movl $0x1b, %ecx\n"   \
	"rdmsr\n"              \
	"orl $0xc00, %eax\n"   \
	"wrmsr\n"              \
	"movl $0x80f, %ecx\n"  \
	"movl $0x1ff, %eax\n"  \
	"xorl %edx, %edx\n"    \
	"wrmsr\n"              \
	"movl $0x83f, %ecx\n"  \
	"movl $0x41, %eax\n"   \
	"wrmsr\n"

/* 0 or -errno. Real mode or long mode, at TESTVM_CODE. */
int testvm_create(struct testvm *t, const uint8_t *code, size_t size, bool long_mode);
/* True: every byte has come back. */
bool testvm_destroy(struct testvm *t);

/* ---- for the body of a SELFTEST; the VM is `t` ---- */

/* Runs until an exit; the test fails at another one. */
#define EXPECT(reason)                                                                     \
	do {                                                                               \
		SELFTEST_CHECK(vcpu_run(t.v) == 0);                                        \
		if (t.v->run->exit_reason != (reason))                                     \
			log_error("exit %u: %s at %llx", t.v->run->exit_reason, t.v->fail, \
				  (unsigned long long)t.v->run->regs.rip);                 \
		SELFTEST_CHECK(t.v->run->exit_reason == (reason));                         \
	} while (0)

#define EXPECT_OUT(p, value)                                                            \
	do {                                                                            \
		EXPECT(VCPU_EXIT_IO);                                                   \
		if (t.v->run->io.port != (p) || t.v->run->io.data != (value))           \
			log_error("port %x: %x", t.v->run->io.port, t.v->run->io.data); \
		SELFTEST_CHECK(t.v->run->io.write &&t.v->run->io.port == (p));          \
		SELFTEST_CHECK(t.v->run->io.data == (value));                           \
	} while (0)

/* A test begins with START (a machine without virtualization passes) and ends with END. */
#define START(name, long_mode) \
	struct testvm t;       \
	if (!virt)             \
		return;        \
	SELFTEST_CHECK(testvm_create(&t, name, (size_t)(name##_end - name), long_mode) == 0)

#define END() SELFTEST_CHECK(testvm_destroy(&t))
