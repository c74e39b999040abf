// SPDX-License-Identifier: GPL-2.0-or-later
// The MOV decoder: known encodings, and every opcode byte with every ModRM in every mode.
// TEST-WITH: virt/mmio_decode.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "abi/strata.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "virt/mmio_decode.h"

struct known {
	const char *bytes;
	unsigned n;
	enum mmio_mode mode;
	struct mmio_insn want;
};

#define K(text, mode, ...)                                \
	{                                                 \
		text, sizeof(text) - 1, MMIO_MODE_##mode, \
		{                                         \
			__VA_ARGS__                       \
		}                                         \
	}

static const struct known table[] = {
	/* mov %eax, 0xb0(%rdi) */
	K("\x89\x87\xb0\x00\x00\x00", 64, .len = 6, .size = 4, .dest_size = 4, .reg = GPR_RAX,
	  .write = true),
	/* mov (%rax), %r9d */
	K("\x44\x8b\x08", 64, .len = 3, .size = 4, .dest_size = 4, .reg = GPR_R9),
	/* mov %rsi, (%rsp) */
	K("\x48\x89\x34\x24", 64, .len = 4, .size = 8, .dest_size = 8, .reg = GPR_RSI,
	  .write = true),
	/* movl $0x1ff, 0x12345678(%rip) */
	K("\xc7\x05\x78\x56\x34\x12\xff\x01\x00\x00", 64, .len = 10, .size = 4, .dest_size = 4,
	  .write = true, .immediate = true, .imm = 0x1ff),
	/* movq $-1, (%rax) */
	K("\x48\xc7\x00\xff\xff\xff\xff", 64, .len = 7, .size = 8, .dest_size = 8, .write = true,
	  .immediate = true, .imm = ~0ull),
	/* movw $0x1234, (%rax) */
	K("\x66\xc7\x00\x34\x12", 64, .len = 5, .size = 2, .dest_size = 2, .write = true,
	  .immediate = true, .imm = 0x1234),
	/* mov %ah, (%rax); mov %spl, (%rax) */
	K("\x88\x20", 64, .len = 2, .size = 1, .dest_size = 1, .reg = GPR_RAX, .high = true,
	  .write = true),
	K("\x40\x88\x20", 64, .len = 3, .size = 1, .dest_size = 1, .reg = GPR_RSP, .write = true),
	/* movzbl (%rax), %ecx; movswq (%rax), %r10 */
	K("\x0f\xb6\x08", 64, .len = 3, .size = 1, .dest_size = 4, .reg = GPR_RCX),
	K("\x4c\x0f\xbf\x10", 64, .len = 4, .size = 2, .dest_size = 8, .reg = GPR_R10,
	  .sign = true),
	/* movslq (%rax), %rcx */
	K("\x48\x63\x08", 64, .len = 3, .size = 4, .dest_size = 8, .reg = GPR_RCX, .sign = true),
	/* movabs 0xfee00020, %eax */
	K("\xa1\x20\x00\xe0\xfe\x00\x00\x00\x00", 64, .len = 9, .size = 4, .dest_size = 4),
	/* fs mov (%eax), %eax */
	K("\x64\x67\x8b\x00", 64, .len = 4, .size = 4, .dest_size = 4),
	/* 32-bit: mov %ebx, 0xfee000b0; mov 0xfee00020, %eax; mov (%ebp,%eax,4) */
	K("\x89\x1d\xb0\x00\xe0\xfe", 32, .len = 6, .size = 4, .dest_size = 4, .reg = GPR_RBX,
	  .write = true),
	K("\xa1\x20\x00\xe0\xfe", 32, .len = 5, .size = 4, .dest_size = 4),
	K("\x8b\x44\x85\x10", 32, .len = 4, .size = 4, .dest_size = 4),
	K("\x8b\x04\x85\x00\x00\xe0\xfe", 32, .len = 7, .size = 4, .dest_size = 4),
	/* 16-bit: mov %ax, 0x1234; with both prefixes: mov (%eax), %eax */
	K("\xa3\x34\x12", 16, .len = 3, .size = 2, .dest_size = 2, .write = true),
	K("\x89\x06\x34\x12", 16, .len = 4, .size = 2, .dest_size = 2, .write = true),
	K("\x66\x67\x8b\x00", 16, .len = 4, .size = 4, .dest_size = 4),
	K("\x66\x8b\x47\x10", 16, .len = 4, .size = 4, .dest_size = 4),
};

static void test_known(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		const struct known *k = &table[i];
		struct mmio_insn insn;

		assert_int_equal(mmio_decode((const uint8_t *)k->bytes, k->n, k->mode, &insn), 0);
		assert_int_equal(insn.len, k->want.len);
		assert_int_equal(insn.size, k->want.size);
		assert_int_equal(insn.dest_size, k->want.dest_size);
		assert_int_equal(insn.reg, k->want.reg);
		assert_int_equal(insn.high, k->want.high);
		assert_int_equal(insn.write, k->want.write);
		assert_int_equal(insn.immediate, k->want.immediate);
		assert_int_equal(insn.sign, k->want.sign);
		assert_int_equal(insn.imm, k->want.imm);
		/* Each shorter piece asks for more. */
		for (unsigned n = 0; n < k->n; n++)
			assert_int_equal(mmio_decode((const uint8_t *)k->bytes, n, k->mode, &insn),
					 -ENODATA);
	}
}

static void test_refused(void **state)
{
	static const char *const no[] = {
		"\x8b\xc0",     /* register to register */
		"\xf0\x89\x00", /* lock */
		"\xf3\xa4",     /* rep movsb */
		"\x87\x00",     /* xchg */
		"\x01\x00",     /* add */
		"\xc7\x48\x01", /* C7 /1 */
		"\x0f\xb0\x00", /* cmpxchg */
		"\x8e\x00",     /* mov to a segment */
		"\x0f\x22\xc0", /* mov to CR0 */
		"\xab",         /* stos */
	};
	static const uint8_t prefixes[20] = { [0 ... 19] = 0x66 };
	struct mmio_insn insn;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(no); i++) {
		uint8_t bytes[15] = { 0 };

		memcpy(bytes, no[i], strlen(no[i]));
		assert_int_equal(mmio_decode(bytes, 15, MMIO_MODE_64, &insn), -EINVAL);
	}
	assert_int_equal(mmio_decode(prefixes, 20, MMIO_MODE_64, &insn), -EINVAL);
	/* MOVSXD is ARPL outside of 64-bit mode. */
	assert_int_equal(
		mmio_decode((const uint8_t *)"\x63\x08\0\0\0\0\0\0", 8, MMIO_MODE_32, &insn),
		-EINVAL);
}

/* What a decode gave is sound. */
static unsigned check_one(const uint8_t *bytes, enum mmio_mode mode)
{
	struct mmio_insn insn;

	if (mmio_decode(bytes, 15, mode, &insn))
		return 0;
	if (insn.len < 2 || insn.len > 15 || !is_pow2(insn.size) || insn.size > 8 ||
	    !is_pow2(insn.dest_size) || insn.dest_size > 8 || insn.dest_size < insn.size ||
	    insn.reg >= GPR_COUNT || (insn.write && insn.sign))
		fail_msg("unsound: %02x %02x %02x %02x", bytes[0], bytes[1], bytes[2], bytes[3]);
	return 1;
}

/* Every opcode and ModRM, with prefixes and SIBs of interest, in every mode. */
static void test_exhaustive(void **state)
{
	static const int prefix[] = { -1, 0x66, 0x67, 0x40, 0x48, 0x4f, 0x0f, 0xf0 };
	static const uint8_t sib[] = { 0, 5, 0x25, 0xff };
	unsigned decoded[ARRAY_SIZE(prefix)] = { 0 };

	(void)state;
	for (unsigned n = 0; n < 3 * 0x10000 * ARRAY_SIZE(prefix); n++) {
		enum mmio_mode mode = n % 3;
		unsigned p = n / 3 / 0x10000, at = 0;
		uint8_t bytes[16] = { 0 };

		if (prefix[p] >= 0)
			bytes[at++] = (uint8_t)prefix[p];
		bytes[at] = (uint8_t)(n / 3);
		bytes[at + 1] = (uint8_t)(n / 3 >> 8);
		for (unsigned i = 0; i < ARRAY_SIZE(sib); i++) {
			bytes[at + 2] = sib[i];
			decoded[p] += check_one(bytes, mode);
		}
	}
	/* Without a prefix, each mode: 88..8B with 192 ModRMs, A0..A3 with any byte, C6 and C7 with
	 * 24 ModRMs; MOVSXD in 64-bit mode; MOVs behind a REX prefix or 0F found as the first byte.
	 */
	assert_true(decoded[0] >= 4 * (3 * (4 * 192 + 4 * 256 + 2 * 24) + 192));
	assert_true(decoded[6] >= 4 * 3 * 4 * 192); /* MOVZX, MOVSX */
	assert_int_equal(decoded[7], 0);            /* LOCK */
}

static void test_values(void **state)
{
	uint64_t gpr[GPR_COUNT] = { [GPR_RAX] = 0x1122334455667788 };
	struct mmio_insn i = { .size = 1, .dest_size = 1, .reg = GPR_RAX, .high = true };

	(void)state;
	assert_int_equal(mmio_store_value(&i, gpr), 0x77);
	mmio_load_value(&i, gpr, 0xfffffeab);
	assert_int_equal(gpr[GPR_RAX], 0x112233445566ab88);
	i = (struct mmio_insn){ .size = 2, .dest_size = 2 };
	mmio_load_value(&i, gpr, 0x12345);
	assert_int_equal(gpr[GPR_RAX], 0x1122334455662345);
	assert_int_equal(mmio_store_value(&i, gpr), 0x2345);
	i = (struct mmio_insn){ .size = 4, .dest_size = 4 };
	mmio_load_value(&i, gpr, 0xfee00000);
	assert_int_equal(gpr[GPR_RAX], 0xfee00000);
	i = (struct mmio_insn){ .size = 1, .dest_size = 4, .sign = true };
	mmio_load_value(&i, gpr, 0x80);
	assert_int_equal(gpr[GPR_RAX], 0xffffff80);
	i = (struct mmio_insn){ .size = 4, .dest_size = 8, .sign = true };
	mmio_load_value(&i, gpr, 0x80000000);
	assert_int_equal(gpr[GPR_RAX], 0xffffffff80000000);
	i = (struct mmio_insn){ .size = 4, .immediate = true, .imm = ~0ull };
	assert_int_equal(mmio_store_value(&i, gpr), 0xffffffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_exhaustive),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
