// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The registers of the local APIC, by MMIO and by MSR. One table says which exist in which mode and
 * which bits they hold; what a write does beside storing is in write_register().
 */
#include "virt/irq/vlapic_priv.h"

#include "lib/nospec.h"

enum {
	READ = 1,
	WRITE = 2,
	XAPIC_ONLY = 4,
	X2APIC_ONLY = 8,
};

struct reg_info {
	uint8_t how;
	uint32_t valid; /* bits that a write may set; others: #GP in x2APIC mode */
};

#define RO              \
	{               \
		READ, 0 \
	}
#define LVT(bits)                    \
	{                            \
		READ | WRITE, (bits) \
	}
/* SDM 3A, "Local APIC Register Address Map" and "Local APIC Register Address Space" (x2APIC). */
static const struct reg_info regs[0x40] = {
	[APIC_ID >> 4] = RO,
	[APIC_VERSION >> 4] = RO,
	[APIC_TPR >> 4] = { READ | WRITE, 0xff },
	[APIC_APR >> 4] = { READ | XAPIC_ONLY, 0 },
	[APIC_PPR >> 4] = RO,
	[APIC_EOI >> 4] = { WRITE, 0 },
	[APIC_LDR >> 4] = { READ, 0xff000000 },
	[APIC_DFR >> 4] = { READ | WRITE | XAPIC_ONLY, 0xf0000000 },
	[APIC_SVR >> 4] = { READ | WRITE, SVR_VALID },
	[APIC_ISR >> 4 ...(APIC_ISR >> 4) + 7] = RO,
	[APIC_TMR >> 4 ...(APIC_TMR >> 4) + 7] = RO,
	[APIC_IRR >> 4 ...(APIC_IRR >> 4) + 7] = RO,
	[APIC_ESR >> 4] = { READ | WRITE, 0 },
	[APIC_ICR >> 4] = { READ | WRITE, 0xcdfff },
	[APIC_ICR_HIGH >> 4] = { READ | WRITE | XAPIC_ONLY, 0xff000000 },
	[APIC_LVT_TIMER >> 4] = LVT(LVT_VALID_TIMER),
	[APIC_LVT_THERMAL >> 4] = LVT(LVT_VALID_EVENT),
	[APIC_LVT_PERF >> 4] = LVT(LVT_VALID_EVENT),
	[APIC_LVT_LINT0 >> 4] = LVT(LVT_VALID_LINT),
	[APIC_LVT_LINT1 >> 4] = LVT(LVT_VALID_LINT),
	[APIC_LVT_ERROR >> 4] = LVT(LVT_VALID_ERROR),
	[APIC_TIMER_INITIAL >> 4] = { READ | WRITE, 0xffffffff },
	[APIC_TIMER_CURRENT >> 4] = RO,
	[APIC_TIMER_DIVIDE >> 4] = { READ | WRITE, DIVIDE_VALID },
	[APIC_SELF_IPI >> 4] = { WRITE | X2APIC_ONLY, 0xff },
};

static const uint32_t lvts[] = { APIC_LVT_TIMER, APIC_LVT_THERMAL, APIC_LVT_PERF,
				 APIC_LVT_LINT0, APIC_LVT_LINT1,   APIC_LVT_ERROR };

static uint32_t read_register(struct vlapic *l, uint32_t offset)
{
	if (offset == APIC_TIMER_CURRENT)
		return vlapic_timer_current(l);
	return vlapic_reg(l, offset);
}

/* With the APIC switched off by software all LVT entries are masked and stay so. */
static void write_svr(struct vlapic *l, uint32_t value)
{
	vlapic_reg_set(l, APIC_SVR, value);
	if (value & SVR_ENABLED)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(lvts); i++)
		vlapic_reg_set(l, lvts[i], vlapic_reg(l, lvts[i]) | LVT_MASKED);
}

static void write_lvt(struct vlapic *l, uint32_t offset, uint32_t value)
{
	if (!(vlapic_reg(l, APIC_SVR) & SVR_ENABLED))
		value |= LVT_MASKED;
	if (offset == APIC_LVT_TIMER)
		vlapic_timer_set_lvt(l, value);
	else
		vlapic_reg_set(l, offset, value);
}

static void write_icr(struct vlapic *l, uint64_t value)
{
	vlapic_reg_set(l, APIC_ICR, (uint32_t)value & ~0x1000u); /* never busy */
	vlapic_send_icr(l, value);
}

/* A register that is written in the present mode; value has valid bits only. */
static void write_register(struct vlapic *l, uint32_t offset, uint32_t value)
{
	switch (offset) {
	case APIC_TPR:
		vlapic_reg_set(l, APIC_TPR, value);
		vlapic_update_ppr(l);
		break;
	case APIC_EOI: vlapic_eoi(l); break;
	case APIC_DFR: vlapic_reg_set(l, APIC_DFR, value | 0x0fffffff); break;
	case APIC_SVR: write_svr(l, value); break;
	case APIC_ESR:
		vlapic_reg_set(l, APIC_ESR,
			       __atomic_exchange_n(&l->esr_pending, 0, __ATOMIC_SEQ_CST));
		break;
	case APIC_ICR: write_icr(l, (uint64_t)vlapic_reg(l, APIC_ICR_HIGH) << 32 | value); break;
	case APIC_LVT_TIMER:
	case APIC_LVT_THERMAL:
	case APIC_LVT_PERF:
	case APIC_LVT_LINT0:
	case APIC_LVT_LINT1:
	case APIC_LVT_ERROR: write_lvt(l, offset, value); break;
	case APIC_TIMER_INITIAL:
		vlapic_reg_set(l, APIC_TIMER_INITIAL, value);
		vlapic_timer_start(l);
		break;
	case APIC_TIMER_DIVIDE: vlapic_timer_set_divide(l, value); break;
	case APIC_SELF_IPI: vlapic_self_ipi(l, (uint8_t)value); break;
	default: vlapic_reg_set(l, offset, value); break;
	}
}

/* ---- MMIO ---- */

bool vlapic_mmio_hit(const struct vlapic *l, uint64_t gpa)
{
	uint64_t base = READ_ONCE(l->base);

	return (base & (APIC_BASE_ENABLED | APIC_BASE_X2APIC)) == APIC_BASE_ENABLED &&
	       (base & BITS(51, 12)) == (gpa & ~(VLAPIC_MMIO_SIZE - 1));
}

static const struct reg_info *xapic_register(uint32_t offset, unsigned how)
{
	const struct reg_info *r;

	if (offset >= ARRAY_SIZE(regs) << 4)
		return NULL;
	r = &regs[nospec_index(offset >> 4, ARRAY_SIZE(regs))];
	return (r->how & how) && !(r->how & X2APIC_ONLY) ? r : NULL;
}

uint64_t vlapic_mmio_read(struct vlapic *l, uint32_t offset, unsigned len)
{
	uint32_t base = offset & 0xff0;
	unsigned byte = offset & 0xf;
	uint64_t value;

	if (!xapic_register(base, READ)) {
		vlapic_error(l, ESR_BAD_REGISTER);
		return 0;
	}
	if (byte >= 4)
		return 0;
	value = read_register(l, base) >> byte * 8;
	return len >= 8 ? value : value & (BIT(len * 8) - 1);
}

void vlapic_mmio_write(struct vlapic *l, uint32_t offset, unsigned len, uint64_t value)
{
	const struct reg_info *r;

	offset &= 0xfff;
	if (len < 4 || (offset & 0xf))
		return;
	if (offset == APIC_LDR) { /* only here; the x2APIC's is fixed */
		vlapic_reg_set(l, APIC_LDR, (uint32_t)value & regs[APIC_LDR >> 4].valid);
		return;
	}
	r = xapic_register(offset, WRITE);
	if (r)
		write_register(l, offset, (uint32_t)value & r->valid);
	else if (offset != APIC_ID) /* writable on old parts: ignored, without an error */
		vlapic_error(l, ESR_BAD_REGISTER);
}

/* ---- MSRs ---- */

static const struct reg_info *x2apic_register(const struct vlapic *l, uint32_t msr, unsigned how)
{
	uint32_t n = msr - MSR_X2APIC_FIRST;
	const struct reg_info *r;

	if (!vlapic_x2apic(l) || n >= ARRAY_SIZE(regs))
		return NULL;
	r = &regs[nospec_index(n, ARRAY_SIZE(regs))];
	return (r->how & how) && !(r->how & XAPIC_ONLY) ? r : NULL;
}

int vlapic_msr_read(struct vlapic *l, uint32_t msr, uint64_t *value)
{
	uint32_t offset = (msr - MSR_X2APIC_FIRST) << 4;

	if (msr == MSR_TSC_DEADLINE) {
		*value = l->tsc_deadline;
		return 0;
	}
	if (!x2apic_register(l, msr, READ))
		return -EINVAL;
	*value = read_register(l, offset);
	if (offset == APIC_ICR)
		*value |= (uint64_t)vlapic_reg(l, APIC_ICR_HIGH) << 32;
	return 0;
}

static int write_icr_msr(struct vlapic *l, uint64_t value)
{
	if ((uint32_t)value & ~regs[APIC_ICR >> 4].valid)
		return -EINVAL;
	vlapic_reg_set(l, APIC_ICR_HIGH, (uint32_t)(value >> 32));
	write_icr(l, value);
	return 0;
}

int vlapic_msr_write(struct vlapic *l, uint32_t msr, uint64_t value)
{
	uint32_t offset = (msr - MSR_X2APIC_FIRST) << 4;
	const struct reg_info *r;

	if (msr == MSR_TSC_DEADLINE) {
		vlapic_timer_set_tsc_deadline(l, value);
		return 0;
	}
	r = x2apic_register(l, msr, WRITE);
	if (!r)
		return -EINVAL;
	if (offset == APIC_ICR)
		return write_icr_msr(l, value);
	if (value & ~(uint64_t)r->valid)
		return -EINVAL;
	write_register(l, offset, (uint32_t)value);
	return 0;
}

/* ---- external form ---- */

/* Offset 0 has no register; the external form keeps the errors there that ESR does not show yet. */
#define STATE_ESR_PENDING 0
#define ESR_VALID         (ESR_SEND_ILLEGAL | ESR_RECV_ILLEGAL | ESR_BAD_REGISTER)

void vlapic_get_state(struct vlapic *l, uint32_t out[64], uint64_t *tsc_deadline)
{
	/* The host's timer may be late, or early. */
	vlapic_timer_catch_up(l);
	for (uint32_t n = 0; n < 64; n++)
		out[n] = read_register(l, n << 4);
	out[STATE_ESR_PENDING] = __atomic_load_n(&l->esr_pending, __ATOMIC_RELAXED);
	*tsc_deadline = l->tsc_deadline;
}

static bool is_vector_bits(uint32_t offset)
{
	return offset >= APIC_ISR && offset < APIC_ESR;
}

/* What a register can hold of any value. */
static uint32_t sanitized(const struct vlapic *l, uint32_t offset, uint32_t value)
{
	switch (offset) {
	case APIC_ISR:
	case APIC_IRR:
	case APIC_TMR: return value & 0xffff0000u; /* no vectors below 16 */
	case APIC_PPR: return 0;                   /* computed */
	case APIC_DFR: return value | 0x0fffffff;
	case APIC_ESR: return value & ESR_VALID;
	case APIC_ICR: return value & regs[APIC_ICR >> 4].valid & ~0x1000u;
	case APIC_ICR_HIGH: return vlapic_x2apic(l) ? value : value & 0xff000000u;
	case APIC_APR:
	case APIC_EOI:
	case APIC_SELF_IPI:
	case APIC_TIMER_CURRENT: return 0;
	default: return is_vector_bits(offset) ? value : value & regs[offset >> 4].valid;
	}
}

void vlapic_set_state(struct vlapic *l, const uint32_t in[64], uint64_t tsc_deadline)
{
	vlapic_timer_stop(l);
	for (uint32_t n = 0; n < 64; n++) {
		uint32_t offset = n << 4;

		if (!regs[n].how || offset == APIC_ID || offset == APIC_VERSION ||
		    (offset == APIC_LDR && vlapic_x2apic(l)))
			continue;
		vlapic_reg_set(l, offset, sanitized(l, offset, in[n]));
	}
	write_svr(l, vlapic_reg(l, APIC_SVR));
	__atomic_store_n(&l->esr_pending, in[STATE_ESR_PENDING] & ESR_VALID, __ATOMIC_SEQ_CST);
	__atomic_store_n(&l->irr_pending, 0xff, __ATOMIC_SEQ_CST);
	vlapic_isr_changed(l);
	vlapic_timer_restore(l, in[APIC_TIMER_CURRENT >> 4], tsc_deadline);
}
