/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an instruction does, once decoded: the table in execute.c. Strings are in string.c. */
#pragma once

#include "vmm/emu/parts.h"

/* False: a fault or a failure is noted. Does not change rip. */
bool emu_execute(struct emu *e, const cs_insn *insn);
