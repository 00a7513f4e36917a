/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may open what through the server.
 *
 * A device name is one of
 *
 *     an alias        a name that the table has for a spec or a node
 *     /dev/nst0       a tape node, by any absolute path
 *     [rewind:]SPEC   a tape spec
 *
 * and rules grant names.  Two sources of rules there may be, the table and the
 * command line; what is opened must be granted by every source that is there.
 * Where there is none the tape nodes are granted, and nothing else.
 *
 * The table is a file of lines; "#" begins a comment line:
 *
 *     alias NAME [rewind] SPEC      NAME has letters, digits, "_", "-", "."
 *     allow USER HOST RIGHTS NAMES
 *
 * USER is a user's name or "*"; HOST a pattern for the address of the client,
 * which is "-" if nobody tells; RIGHTS one of ro, rw, and create, which is rw
 * and the making of new images; NAMES, the rest of the line, a pattern: of an
 * alias, of the path of a node, or of TYPE:PATH for the types that name a path.
 * The first line that fits a name decides.
 *
 * Patterns are those of fnmatch(3), in which "*" passes over no "/" and no
 * leading "."; those of paths are held against the real path, free of links.
 * A directory that a pattern names before its first "*" may be a link.
 *
 * A spec that a client sends is granted piece by piece: each of its leaves must
 * be, and an option only if it can't name a file or run a command.  For all
 * else there are aliases, which are granted by their name and otherwise taken
 * as they stand.
 */
#ifndef PMT_RMT_TABLE_H
#define PMT_RMT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "spec.h"

struct rmt_table;

enum rmt_rights {
	RMT_READ_ONLY,
	RMT_READ_WRITE,
	RMT_CREATE, /* and new images may be made */
};

/* Who asks, and what there is to decide by. */
struct rmt_policy {
	const char *user;
	const char *host;	       /* "-": not known */
	const struct rmt_table *table; /* NULL: no table */
	const char *const *allowed;    /* patterns of the command line */
	size_t n_allowed;	       /* 0: none were given */
	enum rmt_rights allowed_rights;
	const struct tape_type *const *types;
};

/* What may be opened. */
struct rmt_grant {
	char *name; /* as the client calls it */
	char *text; /* the whole spec, or the path of the node */
	bool is_node;
	bool read_only;
	bool rewinds; /* on close */
	bool trusted; /* from the table: links in it are meant */
};

/*
 * The table in a file, which root must own, and nobody else may be able to
 * write to.  -ENOENT: there is no such file; -EPERM: it may not be used;
 * -EINVAL: a fault in a line, which the words name.
 */
int rmt_table_read(const char *path, struct rmt_table **ret_table,
    struct spec_error *e);

/* The same from memory; ${name} is for the words. */
int rmt_table_parse(const char *text, size_t len, const char *name,
    struct rmt_table **ret_table, struct spec_error *e);

void rmt_table_free(struct rmt_table *table);

/*
 * What ${name} means, and whether it may be opened; ${create}: the client would
 * have a missing image made.  -EACCES: not granted, whether it is there or not;
 * -EINVAL: granted, but no spec; -ENOMEM.  The words are for the log: they may
 * tell what the client should not know.
 */
int rmt_table_decide(const struct rmt_policy *policy, const char *name,
    bool create, struct rmt_grant *ret_grant, struct spec_error *e);

/*
 * Whether the paths of a granted spec still are what they were when it was
 * decided on: no link has come into them.
 */
bool rmt_table_still_real(const struct rmt_grant *grant,
    const struct spec *spec);

void rmt_table_free_grant(struct rmt_grant *grant);

#endif
