/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside a mirror: what the mirror*.c files share, and nobody else. */
#ifndef PMT_MIRROR_STATE_H
#define PMT_MIRROR_STATE_H

#include "decide.h"
#include "leg.h"
#include "tape.h"

#define MIRROR_MAX_LEGS 8

/* After early warning, besides eom_reserve=. */
#define MIRROR_RESERVE_RECORDS 64
#define MIRROR_RESERVE_MARKS 8

/*
 *     RUN ----------> WARN ----------> FULL
 *      |  first early   |  the reserve   |
 *      |  warning       |  is used up,   |  any motion back, rewind, erase:
 *      |                |  or no room    |  RUN again
 *      |
 *      +--> FAILED    no healthy leg, or on_leg_error=stop: writes fail until
 *      |              the tape is loaded again
 *      +--> DIVERGED  the legs hold different objects: all fails until then
 */
enum mirror_state {
	MIRROR_RUN,
	MIRROR_WARN,
	MIRROR_FULL,
	MIRROR_FAILED,
	MIRROR_DIVERGED,
};

/* The legs a call is meant for, as bits. */
typedef uint32_t mirror_set;

#define MIRROR_BIT(i) ((mirror_set)1 << (i))

struct mirror {
	struct tape base;
	struct leg *legs[MIRROR_MAX_LEGS];
	size_t n_legs;
	struct bell moved; /* a leg has done something */

	enum mirror_policy policy;
	unsigned timeout_ms; /* 0: none */
	uint64_t margin;     /* bytes */
	uint64_t reserve;    /* bytes */
	bool verify, read_longer, degraded_open;
	uint64_t ring_size; /* bytes; 0: ack=lockstep */

	struct ring *ring;   /* the records that are under way, or NULL */
	mirror_set ahead;    /* the legs that stream, each at its own pace */
	uint64_t ahead_base; /* the object that record 0 of the ring would be,
				modulo 2^64 */

	bool loaded;
	bool protected; /* since it was loaded */
	enum mirror_state state;
	mirror_set settled; /* legs, but for those whose death was dealt with */
	uint64_t reserve_bytes, reserve_records, reserve_marks; /* left */
	uint64_t bytes;	    /* of the records before here, or LEG_NO_BYTES */
	uint64_t unchecked; /* written since the legs were asked where they are,
			       bytes and a bit more for each object */
	uint64_t margin_in; /* so much later ask for the margin again */
	int compression;    /* 0, 1; -1: not known */
	size_t reader;	    /* the leg that is read */
	bool ends_known; /* the legs were asked where they end, or we wrote */
	uint64_t first_end; /* the object at which the first of them ends; or
			       UINT64_MAX: all end together */
	size_t ends_first;  /* ... and which leg that is */
};

struct mirror *mirror_of(struct tape *t);

mirror_set mirror_healthy(const struct mirror *m);
/* ... of those, the ones that can be read from where they are. */
mirror_set mirror_readable(const struct mirror *m);
size_t mirror_count(mirror_set set);

/* Goes through the legs of a set. */
#define MIRROR_EACH(m, set, i)                   \
	for (size_t i = 0; i < (m)->n_legs; i++) \
		if (((set) >> i & 1) != 0)

/*
 * One call on every leg of a set, at the same time.  Those that do not return
 * are killed; the result is the set of the others.
 */
mirror_set mirror_run(struct mirror *m, mirror_set set,
    const struct leg_call *call);

/*
 * A leg is dead, for at ${object} it has not answered within so many
 * milliseconds.
 */
void mirror_give_up(struct mirror *m, size_t i, uint64_t object, uint64_t ms);

/*
 * Lets all legs write what was acknowledged: to be called before anything but a
 * record.  Those that can't are dead; at early warning the state is WARN.
 */
void mirror_drain(struct mirror *m);

/* The same on one leg; false if it does not return. */
bool mirror_run_one(struct mirror *m, size_t i, const struct leg_call *call);

/*
 * Brings the legs of a set to where the mirror stands.  Those that can't be are
 * out: dead if it is to write, else lame, or the mirror is DIVERGED.  The
 * result is the set of the others.
 */
mirror_set mirror_bring(struct mirror *m, mirror_set set, bool to_write);

/*
 * A leg has failed in reading or moving.  If it has not synced all that it
 * took, and that is not there any more, it is dead; but not the last leg, from
 * which something may still come: then the mirror has failed.
 */
void mirror_doubt(struct mirror *m, size_t i, const char *what);

/* ... and it is not read until the tape is rewound. */
void mirror_be_lame(struct mirror *m, size_t i, const char *what);
void mirror_be_shorter(struct mirror *m, size_t i);

/*
 * Asks the legs of a set where they are, twice if need be.  The result is the
 * set of those that know; see leg_result()->where.
 */
mirror_set mirror_ask(struct mirror *m, mirror_set set);

/* Kills the legs that are not where they should be, after ${bytes} or more. */
void mirror_check(struct mirror *m, uint64_t bytes);

/*
 * Before a motion, a read, or the end: what was written is all there, on every
 * leg, or that is dead.
 */
void mirror_end_writing(struct mirror *m);

/* What was written at the end of the medium is behind: RUN again. */
void mirror_leave_end(struct mirror *m);

/* The largest record, bytes, that leaves room to close the tape. */
uint64_t mirror_room(struct mirror *m);

/* The bytes before an object, if any leg knows. */
uint64_t mirror_bytes_before(const struct mirror *m, uint64_t object);

/* -ENOMEDIUM, -EIO for the states in which nothing goes. */
int mirror_need_medium(struct mirror *m);

/* Notes where the mirror stands. */
void mirror_stand(struct mirror *m, uint64_t object, uint64_t file);

/* The legs differ; says how.  -EIO. */
int mirror_diverge(struct mirror *m, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Fails with the words of a leg. */
int mirror_fail_as(struct mirror *m, size_t i, int err);

/* In mirror_read.c and mirror_write.c: members of the vtable. */
int mirror_read(struct tape *t, void *buf, size_t size, size_t *ret_len,
    enum tape_cond *ret_cond);
int mirror_space(struct tape *t, enum tape_unit unit, int64_t count,
    uint64_t *ret_done, enum tape_cond *ret_cond);
int mirror_locate(struct tape *t, uint32_t partition, uint64_t object,
    enum tape_cond *ret_cond);
int mirror_rewind(struct tape *t);
int mirror_write(struct tape *t, const void *buf, size_t len,
    enum tape_cond *ret_cond);
int mirror_write_filemarks(struct tape *t, uint32_t count, bool immediate,
    uint32_t *ret_done, enum tape_cond *ret_cond);
int mirror_erase(struct tape *t, bool whole);

#endif
