// SPDX-License-Identifier: GPL-2.0-or-later
// The first process: starts the VMs that want it, keeps a shell on each terminal, and serves the
// shell's requests. One thread, one poll loop; a shell that dies is started again, a VMM that dies
// takes only its VM with it.

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <ini.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mgmt/init/init.h"
#include "mgmt/init/requests.h"
#include "mgmt/init/unattended.h"
#include "mgmt/init/vms.h"
#include "mgmt/lib/cpu_list.h"
#include "mgmt/lib/strata.h"

/* A shell that ends sooner than this after its start is not restarted at once. */
#define SHELL_MIN_LIFE_S 1
#define SHELLS_MAX       5

struct init_options init_options = {
	.vmm = "/bin/vmm",
	.shell = "/bin/shell",
	.vms = "/vms",
	.conf = "/etc/strata.conf",
	.console = 1,
};

/* The shells: one on the console, one on each further terminal that there is. */
static struct shell {
	const char *terminal; /* NULL: the console, which init itself has */
	int fd;               /* the terminal; -1: there is none */
	int process, channel; /* -1: none */
	time_t started;
	size_t poll_at; /* its two places in the poll array */
} shells[SHELLS_MAX] = {
	{ .terminal = NULL },
	{ .terminal = "/dev/console1" },
	{ .terminal = "/dev/console2" },
	{ .terminal = "/dev/console3" },
	{ .terminal = "/dev/console4" },
};

static char autostart_order[512];

void init_log(const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	strata_log_write(2, line, n < (int)sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

static time_t seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static void shell_start(struct shell *sh)
{
	char *argv[] = { (char *)"shell", NULL, NULL, NULL };
	char *envp[] = { (char *)"TERM=vt100", NULL };
	struct proc_spawn args = {
		.path = (uintptr_t)init_options.shell,
		.argv = (uintptr_t)argv,
		.envp = (uintptr_t)envp,
		.flags = PROC_ADMIN,
		.nr_fds = 4,
		.name = "shell",
	};
	int32_t ends[2];
	int ret = strata_chan_create(ends, 16);

	if (ret < 0) {
		init_log("shell: no channel: %s", strerror(-ret));
		return;
	}
	if (init_options.script && !sh->terminal) {
		argv[1] = (char *)"-r";
		argv[2] = (char *)init_options.script;
		init_options.script = NULL; /* once: a shell that dies is followed by a plain one */
	}
	memcpy(args.fds, (int32_t[]){ sh->fd, sh->fd, sh->fd, ends[1] }, sizeof(int32_t) * 4);
	if (!sh->terminal)
		memcpy(args.fds, (int32_t[]){ 0, 1, 2 }, sizeof(int32_t) * 3);
	ret = strata_proc_spawn(&args);
	close(ends[1]);
	sh->started = seconds();
	if (ret < 0) {
		init_log("cannot start %s: %s", init_options.shell, strerror(-ret));
		close(ends[0]);
		return;
	}
	sh->process = ret;
	sh->channel = ends[0];
}

static void shell_ended(struct shell *sh)
{
	struct proc_info info;

	if (strata_proc_info(sh->process, &info) == 0 && info.end != PROC_EXITED)
		init_log("the shell%s%s died (signal %d at rip 0x%llx): starting another",
			 sh->terminal ? " on " : "", sh->terminal ? sh->terminal : "",
			 info.exit_code, (unsigned long long)info.fault_rip);
	requests_drop(sh->channel);
	close(sh->channel);
	close(sh->process);
	sh->process = sh->channel = -1;
}

/* Which terminals there are. */
static void shells_init(void)
{
	for (size_t i = 0; i < SHELLS_MAX; i++) {
		struct shell *sh = &shells[i];

		sh->process = sh->channel = -1;
		sh->started = -SHELL_MIN_LIFE_S;
		sh->fd = sh->terminal ? open(sh->terminal, O_RDWR | O_NOCTTY) : 0;
		if (!init_options.console)
			sh->fd = -1;
	}
}

/* Starts those that are missing; how long poll may wait at most, ms, -1: for ever. */
static int shells_keep(int timeout)
{
	for (size_t i = 0; i < SHELLS_MAX; i++) {
		struct shell *sh = &shells[i];

		if (sh->fd < 0 || sh->process >= 0)
			continue;
		if (seconds() - sh->started >= SHELL_MIN_LIFE_S)
			shell_start(sh);
		if (sh->process < 0 && (timeout < 0 || timeout > 1000))
			timeout = 1000;
	}
	return timeout;
}

static void shells_poll_add(struct pollfd *fds, size_t *n)
{
	for (size_t i = 0; i < SHELLS_MAX; i++) {
		struct shell *sh = &shells[i];

		sh->poll_at = SIZE_MAX;
		if (sh->process < 0)
			continue;
		sh->poll_at = *n;
		fds[(*n)++] = (struct pollfd){ .fd = sh->channel, .events = POLLIN };
		fds[(*n)++] = (struct pollfd){ .fd = sh->process, .events = POLLIN };
	}
}

static void shells_poll_done(const struct pollfd *fds)
{
	for (size_t i = 0; i < SHELLS_MAX; i++) {
		struct shell *sh = &shells[i];
		bool gone;

		if (sh->poll_at == SIZE_MAX)
			continue;
		gone = fds[sh->poll_at].revents && requests_take(sh->channel) < 0;
		if (fds[sh->poll_at + 1].revents || gone)
			shell_ended(sh);
	}
}

static void autostart(struct vm *vm)
{
	char why[256];

	if (!vm_is_active(vm) && !vm->starts && vm_start(vm, why, sizeof(why)) < 0)
		init_log("autostart: %s", why);
}

/* First those that [host] autostart names, in its order, then those whose own configuration says
 * so. */
static void autostart_all(void)
{
	char *save = NULL;

	for (char *name = strtok_r(autostart_order, " ,", &save); name;
	     name = strtok_r(NULL, " ,", &save)) {
		struct vm *vm = vms_find(name);

		if (vm)
			autostart(vm);
		else
			init_log("%s: autostart: no such VM: %s", init_options.conf, name);
	}
	for (size_t i = 0; i < vms_count(); i++) {
		if (vms_at(i)->autostart)
			autostart(vms_at(i));
	}
}

/* "pool N" with N from 1; 0: another section. */
static unsigned pool_of_section(const char *section)
{
	unsigned n;
	char rest;

	return sscanf(section, "pool %u%c", &n, &rest) == 1 && n < CPU_POOLS ? n : 0;
}

static int take_pool(const char *section, const char *value)
{
	struct cpu_pool pool = { .pool = pool_of_section(section) };
	int ret;

	if (cpu_list_parse(value, pool.cpus) < 0)
		return 0;
	ret = strata_pool_set(&pool);
	if (ret < 0)
		init_log("%s: [%s] cpus = %s: expected whole cores, not CPU 0's: %s",
			 init_options.conf, section, value, strerror(-ret));
	return 1;
}

static int take_host_key(void *arg, const char *section, const char *key, const char *value)
{
	(void)arg;
	if (pool_of_section(section) && !strcmp(key, "cpus"))
		return take_pool(section, value);
	if (strcmp(section, "host") != 0)
		return 0;
	if (strcmp(key, "autostart") != 0)
		return 0;
	if (strlen(value) >= sizeof(autostart_order))
		return 0;
	strcpy(autostart_order, value);
	return 1;
}

static void read_host_conf(void)
{
	int line = ini_parse(init_options.conf, take_host_key, NULL);

	if (line > 0)
		init_log("%s:%d: expected [host] with autostart = NAME ..., or [pool 1] to [pool "
			 "%d] "
			 "with cpus = NUMBERS such as 2,4-7",
			 init_options.conf, line, CPU_POOLS - 1);
}

static void serve(void)
{
	static struct pollfd fds[2 * SHELLS_MAX + 2 * VMS_MAX];
	int timeout = shells_keep(requests_timeout_ms());
	size_t n = 0;

	vms_poll_add(fds, &n);
	shells_poll_add(fds, &n);
	if (poll(fds, n, timeout) < 0 && errno != EINTR)
		init_log("poll: %s", strerror(errno));
	vms_poll_done(fds);
	shells_poll_done(fds);
	requests_check_waiters();
	unattended_check();
	requests_check_power();
}

static void parse_options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "m:s:v:c:nr:e:t:")) != -1) {
		switch (c) {
		case 'm': init_options.vmm = optarg; break;
		case 's': init_options.shell = optarg; break;
		case 'v': init_options.vms = optarg; break;
		case 'c': init_options.conf = optarg; break;
		case 'n': init_options.console = 0; break;
		case 'r': init_options.script = optarg; break;
		case 'e': init_options.exit_vm = optarg; break;
		case 't': shells[1].terminal = optarg; break;
		default: exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	bool go_on;
	int found;

	parse_options(argc, argv);
	found = vms_scan(init_options.vms);
	if (found < 0)
		init_log("%s: %s: no VMs", init_options.vms, strerror(-found));
	read_host_conf();
	go_on = unattended_begin();
	shells_init();
	shells_keep(-1);
	if (go_on)
		autostart_all();
	for (;;)
		serve();
}
