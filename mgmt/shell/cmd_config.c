// SPDX-License-Identifier: GPL-2.0-or-later
// config show prints what the files say; config check reads them with the VMM's own reader.

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mgmt/lib/proto.h"
#include "mgmt/shell/config.h"
#include "mgmt/shell/shell.h"

#define HOST_CONF "/etc/strata.conf"

struct showing {
	const struct session *s;
	const char *file;
	char section[64]; /* printed last */
};

static void show_setting(struct showing *show, const char *section, const char *key,
			 const char *value)
{
	if (show->s->json) {
		shell_print_json(json_pack("{s:o,s:o,s:o,s:o}", "file", proto_text(show->file),
					   "section", proto_text(section), "key", proto_text(key),
					   "value", proto_text(value)));
		return;
	}
	if (strcmp(show->section, section) != 0)
		printf("[%s]\n", section);
	snprintf(show->section, sizeof(show->section), "%s", section);
	printf("%s = %s\n", key, value);
}

static int take_key(void *arg, const char *section, const char *key, const char *value)
{
	show_setting(arg, section, key, value);
	return 1;
}

static int show_file(const struct session *s, const char *path)
{
	struct showing show = { .s = s, .file = path };
	int line;

	if (!s->json)
		printf("# %s\n", path);
	line = ini_parse(path, take_key, &show);
	if (line < 0)
		return shell_fail(s, "%s: cannot be read", path);
	if (line > 0)
		return shell_fail(s, "%s:%d: line: expected [section], key = value or # comment",
				  path, line);
	return STATUS_OK;
}

/* Where init has read the host's settings. */
static void host_conf(struct session *s, char *path, size_t room)
{
	json_t *reply = client_try(s, "host", NULL);

	snprintf(path, room, "%s", reply ? proto_string(reply, "conf", HOST_CONF) : HOST_CONF);
	json_decref(reply);
}

/* What vm set and vm create have put over the file. */
static void show_settings(const struct session *s, const json_t *vm)
{
	struct showing show = { .s = s, .file = "vm set" };
	char *settings[VM_SETTINGS_ROOM], key[64];
	size_t n = config_settings(vm, settings);

	if (n && !s->json)
		printf("# vm set\n");
	for (size_t i = 0; i < n; i++) {
		const char *equals = strchr(settings[i], '=');
		const char *dot = memchr(settings[i], '.', (size_t)(equals - settings[i]));
		const char *name = dot ? dot + 1 : settings[i];
		char section[64] = "vm";

		if (dot)
			snprintf(section, sizeof(section), "%.*s", (int)(dot - settings[i]),
				 settings[i]);
		snprintf(key, sizeof(key), "%.*s", (int)(equals - name), name);
		show_setting(&show, section, key, equals + 1);
	}
}

static int show_vm(const struct session *s, const json_t *vm)
{
	const char *file = proto_string(vm, "file", "");
	int status = *file ? show_file(s, file) : STATUS_OK;

	show_settings(s, vm);
	return status;
}

int cmd_config_show(struct session *s, int argc, char **argv)
{
	char path[256];
	json_t *vm;
	int status;

	if (argc == 0) {
		host_conf(s, path, sizeof(path));
		return show_file(s, path);
	}
	vm = client_vm(s, argv[0]);
	if (!vm)
		return STATUS_FAIL;
	status = show_vm(s, vm);
	json_decref(vm);
	return status;
}

/* ---- check ---- */

static int report(const struct session *s, const char *file, const char *problem)
{
	if (s->json)
		shell_print_json(json_pack("{s:o,s:b,s:o}", "file", proto_text(file), "ok",
					   !*problem, "problem", proto_text(problem)));
	else if (*problem)
		printf("%s\n", problem);
	else
		printf("%s: ok\n", file);
	return *problem ? STATUS_FAIL : STATUS_OK;
}

/* The files that a configuration names must be there: the first that is not. */
static void check_files(const struct vm_config *c, const char *file, char *problem)
{
	const char *paths[2 + VM_CONFIG_MODULES_MAX + VM_CONFIG_FW_FILES_MAX + VM_CONFIG_DISKS_MAX];
	size_t n = 0;

	paths[n++] = c->kernel;
	if (c->initrd)
		paths[n++] = c->initrd;
	for (unsigned i = 0; i < c->nr_modules; i++)
		paths[n++] = c->modules[i].file;
	for (unsigned i = 0; i < c->nr_fw_files; i++)
		paths[n++] = c->fw_files[i].file;
	for (unsigned i = 0; i < c->nr_disks; i++) {
		if (c->disks[i].file)
			paths[n++] = c->disks[i].file;
	}
	for (size_t i = 0; i < n && !*problem; i++) {
		if (access(paths[i], R_OK) != 0)
			snprintf(problem, VM_CONFIG_ERROR_MAX, "%s: %s: %s", file, paths[i],
				 strerror(errno));
	}
}

bool config_usable(const char *name, const char *file, char *const *settings, size_t n,
		   char problem[VM_CONFIG_ERROR_MAX])
{
	struct vm_config c;

	*problem = '\0';
	if (vm_config_read_with(&c, name, *file ? file : NULL, settings, n, problem) < 0)
		return false;
	check_files(&c, *file ? file : name, problem);
	vm_config_free(&c);
	return !*problem;
}

/* A file that need not be a VM's yet: its name says what the VM would be called. */
static int check_vm_file(const struct session *s, const char *file)
{
	char problem[VM_CONFIG_ERROR_MAX] = "";
	struct vm_config c;

	if (vm_config_read(&c, file, problem) == 0) {
		check_files(&c, file, problem);
		vm_config_free(&c);
	}
	return report(s, file, problem);
}

size_t config_settings(const json_t *vm, char *settings[VM_SETTINGS_ROOM])
{
	const json_t *array = json_object_get(vm, "settings");
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(array) && n < VM_SETTINGS_ROOM; i++)
		settings[n++] = (char *)json_string_value(json_array_get(array, i));
	return n;
}

static int check_vm(struct session *s, const json_t *vm)
{
	const char *name = proto_string(vm, "name", ""), *file = proto_string(vm, "file", "");
	char problem[VM_CONFIG_ERROR_MAX], *settings[VM_SETTINGS_ROOM];

	config_usable(name, file, settings, config_settings(vm, settings), problem);
	return report(s, *file ? file : name, problem);
}

static int ignore_key(void *arg, const char *section, const char *key, const char *value)
{
	(void)arg, (void)section, (void)key, (void)value;
	return 1;
}

static int check_host(struct session *s)
{
	char problem[VM_CONFIG_ERROR_MAX] = "", file[256];
	int line;

	host_conf(s, file, sizeof(file));
	line = ini_parse(file, ignore_key, NULL);
	if (line > 0)
		snprintf(problem, sizeof(problem),
			 "%.150s:%d: line: expected [section], key = value or # comment", file,
			 line);
	/* A host without the file has defaults. */
	return report(s, file, problem);
}

static int check_all(struct session *s)
{
	int status = check_host(s);
	json_t *reply;

	for (json_int_t i = 0; (reply = client_try(s, "vm", json_pack("{s:I}", "index", i))); i++) {
		json_t *vm = client_vm(s, proto_string(json_object_get(reply, "vm"), "name", ""));

		status |= vm ? check_vm(s, vm) : STATUS_FAIL;
		json_decref(vm);
		json_decref(reply);
	}
	return status;
}

int cmd_config_check(struct session *s, int argc, char **argv)
{
	json_t *vm;
	int status;

	if (argc == 0)
		return check_all(s);
	if (argv[0][0] == '/')
		return check_vm_file(s, argv[0]);
	vm = client_vm(s, argv[0]);
	if (!vm)
		return STATUS_FAIL;
	status = check_vm(s, vm);
	json_decref(vm);
	return status;
}
