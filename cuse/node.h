/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nodes of a drive: how each is named after it, and how it differs.  As
 * with st, /dev/st0 and /dev/nst0 are one drive with two ways to close it.
 */
#ifndef PMT_NODE_H
#define PMT_NODE_H

#include <stdbool.h>

struct node {
	const char *prefix, *suffix; /* around the name of the drive */
	unsigned mode;		     /* as drive_open() takes it */
	bool rewinds;		     /* on close */
};

#define NODE_COUNT 8
#define NODE_PLAIN 2 /* those of mode 0 come first */

/* By the minor number of the node; in a FUSE file system, inode number - 2. */
extern const struct node node_table[NODE_COUNT];

/* The longest name of a drive, and of a node, bytes without the zero. */
#define NODE_MAX_BASE 60
#define NODE_MAX_NAME 63

/* The node's name, for a drive that is called ${base}. */
void node_name(const struct node *node, const char *base,
    char ret_name[NODE_MAX_NAME + 1]);

/*
 * Whether ${base} can name a drive: letters, digits, "_", "-" and ".", not
 * beginning with one of the last two.
 */
bool node_base_is_good(const char *base);

#endif
