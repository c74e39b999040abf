// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The core of the local APIC: IRR, ISR, priorities, EOI, reset. Others post by setting an IRR bit
 * and then that word's bit in irr_pending; the owner clears that before it looks at the word once
 * more, so a bit that it overlooks has its flag set again. Registers are in vlapic_regs.c,
 * destinations in vlapic_route.c, the timer in vlapic_timer.c.
 */
#include "virt/irq/vlapic_priv.h"

#include "lib/string.h"

/* Word `n` of IRR was found empty. A bit that comes meanwhile has its flag set again, here or by
 * who posted it. */
static void irr_word_empty(struct vlapic *l, unsigned n)
{
	__atomic_fetch_and(&l->irr_pending, ~(1u << n), __ATOMIC_SEQ_CST);
	if (unlikely(__atomic_load_n(&l->page[(APIC_IRR + n * 0x10) / 4], __ATOMIC_SEQ_CST)))
		__atomic_fetch_or(&l->irr_pending, 1u << n, __ATOMIC_SEQ_CST);
}

static int highest_irr(struct vlapic *l)
{
	uint32_t words;

	while ((words = __atomic_load_n(&l->irr_pending, __ATOMIC_ACQUIRE)) != 0) {
		unsigned n = bit_highest(words);
		uint32_t bits = vlapic_reg(l, APIC_IRR + n * 0x10);

		if (likely(bits))
			return (int)(n * 32 + bit_highest(bits));
		irr_word_empty(l, n);
	}
	return -1;
}

static int highest_isr(const struct vlapic *l)
{
	unsigned word;

	if (!l->isr_words)
		return -1;
	word = bit_highest(l->isr_words);
	return (int)(word * 32 + bit_highest(vlapic_reg(l, APIC_ISR + word * 0x10)));
}

/* SDM 3A, "Task and Processor Priorities". */
void vlapic_update_ppr(struct vlapic *l)
{
	uint32_t tpr = vlapic_reg(l, APIC_TPR), old = vlapic_reg(l, APIC_PPR);
	int isr = highest_isr(l);

	if (isr >= 0 && ((uint32_t)isr & 0xf0) > (tpr & 0xf0))
		tpr = (uint32_t)isr & 0xf0;
	vlapic_reg_set(l, APIC_PPR, tpr);
	/* What waited may be due now: a run loop that looks only when it is told is told. */
	if (tpr < old && __atomic_load_n(&l->irr_pending, __ATOMIC_RELAXED))
		l->set->ops->kick(l->vcpu);
}

/* Recomputes what hangs on ISR after it was set as a whole. */
void vlapic_isr_changed(struct vlapic *l)
{
	l->isr_words = 0;
	for (unsigned word = 0; word < 8; word++)
		if (vlapic_reg(l, APIC_ISR + word * 0x10))
			l->isr_words |= (uint8_t)(1u << word);
	vlapic_update_ppr(l);
}

static __always_inline void set_irr(struct vlapic *l, uint8_t vector)
{
	uint32_t word = 1u << (vector / 32);

	__atomic_fetch_or(vlapic_word(l, APIC_IRR, vector), vector_bit(vector), __ATOMIC_SEQ_CST);
	/* The read spares the line its write. It is ordered after the bit by the locked instruction
	 * above. */
	if (!(__atomic_load_n(&l->irr_pending, __ATOMIC_SEQ_CST) & word))
		__atomic_fetch_or(&l->irr_pending, word, __ATOMIC_SEQ_CST);
}

static __always_inline void set_tmr(struct vlapic *l, uint8_t vector, bool level)
{
	uint32_t bit = vector_bit(vector);
	uint32_t *tmr = vlapic_word(l, APIC_TMR, vector);

	if (level)
		__atomic_fetch_or(tmr, bit, __ATOMIC_SEQ_CST);
	else if (__atomic_load_n(tmr, __ATOMIC_RELAXED) & bit)
		__atomic_fetch_and(tmr, ~bit, __ATOMIC_SEQ_CST);
}

static __always_inline void post(struct vlapic *l, uint8_t vector, bool level)
{
	set_tmr(l, vector, level);
	set_irr(l, vector);
}

void vlapic_post(struct vlapic *l, uint8_t vector, bool level)
{
	post(l, vector, level);
}

void vlapic_post_self(struct vlapic *l, uint8_t vector)
{
	vlapic_post(l, vector, false);
}

bool vlapic_claim(struct vlapic *l, uint8_t vector)
{
	if (vlapic_irr_any(l) || (vector & 0xf0u) <= (vlapic_reg(l, APIC_PPR) & 0xf0))
		return false;
	set_tmr(l, vector, false);
	return true;
}

void vlapic_accept(struct vlapic *l, uint8_t vector, bool level)
{
	if (vector < VECTOR_LEGAL_MIN) {
		vlapic_error(l, ESR_RECV_ILLEGAL);
		return;
	}
	post(l, vector, level);
	l->set->ops->posted(l->vcpu, vector);
}

void vlapic_error(struct vlapic *l, uint32_t esr_bit)
{
	uint32_t old = __atomic_fetch_or(&l->esr_pending, esr_bit, __ATOMIC_SEQ_CST);
	uint32_t lvt = vlapic_reg(l, APIC_LVT_ERROR);

	if ((old & esr_bit) || (lvt & LVT_MASKED) || !vlapic_enabled(l))
		return;
	if ((lvt & 0xff) < VECTOR_LEGAL_MIN)
		return;
	vlapic_post(l, (uint8_t)lvt, false);
	l->set->ops->posted(l->vcpu, (uint8_t)lvt);
}

void vlapic_local_deliver(struct vlapic *l, uint32_t lvt_offset)
{
	uint32_t lvt = vlapic_reg(l, lvt_offset);

	if ((lvt & LVT_MASKED) || !vlapic_enabled(l))
		return;
	switch (LVT_MODE(lvt)) {
	case IRQ_FIXED: vlapic_accept(l, (uint8_t)lvt, false); break;
	case IRQ_NMI: l->set->ops->nmi(l->vcpu); break;
	default:
		break; /* ExtINT asks the PIC for its vector; SMI and INIT on a pin do nothing here
			*/
	}
}

int vlapic_look(struct vlapic *l)
{
	int vector;

	if (__atomic_load_n(&l->timer_fired, __ATOMIC_ACQUIRE))
		vlapic_timer_merge(l);
	vector = highest_irr(l);
	if (vector < 0 || !vlapic_enabled(l))
		return -1;
	if (((uint32_t)vector & 0xf0) <= (vlapic_reg(l, APIC_PPR) & 0xf0))
		return -1;
	return vector;
}

void vlapic_take(struct vlapic *l, uint8_t vector)
{
	if (!__atomic_and_fetch(vlapic_word(l, APIC_IRR, vector), ~vector_bit(vector),
				__ATOMIC_SEQ_CST))
		irr_word_empty(l, vector / 32);
}

void vlapic_put_back(struct vlapic *l, uint8_t vector)
{
	set_irr(l, vector);
}

/* Of a higher class than whatever is in service already: that needs no look. */
void vlapic_in_service(struct vlapic *l, uint8_t vector)
{
	uint32_t *isr = vlapic_word(l, APIC_ISR, vector);
	uint32_t tpr = vlapic_reg(l, APIC_TPR), class = vector & 0xf0u;

	WRITE_ONCE(*isr, *isr | vector_bit(vector));
	l->isr_words |= (uint8_t)(1u << (vector / 32));
	vlapic_reg_set(l, APIC_PPR, class > (tpr & 0xf0) ? class : tpr);
}

void vlapic_ack(struct vlapic *l, uint8_t vector)
{
	vlapic_take(l, vector);
	vlapic_in_service(l, vector);
}

void vlapic_eoi(struct vlapic *l)
{
	uint32_t *isr, bits, bit;
	unsigned n;

	if (!l->isr_words)
		return;
	n = bit_highest(l->isr_words);
	isr = &l->page[(APIC_ISR + n * 0x10) / 4];
	bit = bit_highest(*isr);
	bits = *isr & ~(1u << bit);
	WRITE_ONCE(*isr, bits);
	if (!bits)
		l->isr_words &= (uint8_t) ~(1u << n);
	vlapic_update_ppr(l);
	if (unlikely(vlapic_reg(l, APIC_TMR + n * 0x10) & (1u << bit)))
		l->set->ops->eoi(l->vcpu, (uint8_t)(n * 32 + bit));
}

bool vlapic_pv_eoi_allowed(struct vlapic *l)
{
	int vector = highest_isr(l);

	if (vector < 0 || highest_irr(l) >= 0)
		return false;
	if (READ_ONCE(*vlapic_word(l, APIC_TMR, (uint8_t)vector)) & vector_bit((uint8_t)vector))
		return false;
	/* A second one in service would be deliverable work behind it once the EOI is done. */
	return is_pow2(l->isr_words) && is_pow2(*vlapic_word(l, APIC_ISR, (uint8_t)vector));
}

uint8_t vlapic_get_cr8(const struct vlapic *l)
{
	return (uint8_t)(vlapic_reg(l, APIC_TPR) >> 4);
}

void vlapic_set_cr8(struct vlapic *l, uint8_t cr8)
{
	vlapic_reg_set(l, APIC_TPR, (uint32_t)(cr8 & 0xf) << 4);
	vlapic_update_ppr(l);
}

void vlapic_lint(struct vlapic *l, unsigned pin)
{
	vlapic_local_deliver(l, pin ? APIC_LVT_LINT1 : APIC_LVT_LINT0);
}

bool vlapic_accepts_pic(const struct vlapic *l)
{
	uint32_t lvt = vlapic_reg(l, APIC_LVT_LINT0);

	if (!vlapic_enabled(l))
		return l->is_bsp;
	return !(lvt & LVT_MASKED) && LVT_MODE(lvt) == IRQ_EXTINT;
}

static void reset_registers(struct vlapic *l)
{
	static const uint32_t lvts[] = { APIC_LVT_TIMER, APIC_LVT_THERMAL, APIC_LVT_PERF,
					 APIC_LVT_LINT0, APIC_LVT_LINT1,   APIC_LVT_ERROR };

	for (uint32_t offset = 0; offset < 0x400; offset += 0x10)
		vlapic_reg_set(l, offset, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(lvts); i++)
		vlapic_reg_set(l, lvts[i], LVT_MASKED);
	/* The boot processor starts as firmware leaves it: LINT0 passes the PIC through. */
	if (l->is_bsp)
		vlapic_reg_set(l, APIC_LVT_LINT0, IRQ_EXTINT << 8);
	vlapic_reg_set(l, APIC_VERSION, APIC_VERSION_VALUE);
	vlapic_reg_set(l, APIC_SVR, 0xff);
	vlapic_reg_set(l, APIC_DFR, 0xffffffff);
}

static uint32_t x2apic_ldr(uint32_t id)
{
	return (id >> 4) << 16 | 1u << (id & 0xf);
}

/* ID and LDR have another form in each mode. */
static void set_mode(struct vlapic *l, uint64_t base)
{
	bool x2apic = base & APIC_BASE_X2APIC;

	vlapic_reg_set(l, APIC_ID, x2apic ? l->id : l->id << 24);
	if (x2apic)
		vlapic_reg_set(l, APIC_LDR, x2apic_ldr(l->id));
	WRITE_ONCE(l->base, base);
}

void vlapic_reset(struct vlapic *l, bool init)
{
	uint64_t base = l->base;

	vlapic_timer_stop(l);
	l->due = 0;
	__atomic_store_n(&l->timer_fired, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&l->esr_pending, 0, __ATOMIC_SEQ_CST);
	reset_registers(l);
	if (!init)
		base = VLAPIC_BASE_DEFAULT | APIC_BASE_ENABLED | (l->is_bsp ? APIC_BASE_BSP : 0);
	set_mode(l, base);
	vlapic_isr_changed(l);
}

uint64_t vlapic_get_base(const struct vlapic *l)
{
	return l->base;
}

#define BASE_MODE  (APIC_BASE_ENABLED | APIC_BASE_X2APIC)
#define BASE_VALID (BITS(51, 12) | BASE_MODE | APIC_BASE_BSP)

/*
 * SDM 3A, "x2APIC State Transitions":
 *	from \ to   disabled   xAPIC   x2APIC
 *	disabled    ok         ok      #GP
 *	xAPIC       reset      ok      ok
 *	x2APIC      reset      #GP     ok
 */
static bool transition_allowed(uint64_t from, uint64_t to)
{
	switch (to & BASE_MODE) {
	case 0: return true;
	case APIC_BASE_ENABLED: return !(from & APIC_BASE_X2APIC);
	case BASE_MODE: return from & APIC_BASE_ENABLED;
	default: return false; /* x2APIC without enable does not exist */
	}
}

int vlapic_set_base(struct vlapic *l, uint64_t value)
{
	uint64_t old = l->base;

	if ((value & ~BASE_VALID) || !transition_allowed(old, value))
		return -EINVAL;
	value = (value & ~APIC_BASE_BSP) | (l->is_bsp ? APIC_BASE_BSP : 0);
	if ((old & APIC_BASE_ENABLED) && !(value & APIC_BASE_ENABLED)) {
		WRITE_ONCE(l->base, value);
		vlapic_reset(l, true);
		return 0;
	}
	if (!(old & APIC_BASE_X2APIC) && (value & APIC_BASE_X2APIC))
		vlapic_reg_set(l, APIC_ICR_HIGH, 0);
	if ((old ^ value) & BASE_MODE)
		set_mode(l, value);
	else
		WRITE_ONCE(l->base, value);
	return 0;
}

int vlapic_restore_base(struct vlapic *l, uint64_t value)
{
	if ((value & ~BASE_VALID) || (value & BASE_MODE) == APIC_BASE_X2APIC)
		return -EINVAL;
	set_mode(l, (value & ~APIC_BASE_BSP) | (l->is_bsp ? APIC_BASE_BSP : 0));
	return 0;
}

void vlapic_set_init(struct vlapic_set *set, const struct vlapic_ops *ops)
{
	memset(set, 0, sizeof(*set));
	set->ops = ops;
}

int vlapic_init(struct vlapic *l, struct vlapic_set *set, struct vcpu *vcpu, uint32_t id,
		bool is_bsp, uint32_t *page)
{
	uint32_t index = set->nr;

	if (id >= 255)
		return -EINVAL;
	if (set->by_id[id])
		return -EEXIST;
	if (index >= VM_MAX_VCPUS)
		return -ENOSPC;
	*l = (struct vlapic){ .page = page,
			      .set = set,
			      .vcpu = vcpu,
			      .id = id,
			      .is_bsp = is_bsp,
			      .deadline = VLAPIC_NO_DEADLINE };
	vlapic_reset(l, false);
	set->apics[index] = l;
	__atomic_store_n(&set->by_id[id], (uint8_t)(index + 1), __ATOMIC_RELEASE);
	__atomic_store_n(&set->nr, index + 1, __ATOMIC_RELEASE);
	return 0;
}
