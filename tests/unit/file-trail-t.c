/* SPDX-License-Identifier: BSD-2-Clause */
/* The trail of places passed: what it remembers, in bounded memory. */
#include <stdlib.h>

#include "tap.h"
#include "trail.h"

#define LONG 3000000 /* objects, of 10 bytes; each fourth is a filemark */

static struct place
place_of(uint64_t object)
{
	return (struct place){ .offset = 100 + 10 * object,
		.object = object,
		.file = object / 4 };
}

static bool
is_place(const struct place *p)
{
	struct place expected = place_of(p->object);

	return p->offset == expected.offset && p->file == expected.file;
}

static void
note_up_to(struct trail *trail, uint64_t object)
{
	for (uint64_t i = 1; i <= object; i++) {
		struct place p = place_of(i);

		trail_note(trail, &p);
	}
}

static void
test_blank(void)
{
	struct trail *trail = trail_new(100);

	tap_is_int(0, (int64_t)trail_up_to(trail, 10, 10)->object,
	    "of a new trail BOT is known");
	tap_is_int(100, (int64_t)trail_up_to(trail, 0, 0)->offset,
	    "... with its offset");
	tap_ok(trail_from(trail, 1, 0) == NULL, "... and nothing after it");
	tap_ok(trail_from(trail, 0, 0) != NULL, "but BOT is from BOT");
	trail_free(trail);
	trail_free(NULL);
	tap_ok(true, "NULL can be freed");
}

/* Every place asked for is found no further away than it may be. */
static void
test_long(void)
{
	struct trail *trail = trail_new(100);
	uint64_t widest = 0;
	bool right = true;

	note_up_to(trail, LONG);
	for (uint64_t i = 0; i < LONG; i += 997) {
		const struct place *below = trail_up_to(trail, i, UINT64_MAX);
		const struct place *above = trail_from(trail, i, 0);

		right = right && is_place(below) && below->object <= i;
		if (i - below->object > widest)
			widest = i - below->object;
		right = right &&
		    (above == NULL || (is_place(above) && above->object >= i));
		below = trail_up_to(trail, UINT64_MAX, i / 4);
		above = trail_from(trail, 0, i / 4);
		right = right && is_place(below) && below->file <= i / 4 &&
		    (above == NULL || above->file >= i / 4);
	}
	tap_ok(right, "places are found by object and by file");
	tap_ok(widest <= LONG / 4096,
	    "none is further than 1/4096 of the tape "
	    "(%llu objects)",
	    (unsigned long long)widest);
	trail_cut(trail, LONG / 2);
	tap_ok(trail_up_to(trail, UINT64_MAX, UINT64_MAX)->object <= LONG / 2,
	    "what is cut off is forgotten");
	tap_ok(trail_from(trail, LONG / 2 + 1, 0) == NULL, "... in both ways");
	trail_cut(trail, 0);
	tap_is_int(0, (int64_t)trail_up_to(trail, LONG, LONG)->object,
	    "BOT never is");
	trail_free(trail);
}

static void
test_known_ground(void)
{
	struct trail *trail = trail_new(100);
	struct place again = { .offset = 7, .object = 500, .file = 0 };

	note_up_to(trail, 1000);
	trail_note(trail, &again);
	tap_ok(is_place(trail_up_to(trail, 500, UINT64_MAX)),
	    "a place on known ground changes nothing");
	trail_free(trail);
}

int
main(void)
{
	test_blank();
	test_long();
	test_known_ground();
	return tap_done();
}
