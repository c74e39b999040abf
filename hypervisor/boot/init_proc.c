// SPDX-License-Identifier: GPL-2.0-or-later
// The boot archive becomes the file system of ring 3, and the first process starts from it. All of
// ring 3 lives in one container, with a part of memory left over for the kernel's own needs.
#include "boot/early_console.h"
#include "boot/init.h"
#include "boot/init_words.h"
#include "boot/words.h"
#include "cpu/log.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/page.h"
#include "proc/device.h"
#include "proc/process.h"

/* What ring 3 may not have: a part of all, at least so much. */
#define KERNEL_SHARE 16
#define KERNEL_LEAST MiB(24)

static const char environment[] = "HOME=/\0PATH=/bin\0TERM=vt100";
#define NR_ENVIRONMENT 3

static bool end_with_init; /* immutable after boot */

static void add_archive(const struct boot_info *info)
{
	int64_t n;

	if (info->initrd_size == 0)
		fatal("there is no boot archive: the loader must bring strata.cpio as initrd");
	n = archive_add(phys_to_virt(info->initrd_base), info->initrd_size);
	if (n < 0)
		log_error("boot archive: damaged, read up to there: error %lld", (long long)-n);
	else
		log_info("boot archive: %lld entries, %llu KiB", (long long)n,
			 (unsigned long long)info->initrd_size / 1024);
}

static struct container *make_container(void)
{
	struct container_info root;
	uint64_t left, reserve;
	struct container *c;

	container_get_info(kernel_container, &root);
	left = root.limit - root.used;
	reserve = MAX(left / KERNEL_SHARE, KERNEL_LEAST);
	c = reserve < left ? container_create(kernel_container, "ring3", left - reserve) : NULL;
	if (c == NULL)
		fatal("not enough memory for ring 3: %llu KiB are free",
		      (unsigned long long)left / 1024);
	return c;
}

/* The three standard handles are one object; without a console there are none. */
static void open_console(struct process_args *args)
{
	struct archive_node *n;
	const struct device *d;
	struct object *o;

	if (archive_lookup(archive_root(), "/dev/console", true, &n) != 0)
		return;
	d = n->device;
	if (d->open(d, args->container, &o) != 0)
		return;
	for (unsigned int fd = 0; fd < 3; fd++)
		args->fds[fd] = o;
}

static void on_init_end(struct process *p)
{
	struct proc_info info;

	process_get_info(p, &info);
	if (info.end == PROC_EXITED)
		log_info("init (%s) has ended: exit code %d", p->exe, info.exit_code);
	else
		log_error("init (%s) was ended by signal %d", p->exe, info.exit_code);
	if (end_with_init)
		boot_end_machine(info.end == PROC_EXITED && info.exit_code == 0 ? 0 : 1);
	else
		log_error("nothing is left to run");
}

static int start(const char *cmdline, struct container *c)
{
	static struct init_words words;
	static char strings[INIT_ARGS_MAX + sizeof(environment)];
	struct process_args args = { .name = "init", .flags = PROC_ADMIN, .container = c };
	struct process *p;
	int rc = init_words_parse(cmdline, &words);

	if (rc != 0)
		return rc;
	memcpy(strings, words.args, words.args_size);
	memcpy(strings + words.args_size, environment, sizeof(environment));
	args.path = words.path;
	args.args = (struct user_args){ .strings = strings,
					.size = words.args_size + sizeof(environment),
					.nr_args = words.nr_args,
					.nr_envs = NR_ENVIRONMENT };
	open_console(&args);
	rc = process_create(&args, &p);
	object_put(args.fds[0]);
	if (rc != 0) {
		log_error("%s cannot be started: error %d", words.path, -rc);
		return rc;
	}
	p->on_end = on_init_end;
	process_start(p);
	object_put(&p->object);
	return 0;
}

void boot_start_init(const struct boot_info *info)
{
	char word[16];

	proc_init();
	add_archive(info);
	end_with_init = boot_word_str(info->cmdline, "strata.exit", word, sizeof(word)) >= 0 &&
			strcmp(word, "init") == 0;
	if (start(info->cmdline, make_container()) != 0 && end_with_init)
		boot_end_machine(2);
}
