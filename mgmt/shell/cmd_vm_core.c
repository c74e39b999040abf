// SPDX-License-Identifier: GPL-2.0-or-later
// vm dump --core: the guest's memory, shared by its VMM, and its vCPUs' registers as an ELF core
// file: in base64, which any line carries, or as it is for a program. The VM is held meanwhile, by
// the same request as vm pause.

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mgmt/lib/frame.h"
#include "mgmt/lib/proto.h"
#include "mgmt/shell/core.h"
#include "mgmt/shell/shell.h"

#define CORE_MAX     (256ull << 20)
#define PIECES_MAX   8
#define LINE_BYTES   57 /* 76 characters */
#define OBJECT_BYTES 3072
#define NOTE_STRATA  1 /* the reply to `regs`, as it is */
#define VCPUS_MAX    64

/* ---- what the VMM shares ---- */

struct shared {
	uint8_t *bytes;
	size_t size;
	struct core_piece pieces[PIECES_MAX];
	size_t nr_pieces;
	json_int_t vcpus;
};

static bool take_piece(struct shared *m, const json_t *row)
{
	struct core_piece *p = &m->pieces[m->nr_pieces];
	json_int_t v[3];

	for (size_t i = 0; i < 3; i++) {
		v[i] = json_integer_value(json_array_get(row, i));
		if (v[i] < 0 || v[i] % CORE_PAGE)
			return false;
	}
	*p = (struct core_piece){ .gpa = (uint64_t)v[0],
				  .size = (uint64_t)v[1],
				  .offset = (uint64_t)v[2] };
	m->nr_pieces++;
	return p->offset <= m->size && p->size <= m->size - p->offset;
}

/* The VMM may be no friend of ours. */
static bool take_pieces(struct shared *m, const json_t *reply)
{
	const json_t *pieces = json_object_get(reply, "pieces"), *row;
	size_t i;

	m->vcpus = proto_int(reply, "vcpus", 0);
	if (!json_array_size(pieces) || json_array_size(pieces) > PIECES_MAX || m->vcpus < 1 ||
	    m->vcpus > VCPUS_MAX)
		return false;
	json_array_foreach(pieces, i, row)
	{
		if (!take_piece(m, row))
			return false;
	}
	return true;
}

static json_t *named(const char *name)
{
	return json_pack("{s:o}", "vm", proto_text(name));
}

static int map_shared(struct session *s, const char *name, struct shared *m)
{
	int fd;
	json_t *reply = client_call_for_handle(s, "memory", named(name), &fd);
	struct stat st;
	bool good = false;

	*m = (struct shared){ .bytes = MAP_FAILED };
	if (!reply)
		return STATUS_FAIL;
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0) {
		m->size = (size_t)st.st_size;
		m->bytes = mmap(NULL, m->size, PROT_READ, MAP_SHARED, fd, 0);
		good = m->bytes != MAP_FAILED && take_pieces(m, reply);
	}
	if (fd >= 0)
		close(fd);
	json_decref(reply);
	return good ? STATUS_OK : shell_fail(s, "%s: its memory cannot be read", name);
}

/* ---- registers ---- */

static uint64_t hex_of(const json_t *regs, const char *name)
{
	return strtoull(proto_string(regs, name, "0"), NULL, 16);
}

/* "0010 base 0x0 limit ...": selector and base. */
static uint64_t selector_of(const json_t *regs, const char *name, uint64_t *base)
{
	unsigned selector = 0;
	uint64_t b = 0;

	(void)sscanf(proto_string(regs, name, ""), "%x base %" SCNx64, &selector, &b);
	if (base)
		*base = b;
	return selector;
}

/* In the order of struct user_regs_struct. */
static void fill_regs(elf_gregset_t to, const json_t *regs)
{
	static const char *const general[] = { "r15", "r14", "r13", "r12", "rbp",
					       "rbx", "r11", "r10", "r9",  "r8",
					       "rax", "rcx", "rdx", "rsi", "rdi" };
	size_t n = sizeof(general) / sizeof(general[0]);
	uint64_t fs, gs, fs_base, gs_base;

	for (size_t i = 0; i < n; i++)
		to[i] = hex_of(regs, general[i]);
	fs = selector_of(regs, "fs", &fs_base);
	gs = selector_of(regs, "gs", &gs_base);
	to[n++] = UINT64_MAX; /* orig_rax: in no system call */
	to[n++] = hex_of(regs, "rip");
	to[n++] = selector_of(regs, "cs", NULL);
	to[n++] = hex_of(regs, "rflags");
	to[n++] = hex_of(regs, "rsp");
	to[n++] = selector_of(regs, "ss", NULL);
	to[n++] = fs_base;
	to[n++] = gs_base;
	to[n++] = selector_of(regs, "ds", NULL);
	to[n++] = selector_of(regs, "es", NULL);
	to[n++] = fs;
	to[n++] = gs;
}

static bool note_vcpu(struct core *c, json_int_t number, json_t *regs)
{
	struct elf_prstatus status;
	char *text;
	bool ok;

	memset(&status, 0, sizeof(status));
	status.pr_pid = (pid_t)number + 1;
	fill_regs(status.pr_reg, regs);
	json_object_del(regs, "id");
	json_object_del(regs, "ok");
	text = json_dumps(regs, JSON_COMPACT);
	ok = text && core_note(c, "CORE", NT_PRSTATUS, &status, sizeof(status)) &&
	     core_note(c, "STRATA", NOTE_STRATA, text, strlen(text));
	free(text);
	return ok;
}

static int note_vcpus(struct session *s, const char *name, struct core *c, json_int_t vcpus)
{
	for (json_int_t i = 0; i < vcpus; i++) {
		json_t *regs = client_call(
			s, "regs", json_pack("{s:o,s:I}", "vm", proto_text(name), "vcpu", i), -1);
		bool ok = regs && note_vcpu(c, i, regs);

		json_decref(regs);
		if (!regs)
			return STATUS_FAIL;
		if (!ok)
			return shell_fail(s, "no memory");
	}
	return STATUS_OK;
}

/* ---- base64 ---- */

struct writer {
	const struct session *s;
	bool raw;
	uint64_t offset; /* in the file, of what is in `bytes` */
	size_t len, piece;
	uint8_t bytes[OBJECT_BYTES];
};

static void flush_piece(struct writer *w)
{
	char text[4 * (OBJECT_BYTES + 2) / 3 + 1];

	/* Where nobody takes it any more the rest is saved. */
	if (!w->len || ferror(stdout))
		return;
	base64_encode(text, w->bytes, w->len);
	if (w->s->json)
		shell_print_json(
			json_pack("{s:I,s:s}", "offset", (json_int_t)w->offset, "base64", text));
	else
		printf("%s\n", text);
	w->offset += w->len;
	w->len = 0;
}

static void put(void *arg, const void *bytes, size_t len)
{
	struct writer *w = arg;

	if (w->raw) {
		fwrite(bytes, 1, len, stdout);
		return;
	}
	while (len) {
		size_t n = w->piece - w->len < len ? w->piece - w->len : len;

		memcpy(w->bytes + w->len, bytes, n);
		w->len += n;
		bytes = (const uint8_t *)bytes + n;
		len -= n;
		if (w->len == w->piece)
			flush_piece(w);
	}
}

static int write_core(const struct session *s, const char *name, const struct core *c, bool raw)
{
	struct writer w = { .s = s, .raw = raw, .piece = s->json ? OBJECT_BYTES : LINE_BYTES };

	if (core_size(c) > CORE_MAX)
		return shell_fail(s, "%s: expected at most %llu MiB that are not zero, found %llu",
				  name, CORE_MAX >> 20, (unsigned long long)(core_size(c) >> 20));
	core_write(c, put, &w);
	flush_piece(&w);
	return STATUS_OK;
}

/* ---- the verb ---- */

static int dump_held(struct session *s, const char *name, bool raw)
{
	struct shared m;
	struct core c = { 0 };
	int status = map_shared(s, name, &m);

	if (status == STATUS_OK && !core_plan(&c, m.bytes, m.pieces, m.nr_pieces))
		status = shell_fail(s, "no memory");
	if (status == STATUS_OK)
		status = note_vcpus(s, name, &c, m.vcpus);
	if (status == STATUS_OK)
		status = write_core(s, name, &c, raw);
	core_free(&c);
	if (m.bytes != MAP_FAILED)
		munmap(m.bytes, m.size);
	return status;
}

int vm_dump_core(struct session *s, const char *name, bool raw)
{
	json_t *vm = client_vm(s, name), *reply;
	bool runs;
	int status;

	if (!vm)
		return STATUS_FAIL;
	runs = strcmp(proto_string(vm, "state", ""), "paused") != 0;
	json_decref(vm);
	if (runs) {
		reply = client_call(s, "pause", named(name), -1);
		if (!reply)
			return STATUS_FAIL;
		json_decref(reply);
	}
	status = dump_held(s, name, raw);
	if (runs) {
		/* Another shell may have been quicker, which is as good. */
		reply = client_try(s, "resume", named(name));
		json_decref(reply);
	}
	return status;
}
