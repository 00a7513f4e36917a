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
 */
#ifndef PMT_MIRROR_LEG_H
#define PMT_MIRROR_LEG_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "tape.h"

/* So much of a tape, counted from BOT. */
struct leg_extent {
	uint64_t objects; /* records and filemarks */
	uint64_t files;	  /* filemarks */
	uint64_t bytes;	  /* of the records; LEG_NO_BYTES: not known */
};

#define LEG_NO_BYTES UINT64_MAX

/*
 * A call on a tape, as a value.  Data go through a buffer of the leg's own: a
 * call that does not return must not keep anybody else's.
 */
struct leg_call {
	int (*run)(struct tape *t, struct leg_call *call);
	unsigned patience; /* how many times leg_timeout= it may take */
	uint8_t *buf;	   /* the leg's */
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
	uint64_t busy_ns;	    /* time spent in calls that write */

	/* The thread's own. */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct leg_call call;
	uint8_t *buf;
	size_t room;  /* bytes of it */
	bool pending; /* the thread has something to do */
	bool ending;
	bool unload_later;
	bool orphaned; /* frees itself, when the call comes back */
};

/* Takes over ${t}, if it succeeds.  -ENOMEM, or no thread. */
int leg_new(struct tape *t, const char *name, struct leg **ret_leg);

/* Frees the tape, too; what a stuck thread uses lasts until it comes back. */
void leg_free(struct leg *leg);

/*
 * Hands a call to the leg's thread, which must be idle.  Without memory for its
 * data the call fails, in its turn, with -ENOMEM.
 */
void leg_begin(struct leg *leg, const struct leg_call *call);

/* So many milliseconds from now. */
struct timespec leg_deadline(unsigned ms);

/*
 * Waits for it until ${deadline} (NULL: for ever).  False: the leg is stuck,
 * and is to be killed.
 */
bool leg_end(struct leg *leg, const struct timespec *deadline);

/* Whether the thread is free; a stuck one may have come back.  Waits not. */
bool leg_is_free(struct leg *leg);

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
struct leg_call leg_call_write(const void *data, size_t size);
struct leg_call leg_call_filemarks(uint32_t count, bool immediate);
struct leg_call leg_call_space(enum tape_unit unit, int64_t count);
struct leg_call leg_call_locate(uint32_t partition, uint64_t object);
struct leg_call leg_call_rewind(void);
struct leg_call leg_call_erase(bool whole);
struct leg_call leg_call_set(enum tape_param param, uint32_t value);
struct leg_call leg_call_tell(void);

#endif
