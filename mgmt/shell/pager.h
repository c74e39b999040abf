/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Long output stops at each screen until a key is pressed: space shows the next one, Enter a line,
 * q drops the rest. Not on dumb terminals, not where nobody sits, and not while there are keys
 * already: they are the next commands.
 */
#pragma once

#include <stdbool.h>

/* What is printed to stdout from now on, up to pager_end, is paged. false: it is not. */
bool pager_begin(void);
void pager_end(void);
