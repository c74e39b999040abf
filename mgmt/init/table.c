// SPDX-License-Identifier: GPL-2.0-or-later
// The list of VMs, sorted by name: what the archive holds, and what was created since. Each is an
// object of its own, so that others may point to it while the list changes.

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "mgmt/init/forward.h"
#include "mgmt/init/init.h"
#include "mgmt/init/requests.h"
#include "mgmt/init/vms.h"

static struct vm *table[VMS_MAX];
static size_t count;

static int refuse(int error, char *why, size_t room, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int refuse(int error, char *why, size_t room, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, room, fmt, ap);
	va_end(ap);
	return error;
}

size_t vms_count(void)
{
	return count;
}

struct vm *vms_at(size_t index)
{
	return index < count ? table[index] : NULL;
}

struct vm *vms_find(const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(table[i]->name, name))
			return table[i];
	}
	return NULL;
}

/* ---- making and forgetting ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct vm *const *)a)->name, (*(struct vm *const *)b)->name);
}

/* Letters, digits, '-', '_' and '.'; fits, and does not begin with '.' or '-'. */
static bool name_valid(const char *name, size_t len)
{
	if (len == 0 || len >= STRATA_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)name[i]) && !strchr(i ? "-_." : "_", name[i]))
			return false;
	}
	return true;
}

static struct vm *add(const char *name, size_t len, const char *file)
{
	struct vm *vm = count < VMS_MAX ? calloc(1, sizeof(*vm)) : NULL;

	if (!vm)
		return NULL;
	memcpy(vm->name, name, len);
	vm->process = vm->channel = vm->log_fd = -1;
	vm->file = file ? strdup(file) : NULL;
	if (file && !vm->file) {
		free(vm);
		return NULL;
	}
	table[count++] = vm;
	return vm;
}

static void take_out(const struct vm *vm)
{
	size_t at = 0;

	while (table[at] != vm)
		at++;
	memmove(table + at, table + at + 1, sizeof(*table) * (count - at - 1));
	count--;
}

static void free_vm(struct vm *vm)
{
	if (vm->log_fd >= 0)
		close(vm->log_fd);
	for (unsigned i = 0; i < vm->nr_settings; i++)
		free(vm->settings[i]);
	free(vm->file);
	free(vm);
}

int vms_create(const char *name, const char *file, const json_t *settings, char *why, size_t room)
{
	struct vm *vm;
	int ret;

	if (!name_valid(name, strlen(name)))
		return refuse(-EINVAL, why, room,
			      "%s: expected a name of at most %d letters, digits, '-', '_', '.'",
			      name, STRATA_NAME_MAX - 1);
	if (vms_find(name))
		return refuse(-EEXIST, why, room, "%s: there is one already", name);
	vm = add(name, strlen(name), file);
	if (!vm)
		return refuse(-ENOMEM, why, room, "%s: expected at most %d VMs", name, VMS_MAX);
	ret = vm_set(vm, settings, why, room);
	if (ret < 0) {
		take_out(vm);
		free_vm(vm);
		return ret;
	}
	qsort(table, count, sizeof(table[0]), by_name);
	return 0;
}

int vms_destroy(struct vm *vm, char *why, size_t room)
{
	if (vm_is_active(vm))
		return refuse(-EBUSY, why, room, "%s: %s: stop or kill it first", vm->name,
			      vm_status_name(vm->status));
	requests_vm_gone(vm);
	take_out(vm);
	free_vm(vm);
	return 0;
}

/* ---- settings ---- */

static bool is_yes(const char *value)
{
	return !strcasecmp(value, "yes") || !strcasecmp(value, "true") ||
	       !strcasecmp(value, "on") || !strcmp(value, "1");
}

static size_t key_length(const char *setting)
{
	return strcspn(setting, "=");
}

/* The place of a key among the settings; nr_settings: not there. */
static unsigned place_of(const struct vm *vm, const char *setting)
{
	size_t len = key_length(setting) + 1;
	unsigned i = 0;

	while (i < vm->nr_settings && strncmp(vm->settings[i], setting, len) != 0)
		i++;
	return i;
}

static void drop(struct vm *vm, unsigned at)
{
	free(vm->settings[at]);
	memmove(vm->settings + at, vm->settings + at + 1,
		sizeof(char *) * (vm->nr_settings - at - 1));
	vm->nr_settings--;
}

static size_t bytes_of(const struct vm *vm)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < vm->nr_settings; i++)
		bytes += strlen(vm->settings[i]);
	return bytes;
}

static int set_one(struct vm *vm, const char *setting, char *why, size_t room)
{
	unsigned at = place_of(vm, setting);
	const char *value = setting + key_length(setting);
	char *copy;

	if (*value != '=' || value == setting)
		return refuse(-EINVAL, why, room, "%s: %s: expected KEY=VALUE", vm->name, setting);
	if (at < vm->nr_settings)
		drop(vm, at);
	if (!value[1])
		return 0;
	copy = strdup(setting);
	if (!copy || vm->nr_settings == VM_SETTINGS_MAX ||
	    bytes_of(vm) + strlen(setting) > VM_SETTINGS_BYTES) {
		free(copy);
		return refuse(-E2BIG, why, room, "%s: expected at most %d settings of %d bytes",
			      vm->name, VM_SETTINGS_MAX, VM_SETTINGS_BYTES);
	}
	vm->settings[vm->nr_settings++] = copy;
	if (!strncmp(setting, "autostart=", 10))
		vm->autostart = is_yes(value + 1);
	return 0;
}

static int copy_settings(struct vm *to, const struct vm *from)
{
	to->nr_settings = 0;
	for (unsigned i = 0; i < from->nr_settings; i++) {
		char *copy = strdup(from->settings[i]);

		if (!copy)
			return -ENOMEM;
		to->settings[to->nr_settings++] = copy;
	}
	return 0;
}

static void free_settings(struct vm *vm)
{
	while (vm->nr_settings)
		free(vm->settings[--vm->nr_settings]);
}

int vm_set(struct vm *vm, const json_t *settings, char *why, size_t room)
{
	struct vm changed = *vm;
	const json_t *setting;
	size_t i;
	int ret = copy_settings(&changed, vm);

	if (ret < 0)
		refuse(ret, why, room, "%s: no memory", vm->name);
	json_array_foreach(settings, i, setting)
	{
		const char *text = json_string_value(setting);

		if (ret == 0)
			ret = set_one(&changed, text ? text : "", why, room);
	}
	if (ret < 0) {
		free_settings(&changed);
		return ret;
	}
	free_settings(vm);
	memcpy(vm->settings, changed.settings, sizeof(vm->settings));
	vm->nr_settings = changed.nr_settings;
	vm->autostart = changed.autostart;
	return 0;
}

/* ---- the archive's VMs ---- */

static int take_key(void *arg, const char *section, const char *key, const char *value)
{
	struct vm *vm = arg;

	if (!strcasecmp(section, "vm") && !strcasecmp(key, "autostart"))
		vm->autostart = is_yes(value);
	return 1;
}

static void scan_file(const char *directory, const char *file)
{
	size_t len = strlen(file);
	char path[512];
	struct vm *vm;

	if (len <= 5 || strcmp(file + len - 5, ".conf") != 0 || !name_valid(file, len - 5)) {
		init_log("%s/%s: expected NAME.conf, NAME of at most %d letters, digits, "
			 "'-', '_'",
			 directory, file, STRATA_NAME_MAX - 1);
		return;
	}
	snprintf(path, sizeof(path), "%s/%s", directory, file);
	vm = add(file, len - 5, path);
	if (!vm)
		init_log("%s: expected at most %d VMs: %s is left out", directory, VMS_MAX, file);
	else /* Errors of the file are the VMM's to report, when the VM is started. */
		ini_parse(path, take_key, vm);
}

int vms_scan(const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			scan_file(directory, entry->d_name);
	}
	closedir(dir);
	qsort(table, count, sizeof(table[0]), by_name);
	return (int)count;
}
