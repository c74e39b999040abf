// SPDX-License-Identifier: GPL-2.0-or-later
// Decode, execute, step over. Faults and failures are noted in the struct by whoever finds them and
// come up as a plain "false".

#include "vmm/emu/emu.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vmm/emu/execute.h"

int emu_init(struct emu *emu, const struct guest_ram *ram, const struct bus *bus)
{
	memset(emu, 0, sizeof(*emu));
	emu->ram = ram;
	emu->bus = bus;
	return emu_decoder_create(&emu->decoder);
}

void emu_destroy(struct emu *emu)
{
	emu_decoder_destroy(emu->decoder);
	emu->decoder = NULL;
}

bool emu_raise(struct emu *e, uint8_t vector, uint32_t error)
{
	e->fault = (struct vcpu_event){
		.vector = vector, .type = EVENT_EXCEPTION, .has_error = 1, .error = error
	};
	return false;
}

bool emu_fail(struct emu *e, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(e->reason, sizeof(e->reason), format, args);
	va_end(args);
	return false;
}

bool emu_unknown(struct emu *e)
{
	char text[3 * sizeof(e->bytes) + 1] = "";

	for (unsigned i = 0; i < e->len; i++)
		snprintf(text + 3 * i, 4, " %02x", e->bytes[i]);
	return emu_fail(e, "instruction not emulated:%s at 0x%llx", text,
			(unsigned long long)e->regs.rip);
}

static void step_over(struct emu *e)
{
	e->regs.rip = e->next_rip;
	/* An instruction that is done has taken the resume flag with it. */
	e->regs.rflags &= ~RFLAGS_RF;
}

static bool run(struct emu *e, const uint8_t *bytes, unsigned len)
{
	const cs_insn *insn = emu_decode(e, bytes, len);
	bool done = true, ok;

	if (!insn)
		return false;
	e->len = insn->size;
	memcpy(e->bytes, insn->bytes, e->len);
	e->next_rip = e->regs.rip + e->len;
	if (emu_mode(e) != 8)
		e->next_rip = (uint32_t)e->next_rip;
	if (emu_is_string(&insn->detail->x86))
		ok = emu_string(e, &insn->detail->x86, &done);
	else
		ok = emu_execute(e, insn);
	if (ok && done)
		step_over(e);
	return ok;
}

enum emu_result emu_run(struct emu *emu, const uint8_t *bytes, unsigned len)
{
	emu->fault = (struct vcpu_event){ 0 };
	emu->reason[0] = '\0';
	emu->len = 0;
	if (run(emu, bytes, len))
		return EMU_DONE;
	return emu->reason[0] ? EMU_FAILED : EMU_FAULT;
}
