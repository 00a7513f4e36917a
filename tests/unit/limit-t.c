/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits of a medium: where warning and end lie, and which contradict. */
#include <errno.h>
#include <string.h>

#include "limit.h"
#include "null.h"
#include "tap.h"

static const struct tape_type *const types[] = { &null_tape_type, NULL };

static int
parse(const char *text, struct limit *ret_limit, struct spec_error *e)
{
	struct spec *s;
	int r = spec_parse(text, types, &s, e);

	if (r < 0)
		return r;
	r = limit_from_spec(ret_limit, s, e);
	spec_free(s);
	return r;
}

static void
refuses(const char *text, const char *words)
{
	struct spec_error e = { .text = "" };
	struct limit l;

	tap_is_int(-EINVAL, parse(text, &l, &e), "%s is refused", text);
	tap_ok(strstr(e.text, words) != NULL, "... saying \"%s\"", words);
}

static void
test_none(void)
{
	struct spec_error e;
	struct limit l;

	if (parse("null:", &l, &e) < 0)
		tap_bail("%s", e.text);
	tap_ok(!limit_exceeded(&l, UINT64_MAX, UINT64_MAX),
	    "without limits a medium never ends");
	tap_is_int(TAPE_NONE, limit_cond(&l, UINT64_MAX, UINT64_MAX),
	    "... and never warns");
	tap_is_int(TAPE_MAX_RECORD, limit_room(&l, UINT64_MAX, 0),
	    "... and has room for the largest record");
}

static void
test_bytes(void)
{
	struct tape_info info = { .capacity = 0 };
	struct spec_error e;
	struct limit l;

	if (parse("null:,capacity=1000,warn=100", &l, &e) < 0)
		tap_bail("%s", e.text);
	limit_describe(&l, &info);
	tap_is_int(1000, (int64_t)info.capacity, "the capacity is told");
	tap_is_int(100, (int64_t)info.reserve,
	    "... and what fits behind early warning");
	tap_is_int(TAPE_NONE, limit_cond(&l, 900, 1),
	    "a write that ends on the warning point does not warn");
	tap_is_int(TAPE_EARLY_WARNING, limit_cond(&l, 901, 1),
	    "one that ends past it does");
	tap_ok(!limit_exceeded(&l, 1000, 1), "the last byte fits");
	tap_ok(limit_exceeded(&l, 1001, 1), "one more does not");
	tap_is_int(10, limit_room(&l, 990, 1), "room is what is left");
	tap_is_int(0, limit_room(&l, 2000, 1), "... and never negative");
}

static void
test_objects(void)
{
	struct spec_error e;
	struct limit l;

	if (parse("null:,objects=10,warn_objects=2", &l, &e) < 0)
		tap_bail("%s", e.text);
	tap_is_int(TAPE_NONE, limit_cond(&l, 0, 8), "objects warn, too");
	tap_is_int(TAPE_EARLY_WARNING, limit_cond(&l, 0, 9),
	    "... from the first one past the point");
	tap_ok(!limit_exceeded(&l, 0, 10), "the last object fits");
	tap_ok(limit_exceeded(&l, 0, 11), "one more does not");
	tap_is_int(0, limit_room(&l, 0, 10), "then there is no room");
}

static void
test_default_warning(void)
{
	struct spec_error e;
	struct limit l;

	if (parse("null:,capacity=16M", &l, &e) < 0)
		tap_bail("%s", e.text);
	tap_is_int(1 << 20, (int64_t)l.warn,
	    "early warning is a sixteenth before the end by default");
	if (parse("null:,capacity=1T", &l, &e) < 0)
		tap_bail("%s", e.text);
	tap_is_int(64 << 20, (int64_t)l.warn, "... and at most 64 MiB");
}

int
main(void)
{
	test_none();
	test_bytes();
	test_objects();
	test_default_warning();
	refuses("null:,capacity=0", "must be 1 to");
	refuses("null:,warn=1", "needs a capacity=");
	refuses("null:,capacity=10,warn=10", "less than capacity=10");
	refuses("null:,objects=5,warn_objects=5", "less than objects=5");
	refuses("null:,warn_objects=5", "needs objects=");
	refuses("null:,min=2K,max=1K", "more than max=1024");
	return tap_done();
}
