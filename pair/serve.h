/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any tape behind a slave end: each request becomes a call of tape.h, and the
 * reply tells what came of it, with the words of a failure.  Knows messages and
 * tapes, but no descriptors.
 */
#ifndef PMT_PAIR_SERVE_H
#define PMT_PAIR_SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pmt/pair.h>

struct tape;
struct serve;

/* ${t} stays the caller's, and has to live as long.  NULL: out of memory. */
struct serve *serve_new(struct tape *t);
void serve_free(struct serve *s); /* NULL is fine */

/*
 * Does what ${request} says, whatever it says: what a tape must not be called
 * with fails with EINVAL, and what depends on the position, if the drive takes
 * the tape to stand elsewhere than it does, with EIO, with nothing done.
 * ${room}: PMT_PAIR_MAX_RECORD bytes for a record that is read; it may hold the
 * record of the request.  What ${ret_reply} points to stands until the next
 * call.
 */
void serve_request(struct serve *s, const struct pmt_request *request,
    void *room, struct pmt_reply *ret_reply);

/* Where a tape was left, for who goes on with it; see serve_leave(). */
struct serve_place {
	bool loaded;
	uint32_t partition;
	uint64_t object;
	int compression, density; /* as set since the load; -1: not */
};

/*
 * Unloads the tape, for another process, and tells where it stood.  -EAGAIN: it
 * has lost its position, which only the drive can find again: the tape stays.
 * Else as tape_unload().
 */
int serve_leave(struct serve *s, struct serve_place *ret_place);

/*
 * Loads the tape, unless it was left unloaded, makes the settings and goes to
 * the place.  -EIO: that is not there; and as tape_load(), tape_set() and
 * tape_locate().  On failure it is not loaded.
 */
int serve_return(struct serve *s, const struct serve_place *place);

/* The bytes that a text of a place needs at most, with the zero. */
#define SERVE_PLACE_TEXT 160

/* A place as text, for another process; false: the text is of no place. */
void serve_place_put(const struct serve_place *place,
    char text[SERVE_PLACE_TEXT]);
bool serve_place_get(const char *text, struct serve_place *ret_place);

/* Why the last of them failed, in words. */
const char *serve_why(const struct serve *s);

#endif
