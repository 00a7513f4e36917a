/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A leg of a mirror: a tape of its own, used by a thread of its own, so that
 * the legs move at the same time and one that hangs can be left behind.  Knows
 * what the leg should hold; the mirror decides what that means.
 *
 *     HEALTHY ----> DEAD      leg_kill(): for the volume, with the reason and
 *        |                    the good prefix
 *        +--------> STUCK     a call has not returned in time: dead too, and
 *                             its tape must not be touched until it does
 *
 * The thread carries out a call that it is given; or it streams: it writes the
 * records of a ring, one after the other, as long as they are plain successes.
 *
 *     IDLE ---leg_stream()---> streaming ---other than success---> HALTED
 *       ^                        |    ^                               |
 *       +-----leg_leave()--------+----+--------leg_resume()-----------+
 *
 * HALTED, and streaming with nothing left to write, it is free for a call.
 */
#ifndef PMT_MIRROR_LEG_H
#define PMT_MIRROR_LEG_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "bell.h"
#include "ring.h"
#include "tape.h"

/* So much of a tape, counted from BOT. */
struct leg_extent {
	uint64_t objects; /* records and filemarks */
	uint64_t files;	  /* filemarks */
	uint64_t bytes;	  /* of the records; LEG_NO_BYTES: not known */
};

#define LEG_NO_BYTES UINT64_MAX

/*
 * A call on a tape, as a value.  What is read goes to a buffer of the leg's
 * own, and what is written comes out of a ring, to which the leg holds a
 * reference: a call that does not return must not keep anybody else's memory.
 */
struct leg_call {
	int (*run)(struct tape *t, struct leg_call *call);
	unsigned patience; /* how many times leg_timeout= it may take */
	uint8_t *buf;	   /* the leg's, to read into */
	struct ring *ring; /* of the data */
	const void *data;  /* to write */
	size_t size;	   /* bytes to write, or to read at most */
	uint32_t marks;	   /* filemarks */
	bool flag;	   /* immediate, or whole */
	enum tape_unit unit;
	int64_t count; /* of units */
	uint64_t object;
	uint32_t partition;
	enum tape_param param;
	uint32_t value;

	/* What came of it. */
	int result;
	enum tape_cond cond;
	size_t len;	       /* bytes */
	uint64_t done;	       /* units, or filemarks */
	struct tape_pos where; /* of a tell */
};

struct leg {
	struct tape *tape;
	char name[64]; /* "leg 1 (st:/dev/nst0)" */
	bool dead;     /* for this volume */
	bool lame;     /* can't be read from here; it may when it has rewound */
	bool shorter;  /* lame because it ends before the others */
	bool stuck;    /* its thread is in a call that does not return */
	bool tail;     /* an object that was taken back is still behind it */
	char reason[256];	    /* why it is dead */
	bool warned;		    /* has met early warning on this volume */
	struct leg_extent expected; /* what it has taken and holds */
	struct leg_extent durable;  /* ... at the last sync */
	struct leg_extent prefix;   /* of a dead leg: what is good */
	uint64_t errors;	    /* failed calls */
	uint64_t busy_ns;	    /* time spent in writing */
	uint64_t written;	    /* bytes, in that time */

	/* What the thread shares with the mirror's. */
	pthread_t thread;
	struct bell work;   /* there is something to do */
	struct bell *moved; /* something was done; the mirror's */
	pthread_mutex_t lock;
	struct leg_call call;
	uint8_t *buf;
	size_t room;	     /* bytes of it */
	atomic_bool pending; /* the thread has a call to carry out */
	atomic_bool ending;
	bool unload_later;
	bool orphaned; /* frees itself, when the call comes back */

	/* Streaming, all but the atomics under the lock. */
	struct ring *ring;	   /* NULL: it does not */
	bool cut;		   /* it is left behind */
	_Atomic uint64_t taken;	   /* records of the ring that it holds */
	_Atomic uint64_t began_ns; /* when it began the next; 0: it has not */
	atomic_bool halted;	   /* the call says what came of the next */
	bool strayed;		   /* halted: it is not where it should be */
	bool heedless;		   /* early warning is no reason to halt */
	uint64_t unchecked;	   /* bytes since it was asked where it is */
	struct tape_info info;	   /* lately ... */
	uint64_t info_bytes;	   /* ... when so many bytes of the ring were
				      written */
};

/*
 * Takes over ${t}, if it succeeds; ${moved} is rung when the thread has done
 * something.  -ENOMEM, or no thread.
 */
int leg_new(struct tape *t, const char *name, struct bell *moved,
    struct leg **ret_leg);

/* Frees the tape, too; what a stuck thread uses lasts until it comes back. */
void leg_free(struct leg *leg);

/*
 * Hands a call to the leg's thread, which must be free.  Without memory to read
 * into the call fails, in its turn, with -ENOMEM.
 */
void leg_begin(struct leg *leg, const struct leg_call *call);

/* So many milliseconds from now, or nanoseconds from another time. */
struct timespec leg_deadline(uint64_t ms);
struct timespec leg_time(uint64_t ns);
uint64_t leg_now_ns(void);

/*
 * Waits for it until ${deadline} (NULL: for ever).  False: the leg is stuck,
 * and is to be killed.
 */
bool leg_end(struct leg *leg, const struct timespec *deadline);

/* Whether the thread is free; a stuck one may have come back.  Waits not. */
bool leg_is_free(struct leg *leg);

/*
 * Lets the leg, which is free, write what will be put into the ring, behind
 * what is in it now.  Asks where it is after every ${LEG_CHECK_EVERY} bytes.
 */
#define LEG_CHECK_EVERY ((uint64_t)64 << 20)
void leg_stream(struct leg *leg, struct ring *ring);

/* Whether it has nothing left to write, or has halted: it is free. */
bool leg_is_idle(const struct leg *leg);
bool leg_has_halted(const struct leg *leg);

/* The bytes that it has still to write. */
uint64_t leg_lag(struct leg *leg);

/* It has halted, but holds the record: that was the mirror's to find out. */
void leg_accept(struct leg *leg);

/* Goes on after a halt, and takes no notice of early warning. */
void leg_resume(struct leg *leg);

/* Ends it, on a leg that is free. */
void leg_leave(struct leg *leg);

/* Leaves it behind in the middle of a record; it is stuck. */
void leg_cut(struct leg *leg);

/*
 * What the tape is.  If it streams: what it was lately, with what is in the
 * ring counted as written.
 */
void leg_describe(struct leg *leg, struct tape_info *ret_info);

/* What there is to tell of a leg, which may be streaming. */
struct leg_numbers {
	bool streams;
	bool halted;
	uint64_t lag_records, lag_bytes;
	struct leg_extent holds;
	uint64_t errors, busy_ns, written;
	uint64_t silent_ns; /* how long it has been at the present record */
};
struct leg_numbers leg_numbers(struct leg *leg);

/* A stuck leg unloads its tape, should it come back. */
void leg_unload_later(struct leg *leg);

/* What the last call gave. */
static inline const struct leg_call *
leg_result(const struct leg *leg)
{
	return &leg->call;
}

/*
 * The leg is dead for this volume; ${good}: what is certain on its tape.  Says
 * so, loudly.
 */
void leg_kill(struct leg *leg, const struct leg_extent *good, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

/* "3 objects, 1 files, 20 bytes", in ${words}. */
#define LEG_WORDS 96
const char *leg_extent_words(const struct leg_extent *extent,
    char words[LEG_WORDS]);

/* Calls. */
struct leg_call leg_call_load(void);
struct leg_call leg_call_unload(void);
struct leg_call leg_call_read(size_t size);
struct leg_call leg_call_write(struct ring *ring, const void *data,
    size_t size);
struct leg_call leg_call_filemarks(uint32_t count, bool immediate);
struct leg_call leg_call_space(enum tape_unit unit, int64_t count);
struct leg_call leg_call_locate(uint32_t partition, uint64_t object);
struct leg_call leg_call_rewind(void);
struct leg_call leg_call_erase(bool whole);
struct leg_call leg_call_set(enum tape_param param, uint32_t value);
struct leg_call leg_call_tell(void);

#endif
