/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine that is made up, for tests of the console on a workstation: with STRATA_FAKE in the
 * environment the calls on the machine answer from here instead of with -ENOSYS.
 *
 * Contract: each look at the host (SYS_TOPIC_HOST) moves its clock on by one second, in which every
 * counter rises by a fixed amount; so whoever computes rates gets the same ones each time.
 */
#pragma once

#include <stdbool.h>

#include "mgmt/lib/strata.h"

bool fake_is_on(void);
int fake_sys_info(enum sys_topic topic, unsigned index, void *buf, size_t len);
int fake_log_read(uint64_t *sequence, char *buf, size_t len, struct log_line *about);
int fake_log_level(uint64_t level);
int fake_trace_set(enum trace_set what, uint64_t vm);
int fake_trace_read(unsigned cpu, uint64_t *sequence, struct trace_event *buf, unsigned max);
int fake_vm_info_at(unsigned index, struct vm_info *out);
