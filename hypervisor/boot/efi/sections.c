// SPDX-License-Identifier: GPL-2.0-or-later
// Firmware has loaded every section to where its header says; the headers are in memory as well.
// Microsoft's "PE Format", sections "COFF File Header" and "Section Table".
#include "boot/efi/stub.h"
#include "lib/string.h"

#define MZ_PE_OFFSET 0x3c
#define NR_MAX       96

struct pe_header {
	uint32_t signature; /* "PE\0\0" */
	uint16_t machine;
	uint16_t nr_sections;
	uint32_t skipped[3];
	uint16_t optional_size;
	uint16_t characteristics;
} __packed;
static_assert_size(struct pe_header, 24);
#define PE_SIGNATURE 0x4550u

struct pe_section {
	char name[8];
	uint32_t virtual_size;
	uint32_t virtual_address;
	uint32_t skipped[5];
	uint32_t characteristics;
} __packed;
static_assert_size(struct pe_section, 40);

static struct stub_bytes bytes_of(const uint8_t *image, uint64_t image_size,
				  const struct pe_section *s)
{
	if (s->virtual_address > image_size || s->virtual_size > image_size - s->virtual_address)
		return (struct stub_bytes){ NULL, 0 };
	return (struct stub_bytes){ image + s->virtual_address, s->virtual_size };
}

struct stub_bytes stub_section(const void *image, uint64_t image_size, const char *name)
{
	const struct stub_bytes none = { NULL, 0 };
	const uint8_t *base = image;
	struct pe_section s;
	struct pe_header pe;
	uint32_t at;

	if (image_size < MZ_PE_OFFSET + sizeof(at))
		return none;
	memcpy(&at, base + MZ_PE_OFFSET, sizeof(at));
	if (at > image_size || image_size - at < sizeof(pe))
		return none;
	memcpy(&pe, base + at, sizeof(pe));
	if (pe.signature != PE_SIGNATURE || pe.nr_sections > NR_MAX)
		return none;
	at += (uint32_t)sizeof(pe) + pe.optional_size;
	for (unsigned int i = 0; i < pe.nr_sections; i++, at += (uint32_t)sizeof(s)) {
		if (at > image_size || image_size - at < sizeof(s))
			return none;
		memcpy(&s, base + at, sizeof(s));
		if (strncmp(s.name, name, sizeof(s.name)) == 0)
			return bytes_of(base, image_size, &s);
	}
	return none;
}
