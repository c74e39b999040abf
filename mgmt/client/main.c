// SPDX-License-Identifier: GPL-2.0-or-later
// strata-client: runs one command of a Strata console over a serial line, a pty, a unix socket or
// TCP, prints its output or puts it into a file, and exits with its status.

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mgmt/client/client.h"
#include "mgmt/lib/clock.h"
#include "mgmt/lib/frame.h"

#define TIMEOUT_S   60
#define TIMEOUT_MAX 86400
#define LINE_ROOM   8192

static const char usage_text[] =
	"usage: strata-client --serial DEVICE [--baud RATE] | --unix PATH | --tcp HOST:PORT\n"
	"                     [--timeout SECONDS] [--output FILE] [--json] COMMAND [WORD ...]\n"
	"A command's status is the exit status: 0 done, 1 failed, 2 wrong words; 3: no answer; 64: "
	"this text.\n";

struct options {
	const char *serial, *unix_path, *tcp, *output;
	unsigned baud;
	long timeout;
	bool json;
};

static void usage(FILE *to)
{
	fputs(usage_text, to);
	exit(to == stdout ? 0 : EXIT_USAGE);
}

static long number(const char *word, long max)
{
	char *end;
	long v = strtol(word, &end, 10);

	if (!*word || *end || v < 1 || v > max) {
		fprintf(stderr, "strata-client: %s: expected a number from 1 to %ld\n", word, max);
		exit(EXIT_USAGE);
	}
	return v;
}

static void parse(struct options *o, int argc, char **argv)
{
	static const struct option names[] = {
		{ "serial", required_argument, NULL, 's' },
		{ "baud", required_argument, NULL, 'b' },
		{ "unix", required_argument, NULL, 'u' },
		{ "tcp", required_argument, NULL, 't' },
		{ "timeout", required_argument, NULL, 'w' },
		{ "output", required_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "+", names, NULL)) != -1) {
		switch (c) {
		case 's': o->serial = optarg; break;
		case 'b': o->baud = (unsigned)number(optarg, 921600); break;
		case 'u': o->unix_path = optarg; break;
		case 't': o->tcp = optarg; break;
		case 'w': o->timeout = number(optarg, TIMEOUT_MAX); break;
		case 'o': o->output = optarg; break;
		case 'j': o->json = true; break;
		case 'h': usage(stdout); break;
		default: usage(stderr);
		}
	}
	if (!o->serial + !o->unix_path + !o->tcp != 2 || optind == argc)
		usage(stderr);
}

/* A word as the console reads it. */
static bool add_word(char *line, const char *word)
{
	size_t at = strlen(line);

	if (at + 4 * strlen(word) + 4 > LINE_ROOM)
		return false;
	at += (size_t)sprintf(line + at, "%s'", at ? " " : "");
	for (; *word; word++)
		at += (size_t)sprintf(line + at, *word == '\'' ? "'\\''" : "%c", *word);
	strcpy(line + at, "'");
	return true;
}

static int open_line(const struct options *o)
{
	if (o->serial)
		return link_serial(o->serial, o->baud);
	if (o->unix_path)
		return link_unix(o->unix_path);
	return link_tcp(o->tcp, now_ms() + 1000 * (int64_t)o->timeout);
}

int main(int argc, char **argv)
{
	struct options o = { .baud = 115200, .timeout = TIMEOUT_S };
	char line[LINE_ROOM] = "";
	struct output output;
	bool fits = true;
	int fd;

	parse(&o, argc, argv);
	for (int i = optind; i < argc; i++)
		fits &= add_word(line, argv[i]);
	if (o.json)
		fits &= add_word(line, "--json");
	if (!fits || strlen(line) > FRAME_LINE) {
		client_fail("expected a shorter command: at most %u bytes", FRAME_LINE);
		return EXIT_USAGE;
	}
	fd = open_line(&o);
	if (fd < 0 || !output_begin(&output, o.output))
		return EXIT_LINE;
	return request(fd, line, &output, 1000 * (int64_t)o.timeout);
}
