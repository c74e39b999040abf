// SPDX-License-Identifier: GPL-2.0-or-later
// Finds out what the CPU's SVM can do, makes the permission maps that all VMs share, and enables
// SVM on each CPU: EFER.SVME, a page where VMRUN keeps the host's state, one where VMSAVE does. AMD
// APM 2, "Enabling SVM", "MSR Intercepts", "I/O Intercepts".
#include "virt/svm/setup.h"

#include "cpu/log.h"
#include "cpu/mitigations.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "virt/svm/svm.h"

#define CPUID_EXT_MAX       0x80000000u
#define CPUID_EXT           0x80000001u
#define CPUID_SVM           0x8000000au
#define CPUID_EXT_C_SVM     BIT(2)
#define CPUID_7_B_FSGSBASE  BIT(0)
#define SVM_NP              BIT(0)
#define SVM_NRIP            BIT(3)
#define SVM_CLEAN           BIT(5)
#define SVM_FLUSH_ASID      BIT(6)
#define SVM_DECODE          BIT(7)
#define SVM_PAUSE           BIT(10)
#define SVM_PAUSE_THRESHOLD BIT(12)
#define SVM_SPEC_CTRL       BIT(20)

#define IOPM_ORDER  2 /* 12 KiB */
#define MSRPM_ORDER 1 /* 8 KiB */

svm_switch_fn *svm_switch;
uint32_t svm_mitigations;

/* What the guest reads and writes without an exit: VMLOAD and VMSAVE switch it. */
static const uint32_t free_msrs[] = {
	0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, /* STAR, LSTAR, CSTAR, SFMASK */
	0xc0000100, 0xc0000101, 0xc0000102,             /* FS, GS, KERNEL_GS base */
	0x174,      0x175,      0x176,                  /* SYSENTER */
};

bool svm_probe(const char **why)
{
	if (cpuid(CPUID_EXT_MAX, 0).eax < CPUID_SVM || !(cpuid(CPUID_EXT, 0).ecx & CPUID_EXT_C_SVM))
		*why = "this CPU has no AMD SVM";
	else if (!(cpuid(CPUID_SVM, 0).edx & SVM_NP))
		*why = "this CPU's AMD SVM has no nested paging";
	else if ((msr_read(MSR_VM_CR) & VM_CR_SVMDIS) && (msr_read(MSR_VM_CR) & VM_CR_LOCK))
		*why = "AMD SVM is switched off by the firmware";
	else
		return true;
	return false;
}

static void find_features(void)
{
	struct cpuid svm = cpuid(CPUID_SVM, 0);
	struct svm_features *f = &svm_features;

	f->nr_asids = svm.ebx;
	f->nrip = svm.edx & SVM_NRIP;
	f->clean_bits = svm.edx & SVM_CLEAN;
	f->flush_by_asid = svm.edx & SVM_FLUSH_ASID;
	f->decode_assists = svm.edx & SVM_DECODE;
	f->pause_filter = svm.edx & SVM_PAUSE;
	f->pause_threshold = svm.edx & SVM_PAUSE_THRESHOLD;
	f->virtual_spec_ctrl = svm.edx & SVM_SPEC_CTRL;
	f->fsgsbase = cpuid(0, 0).eax >= 7 && (cpuid(7, 0).ebx & CPUID_7_B_FSGSBASE);
	log_info("svm: %u ASIDs%s%s%s%s%s%s%s", f->nr_asids, f->nrip ? ", next RIP" : "",
		 f->decode_assists ? ", decode assists" : "",
		 f->flush_by_asid ? ", flush by ASID" : "", f->clean_bits ? ", clean bits" : "",
		 f->pause_filter ? ", pause filter" : "", f->fsgsbase ? ", FSGSBASE" : "",
		 f->virtual_spec_ctrl ? ", SPEC_CTRL" : "");
}

svm_switch_fn *svm_untraced_switch(void)
{
	static svm_switch_fn *const forms[2][2] = {
		{ svm_switch_msr, svm_switch_fsgsbase },
		{ svm_switch_msr_mitigated, svm_switch_fsgsbase_mitigated },
	};

	return forms[svm_mitigations != 0][svm_features.fsgsbase];
}

static void choose_switch(void)
{
	svm_mitigations = mitigations.use & MIT_GUEST;
	if (svm_features.virtual_spec_ctrl)
		svm_mitigations &= ~(uint32_t)MIT_SPEC_CTRL_GUEST;
	svm_switch = svm_untraced_switch();
}

/* Clears both bits of an MSR in the map: read and write. */
static void free_msr(uint8_t *map, uint32_t msr)
{
	uint32_t base = msr >= 0xc0010000 ? 0x1000 : msr >= 0xc0000000 ? 0x800 : 0;
	uint32_t bit = (msr & 0x1fff) * 2;

	map[base + bit / 8] &= (uint8_t) ~(3u << bit % 8);
}

int svm_init(void)
{
	struct svm_features *f = &svm_features;

	find_features();
	choose_switch();
	f->iopm = page_alloc(kernel_container, IOPM_ORDER, PAGE_KERNEL, 0, NODE_ANY);
	f->msrpm = page_alloc(kernel_container, MSRPM_ORDER, PAGE_KERNEL, 0, NODE_ANY);
	if (!f->iopm || !f->msrpm)
		return -ENOMEM;
	memset(phys_to_virt(f->iopm), 0xff, PAGE_SIZE << IOPM_ORDER);
	memset(phys_to_virt(f->msrpm), 0xff, PAGE_SIZE << MSRPM_ORDER);
	for (unsigned i = 0; i < ARRAY_SIZE(free_msrs); i++)
		free_msr(phys_to_virt(f->msrpm), free_msrs[i]);
	return 0;
}

static phys_t cpu_page(void)
{
	phys_t pa = page_alloc(kernel_container, 0, PAGE_KERNEL, PAGE_ZERO, NODE_ANY);

	if (!pa)
		fatal("no memory for this CPU's virtualization pages");
	return pa;
}

void svm_enable_cpu(void)
{
	struct svm_cpu *cpu = svm_this_cpu();
	uint64_t vm_cr;

	if (msr_read_safe(MSR_VM_CR, &vm_cr) == 0 && (vm_cr & VM_CR_SVMDIS))
		msr_write(MSR_VM_CR, vm_cr & ~VM_CR_SVMDIS);
	msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_SVME);
	cpu->vmrun_save = cpu_page();
	msr_write(MSR_VM_HSAVE_PA, cpu->vmrun_save);
	cpu->host_save = cpu_page();
	cpu->asid_generation = 1;
	cpu->next_asid = 1;
	cpu->tsc_aux = UINT64_MAX;
}
