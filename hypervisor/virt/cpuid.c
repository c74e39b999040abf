// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Feature words are the host's, less what the policy table does not allow, plus what we make
 * ourselves. Leaves about topology and paravirtualization are written here; what is not mentioned
 * reads as zeros. All of it is done once per VM.
 */
#include "virt/cpuid.h"

#include "lib/bits.h"
#include "lib/string.h"

enum {
	EAX,
	EBX,
	ECX,
	EDX
};

/* One register with feature bits. */
enum word {
	F_1_ECX,
	F_1_EDX,
	F_7_EBX,
	F_7_ECX,
	F_7_EDX,
	F_D_1_EAX,
	F_EXT1_ECX,
	F_EXT1_EDX,
	F_EXT8_EBX,
	NR_WORDS
};

#define B(n) (1u << (n))

struct word_policy {
	uint32_t leaf, subleaf;
	uint8_t reg;
	uint32_t allowed; /* as the host has them */
	uint32_t forced;  /* whatever the host has: ours */
	uint32_t avx;     /* of allowed: need XCR0.AVX */
	uint32_t avx512;  /* of allowed: need XCR0's AVX-512 bits */
};

/*
 * Not allowed, since not implemented or not switched: MONITOR, VMX, SVM, DTES64, PDCM, LA57, PKU,
 * OSVW, IBS, SKINIT, WDT, LWP, performance counters, MWAITX, XSAVEC, XSAVES, SME, SEV.
 */
static const struct word_policy policy[NR_WORDS] = {
	[F_1_ECX] = { .leaf = 1,
		      .reg = ECX,
		      /* SSE3 PCLMUL SSSE3 FMA CX16 PCID SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE AVX
			 F16C RDRAND */
		      .allowed = B(0) | B(1) | B(9) | B(12) | B(13) | B(17) | B(19) | B(20) |
				 B(22) | B(23) | B(25) | B(26) | B(28) | B(29) | B(30),
		      /* x2APIC, TSC deadline, hypervisor */
		      .forced = B(21) | B(24) | B(31),
		      .avx = B(12) | B(28) | B(29) },
	[F_1_EDX] = { .leaf = 1,
		      .reg = EDX,
		      /* FPU VME DE PSE PAE CX8 SEP PGE CMOV PSE36 CLFSH MMX FXSR SSE SSE2 */
		      .allowed = B(0) | B(1) | B(2) | B(3) | B(6) | B(8) | B(11) | B(13) | B(15) |
				 B(17) | B(19) | B(23) | B(24) | B(25) | B(26),
		      /* TSC MSR MCE APIC MTRR MCA PAT */
		      .forced = B(4) | B(5) | B(7) | B(9) | B(12) | B(14) | B(16) },
	[F_7_EBX] = { .leaf = 7,
		      .reg = EBX,
		      /* FSGSBASE BMI1 AVX2 SMEP BMI2 ERMS INVPCID AVX512F,DQ RDSEED ADX SMAP
			 AVX512IFMA CLFLUSHOPT CLWB AVX512CD SHA AVX512BW,VL */
		      .allowed = B(0) | B(3) | B(5) | B(7) | B(8) | B(9) | B(10) | B(16) | B(17) |
				 B(18) | B(19) | B(20) | B(21) | B(23) | B(24) | B(28) | B(29) |
				 B(30) | B(31),
		      .forced = B(1), /* TSC_ADJUST */
		      .avx = B(5),
		      .avx512 = B(16) | B(17) | B(21) | B(28) | B(30) | B(31) },
	[F_7_ECX] = { .leaf = 7,
		      .reg = ECX,
		      /* AVX512VBMI UMIP AVX512VBMI2 GFNI VAES VPCLMULQDQ
			 AVX512VNNI,BITALG,VPOPCNTDQ RDPID */
		      .allowed = B(1) | B(2) | B(6) | B(8) | B(9) | B(10) | B(11) | B(12) | B(14) |
				 B(22),
		      .avx = B(9) | B(10),
		      .avx512 = B(1) | B(6) | B(11) | B(12) | B(14) },
	[F_7_EDX] = { .leaf = 7, .reg = EDX, .allowed = B(4) /* FSRM */ },
	[F_D_1_EAX] = { .leaf = 0xd,
			.subleaf = 1,
			.reg = EAX,
			.allowed = B(0) | B(2) /* XSAVEOPT, XGETBV with ECX 1 */ },
	[F_EXT1_ECX] = { .leaf = 0x80000001,
			 .reg = ECX,
			 /* LAHF AltMovCr8 ABM SSE4A MisAlignSse 3DNowPrefetch XOP FMA4 TBM TOPOEXT
			  */
			 .allowed = B(0) | B(4) | B(5) | B(6) | B(7) | B(8) | B(11) | B(16) |
				    B(21) | B(22),
			 .avx = B(11) | B(16) },
	[F_EXT1_EDX] = { .leaf = 0x80000001,
			 .reg = EDX,
			 /* As leaf 1, and SYSCALL NX MMXEXT FFXSR 1G-pages RDTSCP LM 3DNowExt 3DNow
			  */
			 .allowed = B(0) | B(1) | B(2) | B(3) | B(6) | B(8) | B(11) | B(13) |
				    B(15) | B(17) | B(20) | B(22) | B(23) | B(24) | B(25) | B(26) |
				    B(27) | B(29) | B(30) | B(31) },
	[F_EXT8_EBX] = { .leaf = 0x80000008,
			 .reg = EBX,
			 /* CLZERO, XSAVEERPTR, WBNOINVD, IBPB, SSB_NO */
			 .allowed = B(0) | B(2) | B(9) | B(12) | B(26) },
};

#define AMD_COMMON_EDX 0x0183f3ffu             /* bits of leaf 1 EDX that 0x80000001 EDX repeats */
#define SPEC_EXT8_EBX  (B(14) | B(15) | B(24)) /* IBRS STIBP SSBD */
#define XCR0_AVX       BIT(2)
#define XCR0_AVX512    BITS(7, 5)
#define XCR0_KNOWN     (BITS(2, 0) | XCR0_AVX512)

struct build {
	struct vm_cpuid *c;
	const struct cpuid_policy *p;
	uint32_t words[NR_WORDS];
	uint32_t host_max, host_ext_max;
	bool amd;
};

static struct cpuid host_leaf(const struct build *b, uint32_t leaf, uint32_t subleaf)
{
	uint32_t max = leaf & 0x80000000 ? b->host_ext_max : b->host_max;

	return leaf <= max ? b->p->host(leaf, subleaf) : (struct cpuid){ 0 };
}

static uint32_t reg_of(const struct cpuid *v, unsigned reg)
{
	return reg == EAX ? v->eax : reg == EBX ? v->ebx : reg == ECX ? v->ecx : v->edx;
}

/* A new row after the others of its leaf. A full table leaves a leaf out; the tests see that it
 * never is. */
static struct cpuid_row *add(struct build *b, uint32_t leaf, uint32_t subleaf)
{
	static struct cpuid_row nowhere;
	struct vm_cpuid *c = b->c;
	uint8_t *first = &c->first[leaf >> 30][leaf % CPUID_LEAF_MAX];
	struct cpuid_row *row;

	if (c->nr_rows >= CPUID_ROWS_MAX)
		return &nowhere;
	row = &c->rows[c->nr_rows];
	if (*first)
		row[-1].more = true;
	else
		*first = (uint8_t)c->nr_rows;
	c->nr_rows++;
	row->subleaf = subleaf;
	return row;
}

static struct cpuid_row *add_leaf(struct build *b, uint32_t leaf, struct cpuid value)
{
	struct cpuid_row *row = add(b, leaf, 0);

	row->any_subleaf = true;
	row->value = value;
	return row;
}

static void add_host_leaf(struct build *b, uint32_t leaf)
{
	add_leaf(b, leaf, host_leaf(b, leaf, 0));
}

static uint64_t guest_xcr0(const struct build *b)
{
	struct cpuid d = host_leaf(b, 0xd, 0);
	uint64_t x = b->p->host_xcr0 & ((uint64_t)d.edx << 32 | d.eax) & XCR0_KNOWN;

	if (!(host_leaf(b, 1, 0).ecx & B(26)) || (x & 3) != 3)
		return 0;
	if ((x & XCR0_AVX512) != XCR0_AVX512 || !(x & XCR0_AVX))
		x &= ~XCR0_AVX512;
	return x;
}

static void make_words(struct build *b)
{
	for (unsigned i = 0; i < NR_WORDS; i++) {
		const struct word_policy *w = &policy[i];
		struct cpuid host = host_leaf(b, w->leaf, w->subleaf);
		uint32_t bits = reg_of(&host, w->reg) & w->allowed;

		if (!(b->c->xcr0 & XCR0_AVX))
			bits &= ~(w->avx | w->avx512);
		if (!(b->c->xcr0 & XCR0_AVX512))
			bits &= ~w->avx512;
		b->words[i] = bits | w->forced;
	}
	if (!b->c->xcr0) {
		b->words[F_1_ECX] &= ~B(26);
		b->words[F_D_1_EAX] = 0;
	}
	if (b->amd)
		b->words[F_EXT1_EDX] |= b->words[F_1_EDX] & AMD_COMMON_EDX;
	if (b->p->spec_ctrl_host)
		b->words[F_EXT8_EBX] |= host_leaf(b, 0x80000008, 0).ebx & SPEC_EXT8_EBX;
	if (b->p->nr_vcpus > 1) {
		b->words[F_1_EDX] |= B(28);                /* HTT: EBX 23:16 counts */
		b->words[F_EXT1_ECX] |= b->amd ? B(1) : 0; /* CmpLegacy */
	}
}

static void add_leaf_0_1(struct build *b)
{
	struct cpuid v = host_leaf(b, 0, 0);
	struct cpuid_row *row;

	v.eax = b->c->xcr0 ? 0xd : 0xb;
	add_leaf(b, 0, v);
	v = host_leaf(b, 1, 0);
	v.ebx = (v.ebx & 0xffff) | b->p->nr_vcpus << 16;
	v.ecx = b->words[F_1_ECX];
	v.edx = b->words[F_1_EDX];
	row = add_leaf(b, 1, v);
	row->dynamic = CPUID_LEAF_1;
}

/* The MSR has a bit where CPUID has one: another raises #GP, in the world switch as well. */
static uint32_t spec_ctrl_bits(uint32_t ebx)
{
	return (ebx & B(14) ? BIT(0) : 0) | (ebx & B(15) ? BIT(1) : 0) | (ebx & B(24) ? BIT(2) : 0);
}

/* Leaf 4 (Intel) and 0x8000001D (AMD) agree on EAX 25:14: the last level is shared by all. */
static void add_caches(struct build *b, uint32_t leaf)
{
	for (uint32_t sub = 0; sub < 8; sub++) {
		struct cpuid v = host_leaf(b, leaf, sub);
		bool shared = BITS_GET(v.eax, 7, 5) >= 3;

		if (!(v.eax & 0x1f))
			break;
		v.eax &= 0x3fff;
		v.eax |= shared ? (b->p->nr_vcpus - 1) << 14 : 0;
		v.eax |= b->amd ? 0 : (b->p->nr_vcpus - 1) << 26;
		add(b, leaf, sub)->value = v;
	}
}

static void add_topology(struct build *b)
{
	struct cpuid_row *row = add(b, 0xb, 0);

	row->value = (struct cpuid){ .eax = 0, .ebx = 1, .ecx = 1 << 8 };
	row->dynamic = CPUID_APIC_ID_D;
	row = add(b, 0xb, 1);
	row->value = (struct cpuid){ .eax = log2_up(b->p->nr_vcpus),
				     .ebx = b->p->nr_vcpus,
				     .ecx = 1 | 2 << 8 };
	row->dynamic = CPUID_APIC_ID_D;
}

static void add_xsave(struct build *b)
{
	struct vm_cpuid *c = b->c;
	struct cpuid_row *row;

	if (!c->xcr0)
		return;
	row = add(b, 0xd, 0);
	row->value = (struct cpuid){ .eax = (uint32_t)c->xcr0,
				     .ecx = cpuid_xsave_size(c, c->xcr0),
				     .edx = (uint32_t)(c->xcr0 >> 32) };
	row->dynamic = CPUID_XSAVE;
	add(b, 0xd, 1)->value.eax = b->words[F_D_1_EAX];
	for (unsigned i = 2; i < CPUID_XSAVE_MAX; i++)
		if (c->xcr0 & BIT(i))
			add(b, 0xd, i)->value = (struct cpuid){ .eax = c->xsave[i].size,
								.ebx = c->xsave[i].offset };
}

static void add_basic(struct build *b)
{
	struct cpuid_row *row;

	add_leaf_0_1(b);
	if (!b->amd) {
		add_host_leaf(b, 2);
		add_caches(b, 4);
	}
	add_leaf(b, 6, (struct cpuid){ .eax = B(2) }); /* ARAT: the timer never stops */
	row = add(b, 7, 0);
	row->value = (struct cpuid){ .ebx = b->words[F_7_EBX],
				     .ecx = b->words[F_7_ECX],
				     .edx = b->words[F_7_EDX] };
	row->dynamic = CPUID_LEAF_7;
	add_topology(b);
	add_xsave(b);
}

static void add_kvm(struct build *b)
{
	struct cpuid sign = { .eax = 0x40000010 };
	uint32_t features = KVM_FEATURE_CLOCKSOURCE | KVM_FEATURE_NOP_IO_DELAY |
			    KVM_FEATURE_CLOCKSOURCE2 | KVM_FEATURE_PV_EOI | KVM_FEATURE_PV_UNHALT |
			    KVM_FEATURE_PV_SEND_IPI | KVM_FEATURE_MSI_EXT_DEST_ID;

	if (!b->p->kvm_pv)
		return;
	memcpy(&sign.ebx, "KVMK", 4);
	memcpy(&sign.ecx, "VMKV", 4);
	memcpy(&sign.edx, "M\0\0\0", 4);
	add_leaf(b, 0x40000000, sign);
	if (b->p->clock_stable)
		features |= KVM_FEATURE_STABLE;
	add_leaf(b, 0x40000001, (struct cpuid){ .eax = features });
	/* kHz of the TSC and of the local APIC's timer. */
	add_leaf(b, 0x40000010, (struct cpuid){ .eax = b->p->tsc_khz, .ebx = 1000000 });
}

static void add_sizes(struct build *b)
{
	struct cpuid v = host_leaf(b, 0x80000008, 0);
	uint32_t physical = MIN(v.eax & 0xff, 48u);

	if (physical < 36)
		physical = 36;
	b->c->maxphyaddr = physical;
	v.eax = physical | 48 << 8;
	v.ebx = b->words[F_EXT8_EBX];
	v.ecx = b->amd ? log2_up(b->p->nr_vcpus) << 12 | (b->p->nr_vcpus - 1) : 0;
	v.edx = 0;
	add_leaf(b, 0x80000008, v);
}

static void add_amd_topology(struct build *b)
{
	struct cpuid_row *row;

	if (!(b->words[F_EXT1_ECX] & B(22)))
		return;
	add_caches(b, 0x8000001d);
	row = add_leaf(b, 0x8000001e, (struct cpuid){ 0 });
	row->dynamic = CPUID_APIC_ID_A;
}

static void add_extended(struct build *b)
{
	struct cpuid v = host_leaf(b, 0x80000000, 0);
	struct cpuid_row *row;

	v.eax = MIN(MAX(b->host_ext_max, 0x80000008u), b->amd ? 0x8000001eu : 0x80000008u);
	add_leaf(b, 0x80000000, v);
	v = host_leaf(b, 0x80000001, 0);
	v.ecx = b->words[F_EXT1_ECX];
	v.edx = b->words[F_EXT1_EDX];
	row = add_leaf(b, 0x80000001, v);
	row->dynamic = b->amd ? CPUID_EXT_1 : CPUID_STATIC;
	for (uint32_t leaf = 0x80000002; leaf <= 0x80000006; leaf++)
		add_host_leaf(b, leaf);
	add_leaf(b, 0x80000007, (struct cpuid){ .edx = b->p->tsc_stable ? B(8) : 0 });
	add_sizes(b);
	if (b->amd) {
		add_host_leaf(b, 0x80000019);
		add_host_leaf(b, 0x8000001a);
		add_amd_topology(b);
	}
}

/* Bits of control registers follow from the features. */
static void make_masks(struct build *b)
{
	struct vm_cpuid *c = b->c;
	uint32_t ebx7 = b->words[F_7_EBX];

	c->cr4 = BITS(10, 0); /* VME to OSXMMEXCPT; PCE has no counters behind it */
	c->cr4 |= b->words[F_7_ECX] & B(2) ? BIT(11) : 0;
	c->cr4 |= ebx7 & B(0) ? BIT(16) : 0;
	c->cr4 |= b->words[F_1_ECX] & B(17) ? BIT(17) : 0;
	c->cr4 |= c->xcr0 ? BIT(18) : 0;
	c->cr4 |= ebx7 & B(7) ? BIT(20) : 0;
	c->cr4 |= ebx7 & B(20) ? BIT(21) : 0;
	c->efer = EFER_SCE;
	c->efer |= b->words[F_EXT1_EDX] & B(29) ? EFER_LME | EFER_LMA : 0;
	c->efer |= b->words[F_EXT1_EDX] & B(20) ? EFER_NXE : 0;
	c->efer |= b->words[F_EXT1_EDX] & B(25) ? BIT(14) : 0;
}

static void read_xsave(struct build *b)
{
	struct vm_cpuid *c = b->c;

	c->xcr0 = guest_xcr0(b);
	for (unsigned i = 2; i < CPUID_XSAVE_MAX; i++) {
		struct cpuid v;

		if (!(c->xcr0 & BIT(i)))
			continue;
		v = host_leaf(b, 0xd, i);
		c->xsave[i].size = v.eax;
		c->xsave[i].offset = v.ebx;
	}
}

void cpuid_init(struct vm_cpuid *c, const struct cpuid_policy *p)
{
	struct build b = { .c = c, .p = p };
	struct cpuid zero = p->host(0, 0);

	memset(c, 0, sizeof(*c));
	b.host_max = zero.eax;
	b.host_ext_max = p->host(0x80000000, 0).eax;
	if (!(b.host_ext_max & 0x80000000))
		b.host_ext_max = 0x80000000;
	/* AuthenticAMD, HygonGenuine */
	b.amd = zero.ebx == 0x68747541 || zero.ebx == 0x6f677948;
	c->nr_rows = 1; /* 0: zeros */
	c->rows[0].any_subleaf = true;
	c->kvm_pv = p->kvm_pv;
	c->clock_stable = p->clock_stable;
	c->tsc_khz = p->tsc_khz;
	read_xsave(&b);
	make_words(&b);
	c->tsc_aux = b.words[F_EXT1_EDX] & B(27);
	if (!c->tsc_aux)
		b.words[F_7_ECX] &= ~B(22);
	c->pred_cmd = b.words[F_EXT8_EBX] & B(12);
	c->spec_ctrl = spec_ctrl_bits(b.words[F_EXT8_EBX]);
	add_basic(&b);
	add_kvm(&b);
	add_extended(&b);
	make_masks(&b);
}

#define APIC_BIT B(9)

void cpuid_adjust(const struct vm_cpuid *c, const struct cpuid_row *row, const struct cpuid_vcpu *v,
		  struct cpuid *out)
{
	*out = row->value;
	switch (row->dynamic) {
	case CPUID_LEAF_1:
		out->ebx |= v->apic_id << 24;
		out->ecx |= v->osxsave ? B(27) : 0;
		out->edx &= v->apic_enabled ? ~0u : ~APIC_BIT;
		break;
	case CPUID_LEAF_7: out->ecx |= v->ospke ? B(4) : 0; break;
	case CPUID_EXT_1: out->edx &= v->apic_enabled ? ~0u : ~APIC_BIT; break;
	case CPUID_APIC_ID_D: out->edx = v->apic_id; break;
	case CPUID_XSAVE: out->ebx = cpuid_xsave_size(c, v->xcr0); break;
	case CPUID_APIC_ID_A:
		out->eax = v->apic_id;
		out->ebx = v->apic_id & 0xff;
		break;
	default: break;
	}
}

bool cpuid_xcr0_valid(const struct vm_cpuid *c, uint64_t value)
{
	uint64_t avx512 = value & XCR0_AVX512;

	if ((value & ~c->xcr0) || !(value & 1))
		return false;
	if ((value & XCR0_AVX) && !(value & 2))
		return false;
	return !avx512 || (avx512 == XCR0_AVX512 && (value & XCR0_AVX));
}

uint32_t cpuid_xsave_size(const struct vm_cpuid *c, uint64_t xcr0)
{
	uint32_t size = 512 + 64;

	for (unsigned i = 2; i < CPUID_XSAVE_MAX; i++)
		if ((xcr0 & c->xcr0) & BIT(i))
			size = MAX(size, c->xsave[i].offset + c->xsave[i].size);
	return size;
}
