/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the runtime. */
#pragma once

#include "tests/guests/rt/rt.h"

struct multiboot_info;
void rt_start(uint32_t magic, const struct multiboot_info *info);
void rt_ap_start(void);
void rt_trap(struct frame *frame);

void trap_init(void);
void trap_load(void); /* the IDT, on this CPU */
void cpu_init_boot(void);
void fw_cfg_init(void);

/* What has not come for ten seconds is named once. */
struct wait {
	uint64_t since;
	bool told;
};
void wait_more(struct wait *w, const char *what);

/* start.S */
extern uint64_t gdt[];
extern const uint8_t ap_trampoline[], ap_trampoline_end[], idt_stubs[];
extern uint64_t ap_stack, page_root[], page_pointers[], page_directories[];
int catch_call(void (*fn)(void *arg), void *arg, uint64_t *resume_rsp);
void catch_resume(void);
