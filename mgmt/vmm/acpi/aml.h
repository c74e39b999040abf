/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Emitters for ACPI Machine Language: each appends one term to a buffer. Terms with a length are
 * opened and closed; the length is put in when they close.
 *
 * Contract: names are ASL paths of four-letter segments ("\\_SB_", "_HID", "PCI0"). A buffer that
 * overflows remembers it and drops what follows: the caller checks `overflow` once, at the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aml {
	uint8_t *data;
	size_t size, room; /* bytes */
	bool overflow;
};

void aml_byte(struct aml *a, uint8_t byte);
void aml_bytes(struct aml *a, const void *bytes, size_t n);
void aml_name_string(struct aml *a, const char *path);
void aml_integer(struct aml *a, uint64_t value);
void aml_string(struct aml *a, const char *text);
void aml_eisa_id(struct aml *a, const char *id); /* "PNP0A08" */

/* Name (path, ...): the value follows as the next term. */
void aml_name(struct aml *a, const char *path);

/* Opened terms return a mark for aml_close. */
size_t aml_scope(struct aml *a, const char *path);
size_t aml_device(struct aml *a, const char *name);
size_t aml_package(struct aml *a, uint8_t elements);
void aml_close(struct aml *a, size_t mark);

/* A resource template: descriptors between open and close become a Buffer. */
size_t aml_resources(struct aml *a);
void aml_resources_close(struct aml *a, size_t mark);
void aml_io(struct aml *a, uint16_t port, uint8_t size);
void aml_irq(struct aml *a, unsigned irq); /* edge, active high, exclusive */
void aml_fixed_memory(struct aml *a, uint32_t base, uint32_t size);
enum aml_range {
	AML_RANGE_MEMORY,
	AML_RANGE_IO,
	AML_RANGE_BUS
};
/* A window that a bridge passes on, WordIO, WordBusNumber or DWordMemory as the range fits. */
void aml_word_window(struct aml *a, enum aml_range kind, uint16_t first, uint16_t last);
void aml_dword_memory_window(struct aml *a, uint32_t first, uint32_t last);
