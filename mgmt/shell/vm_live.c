// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel makes all of a change or nothing, so one call does it.
#include "mgmt/shell/vm_live.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mgmt/lib/cpu_list.h"
#include "mgmt/lib/vm_sched.h"

bool vm_live_info(const char *name, struct vm_info *info)
{
	for (unsigned i = 0; strata_vm_info_at(i, info) >= 0; i++) {
		if (!strcmp(info->name, name))
			return true;
	}
	return false;
}

static int apply(struct session *s, const char *name, uint64_t id, const struct vm_config *c)
{
	struct sched_params p = vm_sched_params(c);
	int ret;

	ret = strata_vm_sched_id(id, &p);
	if (ret == -EBUSY)
		return shell_fail(s, "%s: pool %u has not %u CPUs free by whole cores", name,
				  c->pool, c->vcpus);
	if (ret == -EINVAL)
		return shell_fail(s, "%s: pool %u has none of these CPUs", name, c->pool);
	/* It has ended meanwhile. */
	return ret < 0 && ret != -ENOENT ? shell_fail(s, "%s: %s", name, strerror(-ret))
					 : STATUS_OK;
}

int vm_live_apply(struct session *s, const char *name, const char *file, char *const *settings,
		  size_t n)
{
	char problem[VM_CONFIG_ERROR_MAX];
	struct vm_config c;
	struct vm_info info;
	int status;

	if (!vm_live_info(name, &info))
		return STATUS_OK;
	if (vm_config_read_with(&c, name, *file ? file : NULL, settings, n, problem) < 0)
		return shell_fail(s, "%s", problem);
	status = apply(s, name, info.id, &c);
	vm_config_free(&c);
	return status;
}

void vm_live_describe(json_t *vm, const struct vm_info *info)
{
	struct sched_params p = { 0 };
	char cpus[256];

	if (strata_vm_sched_id(info->id, &p) < 0)
		return;
	cpu_list_format(cpus, sizeof(cpus), p.cpus);
	json_object_set_new(vm, "weight", json_integer(p.weight));
	json_object_set_new(vm, "cap", json_integer(p.cap));
	json_object_set_new(vm, "pool", json_integer(p.pool));
	json_object_set_new(vm, "dedicated", json_boolean(p.dedicated));
	json_object_set_new(vm, "cpus", json_string(cpus));
}
