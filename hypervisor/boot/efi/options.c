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

static bool begins(const char *word, size_t len, const char *with)
{
	return len >= strlen(with) && memcmp(word, with, strlen(with)) == 0;
}

static bool ends_in_efi(const char *word, size_t len)
{
	static const char suffix[] = ".efi";
	size_t n = sizeof(suffix) - 1;

	for (size_t i = 0; i < n; i++) {
		if (len < n || lower(word[len - n + i]) != suffix[i])
			return false;
	}
	return true;
}

/*
 * The length of a first word that is a program's name, with the blanks behind it; else 0. The UEFI
 * shell has the file's path there, iPXE its name, which is ours in `make image TYPE=pxe`.
 */
static size_t program_name(const char *line, size_t len)
{
	size_t end = 0;

	while (end < len && line[end] != ' ')
		end++;
	if (!ends_in_efi(line, end) && !begins(line, end, "strata"))
		return 0;
	/* A word of ours: initrd=\EFI\x.efi, strata.log=debug */
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
