// SPDX-License-Identifier: GPL-2.0-or-later
// Load options are whatever the boot entry, the shell or a loader left there.
#include "boot/efi/stub.h"
#include "lib/string.h"

static char to_ascii(efi_char c)
{
	if (c < ' ' || c == 0x7f)
		return ' ';
	return c < 0x80 ? (char)c : '?';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The length of a first word that is a program's name, with the blanks behind it; else 0. */
static size_t program_name(const char *line, size_t len)
{
	static const char suffix[] = ".efi";
	size_t end = 0, n = sizeof(suffix) - 1;

	while (end < len && line[end] != ' ')
		end++;
	if (end < n)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (lower(line[end - n + i]) != suffix[i])
			return 0;
	}
	/* A word of ours that ends so: initrd=\EFI\x.efi */
	if (memchr(line, '=', end) != NULL)
		return 0;
	while (end < len && line[end] == ' ')
		end++;
	return end;
}

size_t stub_options(const void *options, uint32_t size, char *out, size_t out_size)
{
	size_t len = 0, skip;

	while (options != NULL && len < size / 2 && len + 1 < out_size) {
		efi_char c;

		memcpy(&c, (const char *)options + 2 * len, sizeof(c));
		if (c == 0)
			break;
		out[len++] = to_ascii(c);
	}
	skip = program_name(out, len);
	memmove(out, out + skip, len - skip);
	out[len - skip] = '\0';
	return len - skip;
}
