// SPDX-License-Identifier: GPL-2.0-or-later
// All vCPUs' local APICs reach them by one table of functions. While tracing is on, those of its
// rows that post an event are the ones here.
#include "virt/vcpu_traced.h"

#include "cpu/time.h"

static struct vlapic_ops plain; /* [s] what is in their place else; by who switches */

void vcpu_trace(const struct vcpu *v, enum trace_kind kind, uint64_t tsc, uint64_t address,
		const char *name)
{
	struct trace_item item = {
		.tsc = tsc,
		.kind = (uint16_t)kind,
		.vm = (uint32_t)v->vm->id,
		.number = v->index,
		.address = address,
	};

	if (trace_wants(v->vm->id))
		trace_note(&item, name);
}

static void note_post(const struct vcpu *v, uint8_t vector, const char *name)
{
	vcpu_trace(v, TRACE_POST, time_tsc(), vector, name);
}

static void traced_posted(struct vcpu *v, uint8_t vector)
{
	note_post(v, vector, "interrupt");
	plain.posted(v, vector);
}

/* Its vector is not known before somebody takes it. */
static void traced_pic_raised(struct vcpu *v)
{
	note_post(v, 0, "PIC");
	plain.pic_raised(v);
}

static void traced_init(struct vcpu *v)
{
	note_post(v, 0, "INIT");
	plain.init(v);
}

static void traced_startup(struct vcpu *v, uint8_t page)
{
	note_post(v, page, "SIPI");
	plain.startup(v, page);
}

static void traced_nmi(struct vcpu *v)
{
	note_post(v, 2, "NMI");
	plain.nmi(v);
}

void vcpu_trace_posts(bool on)
{
	struct vlapic_ops *ops = &vcpu_lapic_ops;

	if (plain.posted == NULL)
		plain = *ops;
	WRITE_ONCE(ops->posted, on ? traced_posted : plain.posted);
	WRITE_ONCE(ops->pic_raised, on ? traced_pic_raised : plain.pic_raised);
	WRITE_ONCE(ops->init, on ? traced_init : plain.init);
	WRITE_ONCE(ops->startup, on ? traced_startup : plain.startup);
	WRITE_ONCE(ops->nmi, on ? traced_nmi : plain.nmi);
}
