/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The watch: sees to it that a program which waits for a tape can be killed,
 * however long the tape takes.  The kernel lets a killed program go only when
 * its request is answered, so the watch gives up a request whose caller is
 * dying, and what the tape says to it later goes nowhere.  Owns a thread, which
 * sleeps unless there is somebody to look after; knows nothing of libfuse.
 */
#ifndef PMT_WATCH_H
#define PMT_WATCH_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "caller.h"

struct spec_error;

/* Somebody who waits, from watch_enter() to watch_leave(). */
struct watch_item {
	const void *key;      /* what watch_interrupted() will name it by */
	pid_t tid;	      /* who waits; 0: nobody knows */
	bool look;	      /* he may be dying: look, without being told to */
	unsigned patience_ms; /* how long he may wait; 0: for ever */
	/*
	 * The one who waits has been ${dying} for a while, or has lost his
	 * patience.  Called once at the most, by the watch's thread, which
	 * holds off watch_leave() meanwhile; must not block.  False: not now.
	 */
	bool (*give_up)(struct watch_item *item, bool dying);
	bool given_up;	    /* the watch's own, as all that follows */
	unsigned waited_ms; /* that the watch has seen */
	unsigned dying_ms;  /* likewise */
	struct watch_item *next, **link; /* ${link} is NULL: not entered */
};

struct watch {
	const struct caller_source *source;
	const char *name; /* for messages */
	pthread_mutex_t lock;
	pthread_cond_t event;
	struct watch_item *items;
	bool stopping;
	bool running;
	pthread_t thread;
};

/* ${name} and ${source} are not copied. */
void watch_init(struct watch *w, const char *name,
    const struct caller_source *source);

/* Nobody is on it any more. */
void watch_destroy(struct watch *w);

/* Starts the thread, with all signals blocked in it; a negative errno. */
int watch_start(struct watch *w, struct spec_error *e);

/* Ends the thread; no item is given up from then on. */
void watch_stop(struct watch *w);

/*
 * Between the two calls ${item} stays where it is.  watch_leave() of an item
 * that was never entered is nothing.
 */
void watch_enter(struct watch *w, struct watch_item *item);
void watch_leave(struct watch *w, struct watch_item *item);

/*
 * Sets ${flag}, which give_up() reads, and tells whether ${item} has been given
 * up: as one step, so that either the flag or the giving up came first.
 */
bool watch_flag(struct watch *w, struct watch_item *item, bool *flag);

/* A signal has come for whoever waits under ${key}, if anybody does. */
void watch_interrupted(struct watch *w, const void *key);

#endif
