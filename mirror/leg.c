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

#include "decide.h"
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
	return tape_write(t, call->data, call->size, &call->cond);
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
leg_call_write(struct ring *ring, const void *data, size_t size)
{
	return (struct leg_call){ .run = run_write,
		.patience = 1,
		.ring = ring,
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

uint64_t
leg_now_ns(void)
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
	ring_unref(leg->ring);
	ring_unref(leg->call.ring);
	free(leg->buf);
	(void)pthread_mutex_destroy(&leg->lock);
	free(leg);
}

/*
 * What the mirror may not see half done, when a call has come back.  It may be
 * gone, and its bell with it.
 */
static void
come_back(struct leg *leg)
{
	if (leg->unload_later) {
		pthread_mutex_unlock(&leg->lock);
		(void)tape_unload(leg->tape); /* it is dead anyway */
		pthread_mutex_lock(&leg->lock);
		leg->unload_later = false;
	}
	if (leg->cut) {
		ring_unref(leg->ring);
		leg->ring = NULL;
	}
	atomic_store(&leg->pending, false);
	atomic_store(&leg->began_ns, 0);
	if (!leg->orphaned)
		bell_ring(leg->moved);
}

/* The one that the mirror has handed over. */
static void
carry_out(struct leg *leg)
{
	bool writes = leg->call.run == run_write;
	uint64_t began = leg_now_ns();

	leg->call.cond = TAPE_NONE;
	leg->call.result = leg->call.run(leg->tape, &leg->call);
	pthread_mutex_lock(&leg->lock);
	if (writes) {
		leg->busy_ns += leg_now_ns() - began;
		leg->written += leg->call.result == 0 ? leg->call.size : 0;
	}
	come_back(leg);
	pthread_mutex_unlock(&leg->lock);
}

/* The next record to be written, if there is one. */
static bool
next_record(struct leg *leg, struct ring_record *ret_record)
{
	uint64_t seq = atomic_load(&leg->taken);
	bool found;

	pthread_mutex_lock(&leg->lock);
	found = leg->ring != NULL && !leg->cut && !atomic_load(&leg->halted) &&
	    seq < ring_count(leg->ring);
	if (found) {
		*ret_record = ring_record(leg->ring, seq);
		atomic_store(&leg->began_ns, leg_now_ns());
	}
	pthread_mutex_unlock(&leg->lock);
	return found;
}

/* Where the leg thinks that it is; twice, if need be, and by asking it. */
static bool
is_astray(struct leg *leg)
{
	uint64_t expected = leg->tape->pos.object;
	struct tape_pos where = { .known = false };

	for (int attempt = 0; attempt < 2; attempt++)
		if (tape_tell(leg->tape, &where) == 0)
			return !where.known || where.object != expected;
	return true;
}

static void
take(struct leg *leg, const struct ring_record *record)
{
	leg->expected.objects++;
	if (leg->expected.bytes != LEG_NO_BYTES)
		leg->expected.bytes += record->len;
	atomic_store(&leg->taken, atomic_load(&leg->taken) + 1);
}

/* A record was written, and what is in leg->call came of it. */
static void
record_written(struct leg *leg, const struct ring_record *record, bool plain,
    bool astray)
{
	struct tape_info info;

	tape_describe(leg->tape, &info);
	pthread_mutex_lock(&leg->lock);
	leg->busy_ns += leg_now_ns() - atomic_load(&leg->began_ns);
	leg->written += leg->call.result == 0 ? record->len : 0;
	if (!leg->cut) {
		if (plain)
			take(leg, record);
		leg->info = info;
		leg->info_bytes = record->before + record->len;
		leg->strayed = astray;
		atomic_store(&leg->halted, !plain || astray);
		leg->errors += leg->call.result < 0;
	}
	come_back(leg);
	pthread_mutex_unlock(&leg->lock);
}

/* Writes a record of the ring; false: there is none. */
static bool
write_next(struct leg *leg)
{
	struct leg_call *call = &leg->call;
	uint64_t before = leg->tape->pos.object;
	struct ring_record record;
	enum leg_outcome outcome;
	bool astray = false;

	if (!next_record(leg, &record))
		return false;
	call->cond = TAPE_NONE;
	call->result =
	    tape_write(leg->tape, record.data, record.len, &call->cond);
	outcome = mirror_get_judge()(before, 1, call->result, call->cond,
	    &leg->tape->pos);
	leg->unchecked += record.len;
	if (outcome == LEG_ON && leg->unchecked >= LEG_CHECK_EVERY) {
		leg->unchecked = 0;
		astray = is_astray(leg);
	}
	record_written(leg, &record,
	    outcome == LEG_ON || (outcome == LEG_ON_EW && leg->heedless),
	    astray);
	return true;
}

static void *
work(void *arg)
{
	struct leg *leg = arg;
	bool orphaned;

	for (;;) {
		uint32_t seen = bell_look(&leg->work);

		if (atomic_load(&leg->ending))
			break;
		if (atomic_load(&leg->pending))
			carry_out(leg);
		else if (!write_next(leg))
			bell_wait(&leg->work, seen, NULL);
	}
	pthread_mutex_lock(&leg->lock);
	orphaned = leg->orphaned;
	pthread_mutex_unlock(&leg->lock);
	if (orphaned)
		dispose(leg);
	return NULL;
}

int
leg_new(struct tape *t, const char *name, struct bell *moved,
    struct leg **ret_leg)
{
	struct leg *leg = calloc(1, sizeof(*leg));
	int r;

	if (leg == NULL)
		return -ENOMEM;
	(void)snprintf(leg->name, sizeof(leg->name), "%s", name);
	(void)pthread_mutex_init(&leg->lock, NULL); /* can't fail */
	bell_init(&leg->work);
	leg->moved = moved;
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

/* Whether its thread is in a call. */
static bool
is_busy(const struct leg *leg)
{
	return atomic_load(&leg->pending) || atomic_load(&leg->began_ns) != 0;
}

void
leg_free(struct leg *leg)
{
	pthread_t thread = leg->thread;
	bool orphaned;

	pthread_mutex_lock(&leg->lock);
	orphaned = leg->orphaned = is_busy(leg);
	atomic_store(&leg->ending, true);
	bell_ring(&leg->work);
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
	leg->stuck = leg->stuck && is_busy(leg);
	return !leg->stuck;
}

/* ---- Handing over ------------------------------------------------------- */

/* Room for what a call reads; the thread is free. */
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

static void
drop_data(struct leg *leg)
{
	ring_unref(leg->call.ring);
	leg->call.ring = NULL;
}

void
leg_begin(struct leg *leg, const struct leg_call *call)
{
	assert(!is_busy(leg));
	drop_data(leg);
	leg->call = *call;
	if (call->ring != NULL)
		(void)ring_ref(call->ring); /* it is the same */
	else if (!make_room(leg, call->size))
		leg->call.run = run_out_of_memory;
	leg->call.buf = leg->buf;
	atomic_store(&leg->pending, true);
	bell_ring(&leg->work);
}

void
leg_unload_later(struct leg *leg)
{
	const struct leg_call unload = leg_call_unload();
	bool busy;

	pthread_mutex_lock(&leg->lock);
	busy = leg->unload_later = is_busy(leg);
	pthread_mutex_unlock(&leg->lock);
	if (!busy)
		leg_begin(leg, &unload); /* it has just come back */
}

struct timespec
leg_time(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000),
		.tv_nsec = (long)(ns % 1000000000) };
}

struct timespec
leg_deadline(uint64_t ms)
{
	return leg_time(leg_now_ns() + ms * UINT64_C(1000000));
}

bool
leg_end(struct leg *leg, const struct timespec *deadline)
{
	bool ended, in_time = true;

	for (;;) {
		uint32_t seen = bell_look(leg->moved);

		ended = !atomic_load(&leg->pending);
		if (ended || !in_time)
			break;
		in_time = bell_wait(leg->moved, seen, deadline);
	}
	if (!ended) {
		leg->stuck = true;
		return false;
	}
	leg->errors += leg->call.result < 0;
	drop_data(leg);
	return true;
}

/* ---- Streaming ---------------------------------------------------------- */

void
leg_stream(struct leg *leg, struct ring *ring)
{
	assert(!is_busy(leg) && leg->ring == NULL);
	tape_describe(leg->tape, &leg->info);
	leg->info_bytes = ring_total(ring);
	leg->unchecked = 0;
	leg->cut = leg->strayed = leg->heedless = false;
	atomic_store(&leg->halted, false);
	atomic_store(&leg->taken, ring_count(ring));
	pthread_mutex_lock(&leg->lock);
	leg->ring = ring_ref(ring);
	pthread_mutex_unlock(&leg->lock);
}

bool
leg_has_halted(const struct leg *leg)
{
	return atomic_load(&leg->halted) && !is_busy(leg);
}

bool
leg_is_idle(const struct leg *leg)
{
	return (atomic_load(&leg->halted) ||
		   atomic_load(&leg->taken) == ring_count(leg->ring)) &&
	    !is_busy(leg);
}

uint64_t
leg_lag(struct leg *leg)
{
	uint64_t seq = atomic_load(&leg->taken);

	return seq == ring_count(leg->ring)
	    ? 0
	    : ring_total(leg->ring) - ring_record(leg->ring, seq).before;
}

void
leg_accept(struct leg *leg)
{
	struct ring_record record =
	    ring_record(leg->ring, atomic_load(&leg->taken));

	pthread_mutex_lock(&leg->lock);
	take(leg, &record);
	pthread_mutex_unlock(&leg->lock);
}

void
leg_resume(struct leg *leg)
{
	pthread_mutex_lock(&leg->lock);
	leg->heedless = true;
	atomic_store(&leg->halted, false);
	pthread_mutex_unlock(&leg->lock);
	bell_ring(&leg->work);
}

void
leg_leave(struct leg *leg)
{
	pthread_mutex_lock(&leg->lock);
	assert(!is_busy(leg));
	ring_unref(leg->ring);
	leg->ring = NULL;
	atomic_store(&leg->halted, false);
	pthread_mutex_unlock(&leg->lock);
}

void
leg_cut(struct leg *leg)
{
	pthread_mutex_lock(&leg->lock);
	leg->cut = true;
	if (!is_busy(leg)) { /* it has just come back */
		ring_unref(leg->ring);
		leg->ring = NULL;
	}
	leg->stuck = is_busy(leg);
	pthread_mutex_unlock(&leg->lock);
}

void
leg_describe(struct leg *leg, struct tape_info *ret_info)
{
	uint64_t since;

	if (leg->ring == NULL) {
		tape_describe(leg->tape, ret_info);
		return;
	}
	pthread_mutex_lock(&leg->lock);
	*ret_info = leg->info;
	since = ring_total(leg->ring) - leg->info_bytes;
	pthread_mutex_unlock(&leg->lock);
	ret_info->used += since;
	if (ret_info->room < ret_info->max_record)
		ret_info->room -=
		    since < ret_info->room ? (uint32_t)since : ret_info->room;
}

struct leg_numbers
leg_numbers(struct leg *leg)
{
	struct leg_numbers n = { .streams = false };
	uint64_t began;

	pthread_mutex_lock(&leg->lock);
	began = atomic_load(&leg->began_ns);
	n.silent_ns = began == 0 ? 0 : leg_now_ns() - began;
	n.streams = leg->ring != NULL && !leg->cut;
	n.holds = leg->expected;
	n.errors = leg->errors;
	n.busy_ns = leg->busy_ns;
	n.written = leg->written;
	if (n.streams) {
		n.halted = atomic_load(&leg->halted);
		n.lag_records =
		    ring_count(leg->ring) - atomic_load(&leg->taken);
		n.lag_bytes = leg_lag(leg);
	}
	pthread_mutex_unlock(&leg->lock);
	return n;
}

/* ---- The end of a leg --------------------------------------------------- */

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
