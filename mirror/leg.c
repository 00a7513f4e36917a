/* SPDX-License-Identifier: BSD-2-Clause */
/* A leg and its thread; see leg.h. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "leg.h"

/* Drives want the data of a record to begin on a page. */
#define LEG_ALIGN ((size_t)4096)

/* ---- Calls -------------------------------------------------------------- */

static int
run_load(struct tape *t, struct leg_call *call)
{
	(void)call; /* nothing in it */
	return tape_load(t);
}

static int
run_unload(struct tape *t, struct leg_call *call)
{
	(void)call; /* nothing in it */
	return tape_unload(t);
}

static int
run_read(struct tape *t, struct leg_call *call)
{
	return tape_read(t, call->buf, call->size, &call->len, &call->cond);
}

static int
run_write(struct tape *t, struct leg_call *call)
{
	return tape_write(t, call->buf, call->size, &call->cond);
}

static int
run_filemarks(struct tape *t, struct leg_call *call)
{
	uint32_t done = 0;
	int r = tape_write_filemarks(t, call->marks, call->flag, &done,
	    &call->cond);

	call->done = done;
	return r;
}

static int
run_space(struct tape *t, struct leg_call *call)
{
	return tape_space(t, call->unit, call->count, &call->done, &call->cond);
}

static int
run_locate(struct tape *t, struct leg_call *call)
{
	return tape_locate(t, call->partition, call->object, &call->cond);
}

static int
run_rewind(struct tape *t, struct leg_call *call)
{
	(void)call; /* nothing in it */
	return tape_rewind(t);
}

static int
run_erase(struct tape *t, struct leg_call *call)
{
	return tape_erase(t, call->flag);
}

static int
run_set(struct tape *t, struct leg_call *call)
{
	return tape_set(t, call->param, call->value);
}

static int
run_out_of_memory(struct tape *t, struct leg_call *call)
{
	(void)call; /* nothing of it is done */
	return tape_fail(t, ENOMEM, "out of memory");
}

static int
run_tell(struct tape *t, struct leg_call *call)
{
	return tape_tell(t, &call->where);
}

/* A motion may be from one end of a tape to the other. */
#define MOTION 10
/* ... and a long erase goes there at the speed of writing. */
#define LONG_ERASE 200

struct leg_call
leg_call_load(void)
{
	return (struct leg_call){ .run = run_load, .patience = MOTION };
}

struct leg_call
leg_call_unload(void)
{
	return (struct leg_call){ .run = run_unload, .patience = MOTION };
}

struct leg_call
leg_call_read(size_t size)
{
	return (
	    struct leg_call){ .run = run_read, .patience = 1, .size = size };
}

struct leg_call
leg_call_write(const void *data, size_t size)
{
	return (struct leg_call){ .run = run_write,
		.patience = 1,
		.data = data,
		.size = size };
}

struct leg_call
leg_call_filemarks(uint32_t count, bool immediate)
{
	return (struct leg_call){ .run = run_filemarks,
		.patience = 1,
		.marks = count,
		.flag = immediate };
}

struct leg_call
leg_call_space(enum tape_unit unit, int64_t count)
{
	return (struct leg_call){ .run = run_space,
		.patience = MOTION,
		.unit = unit,
		.count = count };
}

struct leg_call
leg_call_locate(uint32_t partition, uint64_t object)
{
	return (struct leg_call){ .run = run_locate,
		.patience = MOTION,
		.partition = partition,
		.object = object };
}

struct leg_call
leg_call_rewind(void)
{
	return (struct leg_call){ .run = run_rewind, .patience = MOTION };
}

struct leg_call
leg_call_erase(bool whole)
{
	return (struct leg_call){ .run = run_erase,
		.patience = whole ? LONG_ERASE : MOTION,
		.flag = whole };
}

struct leg_call
leg_call_set(enum tape_param param, uint32_t value)
{
	return (struct leg_call){ .run = run_set,
		.patience = 1,
		.param = param,
		.value = value };
}

struct leg_call
leg_call_tell(void)
{
	return (struct leg_call){ .run = run_tell, .patience = 1 };
}

/* ---- The thread --------------------------------------------------------- */

static uint64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* can't fail */
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* Nobody else knows the leg any more. */
static void
dispose(struct leg *leg)
{
	tape_free(leg->tape);
	free(leg->buf);
	(void)pthread_cond_destroy(&leg->changed);
	(void)pthread_mutex_destroy(&leg->lock);
	free(leg);
}

static void *
work(void *arg)
{
	struct leg *leg = arg;
	uint64_t began;
	bool orphaned;

	pthread_mutex_lock(&leg->lock);
	while (!leg->ending) {
		if (!leg->pending) {
			pthread_cond_wait(&leg->changed, &leg->lock);
			continue;
		}
		pthread_mutex_unlock(&leg->lock);
		began = now_ns();
		leg->call.cond = TAPE_NONE;
		leg->call.result = leg->call.run(leg->tape, &leg->call);
		pthread_mutex_lock(&leg->lock);
		leg->busy_ns += now_ns() - began;
		if (leg->unload_later) {
			pthread_mutex_unlock(&leg->lock);
			(void)tape_unload(leg->tape); /* it is dead anyway */
			pthread_mutex_lock(&leg->lock);
			leg->unload_later = false;
		}
		leg->pending = false;
		pthread_cond_broadcast(&leg->changed);
	}
	orphaned = leg->orphaned;
	pthread_mutex_unlock(&leg->lock);
	if (orphaned)
		dispose(leg);
	return NULL;
}

int
leg_new(struct tape *t, const char *name, struct leg **ret_leg)
{
	struct leg *leg = calloc(1, sizeof(*leg));
	pthread_condattr_t attr;
	int r;

	if (leg == NULL)
		return -ENOMEM;
	(void)snprintf(leg->name, sizeof(leg->name), "%s", name);
	(void)pthread_condattr_init(&attr); /* can't fail on Linux */
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&leg->lock, NULL);
	(void)pthread_cond_init(&leg->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	leg->tape = t;
	r = pthread_create(&leg->thread, NULL, work, leg);
	if (r != 0) {
		leg->tape = NULL;
		dispose(leg);
		return -r;
	}
	*ret_leg = leg;
	return 0;
}

void
leg_free(struct leg *leg)
{
	pthread_t thread = leg->thread;
	bool orphaned;

	pthread_mutex_lock(&leg->lock);
	orphaned = leg->orphaned = leg->pending;
	leg->ending = true;
	pthread_cond_broadcast(&leg->changed);
	pthread_mutex_unlock(&leg->lock);
	if (orphaned) {
		(void)pthread_detach(thread); /* it frees the leg */
		return;
	}
	(void)pthread_join(thread, NULL); /* it is ours */
	dispose(leg);
}

bool
leg_is_free(struct leg *leg)
{
	pthread_mutex_lock(&leg->lock);
	leg->stuck = leg->stuck && leg->pending;
	pthread_mutex_unlock(&leg->lock);
	return !leg->stuck;
}

/* Room for the data of a call; the thread is idle. */
static bool
make_room(struct leg *leg, size_t size)
{
	uint8_t *grown;

	if (size <= leg->room)
		return true;
	grown = aligned_alloc(LEG_ALIGN,
	    (size + LEG_ALIGN - 1) / LEG_ALIGN * LEG_ALIGN);
	if (grown == NULL)
		return false;
	free(leg->buf);
	leg->buf = grown;
	leg->room = size;
	return true;
}

void
leg_begin(struct leg *leg, const struct leg_call *call)
{
	assert(!leg->pending);
	leg->call = *call;
	if (!make_room(leg, call->size))
		leg->call.run = run_out_of_memory;
	else if (call->data != NULL)
		memcpy(leg->buf, call->data, call->size);
	leg->call.buf = leg->buf;
	leg->call.data = NULL;
	pthread_mutex_lock(&leg->lock);
	leg->pending = true;
	pthread_cond_broadcast(&leg->changed);
	pthread_mutex_unlock(&leg->lock);
}

void
leg_unload_later(struct leg *leg)
{
	const struct leg_call unload = leg_call_unload();
	bool pending;

	pthread_mutex_lock(&leg->lock);
	pending = leg->unload_later = leg->pending;
	pthread_mutex_unlock(&leg->lock);
	if (!pending)
		leg_begin(leg, &unload); /* it has just come back */
}

struct timespec
leg_deadline(unsigned ms)
{
	uint64_t at = now_ns() + ms * UINT64_C(1000000);

	return (struct timespec){ .tv_sec = (time_t)(at / 1000000000),
		.tv_nsec = (long)(at % 1000000000) };
}

bool
leg_end(struct leg *leg, const struct timespec *deadline)
{
	bool ended;
	int r = 0;

	pthread_mutex_lock(&leg->lock);
	while (leg->pending && r != ETIMEDOUT)
		r = deadline == NULL
		    ? pthread_cond_wait(&leg->changed, &leg->lock)
		    : pthread_cond_timedwait(&leg->changed, &leg->lock,
			  deadline);
	ended = !leg->pending;
	pthread_mutex_unlock(&leg->lock);
	if (ended)
		leg->errors += leg->call.result < 0;
	else
		leg->stuck = true;
	return ended;
}

void
leg_kill(struct leg *leg, const struct leg_extent *good, const char *fmt, ...)
{
	char words[LEG_WORDS];
	va_list ap;

	assert(!leg->dead);
	va_start(ap, fmt);
	(void)vsnprintf(leg->reason, sizeof(leg->reason), fmt, ap); /* cut is
								       fine */
	va_end(ap);
	leg->dead = true;
	leg->prefix = *good;
	tape_alarm("%s is out of the mirror: %s; good on it: %s; surely "
		   "durable: %" PRIu64 " objects, of %" PRIu64
		   " that it had taken",
	    leg->name, leg->reason, leg_extent_words(good, words),
	    leg->durable.objects < good->objects ? leg->durable.objects
						 : good->objects,
	    leg->expected.objects);
}

const char *
leg_extent_words(const struct leg_extent *extent, char words[LEG_WORDS])
{
	size_t n = (size_t)snprintf(words, LEG_WORDS,
	    "%" PRIu64 " objects, %" PRIu64 " files", extent->objects,
	    extent->files);

	if (extent->bytes != LEG_NO_BYTES)
		(void)snprintf(words + n, LEG_WORDS - n, ", %" PRIu64 " bytes",
		    extent->bytes);
	return words;
}
