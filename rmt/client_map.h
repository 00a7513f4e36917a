/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of a tape that does not tell where it is: where the filemarks
 * are, from BOT up to an edge, beyond which it has not been seen.  With that
 * every motion up to the edge can be said in filemarks and records.
 */
#ifndef PMT_RMT_CLIENT_MAP_H
#define PMT_RMT_CLIENT_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rmt_map {
	uint64_t *marks; /* the objects that are filemarks, ascending */
	size_t n, size;
	uint64_t edge; /* objects that are known */
	bool ends;     /* the edge is EOD */
};

/* Nothing is known: the edge is BOT. */
void rmt_map_clear(struct rmt_map *m);
void rmt_map_free(struct rmt_map *m);

/* One more object at the edge.  -ENOMEM: it can't be noted. */
int rmt_map_add(struct rmt_map *m, bool is_filemark);

/* Forgets what is behind the first ${object} objects. */
void rmt_map_cut(struct rmt_map *m, uint64_t object);

/* Filemarks before ${object}. */
uint64_t rmt_map_files(const struct rmt_map *m, uint64_t object);

/* The first object of the file that ${object} is in. */
uint64_t rmt_map_start(const struct rmt_map *m, uint64_t object);

/* The filemark at or after ${object}; the edge if none is known. */
uint64_t rmt_map_mark(const struct rmt_map *m, uint64_t object);

#endif
