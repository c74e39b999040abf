// SPDX-License-Identifier: GPL-2.0-or-later
// The table of keys: where each may stand, how its value is checked and set, and what
// docs/vm-config.md says of it.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bits.h"
#include "mgmt/lib/cpu_list.h"
#include "mgmt/lib/vm_config_impl.h"

#define MEMORY_MIN    (1ull << 20)
#define MEMORY_MAX    (1ull << 40)
#define DISK_SIZE_MIN (1ull << 20)
#define DISK_SIZE_MAX (1ull << 40)

int set_string(struct parser *p, char **to, const char *value)
{
	char *copy = strdup(value);

	if (!copy) {
		p->status = -ENOMEM;
		return -ENOMEM;
	}
	free(*to);
	*to = copy;
	return 0;
}

static int set_path(struct parser *p, char **to, const char *value)
{
	if (value[0] != '/' || strlen(value) > 255)
		return -EINVAL;
	return set_string(p, to, value);
}

/* Digits, optionally 0x, and with `suffix` one of K M G T. */
static int parse_number(const char *s, bool suffix, uint64_t min, uint64_t max, uint64_t *out)
{
	static const char letters[] = "KMGT";
	unsigned long long v;
	char *end;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	errno = 0;
	v = strtoull(s, &end, strncasecmp(s, "0x", 2) ? 10 : 16);
	if (errno)
		return -EINVAL;
	if (suffix && *end) {
		const char *letter = strchr(letters, *end & ~0x20);
		unsigned shift;

		if (!letter || !*letter)
			return -EINVAL;
		shift = 10 * (unsigned)(letter - letters + 1);
		if (v > UINT64_MAX >> shift)
			return -EINVAL;
		v <<= shift;
		end++;
	}
	if (*end || v < min || v > max)
		return -EINVAL;
	*out = v;
	return 0;
}

static int parse_u32(const char *s, bool suffix, uint32_t min, uint32_t max, uint32_t *out)
{
	uint64_t v;
	int ret = parse_number(s, suffix, min, max, &v);

	if (!ret)
		*out = (uint32_t)v;
	return ret;
}

static int set_vcpus(struct parser *p, const char *value)
{
	return parse_u32(value, false, 1, VM_MAX_VCPUS, &p->config->vcpus);
}

static int set_weight(struct parser *p, const char *value)
{
	return parse_u32(value, false, 1, SCHED_WEIGHT_MAX, &p->config->weight);
}

static int set_cap(struct parser *p, const char *value)
{
	return parse_u32(value, false, 1, CPU_SET_BITS * 100, &p->config->cap);
}

static int set_pool(struct parser *p, const char *value)
{
	return parse_u32(value, false, 0, CPU_POOLS - 1, &p->config->pool);
}

static int set_cpus(struct parser *p, const char *value)
{
	p->config->dedicated = !strcmp(value, "dedicated");
	if (!p->config->dedicated)
		return cpu_list_parse(value, p->config->cpus);
	memset(p->config->cpus, 0, sizeof(p->config->cpus));
	return 0;
}

static int set_memory(struct parser *p, const char *value)
{
	uint64_t v;
	int ret = parse_number(value, true, MEMORY_MIN, MEMORY_MAX, &v);

	if (ret || v % MEMORY_MIN)
		return -EINVAL;
	p->config->memory = v;
	return 0;
}

static int set_kernel(struct parser *p, const char *value)
{
	return set_path(p, &p->config->kernel, value);
}

static int set_initrd(struct parser *p, const char *value)
{
	return set_path(p, &p->config->initrd, value);
}

static int parse_yes(const char *value, bool *yes)
{
	*yes = !strcmp(value, "yes");
	return *yes || !strcmp(value, "no") ? 0 : -EINVAL;
}

static int set_autostart(struct parser *p, const char *value)
{
	return parse_yes(value, &p->config->autostart);
}

static int set_reboot(struct parser *p, const char *value)
{
	if (!strcmp(value, "restart"))
		p->config->reboot = VM_REBOOT_RESTART;
	else if (!strcmp(value, "stop"))
		p->config->reboot = VM_REBOOT_STOP;
	else
		return -EINVAL;
	return 0;
}

/* Sets, or with a value there already (a continuation line) appends after one space. */
static int append_cmdline(struct parser *p, char **cmdline, const char *value)
{
	size_t old = *cmdline && !p->replace ? strlen(*cmdline) : 0, more = strlen(value);
	char *joined;

	if (old + more + 1 > VM_CONFIG_CMDLINE_MAX)
		return -EINVAL;
	joined = malloc(old + more + 2);
	if (!joined) {
		p->status = -ENOMEM;
		return -ENOMEM;
	}
	if (old) {
		memcpy(joined, *cmdline, old);
		joined[old++] = ' ';
	}
	memcpy(joined + old, value, more + 1);
	free(*cmdline);
	*cmdline = joined;
	return 0;
}

static int set_cmdline(struct parser *p, const char *value)
{
	return append_cmdline(p, &p->config->cmdline, value);
}

static int set_module_file(struct parser *p, const char *value)
{
	return set_path(p, &p->config->modules[p->index].file, value);
}

static int set_module_cmdline(struct parser *p, const char *value)
{
	return append_cmdline(p, &p->config->modules[p->index].cmdline, value);
}

static int set_scrollback(struct parser *p, const char *value)
{
	return parse_u32(value, true, SCROLLBACK_MIN, SCROLLBACK_MAX,
			 &p->config->consoles[p->index].scrollback);
}

static int set_disk_file(struct parser *p, const char *value)
{
	return set_path(p, &p->config->disks[p->index].file, value);
}

static int set_disk_size(struct parser *p, const char *value)
{
	uint64_t v;
	int ret = parse_number(value, true, DISK_SIZE_MIN, DISK_SIZE_MAX, &v);

	if (ret || v % DISK_SIZE_MIN)
		return -EINVAL;
	p->config->disks[p->index].size = v;
	return 0;
}

static int set_disk_readonly(struct parser *p, const char *value)
{
	return parse_yes(value, &p->config->disks[p->index].readonly);
}

static int set_fw_name(struct parser *p, const char *value)
{
	if (strncmp(value, "opt/", 4) || strlen(value) > 55)
		return -EINVAL;
	return set_string(p, &p->config->fw_files[p->index].name, value);
}

static int set_fw_file(struct parser *p, const char *value)
{
	return set_path(p, &p->config->fw_files[p->index].file, value);
}

static int set_debug_exit_port(struct parser *p, const char *value)
{
	uint32_t port;
	int ret = parse_u32(value, false, 0x80, 0xffff, &port);

	if (!ret)
		p->config->debug_exit_port = (uint16_t)port;
	return ret;
}

#define STR2(x) #x
#define STR(x)  STR2(x)

#define EXPECT_PATH    "a path that starts with /"
#define EXPECT_CMDLINE "a line of at most " STR(VM_CONFIG_CMDLINE_MAX) " characters"

static const struct key_row key_rows[] = {
	{ SECTION_VM, "kernel", set_kernel, EXPECT_PATH, false, "must be given",
	  "the guest's kernel, a file of the boot archive: a Linux bzImage, an ELF file with a PVH "
	  "note (Linux' vmlinux), or a multiboot program" },
	{ SECTION_VM, "initrd", set_initrd, EXPECT_PATH, false, "none",
	  "the initial RAM disk; for multiboot the first module" },
	{ SECTION_VM, "cmdline", set_cmdline, EXPECT_CMDLINE, true, "empty",
	  "the kernel's command line; may go on in indented lines, which are joined by spaces" },
	{ SECTION_VM, "vcpus", set_vcpus, "a number from 1 to 64", false, "1",
	  "number of virtual CPUs" },
	{ SECTION_VM, "memory", set_memory, "a size that is a multiple of 1M, such as 256M or 2G",
	  false, "128M", "guest memory" },
	{ SECTION_VM, "autostart", set_autostart, "yes or no", false, "no",
	  "start the VM when the host has started" },
	{ SECTION_VM, "reboot", set_reboot, "restart or stop", false, "restart",
	  "what a reset by the guest does" },
	{ SECTION_VM, "weight", set_weight, "a number from 1 to 10000", false, "100",
	  "share of CPU time against other VMs, divided among those of its vCPUs that want to "
	  "run" },
	{ SECTION_VM, "cap", set_cap, "a number from 1 to 25600", false, "no limit",
	  "percent of one CPU that its vCPUs get together at most: 150 is one CPU and a half" },
	{ SECTION_VM, "pool", set_pool, "a number from 0 to 15", false, "0",
	  "the CPU pool that it runs in; pools from 1 on are set up by /etc/strata.conf: [pool 1], "
	  "cpus = 2-3, whole cores without CPU 0's" },
	{ SECTION_VM, "cpus", set_cpus, "dedicated, or numbers below 256 such as 2,4-7", false,
	  "all of the pool",
	  "the CPUs of its pool that it keeps to; dedicated: each vCPU has a CPU to itself, by "
	  "whole cores, where nothing else runs and no timer ticks" },
	{ SECTION_MODULE, "file", set_module_file, EXPECT_PATH, false, "must be given",
	  "a file of the boot archive; modules need a multiboot or PVH kernel" },
	{ SECTION_MODULE, "cmdline", set_module_cmdline, EXPECT_CMDLINE, true, "empty",
	  "the module's own command line" },
	{ SECTION_CONSOLE, "scrollback", set_scrollback, "a size from 64K to 4M", false, "64K",
	  "how much of its output is kept for those who attach later" },
	{ SECTION_DISK, "file", set_disk_file, EXPECT_PATH, false, "zeros",
	  "the contents, a file of the boot archive; what the guest writes is kept in memory until "
	  "the VM ends, the file stays as it is" },
	{ SECTION_DISK, "size", set_disk_size,
	  "a size that is a multiple of 1M, such as 256M or 2G", false, "the file's",
	  "size of the disk; behind the file it is zeros. Memory is taken as the guest uses it" },
	{ SECTION_DISK, "readonly", set_disk_readonly, "yes or no", false, "no", "writes fail" },
	{ SECTION_FW_CFG, "name", set_fw_name,
	  "a name that starts with opt/, of at most 55 characters", false, "must be given",
	  "the name that the guest finds it by" },
	{ SECTION_FW_CFG, "file", set_fw_file, EXPECT_PATH, false, "must be given",
	  "a file of the boot archive" },
	{ SECTION_DEBUG_EXIT, "port", set_debug_exit_port, "a port from 0x80 to 0xffff", false,
	  "0xf4", "a write of 1, 2 or 4 bytes there stops the VM with the value as exit code" },
};
_Static_assert(ARRAY_SIZE(key_rows) <= 32, "keys_seen has a bit for each");

static const struct section_row {
	const char *name;
	unsigned count; /* 0: [name]; else [name N] with N below it */
	const char *meaning;
} section_rows[SECTION_COUNT] = {
	[SECTION_VM] = { "vm", 0, "The VM itself." },
	[SECTION_MODULE] = { "module", VM_CONFIG_MODULES_MAX,
			     "A file that the kernel gets beside the initrd." },
	[SECTION_CONSOLE] = { "console", VM_CONFIG_CONSOLES_MAX,
			      "A serial port, COM1 to COM4. COM1 is there without it; `vm console` "
			      "attaches to it." },
	[SECTION_DISK] = { "disk", VM_CONFIG_DISKS_MAX,
			   "A virtio block device in memory; needs `file`, `size`, or both. "
			   "Numbers "
			   "start at 0, without a gap." },
	[SECTION_FW_CFG] = { "fw-cfg", VM_CONFIG_FW_FILES_MAX,
			     "A file that the guest reads through fw_cfg." },
	[SECTION_DEBUG_EXIT] = { "debug-exit", 0, "A port that ends a test guest." },
};
enum section_kind section_lookup(const char *name, unsigned *index)
{
	for (int kind = SECTION_NONE + 1; kind < SECTION_COUNT; kind++) {
		const struct section_row *row = &section_rows[kind];
		size_t len = strlen(row->name);

		if (strncmp(name, row->name, len))
			continue;
		*index = 0;
		if (row->count == 0 && name[len] == '\0')
			return (enum section_kind)kind;
		if (row->count && name[len] == ' ' &&
		    !parse_u32(name + len + 1, false, 0, row->count - 1, index))
			return (enum section_kind)kind;
	}
	return SECTION_NONE;
}

const struct key_row *key_lookup(enum section_kind section, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(key_rows); i++) {
		if (key_rows[i].section == section && !strcmp(key_rows[i].name, name))
			return &key_rows[i];
	}
	return NULL;
}

uint32_t key_bit(const struct key_row *row)
{
	return (uint32_t)BIT(row - key_rows);
}

static void doc_section(enum section_kind kind)
{
	const struct section_row *section = &section_rows[kind];

	if (section->count)
		printf("\n## `[%s N]`, N from 0 to %u\n", section->name, section->count - 1);
	else
		printf("\n## `[%s]`\n", section->name);
	printf("%s\n\n| key | expected | without it | meaning |\n|---|---|---|---|\n",
	       section->meaning);
	for (size_t i = 0; i < ARRAY_SIZE(key_rows); i++) {
		const struct key_row *key = &key_rows[i];

		if (key->section == kind)
			printf("| `%s` | %s | %s | %s |\n", key->name, key->expected,
			       key->otherwise, key->meaning);
	}
}

void vm_config_doc(void)
{
	printf("# VM configuration\n\n"
	       "One file a VM, `/vms/NAME.conf` of the boot archive; NAME has at most %d letters, "
	       "digits, `-`, `_` and `.`. Written by `make docs` from the table that\n"
	       "reads it (`mgmt/lib/vm_config_keys.c`). Lines are `[section]`, `key = value` or "
	       "`# comment`; sizes take K, M, G, T. A mistake stops the start with one line that\n"
	       "names file, line, key and what was expected.\n",
	       STRATA_NAME_MAX - 1);
	for (int kind = SECTION_NONE + 1; kind < SECTION_COUNT; kind++)
		doc_section((enum section_kind)kind);
}
