// SPDX-License-Identifier: GPL-2.0-or-later
// online N: has Linux start CPUs 1 to N - 1, which `maxcpus=1` has left off. While it waits for a
// CPU to come up Linux' kernel looks for other work without a PAUSE. An emulator whose CPUs take
// turns (QEMU's -icount) gives the turn away at PAUSE and HLT alone, so the new one would never
// come. The other work is therefore a process that pauses.

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t start_pauses(void)
{
	pid_t pid = fork();

	while (pid == 0) {
		/* Not at each turn: giving it away takes the emulator long. */
		for (volatile int i = 0; i < 300; i++)
			;
		__builtin_ia32_pause();
	}
	return pid;
}

static bool start(int cpu)
{
	char path[64];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	done = fd >= 0 && write(fd, "1", 1) == 1;
	if (!done)
		perror(path);
	if (fd >= 0)
		close(fd);
	return done;
}

int main(int argc, char **argv)
{
	int cpus = argc == 2 ? atoi(argv[1]) : 0;
	pid_t pauses;
	int failed = 0;

	if (cpus < 1) {
		fprintf(stderr, "online: expected a number of CPUs\n");
		return 2;
	}
	pauses = start_pauses();
	if (pauses < 0) {
		perror("online: fork");
		return 1;
	}
	for (int cpu = 1; cpu < cpus; cpu++)
		failed |= !start(cpu);
	kill(pauses, SIGKILL);
	waitpid(pauses, NULL, 0);
	return failed;
}
