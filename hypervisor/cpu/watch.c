// SPDX-License-Identifier: GPL-2.0-or-later
// A limit and a line.
#include "cpu/watch.h"

#include "cpu/log.h"
#include "lib/fmt.h"

static uint64_t limit;                                              /* [a] */
static void (*report_hook)(enum watch_kind kind, const char *text); /* [a] */

uint64_t watch_limit(void)
{
	return __atomic_load_n(&limit, __ATOMIC_RELAXED);
}

void watch_set_limit(uint64_t ns)
{
	__atomic_store_n(&limit, ns, __ATOMIC_RELAXED);
}

void watch_set_hook(void (*hook)(enum watch_kind kind, const char *text))
{
	__atomic_store_n(&report_hook, hook, __ATOMIC_SEQ_CST);
}

void watch_report(enum watch_kind kind, const char *fmt, ...)
{
	void (*hook)(enum watch_kind, const char *) =
		__atomic_load_n(&report_hook, __ATOMIC_SEQ_CST);
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	fmt_vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_error("watchdog: %s", text);
	log_show_now(); /* the one who reads the log may be what stands still */
	if (hook)
		hook(kind, text);
}
