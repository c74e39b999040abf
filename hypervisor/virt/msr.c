// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of guest MSRs. An index is mapped to its row by a byte table (low indexes) or a switch,
 * the row has read and write. Registers that the CPU switches are the backend's, the rest is
 * storage in struct vcpu_msrs with the checks that the CPU would make.
 */
#include "virt/msr.h"

#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/nospec.h"
#include "lib/string.h"
#include "virt/vcpu.h"
#include "virt/virt.h"

#define MSR_TSC           0x10
#define MSR_TSC_ADJUST    0x3b
#define MSR_SPEC_CTRL     0x48
#define MSR_PRED_CMD      0x49
#define MSR_PATCH_LEVEL   0x8b
#define MSR_MTRR_CAP      0xfe
#define MSR_SYSENTER_ESP  0x175
#define MSR_SYSENTER_EIP  0x176
#define MSR_MCG_CAP       0x179
#define MSR_MCG_STATUS    0x17a
#define MSR_MCG_CTL       0x17b
#define MSR_MISC_ENABLE   0x1a0
#define MSR_DEBUGCTL      0x1d9
#define MSR_MTRR_BASE0    0x200
#define MSR_MTRR_FIX64K   0x250
#define MSR_MTRR_FIX16K   0x258
#define MSR_MTRR_FIX4K    0x268
#define MSR_PAT           0x277
#define MSR_MTRR_DEF      0x2ff
#define MSR_MC0           0x400
#define MSR_GUEST_TSC_AUX 0xc0000103
#define MSR_SYSCFG        0xc0010010
#define MSR_HWCR          0xc0010015

#define MC_LAST (MSR_MC0 + 4 * MSR_MC_BANKS - 1)

/* ---- time ---- */

static int read_tsc(struct vcpu *v, uint32_t index, uint64_t *value)
{
	(void)index;
	*value = vcpu_guest_tsc(v);
	return 0;
}

/* SDM 3B, "Time-Stamp Counter Adjustment": what moves one moves the other. */
static void move_tsc(struct vcpu *v, uint64_t delta)
{
	v->msr.tsc_adjust += delta;
	v->tsc_offset += delta;
	vcpu_tsc_changed(v);
}

static int write_tsc(struct vcpu *v, uint32_t index, uint64_t value)
{
	(void)index;
	move_tsc(v, value - vcpu_guest_tsc(v));
	return 0;
}

static int read_tsc_aux(struct vcpu *v, uint32_t index, uint64_t *value)
{
	(void)index;
	*value = v->msr.tsc_aux;
	return v->vm->cpuid.tsc_aux ? 0 : -EINVAL;
}

static int write_tsc_aux(struct vcpu *v, uint32_t index, uint64_t value)
{
	(void)index;
	if (!v->vm->cpuid.tsc_aux || value >> 32)
		return -EINVAL;
	v->msr.tsc_aux = value;
	return 0;
}

static int read_tsc_adjust(struct vcpu *v, uint32_t index, uint64_t *value)
{
	(void)index;
	*value = v->msr.tsc_adjust;
	return 0;
}

static int write_tsc_adjust(struct vcpu *v, uint32_t index, uint64_t value)
{
	(void)index;
	move_tsc(v, value - v->msr.tsc_adjust);
	return 0;
}

/* ---- local APIC ---- */

static int read_apic_base(struct vcpu *v, uint32_t index, uint64_t *value)
{
	(void)index;
	*value = vlapic_get_base(&v->lapic);
	return 0;
}

static int write_apic_base(struct vcpu *v, uint32_t index, uint64_t value)
{
	(void)index;
	if (value >> v->vm->cpuid.maxphyaddr)
		return -EINVAL;
	return vlapic_set_base(&v->lapic, value);
}

static int read_lapic(struct vcpu *v, uint32_t index, uint64_t *value)
{
	return vlapic_msr_read(&v->lapic, index, value);
}

#define X2APIC_TPR (MSR_X2APIC_FIRST + 8)

static int write_lapic(struct vcpu *v, uint32_t index, uint64_t value)
{
	int err = vlapic_msr_write(&v->lapic, index, value);

	if (index == X2APIC_TPR && !err)
		virt->tpr_changed(v);
	return err;
}

/* ---- registers that the CPU switches ---- */

static int read_hw(struct vcpu *v, uint32_t index, uint64_t *value)
{
	return virt->read_msr(v, index, value) ? 0 : -EINVAL;
}

static int write_hw(struct vcpu *v, uint32_t index, uint64_t value)
{
	return virt->write_msr(v, index, value) ? 0 : -EINVAL;
}

static int write_hw_address(struct vcpu *v, uint32_t index, uint64_t value)
{
	if ((uint64_t)((int64_t)(value << 16) >> 16) != value)
		return -EINVAL; /* not canonical */
	return write_hw(v, index, value);
}

static int write_hw_32(struct vcpu *v, uint32_t index, uint64_t value)
{
	return write_hw(v, index, (uint32_t)value);
}

static int write_debugctl(struct vcpu *v, uint32_t index, uint64_t value)
{
	return value & ~BITS(5, 0) ? -EINVAL : write_hw(v, index, value);
}

static int read_efer(struct vcpu *v, uint32_t index, uint64_t *value)
{
	(void)index;
	*value = virt->get_efer(v);
	return 0;
}

static int write_efer(struct vcpu *v, uint32_t index, uint64_t value)
{
	(void)index;
	if (value & ~v->vm->cpuid.efer)
		return -EINVAL;
	return virt->set_efer(v, value);
}

/* ---- memory types ---- */

static bool mtrr_type_valid(uint64_t type)
{
	return type < 7 && (0x73u >> type & 1); /* UC WC WT WP WB: 0 1 4 5 6 */
}

static bool pat_valid(uint64_t value)
{
	for (unsigned i = 0; i < 8; i++, value >>= 8)
		if ((value & 0xff) > 7 || !(0xf3u >> (value & 7) & 1)) /* and UC-: 7 */
			return false;
	return true;
}

static int write_pat(struct vcpu *v, uint32_t index, uint64_t value)
{
	return pat_valid(value) ? write_hw(v, index, value) : -EINVAL;
}

static int read_mtrr_cap(struct vcpu *v, uint32_t index, uint64_t *value)
{
	(void)v, (void)index;
	*value = MSR_MTRR_VARIABLE | BIT(8) | BIT(10); /* fixed ranges, WC */
	return 0;
}

static int read_mtrr_def(struct vcpu *v, uint32_t index, uint64_t *value)
{
	(void)index;
	*value = v->msr.mtrr_def_type;
	return 0;
}

static int write_mtrr_def(struct vcpu *v, uint32_t index, uint64_t value)
{
	(void)index;
	if ((value & ~(BIT(10) | BIT(11) | 0xff)) || !mtrr_type_valid(value & 0xff))
		return -EINVAL;
	v->msr.mtrr_def_type = value;
	return 0;
}

static uint64_t *mtrr_variable(struct vcpu *v, uint32_t index)
{
	uint32_t n = (index - MSR_MTRR_BASE0) / 2 % MSR_MTRR_VARIABLE;

	return index & 1 ? &v->msr.mtrr_mask[n] : &v->msr.mtrr_base[n];
}

static int read_mtrr_variable(struct vcpu *v, uint32_t index, uint64_t *value)
{
	*value = *mtrr_variable(v, index);
	return 0;
}

static int write_mtrr_variable(struct vcpu *v, uint32_t index, uint64_t value)
{
	uint64_t low = index & 1 ? BITS(10, 0) : BITS(11, 8);

	if ((value >> v->vm->cpuid.maxphyaddr) || (value & low))
		return -EINVAL;
	if (!(index & 1) && !mtrr_type_valid(value & 0xff))
		return -EINVAL;
	*mtrr_variable(v, index) = value;
	return 0;
}

static uint64_t *mtrr_fixed(struct vcpu *v, uint32_t index)
{
	if (index == MSR_MTRR_FIX64K)
		return &v->msr.mtrr_fixed[0];
	if (index < MSR_MTRR_FIX4K)
		return &v->msr.mtrr_fixed[1 + (index & 1)];
	return &v->msr.mtrr_fixed[3 + (index & 7)];
}

static int read_mtrr_fixed(struct vcpu *v, uint32_t index, uint64_t *value)
{
	*value = *mtrr_fixed(v, index);
	return 0;
}

static int write_mtrr_fixed(struct vcpu *v, uint32_t index, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		if (!mtrr_type_valid(value >> i * 8 & 0xff))
			return -EINVAL;
	*mtrr_fixed(v, index) = value;
	return 0;
}

/* ---- machine check: banks that never report ---- */

static int read_mcg(struct vcpu *v, uint32_t index, uint64_t *value)
{
	if (index == MSR_MCG_CAP)
		*value = MSR_MC_BANKS | BIT(8); /* MCG_CTL is there */
	else
		*value = index == MSR_MCG_STATUS ? v->msr.mcg_status : v->msr.mcg_ctl;
	return 0;
}

static int write_mcg(struct vcpu *v, uint32_t index, uint64_t value)
{
	if (index == MSR_MCG_STATUS) {
		if (value)
			return -EINVAL;
		v->msr.mcg_status = 0;
	} else {
		if (value && ~value)
			return -EINVAL;
		v->msr.mcg_ctl = value;
	}
	return 0;
}

static uint64_t *mc_register(struct vcpu *v, uint32_t index)
{
	uint32_t n = index - MSR_MC0;

	return &v->msr.mc[n / 4 % MSR_MC_BANKS][n % 4];
}

static int read_mc(struct vcpu *v, uint32_t index, uint64_t *value)
{
	*value = *mc_register(v, index);
	return 0;
}

#define HWCR_MC_STATUS_WRITE BIT(18)
#define HWCR_TSC_FREQ        BIT(24)

/* Other than 0 is refused in status, address and misc unless HWCR allows it. */
static int write_mc(struct vcpu *v, uint32_t index, uint64_t value)
{
	if (index % 4 && value && !(v->msr.hwcr & HWCR_MC_STATUS_WRITE))
		return -EINVAL;
	*mc_register(v, index) = value;
	return 0;
}

/* ---- AMD's configuration ---- */

static int read_hwcr(struct vcpu *v, uint32_t index, uint64_t *value)
{
	(void)index;
	*value = v->msr.hwcr;
	return 0;
}

/* Cache and flush-filter switches are swallowed: a guest must not have them. */
static int write_hwcr(struct vcpu *v, uint32_t index, uint64_t value)
{
	(void)index;
	value &= ~(BIT(3) | BIT(6) | BIT(8));
	if (value & ~(HWCR_MC_STATUS_WRITE | HWCR_TSC_FREQ))
		return -EINVAL;
	v->msr.hwcr = value;
	return 0;
}

static int read_syscfg(struct vcpu *v, uint32_t index, uint64_t *value)
{
	(void)index;
	*value = v->msr.syscfg;
	return 0;
}

/* MTRR switches: bits 22:18. Memory encryption is not here. */
static int write_syscfg(struct vcpu *v, uint32_t index, uint64_t value)
{
	(void)index;
	if (value & ~BITS(22, 18))
		return -EINVAL;
	v->msr.syscfg = value;
	return 0;
}

static int read_misc_enable(struct vcpu *v, uint32_t index, uint64_t *value)
{
	(void)index;
	*value = v->msr.misc_enable;
	return 0;
}

static int write_misc_enable(struct vcpu *v, uint32_t index, uint64_t value)
{
	(void)index;
	v->msr.misc_enable = value;
	return 0;
}

static int read_patch_level(struct vcpu *v, uint32_t index, uint64_t *value)
{
	(void)index;
	*value = v->msr.patch_level;
	return 0;
}

/* Secure virtual machines disabled and locked. */
static int read_vm_cr(struct vcpu *v, uint32_t index, uint64_t *value)
{
	(void)v, (void)index;
	*value = VM_CR_SVMDIS | VM_CR_LOCK;
	return 0;
}

/* LFENCE waits for earlier loads, and a guest cannot change that. */
#define DE_CFG_LFENCE BIT(1)
static int read_de_cfg(struct vcpu *v, uint32_t index, uint64_t *value)
{
	(void)v, (void)index;
	*value = DE_CFG_LFENCE;
	return 0;
}

static int write_de_cfg(struct vcpu *v, uint32_t index, uint64_t value)
{
	(void)v, (void)index;
	return value == DE_CFG_LFENCE ? 0 : -EINVAL;
}

static int read_zero(struct vcpu *v, uint32_t index, uint64_t *value)
{
	(void)v, (void)index;
	*value = 0;
	return 0;
}

static int write_ignored(struct vcpu *v, uint32_t index, uint64_t value)
{
	(void)v, (void)index, (void)value;
	return 0;
}

/* ---- speculation ---- */

static int read_spec_ctrl(struct vcpu *v, uint32_t index, uint64_t *value)
{
	return v->vm->cpuid.spec_ctrl ? read_hw(v, index, value) : -EINVAL;
}

static int write_spec_ctrl(struct vcpu *v, uint32_t index, uint64_t value)
{
	if (!v->vm->cpuid.spec_ctrl || (value & ~(uint64_t)v->vm->cpuid.spec_ctrl))
		return -EINVAL;
	return write_hw(v, index, value);
}

static int write_pred_cmd(struct vcpu *v, uint32_t index, uint64_t value)
{
	if (!v->vm->cpuid.pred_cmd || (value & ~1ull)) /* IBPB */
		return -EINVAL;
	return value ? write_hw(v, index, value) : 0;
}

/* ---- the table ---- */

static int read_unknown(struct vcpu *v, uint32_t index, uint64_t *value)
{
	(void)index, (void)value;
	vcpu_count(v, COUNT_MSR_UNKNOWN);
	return -EINVAL;
}

static int write_unknown(struct vcpu *v, uint32_t index, uint64_t value)
{
	(void)index, (void)value;
	vcpu_count(v, COUNT_MSR_UNKNOWN);
	return -EINVAL;
}

enum {
	ROW_NONE,
	ROW_TSC,
	ROW_APIC_BASE,
	ROW_TSC_ADJUST,
	ROW_SPEC_CTRL,
	ROW_PRED_CMD,
	ROW_PATCH_LEVEL,
	ROW_MTRR_CAP,
	ROW_SYSENTER_CS,
	ROW_SYSENTER,
	ROW_MCG_CAP,
	ROW_MCG,
	ROW_MISC_ENABLE,
	ROW_DEBUGCTL,
	ROW_LAST_BRANCH,
	ROW_MTRR_VARIABLE,
	ROW_MTRR_FIXED,
	ROW_PAT,
	ROW_MTRR_DEF,
	ROW_MC,
	ROW_TSC_DEADLINE,
	ROW_X2APIC,
	ROW_KVM,
	ROW_EFER,
	ROW_STAR,
	ROW_HW_ADDRESS,
	ROW_SFMASK,
	ROW_TSC_AUX,
	ROW_SYSCFG,
	ROW_HWCR,
	ROW_AMD_ZERO,
	ROW_VM_CR,
	ROW_DE_CFG,
};

static const struct msr_row rows[] = {
	[ROW_NONE] = { NULL, read_unknown, write_unknown },
	[ROW_TSC] = { "TSC", read_tsc, write_tsc },
	[ROW_APIC_BASE] = { "APIC_BASE", read_apic_base, write_apic_base },
	[ROW_TSC_ADJUST] = { "TSC_ADJUST", read_tsc_adjust, write_tsc_adjust },
	[ROW_SPEC_CTRL] = { "SPEC_CTRL", read_spec_ctrl, write_spec_ctrl },
	[ROW_PRED_CMD] = { "PRED_CMD", NULL, write_pred_cmd },
	[ROW_PATCH_LEVEL] = { "PATCH_LEVEL", read_patch_level, write_ignored },
	[ROW_MTRR_CAP] = { "MTRR_CAP", read_mtrr_cap, NULL },
	[ROW_SYSENTER_CS] = { "SYSENTER_CS", read_hw, write_hw_32 },
	[ROW_SYSENTER] = { "SYSENTER", read_hw, write_hw_address },
	[ROW_MCG_CAP] = { "MCG_CAP", read_mcg, NULL },
	[ROW_MCG] = { "MCG", read_mcg, write_mcg },
	[ROW_MISC_ENABLE] = { "MISC_ENABLE", read_misc_enable, write_misc_enable },
	[ROW_DEBUGCTL] = { "DEBUGCTL", read_hw, write_debugctl },
	[ROW_LAST_BRANCH] = { "LAST_BRANCH", read_zero, NULL },
	[ROW_MTRR_VARIABLE] = { "MTRR_VARIABLE", read_mtrr_variable, write_mtrr_variable },
	[ROW_MTRR_FIXED] = { "MTRR_FIXED", read_mtrr_fixed, write_mtrr_fixed },
	[ROW_PAT] = { "PAT", read_hw, write_pat },
	[ROW_MTRR_DEF] = { "MTRR_DEF_TYPE", read_mtrr_def, write_mtrr_def },
	[ROW_MC] = { "MC", read_mc, write_mc },
	[ROW_TSC_DEADLINE] = { "TSC_DEADLINE", read_lapic, write_lapic },
	[ROW_X2APIC] = { "X2APIC", read_lapic, write_lapic },
	[ROW_KVM] = { "KVM", kvm_pv_read_msr, kvm_pv_write_msr },
	[ROW_EFER] = { "EFER", read_efer, write_efer },
	[ROW_STAR] = { "STAR", read_hw, write_hw },
	[ROW_HW_ADDRESS] = { "ADDRESS", read_hw, write_hw_address },
	[ROW_SFMASK] = { "SFMASK", read_hw, write_hw_32 },
	[ROW_TSC_AUX] = { "TSC_AUX", read_tsc_aux, write_tsc_aux },
	[ROW_SYSCFG] = { "SYSCFG", read_syscfg, write_syscfg },
	[ROW_HWCR] = { "HWCR", read_hwcr, write_hwcr },
	[ROW_AMD_ZERO] = { "AMD_CONFIG", read_zero, write_ignored },
	[ROW_VM_CR] = { "VM_CR", read_vm_cr, NULL },
	[ROW_DE_CFG] = { "DE_CFG", read_de_cfg, write_de_cfg },
};

/* Rows of the indexes from 0 up. */
static const uint8_t low_rows[MSR_X2APIC_LAST + 1] = {
	[MSR_TSC] = ROW_TSC,
	[MSR_KVM_WALL_CLOCK] = ROW_KVM,
	[MSR_KVM_SYSTEM_TIME] = ROW_KVM,
	[MSR_APIC_BASE] = ROW_APIC_BASE,
	[MSR_TSC_ADJUST] = ROW_TSC_ADJUST,
	[MSR_SPEC_CTRL] = ROW_SPEC_CTRL,
	[MSR_PRED_CMD] = ROW_PRED_CMD,
	[MSR_PATCH_LEVEL] = ROW_PATCH_LEVEL,
	[MSR_MTRR_CAP] = ROW_MTRR_CAP,
	[MSR_SYSENTER_CS] = ROW_SYSENTER_CS,
	[MSR_SYSENTER_ESP... MSR_SYSENTER_EIP] = ROW_SYSENTER,
	[MSR_MCG_CAP] = ROW_MCG_CAP,
	[MSR_MCG_STATUS... MSR_MCG_CTL] = ROW_MCG,
	[MSR_MISC_ENABLE] = ROW_MISC_ENABLE,
	[MSR_DEBUGCTL] = ROW_DEBUGCTL,
	[0x1db ... 0x1de] = ROW_LAST_BRANCH,
	[MSR_MTRR_BASE0... MSR_MTRR_BASE0 + 2 * MSR_MTRR_VARIABLE - 1] = ROW_MTRR_VARIABLE,
	[MSR_MTRR_FIX64K] = ROW_MTRR_FIXED,
	[MSR_MTRR_FIX16K... MSR_MTRR_FIX16K + 1] = ROW_MTRR_FIXED,
	[MSR_MTRR_FIX4K... MSR_MTRR_FIX4K + 7] = ROW_MTRR_FIXED,
	[MSR_PAT] = ROW_PAT,
	[MSR_MTRR_DEF] = ROW_MTRR_DEF,
	[MSR_MC0... MC_LAST] = ROW_MC,
	[MSR_TSC_DEADLINE] = ROW_TSC_DEADLINE,
	[MSR_X2APIC_FIRST... MSR_X2APIC_LAST] = ROW_X2APIC,
};

static __noinline unsigned high_row(uint32_t index)
{
	switch (index) {
	case MSR_KVM_WALL_CLOCK_NEW ... MSR_KVM_LAST: return ROW_KVM;
	case MSR_EFER: return ROW_EFER;
	case MSR_STAR: return ROW_STAR;
	case MSR_LSTAR:
	case MSR_CSTAR:
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KGS_BASE: return ROW_HW_ADDRESS;
	case MSR_SFMASK: return ROW_SFMASK;
	case MSR_GUEST_TSC_AUX: return ROW_TSC_AUX;
	case MSR_SYSCFG: return ROW_SYSCFG;
	case MSR_HWCR: return ROW_HWCR;
	case MSR_VM_CR: return ROW_VM_CR;
	case 0xc0011029: return ROW_DE_CFG;
	case 0xc001001a: /* TOP_MEM */
	case 0xc001001d: /* TOP_MEM2 */
	case 0xc001001f: /* NB_CFG */
	case 0xc0010055: /* interrupt pending message */
	case 0xc0010058: /* MMIO configuration base */
	case 0xc0010112: /* SMM base */
	case 0xc0010113: /* SMM mask */
	case 0xc0011022: /* DC_CFG */
	case 0xc001102a: /* BU_CFG2 */ return ROW_AMD_ZERO;
	default: return ROW_NONE;
	}
}

/* Of an index below ARRAY_SIZE(low_rows). */
static inline const struct msr_row *low_row_of(uint32_t index)
{
	return &rows[low_rows[nospec_index(index, ARRAY_SIZE(low_rows))]];
}

static const struct msr_row *row_of(uint32_t index)
{
	return index < ARRAY_SIZE(low_rows) ? low_row_of(index) : &rows[high_row(index)];
}

const struct msr_row *msr_find(uint32_t index)
{
	const struct msr_row *row = row_of(index);

	return row == &rows[ROW_NONE] ? NULL : row;
}

static inline int read_by(const struct msr_row *row, struct vcpu *v, uint32_t index,
			  uint64_t *value)
{
	return row->read ? row->read(v, index, value) : -EINVAL;
}

static inline int write_by(const struct msr_row *row, struct vcpu *v, uint32_t index,
			   uint64_t value)
{
	return row->write ? row->write(v, index, value) : -EINVAL;
}

static __noinline int read_high(struct vcpu *v, uint32_t index, uint64_t *value)
{
	return read_by(&rows[high_row(index)], v, index, value);
}

static __noinline int write_high(struct vcpu *v, uint32_t index, uint64_t value)
{
	return write_by(&rows[high_row(index)], v, index, value);
}

int guest_msr_read(struct vcpu *v, uint32_t index, uint64_t *value)
{
	*value = 0;
	if (unlikely(index >= ARRAY_SIZE(low_rows)))
		return read_high(v, index, value);
	return read_by(low_row_of(index), v, index, value);
}

int guest_msr_write(struct vcpu *v, uint32_t index, uint64_t value)
{
	if (unlikely(index >= ARRAY_SIZE(low_rows)))
		return write_high(v, index, value);
	return write_by(low_row_of(index), v, index, value);
}

/* ---- reset and external form ---- */

#define MTRR_ALL_WB    0x0606060606060606ull
#define MTRR_DEF_RESET (BIT(11) | BIT(10) | 6)

/* MTRRs start as firmware leaves them, all memory write-back: a VM has no firmware that would set
 * them. */
static void reset_mtrrs(struct vcpu_msrs *m)
{
	m->mtrr_def_type = MTRR_DEF_RESET;
	for (unsigned i = 0; i < ARRAY_SIZE(m->mtrr_fixed); i++)
		m->mtrr_fixed[i] = MTRR_ALL_WB;
}

void guest_msr_reset(struct vcpu *v, bool init)
{
	if (init)
		return;
	v->msr = (struct vcpu_msrs){
		.misc_enable = 1, /* fast strings */
		.hwcr = HWCR_TSC_FREQ,
		.patch_level = 0x01000065,
		.mcg_ctl = ~0ull,
	};
	reset_mtrrs(&v->msr);
}

static const uint32_t state_msrs[] = {
	MSR_TSC,
	MSR_TSC_ADJUST,
	MSR_SPEC_CTRL,
	MSR_SYSENTER_CS,
	MSR_SYSENTER_ESP,
	MSR_SYSENTER_EIP,
	MSR_MCG_STATUS,
	MSR_MCG_CTL,
	MSR_MISC_ENABLE,
	MSR_DEBUGCTL,
	MSR_PAT,
	MSR_MTRR_DEF,
	MSR_MTRR_FIX64K,
	MSR_MTRR_FIX16K,
	MSR_MTRR_FIX16K + 1,
	MSR_STAR,
	MSR_LSTAR,
	MSR_CSTAR,
	MSR_SFMASK,
	MSR_KGS_BASE,
	MSR_GUEST_TSC_AUX,
	MSR_SYSCFG,
	MSR_MC0,
	MSR_MC0 + 1,
	MSR_MC0 + 2,
	MSR_MC0 + 3,
	MSR_HWCR,
	MSR_KVM_WALL_CLOCK_NEW,
	MSR_KVM_SYSTEM_TIME_NEW,
	MSR_KVM_PV_EOI_EN,
};
#define NR_STATE_MSRS (ARRAY_SIZE(state_msrs) + 2 * MSR_MTRR_VARIABLE + 8)
_Static_assert(NR_STATE_MSRS <= VCPU_MSRS_MAX, "all fit the external form");

static uint32_t state_msr(unsigned n)
{
	if (n < ARRAY_SIZE(state_msrs))
		return state_msrs[n];
	n -= ARRAY_SIZE(state_msrs);
	return n < 8 ? MSR_MTRR_FIX4K + n : MSR_MTRR_BASE0 + n - 8;
}

unsigned guest_msr_get_state(struct vcpu *v, struct vcpu_msr *out, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < NR_STATE_MSRS && n < max; i++) {
		uint32_t index = state_msr(i);
		uint64_t value;

		if (row_of(index)->read(v, index, &value) == 0)
			out[n++] = (struct vcpu_msr){ .index = index, .value = value };
	}
	return n;
}

/* Registers whose write does more than to restore them. */
static bool set_raw(struct vcpu *v, uint32_t index, uint64_t value)
{
	switch (index) {
	case MSR_TSC_ADJUST: v->msr.tsc_adjust = value; return true;
	case MSR_MC0 ... MC_LAST: *mc_register(v, index) = value; return true;
	case MSR_KVM_WALL_CLOCK_NEW: v->pv.wall_clock = value; return true;
	default: return false;
	}
}

unsigned guest_msr_set_state(struct vcpu *v, const struct vcpu_msr *in, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct msr_row *row = row_of(in[i].index);

		if (set_raw(v, in[i].index, in[i].value))
			continue;
		if (write_by(row, v, in[i].index, in[i].value))
			return i;
	}
	return n;
}
