/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration of one VM: /vms/NAME.conf, an INI file. docs/vm-config.md is the reference.
 *
 * Contract: vm_config_read fills a whole struct vm_config, or says in one line what is wrong:
 * `FILE:LINE: KEY: what was expected`. A configuration that was accepted needs no further checks of
 * its values; the files it names are opened later. No state, no locks; strings belong to the
 * struct.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/strata.h"

#define VM_CONFIG_MODULES_MAX  8
#define VM_CONFIG_CONSOLES_MAX 4
#define VM_CONFIG_FW_FILES_MAX 8
#define VM_CONFIG_DISKS_MAX    8
#define VM_CONFIG_CMDLINE_MAX  2047 /* what Linux takes */
#define VM_CONFIG_ERROR_MAX    256

enum vm_reboot {
	VM_REBOOT_RESTART,
	VM_REBOOT_STOP
};

struct vm_config_module {
	char *file;
	char *cmdline; /* NULL: none */
};

struct vm_config_console {
	bool present;
	uint32_t scrollback; /* bytes */
};

struct vm_config_disk {
	char *file;    /* NULL: zeros */
	uint64_t size; /* bytes, 0: the file's */
	bool readonly;
};

struct vm_config_fw_file {
	char *name;
	char *file;
};

struct vm_config {
	char name[STRATA_NAME_MAX]; /* from the file's name */
	uint32_t vcpus;
	uint32_t weight; /* share of CPU time, 100 is usual */
	uint32_t cap;    /* percent of one CPU, 0: none */
	uint32_t pool;
	bool dedicated;
	uint64_t cpus[CPU_SET_BITS / 64]; /* to keep to; none: all of the pool */
	uint64_t memory;                  /* bytes */
	char *kernel;
	char *initrd;  /* NULL: none */
	char *cmdline; /* never NULL */
	bool autostart;
	enum vm_reboot reboot;
	struct vm_config_module modules[VM_CONFIG_MODULES_MAX];
	unsigned nr_modules;
	struct vm_config_console consoles[VM_CONFIG_CONSOLES_MAX]; /* [0] is always present */
	struct vm_config_fw_file fw_files[VM_CONFIG_FW_FILES_MAX];
	unsigned nr_fw_files;
	struct vm_config_disk disks[VM_CONFIG_DISKS_MAX];
	unsigned nr_disks;
	bool debug_exit;
	uint16_t debug_exit_port;
};

/*
 * Read `text` (length `len`, need not end in NUL) that came from the file `path`. 0, or -EINVAL
 * with one line in `error`, or -ENOMEM. On success the caller ends with vm_config_free.
 */
int vm_config_parse(struct vm_config *config, const char *path, const char *text, size_t len,
		    char error[VM_CONFIG_ERROR_MAX]);

/* The same, reading the file `path`; an unreadable file is an error line too. */
int vm_config_read(struct vm_config *config, const char *path, char error[VM_CONFIG_ERROR_MAX]);

/*
 * The same for the VM `name`, with `n` settings that go over what the file says: `KEY=VALUE` of
 * [vm], or `SECTION.KEY=VALUE`, SECTION being a section's name with its number behind it
 * (`console0.scrollback=1M`). path NULL: settings only.
 */
int vm_config_read_with(struct vm_config *config, const char *name, const char *path,
			char *const *settings, size_t n, char error[VM_CONFIG_ERROR_MAX]);

void vm_config_free(struct vm_config *config);

/* Writes docs/vm-config.md to stdout. */
void vm_config_doc(void);
