// SPDX-License-Identifier: GPL-2.0-or-later
// config show prints what the files say; config check reads them with the VMM's own reader.

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mgmt/lib/proto.h"
#include "mgmt/shell/shell.h"
#include "mgmt/lib/vm_config.h"

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
		shell_print_json(json_pack("{s:o,s:o,s:o,s:o}", "file", shell_json_text(show->file),
					   "section", shell_json_text(section), "key",
					   shell_json_text(key), "value", shell_json_text(value)));
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

/* The VM as init knows it; the caller drops it. NULL after an error was printed. */
static json_t *get_vm(struct session *s, const char *name)
{
	json_t *reply = client_call(s, "vm", json_pack("{s:s}", "vm", name), -1);
	json_t *vm = reply ? json_incref(json_object_get(reply, "vm")) : NULL;

	json_decref(reply);
	return vm;
}

/* Where init has read the host's settings. */
static void host_conf(struct session *s, char *path, size_t room)
{
	json_t *reply = client_try(s, "host", NULL);

	snprintf(path, room, "%s", reply ? proto_string(reply, "conf", HOST_CONF) : HOST_CONF);
	json_decref(reply);
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
	vm = get_vm(s, argv[0]);
	if (!vm)
		return STATUS_FAIL;
	status = show_file(s, proto_string(vm, "file", ""));
	json_decref(vm);
	return status;
}

/* ---- check ---- */

static int report(const struct session *s, const char *file, const char *problem)
{
	if (s->json)
		shell_print_json(json_pack("{s:o,s:b,s:o}", "file", shell_json_text(file), "ok",
					   !*problem, "problem", shell_json_text(problem)));
	else if (*problem)
		printf("%s\n", problem);
	else
		printf("%s: ok\n", file);
	return *problem ? STATUS_FAIL : STATUS_OK;
}

/* The files that a configuration names must be there: the first that is not. */
static void check_files(const struct vm_config *c, const char *file, char *problem)
{
	const char *paths[2 + VM_CONFIG_MODULES_MAX + VM_CONFIG_FW_FILES_MAX];
	size_t n = 0;

	paths[n++] = c->kernel;
	if (c->initrd)
		paths[n++] = c->initrd;
	for (unsigned i = 0; i < c->nr_modules; i++)
		paths[n++] = c->modules[i].file;
	for (unsigned i = 0; i < c->nr_fw_files; i++)
		paths[n++] = c->fw_files[i].file;
	for (size_t i = 0; i < n && !*problem; i++) {
		if (access(paths[i], R_OK) != 0)
			snprintf(problem, VM_CONFIG_ERROR_MAX, "%s: %s: %s", file, paths[i],
				 strerror(errno));
	}
}

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

static int check_vm(struct session *s, const json_t *vm)
{
	return check_vm_file(s, proto_string(vm, "file", ""));
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
		status |= check_vm(s, json_object_get(reply, "vm"));
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
	vm = get_vm(s, argv[0]);
	if (!vm)
		return STATUS_FAIL;
	status = check_vm(s, vm);
	json_decref(vm);
	return status;
}
