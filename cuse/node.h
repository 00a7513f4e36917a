/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nodes of a drive: how each is named after it, and how it differs.  As
 * with st, /dev/st0 and /dev/nst0 are one drive with two ways to close it.
 */
#ifndef PMT_NODE_H
#define PMT_NODE_H

#include <stdbool.h>
#include <stddef.h>

struct node {
	const char *prefix, *suffix; /* around the name of the drive */
	unsigned mode;		     /* as drive_open() takes it */
	bool rewinds;		     /* on close */
	bool slave;		     /* the other end: no drive's */
};

#define NODE_MAX 9 /* that a drive can have */

/*
 * The nodes of a drive: st's two, or with ${modes} st's eight; and with ${pair}
 * those of a pair.  Returns how many; the place of a node among them is its
 * minor number, or in a FUSE file system, inode number - 2.
 */
size_t node_choose(bool modes, bool pair, const struct node *ret[NODE_MAX]);

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
