// SPDX-License-Identifier: GPL-2.0-or-later
// Output is written as it comes to a file beside the one that is wanted, which takes its name when
// all of it is there and right; without a name to a file that nobody sees.

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mgmt/client/client.h"
#include "mgmt/lib/frame.h"

#define LAST_LINE 4096

/* What a signal has to take away. Set before the handlers are. */
static char beside[4096];

int client_fail(const char *fmt, ...)
{
	va_list ap;

	fputs("strata-client: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return EXIT_LINE;
}

static void on_signal(int number)
{
	unlink(beside);
	_exit(128 + number);
}

static void catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	struct sigaction a = { .sa_handler = on_signal };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &a, NULL);
}

/* A device or a pipe would be replaced by a file. */
static bool is_taken(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

static FILE *make_beside(const char *path)
{
	int fd;

	if ((size_t)snprintf(beside, sizeof(beside), "%s.XXXXXX", path) >= sizeof(beside)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	fd = mkstemp(beside);
	if (fd < 0)
		return NULL;
	catch_signals();
	return fdopen(fd, "w+");
}

bool output_begin(struct output *o, const char *path)
{
	*o = (struct output){ .path = path };
	if (path && is_taken(path)) {
		client_fail("%s: expected the name of a file", path);
		return false;
	}
	o->file = path ? make_beside(path) : tmpfile();
	if (!o->file)
		client_fail("%s: %s", path ? path : "temporary file", strerror(errno));
	return o->file;
}

void output_put(struct output *o, uint64_t at, const void *bytes, size_t len)
{
	bool placed = ftello(o->file) == (off_t)at || fseeko(o->file, (off_t)at, SEEK_SET) == 0;

	if ((!placed || fwrite(bytes, 1, len, o->file) != len) && !o->error)
		o->error = errno;
}

bool output_crc(struct output *o, uint32_t *crc)
{
	char bytes[4096];
	size_t n;

	*crc = 0;
	if (o->error) {
		errno = o->error;
		return false;
	}
	if (fflush(o->file) || fseeko(o->file, 0, SEEK_SET))
		return false;
	while ((n = fread(bytes, 1, sizeof(bytes), o->file)) > 0)
		*crc = frame_crc32(*crc, bytes, n);
	return !ferror(o->file);
}

/* From `from` on. */
static bool print(FILE *file, off_t from)
{
	char bytes[4096];
	size_t n;

	if (fseeko(file, from, SEEK_SET))
		return false;
	while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0)
		fwrite(bytes, 1, n, stdout);
	return !ferror(file) && fflush(stdout) == 0;
}

/* Where the last line begins, of those that are no longer than LAST_LINE. */
static off_t last_line(FILE *file)
{
	char bytes[LAST_LINE];
	off_t size = fseeko(file, 0, SEEK_END) ? 0 : ftello(file);
	off_t from = size > LAST_LINE ? size - LAST_LINE : 0;
	size_t n = fseeko(file, from, SEEK_SET) ? 0 : fread(bytes, 1, sizeof(bytes), file);
	size_t at = n ? n - 1 : 0;

	while (at && bytes[at - 1] != '\n')
		at--;
	return from + (off_t)at;
}

static bool take_name(struct output *o)
{
	bool written = fflush(o->file) == 0 && !ferror(o->file) && fclose(o->file) == 0;

	o->file = NULL;
	return written && rename(beside, o->path) == 0;
}

int output_end(struct output *o, int status)
{
	bool done = !ferror(o->file);

	errno = 0;
	if (done && o->path && status == 0)
		done = take_name(o);
	else if (done)
		done = print(o->file, o->path ? last_line(o->file) : 0);
	if (!done)
		client_fail("%s: the output cannot be written%s%s", o->path ? o->path : "stdout",
			    errno ? ": " : "", errno ? strerror(errno) : "");
	if (!done || status)
		output_drop(o);
	return done ? status : EXIT_LINE;
}

void output_drop(struct output *o)
{
	if (o->file)
		fclose(o->file);
	o->file = NULL;
	if (o->path)
		unlink(beside);
}
