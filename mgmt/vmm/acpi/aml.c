// SPDX-License-Identifier: GPL-2.0-or-later
// A length (PkgLength) takes one to four bytes and counts itself: the content is written first and
// moved up by as much when the term closes.

#include "vmm/acpi/aml.h"

#include <string.h>

#define OP_ZERO       0x00
#define OP_ONE        0x01
#define OP_NAME       0x08
#define OP_BYTE       0x0a
#define OP_WORD       0x0b
#define OP_DWORD      0x0c
#define OP_STRING     0x0d
#define OP_QWORD      0x0e
#define OP_SCOPE      0x10
#define OP_BUFFER     0x11
#define OP_PACKAGE    0x12
#define OP_DUAL_NAME  0x2e
#define OP_MULTI_NAME 0x2f
#define OP_EXT        0x5b
#define OP_DEVICE     0x82 /* after OP_EXT */

void aml_bytes(struct aml *a, const void *bytes, size_t n)
{
	if (a->overflow || n > a->room - a->size) {
		a->overflow = true;
		return;
	}
	memcpy(a->data + a->size, bytes, n);
	a->size += n;
}

void aml_byte(struct aml *a, uint8_t byte)
{
	aml_bytes(a, &byte, 1);
}

static void little_endian(struct aml *a, uint64_t value, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		aml_byte(a, (uint8_t)(value >> (8 * i)));
}

void aml_name_string(struct aml *a, const char *path)
{
	size_t segments;

	if (*path == '\\')
		aml_byte(a, (uint8_t)*path++);
	segments = (strlen(path) + 1) / 5;
	if (segments == 2) {
		aml_byte(a, OP_DUAL_NAME);
	} else if (segments > 2) {
		aml_byte(a, OP_MULTI_NAME);
		aml_byte(a, (uint8_t)segments);
	}
	for (size_t i = 0; i < segments; i++)
		aml_bytes(a, path + 5 * i, 4);
}

void aml_integer(struct aml *a, uint64_t value)
{
	if (value <= 1) {
		aml_byte(a, value ? OP_ONE : OP_ZERO);
	} else if (value <= 0xff) {
		aml_byte(a, OP_BYTE);
		little_endian(a, value, 1);
	} else if (value <= 0xffff) {
		aml_byte(a, OP_WORD);
		little_endian(a, value, 2);
	} else if (value <= 0xffffffff) {
		aml_byte(a, OP_DWORD);
		little_endian(a, value, 4);
	} else {
		aml_byte(a, OP_QWORD);
		little_endian(a, value, 8);
	}
}

void aml_string(struct aml *a, const char *text)
{
	aml_byte(a, OP_STRING);
	aml_bytes(a, text, strlen(text) + 1);
}

static unsigned hex_digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'A' + 10);
}

/* Three letters of five bits and four hexadecimal digits, big-endian. */
void aml_eisa_id(struct aml *a, const char *id)
{
	uint32_t v = (uint32_t)(id[0] - '@') << 26 | (uint32_t)(id[1] - '@') << 21 |
		     (uint32_t)(id[2] - '@') << 16;

	for (int i = 0; i < 4; i++)
		v |= hex_digit(id[3 + i]) << (12 - 4 * i);
	aml_byte(a, OP_DWORD);
	little_endian(a, __builtin_bswap32(v), 4);
}

void aml_name(struct aml *a, const char *path)
{
	aml_byte(a, OP_NAME);
	aml_name_string(a, path);
}

size_t aml_scope(struct aml *a, const char *path)
{
	size_t mark;

	aml_byte(a, OP_SCOPE);
	mark = a->size;
	aml_name_string(a, path);
	return mark;
}

size_t aml_device(struct aml *a, const char *name)
{
	size_t mark;

	aml_byte(a, OP_EXT);
	aml_byte(a, OP_DEVICE);
	mark = a->size;
	aml_name_string(a, name);
	return mark;
}

size_t aml_package(struct aml *a, uint8_t elements)
{
	size_t mark;

	aml_byte(a, OP_PACKAGE);
	mark = a->size;
	aml_byte(a, elements);
	return mark;
}

/* Makes room for `n` bytes at `mark`. */
static uint8_t *insert(struct aml *a, size_t mark, size_t n)
{
	static const uint8_t zeros[8];
	size_t tail = a->size - mark;

	aml_bytes(a, zeros, n);
	if (a->overflow)
		return NULL;
	memmove(a->data + mark + n, a->data + mark, tail);
	return a->data + mark;
}

void aml_close(struct aml *a, size_t mark)
{
	size_t len = a->size - mark;
	unsigned extra = len + 1 < 64 ? 0 : len + 2 < 1 << 12 ? 1 : len + 3 < 1 << 20 ? 2 : 3;
	uint8_t *at = insert(a, mark, 1 + extra);

	if (!at)
		return;
	len += 1 + extra;
	if (extra == 0) {
		at[0] = (uint8_t)len;
		return;
	}
	at[0] = (uint8_t)(extra << 6 | (len & 15));
	for (unsigned i = 0; i < extra; i++)
		at[1 + i] = (uint8_t)(len >> (4 + 8 * i));
}

size_t aml_resources(struct aml *a)
{
	aml_byte(a, OP_BUFFER);
	return a->size;
}

void aml_resources_close(struct aml *a, size_t mark)
{
	size_t len;
	uint8_t *at;

	aml_byte(a, 0x79); /* end tag */
	aml_byte(a, 0);    /* checksum: none */
	len = a->size - mark;
	at = insert(a, mark, len > 0xff ? 3 : 2);
	if (at) {
		at[0] = len > 0xff ? OP_WORD : OP_BYTE;
		at[1] = (uint8_t)len;
		if (len > 0xff)
			at[2] = (uint8_t)(len >> 8);
	}
	aml_close(a, mark);
}

void aml_io(struct aml *a, uint16_t port, uint8_t size)
{
	aml_byte(a, 0x47); /* I/O port descriptor */
	aml_byte(a, 1);    /* 16-bit decode */
	little_endian(a, port, 2);
	little_endian(a, port, 2);
	aml_byte(a, 1);
	aml_byte(a, size);
}

void aml_irq(struct aml *a, unsigned irq)
{
	aml_byte(a, 0x22); /* IRQ descriptor without flags */
	little_endian(a, 1u << irq, 2);
}

void aml_fixed_memory(struct aml *a, uint32_t base, uint32_t size)
{
	aml_byte(a, 0x86);
	little_endian(a, 9, 2);
	aml_byte(a, 1); /* read-write */
	little_endian(a, base, 4);
	little_endian(a, size, 4);
}

#define WINDOW_FLAGS 0x0c /* producer, positive decode, minimum and maximum fixed */

void aml_word_window(struct aml *a, enum aml_range kind, uint16_t first, uint16_t last)
{
	aml_byte(a, 0x88);
	little_endian(a, 13, 2);
	aml_byte(a, (uint8_t)kind);
	aml_byte(a, WINDOW_FLAGS);
	aml_byte(a, kind == AML_RANGE_IO ? 3 : 0); /* ISA and non-ISA ports */
	little_endian(a, 0, 2);                    /* granularity */
	little_endian(a, first, 2);
	little_endian(a, last, 2);
	little_endian(a, 0, 2); /* translation */
	little_endian(a, (uint64_t)last - first + 1, 2);
}

void aml_dword_memory_window(struct aml *a, uint32_t first, uint32_t last)
{
	aml_byte(a, 0x87);
	little_endian(a, 23, 2);
	aml_byte(a, AML_RANGE_MEMORY);
	aml_byte(a, WINDOW_FLAGS);
	aml_byte(a, 1); /* read-write, not cacheable */
	little_endian(a, 0, 4);
	little_endian(a, first, 4);
	little_endian(a, last, 4);
	little_endian(a, 0, 4);
	little_endian(a, (uint64_t)last - first + 1, 4);
}
