/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Places in the order of the tape, at least ${interval} objects apart.  When
 * the array is full every second one is dropped and the interval doubles, so
 * a walk from the nearest place is about 2 / TRAIL_MAX of the tape at worst.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "trail.h"

#define TRAIL_FIRST 64	  /* places in the first allocation */
#define TRAIL_MAX 16384	  /* places, of 24 bytes each */
#define TRAIL_INTERVAL 32 /* objects between places at first */

struct trail {
	struct place *places; /* the first of them is BOT */
	size_t n, room;
	uint64_t interval; /* objects */
};

struct trail *
trail_new(uint64_t offset)
{
	struct trail *trail = calloc(1, sizeof(*trail));

	if (trail == NULL)
		return NULL;
	trail->places = calloc(TRAIL_FIRST, sizeof(*trail->places));
	if (trail->places == NULL) {
		free(trail);
		return NULL;
	}
	trail->places[0].offset = offset;
	trail->n = 1;
	trail->room = TRAIL_FIRST;
	trail->interval = TRAIL_INTERVAL;
	return trail;
}

void
trail_free(struct trail *trail)
{
	if (trail == NULL)
		return;
	free(trail->places);
	free(trail);
}

/* Drops every second place, but never BOT. */
static void
thin_out(struct trail *trail)
{
	size_t kept = 0;

	for (size_t i = 0; i < trail->n; i += 2)
		trail->places[kept++] = trail->places[i];
	trail->n = kept;
	trail->interval *= 2;
}

/* Room for one more place, by growing or, if that can't be, by thinning. */
static void
make_room(struct trail *trail)
{
	struct place *grown = NULL;

	if (trail->n < trail->room)
		return;
	if (trail->room < TRAIL_MAX)
		grown = reallocarray(trail->places, trail->room * 2,
		    sizeof(*grown));
	if (grown == NULL) {
		thin_out(trail);
		return;
	}
	trail->places = grown;
	trail->room *= 2;
}

void
trail_note(struct trail *trail, const struct place *place)
{
	const struct place *last = &trail->places[trail->n - 1];

	if (place->object < last->object + trail->interval)
		return;
	/* A file that changes under us can break the order: not our mistake. */
	if (place->offset <= last->offset || place->file < last->file)
		return;
	make_room(trail);
	trail->places[trail->n++] = *place;
}

void
trail_cut(struct trail *trail, uint64_t object)
{
	while (trail->n > 1 && trail->places[trail->n - 1].object > object)
		trail->n--;
}

static bool
is_up_to(const struct place *place, uint64_t object, uint64_t file)
{
	return place->object <= object && place->file <= file;
}

static bool
is_from(const struct place *place, uint64_t object, uint64_t file)
{
	return place->object >= object && place->file >= file;
}

const struct place *
trail_up_to(const struct trail *trail, uint64_t object, uint64_t file)
{
	size_t low = 0, high = trail->n; /* low holds, high does not */

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (is_up_to(&trail->places[mid], object, file))
			low = mid;
		else
			high = mid;
	}
	return &trail->places[low];
}

const struct place *
trail_from(const struct trail *trail, uint64_t object, uint64_t file)
{
	size_t low = 0, high = trail->n; /* the answer is in low .. high */

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (is_from(&trail->places[mid], object, file))
			high = mid;
		else
			low = mid + 1;
	}
	return low < trail->n ? &trail->places[low] : NULL;
}
