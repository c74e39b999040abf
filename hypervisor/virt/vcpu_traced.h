/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a vCPU leaves in the trace (cpu/tracing.h). Contract as there; for the traced twins of the
 * functions that know nothing of tracing.
 */
#pragma once

#include "cpu/tracing.h"
#include "virt/vcpu.h"

/* What began at `tsc` and is over now, if this VM is wanted. Fit for the fast context. */
void vcpu_trace(const struct vcpu *v, enum trace_kind kind, uint64_t tsc, uint64_t address,
		const char *name);

/* Whether events that are posted to vCPUs go into the trace. Any context; one caller at a time. */
void vcpu_trace_posts(bool on);
