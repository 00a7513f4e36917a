/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way back; see walk.h.  Two memories:
 *
 *     marks   places where objects begin, in order, at least ${interval} bytes
 *             apart; when they are too many every second one is dropped and
 *             the interval doubles
 *     run     the last objects of the last walk, without a hole, so that one
 *             step back after the other costs one walk for many
 *
 * A walk reads the headers between two marks, at most; so a step back costs
 * 1 / WALK_MARKS of the image in the worst case, divided by the run.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "walk.h"

#define WALK_MARKS 16384		   /* places, of 8 bytes each */
#define WALK_INTERVAL ((uint64_t)64 << 10) /* bytes, at first */
#define WALK_RUN 512			   /* objects */

struct walk {
	uint64_t marks[WALK_MARKS]; /* the first of them is BOT */
	size_t n_marks;
	uint64_t interval; /* bytes */
	struct image_object run[WALK_RUN];
	size_t n_run;
};

struct walk *
walk_new(uint64_t bot)
{
	struct walk *walk = calloc(1, sizeof(*walk));

	if (walk == NULL)
		return NULL;
	walk->marks[0] = bot;
	walk->n_marks = 1;
	walk->interval = WALK_INTERVAL;
	return walk;
}

void
walk_free(struct walk *walk)
{
	free(walk);
}

/* Drops every second mark, but never BOT. */
static void
thin_out(struct walk *walk)
{
	size_t kept = 0;

	for (size_t i = 0; i < walk->n_marks; i += 2)
		walk->marks[kept++] = walk->marks[i];
	walk->n_marks = kept;
	walk->interval *= 2;
}

void
walk_note(struct walk *walk, uint64_t at)
{
	uint64_t last = walk->marks[walk->n_marks - 1];

	if (at < last || at - last < walk->interval)
		return;
	if (walk->n_marks == WALK_MARKS)
		thin_out(walk);
	walk->marks[walk->n_marks++] = at;
}

void
walk_cut(struct walk *walk, uint64_t at)
{
	while (walk->n_marks > 1 && walk->marks[walk->n_marks - 1] > at)
		walk->n_marks--;
	while (walk->n_run > 0 && walk->run[walk->n_run - 1].end > at)
		walk->n_run--;
}

/* The last mark before ${at}, which is after BOT. */
static uint64_t
mark_before(const struct walk *walk, uint64_t at)
{
	size_t low = 0, high = walk->n_marks; /* low is before, high is not */

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (walk->marks[mid] < at)
			low = mid;
		else
			high = mid;
	}
	return walk->marks[low];
}

static void
add_to_run(struct walk *walk, const struct image_object *object)
{
	if (walk->n_run == WALK_RUN) {
		/* The older half: it is the last ones that are wanted. */
		walk->n_run = WALK_RUN / 2;
		memmove(walk->run, walk->run + WALK_RUN / 2,
		    walk->n_run * sizeof(walk->run[0]));
	}
	walk->run[walk->n_run++] = *object;
}

/* Fills the run with what lies before ${at}. */
static int
walk_to(struct walk *walk, struct image *image, uint64_t at)
{
	struct image_object object = { .end = mark_before(walk, at) };
	int r;

	walk->n_run = 0;
	while (object.end < at) {
		r = image_next(image, object.end, &object);
		if (r < 0)
			return r;
		if (object.kind == IMAGE_NONE)
			break;
		add_to_run(walk, &object);
	}
	return 0;
}

/* The object of the run that ends at ${at}, or NULL. */
static const struct image_object *
look_up(const struct walk *walk, uint64_t at)
{
	for (size_t i = walk->n_run; i-- > 0;)
		if (walk->run[i].end <= at)
			return walk->run[i].end == at ? &walk->run[i] : NULL;
	return NULL;
}

int
walk_prev(struct walk *walk, struct image *image, uint64_t at,
    struct image_object *ret_object)
{
	const struct image_object *found;
	int r;

	if (at <= walk->marks[0])
		return image_nothing(at, ret_object);
	found = look_up(walk, at);
	if (found == NULL) {
		r = walk_to(walk, image, at);
		if (r < 0)
			return r;
		found = look_up(walk, at);
	}
	if (found == NULL)
		return image_damaged(image, at,
		    "no object ends here; the image has changed while in use");
	*ret_object = *found;
	return 0;
}
