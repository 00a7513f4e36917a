/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waking threads: who waits for something looks at the bell, then whether it
 * has happened, and if not waits until the bell was rung since.
 *
 *     for (;;) {
 *             uint32_t seen = bell_look(&bell);
 *
 *             if (it has happened)
 *                     break;
 *             bell_wait(&bell, seen, NULL);
 *     }
 *
 * With a mutex and a condition variable two threads that are woken at the same
 * time get in each other's way: a mirror of two took three times as long for a
 * record.  Looking out for the next ring for a while before sleeping was tried,
 * too, and gained little: what waits needs the CPU that the legs work on.
 */
#ifndef PMT_MIRROR_BELL_H
#define PMT_MIRROR_BELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct bell {
	_Atomic uint32_t rung;	   /* how often, modulo 2^32 */
	_Atomic uint32_t muffled;  /* rings to come that wake nobody */
	_Atomic uint32_t sleepers; /* threads in the kernel, or about to */
};

void bell_init(struct bell *bell);

/* What the ringer did before can be seen by who then finds it rung. */
void bell_ring(struct bell *bell);

/*
 * Who waits for ${n} rings need not be woken by the ones before the last.  0:
 * each wakes, as at first.
 */
void bell_muffle(struct bell *bell, uint32_t n);

/* How it is now, for bell_wait(). */
uint32_t bell_look(struct bell *bell);

/*
 * Waits until it was rung since ${seen}, or until ${deadline} of
 * CLOCK_MONOTONIC (NULL: for ever), or for no reason at all.  False: that time
 * has come.
 */
bool bell_wait(struct bell *bell, uint32_t seen,
    const struct timespec *deadline);

#endif
