// SPDX-License-Identifier: GPL-2.0-or-later
// vm create, set, destroy. The shell checks with the VMM's reader before init keeps anything, so
// that a mistake is told where it is typed.

#include <stdio.h>
#include <string.h>

#include "mgmt/lib/proto.h"
#include "mgmt/shell/config.h"
#include "mgmt/shell/shell.h"
#include "mgmt/shell/vm_live.h"

static json_t *strings(char *const *words, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, proto_text(words[i]));
	return array;
}

/* ---- create ---- */

static int create(struct session *s, const char *name, const char *file, char *const *settings,
		  size_t n)
{
	char problem[VM_CONFIG_ERROR_MAX];
	json_t *more;

	if (!config_usable(name, file, settings, n, problem))
		return shell_fail(s, "%s", problem);
	more = json_pack("{s:o,s:o}", "vm", proto_text(name), "settings", strings(settings, n));
	if (*file)
		json_object_set_new(more, "file", proto_text(file));
	return shell_act(s, "create", more, name);
}

/* With the file and the settings of another VM, and those given here behind them. */
static int create_like(struct session *s, const char *name, const char *like, char *const *settings,
		       size_t n)
{
	char *all[2 * VM_SETTINGS_ROOM];
	json_t *vm = client_vm(s, like);
	int status;

	if (!vm)
		return STATUS_FAIL;
	size_t had = config_settings(vm, all);
	memcpy(all + had, settings, sizeof(*all) * n);
	status = create(s, name, proto_string(vm, "file", ""), all, had + n);
	json_decref(vm);
	return status;
}

int cmd_vm_create(struct session *s, int argc, char **argv)
{
	const char *file = NULL, *like = NULL;

	if (option_take(&argc, argv, "--file", &file) < 0 ||
	    option_take(&argc, argv, "--like", &like) < 0 || argc < 1 || (file && like) ||
	    argc - 1 > VM_SETTINGS_ROOM)
		return STATUS_USAGE;
	size_t n = (size_t)(argc - 1);
	if (like)
		return create_like(s, argv[0], like, argv + 1, n);
	return create(s, argv[0], file ? file : "", argv + 1, n);
}

int cmd_vm_destroy(struct session *s, int argc, char **argv)
{
	json_t *reply =
		client_call(s, "destroy", json_pack("{s:o}", "vm", proto_text(argv[0])), -1);

	(void)argc;
	if (!reply)
		return STATUS_FAIL;
	json_decref(reply);
	if (s->json)
		shell_print_json(json_pack("{s:s}", "action", "destroyed"));
	else
		printf("%s: destroyed\n", argv[0]);
	return STATUS_OK;
}

/* ---- set ---- */

static bool same_key(const char *a, const char *b)
{
	size_t n = strcspn(a, "=") + 1;

	return !strncmp(a, b, n);
}

static bool is_removal(const char *setting)
{
	const char *equals = strchr(setting, '=');

	return equals && !equals[1];
}

/* What will hold: the old settings that stay, then the new ones. */
static size_t merge(char **out, char *const *old, size_t nr_old, char *const *new, size_t nr_new)
{
	size_t n = 0;

	for (size_t i = 0; i < nr_old; i++) {
		bool replaced = false;

		for (size_t k = 0; k < nr_new; k++)
			replaced |= same_key(new[k], old[i]);
		if (!replaced)
			out[n++] = old[i];
	}
	for (size_t k = 0; k < nr_new; k++) {
		if (!is_removal(new[k]))
			out[n++] = new[k];
	}
	return n;
}

int cmd_vm_set(struct session *s, int argc, char **argv)
{
	char *old[VM_SETTINGS_ROOM], *all[2 * VM_SETTINGS_ROOM], problem[VM_CONFIG_ERROR_MAX];
	size_t n = (size_t)(argc - 1);
	json_t *vm;
	bool good;

	if (n > VM_SETTINGS_ROOM)
		return STATUS_USAGE;
	vm = client_vm(s, argv[0]);
	if (!vm)
		return STATUS_FAIL;
	size_t all_n = merge(all, old, config_settings(vm, old), argv + 1, n);
	good = config_usable(argv[0], proto_string(vm, "file", ""), all, all_n, problem);
	if (!good || vm_live_apply(s, argv[0], proto_string(vm, "file", ""), all, all_n)) {
		json_decref(vm);
		return good ? STATUS_FAIL : shell_fail(s, "%s", problem);
	}
	json_decref(vm);
	return shell_act(s, "set",
			 json_pack("{s:s,s:o}", "vm", argv[0], "settings", strings(argv + 1, n)),
			 argv[0]);
}
