/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The records of a mirror that are under way, one copy of each, in memory that
 * several legs read: one puts them in, each leg takes them at its own pace.
 *
 * Knows nothing of legs: who puts says from where on they are still needed.
 * Whoever may look at the memory holds a reference; it goes with the last of
 * them, so that a leg that hangs does not lose its record.
 */
#ifndef PMT_MIRROR_RING_H
#define PMT_MIRROR_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring;

#define RING_PAGE ((size_t)4096) /* a record begins on one, and has no less */

/* A record: number ${seq}, from 0, of those that went through a ring. */
struct ring_record {
	const uint8_t *data; /* begins on a page */
	size_t len;	     /* bytes */
	uint64_t before;     /* bytes of all records before it */
};

/* For ${size} bytes and more, in pages.  NULL: no memory. */
struct ring *ring_new(size_t size);

/* The largest record that it can take, bytes. */
size_t ring_size(const struct ring *r);

struct ring *ring_ref(struct ring *r);
void ring_unref(struct ring *r); /* NULL is fine */

/* Whether nobody but the caller holds it. */
bool ring_is_ours(const struct ring *r);

/*
 * Puts a copy of a record in, behind those that are still needed: from number
 * ${needed} on.  False: there is no room for it now.  One thread does this.
 */
bool ring_put(struct ring *r, const void *data, size_t len, uint64_t needed);

/* How many were put in; any thread may ask, and read those that are needed. */
uint64_t ring_count(const struct ring *r);
struct ring_record ring_record(const struct ring *r, uint64_t seq);

/* The bytes of all that were put in, for the thread that does so. */
uint64_t ring_total(const struct ring *r);

#endif
