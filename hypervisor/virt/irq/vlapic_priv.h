/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared by the vlapic_*.c files only: register offsets, bits, and the functions between the parts.
 */
#pragma once

#include "lib/bits.h"
#include "lib/errno.h"
#include "virt/irq/vlapic.h"

/* Offsets in the register page (SDM 3A, "Local APIC Register Address Map"). */
enum {
	APIC_ID = 0x020,
	APIC_VERSION = 0x030,
	APIC_TPR = 0x080,
	APIC_APR = 0x090,
	APIC_PPR = 0x0a0,
	APIC_EOI = 0x0b0,
	APIC_RRD = 0x0c0,
	APIC_LDR = 0x0d0,
	APIC_DFR = 0x0e0,
	APIC_SVR = 0x0f0,
	APIC_ISR = 0x100,
	APIC_TMR = 0x180,
	APIC_IRR = 0x200,
	APIC_ESR = 0x280,
	APIC_ICR = 0x300,
	APIC_ICR_HIGH = 0x310,
	APIC_LVT_TIMER = 0x320,
	APIC_LVT_THERMAL = 0x330,
	APIC_LVT_PERF = 0x340,
	APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360,
	APIC_LVT_ERROR = 0x370,
	APIC_TIMER_INITIAL = 0x380,
	APIC_TIMER_CURRENT = 0x390,
	APIC_TIMER_DIVIDE = 0x3e0,
	APIC_SELF_IPI = 0x3f0,
};

#define APIC_VERSION_VALUE                                                     \
	0x00050014u /* integrated, 6 LVT entries, no EOI-broadcast suppression \
		     */

#define SVR_ENABLED        0x100u
#define SVR_VALID          0x3ffu
#define DFR_FLAT           0xfu
#define LVT_MASKED         0x10000u
#define LVT_VALID_TIMER    0x700ffu
#define LVT_VALID_LINT     0x1a7ffu /* less delivery status and remote IRR */
#define LVT_VALID_EVENT    0x107ffu
#define LVT_VALID_ERROR    0x100ffu
#define LVT_TIMER_MODE     0x60000u
#define LVT_TIMER_PERIODIC 0x20000u
#define LVT_TIMER_DEADLINE 0x40000u
#define LVT_MODE(lvt)      (((lvt) >> 8) & 7)
#define ESR_SEND_ILLEGAL   0x20u
#define ESR_RECV_ILLEGAL   0x40u
#define ESR_BAD_REGISTER   0x80u
#define DIVIDE_VALID       0xbu

#define VECTOR_LEGAL_MIN 16

static inline uint32_t vlapic_reg(const struct vlapic *l, uint32_t offset)
{
	return READ_ONCE(l->page[offset / 4]);
}

static inline void vlapic_reg_set(struct vlapic *l, uint32_t offset, uint32_t value)
{
	WRITE_ONCE(l->page[offset / 4], value);
}

/* Word of a 256-bit register that holds `vector`. */
static inline uint32_t *vlapic_word(const struct vlapic *l, uint32_t offset, uint8_t vector)
{
	return &l->page[(offset + vector / 32 * 0x10u) / 4];
}

static inline uint32_t vector_bit(uint8_t vector)
{
	return 1u << (vector % 32);
}

/* Whether fixed interrupts are accepted at all. Any context. */
static inline bool vlapic_accepting(const struct vlapic *l)
{
	return vlapic_enabled(l) && (vlapic_reg(l, APIC_SVR) & SVR_ENABLED);
}

/* vlapic.c */
void vlapic_post(struct vlapic *l, uint8_t vector, bool level); /* any context; no kick */
void vlapic_accept(struct vlapic *l, uint8_t vector,
		   bool level);                        /* any context; checks the vector, kicks */
void vlapic_error(struct vlapic *l, uint32_t esr_bit); /* any context */
void vlapic_update_ppr(struct vlapic *l);
void vlapic_local_deliver(struct vlapic *l, uint32_t lvt_offset); /* any context */
void vlapic_isr_changed(struct vlapic *l);

/* vlapic_route.c */
void vlapic_send_icr(struct vlapic *l, uint64_t icr);
void vlapic_self_ipi(struct vlapic *l, uint8_t vector);

/* vlapic_timer.c */
void vlapic_timer_merge(struct vlapic *l);    /* owner: acts on timer_fired */
void vlapic_timer_catch_up(struct vlapic *l); /* owner: what is due has fired, and no more */
void vlapic_timer_start(struct vlapic *l);
void vlapic_timer_stop(struct vlapic *l);
void vlapic_timer_set_lvt(struct vlapic *l, uint32_t lvt);
void vlapic_timer_set_divide(struct vlapic *l, uint32_t value);
uint32_t vlapic_timer_current(struct vlapic *l);
void vlapic_timer_set_tsc_deadline(struct vlapic *l, uint64_t tsc);
void vlapic_timer_restore(struct vlapic *l, uint32_t current, uint64_t tsc_deadline);
