// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: drivers/serial/uart16550.c
// A UART in memory whose registers are a plain array: each is reached where and as wide as it was
// said, and nothing beside them is touched. What a register does is the emulators' part.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drivers/serial/uart16550.h"
#include "drivers/serial/uart_regs.h"
#include "lib/errno.h"

#define UNTOUCHED 0xcc
#define REGISTERS 8

static _Alignas(8) uint8_t file[128];

static const struct {
	uint8_t stride, width;
} shapes[] = { { 1, 1 }, { 2, 1 }, { 2, 2 }, { 4, 1 }, { 4, 2 }, { 4, 4 } };

static uint8_t *reg(unsigned int shape, unsigned int n)
{
	return file + 32 + n * shapes[shape].stride;
}

static int start(struct uart16550 *u, unsigned int shape, uint32_t baud)
{
	memset(file, UNTOUCHED, sizeof(file));
	memset(reg(shape, UART_LSR), 0, shapes[shape].width);
	*reg(shape, UART_LSR) = UART_LSR_THRE | UART_LSR_TEMT;
	return uart_init_memory(u, file + 32, shapes[shape].stride, shapes[shape].width, baud);
}

/* Every byte outside of the accesses is as it was, every other byte of an access is 0. */
static void check_beside(unsigned int shape, unsigned int written)
{
	uint8_t stride = shapes[shape].stride, width = shapes[shape].width;

	for (size_t i = 0; i < sizeof(file); i++) {
		size_t at = i - 32, n = at / stride;
		bool inside =
			i >= 32 && n < REGISTERS && at % stride < width && (written >> n & 1) != 0;

		if (!inside)
			assert_int_equal(file[i], UNTOUCHED);
		else if (at % stride != 0)
			assert_int_equal(file[i], 0);
	}
}

static void test_registers(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct uart16550 u;

		assert_int_equal(start(&u, i, 0), 0);
		assert_true(uart_exists(&u));
		assert_int_equal(*reg(i, UART_LCR), UART_LCR_8N1);
		assert_int_equal(*reg(i, UART_SCR), 0xa5); /* the probe's */
		assert_int_equal(*reg(i, UART_IER), 0);
		check_beside(i, 1 << UART_IER | 1 << UART_FCR | 1 << UART_LCR | 1 << UART_MCR |
					1 << UART_LSR | 1 << UART_SCR);
		for (unsigned int n = 0; n < REGISTERS; n++) {
			uart_write_reg(&u, n, (uint8_t)(0x10 + n));
			assert_int_equal(*reg(i, n), 0x10 + n);
			assert_int_equal(uart_read_reg(&u, n), 0x10 + n);
		}
		check_beside(i, 0xff);
	}
}

static void test_output(void **state)
{
	struct uart16550 u;

	(void)state;
	assert_int_equal(start(&u, 5, 0), 0);
	uart_write(&u, "abc", 3);
	assert_int_equal(*reg(5, UART_THR), 'c');
	uart_write(&u, "\n", 1);
	assert_int_equal(*reg(5, UART_THR), '\n');
	uart_drain(&u);
	/* One that never takes a byte is not waited for without end. */
	*reg(5, UART_LSR) = 0;
	uart_write(&u, "x", 1);
	uart_drain(&u);
}

static void test_baud(void **state)
{
	struct uart16550 u;

	(void)state;
	assert_int_equal(start(&u, 0, 9600), 0);
	assert_int_equal(*reg(0, UART_DLL), 12);
	assert_int_equal(*reg(0, UART_DLM), 0);
	assert_int_equal(start(&u, 0, 7), -EINVAL);
	assert_false(uart_exists(&u));
	uart_write(&u, "swallowed", 9);
	uart_drain(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_baud),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
