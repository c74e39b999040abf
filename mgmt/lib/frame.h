/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames, in which a program talks to the console over a line that a person may use as well, and
 * that may lose, double and change bytes: RS three times, a body of plain text, a blank, the body's
 * CRC-32 as 8 hexadecimal digits, end of line. What does not check is as if it had never come. One
 *RS would do; what follows a lost one would be keys that somebody types, as "previous line".
 *
 * Bodies, words divided by one blank; ID is the client's number of the request, 8 hexadecimal
 *digits:
 *
 *	Q ID BASE64             run the command line; the same ID again runs nothing
 *	W ID NEXT TAG           all pieces before NEXT are here: how far is it?
 *	G ID FIRST MASK         send these pieces again: hexadecimal, bit n for FIRST + n
 *
 *	A ID                    taken, or still under way
 *	D ID NUMBER BASE64      a piece of the output
 *	P ID PIECES TAG         so many pieces there are by now; of the last W
 *	E ID STATUS PIECES CRC TAG
 *	                        it has ended; so many pieces there are, and the CRC-32 of all
 *	N ID                    no such request
 *
 * Pieces are sent as they come about. All but the last are full. Those that have not been told of
 * in a W are kept, FRAME_WINDOW at most: then the command waits.
 *
 * Pure; no locks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MARK   0x1e  /* RS */
#define FRAME_MARKS  3     /* as many begin a frame; one is enough for who reads */
#define FRAME_MAX    4096  /* bytes of a body, with a NUL */
#define FRAME_PIECE  32    /* bytes of output in one frame */
#define FRAME_LINE   2048  /* bytes of a command line */
#define FRAME_WINDOW 2048u /* pieces on their way: some seconds at 115200 baud */

/* Room for RS, body, CRC and end of line. */
#define FRAME_ROOM (FRAME_MAX + 16)

/* CRC-32 of bytes that follow those that `crc` is of; 0: of none. */
uint32_t frame_crc32(uint32_t crc, const void *bytes, size_t len);

/* Makes a frame of a body; its length. */
size_t frame_make(char out[FRAME_ROOM], const char *body);

struct frame_reader {
	char text[FRAME_ROOM];
	size_t len;
	bool inside;
};

/* Takes a byte. The body when it ended a frame that checks, else NULL; valid until the next byte.
 */
const char *frame_take(struct frame_reader *r, uint8_t byte);

/* Text to base64, NUL-terminated; out has room for 4 * (len + 2) / 3 + 1 bytes. */
void base64_encode(char *out, const void *bytes, size_t len);
/* Length, or -1: not base64, or more than `room`. */
long base64_decode(void *out, size_t room, const char *text);
