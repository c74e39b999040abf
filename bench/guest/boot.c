// SPDX-License-Identifier: GPL-2.0-or-later
// The first process of the boot workload: says what the time stamp counter is, and ends the machine
// by the port that test guests have (0xf4), so that nothing but the boot is measured. With
// bench_end=reboot on the kernel's command line, a real machine, it reboots.

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <unistd.h>
#include <x86intrin.h>

#define EXIT_PORT 0xf4

int main(void)
{
	unsigned long long tsc = __rdtsc();
	const char *end = getenv("bench_end");

	mount("dev", "/dev", "devtmpfs", 0, NULL);
	dup2(open("/dev/console", O_WRONLY), 1);
	printf("boot: tsc %llu\n", tsc);
	fflush(stdout);
	if (end && !strcmp(end, "reboot"))
		reboot(RB_AUTOBOOT);
	/* By the kernel: a bitmap of ports in a TSS is not what every emulator gets right. */
	if (pwrite(open("/dev/port", O_WRONLY), "", 1, EXIT_PORT) != 1)
		perror("boot: /dev/port");
	reboot(RB_POWER_OFF);
	return 1;
}
