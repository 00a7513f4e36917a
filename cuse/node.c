/* SPDX-License-Identifier: BSD-2-Clause */
/* The nodes of a drive; see node.h. */
#include <stdio.h>
#include <string.h>

#include "node.h"

const struct node node_table[NODE_COUNT] = {
	{ .prefix = "", .suffix = "", .mode = 0, .rewinds = true },
	{ .prefix = "n", .suffix = "", .mode = 0, .rewinds = false },
	{ .prefix = "", .suffix = "l", .mode = 1, .rewinds = true },
	{ .prefix = "n", .suffix = "l", .mode = 1, .rewinds = false },
	{ .prefix = "", .suffix = "m", .mode = 2, .rewinds = true },
	{ .prefix = "n", .suffix = "m", .mode = 2, .rewinds = false },
	{ .prefix = "", .suffix = "a", .mode = 3, .rewinds = true },
	{ .prefix = "n", .suffix = "a", .mode = 3, .rewinds = false },
};

void
node_name(const struct node *node, const char *base,
    char ret_name[NODE_MAX_NAME + 1])
{
	(void)snprintf(ret_name, NODE_MAX_NAME + 1, "%s%s%s", node->prefix,
	    base, node->suffix); /* fits, as the base is good */
}

bool
node_base_is_good(const char *base)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-.";
	size_t len = strlen(base);

	return len > 0 && len <= NODE_MAX_BASE && base[0] != '-' &&
	    base[0] != '.' && strspn(base, letters) == len;
}
