// SPDX-License-Identifier: GPL-2.0-or-later
// Binds the backend that this machine has.
#include "virt/virt.h"

#include "virt/svm/setup.h"
#include "virt/vcpu_traced.h"

static const struct virt_ops *const backends[] = { &svm_ops };

const struct virt_ops *virt;

bool virt_init(const char **why)
{
	for (unsigned i = 0; i < ARRAY_SIZE(backends); i++) {
		if (!backends[i]->probe(why))
			continue;
		if (backends[i]->init() < 0) {
			*why = "no memory for virtualization";
			return false;
		}
		virt = backends[i];
		return true;
	}
	return false;
}

void virt_set_tracing(bool on)
{
	vcpu_trace_posts(on);
	virt->set_tracing(on);
}

void virt_init_cpu(void)
{
	if (virt)
		virt->enable_cpu();
}
