// SPDX-License-Identifier: GPL-2.0-or-later
// The VM counts as ended when it has been started and runs no more. A script may create or start it
// later, so that only its absence without a script is an error.

#include "mgmt/init/unattended.h"

#include <stddef.h>

#include "mgmt/init/init.h"
#include "mgmt/init/requests.h"
#include "mgmt/init/vms.h"

static bool ending;

static void end(int exit_code)
{
	ending = true;
	requests_power_off(exit_code);
}

bool unattended_begin(void)
{
	const char *name = init_options.exit_vm;

	if (!name || init_options.script || vms_find(name))
		return true;
	init_log("strata.exit=%s: no such VM", name);
	end(UNATTENDED_NO_VM);
	return false;
}

/* A VM that failed must not look like one that succeeded. */
static int exit_code_of(const struct vm *vm)
{
	int code = vm->exit_code & 0xff;

	return vm->status == VM_FAILED && code == 0 ? 1 : code;
}

void unattended_check(void)
{
	const struct vm *vm = init_options.exit_vm ? vms_find(init_options.exit_vm) : NULL;

	if (ending || !vm || vm->starts == 0 || vm_is_active(vm))
		return;
	init_log("strata.exit: vm %s has ended with %d: powering off", vm->name, exit_code_of(vm));
	end(exit_code_of(vm));
}
