// SPDX-License-Identifier: GPL-2.0-or-later
// Capstone decodes, with one handle a mode, made when it is first needed. Bytes come from the
// hardware or from guest memory; the second page of an instruction that crosses a border is only
// fetched when the first was not enough.

#include "vmm/emu/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INSN_MAX 15

struct emu_decoder {
	csh handles[3]; /* for code sizes 2, 4, 8; 0: not yet */
	cs_insn *insns[3];
};

int emu_decoder_create(struct emu_decoder **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void emu_decoder_destroy(struct emu_decoder *d)
{
	for (unsigned i = 0; d && i < 3; i++) {
		if (d->insns[i])
			cs_free(d->insns[i], 1);
		if (d->handles[i])
			cs_close(&d->handles[i]);
	}
	free(d);
}

static bool open_mode(struct emu *e, unsigned i)
{
	static const cs_mode modes[3] = { CS_MODE_16, CS_MODE_32, CS_MODE_64 };
	struct emu_decoder *d = e->decoder;

	if (!d->handles[i] && cs_open(CS_ARCH_X86, modes[i], &d->handles[i]) != CS_ERR_OK) {
		d->handles[i] = 0;
		return emu_fail(e, "out of memory for decoding");
	}
	if (!d->insns[i]) {
		cs_option(d->handles[i], CS_OPT_DETAIL, CS_OPT_ON);
		d->insns[i] = cs_malloc(d->handles[i]);
	}
	return d->insns[i] || emu_fail(e, "out of memory for decoding");
}

static const cs_insn *decode(struct emu *e, unsigned i, const uint8_t *bytes, size_t len)
{
	uint64_t address = e->regs.rip;

	if (!cs_disasm_iter(e->decoder->handles[i], &bytes, &len, &address, e->decoder->insns[i]))
		return NULL;
	return e->decoder->insns[i];
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

	if (!open_mode(e, i))
		return NULL;
	if (hint && hint_len)
		insn = decode(e, i, hint, hint_len < INSN_MAX ? hint_len : INSN_MAX);
	while (!insn && len < INSN_MAX) {
		if (!fetch(e, bytes, &len))
			return NULL;
		insn = decode(e, i, bytes, len);
	}
	if (!insn) {
		e->len = len;
		memcpy(e->bytes, bytes, len);
		emu_unknown(e);
	}
	return insn;
}
