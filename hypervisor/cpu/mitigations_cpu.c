// SPDX-License-Identifier: GPL-2.0-or-later
// Reads what the CPU is, has the tables decide, and sets what is set once for each CPU. What the
// boot CPU's tables say holds for all; a CPU that could not follow is not let in.
#include "cpu/intr.h"
#include "cpu/log.h"
#include "cpu/mitigations.h"
#include "cpu/msr.h"

#define MSR_ARCH_CAPABILITIES 0x10a
#define MSR_DE_CFG            0xc0011029
#define DE_CFG_LFENCE         (1ull << 1)
#define EFER_AUTO_IBRS        (1ull << 21)
#define PRED_CMD_IBPB         1ull
/* AMD, "Technical Guidance for Mitigating Inception / SRSO": BP_CFG, BpSpecReduce. */
#define MSR_BP_CFG         0xc001102e
#define BP_CFG_SPEC_REDUCE (1ull << 4)

#define CPUID_1_EDX_HTT          (1u << 28)
#define CPUID_7_EDX_ARCH_CAP     (1u << 29)
#define CPUID_21_EAX_LFENCE      (1u << 2)
#define CPUID_EXT                0x80000000u
#define CPUID_EXT_SIZES          0x80000008u
#define CPUID_EXT_NODES          0x8000001eu
#define CPUID_EXT_21             0x80000021u
#define TOPOLOGY_THREADS(leaf_b) ((leaf_b).ebx & 0xffff)
#define NODES_THREADS(leaf_1e)   (((leaf_1e).ebx >> 8 & 0xff) + 1)

/* Locks: [o] owner CPU   [a] atomic */
struct barriers {
	uint64_t count; /* [o] IBPBs */
	bool ready;     /* [a] its MSRs are set */
};
DEFINE_CPU_PUBLIC(struct barriers, barriers);

struct mitigations mitigations;

static enum cpu_vendor vendor(void)
{
	switch (cpuid(0, 0).ebx) {
	case 0x756e6547: return CPU_VENDOR_INTEL; /* GenuineIntel */
	case 0x68747541:                          /* AuthenticAMD */
	case 0x6f677948: return CPU_VENDOR_AMD;   /* HygonGenuine */
	default: return CPU_VENDOR_OTHER;
	}
}

static struct cpuid leaf(uint32_t number)
{
	uint32_t base = number & CPUID_EXT;

	return cpuid(base, 0).eax >= number ? cpuid(number, 0) : (struct cpuid){ 0 };
}

static bool has_smt(void)
{
	struct cpuid threads = leaf(0xb), nodes = leaf(CPUID_EXT_NODES);

	if (!(cpuid(1, 0).edx & CPUID_1_EDX_HTT))
		return false;
	if (threads.ebx)
		return TOPOLOGY_THREADS(threads) > 1;
	return NODES_THREADS(nodes) > 1;
}

static void read_facts(struct cpu_facts *f)
{
	uint32_t signature = cpuid(1, 0).eax;
	struct cpuid leaf7 = leaf(7), leaf21 = leaf(CPUID_EXT_21);

	*f = (struct cpu_facts){
		.vendor = vendor(),
		.family = signature >> 8 & 0xf,
		.model = (signature >> 4 & 0xf) | (signature >> 12 & 0xf0),
		.leaf7_ebx = leaf7.ebx,
		.leaf7_edx = leaf7.edx,
		.leaf7_2_edx = leaf7.eax >= 2 ? cpuid(7, 2).edx : 0,
		.ext8_ebx = leaf(CPUID_EXT_SIZES).ebx,
		.ext21_eax = leaf21.eax,
		.ext21_ecx = leaf21.ecx,
		.smt = has_smt(),
	};
	if (f->family == 0xf)
		f->family += signature >> 20 & 0xff;
	/* 0 when the MSR is not there: nothing is known to be safe. */
	if ((leaf7.edx & CPUID_7_EDX_ARCH_CAP) &&
	    msr_read_safe(MSR_ARCH_CAPABILITIES, &f->arch_cap) < 0)
		log_warn("ARCH_CAPABILITIES is announced and not there");
}

/* Older AMD CPUs let LFENCE pass unless told otherwise: the entry code counts on it. */
static void make_lfence_wait(void)
{
	uint64_t cfg;

	if (vendor() != CPU_VENDOR_AMD || (leaf(CPUID_EXT_21).eax & CPUID_21_EAX_LFENCE))
		return;
	if (msr_read_safe(MSR_DE_CFG, &cfg) == 0 && !(cfg & DE_CFG_LFENCE) &&
	    msr_write_safe(MSR_DE_CFG, cfg | DE_CFG_LFENCE) < 0)
		log_debug("this CPU's LFENCE cannot be made to wait");
}

/* What a CPU must have for the boundaries to do on it what was decided on the boot CPU. */
static bool has_all(const struct mitigations *own)
{
	return (own->use & mitigations.use) == mitigations.use &&
	       (own->spec_ctrl & mitigations.spec_ctrl) == mitigations.spec_ctrl;
}

static void set_once(void)
{
	if (mitigations.use & (MIT_SPEC_CTRL | MIT_SPEC_CTRL_RING3))
		msr_write(MSR_SPEC_CTRL, mitigations.spec_ctrl);
	if (mitigations.use & MIT_AUTO_IBRS)
		msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_AUTO_IBRS);
	if (mitigations.use & MIT_BP_SPEC_REDUCE)
		msr_write(MSR_BP_CFG, msr_read(MSR_BP_CFG) | BP_CFG_SPEC_REDUCE);
	cpu_private(barriers)->ready = true;
}

void mitigations_init_cpu(void)
{
	struct cpu_facts facts;
	struct mitigations own;

	make_lfence_wait();
	read_facts(&facts);
	mitigations_decide(&facts, false, &own);
	if (!has_all(&own))
		fatal("CPU %u lacks speculation controls that CPU 0 has (%s): update its "
		      "microcode, or "
		      "start with mitigations=off",
		      this_cpu_id().n, mitigations.text);
	set_once();
}

void mitigations_init(bool off)
{
	struct cpu_facts facts;

	read_facts(&facts);
	mitigations_decide(&facts, off, &mitigations);
	make_lfence_wait();
	set_once();
	if (mitigations.use & MIT_RING3)
		intr_use_mitigated();
	log_info("mitigations: %s", mitigations.text);
}

const char *mitigations_text(cpu_id_t cpu)
{
	return READ_ONCE(cpu_public(barriers, cpu)->ready) ? mitigations.text : "not set up";
}

void mitigations_barrier(void)
{
	cpu_private(barriers)->count++;
	msr_write(MSR_PRED_CMD, PRED_CMD_IBPB);
}

uint64_t mitigations_barriers(void)
{
	return cpu_private(barriers)->count;
}
