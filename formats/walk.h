/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way back in a format that only leads forward, as its records do not say
 * behind them how long they were: remembers places where objects begin, and
 * finds what precedes one by walking to it from the last remembered place
 * before it.  Memory is bounded; see walk.c.
 */
#ifndef PMT_WALK_H
#define PMT_WALK_H

#include <stdint.h>

struct image;
struct image_object;
struct walk;

/* For an image that begins at ${bot}.  NULL: out of memory. */
struct walk *walk_new(uint64_t bot);
void walk_free(struct walk *walk);

/* Objects begin at ${at}: to be told of each that image_next() meets. */
void walk_note(struct walk *walk, uint64_t at);

/* The image now ends at ${at}. */
void walk_cut(struct walk *walk, uint64_t at);

/*
 * As image_prev(), which it serves: walks forward with image_next(). IMAGE_NONE
 * at BOT.  -EBADMSG: no object ends where ${at} says.
 */
int walk_prev(struct walk *walk, struct image *image, uint64_t at,
    struct image_object *ret_object);

#endif
