/* SPDX-License-Identifier: BSD-2-Clause */
/* The lane: one job at a time, in order, and nobody waits for another's. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lane.h"
#include "tap.h"

#define THREADS 4
#define JOBS 20000 /* of each thread */

struct test_job {
	struct lane_job job;
	int number;
};

static struct lane lane;
static int ran[8];
static int n_ran;
static int n_dropped;

static void
run(struct lane_job *job)
{
	ran[n_ran++] = ((struct test_job *)job)->number;
}

static void
drop(struct lane_job *job)
{
	(void)job;
	n_dropped++;
}

static struct test_job jobs[] = {
	{ .job = { .run = run, .drop = drop }, .number = 1 },
	{ .job = { .run = run, .drop = drop }, .number = 2 },
	{ .job = { .run = run, .drop = drop }, .number = 3 },
};

static void
post(struct lane_job *job)
{
	if (lane_post(&lane, job))
		lane_leave(&lane);
}

static void
test_order(void)
{
	lane_init(&lane);
	tap_ok(lane_try(&lane), "a free lane can be entered");
	tap_ok(!lane_try(&lane), "... by one at a time");
	post(&jobs[0].job);
	post(&jobs[1].job);
	tap_is_int(0, n_ran, "jobs wait for whoever is inside");
	lane_leave(&lane);
	tap_is_int(2, n_ran, "... who runs them before he leaves");
	tap_is_int(1, ran[0], "... in order");
	post(&jobs[2].job);
	tap_is_int(3, n_ran, "in a free lane a job is run at once");
	tap_ok(lane_try(&lane), "... and it is free again");
	post(&jobs[0].job);
	lane_close(&lane);
	tap_is_int(1, n_dropped, "closing drops the jobs that wait");
	lane_leave(&lane);
	tap_is_int(3, n_ran, "... and they are not run");
	tap_ok(!lane_try(&lane), "nobody enters a closed lane");
	post(&jobs[1].job);
	tap_is_int(2, n_dropped, "... and jobs are dropped at once");
	lane_destroy(&lane);
}

/* ---- Many threads ------------------------------------------------------- */

struct count_job {
	struct lane_job job;
	int thread;
	int number;
};

static atomic_int inside;
static int last[THREADS]; /* the last number of each thread */
static int disorder;
static int total;

static void
count(struct lane_job *job)
{
	struct count_job *c = (struct count_job *)job;

	disorder += atomic_fetch_add(&inside, 1) != 0;
	disorder += c->number != last[c->thread] + 1;
	last[c->thread] = c->number;
	total++;
	atomic_fetch_sub(&inside, 1);
	free(c);
}

static void *
post_many(void *arg)
{
	const int *thread = arg;
	int i;

	for (i = 1; i <= JOBS; i++) {
		struct count_job *c = malloc(sizeof(*c));

		if (c == NULL)
			tap_bail("out of memory");
		*c = (struct count_job){
			.job = { .run = count, .drop = count },
			.thread = *thread,
			.number = i,
		};
		if (lane_post(&lane, &c->job))
			lane_leave(&lane);
	}
	return NULL;
}

static void
test_threads(void)
{
	pthread_t ids[THREADS];
	int numbers[THREADS];
	int i;

	lane_init(&lane);
	for (i = 0; i < THREADS; i++) {
		numbers[i] = i;
		if (pthread_create(&ids[i], NULL, post_many, &numbers[i]) != 0)
			tap_bail("no thread");
	}
	for (i = 0; i < THREADS; i++)
		(void)pthread_join(ids[i], NULL);
	tap_is_int(THREADS * JOBS, total, "no job of many threads gets lost");
	tap_is_int(0, disorder, "... or runs beside another, or out of order");
	lane_destroy(&lane);
}

int
main(void)
{
	test_order();
	test_threads();
	return tap_done();
}
