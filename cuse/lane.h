/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lane: what makes one serial machine of a drive that several threads serve.
 * Jobs run one at a time and in the order in which they came.  Nobody waits for
 * a lane: whoever finds it free runs his own work there at once, and whoever
 * finds it taken leaves a job behind, which the thread inside runs before it
 * goes.  Owns the order; knows nothing of what the jobs do.
 */
#ifndef PMT_LANE_H
#define PMT_LANE_H

#include <pthread.h>
#include <stdbool.h>

struct lane_job {
	/* Exactly one of these is called, once; the job is theirs then. */
	void (*run)(struct lane_job *job);
	void (*drop)(struct lane_job *job); /* the lane has been closed */
	struct lane_job *next;		    /* the lane's own */
};

struct lane {
	pthread_mutex_t lock;
	bool busy;		/* a thread is inside */
	bool closed;		/* nobody gets in any more */
	struct lane_job *first; /* jobs left behind; none unless busy */
	struct lane_job **end;
};

void lane_init(struct lane *l);
void lane_destroy(struct lane *l);

/*
 * Enters the lane if it is free; the caller then does its work and calls
 * lane_leave().  Does not block.
 */
bool lane_try(struct lane *l);

/* Runs what others have left behind, then leaves.  Blocks for as long. */
void lane_leave(struct lane *l);

/*
 * Leaves ${job} behind for the thread inside, and does not block.  True: the
 * lane has become free, and the caller is inside; lane_leave() runs the job.
 */
bool lane_post(struct lane *l, struct lane_job *job);

/* Whether a thread is inside; a moment later that may be different. */
bool lane_is_busy(struct lane *l);

/*
 * Lets nobody in any more and drops the jobs that wait.  One that runs goes
 * on to its end.  Does not block.
 */
void lane_close(struct lane *l);

#endif
