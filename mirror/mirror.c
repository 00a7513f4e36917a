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
			set |= (mirror_set)1 << i;
	return set;
}

mirror_set
mirror_readable(const struct mirror *m)
{
	mirror_set set = mirror_healthy(m);

	for (size_t i = 0; i < m->n_legs; i++)
		if (m->legs[i]->lame)
			set &= ~((mirror_set)1 << i);
	return set;
}

size_t
mirror_count(mirror_set set)
{
	return (size_t)__builtin_popcount(set);
}

/* It has not answered in time. */
static void
give_up(struct mirror *m, size_t i)
{
	leg_kill(m->legs[i], &m->legs[i]->durable,
	    "object %" PRIu64 ": no answer within %u s", m->base.pos.object,
	    m->timeout_ms / 1000);
}

mirror_set
mirror_run(struct mirror *m, mirror_set set, const struct leg_call *call)
{
	mirror_set back = set;

	MIRROR_EACH(m, set, i)
	leg_begin(m->legs[i], call);
	MIRROR_EACH(m, set, i)
	{
		if (leg_end(m->legs[i], m->timeout_ms))
			continue;
		back &= ~((mirror_set)1 << i);
		if (!m->legs[i]->dead)
			give_up(m, i);
	}
	return back;
}

bool
mirror_run_one(struct mirror *m, size_t i, const struct leg_call *call)
{
	return mirror_run(m, (mirror_set)1 << i, call) != 0;
}

static bool
stands_with(const struct mirror *m, size_t i)
{
	const struct tape_pos *pos = &m->legs[i]->tape->pos;

	return pos->known && pos->object == m->base.pos.object;
}

mirror_set
mirror_bring(struct mirror *m, mirror_set set, bool to_write)
{
	struct leg_call call = leg_call_locate(0, m->base.pos.object);
	mirror_set away = 0;

	MIRROR_EACH(m, set, i)
	if (!stands_with(m, i))
		away |= (mirror_set)1 << i;
	(void)mirror_run(m, away, &call); /* where they stand tells */
	MIRROR_EACH(m, away, i)
	{
		struct leg *leg = m->legs[i];

		if (!leg->dead && !leg->stuck && stands_with(m, i))
			continue;
		set &= ~((mirror_set)1 << i);
		if (leg->dead)
			continue;
		leg->lame = true;
		if (to_write)
			leg_kill(leg, &leg->expected,
			    "object %" PRIu64 ": it can't get there: %s",
			    m->base.pos.object, tape_why(leg->tape));
	}
	return set;
}

/* ---- What they have in common ------------------------------------------- */

void
mirror_stand(struct mirror *m, uint64_t object, uint64_t file)
{
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

static uint32_t
common_multiple(uint32_t a, uint32_t b)
{
	uint32_t x = a, y = b;

	while (y != 0) {
		uint32_t rest = x % y;

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
	info->granularity =
	    common_multiple(info->granularity, leg->granularity);
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

		tape_describe(m->legs[i]->tape, &leg);
		restrict_to(ret_info, &leg);
		ret_info->density = leg.density;
		n++;
	}
	if (ret_info->min_record > ret_info->max_record)
		ret_info->min_record = ret_info->max_record; /* see load */
	ret_info->loaded = m->loaded;
	ret_info->partitions = ret_info->max_partitions = 1;
	(void)snprintf(ret_info->medium, sizeof(ret_info->medium),
	    "mirror of %zu%s", n, n < m->n_legs ? ", degraded" : "");
}

static int
mirror_set_param(struct tape *t, enum tape_param param, uint32_t value)
{
	struct mirror *m = mirror_of(t);
	struct leg_call call = leg_call_set(param, value);
	struct leg_call undo = leg_call_set(param, value == 0 ? 1 : 0);
	mirror_set done = 0;
	int r = mirror_need_medium(m);

	if (r < 0)
		return r;
	MIRROR_EACH(m, mirror_healthy(m), i)
	{
		if (mirror_run_one(m, i, &call))
			r = leg_result(m->legs[i])->result;
		if (r < 0) {
			r = mirror_fail_as(m, i, -r);
			break;
		}
		done |= (mirror_set)1 << i;
	}
	if (r < 0 && param == TAPE_COMPRESSION)
		(void)mirror_run(m, done, &undo); /* the first failure counts */
	return r;
}

/* ---- Loading ------------------------------------------------------------ */

/* A leg that has a tape begins anew. */
static void
revive(struct leg *leg)
{
	leg->dead = leg->lame = leg->warned = false;
	leg->reason[0] = '\0';
	leg->expected = leg->durable = leg->prefix = (struct leg_extent){ 0 };
}

static void
begin_volume(struct mirror *m)
{
	m->loaded = true;
	m->state = MIRROR_RUN;
	m->bytes = m->unchecked = m->check_at = 0;
	m->reader = 0;
	mirror_stand(m, 0, 0);
}

/* The legs whose threads are free; a stuck one may have come back. */
static mirror_set
free_legs(struct mirror *m)
{
	mirror_set set = 0;

	for (size_t i = 0; i < m->n_legs; i++) {
		if (m->legs[i]->stuck && leg_end(m->legs[i], 1))
			m->legs[i]->stuck = false;
		if (!m->legs[i]->stuck)
			set |= (mirror_set)1 << i;
	}
	return set;
}

static int
unload_all(struct mirror *m)
{
	struct leg_call call = leg_call_unload();
	mirror_set healthy = mirror_healthy(m);
	mirror_set back = mirror_run(m, free_legs(m), &call);
	int r = 0;

	MIRROR_EACH(m, back & healthy, i)
	if (leg_result(m->legs[i])->result < 0)
		r = mirror_fail_as(m, i, -leg_result(m->legs[i])->result);
	m->loaded = false;
	m->base.pos = (struct tape_pos){ .known = false };
	return r;
}

/* Legs that have no record size in common are no mirror. */
static int
check_limits(struct mirror *m)
{
	uint32_t min = 1, max = TAPE_MAX_RECORD;

	MIRROR_EACH(m, mirror_healthy(m), i)
	{
		struct tape_info leg;

		tape_describe(m->legs[i]->tape, &leg);
		if (leg.min_record > min)
			min = leg.min_record;
		if (leg.max_record < max)
			max = leg.max_record;
	}
	if (min <= max)
		return 0;
	return tape_fail(&m->base, EINVAL,
	    "the legs have no record size in common: one takes %" PRIu32
	    " bytes and more, another %" PRIu32 " and less",
	    min, max);
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

	if (m->loaded && m->state != MIRROR_DIVERGED)
		return mirror_rewind(t);
	r = load_all(m);
	if (r == 0)
		r = check_limits(m);
	if (r < 0) {
		memcpy(why, tape_why(t), sizeof(why));
		(void)unload_all(m); /* the first failure is told */
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

static void
report_leg(const struct leg *leg, const struct tape_listener *listener)
{
	struct tape_info info;
	double seconds = (double)leg->busy_ns / 1e9;

	if (leg->dead) {
		tape_tell_line(listener,
		    "%s: DEAD%s: %s; good on it: %" PRIu64 " objects, %" PRIu64
		    " files, %" PRIu64 " bytes",
		    leg->name, leg->stuck ? " (hangs)" : "", leg->reason,
		    leg->prefix.objects, leg->prefix.files, leg->prefix.bytes);
		return;
	}
	tape_describe(leg->tape, &info);
	tape_tell_line(listener,
	    "%s: %s: object %" PRIu64 ", durable to %" PRIu64 ", %" PRIu64
	    " bytes, %.1f MB/s while busy, %" PRIu64 " of %" PRIu64
	    " bytes left, %" PRIu64 " failed calls%s",
	    leg->name, leg->lame ? "healthy, but can't be read" : "healthy",
	    leg->expected.objects, leg->durable.objects, leg->expected.bytes,
	    seconds > 0 ? (double)leg->expected.bytes / seconds / 1e6 : 0.0,
	    info.capacity > info.used ? info.capacity - info.used : 0,
	    info.capacity, leg->errors, leg->warned ? ", early warning" : "");
}

static void
mirror_report(struct tape *t, const struct tape_listener *listener)
{
	struct mirror *m = mirror_of(t);
	size_t healthy = mirror_count(mirror_healthy(m));

	tape_tell_line(listener,
	    "mirror of %zu, %s%s: %" PRIu64 " objects, %" PRIu64
	    " files before here",
	    m->n_legs, m->loaded ? state_names[m->state] : "no tapes loaded",
	    healthy < m->n_legs ? ", DEGRADED" : "", t->pos.object,
	    t->pos.file);
	for (size_t i = 0; i < m->n_legs; i++)
		report_leg(m->legs[i], listener);
}

static void
mirror_free(struct tape *t)
{
	struct mirror *m = mirror_of(t);

	for (size_t i = 0; i < m->n_legs; i++) {
		bool stuck;

		leg_stop(m->legs[i]);
		stuck = m->legs[i]->stuck;
		if (!stuck)
			free(m->legs[i]); /* else its thread has it */
	}
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

/* A leg out of a child of the spec. */
static int
add_leg(struct mirror *m, const struct spec *child, struct spec_error *e)
{
	struct leg *leg = calloc(1, sizeof(*leg));
	struct tape *t = NULL;
	char name[64];
	int r;

	if (leg == NULL)
		return spec_fail(e, ENOMEM, "mirror: out of memory");
	r = spec_open(child, &t, e);
	if (r == 0) {
		(void)snprintf(name, sizeof(name), "leg %zu (%s:%s)",
		    m->n_legs + 1, child->type->name, child->arg);
		r = leg_start(leg, t, name);
		if (r < 0) {
			tape_free(t);
			r = spec_fail(e, -r, "mirror: no thread: %s",
			    strerror(-r));
		}
	}
	if (r < 0) {
		free(leg);
		return r;
	}
	m->legs[m->n_legs++] = leg;
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
	m->timeout_ms = (unsigned)spec_number(spec, "leg_timeout", 120) * 1000;
	m->margin = spec_number(spec, "leot_margin", 0);
	m->reserve = spec_number(spec, "eom_reserve", (uint64_t)8 << 20);
	m->verify = spec_bool(spec, "verify", false);
	m->read_longer = spec_bool(spec, "read_longer", false);
	m->degraded_open = spec_bool(spec, "degraded_open", false);
	r = policy_from_spec(m, spec, e);
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
