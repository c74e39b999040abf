// SPDX-License-Identifier: GPL-2.0-or-later
// top: two looks at the kernel's counters (top_look.c), and what happened between them. Live it
// draws the screen anew with sequences that every terminal since the VT100 knows; on a dumb one,
// before nobody, and when rounds are named, it prints.

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mgmt/lib/clock.h"
#include "mgmt/lib/proto.h"
#include "mgmt/shell/keys.h"
#include "mgmt/shell/screen.h"
#include "mgmt/shell/shell.h"
#include "mgmt/shell/top.h"

#define LIVE_MS      2000
#define BATCH_MS     1000
#define MS_MIN       100
#define MS_MAX       3600000
#define ROUNDS_MAX   1000000
#define CPU_ROWS     8 /* of the screen, at most */
#define REASONS      3 /* named in a VM's row */
#define CLEAR_SCREEN "\033[H\033[J"

/* ---- as objects ---- */

static json_t *reasons_json(const struct top_vm_rate *r)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < r->nr_reasons; i++)
		json_object_set_new(object, r->reasons[i].name, json_real(r->reasons[i].per_s));
	return object;
}

static void print_cpu_json(const struct top_cpu_rate *r)
{
	shell_print_json(json_pack("{s:s,s:i,s:f,s:f,s:f,s:f,s:f,s:f}", "kind", "cpu", "cpu",
				   (int)r->cpu, "guest_percent", r->guest, "kernel_percent",
				   r->kernel, "user_percent", r->user, "idle_percent", r->idle,
				   "exits_per_s", r->exits, "switches_per_s", r->switches));
}

static void print_vm_json(const struct top_vm_rate *r)
{
	shell_print_json(json_pack("{s:s,s:o,s:i,s:f,s:f,s:f,s:o,s:I,s:I}", "kind", "vm", "name",
				   proto_text(r->vm->name), "vcpus", (int)r->vm->vcpus,
				   "run_percent", r->run, "guest_percent", r->guest, "exits_per_s",
				   r->exits, "exits", reasons_json(r), "memory",
				   (json_int_t)r->vm->memory, "kernel_memory",
				   (json_int_t)r->vm->kernel_memory));
}

static void print_vcpu_json(const struct top_vcpu_rate *r)
{
	shell_print_json(json_pack("{s:s,s:o,s:i,s:i,s:f,s:f,s:f,s:f,s:f}", "kind", "vcpu", "name",
				   proto_text(r->vcpu->vm), "vcpu", (int)r->vcpu->vcpu, "cpu",
				   (int)r->vcpu->cpu, "run_percent", r->run, "guest_percent",
				   r->guest, "steal_percent", r->steal, "wait_percent", r->wait,
				   "exits_per_s", r->exits));
}

static void print_json(const struct top_rates *r)
{
	for (unsigned i = 0; i < r->nr_cpus; i++)
		print_cpu_json(&r->cpus[i]);
	for (unsigned i = 0; i < r->nr_vms; i++)
		print_vm_json(&r->vms[i]);
	for (unsigned i = 0; i < r->nr_vcpus; i++)
		print_vcpu_json(&r->vcpus[i]);
}

/* ---- as text: 80 columns ---- */

static void print_head(const struct top_rates *r)
{
	printf("up %" PRIu64 " s, %u CPUs, %u VMs with %u vCPUs, memory %" PRIu64
	       " MiB free of %" PRIu64 "\n",
	       r->uptime_ns / 1000000000, r->nr_cpus, r->nr_vms, r->nr_vcpus, r->free >> 20,
	       r->total >> 20);
}

static void print_cpu(const struct top_cpu_rate *r)
{
	printf("%4u %7.1f %7.1f %7.1f %7.1f %10.0f %10.0f\n", r->cpu, r->guest, r->kernel, r->user,
	       r->idle, r->exits, r->switches);
}

static void print_vm(const struct top_vm_rate *r)
{
	printf("%-20.20s %5u %6.1f %6.1f %7" PRIu64 " %9.0f ", r->vm->name, r->vm->vcpus, r->run,
	       r->guest, r->vm->memory >> 20, r->exits);
	for (unsigned i = 0; i < r->nr_reasons && i < REASONS; i++)
		printf("%s%.10s", i ? " " : "", r->reasons[i].name);
	printf("\n");
}

static void print_vcpu(const struct top_vcpu_rate *r)
{
	char name[40];

	snprintf(name, sizeof(name), "%.20s/%u", r->vcpu->vm, r->vcpu->vcpu);
	printf("%-25s %4u %7.1f %7.1f %7.1f %7.1f %10.0f\n", name, r->vcpu->cpu, r->run, r->guest,
	       r->steal, r->wait, r->exits);
}

/* How many rows of each part a screen shows; `rows` 0: all. */
struct layout {
	unsigned cpus, vms, vcpus;
};

static unsigned take(unsigned wanted, unsigned *room)
{
	unsigned n = wanted < *room ? wanted : *room;

	*room -= n;
	return n;
}

static struct layout lay_out(const struct top_rates *r, unsigned rows)
{
	/* Beside them: a line at the top, three headings with a blank line before two, two at the
	 * end. */
	unsigned room = rows > 8 ? rows - 8 : 0, cpu_room = CPU_ROWS;
	struct layout l = { r->nr_cpus, r->nr_vms, r->nr_vcpus };

	if (!rows)
		return l;
	if (cpu_room > room / 3)
		cpu_room = room / 3;
	l.cpus = take(r->nr_cpus, &cpu_room);
	room -= l.cpus;
	l.vms = take(r->nr_vms, &room);
	l.vcpus = take(r->nr_vcpus, &room);
	return l;
}

static void print_text(const struct top_rates *r, unsigned rows)
{
	struct layout l = lay_out(r, rows);

	print_head(r);
	printf(" CPU  GUEST%%  KERN.%%   USER%%   IDLE%%    EXITS/S SWITCHES/S\n");
	for (unsigned i = 0; i < l.cpus; i++)
		print_cpu(&r->cpus[i]);
	printf("\nVM                   VCPUS   RUN%% GUEST%% MEM MiB   EXITS/S MOST OF THEM\n");
	for (unsigned i = 0; i < l.vms; i++)
		print_vm(&r->vms[i]);
	printf("\nVCPU                       CPU    RUN%%  GUEST%%  STEAL%%   WAIT%%    EXITS/S\n");
	for (unsigned i = 0; i < l.vcpus; i++)
		print_vcpu(&r->vcpus[i]);
	if (l.cpus < r->nr_cpus || l.vms < r->nr_vms || l.vcpus < r->nr_vcpus)
		printf("(and %u CPUs, %u VMs, %u vCPUs)\n", r->nr_cpus - l.cpus, r->nr_vms - l.vms,
		       r->nr_vcpus - l.vcpus);
}

/* ---- the verb ---- */

/* Waits; true when a person has pressed q or Ctrl-C, or has gone while the screen was live. */
static bool quit_within(const struct session *s, int64_t ms, bool live)
{
	int64_t end = now_ms() + ms;
	bool listen = !s->no_terminal;

	for (int64_t left = ms; left > 0; left = end - now_ms()) {
		struct pollfd key = { .fd = listen ? STDIN_FILENO : -1, .events = POLLIN };
		int c;

		if (!(listen && keys_kept()) && poll(&key, 1, (int)left) <= 0)
			continue;
		c = keys_next();
		if (c == 'q' || c == 'Q' || c == KEY_INTERRUPT || (c < 0 && live))
			return true;
		listen = c >= 0;
	}
	return false;
}

static int next(struct session *s, struct top *t, bool live)
{
	int ret = top_look(t);

	if (ret < 0)
		return shell_no_answer(s, "top", ret);
	if (s->json) {
		print_json(&t->rates);
	} else {
		printf("%s", live && !screen_is_dumb() ? CLEAR_SCREEN : "");
		print_text(&t->rates, live ? screen_rows() : 0);
		printf(live ? "q ends" : "\n");
	}
	fflush(stdout);
	if (live && screen_is_dumb())
		printf("\n\n");
	return STATUS_OK;
}

static int repeat(struct session *s, struct top *t, int64_t ms, uint64_t rounds)
{
	bool live = rounds == 0;
	int status = STATUS_OK;

	for (uint64_t i = 0; status == STATUS_OK && (live || i < rounds); i++) {
		if (quit_within(s, ms, live))
			break;
		status = next(s, t, live);
	}
	if (live && status == STATUS_OK)
		printf("\n");
	return status;
}

int cmd_top(struct session *s, int argc, char **argv)
{
	uint64_t rounds = s->no_terminal || s->json;
	const char *interval = NULL;
	int64_t ms;
	struct top *t;
	int ret;

	if (option_take(&argc, argv, "--interval", &interval) < 0 || argc > 1 ||
	    (argc && !option_number(argv[0], 1, ROUNDS_MAX, &rounds)))
		return STATUS_USAGE;
	ms = rounds ? BATCH_MS : LIVE_MS;
	if (interval && (!option_seconds(interval, &ms) || ms < MS_MIN || ms > MS_MAX))
		return STATUS_USAGE;
	t = calloc(1, sizeof(*t));
	if (!t)
		return shell_fail(s, "no memory");
	ret = top_look(t);
	if (ret < 0) {
		ret = shell_no_answer(s, "top", ret);
	} else {
		fflush(stdout);
		keys_begin();
		ret = repeat(s, t, ms, rounds);
		keys_end();
	}
	free(t);
	return ret;
}
