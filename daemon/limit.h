/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The limits of a medium that only pretends to have an end: capacity in bytes
 * or in objects, where early warning lies, and what record sizes it takes.
 * Tapes that keep their own data (null, file) hold one of these; it counts
 * nothing itself.
 *
 *     BOT ........................ warning point ........ end
 *                                  |<------ warn ------->|
 *
 * Early warning is told by position, on every write that ends past the warning
 * point, as real drives do (SSC-4 EOM bit; st.rst, "EOM behaviour").
 */
#ifndef PMT_LIMIT_H
#define PMT_LIMIT_H

#include "spec.h"
#include "tape.h"

struct limit {
	uint64_t capacity; /* bytes of medium, framing included; 0: none */
	uint64_t warn;	   /* bytes before the end where the warning lies */
	uint64_t objects;  /* records and filemarks; 0: no such limit */
	uint64_t warn_objects;
	uint32_t min_record, max_record, granularity; /* bytes */
};

/* The keys: capacity, warn, objects, warn_objects, min, max, granularity. */
extern const struct spec_key limit_keys[];

/* -EINVAL: they contradict each other; ${e} says how. */
int limit_from_spec(struct limit *ret_limit, const struct spec *spec,
    struct spec_error *e);

/* Whether a medium that then holds this much would be past its end. */
bool limit_exceeded(const struct limit *l, uint64_t bytes, uint64_t objects);

/* TAPE_EARLY_WARNING if a write that ends here is past the warning point. */
enum tape_cond limit_cond(const struct limit *l, uint64_t bytes,
    uint64_t objects);

/*
 * The largest record, bytes, that still fits after ${bytes} and ${objects},
 * where a record costs its length and ${bytes} already counts its framing.
 */
uint32_t limit_room(const struct limit *l, uint64_t bytes, uint64_t objects);

/* Fills in the record sizes and the capacity of ${info}. */
void limit_describe(const struct limit *l, struct tape_info *info);

#endif
