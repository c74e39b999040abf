// SPDX-License-Identifier: GPL-2.0-or-later
// Messages are built and parsed by jansson on the stack's buffer of one channel message. A peer's
// bytes are not trusted: what is not one JSON object is -EPROTO, and members are read with
// defaults.

#include "mgmt/lib/proto.h"
#include "mgmt/lib/strata.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int proto_send(int fd, json_t *object, int handle)
{
	char buf[CHAN_MSG_MAX];
	size_t len = object ? json_dumpb(object, buf, sizeof(buf), JSON_COMPACT) : 0;

	json_decref(object);
	if (len == 0)
		return -ENOMEM;
	if (len > sizeof(buf))
		return -E2BIG;
	int ret = strata_send(fd, buf, len, handle);
	return ret < 0 ? ret : 0;
}

json_t *proto_recv(int fd, int *handle, int *error)
{
	char buf[CHAN_MSG_MAX];
	int len = strata_recv(fd, buf, sizeof(buf), handle);

	if (len < 0) {
		*error = len;
		return NULL;
	}
	json_t *object = json_loadb(buf, (size_t)len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(object)) {
		json_decref(object);
		*error = -EPROTO;
		return NULL;
	}
	*error = 0;
	return object;
}

const char *proto_string(const json_t *object, const char *key, const char *otherwise)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : otherwise;
}

json_int_t proto_int(const json_t *object, const char *key, json_int_t otherwise)
{
	const json_t *v = json_object_get(object, key);

	return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

json_t *proto_text(const char *text)
{
	json_t *string = json_string(text);
	char *copy = string ? NULL : strdup(text);

	for (char *p = copy; p && *p; p++) {
		if (*p & 0x80)
			*p = '?';
	}
	if (copy)
		string = json_string(copy);
	free(copy);
	return string;
}

json_t *proto_ok(const json_t *request)
{
	return json_pack("{s:I,s:b}", "id", proto_int(request, "id", 0), "ok", 1);
}

json_t *proto_error(const json_t *request, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return json_pack("{s:I,s:b,s:o}", "id", proto_int(request, "id", 0), "ok", 0, "error",
			 proto_text(text));
}

int proto_reply(int fd, const json_t *request, json_t *reply, int handle)
{
	int ret = proto_send(fd, reply, handle);

	if (ret != -E2BIG)
		return ret;
	return proto_send(fd, proto_error(request, "the answer does not fit one message"), -1);
}
