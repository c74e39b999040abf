// SPDX-License-Identifier: GPL-2.0-or-later
// Fuzz target: the command-line scanner on any line. Every word must lie within the line and the
// scan must move on.
#include <stdlib.h>
#include "lib/cmdline.h"
#include "lib/string.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = malloc(size + 1);
	struct cmdline_word w;
	const char *pos = line;
	uint64_t v;

	if (line == NULL)
		return 0;
	memcpy(line, data, size);
	line[size] = '\0';
	while (cmdline_next(&pos, &w)) {
		if (pos > line + size || w.name + w.name_len > pos)
			abort();
		if (w.value != NULL && w.value + w.value_len > pos)
			abort();
		if (cmdline_is(&w, "mem") && cmdline_number(&w, &v) == 0 &&
		    strstr(line, "mem=") == NULL)
			abort();
	}
	free(line);
	return 0;
}
