/* SPDX-License-Identifier: BSD-2-Clause */
/* The limits of a pretended medium; see limit.h.  Owns no state of a tape. */
#include <errno.h>
#include <inttypes.h>

#include "limit.h"

/* Where early warning lies if nobody says: this much before the end. */
#define WARN_DEFAULT ((uint64_t)64 << 20)
#define WARN_SHARE 16 /* ... but never more than this part of the capacity */

const struct spec_key limit_keys[] = {
	{ "capacity", SPEC_SIZE, 1, INT64_MAX },
	{ "warn", SPEC_SIZE, 0, INT64_MAX },
	{ "objects", SPEC_NUMBER, 1, INT64_MAX },
	{ "warn_objects", SPEC_NUMBER, 0, INT64_MAX },
	{ "min", SPEC_SIZE, 1, TAPE_MAX_RECORD },
	{ "max", SPEC_SIZE, 1, TAPE_MAX_RECORD },
	{ "granularity", SPEC_SIZE, 1, TAPE_MAX_RECORD },
	{ NULL, SPEC_TEXT, 0, 0 },
};

static uint64_t
warn_default(uint64_t capacity)
{
	uint64_t share = capacity / WARN_SHARE;

	return share < WARN_DEFAULT ? share : WARN_DEFAULT;
}

static int
check_limit(const struct limit *l, const struct spec *spec,
    struct spec_error *e)
{
	if (l->capacity == 0 && spec_has(spec, "warn"))
		return spec_fail(e, EINVAL,
		    "warn= needs a capacity= to lie before");
	if (l->capacity != 0 && l->warn >= l->capacity)
		return spec_fail(e, EINVAL,
		    "warn=%" PRIu64 " must be less than capacity=%" PRIu64,
		    l->warn, l->capacity);
	if (l->objects == 0 && l->warn_objects != 0)
		return spec_fail(e, EINVAL,
		    "warn_objects= needs objects= to lie before");
	if (l->objects != 0 && l->warn_objects >= l->objects)
		return spec_fail(e, EINVAL,
		    "warn_objects=%" PRIu64
		    " must be less than objects=%" PRIu64,
		    l->warn_objects, l->objects);
	if (l->min_record > l->max_record)
		return spec_fail(e, EINVAL,
		    "min=%" PRIu32 " is more than max=%" PRIu32, l->min_record,
		    l->max_record);
	return 0;
}

int
limit_from_spec(struct limit *ret_limit, const struct spec *spec,
    struct spec_error *e)
{
	struct limit l = {
		.capacity = spec_number(spec, "capacity", 0),
		.objects = spec_number(spec, "objects", 0),
		.warn_objects = spec_number(spec, "warn_objects", 0),
		.min_record = (uint32_t)spec_number(spec, "min", 1),
		.max_record =
		    (uint32_t)spec_number(spec, "max", TAPE_MAX_RECORD),
		.granularity = (uint32_t)spec_number(spec, "granularity", 1),
	};
	int r;

	l.warn = spec_number(spec, "warn", warn_default(l.capacity));
	r = check_limit(&l, spec, e);
	if (r < 0)
		return r;
	*ret_limit = l;
	return 0;
}

bool
limit_exceeded(const struct limit *l, uint64_t bytes, uint64_t objects)
{
	return (l->capacity != 0 && bytes > l->capacity) ||
	    (l->objects != 0 && objects > l->objects);
}

enum tape_cond
limit_cond(const struct limit *l, uint64_t bytes, uint64_t objects)
{
	if (l->capacity != 0 && bytes > l->capacity - l->warn)
		return TAPE_EARLY_WARNING;
	if (l->objects != 0 && objects > l->objects - l->warn_objects)
		return TAPE_EARLY_WARNING;
	return TAPE_NONE;
}

uint32_t
limit_room(const struct limit *l, uint64_t bytes, uint64_t objects)
{
	uint64_t room = TAPE_MAX_RECORD;

	if (l->objects != 0 && objects >= l->objects)
		return 0;
	if (l->capacity != 0)
		room = bytes < l->capacity ? l->capacity - bytes : 0;
	return room < l->max_record ? (uint32_t)room : l->max_record;
}

void
limit_describe(const struct limit *l, struct tape_info *info)
{
	info->capacity = l->capacity;
	info->reserve = l->capacity > 0 ? l->warn : 0;
	info->min_record = l->min_record;
	info->max_record = l->max_record;
	info->granularity = l->granularity;
}
