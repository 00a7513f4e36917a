/* SPDX-License-Identifier: BSD-2-Clause */
/* The nodes of a drive; see node.h. */
#include <stdio.h>
#include <string.h>

#include "node.h"

#define PLAIN 2 /* those of mode 0 come first */

static const struct node st_nodes[] = {
	{ .prefix = "", .suffix = "", .mode = 0, .rewinds = true },
	{ .prefix = "n", .suffix = "", .mode = 0, .rewinds = false },
	{ .prefix = "", .suffix = "l", .mode = 1, .rewinds = true },
	{ .prefix = "n", .suffix = "l", .mode = 1, .rewinds = false },
	{ .prefix = "", .suffix = "m", .mode = 2, .rewinds = true },
	{ .prefix = "n", .suffix = "m", .mode = 2, .rewinds = false },
	{ .prefix = "", .suffix = "a", .mode = 3, .rewinds = true },
	{ .prefix = "n", .suffix = "a", .mode = 3, .rewinds = false },
};
#define ST_NODES (sizeof(st_nodes) / sizeof(st_nodes[0]))

/* The master end by its name in a pair; one of st's has it already, maybe. */
static const struct node master_node = {
	.prefix = "",
	.suffix = "m",
	.mode = 0,
	.rewinds = true,
};
static const struct node slave_node = {
	.prefix = "",
	.suffix = "s",
	.slave = true,
};
_Static_assert(ST_NODES + 1 <= NODE_MAX, "all of them at once");

size_t
node_choose(bool modes, bool pair, const struct node *ret[NODE_MAX])
{
	size_t n = 0;

	while (n < (modes ? ST_NODES : PLAIN)) {
		ret[n] = &st_nodes[n];
		n++;
	}
	if (pair && !modes)
		ret[n++] = &master_node;
	if (pair)
		ret[n++] = &slave_node;
	return n;
}

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
