// SPDX-License-Identifier: GPL-2.0-or-later
// libinih splits lines into section, key and value; a table (vm_config_keys.c) says for each
// key where it may stand and how its value is checked. inih names no line numbers and no empty
// sections, so the reader that hands it the lines counts them and enters each section by its header
// line.

#include "mgmt/lib/vm_config_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/bits.h"

#define LINE_MAX_BYTES 4096
#define FILE_MAX_BYTES (64 * 1024)

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
	p->kind = section_lookup(p->section, &p->index);
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
	bit = key_bit(row);
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
	p->kind = section_lookup(p->section, &p->index);
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
