// SPDX-License-Identifier: GPL-2.0-or-later
// vmm NAME [FILE [KEY=VALUE ...]]: runs one VM as /vms/NAME.conf (or FILE; -: none) says, and the
// settings behind it, until it stops. The exit status is
// 0 when it stopped, 1 when it failed; why, init learns by the channel. Without a channel (started
// by hand, or as the first process) COM1's output goes to stdout at the end, and the exit status is
// the guest's exit code.

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/control.h"

/* How long watchers of a console may take to fetch its last lines. */
#define FLUSH_TRIES   50
#define FLUSH_WAIT_NS 10000000

static struct vm vm;
static struct vm_config config;
static struct control control;

static void on_running(struct vm *v)
{
	control_note(&control, "runs %s with %u vCPUs and %llu MiB", v->config->kernel,
		     v->config->vcpus, (unsigned long long)(v->config->memory >> 20));
	control_say(&control, "running", "", 0);
	control_runs(&control);
}

static void flush_consoles(void)
{
	static const struct timespec pause = { 0, FLUSH_WAIT_NS };
	bool all = false;

	for (unsigned tries = 0; !all && tries < FLUSH_TRIES; tries++) {
		if (tries)
			nanosleep(&pause, NULL);
		all = true;
		for (unsigned i = 0; i < VM_CONFIG_CONSOLES_MAX; i++)
			all &= !vm.consoles[i].ring || console_flush(&vm.consoles[i]);
	}
}

static int run(const char *name, const char *path, char *const *settings, size_t n)
{
	char error[VM_CONFIG_ERROR_MAX];
	bool failed, alone;

	control_init(&control, &vm);
	alone = control.watch.fd < 0;
	if (vm_config_read_with(&config, name, strcmp(path, "-") ? path : NULL, settings, n,
				error)) {
		control_say(&control, "failed", error, 0);
		return 1;
	}
	if (vm_init(&vm, &config, path) == 0) {
		vm.on_running = on_running;
		control_start(&control);
		control_offer_log(&control);
		vm_run(&vm);
		flush_consoles();
	}
	failed = vm.end == MACHINE_FAIL;
	if (alone && vm.consoles[0].ring)
		console_dump(&vm.consoles[0], STDOUT_FILENO);
	vm_destroy(&vm);
	control_say(&control, failed ? "failed" : "stopped", vm.reason, vm.exit_code);
	vm_config_free(&config);
	return alone && !failed ? vm.exit_code & 0xff : failed;
}

int main(int argc, char **argv)
{
	char path[256];

	if (argc == 2 && !strcmp(argv[1], "--doc")) {
		vm_config_doc();
		return 0;
	}
	if (argc < 2 || strlen(argv[1]) >= STRATA_NAME_MAX) {
		fprintf(stderr, "usage: vmm NAME [FILE [KEY=VALUE ...]]\n");
		return 2;
	}
	/* One arena: threads hardly allocate, and an arena each would only cost address space. */
	mallopt(M_ARENA_MAX, 1);
	snprintf(path, sizeof(path), "/vms/%s.conf", argv[1]);
	return run(argv[1], argc > 2 ? argv[2] : path, argv + 3, argc > 3 ? (size_t)(argc - 3) : 0);
}
