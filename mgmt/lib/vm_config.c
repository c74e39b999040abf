// SPDX-License-Identifier: GPL-2.0-or-later
// libinih splits lines into section, key and value; a table says for each key where it may stand
// and how its value is checked. inih names no line numbers and no empty sections, so the reader
// that hands it the lines counts them and enters each section by its header line.

#include "mgmt/lib/vm_config.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/bits.h"
#include "mgmt/lib/cpu_list.h"

#define LINE_MAX_BYTES 4096
#define FILE_MAX_BYTES (64 * 1024)
#define SECTION_MAX    50 /* inih cuts longer section names */

#define MEMORY_MIN     (1ull << 20)
#define MEMORY_MAX     (1ull << 40)
#define SCROLLBACK_MIN (64u << 10)
#define SCROLLBACK_MAX (4u << 20)
#define DISK_SIZE_MIN  (1ull << 20)
#define DISK_SIZE_MAX  (1ull << 40)

enum section_kind {
	SECTION_NONE,
	SECTION_VM,
	SECTION_MODULE,
	SECTION_CONSOLE,
	SECTION_DISK,
	SECTION_FW_CFG,
	SECTION_DEBUG_EXIT,
	SECTION_COUNT
};

struct parser {
	struct vm_config *config;
	const char *path;
	char *error;
	int status; /* 0 or the first failure */
	const char *pos, *end;
	unsigned line;
	bool indented;             /* this line */
	char section[SECTION_MAX]; /* as its header line says */
	enum section_kind kind;
	unsigned index;                        /* N of [kind N] */
	uint32_t keys_seen;                    /* bits of key_rows, of this section */
	uint32_t sections_seen[SECTION_COUNT]; /* bit N: [kind N] was there */
	const struct key_row *last_key;        /* for continuation lines */
	unsigned last_key_line;
	char *const *settings; /* over what the file says */
	size_t nr_settings;
	bool replace; /* a value does not go behind the one that is there */
};

struct key_row {
	enum section_kind section;
	const char *name;
	int (*set)(struct parser *p, const char *value); /* 0, or -EINVAL: not what was expected */
	const char *expected;
	bool continues;        /* the value may go on in indented lines */
	const char *otherwise; /* docs: what holds without it */
	const char *meaning;   /* docs */
};

static int fail(struct parser *p, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct parser *p, unsigned line, const char *format, ...)
{
	va_list args;
	int n;

	if (p->status)
		return p->status;
	p->status = -EINVAL;
	n = snprintf(p->error, VM_CONFIG_ERROR_MAX, "%s:%u: ", p->path, line);
	if (n < 0 || n >= VM_CONFIG_ERROR_MAX)
		return p->status;
	va_start(args, format);
	vsnprintf(p->error + n, (size_t)(VM_CONFIG_ERROR_MAX - n), format, args);
	va_end(args);
	/* One line of plain text, whatever bytes the file holds. */
	for (char *c = p->error; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
	return p->status;
}

static int set_string(struct parser *p, char **to, const char *value)
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

static int section_lookup(const char *name, unsigned *index)
{
	for (int kind = SECTION_NONE + 1; kind < SECTION_COUNT; kind++) {
		const struct section_row *row = &section_rows[kind];
		size_t len = strlen(row->name);

		if (strncmp(name, row->name, len))
			continue;
		*index = 0;
		if (row->count == 0 && name[len] == '\0')
			return kind;
		if (row->count && name[len] == ' ' &&
		    !parse_u32(name + len + 1, false, 0, row->count - 1, index))
			return kind;
	}
	return SECTION_NONE;
}

static void section_begin(struct parser *p)
{
	struct vm_config *c = p->config;

	if (p->kind == SECTION_CONSOLE)
		c->consoles[p->index].present = true;
	else if (p->kind == SECTION_DEBUG_EXIT)
		c->debug_exit = true;
	else if (p->kind == SECTION_MODULE && p->index >= c->nr_modules)
		c->nr_modules = p->index + 1;
	else if (p->kind == SECTION_DISK && p->index >= c->nr_disks)
		c->nr_disks = p->index + 1;
	else if (p->kind == SECTION_FW_CFG && p->index >= c->nr_fw_files)
		c->nr_fw_files = p->index + 1;
}

/* A header line: `[name]`, with nothing but a comment after it. */
static void section_header(struct parser *p, const char *line, size_t len)
{
	const char *close = memchr(line, ']', len);
	size_t n = close ? (size_t)(close - line - 1) : 0;

	if (!close || n == 0 || n >= SECTION_MAX || memchr(line, '\0', n + 1)) {
		fail(p, p->line, "[: expected [section] with a name of at most 49 characters");
		return;
	}
	memcpy(p->section, line + 1, n);
	p->section[n] = '\0';
	p->keys_seen = 0;
	p->last_key = NULL;
	p->kind = (enum section_kind)section_lookup(p->section, &p->index);
	if (p->kind == SECTION_NONE) {
		fail(p, p->line,
		     "[%s]: unknown section; expected vm, module N, console N, disk N, fw-cfg N or "
		     "debug-exit",
		     p->section);
		return;
	}
	if (p->sections_seen[p->kind] & BIT(p->index)) {
		fail(p, p->line, "[%s]: duplicate section; expected it once", p->section);
		return;
	}
	p->sections_seen[p->kind] |= (uint32_t)BIT(p->index);
	section_begin(p);
}

/* inih's fgets: hands out one line of the text, counts it, and enters sections. */
static char *read_line(char *str, int num, void *stream)
{
	struct parser *p = stream;
	const char *newline;
	size_t len;

	if (p->status || p->pos == p->end)
		return NULL;
	p->line++;
	newline = memchr(p->pos, '\n', (size_t)(p->end - p->pos));
	len = newline ? (size_t)(newline - p->pos) : (size_t)(p->end - p->pos);
	if (len + 2 > (size_t)num) {
		fail(p, p->line, "line: expected at most %d characters; use continuation lines",
		     num - 2);
		return NULL;
	}
	if (memchr(p->pos, '\0', len)) {
		fail(p, p->line, "line: expected text, found a NUL byte");
		return NULL;
	}
	memcpy(str, p->pos, len);
	str[len] = '\n';
	str[len + 1] = '\0';
	p->indented = str[0] == ' ' || str[0] == '\t';
	if (len && str[0] == '[')
		section_header(p, str, len);
	p->pos += len + (newline ? 1 : 0);
	return p->status ? NULL : str;
}

static const struct key_row *key_lookup(enum section_kind section, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(key_rows); i++) {
		if (key_rows[i].section == section && !strcmp(key_rows[i].name, name))
			return &key_rows[i];
	}
	return NULL;
}

/* Whether this call continues the value of the line before (inih repeats the name then). */
static bool is_continuation(const struct parser *p, const struct key_row *row)
{
	return row->continues && p->indented && p->last_key == row &&
	       p->last_key_line + 1 == p->line;
}

static int key_value(void *user, const char *section, const char *name, const char *value)
{
	struct parser *p = user;
	const struct key_row *row;
	uint32_t bit;
	int ret;

	if (p->status)
		return 0;
	if (p->kind == SECTION_NONE || strcmp(section, p->section)) {
		fail(p, p->line, "%s: expected a [section] line at the left margin before it",
		     name);
		return 0;
	}
	row = key_lookup(p->kind, name);
	if (!row) {
		fail(p, p->line, "%s: unknown key in [%s]", name, section);
		return 0;
	}
	bit = (uint32_t)BIT(row - key_rows);
	if (p->keys_seen & bit && !is_continuation(p, row)) {
		fail(p, p->line, "%s: duplicate key in [%s]; expected it once", name, section);
		return 0;
	}
	p->keys_seen |= bit;
	p->last_key = row;
	p->last_key_line = p->line;
	ret = row->set(p, value);
	if (ret == -EINVAL)
		fail(p, p->line, "%s: expected %s", name, row->expected);
	return ret == 0;
}

static int require(struct parser *p, bool there, const char *section, const char *key,
		   const char *expected)
{
	if (!there)
		fail(p, p->line, "%s: missing in [%s]; expected %s", key, section, expected);
	return p->status;
}

/* What only the whole file tells. */
static void check_whole(struct parser *p)
{
	struct vm_config *c = p->config;
	char name[32];

	require(p, c->kernel, "vm", "kernel", "the path of the guest's kernel");
	for (unsigned i = 0; i < c->nr_modules; i++) {
		snprintf(name, sizeof(name), "module %u", i);
		require(p, c->modules[i].file, name, "file", "the path of the module");
	}
	for (unsigned i = 0; i < c->nr_disks; i++) {
		snprintf(name, sizeof(name), "disk %u", i);
		require(p, c->disks[i].file || c->disks[i].size, name, "file",
			"the path of its contents, or a size");
	}
	for (unsigned i = 0; i < c->nr_fw_files; i++) {
		snprintf(name, sizeof(name), "fw-cfg %u", i);
		require(p, c->fw_files[i].name, name, "name", "the name that the guest sees");
		require(p, c->fw_files[i].file, name, "file", "the path of the file");
	}
}

/* NAME of .../NAME.conf: letters, digits, - _ and . */
static int name_from_path(struct parser *p)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	const char *base = strrchr(p->path, '/');
	size_t len;

	base = base ? base + 1 : p->path;
	len = strlen(base);
	if (len > 5 && !strcmp(base + len - 5, ".conf"))
		len -= 5;
	if (len == 0 || len >= STRATA_NAME_MAX || strspn(base, allowed) < len)
		return fail(p, 0, "name: expected a file name of at most %d letters, digits, - _ .",
			    STRATA_NAME_MAX - 1);
	memcpy(p->config->name, base, len);
	p->config->name[len] = '\0';
	return 0;
}

static void set_defaults(struct vm_config *c)
{
	memset(c, 0, sizeof(*c));
	c->vcpus = 1;
	c->weight = SCHED_WEIGHT_USUAL;
	c->memory = 128ull << 20;
	c->debug_exit_port = 0xf4;
	c->consoles[0].present = true;
	for (unsigned i = 0; i < VM_CONFIG_CONSOLES_MAX; i++)
		c->consoles[i].scrollback = SCROLLBACK_MIN;
}

/* ---- settings from elsewhere ---- */

static int refuse_setting(struct parser *p, const char *setting, const char *what)
{
	if (p->status)
		return p->status;
	p->status = -EINVAL;
	snprintf(p->error, VM_CONFIG_ERROR_MAX, "%s: %.80s: expected %s", p->config->name, setting,
		 what);
	return p->status;
}

/* "console0" is [console 0]. Enters the section as its header line would. */
static int enter_section(struct parser *p, const char *name, size_t len)
{
	size_t letters = len;

	while (letters && name[letters - 1] >= '0' && name[letters - 1] <= '9')
		letters--;
	if (len + 2 > SECTION_MAX)
		return -EINVAL;
	snprintf(p->section, sizeof(p->section), "%.*s%s%.*s", (int)letters, name,
		 letters < len ? " " : "", (int)(len - letters), name + letters);
	p->kind = (enum section_kind)section_lookup(p->section, &p->index);
	if (p->kind == SECTION_NONE)
		return -EINVAL;
	section_begin(p);
	return 0;
}

static void apply_setting(struct parser *p, const char *setting)
{
	const char *equals = strchr(setting, '='), *key = setting, *dot;
	const struct key_row *row;
	char name[SECTION_MAX];

	if (!equals) {
		refuse_setting(p, setting, "KEY=VALUE");
		return;
	}
	dot = memchr(setting, '.', (size_t)(equals - setting));
	if (enter_section(p, dot ? setting : "vm", dot ? (size_t)(dot - setting) : 2)) {
		refuse_setting(
			p, setting,
			"vm, moduleN, consoleN, diskN, fw-cfgN or debug-exit before the dot");
		return;
	}
	key = dot ? dot + 1 : setting;
	snprintf(name, sizeof(name), "%.*s", (int)(equals - key), key);
	row = key_lookup(p->kind, name);
	if (!row)
		refuse_setting(p, setting, "a key that docs/vm-config.md lists");
	else if (row->set(p, equals + 1) == -EINVAL)
		refuse_setting(p, setting, row->expected);
}

static void apply_settings(struct parser *p)
{
	p->replace = true;
	for (size_t i = 0; i < p->nr_settings && !p->status; i++)
		apply_setting(p, p->settings[i]);
}

/* ---- the whole ---- */

static void parse_text(struct parser *p)
{
	int bad_line;

	ini_use_stack = false;
	ini_max_line = LINE_MAX_BYTES;
	ini_initial_alloc = LINE_MAX_BYTES;
	bad_line = ini_parse_stream(read_line, p, key_value, p);
	if (bad_line == -2)
		p->status = -ENOMEM;
	else if (bad_line > 0)
		fail(p, (unsigned)bad_line, "line: expected [section], key = value or # comment");
}

static int parse(struct parser *p)
{
	struct vm_config *config = p->config;

	if (!p->status)
		parse_text(p);
	apply_settings(p);
	check_whole(p);
	if (!p->status && !config->cmdline)
		set_string(p, &config->cmdline, "");
	if (p->status == -ENOMEM)
		snprintf(p->error, VM_CONFIG_ERROR_MAX, "%s:0: out of memory", p->path);
	if (p->status)
		vm_config_free(config);
	return p->status;
}

int vm_config_parse(struct vm_config *config, const char *path, const char *text, size_t len,
		    char error[VM_CONFIG_ERROR_MAX])
{
	struct parser p = {
		.config = config, .path = path, .error = error, .pos = text, .end = text + len
	};

	error[0] = '\0';
	set_defaults(config);
	name_from_path(&p);
	return parse(&p);
}

/* The file's text; the caller frees it. NULL with *ret and a line in `error`. */
static char *read_text(const char *path, ssize_t *len, int *ret, char *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = malloc(FILE_MAX_BYTES + 1);
	ssize_t n = 0;

	*len = 0;
	*ret = fd < 0 ? -errno : text ? 0 : -ENOMEM;
	while (!*ret && (n = read(fd, text + *len, (size_t)(FILE_MAX_BYTES + 1 - *len))) > 0)
		*len += n;
	if (!*ret && n < 0)
		*ret = -errno;
	if (fd >= 0)
		close(fd);
	if (*ret) {
		snprintf(error, VM_CONFIG_ERROR_MAX, "%s:0: file: cannot be %s: %s", path,
			 fd < 0 ? "opened" : "read", strerror(-*ret));
	} else if (*len > FILE_MAX_BYTES) {
		*ret = -EINVAL;
		snprintf(error, VM_CONFIG_ERROR_MAX, "%s:0: file: expected at most 64K", path);
	}
	if (!*ret)
		return text;
	free(text);
	return NULL;
}

int vm_config_read(struct vm_config *config, const char *path, char error[VM_CONFIG_ERROR_MAX])
{
	ssize_t len;
	int ret;
	char *text = read_text(path, &len, &ret, error);

	memset(config, 0, sizeof(*config));
	if (text)
		ret = vm_config_parse(config, path, text, (size_t)len, error);
	free(text);
	return ret;
}

int vm_config_read_with(struct vm_config *config, const char *name, const char *path,
			char *const *settings, size_t n, char error[VM_CONFIG_ERROR_MAX])
{
	struct parser p = { .config = config,
			    .path = path ? path : name,
			    .error = error,
			    .settings = settings,
			    .nr_settings = n };
	ssize_t len = 0;
	int ret = 0;
	char *text = path ? read_text(path, &len, &ret, error) : NULL;

	memset(config, 0, sizeof(*config));
	if (ret)
		return ret;
	p.pos = text;
	p.end = text + len;
	error[0] = '\0';
	set_defaults(config);
	snprintf(config->name, sizeof(config->name), "%s", name);
	ret = parse(&p);
	free(text);
	return ret;
}

void vm_config_free(struct vm_config *config)
{
	free(config->kernel);
	free(config->initrd);
	free(config->cmdline);
	for (unsigned i = 0; i < VM_CONFIG_MODULES_MAX; i++) {
		free(config->modules[i].file);
		free(config->modules[i].cmdline);
	}
	for (unsigned i = 0; i < VM_CONFIG_DISKS_MAX; i++)
		free(config->disks[i].file);
	for (unsigned i = 0; i < VM_CONFIG_FW_FILES_MAX; i++) {
		free(config->fw_files[i].name);
		free(config->fw_files[i].file);
	}
	memset(config, 0, sizeof(*config));
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
	       "reads it (`mgmt/lib/vm_config.c`). Lines are `[section]`, `key = value` or "
	       "`# comment`; sizes take K, M, G, T. A mistake stops the start with one line that\n"
	       "names file, line, key and what was expected.\n",
	       STRATA_NAME_MAX - 1);
	for (int kind = SECTION_NONE + 1; kind < SECTION_COUNT; kind++)
		doc_section((enum section_kind)kind);
}
