/* SPDX-License-Identifier: BSD-2-Clause */
/* Moments to wait for; see deadline.h. */
#include "deadline.h"

#define NS_PER_SECOND 1000000000L

struct timespec
deadline_in(long ms)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* can't fail */
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	if (t.tv_nsec >= NS_PER_SECOND) {
		t.tv_nsec -= NS_PER_SECOND;
		t.tv_sec++;
	}
	return t;
}

bool
deadline_is_past(const struct timespec *deadline)
{
	struct timespec now = deadline_in(0);

	return now.tv_sec > deadline->tv_sec ||
	    (now.tv_sec == deadline->tv_sec &&
		now.tv_nsec >= deadline->tv_nsec);
}

void
deadline_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr); /* can't fail on Linux */
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC); /* nor can */
	(void)pthread_cond_init(cond, &attr);			 /* these */
	(void)pthread_condattr_destroy(&attr);
}
