/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON messages over channels, as init, shell and VMMs exchange them: one object a message, at most
 * CHAN_MSG_MAX bytes. mgmt/README.md lists the operations. Never waits.
 */
#pragma once

#include <jansson.h>

/* Sends the object and drops the reference to it. handle: moved along, or -1. 0 or -errno (-E2BIG:
 * too long). */
int proto_send(int fd, json_t *object, int handle);

/*
 * Next message, a new reference; *handle as strata_recv's, or NULL when none is expected. NULL with
 * *error: -EAGAIN (nothing there), -EPIPE (peer gone), -EPROTO (not a JSON object).
 */
json_t *proto_recv(int fd, int *handle, int *error);

/* Members with a default when absent or of another type. */
const char *proto_string(const json_t *object, const char *key, const char *otherwise);
json_int_t proto_int(const json_t *object, const char *key, json_int_t otherwise);

/* Any text as a JSON string: in what is not UTF-8 bytes above 127 become '?'. */
json_t *proto_text(const char *text);

/* Sends a reply and drops it; one that is too long is replaced by an error. */
int proto_reply(int fd, const json_t *request, json_t *reply, int handle);

/* {"id":<of request>,"ok":true}, and {"id":..,"ok":false,"error":text}. */
json_t *proto_ok(const json_t *request);
json_t *proto_error(const json_t *request, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
