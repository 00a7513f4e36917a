/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gate: where an open(2) waits for a slave to come, if none is there.  It
 * has the drive meanwhile, as with st one that waits for a tape, so there is
 * one at most.  Owns the thread that goes on with it when the slave has come:
 * the thread that learns of him may be the one that has to carry his answers.
 */
#ifndef PMT_GATE_H
#define PMT_GATE_H

#include <pthread.h>
#include <stdbool.h>

struct port;
struct spec_error;

struct gate {
	struct port *port;
	void (*go)(void *item); /* the slave is there: in the gate's thread */
	pthread_mutex_t lock;
	pthread_cond_t event;
	void *item; /* that waits; NULL: none */
	const void *key;
	bool stopping;
	bool running;
	pthread_t thread;
};

void gate_init(struct gate *g, struct port *p, void (*go)(void *item));
void gate_destroy(struct gate *g);

/* Starts the thread, with all signals blocked in it; a negative errno. */
int gate_start(struct gate *g, struct spec_error *e);

/*
 * Closes the gate for good.  What waited there is the result, the caller's to
 * drop; NULL: nothing.
 */
void *gate_close(struct gate *g);

/* Waits for the thread to end, after gate_close(). */
void gate_join(struct gate *g);

/* Whether there is no slave; a moment later that may be different. */
bool gate_is_shut(struct gate *g);

/* Whether somebody waits. */
bool gate_is_taken(struct gate *g);

/*
 * ${item} waits from now on, by the name of ${key}.  ${unwanted}, called with
 * the lock held, tells whether it should not after all.  False: it does not
 * wait, for that reason, or as the gate is at an end.
 */
bool gate_wait(struct gate *g, void *item, const void *key,
    bool (*unwanted)(void *item));

/* What waits by that name is the caller's again; NULL: nothing does. */
void *gate_take(struct gate *g, const void *key);

#endif
