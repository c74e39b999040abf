// SPDX-License-Identifier: GPL-2.0-or-later
// The first process: starts the VMs that want it, keeps a shell on the console, and serves the
// shell's requests. One thread, one poll loop; a shell that dies is started again, a VMM that dies
// takes only its VM with it.

#include <errno.h>
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

struct init_options init_options = {
	.vmm = "/bin/vmm",
	.shell = "/bin/shell",
	.vms = "/vms",
	.conf = "/etc/strata.conf",
	.console = 1,
};

static struct {
	int process, channel; /* -1: none */
	time_t started;
} shell = { -1, -1, 0 };

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

static void shell_start(void)
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
	if (init_options.script) {
		argv[1] = (char *)"-r";
		argv[2] = (char *)init_options.script;
		init_options.script = NULL; /* once: a shell that dies is followed by a plain one */
	}
	memcpy(args.fds, (int32_t[]){ 0, 1, 2, ends[1] }, sizeof(int32_t) * 4);
	ret = strata_proc_spawn(&args);
	close(ends[1]);
	shell.started = seconds();
	if (ret < 0) {
		init_log("cannot start %s: %s", init_options.shell, strerror(-ret));
		close(ends[0]);
		return;
	}
	shell.process = ret;
	shell.channel = ends[0];
}

static void shell_ended(void)
{
	struct proc_info info;

	if (strata_proc_info(shell.process, &info) == 0 && info.end != PROC_EXITED)
		init_log("the shell died (signal %d at rip 0x%llx): starting another",
			 info.exit_code, (unsigned long long)info.fault_rip);
	requests_drop(shell.channel);
	close(shell.channel);
	close(shell.process);
	shell.process = shell.channel = -1;
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
	static struct pollfd fds[2 + 2 * VMS_MAX];
	size_t n = 0, shell_at;
	int timeout = requests_timeout_ms();

	if (init_options.console && shell.process < 0) {
		if (seconds() - shell.started >= SHELL_MIN_LIFE_S)
			shell_start();
		else if (timeout < 0 || timeout > 1000)
			timeout = 1000;
	}
	vms_poll_add(fds, &n);
	shell_at = n;
	if (shell.process >= 0) {
		fds[n++] = (struct pollfd){ .fd = shell.channel, .events = POLLIN };
		fds[n++] = (struct pollfd){ .fd = shell.process, .events = POLLIN };
	}
	if (poll(fds, n, timeout) < 0 && errno != EINTR)
		init_log("poll: %s", strerror(errno));
	vms_poll_done(fds);
	if (n > shell_at) {
		bool gone = fds[shell_at].revents && requests_take(shell.channel) < 0;

		if (fds[shell_at + 1].revents || gone)
			shell_ended();
	}
	requests_check_waiters();
	unattended_check();
	requests_check_power();
}

static void parse_options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "m:s:v:c:nr:e:")) != -1) {
		switch (c) {
		case 'm': init_options.vmm = optarg; break;
		case 's': init_options.shell = optarg; break;
		case 'v': init_options.vms = optarg; break;
		case 'c': init_options.conf = optarg; break;
		case 'n': init_options.console = 0; break;
		case 'r': init_options.script = optarg; break;
		case 'e': init_options.exit_vm = optarg; break;
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
	if (init_options.console)
		shell_start();
	if (go_on)
		autostart_all();
	for (;;)
		serve();
}
