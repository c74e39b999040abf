/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VMs that init knows: one for each /vms/NAME.conf and those that were created since, with the
 * VMM process that runs it, if any.
 *
 * Contract: init is one thread; nothing here waits. A VM is `starting` from the spawn of its VMM
 * until that says "running"; `stopping` after a stop request; `stopped` or `failed` with a reason
 * once its VMM process has ended. The process' end decides: a VMM that dies without a word is
 * `failed`.
 */
#pragma once

#include <jansson.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/strata.h"

#define VMS_MAX           256
#define VM_NOTES          8
#define VM_NOTE_MAX       120
#define VM_SETTINGS_MAX   16
#define VM_SETTINGS_BYTES 1024 /* together: they travel in one message */

enum vm_status {
	VM_STOPPED,
	VM_STARTING,
	VM_RUNNING,
	VM_PAUSED,
	VM_STOPPING,
	VM_FAILED,
	VM_STATUS_COUNT
};

struct vm {
	char name[STRATA_NAME_MAX];
	enum vm_status status;
	bool autostart;
	int process;   /* handle, -1 when none */
	int channel;   /* to the VMM, -1 when none */
	bool said_end; /* the VMM has told why it ends */
	enum vm_status end_status;
	int exit_code;
	char reason[256];
	uint64_t started_ns; /* CLOCK_MONOTONIC */
	uint64_t ran_ns;     /* the last run from start to end; 0: none, or it is not over */
	unsigned starts;
	char *file;                      /* NULL: none, the settings are all there is */
	char *settings[VM_SETTINGS_MAX]; /* KEY=VALUE, over what the file says; for the next start
					  */
	unsigned nr_settings;
	int log_fd;                        /* what COM1 said, in a memory object; -1: none yet */
	char notes[VM_NOTES][VM_NOTE_MAX]; /* what happened last, a ring */
	unsigned nr_notes;
	int poll_channel, poll_process; /* places in the poll array */
};

const char *vm_status_name(enum vm_status status);
/* VM_STATUS_COUNT: no such name. */
enum vm_status vm_status_parse(const char *name);

/* Reads the directory of configurations; names that are no VM names are logged and skipped. Number
 * found, or -errno. */
int vms_scan(const char *directory);

/*
 * A new VM that stays until it is destroyed or the host restarts; file may be NULL. 0, or -errno
 * with a sentence in `why`.
 */
int vms_create(const char *name, const char *file, const json_t *settings, char *why, size_t room);
/* Forgets a VM that does not run, and frees it. */
int vms_destroy(struct vm *vm, char *why, size_t room);
/* An array of KEY=VALUE; an empty VALUE takes the setting back. All or none. */
int vm_set(struct vm *vm, const json_t *settings, char *why, size_t room);

size_t vms_count(void);
struct vm *vms_at(size_t index);
struct vm *vms_find(const char *name); /* NULL: unknown */
bool vm_is_active(const struct vm *vm);

/* 0, or -errno with a sentence in `why`. */
int vm_start(struct vm *vm, char *why, size_t room);
int vm_kill(struct vm *vm, char *why, size_t room);
/* Sends a message to the VMM and drops it; the handle is moved on success. */
int vm_tell(struct vm *vm, json_t *message, int handle, char *why, size_t room);
/* A line for `vm show`. */
void vm_note(struct vm *vm, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Poll entries of all active VMs, appended at *n; handled after poll. True when a status changed.
 */
void vms_poll_add(struct pollfd *fds, size_t *n);
bool vms_poll_done(const struct pollfd *fds);

json_t *vm_to_json(const struct vm *vm);
/* Adds notes and settings, which a list has no room for. */
void vm_add_details(const struct vm *vm, json_t *object);
