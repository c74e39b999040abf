// SPDX-License-Identifier: GPL-2.0-or-later
// vm log: what the VM's serial port said, from the ring that its VMM shares. init hands out a
// handle of it, whether the VMM lives or not.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mgmt/lib/proto.h"
#include "mgmt/lib/vm_log.h"
#include "mgmt/shell/shell.h"

#define LINES_MAX 1000000

/* Copies the ring's valid bytes, NUL-terminated; what the VMM wrote over meanwhile is left out. */
static char *copy_ring(const struct vm_log *log, uint64_t size)
{
	uint64_t head = __atomic_load_n(&log->head, __ATOMIC_ACQUIRE);
	uint64_t from = head > size ? head - size : 0, n = head - from, now, lost = 0;
	char *text = malloc(n + 1);

	if (!text)
		return NULL;
	for (uint64_t i = 0; i < n; i++) {
		char c = (char)log->data[(from + i) % size];

		text[i] = c ? c : '?';
	}
	text[n] = '\0';
	now = __atomic_load_n(&log->head, __ATOMIC_ACQUIRE);
	if (now > size && now - size > from)
		lost = now - size - from;
	if (lost)
		memmove(text, text + (lost < n ? lost : n), n - (lost < n ? lost : n) + 1);
	return text;
}

/* NULL with a sentence in `why`. */
static char *read_log(int fd, const char **why)
{
	struct stat st;
	struct vm_log *log;
	uint64_t size;
	char *text = NULL;

	*why = "its log cannot be read";
	if (fstat(fd, &st) || (uint64_t)st.st_size <= sizeof(*log))
		return NULL;
	log = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (log == MAP_FAILED)
		return NULL;
	/* The VMM may be no friend of ours. */
	size = __atomic_load_n(&log->size, __ATOMIC_RELAXED);
	if (size && size <= (uint64_t)st.st_size - sizeof(*log)) {
		text = copy_ring(log, size);
		*why = text ? NULL : "no memory";
	}
	munmap(log, (size_t)st.st_size);
	return text;
}

/* Lines without what would drive the terminal. */
static void clean(char *line)
{
	char *to = line;

	for (; *line; line++) {
		if (*line == '\r')
			continue;
		*to++ = (unsigned char)*line < ' ' && *line != '\t' ? '?' : *line;
	}
	*to = '\0';
}

static void print_line(const struct session *s, uint64_t number, char *line)
{
	clean(line);
	if (s->json)
		shell_print_json(json_pack("{s:I,s:o}", "number", (json_int_t)number, "text",
					   proto_text(line)));
	else
		printf("%s\n", line);
}

static void print_lines(const struct session *s, char *text, uint64_t wanted)
{
	uint64_t all = 0, number = 0;

	for (char *p = text; *p; p++)
		all += *p == '\n' || !p[1];
	for (char *line = text, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (all - number++ <= wanted)
			print_line(s, number - 1, line);
	}
}

int cmd_vm_log(struct session *s, int argc, char **argv)
{
	uint64_t wanted = LINES_MAX;
	const char *why = NULL;
	json_t *reply;
	char *text;
	int fd = -1;

	if (argc == 2 && !option_number(argv[1], 1, LINES_MAX, &wanted))
		return STATUS_USAGE;
	reply = client_call_for_handle(s, "log", json_pack("{s:o}", "vm", proto_text(argv[0])),
				       &fd);
	if (!reply)
		return STATUS_FAIL;
	json_decref(reply);
	text = fd < 0 ? NULL : read_log(fd, &why);
	if (fd >= 0)
		close(fd);
	if (!text)
		return shell_fail(s, "%s: %s", argv[0], why ? why : "has no log");
	print_lines(s, text, wanted);
	free(text);
	return STATUS_OK;
}
