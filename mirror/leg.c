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
	struct tape_pos pos;

	(void)call; /* the position is in the tape */
	return tape_tell(t, &pos);
}

struct leg_call
leg_call_load(void)
{
	return (struct leg_call){ .run = run_load };
}

struct leg_call
leg_call_unload(void)
{
	return (struct leg_call){ .run = run_unload };
}

struct leg_call
leg_call_read(size_t size)
{
	return (struct leg_call){ .run = run_read, .size = size };
}

struct leg_call
leg_call_write(const void *data, size_t size)
{
	return (
	    struct leg_call){ .run = run_write, .data = data, .size = size };
}

struct leg_call
leg_call_filemarks(uint32_t count, bool immediate)
{
	return (struct leg_call){ .run = run_filemarks,
		.marks = count,
		.flag = immediate };
}

struct leg_call
leg_call_space(enum tape_unit unit, int64_t count)
{
	return (
	    struct leg_call){ .run = run_space, .unit = unit, .count = count };
}

struct leg_call
leg_call_locate(uint32_t partition, uint64_t object)
{
	return (struct leg_call){ .run = run_locate,
		.partition = partition,
		.object = object };
}

struct leg_call
leg_call_rewind(void)
{
	return (struct leg_call){ .run = run_rewind };
}

struct leg_call
leg_call_erase(bool whole)
{
	return (struct leg_call){ .run = run_erase, .flag = whole };
}

struct leg_call
leg_call_set(enum tape_param param, uint32_t value)
{
	return (
	    struct leg_call){ .run = run_set, .param = param, .value = value };
}

struct leg_call
leg_call_tell(void)
{
	return (struct leg_call){ .run = run_tell };
}

/* ---- The thread --------------------------------------------------------- */

static uint64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* can't fail */
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static void *
work(void *arg)
{
	struct leg *leg = arg;
	uint64_t began;

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
		leg->pending = false;
		pthread_cond_broadcast(&leg->changed);
	}
	pthread_mutex_unlock(&leg->lock);
	return NULL;
}

int
leg_start(struct leg *leg, struct tape *t, const char *name)
{
	pthread_condattr_t attr;
	int r;

	memset(leg, 0, sizeof(*leg));
	leg->tape = t;
	(void)snprintf(leg->name, sizeof(leg->name), "%s", name);
	(void)pthread_condattr_init(&attr); /* can't fail on Linux */
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&leg->lock, NULL);
	(void)pthread_cond_init(&leg->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	r = pthread_create(&leg->thread, NULL, work, leg);
	leg->started = r == 0;
	return -r;
}

void
leg_stop(struct leg *leg)
{
	if (leg->stuck && leg_end(leg, 1)) {
		leg->stuck = false; /* it has come back in the meantime */
	}
	if (leg->stuck) {
		(void)pthread_detach(leg->thread); /* it uses all the rest */
		return;
	}
	if (leg->started) {
		pthread_mutex_lock(&leg->lock);
		leg->ending = true;
		pthread_cond_broadcast(&leg->changed);
		pthread_mutex_unlock(&leg->lock);
		(void)pthread_join(leg->thread, NULL); /* it is ours */
		(void)pthread_cond_destroy(&leg->changed);
		(void)pthread_mutex_destroy(&leg->lock);
	}
	tape_free(leg->tape);
	free(leg->buf);
	leg->tape = NULL;
	leg->buf = NULL;
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

static struct timespec
deadline_in(unsigned ms)
{
	uint64_t at = now_ns() + ms * UINT64_C(1000000);

	return (struct timespec){ .tv_sec = (time_t)(at / 1000000000),
		.tv_nsec = (long)(at % 1000000000) };
}

bool
leg_end(struct leg *leg, unsigned timeout_ms)
{
	const struct timespec deadline = deadline_in(timeout_ms);
	bool ended;
	int r = 0;

	pthread_mutex_lock(&leg->lock);
	while (leg->pending && r != ETIMEDOUT)
		r = timeout_ms == 0
		    ? pthread_cond_wait(&leg->changed, &leg->lock)
		    : pthread_cond_timedwait(&leg->changed, &leg->lock,
			  &deadline);
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
	va_list ap;

	assert(!leg->dead);
	va_start(ap, fmt);
	(void)vsnprintf(leg->reason, sizeof(leg->reason), fmt, ap); /* cut is
								       fine */
	va_end(ap);
	leg->dead = true;
	leg->prefix = *good;
	tape_alarm("%s is out of the mirror: %s; good on it: %" PRIu64
		   " objects, %" PRIu64 " files, %" PRIu64
		   " bytes; surely durable: %" PRIu64 " objects",
	    leg->name, leg->reason, good->objects, good->files, good->bytes,
	    leg->durable.objects < good->objects ? leg->durable.objects
						 : good->objects);
}
