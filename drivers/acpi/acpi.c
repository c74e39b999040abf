// SPDX-License-Identifier: GPL-2.0-or-later
// Walks from the root pointer to every table and hands those we know to their parsers. Each table
// is mapped twice: its header, to learn the length, then whole, to check it. The SRAT waits until
// the MADT has been read, whatever their order.
#include "drivers/acpi/acpi.h"

#include "drivers/acpi/tables.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define TABLE_SIZE_MAX MiB(16)
#define TABLES_MAX     512

bool acpi_checksum_ok(const void *p, size_t len)
{
	uint8_t sum = 0;
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + ((const uint8_t *)p)[i]);
	return sum == 0;
}

const struct acpi_sub *acpi_next_sub(const void *table, uint32_t len, uint32_t *at)
{
	if (*at > len || len - *at < sizeof(struct acpi_sub))
		return NULL;
	const struct acpi_sub *sub = (const void *)((const char *)table + *at);
	if (sub->length < sizeof(*sub) || sub->length > len - *at)
		return NULL;
	*at += sub->length;
	return sub;
}

static bool printable(const char *signature)
{
	for (int i = 0; i < 4; i++)
		if (signature[i] < ' ' || signature[i] > '~')
			return false;
	return true;
}

static void warn_table(const struct acpi_access *acc, const char *signature, phys_t pa,
		       const char *what)
{
	char line[96];
	fmt_snprintf(line, sizeof(line), "ACPI: table %.4s at %#llx %s: left out",
		     printable(signature) ? signature : "????", (unsigned long long)pa, what);
	acc->warn(line);
}

/* The table at `pa`, whole and with a good checksum, its length in *len; NULL: left out, reported.
 */
static const struct acpi_header *map_table(const struct acpi_access *acc, phys_t pa, uint32_t *len)
{
	const struct acpi_header *h = acc->map(pa, sizeof(*h));
	if (!h) {
		warn_table(acc, "????", pa, "is out of reach");
		return NULL;
	}
	char signature[4];
	memcpy(signature, h->signature, sizeof(signature));
	*len = h->length;
	if (*len < sizeof(*h) || *len > TABLE_SIZE_MAX) {
		warn_table(acc, signature, pa, "has an impossible length");
		return NULL;
	}
	h = acc->map(pa, *len);
	if (!h) {
		warn_table(acc, signature, pa, "is out of reach");
		return NULL;
	}
	if (!acpi_checksum_ok(h, *len)) {
		warn_table(acc, signature, pa, "has a wrong checksum");
		return NULL;
	}
	return h;
}

static bool is(const struct acpi_header *h, const char *signature)
{
	return memcmp(h->signature, signature, 4) == 0;
}

static void parse_dsdt(const struct acpi_access *acc, phys_t dsdt, struct acpi_info *info)
{
	uint32_t len;
	const struct acpi_header *h = dsdt ? map_table(acc, dsdt, &len) : NULL;
	if (h && is(h, "DSDT"))
		acpi_parse_s5(h, len, info);
}

/* What a walk over the root table does with each table's address. */
struct visitor {
	void (*visit)(struct visitor *v, const struct acpi_access *acc, phys_t pa);
	struct acpi_info *info;
	struct acpi_spcr *spcr;
	phys_t srat; /* waits for the MADT */
};

static void visit_table(struct visitor *v, const struct acpi_access *acc, phys_t pa)
{
	struct acpi_info *info = v->info;
	uint32_t len;
	const struct acpi_header *h = map_table(acc, pa, &len);
	if (!h)
		return;
	if (is(h, "APIC") && !info->has_madt) {
		acpi_parse_madt(acc, h, len, info);
	} else if (is(h, "SRAT") && !v->srat) {
		v->srat = pa;
	} else if (is(h, "MCFG") && info->nr_mcfg == 0) {
		acpi_parse_mcfg(acc, h, len, info);
	} else if (is(h, "HPET") && info->hpet_base == 0) {
		acpi_parse_hpet(acc, h, len, info);
	} else if (is(h, "SPCR") && !acpi_spcr_used(&info->spcr)) {
		acpi_parse_spcr(acc, h, len, &info->spcr);
	} else if (is(h, "FACP") && !info->power.present) {
		phys_t dsdt = 0;
		acpi_parse_fadt(acc, h, len, info, &dsdt);
		parse_dsdt(acc, dsdt, info);
	} else if (is(h, "SSDT") && !info->power.has_s5) {
		acpi_parse_s5(h, len, info);
	}
}

/* Others are not even summed up: they are looked at again, and reported, soon. */
static void visit_spcr(struct visitor *v, const struct acpi_access *acc, phys_t pa)
{
	uint32_t len;
	const struct acpi_header *h = acc->map(pa, sizeof(*h));
	if (!h || !is(h, "SPCR") || acpi_spcr_used(v->spcr))
		return;
	h = map_table(acc, pa, &len);
	if (h && is(h, "SPCR"))
		acpi_parse_spcr(acc, h, len, v->spcr);
}

/* RSDT and XSDT differ in the size of their entries. */
static const char *walk_root(const struct acpi_access *acc, phys_t root, bool xsdt,
			     struct visitor *v)
{
	uint32_t len;
	const struct acpi_header *h = map_table(acc, root, &len);
	if (!h || !is(h, xsdt ? "XSDT" : "RSDT"))
		return "ACPI: the root table is damaged";
	unsigned int size = xsdt ? 8 : 4;
	unsigned int nr = (unsigned int)((len - sizeof(*h)) / size);
	for (unsigned int i = 0; i < MIN(nr, (unsigned int)TABLES_MAX); i++) {
		/* Mapped anew: a parser may have replaced the mapping. */
		const char *entries = acc->map(root, len);
		if (!entries)
			return "ACPI: the root table is out of reach";
		phys_t pa = 0;
		memcpy(&pa, entries + sizeof(*h) + i * size, size);
		if (pa != 0)
			v->visit(v, acc, pa);
	}
	return NULL;
}

static const char *walk(const struct acpi_access *acc, phys_t rsdp, struct visitor *v)
{
	const struct acpi_rsdp *p = acc->map(rsdp, ACPI_RSDP_V1_SIZE);
	if (!p)
		return "ACPI: the root pointer is out of reach";
	if (p->revision >= 2) {
		p = acc->map(rsdp, sizeof(*p));
		if (!p)
			return "ACPI: the root pointer is out of reach";
		if (p->xsdt != 0)
			return walk_root(acc, p->xsdt, true, v);
	}
	return walk_root(acc, p->rsdt, false, v);
}

const char *acpi_parse(const struct acpi_access *acc, phys_t rsdp, struct acpi_info *info)
{
	struct visitor v = { .visit = visit_table, .info = info };
	uint32_t len;

	memset(info, 0, sizeof(*info));
	const char *error = walk(acc, rsdp, &v);
	if (error || v.srat == 0)
		return error;
	const struct acpi_header *h = map_table(acc, v.srat, &len);
	if (h)
		acpi_parse_srat(acc, h, len, info);
	return NULL;
}

void acpi_find_spcr(const struct acpi_access *acc, phys_t rsdp, struct acpi_spcr *spcr)
{
	struct visitor v = { .visit = visit_spcr, .spcr = spcr };

	*spcr = (struct acpi_spcr){ .port = 0 };
	walk(acc, rsdp, &v);
}

uint32_t acpi_isa_gsi(const struct acpi_info *info, uint8_t irq, uint16_t *flags)
{
	for (unsigned int i = 0; i < info->nr_overrides; i++) {
		if (info->overrides[i].isa_irq == irq) {
			*flags = info->overrides[i].flags;
			return info->overrides[i].gsi;
		}
	}
	*flags = 0;
	return irq;
}
