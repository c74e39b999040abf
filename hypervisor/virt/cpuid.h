/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUID as a guest sees it: made once per VM from the host's values and the policy table in
 * cpuid.c, then constant. What depends on a vCPU's state (APIC id, CR4.OSXSAVE, XCR0) is filled in
 * when a leaf is looked up.
 *
 * Topology: one socket, a core per vCPU, one thread per core; APIC id = vCPU number.
 */
#pragma once

#include "cpu/msr.h"
#include "lib/types.h"

/* What decides about a VM's CPUID. */
struct cpuid_policy {
	struct cpuid (*host)(uint32_t leaf, uint32_t subleaf); /* cpuid() */
	uint64_t host_xcr0;  /* features the kernel saves and restores, 0: no XSAVE */
	uint32_t nr_vcpus;   /* 1..VM_MAX_VCPUS */
	uint32_t tsc_khz;    /* of the guest */
	bool kvm_pv;         /* offer the paravirtual leaves */
	bool tsc_stable;     /* the TSCs run at one rate and agree on all CPUs, for ever */
	bool clock_stable;   /* one line of kvmclock holds for all vCPUs, for ever */
	bool spec_ctrl_host; /* guests may have SPEC_CTRL; PRED_CMD they may always */
};

/* Bits of CPUID 0x40000001 EAX (Linux, "KVM CPUID bits"). */
#define KVM_FEATURE_CLOCKSOURCE     (1u << 0)
#define KVM_FEATURE_NOP_IO_DELAY    (1u << 1)
#define KVM_FEATURE_CLOCKSOURCE2    (1u << 3)
#define KVM_FEATURE_PV_EOI          (1u << 6)
#define KVM_FEATURE_PV_UNHALT       (1u << 7)
#define KVM_FEATURE_PV_SEND_IPI     (1u << 11)
#define KVM_FEATURE_MSI_EXT_DEST_ID (1u << 15)
#define KVM_FEATURE_STABLE          (1u << 24)

/* How a row depends on the vCPU. */
enum cpuid_dynamic {
	CPUID_STATIC,
	CPUID_LEAF_1,    /* APIC id, OSXSAVE, APIC enabled */
	CPUID_LEAF_7,    /* OSPKE */
	CPUID_APIC_ID_D, /* EDX is the x2APIC id */
	CPUID_XSAVE,     /* EBX is the size for XCR0 */
	CPUID_EXT_1,     /* APIC enabled */
	CPUID_APIC_ID_A, /* EAX is the x2APIC id, EBX 7:0 the core */
};

struct cpuid_row {
	struct cpuid value;
	uint32_t subleaf; /* of this row; rows of one leaf follow each other */
	uint8_t dynamic;  /* enum cpuid_dynamic */
	bool more;        /* the next row is of the same leaf */
	bool any_subleaf; /* the leaf has no subleaves */
};

#define CPUID_ROWS_MAX  96
#define CPUID_LEAF_MAX  32 /* leaves of each of the three ranges */
#define CPUID_XSAVE_MAX 20 /* components whose size is known */

struct vm_cpuid {
	uint8_t first[4][CPUID_LEAF_MAX]; /* row of leaf, by range; 0: zeros */
	struct cpuid_row rows[CPUID_ROWS_MAX];
	unsigned nr_rows;
	uint64_t xcr0;       /* all bits that the guest may set; 0: no XSAVE */
	uint64_t cr4;        /* all bits of CR4 that the guest may set */
	uint64_t efer;       /* all bits of EFER that the guest may set */
	unsigned maxphyaddr; /* bits */
	bool kvm_pv, clock_stable, pred_cmd, tsc_aux;
	uint32_t spec_ctrl; /* the bits that a guest may set; 0: it has no SPEC_CTRL */
	uint32_t tsc_khz;
	struct {
		uint32_t size, offset;
	} xsave[CPUID_XSAVE_MAX]; /* standard format */
};

/* Never fails: what the host lacks the guest lacks. */
void cpuid_init(struct vm_cpuid *c, const struct cpuid_policy *p);

/* What a vCPU adds. */
struct cpuid_vcpu {
	uint32_t apic_id;
	bool osxsave, ospke, apic_enabled;
	uint64_t xcr0;
};

/* The row of a leaf, zeros for one that does not exist. Then, if row->dynamic is not 0,
 * cpuid_adjust makes the vCPU's values of it. Any context. */
static inline const struct cpuid_row *cpuid_lookup(const struct vm_cpuid *c, uint32_t leaf,
						   uint32_t subleaf)
{
	/* 0x00000000, 0x40000000, 0x80000000: the top two bits name the range. */
	uint32_t n = leaf & 0x3fffffff;
	const struct cpuid_row *row;

	if (unlikely(n >= CPUID_LEAF_MAX))
		return &c->rows[0];
	row = &c->rows[c->first[leaf >> 30][n]];
	if (likely(row->any_subleaf))
		return row;
	for (; row->subleaf != subleaf; row++)
		if (!row->more)
			return &c->rows[0];
	return row;
}

void cpuid_adjust(const struct vm_cpuid *c, const struct cpuid_row *row, const struct cpuid_vcpu *v,
		  struct cpuid *out);

/* Whether XSETBV may load `value` (SDM 1, "XCR0"; APM 2, "XFEATURE_ENABLED_MASK"). */
bool cpuid_xcr0_valid(const struct vm_cpuid *c, uint64_t value);
/* Bytes of the standard XSAVE area for these features. */
uint32_t cpuid_xsave_size(const struct vm_cpuid *c, uint64_t xcr0);
