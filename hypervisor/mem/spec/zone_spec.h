/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of the specification of a zone of the page allocator (lock/spec/replay.h). */
#pragma once

#include "lock/spec/replay.h"

void spec_zone_alloc(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
void spec_zone_free(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
