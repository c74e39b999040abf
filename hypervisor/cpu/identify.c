// SPDX-License-Identifier: GPL-2.0-or-later
// Tables and a few rules over CPUID. A leaf above the highest one of its range answers with zeros.
#include "cpu/identify.h"

#include "lib/bits.h"
#include "lib/string.h"

#define LEAF_TOPOLOGY 0xbu
#define LEAF_EXT      0x80000000u
#define LEAF_EXT_SIZE 0x80000008u
#define LEAF_EXT_NODE 0x8000001eu
#define LEAF_EXT_1    0x80000001u
#define LEAF_SVM      0x8000000au

#define CPUID_1_EDX_HTT BIT(28)
#define EXT_1_ECX_SVM   BIT(2)
#define LEVEL_THREADS   1u
#define LEVEL_CORES     2u

static struct cpuid leaf(cpuid_query_t query, uint32_t number, uint32_t subleaf)
{
	return query(number & LEAF_EXT, 0).eax >= number ? query(number, subleaf)
							 : (struct cpuid){ 0 };
}

/* ---- topology ---- */

/* Of a level of leaf 0xb; 0: there is none. */
static unsigned level_bits(cpuid_query_t query, uint32_t subleaf, unsigned type)
{
	struct cpuid c = leaf(query, LEAF_TOPOLOGY, subleaf);

	return (c.ecx >> 8 & 0xff) == type ? c.eax & 0x1f : 0;
}

static unsigned thread_bits(cpuid_query_t query)
{
	struct cpuid c = leaf(query, LEAF_TOPOLOGY, 0);

	if ((c.ecx >> 8 & 0xff) == LEVEL_THREADS)
		return c.eax & 0x1f;
	/* Its ids number threads one after the other. */
	return leaf(query, LEAF_EXT_NODE, 0).ebx >> 8 & 0xff ? 1 : 0;
}

static unsigned package_bits(cpuid_query_t query)
{
	unsigned bits = level_bits(query, 1, LEVEL_CORES);
	uint32_t sizes = leaf(query, LEAF_EXT_SIZE, 0).ecx;
	struct cpuid one = leaf(query, 1, 0);

	if (bits)
		return bits;
	bits = sizes >> 12 & 0xf;
	if (bits)
		return bits;
	if (sizes & 0xff)
		return log2_up((sizes & 0xff) + 1);
	return one.edx & CPUID_1_EDX_HTT && one.ebx >> 16 & 0xff ? log2_up(one.ebx >> 16 & 0xff)
								 : 0;
}

struct cpu_id_bits cpu_id_bits(cpuid_query_t query)
{
	struct cpu_id_bits bits = { .thread = thread_bits(query), .package = package_bits(query) };

	bits.package = MAX(bits.package, bits.thread);
	return bits;
}

/* ---- features ---- */

enum reg {
	EAX,
	EBX,
	ECX,
	EDX
};

static const struct feature {
	const char *name;
	uint32_t leaf;
	uint8_t subleaf, reg, bit;
} features[] = {
	{ "nx", LEAF_EXT_1, 0, EDX, 20 },
	{ "1gb-pages", LEAF_EXT_1, 0, EDX, 26 },
	{ "rdtscp", LEAF_EXT_1, 0, EDX, 27 },
	{ "pcid", 1, 0, ECX, 17 },
	{ "x2apic", 1, 0, ECX, 21 },
	{ "tsc-deadline", 1, 0, ECX, 24 },
	{ "invariant-tsc", 0x80000007u, 0, EDX, 8 },
	{ "xsave", 1, 0, ECX, 26 },
	{ "xsavec", 0xd, 1, EAX, 1 },
	{ "xsaves", 0xd, 1, EAX, 3 },
	{ "avx", 1, 0, ECX, 28 },
	{ "avx2", 7, 0, EBX, 5 },
	{ "avx512f", 7, 0, EBX, 16 },
	{ "rdrand", 1, 0, ECX, 30 },
	{ "fsgsbase", 7, 0, EBX, 0 },
	{ "smep", 7, 0, EBX, 7 },
	{ "smap", 7, 0, EBX, 20 },
	{ "umip", 7, 0, ECX, 2 },
	{ "pku", 7, 0, ECX, 3 },
	{ "la57", 7, 0, ECX, 16 },
	{ "vmx", 1, 0, ECX, 5 },
	{ "svm", LEAF_EXT_1, 0, ECX, 2 },
	{ "npt", LEAF_SVM, 0, EDX, 0 },
	{ "nrip-save", LEAF_SVM, 0, EDX, 3 },
	{ "tsc-ratio", LEAF_SVM, 0, EDX, 4 },
	{ "clean-bits", LEAF_SVM, 0, EDX, 5 },
	{ "flush-by-asid", LEAF_SVM, 0, EDX, 6 },
	{ "decode-assists", LEAF_SVM, 0, EDX, 7 },
	{ "pause-filter", LEAF_SVM, 0, EDX, 10 },
	{ "avic", LEAF_SVM, 0, EDX, 13 },
	{ "vgif", LEAF_SVM, 0, EDX, 16 },
};

static bool has(cpuid_query_t query, const struct feature *f)
{
	struct cpuid c = leaf(query, f->leaf, f->subleaf);
	const uint32_t regs[] = { c.eax, c.ebx, c.ecx, c.edx };

	/* Without SVM its leaf means nothing. */
	if (f->leaf == LEAF_SVM && !(leaf(query, LEAF_EXT_1, 0).ecx & EXT_1_ECX_SVM))
		return false;
	return regs[f->reg] >> f->bit & 1;
}

void cpu_feature_names(cpuid_query_t query, char *text, size_t size)
{
	size_t len = 0;

	if (size)
		text[0] = '\0';
	for (unsigned i = 0; i < ARRAY_SIZE(features); i++) {
		size_t n = strlen(features[i].name), blank = len != 0;

		if (len + blank + n >= size || !has(query, &features[i]))
			continue;
		memcpy(text + len, " ", blank);
		memcpy(text + len + blank, features[i].name, n + 1);
		len += blank + n;
	}
}
