/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of the specification of channels (lock/spec/replay.h). */
#pragma once

#include "lock/spec/replay.h"

void spec_chan_queue(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
void spec_chan_hand(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
void spec_chan_take(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
void spec_chan_drop(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
void spec_line_join(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
void spec_line_served(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
void spec_line_left(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
void spec_call_open(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
void spec_call_taken(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
void spec_call_closed(struct spec_object *o, unsigned cpu, const struct llog_entry *e);
