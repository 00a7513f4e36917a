/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside a mirror: an object on its way to the legs, and what becomes of it on
 * each; what mirror_write.c and mirror_ring.c share.
 */
#ifndef PMT_MIRROR_ITEM_H
#define PMT_MIRROR_ITEM_H

#include "mirror_state.h"

/* What an object may cost besides its bytes. */
#define MIRROR_OBJECT_COST 64 /* bytes */

/* One object, or filemarks in a row, or none: a sync, or an erase. */
struct mirror_item {
	struct leg_call call;
	uint64_t objects, files, bytes;
	bool cuts; /* what follows is gone */
};

/* What became of an item on one leg. */
struct mirror_answer {
	enum leg_outcome outcome;
	struct tape_pos where;
	int result;
	enum tape_cond cond;
	bool unsynced; /* it took the item, but then could not sync */
	char why[160];
};

/* ... on each leg of a set. */
struct mirror_verdict {
	struct mirror_answer answers[MIRROR_MAX_LEGS]; /* by leg */
	mirror_set asked;
	bool synced; /* on all that have it */
};

/*
 * What the last call on each leg of a set made of an item that was to be
 * written at object ${before}; ${back}: those that have answered.
 */
void mirror_judge_answers(struct mirror *m, const struct mirror_item *item,
    uint64_t before, mirror_set set, mirror_set back, struct mirror_verdict *v);

/*
 * A leg that refuses an object for the first time may only have told early
 * warning so: it is asked to write it once more.
 */
void mirror_retry_refused(struct mirror *m, const struct mirror_item *item,
    uint64_t before, mirror_set set, struct mirror_verdict *v);

/*
 * What legs have taken near the end has to be on the medium, too: those of a
 * set that have the item, and stand at object ${at}, sync.
 */
void mirror_sync_on(struct mirror *m, mirror_set set, uint64_t at,
    struct mirror_verdict *v);

/*
 * A leg on which the item has died leaves the mirror, with what is good on it.
 * What it took before is only certain if it can still sync it, and stands where
 * it should.  One that has lied may have done so about any record since it was
 * asked last.  ${what}: more words, or "".
 */
void mirror_bury(struct mirror *m, size_t i, uint64_t object,
    const struct mirror_item *item, const struct mirror_answer *a,
    const char *what);

/* All healthy legs have what was written on their media. */
void mirror_note_durable(struct mirror *m);

/* From here on what is written comes out of the reserve. */
void mirror_enter_warn(struct mirror *m);

/*
 * The bytes that a leg has before its end, as far as is known, behind all that
 * was acknowledged; UINT64_MAX: not known.
 */
uint64_t mirror_left(struct mirror *m, size_t i);

/* The ring, with room for a record, and no leg that hangs looking at it. */
struct ring *mirror_ring_for(struct mirror *m, size_t len);

/* Whether records of ${len} bytes may be acknowledged before all legs have
 * them. */
bool mirror_may_run_ahead(struct mirror *m, size_t len);

/* The healthy legs, which stand where the mirror does, begin to stream. */
void mirror_begin_ahead(struct mirror *m);

enum mirror_ahead {
	AHEAD_ACCEPTED, /* a healthy leg has it */
	AHEAD_DECIDE,	/* something is wrong: all have answered */
	AHEAD_STOPPED,	/* not written: the legs have to be in step */
};

/*
 * Puts a record into the ring.  ${ret_item}: the record; ${ret_verdict}: if
 * there is something to decide, what became of it.
 */
enum mirror_ahead mirror_put_ahead(struct mirror *m, const void *buf,
    size_t len, struct mirror_item *ret_item,
    struct mirror_verdict *ret_verdict);

#endif
