/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a mirror makes of what became of an object on each of its legs.  Pure:
 * tables and counts, no tape is touched.  The words are those of the manual
 * page pmt-mirror(7).
 */
#ifndef PMT_MIRROR_DECIDE_H
#define PMT_MIRROR_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tape.h"

/* What became of an object on one leg. */
enum leg_outcome {
	LEG_ON,	     /* it is on the tape */
	LEG_ON_EW,   /* it is on the tape, and early warning was met */
	LEG_FULL,    /* the medium has no room for it; nothing was written */
	LEG_SUSPECT, /* it is on the tape, but the leg says that it failed */
	LEG_FAILED,  /* it is not on the tape */
	LEG_LIE,     /* it is not on the tape, but the leg says that it is */
	LEG_LOST,    /* nobody knows */
};

/* What to do about a leg that fails while others do not. */
enum mirror_policy {
	POLICY_DEGRADE,	 /* go on with the others */
	POLICY_MARKFULL, /* go on, and end the volume: as if at early warning */
	POLICY_STOP,	 /* take it back and fail */
};

/* What to do about an object, when all legs have answered. */
enum mirror_decision {
	DECIDE_COMMIT,	    /* it counts */
	DECIDE_COMMIT_WARN, /* it counts, and early warning is told */
	DECIDE_UNDO_FULL,   /* take it back where it is; end of the medium */
	DECIDE_UNDO_FAIL,   /* take it back where it is; failure, for good */
	DECIDE_FAIL,	    /* no leg is left */
};

/*
 * The outcome of writing ${objects} objects on a leg that stood at ${before},
 * from what the call gave and where the leg's tape stands now.  Position tells,
 * not the errno.
 */
enum leg_outcome mirror_outcome(uint64_t before, uint64_t objects, int result,
    enum tape_cond cond, const struct tape_pos *after);

/*
 * What a mirror judges by: mirror_outcome(), or what a test has put there to
 * see that it is noticed.  NULL: mirror_outcome() again.  Set it while no
 * mirror is used.
 */
typedef enum leg_outcome mirror_judge(uint64_t before, uint64_t objects,
    int result, enum tape_cond cond, const struct tape_pos *after);
void mirror_set_judge(mirror_judge *judge);
mirror_judge *mirror_get_judge(void);

/* Whether a leg with this outcome is dead from now on. */
bool mirror_outcome_is_death(enum leg_outcome outcome);

/* Whether the object is on the leg's tape. */
bool mirror_outcome_is_on(enum leg_outcome outcome);

/* "failed", "says that it is written, but it is not", for messages. */
const char *mirror_outcome_words(enum leg_outcome outcome);

/* All ${n} outcomes of the legs that were healthy before. */
enum mirror_decision mirror_decide(const enum leg_outcome *outcomes, size_t n,
    enum mirror_policy policy);

#endif
