// SPDX-License-Identifier: GPL-2.0-or-later
// Three const tables: what CPU models are open to, which bits say that a CPU is not, and what can
// be done about it, the best way first. No claim is made that is not a flag which some boundary
// obeys.
#include "cpu/mitigations.h"

#include "lib/bits.h"
#include "lib/fmt.h"

enum vuln {
	V_MELTDOWN,
	V_L1TF,
	V_MDS, /* and TAA, MMIO stale data, RFDS: all by VERW */
	V_TSA,
	V_SPECTRE_V2,
	V_BHI,
	V_RETBLEED,
	V_SRSO,
	V_SSB,
	V_VMSCAPE, /* a guest leads branches of its VMM */
	V_COUNT
};

static const char *const names[V_COUNT] = {
	[V_MELTDOWN] = "meltdown", [V_L1TF] = "l1tf",     [V_MDS] = "mds",
	[V_TSA] = "tsa",           [V_SPECTRE_V2] = "v2", [V_BHI] = "bhi",
	[V_RETBLEED] = "retbleed", [V_SRSO] = "srso",     [V_SSB] = "ssb",
	[V_VMSCAPE] = "vmscape",
};

/* ---- what models are open to ---- */

#define AMD_ALL (BIT(V_SPECTRE_V2) | BIT(V_SSB))
#define AMD_ZEN (AMD_ALL | BIT(V_SRSO) | BIT(V_VMSCAPE))
#define INTEL_ALL \
	(AMD_ALL | BIT(V_MELTDOWN) | BIT(V_L1TF) | BIT(V_MDS) | BIT(V_BHI) | BIT(V_VMSCAPE))

static const struct model {
	enum cpu_vendor vendor;
	unsigned family_first, family_last, model_first, model_last;
	uint32_t open;
} models[] = {
	{ CPU_VENDOR_AMD, 0x00, 0x14, 0, 255, AMD_ALL },
	{ CPU_VENDOR_AMD, 0x15, 0x16, 0, 255, AMD_ALL | BIT(V_RETBLEED) },
	{ CPU_VENDOR_AMD, 0x17, 0x18, 0, 255, AMD_ZEN | BIT(V_RETBLEED) },
	{ CPU_VENDOR_AMD, 0x19, 0x19, 0, 255, AMD_ZEN | BIT(V_TSA) },
	{ CPU_VENDOR_AMD, 0x1a, 0xff, 0, 255, AMD_ZEN },
	/* In-order Atoms do not speculate. */
	{ CPU_VENDOR_INTEL, 6, 6, 0x1c, 0x1c, 0 },
	{ CPU_VENDOR_INTEL, 6, 6, 0x26, 0x27, 0 },
	{ CPU_VENDOR_INTEL, 6, 6, 0x35, 0x36, 0 },
	/* Skylake to Comet Lake: RET takes its target from the branch predictor too. */
	{ CPU_VENDOR_INTEL, 6, 6, 0x4e, 0x4e, INTEL_ALL | BIT(V_RETBLEED) },
	{ CPU_VENDOR_INTEL, 6, 6, 0x55, 0x55, INTEL_ALL | BIT(V_RETBLEED) },
	{ CPU_VENDOR_INTEL, 6, 6, 0x5e, 0x5e, INTEL_ALL | BIT(V_RETBLEED) },
	{ CPU_VENDOR_INTEL, 6, 6, 0x8e, 0x8e, INTEL_ALL | BIT(V_RETBLEED) },
	{ CPU_VENDOR_INTEL, 6, 6, 0x9e, 0x9e, INTEL_ALL | BIT(V_RETBLEED) },
	{ CPU_VENDOR_INTEL, 6, 6, 0xa5, 0xa6, INTEL_ALL | BIT(V_RETBLEED) },
	{ CPU_VENDOR_INTEL, 0, 255, 0, 255, INTEL_ALL },
	/* Unknown: all that Intel's have. */
	{ CPU_VENDOR_OTHER, 0, 255, 0, 255, INTEL_ALL },
};

/* ---- features: bits of one word, from many registers ---- */

enum feature {
	F_RDCL_NO,
	F_L1DF_NO,
	F_MDS_NO,
	F_TSA_NO,
	F_BHI_NO,
	F_BTC_NO,
	F_SRSO_NO,
	F_SSB_NO,
	F_IBRS_ALL,
	F_AUTO_IBRS,
	F_IBRS,
	F_IBPB,
	F_STIBP,
	F_SSBD,
	F_BHI_CTRL,
	F_MD_CLEAR,
	F_VERW_CLEAR,
	F_L1D_FLUSH,
	F_BP_SPEC_REDUCE,
	F_NONE, /* no CPU has it */
};

/* Which feature says that a CPU is not open. */
static const enum feature immune[V_COUNT] = {
	[V_MELTDOWN] = F_RDCL_NO, [V_L1TF] = F_L1DF_NO,    [V_MDS] = F_MDS_NO,
	[V_TSA] = F_TSA_NO,       [V_SPECTRE_V2] = F_IBRS, /* nothing says so: see open_to */
	[V_BHI] = F_BHI_NO,       [V_RETBLEED] = F_BTC_NO, [V_SRSO] = F_SRSO_NO,
	[V_SSB] = F_SSB_NO,       [V_VMSCAPE] = F_NONE,
};

#define ARCH_CAP_RDCL_NO    BIT(0)
#define ARCH_CAP_IBRS_ALL   BIT(1)
#define ARCH_CAP_L1DF_NO    BIT(3)
#define ARCH_CAP_SSB_NO     BIT(4)
#define ARCH_CAP_MDS_NO     BIT(5)
#define ARCH_CAP_TAA_NO     BIT(8)
#define ARCH_CAP_FB_CLEAR   BIT(17)
#define ARCH_CAP_BHI_NO     BIT(20)
#define ARCH_CAP_RFDS_CLEAR BIT(28)

#define LEAF7_EBX_RTM        BIT(11)
#define LEAF7_EDX_MD_CLEAR   BIT(10)
#define LEAF7_EDX_IBRS       BIT(26)
#define LEAF7_EDX_STIBP      BIT(27)
#define LEAF7_EDX_L1D_FLUSH  BIT(28)
#define LEAF7_EDX_SSBD       BIT(31)
#define LEAF7_2_EDX_BHI_CTRL BIT(4)
#define EXT8_EBX_IBPB        BIT(12)
#define EXT8_EBX_IBRS        BIT(14)
#define EXT8_EBX_STIBP       BIT(15)
#define EXT8_EBX_SSBD        BIT(24)
#define EXT8_EBX_SSB_NO      BIT(26)
#define EXT8_EBX_BTC_NO      BIT(29)
#define EXT21_EAX_VERW_CLEAR BIT(5)
#define EXT21_EAX_AUTO_IBRS  BIT(8)
#define EXT21_EAX_SRSO_NO    BIT(29)
#define EXT21_EAX_BP_REDUCE  BIT(31)
#define EXT21_ECX_TSA_SQ_NO  BIT(1)
#define EXT21_ECX_TSA_L1_NO  BIT(2)
#define EXT21_ECX_TSA_NO     (EXT21_ECX_TSA_SQ_NO | EXT21_ECX_TSA_L1_NO)

/* Memory-ordering buffers are left to no one else to clear. */
static bool mds_no(const struct cpu_facts *f)
{
	bool taa_no = (f->arch_cap & ARCH_CAP_TAA_NO) || !(f->leaf7_ebx & LEAF7_EBX_RTM);

	return (f->arch_cap & ARCH_CAP_MDS_NO) && taa_no &&
	       !(f->arch_cap & (ARCH_CAP_FB_CLEAR | ARCH_CAP_RFDS_CLEAR));
}

static uint32_t features_of(const struct cpu_facts *f)
{
	const struct {
		enum feature feature;
		bool has;
	} rows[] = {
		{ F_RDCL_NO, f->arch_cap & ARCH_CAP_RDCL_NO },
		{ F_L1DF_NO, f->arch_cap & (ARCH_CAP_RDCL_NO | ARCH_CAP_L1DF_NO) },
		{ F_MDS_NO, mds_no(f) },
		{ F_TSA_NO, (f->ext21_ecx & EXT21_ECX_TSA_NO) == EXT21_ECX_TSA_NO },
		{ F_BHI_NO, f->arch_cap & ARCH_CAP_BHI_NO },
		{ F_BTC_NO, (f->ext8_ebx & EXT8_EBX_BTC_NO) || (f->arch_cap & ARCH_CAP_IBRS_ALL) },
		{ F_SRSO_NO, (f->ext21_eax & EXT21_EAX_SRSO_NO) || (f->vendor == CPU_VENDOR_AMD &&
								    f->family == 0x17 && !f->smt) },
		{ F_SSB_NO, (f->ext8_ebx & EXT8_EBX_SSB_NO) || (f->arch_cap & ARCH_CAP_SSB_NO) },
		{ F_IBRS_ALL, f->arch_cap & ARCH_CAP_IBRS_ALL },
		{ F_AUTO_IBRS, f->ext21_eax & EXT21_EAX_AUTO_IBRS },
		{ F_IBRS, (f->leaf7_edx & LEAF7_EDX_IBRS) || (f->ext8_ebx & EXT8_EBX_IBRS) },
		{ F_IBPB, (f->leaf7_edx & LEAF7_EDX_IBRS) || (f->ext8_ebx & EXT8_EBX_IBPB) },
		{ F_STIBP, (f->leaf7_edx & LEAF7_EDX_STIBP) || (f->ext8_ebx & EXT8_EBX_STIBP) },
		{ F_SSBD, (f->leaf7_edx & LEAF7_EDX_SSBD) || (f->ext8_ebx & EXT8_EBX_SSBD) },
		{ F_BHI_CTRL, f->leaf7_2_edx & LEAF7_2_EDX_BHI_CTRL },
		{ F_MD_CLEAR, (f->leaf7_edx & LEAF7_EDX_MD_CLEAR) ||
				      (f->arch_cap & (ARCH_CAP_FB_CLEAR | ARCH_CAP_RFDS_CLEAR)) },
		{ F_VERW_CLEAR, f->ext21_eax & EXT21_EAX_VERW_CLEAR },
		{ F_L1D_FLUSH, f->leaf7_edx & LEAF7_EDX_L1D_FLUSH },
		{ F_BP_SPEC_REDUCE, f->ext21_eax & EXT21_EAX_BP_REDUCE },
	};
	uint32_t features = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		features |= rows[i].has ? BIT(rows[i].feature) : 0;
	return features;
}

/* ---- what is done ---- */

#define MIT_VERW (MIT_VERW_RING3 | MIT_VERW_GUEST)
#define MIT_IBPB (MIT_IBPB_ON_VCPU_SWITCH | MIT_IBPB_ON_AS_SWITCH)
#define MIT_RSB  (MIT_RSB_ON_EXIT | MIT_RSB_ON_AS_SWITCH)

/* The first row of a vulnerability whose features are all there. */
static const struct measure {
	enum vuln vuln;
	uint32_t needs; /* bits of enum feature */
	uint32_t use, spec_ctrl;
	const char *text;
} measures[] = {
	{ V_L1TF, BIT(F_L1D_FLUSH), MIT_L1D_FLUSH_GUEST, 0, "flush" },
	{ V_MDS, BIT(F_MD_CLEAR), MIT_VERW, 0, "verw" },
	{ V_TSA, BIT(F_VERW_CLEAR), MIT_VERW, 0, "verw" },
	{ V_SPECTRE_V2, BIT(F_IBRS_ALL) | BIT(F_IBRS) | BIT(F_IBPB),
	  MIT_SPEC_CTRL | MIT_SPEC_CTRL_GUEST | MIT_RSB | MIT_IBPB, SPEC_CTRL_IBRS, "eIBRS+IBPB" },
	{ V_SPECTRE_V2, BIT(F_AUTO_IBRS) | BIT(F_IBPB), MIT_AUTO_IBRS | MIT_RSB | MIT_IBPB, 0,
	  "autoIBRS+IBPB" },
	{ V_SPECTRE_V2, BIT(F_IBRS) | BIT(F_IBPB),
	  MIT_SPEC_CTRL_RING3 | MIT_SPEC_CTRL_GUEST | MIT_RSB | MIT_IBPB, SPEC_CTRL_IBRS,
	  "IBRS+IBPB" },
	{ V_SPECTRE_V2, BIT(F_IBPB), MIT_RSB | MIT_IBPB, 0, "IBPB only" },
	{ V_BHI, BIT(F_BHI_CTRL) | BIT(F_IBRS_ALL) | BIT(F_IBRS),
	  MIT_SPEC_CTRL | MIT_SPEC_CTRL_GUEST, SPEC_CTRL_BHI_DIS_S, "BHI_DIS" },
	/* On Intel IBRS covers returns too; AMD's IBRS does not. */
	{ V_RETBLEED, BIT(F_IBPB), MIT_IBPB_ON_EXIT, 0, "IBPB on exit" },
	{ V_SRSO, BIT(F_BP_SPEC_REDUCE), MIT_BP_SPEC_REDUCE, 0, "BP_SPEC_REDUCE" },
	{ V_SRSO, BIT(F_IBPB), MIT_IBPB_ON_EXIT, 0, "IBPB on exit" },
	{ V_VMSCAPE, BIT(F_IBPB), MIT_IBPB_TO_VMM, 0, "IBPB to VMM" },
};

static uint32_t open_to(const struct cpu_facts *f, uint32_t features)
{
	const struct model *m = models;
	uint32_t open;

	while (m->vendor != f->vendor || f->family < m->family_first ||
	       f->family > m->family_last || f->model < m->model_first || f->model > m->model_last)
		m++;
	open = m->open;
	for (unsigned v = 0; v < V_COUNT; v++) {
		if (v != V_SPECTRE_V2 && (features & BIT(immune[v])))
			open &= ~BIT(v);
	}
	/* With IBRS in the kernel, the history of ring 3 and guests does not matter without eIBRS.
	 */
	if (!(features & BIT(F_IBRS_ALL)))
		open &= ~BIT(V_BHI);
	return open;
}

static const struct measure *measure_for(enum vuln vuln, uint32_t features)
{
	for (size_t i = 0; i < ARRAY_SIZE(measures); i++) {
		const struct measure *m = &measures[i];

		if (m->vuln == vuln && (features & m->needs) == m->needs)
			return m;
	}
	return NULL;
}

/* What is done already that leaves nothing to do, or NULL. */
static const char *covered(const struct cpu_facts *f, enum vuln vuln, uint32_t use)
{
	/* Intel's Retbleed: writing IBRS on entry. */
	if (vuln == V_RETBLEED && f->vendor != CPU_VENDOR_AMD && (use & MIT_SPEC_CTRL_RING3))
		return "IBRS";
	if (vuln == V_VMSCAPE && (use & MIT_IBPB_ON_EXIT))
		return "IBPB on exit";
	return NULL;
}

static void add_text(struct mitigations *m, size_t *len, enum vuln vuln, const char *what)
{
	int n = fmt_snprintf(m->text + *len, sizeof(m->text) - *len, "%s%s: %s", *len ? "; " : "",
			     names[vuln], what);

	*len += (size_t)n;
}

static void add_measure(struct mitigations *m, size_t *len, const struct cpu_facts *f,
			enum vuln vuln, uint32_t features)
{
	const struct measure *row = measure_for(vuln, features);
	const char *already = covered(f, vuln, m->use);

	if (already) {
		add_text(m, len, vuln, already);
		return;
	}
	if (!row) {
		add_text(m, len, vuln, "open");
		return;
	}
	m->use |= row->use;
	m->spec_ctrl |= row->spec_ctrl;
	add_text(m, len, vuln, row->text);
}

/* A sibling thread must not train ours: where IBRS stays set that is part of it. */
static void add_stibp(struct mitigations *m, const struct cpu_facts *f, uint32_t features)
{
	if (!f->smt || !(features & BIT(F_STIBP)) || !(m->use & MIT_SPEC_CTRL_RING3))
		return;
	m->spec_ctrl |= SPEC_CTRL_STIBP;
	m->spec_ctrl_ring3 |= SPEC_CTRL_STIBP;
	m->spec_ctrl_guest |= SPEC_CTRL_STIBP;
}

void mitigations_decide(const struct cpu_facts *f, bool off, struct mitigations *out)
{
	uint32_t features = features_of(f), open = open_to(f, features);
	size_t len = 0;

	*out = (struct mitigations){ 0 };
	if (off) {
		fmt_snprintf(out->text, sizeof(out->text), "off");
		return;
	}
	for (unsigned v = 0; v < V_COUNT; v++) {
		if (open & BIT(v))
			add_measure(out, &len, f, v, features);
	}
	if (out->use & MIT_SPEC_CTRL)
		out->spec_ctrl_ring3 = out->spec_ctrl;
	add_stibp(out, f, features);
	if (len == 0)
		fmt_snprintf(out->text, sizeof(out->text), "not needed");
}
