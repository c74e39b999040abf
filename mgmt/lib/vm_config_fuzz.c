// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/lib/vm_config.c mgmt/lib/vm_config_keys.c mgmt/lib/cpu_list.c
// TEST-LIBS: -linih
// Any bytes as a VM's configuration: either a whole configuration or one line of error.

#include "mgmt/lib/vm_config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[VM_CONFIG_ERROR_MAX];
	struct vm_config c;
	int ret = vm_config_parse(&c, "/vms/fuzz.conf", (const char *)data, size, error);

	if (ret == 0) {
		if (!c.kernel || !c.cmdline || c.vcpus == 0 || c.memory == 0 || error[0])
			abort();
		vm_config_free(&c);
	} else if (strncmp(error, "/vms/fuzz.conf:", 15) || strchr(error, '\n')) {
		abort();
	}
	return 0;
}
