// SPDX-License-Identifier: GPL-2.0-or-later
// A mark inside a frame begins a new one, so that a lost end of line costs one frame and not two.

#include "mgmt/lib/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CRC_DIGITS 8

/* By half a byte. */
uint32_t frame_crc32(uint32_t crc, const void *bytes, size_t len)
{
	static const uint32_t steps[16] = { 0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
					    0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
					    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
					    0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c };
	const uint8_t *at = bytes;

	crc = ~crc;
	for (size_t i = 0; i < len; i++) {
		crc ^= at[i];
		crc = crc >> 4 ^ steps[crc & 15];
		crc = crc >> 4 ^ steps[crc & 15];
	}
	return ~crc;
}

size_t frame_make(char out[FRAME_ROOM], const char *body)
{
	memset(out, FRAME_MARK, FRAME_MARKS);
	return FRAME_MARKS + (size_t)snprintf(out + FRAME_MARKS, FRAME_ROOM - FRAME_MARKS,
					      "%.*s %08x\n", FRAME_MAX - 1, body,
					      frame_crc32(0, body, strnlen(body, FRAME_MAX - 1)));
}

/* Cuts the CRC off; whether it is right. */
static bool checks(struct frame_reader *r)
{
	char *crc = r->text + r->len - CRC_DIGITS, *end;

	if (r->len < CRC_DIGITS + 2 || crc[-1] != ' ' ||
	    strspn(crc, "0123456789abcdef") != CRC_DIGITS)
		return false;
	crc[-1] = '\0';
	return strtoul(crc, &end, 16) == frame_crc32(0, r->text, r->len - CRC_DIGITS - 1);
}

const char *frame_take(struct frame_reader *r, uint8_t byte)
{
	if (byte == FRAME_MARK) {
		r->inside = true;
		r->len = 0;
	} else if (r->inside && (byte == '\r' || byte == '\n')) {
		r->inside = false;
		r->text[r->len] = '\0';
		return checks(r) ? r->text : NULL;
	} else if (r->inside && (byte < ' ' || byte > '~' || r->len == FRAME_ROOM - 1)) {
		r->inside = false;
	} else if (r->inside) {
		r->text[r->len++] = (char)byte;
	}
	return NULL;
}

/* ---- base64 (RFC 4648) ---- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(char *out, const void *bytes, size_t len)
{
	const uint8_t *in = bytes;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t v = (uint32_t)in[i] << 16 | (n > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
			     (n > 2 ? in[i + 2] : 0);

		for (size_t k = 0; k < 4; k++)
			*out++ = k <= n ? digits[v >> (18 - 6 * k) & 63] : '=';
	}
	*out = '\0';
}

/* Value of a digit; -1: none. */
static int value_of(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

long base64_decode(void *out, size_t room, const char *text)
{
	size_t len = strlen(text), n = 0;
	uint8_t *to = out;

	if (len % 4)
		return -1;
	for (size_t i = 0; i < len; i += 4) {
		uint32_t v = 0;
		size_t bytes = 3;

		for (size_t k = 0; k < 4; k++) {
			bool pad = text[i + k] == '=' && i + 4 == len && k >= 2;
			int digit = pad ? 0 : value_of(text[i + k]);

			if (digit < 0 || (!pad && bytes < 3))
				return -1;
			bytes -= pad;
			v = v << 6 | (uint32_t)digit;
		}
		if (n + bytes > room)
			return -1;
		for (size_t k = 0; k < bytes; k++)
			to[n++] = (uint8_t)(v >> (16 - 8 * k));
	}
	return (long)n;
}
