/* SPDX-License-Identifier: BSD-2-Clause */
/* A lane; see lane.h.  Its lock is never held while a job runs. */
#include <assert.h>
#include <stddef.h>

#include "lane.h"

void
lane_init(struct lane *l)
{
	*l = (struct lane){ .lock = PTHREAD_MUTEX_INITIALIZER };
	l->end = &l->first;
}

void
lane_destroy(struct lane *l)
{
	assert(l->first == NULL);
	(void)pthread_mutex_destroy(&l->lock); /* nobody holds it */
}

bool
lane_try(struct lane *l)
{
	bool mine;

	pthread_mutex_lock(&l->lock);
	mine = !l->busy && !l->closed;
	if (mine)
		l->busy = true;
	pthread_mutex_unlock(&l->lock);
	return mine;
}

/* The next job that was left behind; NULL: none, and the lane is free. */
static struct lane_job *
next_or_leave(struct lane *l)
{
	struct lane_job *job;

	pthread_mutex_lock(&l->lock);
	assert(l->busy);
	job = l->first;
	if (job == NULL) {
		l->busy = false;
	} else {
		l->first = job->next;
		if (l->first == NULL)
			l->end = &l->first;
	}
	pthread_mutex_unlock(&l->lock);
	return job;
}

void
lane_leave(struct lane *l)
{
	struct lane_job *job;

	while ((job = next_or_leave(l)) != NULL)
		job->run(job);
}

bool
lane_post(struct lane *l, struct lane_job *job)
{
	bool closed;
	bool inside;

	job->next = NULL;
	pthread_mutex_lock(&l->lock);
	closed = l->closed;
	inside = !closed && !l->busy;
	if (!closed) {
		*l->end = job;
		l->end = &job->next;
		l->busy = true;
	}
	pthread_mutex_unlock(&l->lock);
	if (closed)
		job->drop(job);
	return inside;
}

bool
lane_is_busy(struct lane *l)
{
	bool busy;

	pthread_mutex_lock(&l->lock);
	busy = l->busy;
	pthread_mutex_unlock(&l->lock);
	return busy;
}

void
lane_close(struct lane *l)
{
	struct lane_job *job;
	struct lane_job *next;

	pthread_mutex_lock(&l->lock);
	l->closed = true;
	job = l->first;
	l->first = NULL;
	l->end = &l->first;
	pthread_mutex_unlock(&l->lock);
	for (; job != NULL; job = next) {
		next = job->next;
		job->drop(job);
	}
}
