/* SPDX-License-Identifier: BSD-2-Clause */
/* Moments to wait for, on the clock that nobody sets. */
#ifndef PMT_DEADLINE_H
#define PMT_DEADLINE_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

/* The moment ${ms} from now. */
struct timespec deadline_in(long ms);

bool deadline_is_past(const struct timespec *deadline);

/* A condition that pthread_cond_timedwait() waits for with such moments. */
void deadline_cond_init(pthread_cond_t *cond);

#endif
