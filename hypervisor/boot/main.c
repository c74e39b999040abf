// SPDX-License-Identifier: GPL-2.0-or-later
// The order in which the kernel comes up, one step a line. What a step needs stands before it;
// each step ends with one clear line when the machine cannot do what we need.
#include "boot/boot_info.h"
#include "boot/early_console.h"
#include "lib/fmt.h"

static void sink(void *ctx, const char *s, size_t len)
{
	(void)ctx;
	early_console_write(s, len);
}

void boot_main(struct boot_info *info)
{
	fmt_printf(sink, NULL,
		   "Strata: protocol %x, loader %x, image %llx+%llx, initrd %llx+%llx, command "
		   "line '%s'\n",
		   info->protocol, info->loader_type, (unsigned long long)info->image_base,
		   (unsigned long long)info->image_size, (unsigned long long)info->initrd_base,
		   (unsigned long long)info->initrd_size, info->cmdline);
	for (;;)
		__asm__ volatile("cli; hlt");
}
