// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who gets a message: physical destinations by table, logical ones by asking each local APIC, whose
 * mode decides how it reads the address (SDM 3A, "Determining IPI Destination"). A message nobody
 * accepts is dropped and counted.
 */
#include "virt/irq/vlapic_priv.h"

#include "lib/nospec.h"

#define ICR_LOGICAL   0x800u
#define ICR_ASSERT    0x4000u
#define ICR_LEVEL     0x8000u
#define ICR_SHORTHAND 0xc0000u

enum {
	SHORTHAND_NONE,
	SHORTHAND_SELF,
	SHORTHAND_ALL,
	SHORTHAND_OTHERS
};

static struct vlapic *by_id(struct vlapic_set *set, uint32_t id)
{
	unsigned index;

	if (id >= ARRAY_SIZE(set->by_id))
		return NULL;
	id = (uint32_t)nospec_index(id, ARRAY_SIZE(set->by_id));
	index = __atomic_load_n(&set->by_id[id], __ATOMIC_ACQUIRE);
	return index ? set->apics[index - 1] : NULL;
}

static bool is_broadcast(const struct irq_msg *m)
{
	return m->dest == (m->wide ? 0xffffffffu : 0xffu);
}

static bool match_logical_xapic(const struct vlapic *l, uint32_t dest)
{
	uint32_t ldr = vlapic_reg(l, APIC_LDR) >> 24;

	if (dest > 0xff)
		return false;
	if (vlapic_reg(l, APIC_DFR) >> 28 == DFR_FLAT)
		return ldr & dest;
	return ldr >> 4 == dest >> 4 && (ldr & dest & 0xf);
}

static bool match_logical(const struct vlapic *l, uint32_t dest)
{
	uint32_t ldr;

	if (!vlapic_x2apic(l))
		return match_logical_xapic(l, dest);
	ldr = vlapic_reg(l, APIC_LDR);
	return ldr >> 16 == dest >> 16 && (ldr & dest & 0xffff);
}

static bool matches(const struct vlapic *l, const struct irq_msg *m)
{
	if (is_broadcast(m))
		return true;
	return m->logical ? match_logical(l, m->dest) : l->id == m->dest;
}

/* One local APIC takes the message, or not. */
static bool accept(struct vlapic *l, const struct irq_msg *m)
{
	const struct vlapic_ops *ops = l->set->ops;

	switch (m->mode) {
	case IRQ_FIXED:
	case IRQ_LOWEST:
		if (!vlapic_accepting(l))
			return false;
		vlapic_accept(l, m->vector, m->level);
		return true;
	case IRQ_NMI: ops->nmi(l->vcpu); return true;
	case IRQ_INIT: ops->init(l->vcpu); return true;
	case IRQ_STARTUP: ops->startup(l->vcpu, m->vector); return true;
	default: return false; /* there is no SMI; ExtINT is the PIC's */
	}
}

/* In turn among those who would take it. */
static unsigned deliver_lowest(struct vlapic_set *set, const struct irq_msg *m)
{
	uint32_t nr = __atomic_load_n(&set->nr, __ATOMIC_ACQUIRE);
	uint32_t start = __atomic_fetch_add(&set->rotor, 1, __ATOMIC_RELAXED);

	for (uint32_t i = 0; i < nr; i++) {
		struct vlapic *l = set->apics[(start + i) % nr];

		if (matches(l, m) && accept(l, m))
			return 1;
	}
	return 0;
}

/* `except` is left out, NULL: nobody. */
static unsigned deliver_all(struct vlapic_set *set, const struct irq_msg *m,
			    const struct vlapic *except)
{
	uint32_t nr = __atomic_load_n(&set->nr, __ATOMIC_ACQUIRE);
	unsigned count = 0;

	for (uint32_t i = 0; i < nr; i++) {
		struct vlapic *l = set->apics[i];

		if (l != except && matches(l, m))
			count += accept(l, m);
	}
	return count;
}

static unsigned deliver_physical(struct vlapic_set *set, const struct irq_msg *m)
{
	struct vlapic *l = by_id(set, m->dest);

	return l ? accept(l, m) : 0;
}

static unsigned count_dropped(struct vlapic_set *set, unsigned accepted)
{
	if (!accepted)
		__atomic_fetch_add(&set->nr_dropped, 1, __ATOMIC_RELAXED);
	return accepted;
}

unsigned vlapic_deliver(struct vlapic_set *set, const struct irq_msg *m)
{
	unsigned count;

	if (m->mode == IRQ_LOWEST)
		count = deliver_lowest(set, m);
	else if (!m->logical && !is_broadcast(m))
		count = deliver_physical(set, m);
	else
		count = deliver_all(set, m, NULL);
	return count_dropped(set, count);
}

static bool icr_legal(struct vlapic *l, const struct irq_msg *m)
{
	if ((m->mode != IRQ_FIXED && m->mode != IRQ_LOWEST) || m->vector >= VECTOR_LEGAL_MIN)
		return true;
	vlapic_error(l, ESR_SEND_ILLEGAL);
	return false;
}

static struct irq_msg icr_message(uint64_t icr)
{
	/* The trigger mode of an ICR counts for INIT alone; all else is edge-triggered. */
	return (struct irq_msg){ .vector = (uint8_t)icr,
				 .mode = BITS_GET(icr, 10, 8),
				 .logical = icr & ICR_LOGICAL };
}

/* To those that a shorthand names. */
static void send_shorthand(struct vlapic *l, struct irq_msg *m, unsigned shorthand)
{
	m->dest = 0xffffffff;
	m->wide = true;
	if (shorthand == SHORTHAND_SELF)
		count_dropped(l->set, accept(l, m));
	else
		count_dropped(l->set,
			      deliver_all(l->set, m, shorthand == SHORTHAND_OTHERS ? l : NULL));
}

void vlapic_send_icr(struct vlapic *l, uint64_t icr)
{
	struct irq_msg m = icr_message(icr);
	unsigned shorthand = BITS_GET(icr, 19, 18);

	if (m.mode == IRQ_INIT && (icr & ICR_LEVEL) && !(icr & ICR_ASSERT))
		return; /* INIT level de-assert: no effect since the Pentium 4 */
	if (!icr_legal(l, &m))
		return;
	if (shorthand != SHORTHAND_NONE) {
		send_shorthand(l, &m, shorthand);
		return;
	}
	m.wide = vlapic_x2apic(l);
	m.dest = m.wide ? (uint32_t)(icr >> 32) : (uint32_t)(icr >> 56);
	vlapic_deliver(l->set, &m);
}

void vlapic_self_ipi(struct vlapic *l, uint8_t vector)
{
	if (vector < VECTOR_LEGAL_MIN)
		vlapic_error(l, ESR_SEND_ILLEGAL);
	else if (vlapic_accepting(l))
		vlapic_accept(l, vector, false);
}

#define ICR_TO_SELF (1u << 18)
/* What does not matter for a fixed interrupt with that shorthand. */
#define ICR_ANY (0xffu | ICR_LOGICAL | ICR_ASSERT | ICR_LEVEL)

static inline bool is_to_self(const struct vlapic *l, uint64_t icr)
{
	return ((uint32_t)icr & ~ICR_ANY) == ICR_TO_SELF && (uint8_t)icr >= VECTOR_LEGAL_MIN &&
	       vlapic_x2apic(l) && vlapic_accepting(l);
}

bool vlapic_is_to_self(const struct vlapic *l, uint64_t icr)
{
	return is_to_self(l, icr);
}

bool vlapic_icr_to_self(struct vlapic *l, uint64_t icr)
{
	if (!is_to_self(l, icr))
		return false;
	vlapic_reg_set(l, APIC_ICR, (uint32_t)icr);
	vlapic_reg_set(l, APIC_ICR_HIGH, (uint32_t)(icr >> 32));
	return true;
}

int64_t vlapic_pv_ipi(struct vlapic *l, uint64_t low, uint64_t high, uint32_t min, uint64_t icr)
{
	struct irq_msg m = icr_message(icr);
	uint64_t maps[2] = { low, high };
	int64_t count = 0;

	if ((icr & (ICR_LOGICAL | ICR_SHORTHAND)) || (m.mode != IRQ_FIXED && m.mode != IRQ_NMI))
		return -EINVAL;
	if (!icr_legal(l, &m))
		return -EINVAL;
	m.wide = true;
	for (unsigned i = 0; i < 2; i++) {
		unsigned bit;

		for_each_bit (bit, maps[i]) {
			uint64_t id = (uint64_t)min + i * 64 + bit;
			struct vlapic *to = id <= 0xff ? by_id(l->set, (uint32_t)id) : NULL;

			count += to && accept(to, &m);
		}
	}
	return count;
}

void vlapic_pic_raised(struct vlapic_set *set)
{
	uint32_t nr = __atomic_load_n(&set->nr, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < nr; i++)
		if (vlapic_accepts_pic(set->apics[i]))
			set->ops->pic_raised(set->apics[i]->vcpu);
}
