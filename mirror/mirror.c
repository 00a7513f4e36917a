/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mirror tape; see mirror.h for what it promises, decide.c for the tables,
 * mirror_state.h for its states.  Here is what is neither reading nor writing:
 * legs as a set, loading, limits.
 *
 * Invariants, for every healthy leg, between two calls:
 * 1. it holds what was acknowledged, and nothing else that we have written;
 * 2. its tape is anywhere the mirror has been since the last filemark; it is
 *    brought to where the mirror stands before anything is written;
 * 3. nobody but its thread uses its tape while a call is pending.
 * A leg of which 1 is not certain is dead, and stays so until the next load.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mirror.h"
#include "mirror_state.h"

/* Bytes of ring=. */
#define RING_DEFAULT ((uint64_t)64 << 20)
#define RING_MIN ((uint64_t)64 << 10)
#define RING_MAX ((uint64_t)16 << 30)

struct mirror *
mirror_of(struct tape *t)
{
	return (struct mirror *)t;
}

/* ---- Legs as a set ------------------------------------------------------ */

mirror_set
mirror_healthy(const struct mirror *m)
{
	mirror_set set = 0;

	for (size_t i = 0; i < m->n_legs; i++)
		if (!m->legs[i]->dead)
			set |= MIRROR_BIT(i);
	return set;
}

mirror_set
mirror_readable(const struct mirror *m)
{
	mirror_set set = mirror_healthy(m);

	for (size_t i = 0; i < m->n_legs; i++)
		if (m->legs[i]->lame)
			set &= ~MIRROR_BIT(i);
	return set;
}

size_t
mirror_count(mirror_set set)
{
	return (size_t)__builtin_popcount(set);
}

/* It has not answered in time. */
void
mirror_give_up(struct mirror *m, size_t i, uint64_t object, uint64_t ms)
{
	leg_kill(m->legs[i], &m->legs[i]->durable,
	    "object %" PRIu64 ": no answer within %" PRIu64 " s", object,
	    ms / 1000);
}

mirror_set
mirror_run(struct mirror *m, mirror_set set, const struct leg_call *call)
{
	const uint64_t all = (uint64_t)m->timeout_ms * call->patience;
	struct timespec deadline;
	mirror_set back = set;

	if (set == 0)
		return 0;
	deadline = leg_deadline(all);
	bell_muffle(&m->moved, (uint32_t)mirror_count(set));
	MIRROR_EACH(m, set, i)
	leg_begin(m->legs[i], call);
	MIRROR_EACH(m, set, i)
	{
		if (leg_end(m->legs[i], all == 0 ? NULL : &deadline))
			continue;
		back &= ~MIRROR_BIT(i);
		if (!m->legs[i]->dead)
			mirror_give_up(m, i, m->base.pos.object, all);
	}
	bell_muffle(&m->moved, 0);
	return back;
}

bool
mirror_run_one(struct mirror *m, size_t i, const struct leg_call *call)
{
	return mirror_run(m, MIRROR_BIT(i), call) != 0;
}

static bool
stands_with(const struct mirror *m, size_t i)
{
	const struct tape_pos *pos = &m->legs[i]->tape->pos;

	return pos->known && pos->object == m->base.pos.object;
}

/* Whether all that the leg took is still there, so far as it can be found. */
static bool
still_has_all(struct mirror *m, size_t i)
{
	struct leg *leg = m->legs[i];
	struct leg_call call = leg_call_locate(0, leg->expected.objects);

	return leg->durable.objects >= leg->expected.objects ||
	    (mirror_run_one(m, i, &call) && leg_result(leg)->result == 0 &&
		leg_result(leg)->cond == TAPE_NONE);
}

void
mirror_doubt(struct mirror *m, size_t i, const char *what)
{
	struct leg *leg = m->legs[i];
	char why[160];

	(void)snprintf(why, sizeof(why), "%.150s", tape_why(leg->tape));
	if (leg->dead || still_has_all(m, i) || leg->dead)
		return;
	if (mirror_count(mirror_healthy(m)) > 1) {
		leg_kill(leg, &leg->durable,
		    "object %" PRIu64 ": %s%s%s, and what it took is not all "
		    "there",
		    m->base.pos.object, what, why[0] == '\0' ? "" : ": ", why);
		return;
	}
	leg->expected = leg->durable;
	m->state = MIRROR_FAILED;
	tape_alarm("%s has lost something that it took, and is the last one; "
		   "surely on it: %" PRIu64 " objects",
	    leg->name, leg->durable.objects);
}

void
mirror_be_lame(struct mirror *m, size_t i, const char *what)
{
	struct leg *leg = m->legs[i];
	const char *why = tape_why(leg->tape);

	if (!leg->dead && !leg->lame)
		tape_alarm("%s: object %" PRIu64 ": %s%s%s; read from the "
			   "others until a rewind",
		    leg->name, m->base.pos.object, what,
		    why[0] == '\0' ? "" : ": ", why);
	leg->lame = true;
	mirror_doubt(m, i, what);
}

void
mirror_be_shorter(struct mirror *m, size_t i)
{
	mirror_be_lame(m, i, "ends before the others");
	m->legs[i]->shorter = true;
}

/* A leg could not be brought to where the mirror stands. */
static void
is_away(struct mirror *m, size_t i, bool to_write)
{
	struct leg *leg = m->legs[i];
	bool ends = leg_result(leg)->result == 0;
	uint64_t end = leg->tape->pos.object;

	if (to_write)
		leg_kill(leg, &leg->durable,
		    "object %" PRIu64 ": it can't get there: %s",
		    m->base.pos.object,
		    ends ? "its data end before" : tape_why(leg->tape));
	else if (!ends)
		mirror_be_lame(m, i, "can't get there");
	else if (m->read_longer || leg->expected.objects > end)
		mirror_be_shorter(m, i);
	else
		(void)mirror_diverge(m,
		    "%s ends at object %" PRIu64 ", others only behind object "
		    "%" PRIu64 "; read_longer=yes reads them",
		    leg->name, end, m->base.pos.object);
}

mirror_set
mirror_bring(struct mirror *m, mirror_set set, bool to_write)
{
	struct leg_call call = leg_call_locate(0, m->base.pos.object);
	mirror_set away = 0;

	MIRROR_EACH(m, set, i)
	if (!stands_with(m, i))
		away |= MIRROR_BIT(i);
	(void)mirror_run(m, away, &call); /* where they stand tells */
	MIRROR_EACH(m, away, i)
	{
		if (!m->legs[i]->dead && stands_with(m, i))
			continue;
		set &= ~MIRROR_BIT(i);
		if (!m->legs[i]->dead)
			is_away(m, i, to_write);
	}
	return set;
}

mirror_set
mirror_ask(struct mirror *m, mirror_set set)
{
	struct leg_call tell = leg_call_tell();
	mirror_set know = 0;

	for (int attempt = 0; attempt < 2 && set != 0; attempt++) {
		set = mirror_run(m, set, &tell);
		MIRROR_EACH(m, set, i)
		if (leg_result(m->legs[i])->result == 0) {
			know |= MIRROR_BIT(i);
			set &= ~MIRROR_BIT(i);
		}
	}
	return know;
}

void
mirror_check(struct mirror *m, uint64_t bytes)
{
	mirror_set healthy = mirror_healthy(m), know;

	if (m->unchecked == 0 || m->unchecked < bytes)
		return;
	m->unchecked = 0;
	know = mirror_ask(m, healthy);
	MIRROR_EACH(m, healthy & mirror_healthy(m), i)
	{
		struct leg *leg = m->legs[i];
		const struct tape_pos *where = &leg_result(leg)->where;

		if ((know >> i & 1) == 0 || !where->known)
			leg_kill(leg, &leg->durable,
			    "it should stand at object %" PRIu64
			    ", but does not know where it is",
			    m->base.pos.object);
		else if (where->object != m->base.pos.object)
			leg_kill(leg, &leg->durable,
			    "it should stand at object %" PRIu64
			    ", but is at %" PRIu64,
			    m->base.pos.object, where->object);
	}
}

void
mirror_end_writing(struct mirror *m)
{
	mirror_drain(m);
	mirror_check(m, 0);
	m->margin_in = 0;
	MIRROR_EACH(m, mirror_healthy(m), i)
	if (m->legs[i]->tail)
		leg_kill(m->legs[i], &m->legs[i]->durable,
		    "object %" PRIu64 " was to be taken back, and is still "
		    "there: it has an extra tail",
		    m->base.pos.object);
}

void
mirror_leave_end(struct mirror *m)
{
	if (m->state == MIRROR_WARN || m->state == MIRROR_FULL)
		m->state = MIRROR_RUN;
	MIRROR_EACH(m, mirror_healthy(m), i)
	m->legs[i]->warned = false;
	m->margin_in = 0;
}

/* ---- What they have in common ------------------------------------------- */

uint64_t
mirror_bytes_before(const struct mirror *m, uint64_t object)
{
	if (object == 0)
		return 0;
	if (m->base.pos.object == object)
		return m->bytes;
	MIRROR_EACH(m, mirror_healthy(m), i)
	{
		if (m->legs[i]->expected.objects == object)
			return m->legs[i]->expected.bytes;
		if (m->legs[i]->durable.objects == object)
			return m->legs[i]->durable.bytes;
	}
	return LEG_NO_BYTES;
}

void
mirror_stand(struct mirror *m, uint64_t object, uint64_t file)
{
	m->bytes = mirror_bytes_before(m, object);
	m->base.pos =
	    (struct tape_pos){ .object = object, .file = file, .known = true };
}

int
mirror_diverge(struct mirror *m, const char *fmt, ...)
{
	char what[200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap); /* cut is fine */
	va_end(ap);
	m->state = MIRROR_DIVERGED;
	tape_alarm("the legs of the mirror differ: %s", what);
	return tape_fail(&m->base, EIO,
	    "the legs differ: %.180s; unload, and see with pmtimg verify",
	    what);
}

int
mirror_fail_as(struct mirror *m, size_t i, int err)
{
	return tape_fail(&m->base, err, "%.60s: %.180s", m->legs[i]->name,
	    tape_why(m->legs[i]->tape));
}

int
mirror_need_medium(struct mirror *m)
{
	if (!m->loaded)
		return tape_fail(&m->base, ENOMEDIUM, "no tapes loaded");
	if (m->state == MIRROR_DIVERGED)
		return tape_fail(&m->base, EIO,
		    "the legs differ; unload, and see with pmtimg verify");
	return 0;
}

/* More than the largest record: there is none. */
static uint64_t
common_multiple(uint64_t a, uint64_t b)
{
	uint64_t x = a, y = b;

	while (y != 0) {
		uint64_t rest = x % y;

		x = y;
		y = rest;
	}
	return a / x * b;
}

/* What one leg allows restricts what the mirror does. */
static void
restrict_to(struct tape_info *info, const struct tape_info *leg)
{
	if (leg->min_record > info->min_record)
		info->min_record = leg->min_record;
	if (leg->max_record < info->max_record)
		info->max_record = leg->max_record;
	if (leg->room < info->room)
		info->room = leg->room;
	if (leg->used > info->used)
		info->used = leg->used;
	if (leg->capacity != 0 &&
	    (info->capacity == 0 || leg->capacity < info->capacity))
		info->capacity = leg->capacity;
	if (common_multiple(info->granularity, leg->granularity) <=
	    TAPE_MAX_RECORD) /* see load */
		info->granularity = (uint32_t)common_multiple(info->granularity,
		    leg->granularity);
	info->write_protected = info->write_protected || leg->write_protected;
	info->can_compress = info->can_compress && leg->can_compress;
}

static void
mirror_describe(struct tape *t, struct tape_info *ret_info)
{
	struct mirror *m = mirror_of(t);
	size_t n = 0;

	ret_info->can_compress = true;
	MIRROR_EACH(m, mirror_healthy(m), i)
	{
		struct tape_info leg;

		leg_describe(m->legs[i], &leg);
		restrict_to(ret_info, &leg);
		ret_info->density = leg.density;
		n++;
	}
	if (ret_info->min_record > ret_info->max_record)
		ret_info->min_record = ret_info->max_record; /* see load */
	if (m->loaded)
		ret_info->write_protected = m->protected;
	if (m->loaded && mirror_room(m) < ret_info->room)
		ret_info->room = (uint32_t)mirror_room(m);
	ret_info->loaded = m->loaded;
	ret_info->lost = (uint32_t)(m->n_legs - n);
	ret_info->partitions = ret_info->max_partitions = 1;
	(void)snprintf(ret_info->medium, sizeof(ret_info->medium),
	    "mirror of %zu%s", n, n < m->n_legs ? ", degraded" : "");
}

/* As it was before, on the legs where it is different now. */
static void
set_back(struct mirror *m, mirror_set set, enum tape_param param,
    const uint32_t *values)
{
	MIRROR_EACH(m, set & mirror_healthy(m), i)
	{
		struct leg_call call = leg_call_set(param, values[i]);

		(void)mirror_run_one(m, i,
		    &call); /* the first failure counts */
	}
}

static int
mirror_set_param(struct tape *t, enum tape_param param, uint32_t value)
{
	struct mirror *m = mirror_of(t);
	struct leg_call call = leg_call_set(param, value);
	uint32_t before[MIRROR_MAX_LEGS] = { 0 };
	mirror_set done = 0;
	int r = mirror_need_medium(m);

	if (r < 0)
		return r;
	mirror_drain(m);
	MIRROR_EACH(m, mirror_healthy(m), i)
	{
		struct tape_info info;

		tape_describe(m->legs[i]->tape, &info);
		before[i] = param == TAPE_DENSITY ? info.density
		    : m->compression < 0	  ? value == 0
						  : (uint32_t)m->compression;
		if (!mirror_run_one(m, i, &call))
			continue; /* it is dead, and that was told */
		r = leg_result(m->legs[i])->result;
		if (r < 0) {
			r = mirror_fail_as(m, i, -r);
			break;
		}
		done |= MIRROR_BIT(i);
	}
	if (r < 0)
		set_back(m, done, param, before);
	else if (param == TAPE_COMPRESSION)
		m->compression = value != 0;
	return r;
}

/* ---- Loading ------------------------------------------------------------ */

/* A leg that has a tape begins anew. */
static void
revive(struct leg *leg)
{
	leg->dead = leg->lame = leg->shorter = false;
	leg->warned = leg->tail = false;
	leg->reason[0] = '\0';
	leg->expected = leg->durable = leg->prefix = (struct leg_extent){ 0 };
}

static void
begin_volume(struct mirror *m)
{
	struct tape_info info;

	m->protected = false;
	MIRROR_EACH(m, mirror_healthy(m), i)
	{
		tape_describe(m->legs[i]->tape, &info);
		m->protected = m->protected || info.write_protected;
	}
	m->loaded = true;
	m->state = MIRROR_RUN;
	m->settled = mirror_healthy(m);
	m->unchecked = m->margin_in = 0;
	m->compression = -1;
	m->reader = 0;
	m->ends_known = false;
	m->first_end = UINT64_MAX;
	mirror_stand(m, 0, 0);
}

/* The legs whose threads are free; a stuck one may have come back. */
static mirror_set
free_legs(struct mirror *m)
{
	mirror_set set = 0;

	for (size_t i = 0; i < m->n_legs; i++)
		if (leg_is_free(m->legs[i]))
			set |= MIRROR_BIT(i);
	return set;
}

/* All tapes go.  Which of the healthy legs have flushed what they had? */
static mirror_set
unload_legs(struct mirror *m)
{
	struct leg_call call = leg_call_unload();
	mirror_set back = mirror_run(m, free_legs(m), &call);
	mirror_set healthy = mirror_healthy(m);

	for (size_t i = 0; i < m->n_legs; i++)
		if (m->legs[i]->stuck)
			leg_unload_later(m->legs[i]);
	m->loaded = false;
	m->base.pos = (struct tape_pos){ .known = false };
	MIRROR_EACH(m, healthy & back, i)
	{
		struct leg *leg = m->legs[i];

		if (leg_result(leg)->result == 0) {
			leg->durable = leg->expected;
			continue;
		}
		(void)mirror_fail_as(m, i, -leg_result(leg)->result);
		leg_kill(leg, &leg->durable, "it can't be unloaded: %s",
		    tape_why(leg->tape));
	}
	return mirror_healthy(m);
}

/* What was written is safe on all that are left, or as the policy wants it. */
static int
unload_all(struct mirror *m)
{
	mirror_set before = m->settled;

	if (m->state != MIRROR_DIVERGED)
		mirror_end_writing(m);
	if (unload_legs(m) == 0)
		return tape_fail(&m->base, EIO,
		    "no leg is left that has all that was written");
	if (m->policy == POLICY_STOP && mirror_healthy(m) != before)
		return tape_fail(&m->base, EIO,
		    "a leg has failed (on_leg_error=stop)");
	return 0;
}

/* Legs that have no record size in common are no mirror. */
static int
check_limits(struct mirror *m)
{
	uint32_t min = 1, max = TAPE_MAX_RECORD;
	uint64_t multiple = 1;

	MIRROR_EACH(m, mirror_healthy(m), i)
	{
		struct tape_info leg;

		tape_describe(m->legs[i]->tape, &leg);
		if (leg.min_record > min)
			min = leg.min_record;
		if (leg.max_record < max)
			max = leg.max_record;
		if (multiple <= TAPE_MAX_RECORD)
			multiple = common_multiple(multiple, leg.granularity);
	}
	if (min <= max && multiple <= max)
		return 0;
	return tape_fail(&m->base, EINVAL,
	    "the legs have no record size in common: one takes %" PRIu32
	    " bytes and more, another %" PRIu32 " and less, and fixed blocks "
	    "are multiples of %" PRIu64,
	    min, max, multiple);
}

static int
load_all(struct mirror *m)
{
	struct leg_call call = leg_call_load();
	mirror_set back = mirror_run(m, free_legs(m), &call);
	struct leg_extent nothing = { 0 };
	int r = 0;

	for (size_t i = 0; i < m->n_legs; i++) {
		struct leg *leg = m->legs[i];
		bool answered = (back >> i & 1) != 0;

		if (answered && leg_result(leg)->result == 0) {
			revive(leg);
			continue;
		}
		if (r == 0)
			r = answered
			    ? mirror_fail_as(m, i, -leg_result(leg)->result)
			    : tape_fail(&m->base, EIO, "%s: no answer",
				  leg->name);
		if (!leg->dead)
			leg_kill(leg, &nothing, "it can't be loaded: %s",
			    answered ? tape_why(leg->tape) : "no answer");
	}
	if (m->degraded_open && mirror_healthy(m) != 0)
		r = 0;
	return r;
}

static int
mirror_load(struct tape *t)
{
	struct mirror *m = mirror_of(t);
	char why[sizeof(t->why)];
	int r;

	if (m->loaded)
		return mirror_rewind(t);
	r = load_all(m);
	if (r == 0)
		r = check_limits(m);
	if (r < 0) {
		memcpy(why, tape_why(t), sizeof(why));
		(void)unload_legs(m); /* the first failure is told */
		memcpy(t->why, why, sizeof(why));
		return r;
	}
	begin_volume(m);
	return 0;
}

static int
mirror_unload(struct tape *t)
{
	struct mirror *m = mirror_of(t);

	return m->loaded ? unload_all(m) : 0;
}

static const char *const state_names[] = {
	[MIRROR_RUN] = "running",
	[MIRROR_WARN] = "at early warning",
	[MIRROR_FULL] = "full",
	[MIRROR_FAILED] = "FAILED",
	[MIRROR_DIVERGED] = "DIVERGED",
};

/* What is left of the medium, in ${text}. */
#define ROOM_WORDS 64
static const char *
room_words(struct leg *leg, char text[ROOM_WORDS])
{
	struct tape_info info;

	leg_describe(leg, &info);
	if (info.capacity == 0)
		return "no end known";
	(void)snprintf(text, ROOM_WORDS,
	    "%" PRIu64 " of %" PRIu64 " bytes left",
	    info.capacity > info.used ? info.capacity - info.used : 0,
	    info.capacity);
	return text;
}

#define PLACE_WORDS 96

/*
 * Where the tape of a leg stands; of one that streams, by what it has taken,
 * and for how long it has not answered.
 */
static const char *
place_words(const struct leg *leg, const struct leg_numbers *n,
    char text[PLACE_WORDS])
{
	const struct tape_pos *pos = &leg->tape->pos;
	uint64_t silent_s = n->silent_ns / 1000000000;

	if (n->streams && silent_s > 0)
		(void)snprintf(text, PLACE_WORDS,
		    "%" PRIu64 " records, %" PRIu64
		    " bytes behind, no answer for %" PRIu64 " s",
		    n->lag_records, n->lag_bytes, silent_s);
	else if (n->streams)
		(void)snprintf(text, PLACE_WORDS,
		    "%" PRIu64 " records, %" PRIu64 " bytes behind",
		    n->lag_records, n->lag_bytes);
	else if (pos->known)
		(void)snprintf(text, PLACE_WORDS,
		    "in step, at object %" PRIu64 " file %" PRIu64, pos->object,
		    pos->file);
	else
		return "position lost";
	return text;
}

static void
report_leg(struct leg *leg, const struct tape_listener *listener)
{
	char words[LEG_WORDS], room[ROOM_WORDS], place[PLACE_WORDS];
	struct leg_numbers n = leg_numbers(leg);

	if (leg->dead) {
		tape_tell_line(listener,
		    "%s: DEAD%s: %s; good on it: %s; %" PRIu64 " failed calls",
		    leg->name, leg->stuck ? " (hangs)" : "", leg->reason,
		    leg_extent_words(&leg->prefix, words), n.errors);
		return;
	}
	tape_tell_line(listener,
	    "%s: %s: %s, %s, durable to object %" PRIu64
	    ", %.1f MB/s while it writes, %s, %" PRIu64 " failed calls%s%s",
	    leg->name,
	    n.halted	    ? "has failed, which is dealt with next"
		: leg->lame ? "healthy, but can't be read"
			    : "healthy",
	    leg_extent_words(&n.holds, words), place_words(leg, &n, place),
	    leg->durable.objects,
	    n.busy_ns > 0 ? (double)n.written / (double)n.busy_ns * 1e3 : 0.0,
	    room_words(leg, room), n.errors,
	    leg->warned ? ", early warning" : "",
	    leg->tail ? ", an extra object behind it" : "");
}

static void
mirror_report(struct tape *t, const struct tape_listener *listener)
{
	struct mirror *m = mirror_of(t);
	size_t healthy = mirror_count(mirror_healthy(m));

	tape_tell_line(listener,
	    "mirror of %zu, %s%s: %" PRIu64 " objects, %" PRIu64
	    " files before here%s",
	    m->n_legs, m->loaded ? state_names[m->state] : "no tapes loaded",
	    healthy < m->n_legs ? ", DEGRADED" : "", t->pos.object, t->pos.file,
	    m->ring_size == 0	? ""
		: m->ahead == 0 ? "; ack=ring, now in step"
				: "; ack=ring");
	for (size_t i = 0; i < m->n_legs; i++)
		report_leg(m->legs[i], listener);
}

static void
mirror_free(struct tape *t)
{
	struct mirror *m = mirror_of(t);

	for (size_t i = 0; i < m->n_legs; i++)
		leg_free(m->legs[i]);
	ring_unref(m->ring);
	free(m);
}

static const struct tape_ops mirror_ops = {
	.name = "mirror",
	.load = mirror_load,
	.unload = mirror_unload,
	.describe = mirror_describe,
	.set = mirror_set_param,
	.read = mirror_read,
	.write = mirror_write,
	.write_filemarks = mirror_write_filemarks,
	.space = mirror_space,
	.locate = mirror_locate,
	.rewind = mirror_rewind,
	.erase = mirror_erase,
	.tell = tape_tell_known,
	.format = tape_unsupported_format,
	.report = mirror_report,
	.free = mirror_free,
};

/* ---- The spec ----------------------------------------------------------- */

static const char *const policy_names[] = {
	[POLICY_DEGRADE] = "degrade",
	[POLICY_MARKFULL] = "markfull",
	[POLICY_STOP] = "stop",
};

#define N_POLICIES (sizeof(policy_names) / sizeof(policy_names[0]))

static int
policy_from_spec(struct mirror *m, const struct spec *spec,
    struct spec_error *e)
{
	const char *name = spec_text(spec, "on_leg_error", "degrade");

	for (size_t i = 0; i < N_POLICIES; i++)
		if (strcmp(policy_names[i], name) == 0) {
			m->policy = (enum mirror_policy)i;
			return 0;
		}
	return spec_fail(e, EINVAL,
	    "mirror: on_leg_error=%s; there are degrade, markfull and stop",
	    name);
}

static int
ring_from_spec(struct mirror *m, const struct spec *spec, struct spec_error *e)
{
	const char *ack = spec_text(spec, "ack", "lockstep");

	if (strcmp(ack, "ring") == 0) {
		m->ring_size = spec_number(spec, "ring", RING_DEFAULT);
		return 0;
	}
	if (strcmp(ack, "lockstep") != 0)
		return spec_fail(e, EINVAL,
		    "mirror: ack=%s; there are lockstep and ring", ack);
	if (spec_has(spec, "ring"))
		return spec_fail(e, EINVAL,
		    "mirror: ring= is of use with ack=ring only");
	return 0;
}

/* A leg out of a child of the spec, named by the tape at the bottom of it. */
static int
add_leg(struct mirror *m, const struct spec *child, struct spec_error *e)
{
	struct tape *t = NULL;
	char name[64];
	int r = spec_open(child, &t, e);

	while (child->n_children == 1)
		child = child->children[0];
	if (r < 0)
		return r;
	(void)snprintf(name, sizeof(name), "leg %zu (%s:%.40s)", m->n_legs + 1,
	    child->type->name, child->arg); /* cut is fine */
	r = leg_new(t, name, &m->moved, &m->legs[m->n_legs]);
	if (r < 0) {
		tape_free(t);
		return spec_fail(e, -r, "mirror: leg: %s", strerror(-r));
	}
	m->n_legs++;
	return 0;
}

static int
mirror_open(const struct spec *spec, struct tape **ret_tape,
    struct spec_error *e)
{
	struct mirror *m = calloc(1, sizeof(*m));
	int r;

	if (m == NULL)
		return spec_fail(e, ENOMEM, "mirror: out of memory");
	tape_init(&m->base, &mirror_ops);
	bell_init(&m->moved);
	m->timeout_ms = (unsigned)spec_number(spec, "leg_timeout", 120) * 1000;
	m->margin = spec_number(spec, "leot_margin", 0);
	m->reserve = spec_number(spec, "eom_reserve", (uint64_t)8 << 20);
	m->verify = spec_bool(spec, "verify", false);
	m->read_longer = spec_bool(spec, "read_longer", false);
	m->degraded_open = spec_bool(spec, "degraded_open", false);
	r = policy_from_spec(m, spec, e);
	if (r == 0)
		r = ring_from_spec(m, spec, e);
	for (size_t i = 0; r == 0 && i < spec->n_children; i++)
		r = add_leg(m, spec->children[i], e);
	if (r < 0) {
		mirror_free(&m->base);
		return r;
	}
	*ret_tape = &m->base;
	return 0;
}

static const struct spec_key mirror_own_keys[] = {
	{ "on_leg_error", SPEC_TEXT, 0, 0 },
	{ "leg_timeout", SPEC_NUMBER, 0, 86400 },
	{ "ack", SPEC_TEXT, 0, 0 },
	{ "ring", SPEC_SIZE, RING_MIN, RING_MAX },
	{ "leot_margin", SPEC_SIZE, 0, UINT64_MAX },
	{ "eom_reserve", SPEC_SIZE, 0, UINT64_MAX },
	{ "verify", SPEC_BOOL, 0, 0 },
	{ "read_longer", SPEC_BOOL, 0, 0 },
	{ "degraded_open", SPEC_BOOL, 0, 0 },
	{ NULL, SPEC_TEXT, 0, 0 },
};

static const struct spec_key *const mirror_keys[] = { mirror_own_keys, NULL };

const struct tape_type mirror_tape_type = {
	.name = "mirror",
	.arg_help = "{SPEC,SPEC...}",
	.min_children = 2,
	.max_children = MIRROR_MAX_LEGS,
	.keys = mirror_keys,
	.open = mirror_open,
};
