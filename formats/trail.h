/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trail: places that a tape has passed, remembered so that it need not be
 * walked again to come back to them.  One in so many places is kept, fewer as
 * the tape grows, so the memory is bounded whatever the tape holds.
 */
#ifndef PMT_TRAIL_H
#define PMT_TRAIL_H

#include <stdint.h>

/* A place between two objects. */
struct place {
	uint64_t offset; /* bytes of image before here */
	uint64_t object; /* objects before here */
	uint64_t file;	 /* filemarks before here */
};

struct trail;

/* A trail that knows BOT, which is at ${offset}.  NULL: out of memory. */
struct trail *trail_new(uint64_t offset);
void trail_free(struct trail *trail);

/* Notes a place; one that lies before the last one noted is known already. */
void trail_note(struct trail *trail, const struct place *place);

/* Forgets all places after ${object}: the tape now ends there. */
void trail_cut(struct trail *trail, uint64_t object);

/*
 * The last place that has at most this many objects and filemarks before it.
 * There always is one: BOT.  Valid until the trail changes.
 */
const struct place *trail_up_to(const struct trail *trail, uint64_t object,
    uint64_t file);

/* The first place that has at least as many before it, or NULL. */
const struct place *trail_from(const struct trail *trail, uint64_t object,
    uint64_t file);

#endif
