// SPDX-License-Identifier: GPL-2.0-or-later
// Capstone decodes, with one handle a mode, made when it is first needed. Bytes come from the
// hardware or from guest memory; the second page of an instruction that crosses a border is only
// fetched when the first was not enough.
//
// A driver's accesses come from few places, and Capstone takes 3,000 instructions for one: what was
// decoded is kept by its address, and is right as long as mode and bytes are the same.

#include "vmm/emu/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INSN_MAX 15
#define KEPT     16 /* instructions; a power of 2 */

struct kept {
	cs_insn *insn; /* NULL: not yet */
	bool valid;
	uint8_t mode; /* index of its handle */
};

struct emu_decoder {
	csh handles[3]; /* for code sizes 2, 4, 8; 0: not yet */
	struct kept kept[KEPT];
};

int emu_decoder_create(struct emu_decoder **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void emu_decoder_destroy(struct emu_decoder *d)
{
	for (unsigned i = 0; d && i < KEPT; i++)
		if (d->kept[i].insn)
			cs_free(d->kept[i].insn, 1);
	for (unsigned i = 0; d && i < 3; i++)
		if (d->handles[i])
			cs_close(&d->handles[i]);
	free(d);
}

static bool open_mode(struct emu *e, unsigned i)
{
	static const cs_mode modes[3] = { CS_MODE_16, CS_MODE_32, CS_MODE_64 };
	csh *handle = &e->decoder->handles[i];

	if (*handle)
		return true;
	if (cs_open(CS_ARCH_X86, modes[i], handle) != CS_ERR_OK) {
		*handle = 0;
		return emu_fail(e, "out of memory for decoding");
	}
	cs_option(*handle, CS_OPT_DETAIL, CS_OPT_ON);
	return true;
}

static bool is_kept(const struct kept *k, unsigned i, const uint8_t *bytes, size_t len)
{
	return k->valid && k->mode == i && k->insn->size <= len &&
	       memcmp(k->insn->bytes, bytes, k->insn->size) == 0;
}

/* What the bytes begin with, or NULL: no whole instruction. k->insn is there. */
static const cs_insn *decode(struct emu *e, struct kept *k, unsigned i, const uint8_t *bytes,
			     size_t len)
{
	uint64_t address = 0;

	if (is_kept(k, i, bytes, len))
		return k->insn;
	k->mode = (uint8_t)i;
	k->valid = cs_disasm_iter(e->decoder->handles[i], &bytes, &len, &address, k->insn);
	return k->valid ? k->insn : NULL;
}

/* Where the instruction at RIP is kept; NULL: noted. */
static struct kept *place(struct emu *e, unsigned i)
{
	uint64_t rip = e->regs.rip;
	struct kept *k = &e->decoder->kept[(rip ^ rip / KEPT) % KEPT];

	if (!k->insn)
		k->insn = cs_malloc(e->decoder->handles[i]);
	if (k->insn)
		return k;
	emu_fail(e, "out of memory for decoding");
	return NULL;
}

/* Adds the code bytes up to the end of their page; *len grows. */
static bool fetch(struct emu *e, uint8_t bytes[INSN_MAX], unsigned *len)
{
	uint64_t offset = e->regs.rip + *len, at;
	unsigned n, left = INSN_MAX - *len;
	const uint8_t *host;
	struct emu_span span;

	if (emu_mode(e) != 8)
		offset = (uint32_t)offset;
	if (!emu_open(e, SEG_CS, offset, 1, ACCESS_EXEC, &span))
		return false;
	at = span.piece[0].gpa;
	n = 4096 - (unsigned)(at & 4095);
	n = n < left ? n : left;
	host = ram_ptr(e->ram, at, n);
	if (!host)
		return emu_fail(e, "runs code at 0x%llx, where no memory is",
				(unsigned long long)at);
	memcpy(bytes + *len, host, n);
	*len += n;
	return true;
}

const cs_insn *emu_decode(struct emu *e, const uint8_t *hint, unsigned hint_len)
{
	unsigned mode = emu_mode(e), i = mode == 8 ? 2 : mode == 4 ? 1 : 0, len = 0;
	const cs_insn *insn = NULL;
	uint8_t bytes[INSN_MAX];
	struct kept *k;

	if (!open_mode(e, i))
		return NULL;
	k = place(e, i);
	if (!k)
		return NULL;
	if (hint && hint_len)
		insn = decode(e, k, i, hint, hint_len < INSN_MAX ? hint_len : INSN_MAX);
	while (!insn && len < INSN_MAX) {
		if (!fetch(e, bytes, &len))
			return NULL;
		insn = decode(e, k, i, bytes, len);
	}
	if (!insn) {
		e->len = len;
		memcpy(e->bytes, bytes, len);
		emu_unknown(e);
	}
	return insn;
}
