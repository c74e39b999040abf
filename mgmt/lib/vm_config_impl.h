/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between vm_config.c (a file's lines) and vm_config_keys.c (its sections, keys and their values).
 */
#pragma once

#include "mgmt/lib/vm_config.h"

#define SECTION_MAX 50 /* inih cuts longer section names */

#define SCROLLBACK_MIN (64u << 10)
#define SCROLLBACK_MAX (4u << 20)

enum section_kind {
	SECTION_NONE,
	SECTION_VM,
	SECTION_MODULE,
	SECTION_CONSOLE,
	SECTION_DISK,
	SECTION_FW_CFG,
	SECTION_DEBUG_EXIT,
	SECTION_COUNT
};

struct parser {
	struct vm_config *config;
	const char *path;
	char *error;
	int status; /* 0 or the first failure */
	const char *pos, *end;
	unsigned line;
	bool indented;             /* this line */
	char section[SECTION_MAX]; /* as its header line says */
	enum section_kind kind;
	unsigned index;                        /* N of [kind N] */
	uint32_t keys_seen;                    /* by key_bit, of this section */
	uint32_t sections_seen[SECTION_COUNT]; /* bit N: [kind N] was there */
	const struct key_row *last_key;        /* for continuation lines */
	unsigned last_key_line;
	char *const *settings; /* over what the file says */
	size_t nr_settings;
	bool replace; /* a value does not go behind the one that is there */
};

struct key_row {
	enum section_kind section;
	const char *name;
	int (*set)(struct parser *p, const char *value); /* 0, or -EINVAL: not what was expected */
	const char *expected;
	bool continues;        /* the value may go on in indented lines */
	const char *otherwise; /* docs: what holds without it */
	const char *meaning;   /* docs */
};

/* The section of that name and N of [name N]; SECTION_NONE: there is none. */
enum section_kind section_lookup(const char *name, unsigned *index);
const struct key_row *key_lookup(enum section_kind section, const char *name); /* NULL: none */
/* The bit of a key in keys_seen. */
uint32_t key_bit(const struct key_row *row);
/* A copy of the value in place of what is there. 0, or -ENOMEM, which p->status says as well. */
int set_string(struct parser *p, char **to, const char *value);
