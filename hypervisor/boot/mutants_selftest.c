// SPDX-License-Identifier: GPL-2.0-or-later
// A reader sees memory through a callback, which copies the range asked for and puts the spoilt
// bytes of this round into the copy: nothing real is written. Most rounds mend a table's checksum
// afterwards, or its reader would never see the damage. Bytes are spoilt where they hurt: lengths
// and counts as often as anything else.
#include "boot/boot_params.h"
#include "boot/early_map.h"
#include "boot/init.h"
#include "boot/mem_map.h"
#include "boot/mutants.h"
#include "boot/numa.h"
#include "boot/words.h"
#include "cpu/log.h"
#include "drivers/acpi/tables.h"
#include "lib/string.h"

#define POOL_SIZE  KiB(512)
#define TABLES_MAX 64
#define BYTES_MAX  6
#define REACH      GiB(4) /* the early map's tables for what lies above are few */

static phys_t boot_params_pa;

static struct {
	phys_t pa[TABLES_MAX];
	uint32_t len[TABLES_MAX];
	unsigned int nr;
} tables;

static struct {
	phys_t table; /* whose checksum is mended; 0: none */
	phys_t pa[BYTES_MAX];
	uint8_t value[BYTES_MAX];
	unsigned int nr;
} round;

static struct {
	unsigned int refused, warned;
} seen;

static uint8_t pool[POOL_SIZE];
static size_t pool_used;
static uint64_t random_state = 0x9e3779b97f4a7c15ull;

/* xorshift64: the same bytes in every run. */
static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % n;
}

static void mend_checksum(uint8_t *table, uint64_t len)
{
	uint8_t sum = 0;

	table[offsetof(struct acpi_header, checksum)] = 0;
	for (uint64_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + table[i]);
	table[offsetof(struct acpi_header, checksum)] = (uint8_t)-sum;
}

static const void *spoilt_map(phys_t pa, uint64_t len)
{
	uint8_t *copy = pool + pool_used;

	if (len == 0 || pa >= REACH || len > REACH - pa || len > POOL_SIZE - pool_used)
		return NULL;
	memcpy(copy, early_map(pa, len), len);
	pool_used += ALIGN_UP(len, 16);
	for (unsigned int i = 0; i < round.nr; i++) {
		if (round.pa[i] >= pa && round.pa[i] - pa < len)
			copy[round.pa[i] - pa] = round.value[i];
	}
	if (pa == round.table && len > sizeof(struct acpi_header))
		mend_checksum(copy, len);
	return copy;
}

/* Notes where tables are: the readers map each one's header first. (A root pointer is as long.) */
static const void *noting_map(phys_t pa, uint64_t len)
{
	const struct acpi_header *h = early_map(pa, len);

	if (h != NULL && len == sizeof(*h) && tables.nr < TABLES_MAX && h->length > sizeof(*h) &&
	    h->length < POOL_SIZE && memcmp(h->signature, "RSD ", 4) != 0) {
		tables.pa[tables.nr] = pa;
		tables.len[tables.nr++] = h->length;
	}
	return h;
}

static void count_warning(const char *line)
{
	(void)line;
	seen.warned++;
}

static void ignore_warning(const char *line)
{
	(void)line;
}

static uint8_t spoilt_value(void)
{
	static const uint8_t nasty[] = { 0, 1, 2, 0x7f, 0x80, 0xff };

	return random_below(2) != 0 ? nasty[random_below(ARRAY_SIZE(nasty))]
				    : (uint8_t)random_below(256);
}

static void choose_bytes(phys_t base, uint32_t len)
{
	round.nr = 1 + random_below(BYTES_MAX);
	for (unsigned int i = 0; i < round.nr; i++) {
		/* Every third one in the first 64 bytes: lengths, counts, addresses. */
		uint32_t within = random_below(3) == 0 ? MIN(len, 64u) : len;

		round.pa[i] = base + random_below(within);
		round.value[i] = spoilt_value();
	}
}

static void check_acpi(const struct acpi_info *acpi)
{
	ASSERT(acpi->nr_cpus <= ACPI_CPU_MAX && acpi->nr_ioapics <= ACPI_IOAPIC_MAX);
	ASSERT(acpi->nr_overrides <= ACPI_OVERRIDE_MAX && acpi->nr_nmis <= ACPI_NMI_MAX);
	ASSERT(acpi->nr_memory <= ACPI_MEMORY_MAX && acpi->nr_mcfg <= ACPI_MCFG_MAX);
}

static void mutate_acpi(phys_t rsdp)
{
	static struct acpi_info spoilt;
	static const struct acpi_access access = { spoilt_map, count_warning };
	unsigned int t = random_below(tables.nr);

	pool_used = 0;
	round.table = random_below(4) != 0 ? tables.pa[t] : 0;
	choose_bytes(tables.pa[t], tables.len[t]);
	seen.refused += acpi_parse(&access, rsdp, &spoilt) != NULL;
	check_acpi(&spoilt);
}

static void check_info(const struct boot_info *info)
{
	ASSERT(info->nr_mem > 0 && info->nr_mem <= BOOT_MEM_MAX);
	for (unsigned int i = 1; i < info->nr_mem; i++)
		ASSERT(info->mem[i].base >= info->mem[i - 1].base + info->mem[i - 1].size);
	ASSERT(strnlen(info->cmdline, BOOT_CMDLINE_MAX) < BOOT_CMDLINE_MAX);
	ASSERT(info->initrd_size == 0 ||
	       mem_map_is_ram(info->mem, info->nr_mem, info->initrd_base, info->initrd_size));
}

static void mutate_boot_params(const struct boot_info *real)
{
	static struct boot_params spoilt;
	static struct boot_info out;
	uint32_t from = random_below(2) != 0 ? 0x1e8 : 0; /* the second half is the denser one */

	pool_used = 0;
	round.nr = 0;
	memcpy(&spoilt, early_map(boot_params_pa, sizeof(spoilt)), sizeof(spoilt));
	for (unsigned int i = 0, n = 1 + random_below(BYTES_MAX); i < n; i++)
		((uint8_t *)&spoilt)[from + random_below(0x400)] = spoilt_value();
	memset(&out, 0, sizeof(out));
	out.image_base = real->image_base;
	out.image_size = real->image_size;
	if (boot_params_parse(&spoilt, spoilt_map, &out) == NULL)
		check_info(&out);
	else
		seen.refused++;
}

void boot_mutants_note(phys_t pa)
{
	boot_params_pa = pa;
}

void boot_mutants(const struct boot_info *info)
{
	static struct acpi_info whole;
	static const struct acpi_access noting = { noting_map, ignore_warning };
	phys_t rsdp = acpi_find_rsdp(&noting, info->rsdp, info->efi_systab);
	uint64_t n = boot_word_number(info->cmdline, "strata.mutants");

	if (n == 0)
		return;
	if (rsdp == 0 || acpi_parse(&noting, rsdp, &whole) != NULL || tables.nr == 0)
		fatal("strata.mutants: expected a machine with ACPI tables");
	for (uint64_t i = 0; i < n; i++)
		mutate_acpi(rsdp);
	log_info("mutants: %llu times %u ACPI tables: %u refused, %u warnings",
		 (unsigned long long)n, tables.nr, seen.refused, seen.warned);
	seen.refused = 0;
	for (uint64_t i = 0; i < n; i++)
		mutate_boot_params(info);
	log_info("mutants: %llu boot_params: %u refused", (unsigned long long)n, seen.refused);
}
