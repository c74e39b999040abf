// SPDX-License-Identifier: GPL-2.0-or-later
// stamp [--first] COMMAND ...: runs a command and says how long it took, start and end of the
// process included, and how much memory it had at most: `stamp: NS ns, KIB KiB anonymous, status
// N`. The anonymous part is read from /proc while the command runs, each time it prints a line.
// --first: it is killed when it has printed a line; how long that took.

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static unsigned long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (unsigned long long)ts.tv_sec * 1000000000ull + (unsigned long long)ts.tv_nsec;
}

static unsigned long anonymous(pid_t pid)
{
	unsigned long kib = 0;
	char path[64], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "RssAnon: %lu", &kib) == 1)
			break;
	}
	if (f)
		fclose(f);
	return kib;
}

static pid_t start(char **argv, int out)
{
	pid_t pid = fork();

	if (pid == 0) {
		dup2(out, 1);
		close(out);
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	return pid;
}

int main(int argc, char **argv)
{
	unsigned long long begin = now_ns(), end = 0;
	bool first = argc > 1 && !strcmp(argv[1], "--first");
	unsigned long kib = 0, more;
	char line[4096];
	int pipe_fds[2], status;
	FILE *in;
	pid_t pid;

	argv += 1 + first;
	if (!*argv || pipe(pipe_fds) || (pid = start(argv, pipe_fds[1])) < 0)
		return 2;
	close(pipe_fds[1]);
	in = fdopen(pipe_fds[0], "r");
	while (in && fgets(line, sizeof(line), in)) {
		if (!end)
			end = now_ns();
		fputs(line, stdout);
		fflush(stdout);
		more = anonymous(pid);
		kib = more > kib ? more : kib;
		if (first)
			kill(pid, SIGKILL);
	}
	waitpid(pid, &status, 0);
	if (!first || !end)
		end = now_ns();
	printf("stamp: %llu ns, %lu KiB anonymous, status %d\n", end - begin, kib,
	       WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
	return 0;
}
