// SPDX-License-Identifier: GPL-2.0-or-later
// TEST-WITH: mgmt/lib/vm_config.c mgmt/lib/vm_config_keys.c mgmt/lib/cpu_list.c
// TEST-LIBS: -linih
// Good files give their values, and each kind of mistake gives one line with file, line, key and
// what was expected.

#include "mgmt/lib/vm_config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/bits.h"

static int parse(struct vm_config *c, const char *text, char error[VM_CONFIG_ERROR_MAX])
{
	return vm_config_parse(c, "/vms/web-1.conf", text, strlen(text), error);
}

static void accepts_every_key(void **state)
{
	static const char text[] = "# a comment\n"
				   "[vm]\n"
				   "vcpus = 4\n"
				   "memory = 0x10M ; sixteen\n"
				   "kernel = /guests/vmlinux\n"
				   "initrd=/guests/initrd\n"
				   "cmdline = console=ttyS0 root=/dev/ram\n"
				   "   quiet\n"
				   "\tpanic=-1\n"
				   "autostart = yes\n"
				   "reboot: stop\n"
				   "weight = 250\n"
				   "cap = 150\n"
				   "pool = 3\n"
				   "cpus = 2,4-6,255\n"
				   "[module 1]\n"
				   "file = /guests/b\n"
				   "[module 0]\n"
				   "file = /guests/a\n"
				   "cmdline = x y\n"
				   "[console 2]\n"
				   "scrollback = 1M\n"
				   "[fw-cfg 0]\n"
				   "name = opt/strata/x\n"
				   "file = /guests/x\n"
				   "[disk 0]\n"
				   "file = /guests/root.img\n"
				   "size = 64M\n"
				   "readonly = yes\n"
				   "[disk 1]\n"
				   "size = 1G\n"
				   "[debug-exit]\n";
	char error[VM_CONFIG_ERROR_MAX];
	struct vm_config c;

	(void)state;
	assert_int_equal(parse(&c, text, error), 0);
	assert_string_equal(error, "");
	assert_string_equal(c.name, "web-1");
	assert_int_equal(c.vcpus, 4);
	assert_int_equal(c.memory, 16 << 20);
	assert_string_equal(c.kernel, "/guests/vmlinux");
	assert_string_equal(c.initrd, "/guests/initrd");
	assert_string_equal(c.cmdline, "console=ttyS0 root=/dev/ram quiet panic=-1");
	assert_true(c.autostart);
	assert_int_equal(c.reboot, VM_REBOOT_STOP);
	assert_int_equal(c.weight, 250);
	assert_int_equal(c.cap, 150);
	assert_int_equal(c.pool, 3);
	assert_false(c.dedicated);
	assert_int_equal(c.cpus[0], 0x74);
	assert_int_equal(c.cpus[3], 1ull << 63);
	assert_int_equal(c.nr_modules, 2);
	assert_string_equal(c.modules[0].file, "/guests/a");
	assert_string_equal(c.modules[0].cmdline, "x y");
	assert_string_equal(c.modules[1].file, "/guests/b");
	assert_null(c.modules[1].cmdline);
	assert_true(c.consoles[0].present);
	assert_false(c.consoles[1].present);
	assert_true(c.consoles[2].present);
	assert_int_equal(c.consoles[2].scrollback, 1 << 20);
	assert_int_equal(c.nr_disks, 2);
	assert_string_equal(c.disks[0].file, "/guests/root.img");
	assert_int_equal(c.disks[0].size, 64 << 20);
	assert_true(c.disks[0].readonly);
	assert_null(c.disks[1].file);
	assert_int_equal(c.disks[1].size, 1 << 30);
	assert_false(c.disks[1].readonly);
	assert_int_equal(c.nr_fw_files, 1);
	assert_string_equal(c.fw_files[0].name, "opt/strata/x");
	assert_true(c.debug_exit);
	assert_int_equal(c.debug_exit_port, 0xf4);
	vm_config_free(&c);
}

static void fills_in_defaults(void **state)
{
	char error[VM_CONFIG_ERROR_MAX];
	struct vm_config c;

	(void)state;
	assert_int_equal(parse(&c, "[vm]\nkernel=/k", error), 0);
	assert_int_equal(c.vcpus, 1);
	assert_int_equal(c.memory, 128 << 20);
	assert_int_equal(c.weight, SCHED_WEIGHT_USUAL);
	assert_int_equal(c.cap, 0);
	assert_int_equal(c.cpus[0], 0);
	assert_string_equal(c.cmdline, "");
	assert_null(c.initrd);
	assert_false(c.autostart);
	assert_false(c.debug_exit);
	assert_true(c.consoles[0].present);
	assert_int_equal(c.consoles[0].scrollback, 64 << 10);
	vm_config_free(&c);
}

static const struct {
	const char *text, *error;
} mistakes[] = {
	{ "", ":0: kernel: missing in [vm]; expected the path of the guest's kernel" },
	{ "[vm]\nkernel=k\n", ":2: kernel: expected a path that starts with /" },
	{ "[vm]\nkernel=/k\nvcpus=0\n", ":3: vcpus: expected a number from 1 to 64" },
	{ "[vm]\nkernel=/k\nvcpus=65\n", ":3: vcpus: expected a number from 1 to 64" },
	{ "[vm]\nkernel=/k\nvcpus=2x\n", ":3: vcpus: expected a number from 1 to 64" },
	{ "[vm]\nkernel=/k\nvcpus=-1\n", ":3: vcpus: expected a number from 1 to 64" },
	{ "[vm]\nkernel=/k\nvcpus=\n", ":3: vcpus: expected a number from 1 to 64" },
	{ "[vm]\nmemory=1000000\n",
	  ":2: memory: expected a size that is a multiple of 1M, such as 256M or 2G" },
	{ "[vm]\nmemory=99999999999999999999\n",
	  ":2: memory: expected a size that is a multiple of 1M, such as 256M or 2G" },
	{ "[vm]\nmemory=1T1\n",
	  ":2: memory: expected a size that is a multiple of 1M, such as 256M or 2G" },
	{ "[vm]\nmemory=18446744073709551615T\n",
	  ":2: memory: expected a size that is a multiple of 1M, such as 256M or 2G" },
	{ "[vm]\nautostart=maybe\n", ":2: autostart: expected yes or no" },
	{ "[vm]\nreboot=yes\n", ":2: reboot: expected restart or stop" },
	{ "[vm]\ncolour=2\n", ":2: colour: unknown key in [vm]" },
	{ "[vm]\nweight=10001\n", ":2: weight: expected a number from 1 to 10000" },
	{ "[vm]\ncap=0\n", ":2: cap: expected a number from 1 to 25600" },
	{ "[vm]\npool=16\n", ":2: pool: expected a number from 0 to 15" },
	{ "[vm]\ncpus=256\n", ":2: cpus: expected dedicated, or numbers below 256 such as 2,4-7" },
	{ "[vm]\ncpus=3-\n", ":2: cpus: expected dedicated, or numbers below 256 such as 2,4-7" },
	{ "[vm]\ncpus=5-4\n", ":2: cpus: expected dedicated, or numbers below 256 such as 2,4-7" },
	{ "[vm]\ncpus=1,,2\n", ":2: cpus: expected dedicated, or numbers below 256 such as 2,4-7" },
	{ "[vm]\nvcpus=2\n\nvcpus=2\n", ":4: vcpus: duplicate key in [vm]; expected it once" },
	{ "[vm]\nvcpus=2\n  3\n", ":3: vcpus: duplicate key in [vm]; expected it once" },
	{ "[vm]\ncmdline=2\ncmdline=2\n", ":3: cmdline: duplicate key in [vm]; expected it once" },
	{ "[vm]\nkernel=/k\n[vm]\n", ":3: [vm]: duplicate section; expected it once" },
	{ "[disks]\n",
	  ":1: [disks]: unknown section; expected vm, module N, console N, disk N, fw-cfg N or "
	  "debug-exit" },
	{ "[vm]\nkernel=/k\n[disk 0]\nreadonly=yes\n",
	  ":4: file: missing in [disk 0]; expected the path of its contents, or a size" },
	{ "[vm]\nkernel=/k\n[disk 1]\nsize=1M\n",
	  ":4: file: missing in [disk 0]; expected the path of its contents, or a size" },
	{ "[disk 0]\nsize=1000\n",
	  ":2: size: expected a size that is a multiple of 1M, such as 256M or 2G" },
	{ "[disk 0]\nfile=d\n", ":2: file: expected a path that starts with /" },
	{ "[disk 0]\nreadonly=1\n", ":2: readonly: expected yes or no" },
	{ "[disk 8]\n", ":1: [disk 8]: unknown section; expected vm, module N, console N, disk N, "
			"fw-cfg N or debug-exit" },
	{ "[console 4]\n", ":1: [console 4]: unknown section; expected vm, module N, console N, "
			   "disk N, fw-cfg N or debug-exit" },
	{ "[console]\n",
	  ":1: [console]: unknown section; expected vm, module N, console N, disk N, "
	  "fw-cfg N or debug-exit" },
	{ "[console 1\n", ":1: [: expected [section] with a name of at most 49 characters" },
	{ "vcpus=2\n", ":1: vcpus: expected a [section] line at the left margin before it" },
	{ " [vm]\nvcpus=2\n", ":2: vcpus: expected a [section] line at the left margin before it" },
	{ "[vm]\nkernel=/k\nwhat is this\n",
	  ":3: line: expected [section], key = value or # comment" },
	{ "[vm]\nkernel=/k\n[module 1]\nfile=/x\n",
	  ":4: file: missing in [module 0]; expected the path of the module" },
	{ "[vm]\nkernel=/k\n[fw-cfg 0]\nname=etc/x\n",
	  ":4: name: expected a name that starts with opt/, of at most 55 characters" },
	{ "[vm]\nkernel=/k\n[debug-exit]\nport=0x70\n",
	  ":4: port: expected a port from 0x80 to 0xffff" },
	{ "[vm]\nkernel=/k\n[console 0]\nscrollback=1K\n",
	  ":4: scrollback: expected a size from 64K to 4M" },
};

static void names_each_mistake(void **state)
{
	char error[VM_CONFIG_ERROR_MAX], expected[VM_CONFIG_ERROR_MAX];
	struct vm_config c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
		snprintf(expected, sizeof(expected), "/vms/web-1.conf%s", mistakes[i].error);
		assert_int_equal(parse(&c, mistakes[i].text, error), -EINVAL);
		assert_string_equal(error, expected);
	}
}

static void refuses_long_and_binary_lines(void **state)
{
	char error[VM_CONFIG_ERROR_MAX], text[8192];
	struct vm_config c;

	(void)state;
	memcpy(text, "[vm]\ncmdline=", 13);
	memset(text + 13, 'x', sizeof(text) - 14);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(parse(&c, text, error), -EINVAL);
	assert_string_equal(error, "/vms/web-1.conf:2: line: expected at most 4094 characters; use "
				   "continuation lines");
	text[13 + VM_CONFIG_CMDLINE_MAX + 1] = '\0';
	assert_int_equal(parse(&c, text, error), -EINVAL);
	assert_non_null(strstr(error, ":2: cmdline: expected a line of at most 2047"));
	assert_int_equal(vm_config_parse(&c, "/vms/a.conf", "[vm]\nk\0=1\n", 10, error), -EINVAL);
	assert_string_equal(error, "/vms/a.conf:2: line: expected text, found a NUL byte");
}

static void refuses_bad_names(void **state)
{
	static const char *const paths[] = {
		"/vms/.conf/", "/vms/a b.conf", "/vms/",
		"/vms/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.conf"
	};
	char error[VM_CONFIG_ERROR_MAX];
	struct vm_config c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		assert_int_equal(vm_config_parse(&c, paths[i], "[vm]\nkernel=/k\n", 15, error),
				 -EINVAL);
		assert_non_null(strstr(error, ":0: name: expected a file name of at most 31"));
	}
}

static void reads_files(void **state)
{
	char error[VM_CONFIG_ERROR_MAX], path[] = "/tmp/strata-XXXXXX.conf";
	static const char text[] = "[vm]\nkernel=/k\n";
	struct vm_config c;
	int fd = mkstemps(path, 5);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	assert_int_equal(vm_config_read(&c, path, error), 0);
	assert_string_equal(c.kernel, "/k");
	vm_config_free(&c);
	unlink(path);
	assert_int_equal(vm_config_read(&c, path, error), -ENOENT);
	assert_non_null(strstr(error, ":0: file: cannot be opened: "));
}

/* A file at a place of its own, as the settings go over it. */
static const char *file_with(const char *text)
{
	static const char path[] = "/tmp/strata-vm-config-test.conf";
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	return path;
}

static void settings_go_over_the_file(void **state)
{
	static char *const settings[] = { (char *)"memory=64M", (char *)"cmdline=new words",
					  (char *)"console1.scrollback=1M",
					  (char *)"debug-exit.port=0x501", (char *)"cpus=5" };
	const char *path =
		file_with("[vm]\nkernel=/k\nmemory=32M\ncmdline=old\nvcpus=3\ncpus=0-3\n");
	char error[VM_CONFIG_ERROR_MAX];
	struct vm_config c;

	(void)state;
	assert_int_equal(vm_config_read_with(&c, "web", path, settings, 5, error), 0);
	assert_int_equal(c.cpus[0], 1 << 5);
	assert_string_equal(c.name, "web");
	assert_int_equal(c.memory, 64 << 20);
	assert_int_equal(c.vcpus, 3);
	assert_string_equal(c.cmdline, "new words");
	assert_int_equal(c.consoles[1].scrollback, 1 << 20);
	assert_true(c.consoles[1].present && c.debug_exit);
	assert_int_equal(c.debug_exit_port, 0x501);
	vm_config_free(&c);
	unlink(path);
}

static void settings_do_without_a_file(void **state)
{
	static char *const settings[] = { (char *)"kernel=/k" };
	char error[VM_CONFIG_ERROR_MAX];
	struct vm_config c;

	(void)state;
	assert_int_equal(vm_config_read_with(&c, "web", NULL, settings, 1, error), 0);
	assert_string_equal(c.kernel, "/k");
	vm_config_free(&c);
	assert_int_equal(vm_config_read_with(&c, "web", NULL, NULL, 0, error), -EINVAL);
	assert_string_equal(
		error, "web:0: kernel: missing in [vm]; expected the path of the guest's kernel");
	assert_true(vm_config_read_with(&c, "web", "/no/such", settings, 1, error) < 0);
	assert_string_equal(error, "/no/such:0: file: cannot be opened: No such file or directory");
}

static void refuses_bad_settings(void **state)
{
	static const char *const bad[][2] = {
		{ "memory", "web: memory: expected KEY=VALUE" },
		{ "=1", "web: =1: expected a key that docs/vm-config.md lists" },
		{ "memory=lots", "web: memory=lots: expected a size that is a multiple of 1M, such "
				 "as 256M or 2G" },
		{ "console9.scrollback=1M", "web: console9.scrollback=1M: expected vm, moduleN, "
					    "consoleN, diskN, fw-cfgN or debug-exit before the "
					    "dot" },
		{ "a.b=c",
		  "web: a.b=c: expected vm, moduleN, consoleN, diskN, fw-cfgN or debug-exit "
		  "before the dot" },
	};
	char error[VM_CONFIG_ERROR_MAX];
	struct vm_config c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char *settings[] = { (char *)"kernel=/k", (char *)bad[i][0] };

		assert_int_equal(vm_config_read_with(&c, "web", NULL, settings, 2, error), -EINVAL);
		assert_string_equal(error, bad[i][1]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_go_over_the_file),
		cmocka_unit_test(settings_do_without_a_file),
		cmocka_unit_test(refuses_bad_settings),
		cmocka_unit_test(accepts_every_key),
		cmocka_unit_test(fills_in_defaults),
		cmocka_unit_test(names_each_mistake),
		cmocka_unit_test(refuses_long_and_binary_lines),
		cmocka_unit_test(refuses_bad_names),
		cmocka_unit_test(reads_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
