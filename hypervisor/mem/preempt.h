/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Long work in mem (clearing or freeing gigabytes) gives others a turn now and then through a hook,
 * since threads are a layer above.
 */
#pragma once

/* Called once by thread/ at start. The hook runs in thread context with no lock held; it may switch
 * threads. */
void mem_set_preempt_hook(void (*hook)(void));

/* No lock held. Nothing before the hook is set. */
void mem_preempt_point(void);
