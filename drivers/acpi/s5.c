// SPDX-License-Identifier: GPL-2.0-or-later
// The values that switch the machine off stand in AML, as Name (\_S5, Package (..) {a, b, ..}).
// An interpreter is not needed for that: the encoding of such a Name is fixed, so its bytes are
// searched ("AML Encoding of Names and Data Objects").
#include "drivers/acpi/acpi.h"
#include "drivers/acpi/tables.h"
#include "lib/string.h"

#define AML_ZERO    0x00
#define AML_ONE     0x01
#define AML_NAME    0x08
#define AML_BYTE    0x0a
#define AML_WORD    0x0b
#define AML_DWORD   0x0c
#define AML_PACKAGE 0x12
#define AML_ROOT    '\\'

struct aml {
	const uint8_t *p;
	const uint8_t *end;
};

static bool take(struct aml *a, uint8_t *byte)
{
	if (a->p == a->end)
		return false;
	*byte = *a->p++;
	return true;
}

/* PkgLength: the top two bits of the first byte tell how many follow. Only its size matters. */
static bool skip_package_length(struct aml *a)
{
	uint8_t lead;
	if (!take(a, &lead))
		return false;
	size_t more = lead >> 6;
	if ((size_t)(a->end - a->p) < more)
		return false;
	a->p += more;
	return true;
}

/* A small integer constant, as all firmware writes SLP_TYP. */
static bool take_integer(struct aml *a, uint8_t *value)
{
	uint8_t op;
	if (!take(a, &op))
		return false;
	if (op == AML_ZERO || op == AML_ONE) {
		*value = op;
		return true;
	}
	size_t size = op == AML_BYTE ? 1 : op == AML_WORD ? 2 : op == AML_DWORD ? 4 : 0;
	if (size == 0 || (size_t)(a->end - a->p) < size)
		return false;
	*value = a->p[0];
	a->p += size;
	return true;
}

static bool parse_package(struct aml a, struct acpi_power *power)
{
	uint8_t op, count, s5_a, s5_b;
	if (!take(&a, &op) || op != AML_PACKAGE || !skip_package_length(&a) || !take(&a, &count))
		return false;
	if (count < 1 || !take_integer(&a, &s5_a) || s5_a > 7)
		return false;
	if (count < 2 || !take_integer(&a, &s5_b) || s5_b > 7)
		s5_b = s5_a;
	power->s5_a = s5_a;
	power->s5_b = s5_b;
	power->has_s5 = true;
	return true;
}

void acpi_parse_s5(const void *table, uint32_t len, struct acpi_info *info)
{
	const uint8_t *start = (const uint8_t *)table + sizeof(struct acpi_header);
	const uint8_t *end = (const uint8_t *)table + len;
	for (const uint8_t *p = start; end - p >= 4; p++) {
		if (memcmp(p, "_S5_", 4) != 0)
			continue;
		bool named = (p - start >= 1 && p[-1] == AML_NAME) ||
			     (p - start >= 2 && p[-1] == AML_ROOT && p[-2] == AML_NAME);
		if (named && parse_package((struct aml){ p + 4, end }, &info->power))
			return;
	}
}
