/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ack=ring: a record is acknowledged when one healthy leg has it; the others
 * write it out of the ring, when they can.
 *
 *     acknowledged:  |-- all legs have it --|-- in the ring, some have it --|
 *     leg A          =======================================================
 *     leg B          ==============================          lag
 *                                           ^ tail                          ^
 *
 * What mirror.h promises, with a ring; H is the last acknowledged object:
 *
 * I1 Every acknowledged record is on one healthy leg, and on its way to each
 *    other one: it stays in the ring until that has it.  So neither the death
 *    of this program nor that of any one leg loses it.  Both at once may: what
 *    only the dead leg had.
 * I2 A filemark, a sync, an unload and all that moves or asks drains the ring
 *    first: then every healthy leg has every acknowledged object, and what is
 *    said of lockstep holds.
 * I3 At early warning, at a failure and at the end of the medium the ring is
 *    drained, too, before anything is decided; so the healthy legs are equal
 *    when it is told.  What is taken back is only the record that was not
 *    acknowledged yet.  A leg whose medium ends before H can't be made equal:
 *    it is dead, with what it has, and that is told.  That it does not come to
 *    this is what the limit of the lag is for, below.
 * I4 A leg that is not where it should be is dead, as in lockstep; it looks
 *    itself after every LEG_CHECK_EVERY bytes, and the mirror when it drains.
 *
 * A leg dies behind the others: the policy takes effect with the next call;
 * what was acknowledged stays so.
 *
 * The limit of the lag.  All that was acknowledged has to fit on every leg, and
 * the trailer behind it.
 *   - Where the capacity is known, the ring is all there is to it, until
 *     eom_reserve=, leot_margin= and a slack are left: 1 GB, or a sixteenth
 *     of a smaller medium, for drives do not know what compression will do.
 *   - From there on, and where the capacity is not known, the lag and
 *     eom_reserve= have to fit between early warning and the end.  Where that
 *     is not known either, it is lockstep, or taken to be 16 MB.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "mirror_item.h"

#define SLACK_MAX ((uint64_t)1 << 30) /* bytes */
#define SLACK_SHARE 16
#define ASSUMED_ZONE ((uint64_t)16 << 20) /* bytes from warning to end */

static uint64_t
less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- How far it may go -------------------------------------------------- */

/* ... if early warning comes when it is so far behind. */
static uint64_t
lag_in_zone(const struct mirror *m, uint64_t zone)
{
	uint64_t trailer = m->reserve +
	    (MIRROR_RESERVE_RECORDS + MIRROR_RESERVE_MARKS) *
		MIRROR_OBJECT_COST;
	uint64_t lag = least(m->ring_size, less(zone, trailer));

	return less(lag, lag / RING_PAGE * MIRROR_OBJECT_COST);
}

/* How many bytes a leg may be behind, if ${len} more are acknowledged. */
static uint64_t
lag_limit(struct mirror *m, size_t i, size_t len)
{
	uint64_t left = mirror_left(m, i), all, needs;
	struct tape_info info;

	leg_describe(m->legs[i], &info);
	all = info.capacity;
	if (info.room < info.max_record && info.room < left)
		all = left = info.room; /* its end is near */
	if (left == UINT64_MAX)
		return lag_in_zone(m,
		    info.reserve > 0 ? info.reserve : ASSUMED_ZONE);
	needs = len + m->reserve + m->margin +
	    least(SLACK_MAX, all / SLACK_SHARE) +
	    m->ring_size / RING_PAGE * MIRROR_OBJECT_COST;
	if (left > needs)
		return m->ring_size;
	return m->margin > 0 ? 0 : lag_in_zone(m, info.reserve);
}

bool
mirror_may_run_ahead(struct mirror *m, size_t len)
{
	mirror_set healthy = mirror_healthy(m);

	if (len > m->ring_size || m->state != MIRROR_RUN ||
	    mirror_count(healthy) < 2)
		return false;
	MIRROR_EACH(m, healthy, i)
	if (lag_limit(m, i, len) < len)
		return false;
	return true;
}

/* ---- Watching the legs -------------------------------------------------- */

/* The legs that stream, and are healthy. */
static mirror_set
streaming(const struct mirror *m)
{
	return m->ahead & mirror_healthy(m);
}

/* The object that a record of the ring is. */
static uint64_t
object_of(const struct mirror *m, uint64_t seq)
{
	return m->ahead_base + seq;
}

/* Leaves the legs behind that have not answered in time. */
static mirror_set
leave_stalled(struct mirror *m)
{
	uint64_t now = leg_now_ns();
	uint64_t patience = m->timeout_ms * UINT64_C(1000000);
	mirror_set left = 0;

	if (patience == 0)
		return 0;
	MIRROR_EACH(m, streaming(m), i)
	{
		struct leg *leg = m->legs[i];
		uint64_t began = atomic_load(&leg->began_ns);

		if (began == 0 || now < began + patience)
			continue;
		leg_cut(leg);
		mirror_give_up(m, i, object_of(m, atomic_load(&leg->taken)),
		    m->timeout_ms);
		left |= MIRROR_BIT(i);
	}
	return left;
}

/* Waits until a leg has done something, or has not for too long. */
static void
wait_for_any(struct mirror *m, uint32_t seen)
{
	uint64_t now = leg_now_ns(), first = UINT64_MAX;
	struct timespec deadline;

	MIRROR_EACH(m, streaming(m), i)
	{
		uint64_t began = atomic_load(&m->legs[i]->began_ns);

		first = least(first, began == 0 ? now : began);
	}
	deadline = leg_time(first + m->timeout_ms * UINT64_C(1000000));
	(void)bell_wait(&m->moved, seen,
	    m->timeout_ms == 0 ? NULL : &deadline); /* the caller looks */
}

static bool
has_halted_any(const struct mirror *m)
{
	MIRROR_EACH(m, streaming(m), i)
	if (leg_has_halted(m->legs[i]))
		return true;
	return false;
}

static bool
is_troubled(struct mirror *m)
{
	return leave_stalled(m) != 0 || has_halted_any(m) ||
	    streaming(m) != m->ahead;
}

/* ---- Draining ----------------------------------------------------------- */

/* Until every leg has written all that it can. */
static void
wait_till_idle(struct mirror *m, struct mirror_verdict *v)
{
	for (;;) {
		uint32_t seen = bell_look(&m->moved);
		mirror_set stalled = leave_stalled(m);
		bool idle = true;

		MIRROR_EACH(m, stalled, i)
		v->answers[i] = (struct mirror_answer){ .outcome = LEG_LOST,
			.why = "no answer" };
		MIRROR_EACH(m, streaming(m), i)
		idle = idle && leg_is_idle(m->legs[i]);
		if (idle)
			return;
		wait_for_any(m, seen);
	}
}

/* The medium of a leg ends; behind that there are acknowledged records. */
static void
ends_too_early(struct mirror *m, size_t i, uint64_t object,
    const struct mirror_item *item, struct mirror_answer *a)
{
	char what[100];

	(void)snprintf(what, sizeof(what),
	    ", before %" PRIu64 " acknowledged objects that it should hold",
	    m->base.pos.object - object);
	mirror_bury(m, i, object, item, a, what);
	a->outcome = LEG_FAILED; /* for the others, it is */
}

/*
 * What to make of the record at which a leg has halted.  True: it has it, and
 * goes on.  ${open}: the last record is not acknowledged yet, and is to be
 * decided on by ${v}.
 */
static bool
resolve(struct mirror *m, size_t i, bool open, struct mirror_verdict *v)
{
	struct leg *leg = m->legs[i];
	uint64_t seq = atomic_load(&leg->taken), object = object_of(m, seq);
	struct mirror_answer *a = &v->answers[i];
	struct ring_record record;
	struct mirror_item item;

	if (leg->strayed) {
		*a = (struct mirror_answer){ .outcome = LEG_LOST };
		leg_kill(leg, &leg->durable,
		    "object %" PRIu64 ": it does not stand there", object);
		return false;
	}
	record = ring_record(m->ring, seq);
	item = (struct mirror_item){
		.call = leg_call_write(m->ring, record.data, record.len),
		.objects = 1,
		.bytes = record.len,
	};
	mirror_judge_answers(m, &item, object, MIRROR_BIT(i), MIRROR_BIT(i), v);
	mirror_retry_refused(m, &item, object, MIRROR_BIT(i), v);
	if (leg->dead)
		return false;
	if (mirror_outcome_is_death(a->outcome)) {
		mirror_bury(m, i, object, &item, a, "");
	} else if (a->outcome != LEG_FULL) {
		leg->warned = leg->warned || a->outcome == LEG_ON_EW;
		leg_accept(leg);
		leg_resume(leg);
		return true;
	} else if (!open || seq + 1 < ring_count(m->ring)) {
		ends_too_early(m, i, object, &item, a);
	}
	return false;
}

/* No leg streams any more; what they hold is what was acknowledged. */
static void
leave_ahead(struct mirror *m)
{
	const struct leg_extent here = { .objects = m->base.pos.object,
		.files = m->base.pos.file,
		.bytes = m->bytes };

	MIRROR_EACH(m, m->ahead, i)
	{
		struct leg *leg = m->legs[i];

		if (leg->stuck)
			leg_cut(leg);
		else if (leg->ring != NULL)
			leg_leave(leg);
		if (!leg->dead)
			leg->expected = here;
	}
	m->ahead = 0;
}

/*
 * Lets all legs catch up.  ${v}: for each that streamed, what became of the
 * last record, or of the one at which it died.
 */
static void
catch_up(struct mirror *m, bool open, struct mirror_verdict *v)
{
	mirror_set all = m->ahead, again, unwarned = 0;

	MIRROR_EACH(m, all, i)
	{
		/* One that was given up just now has not got it. */
		v->answers[i] = (struct mirror_answer){
			.outcome = m->legs[i]->dead ? LEG_LOST : LEG_ON,
		};
		unwarned |= m->legs[i]->warned ? 0 : MIRROR_BIT(i);
	}
	v->asked = all;
	do {
		again = 0;
		wait_till_idle(m, v);
		MIRROR_EACH(m, streaming(m), i)
		if (leg_has_halted(m->legs[i]) &&
		    v->answers[i].outcome != LEG_FULL && resolve(m, i, open, v))
			again |= MIRROR_BIT(i);
	} while (again != 0);
	leave_ahead(m);
	MIRROR_EACH(m, unwarned & mirror_healthy(m), i)
	if (m->legs[i]->warned && v->answers[i].outcome == LEG_ON)
		v->answers[i].outcome = LEG_ON_EW;
}

static bool
has_warned(struct mirror *m, const struct mirror_verdict *v)
{
	MIRROR_EACH(m, v->asked & mirror_healthy(m), i)
	if (v->answers[i].outcome == LEG_ON_EW)
		return true;
	return false;
}

void
mirror_drain(struct mirror *m)
{
	const struct mirror_item none = { .objects = 0 };
	struct mirror_verdict v = { .asked = 0 };

	if (m->ahead == 0)
		return;
	catch_up(m, false, &v);
	if (!has_warned(m, &v))
		return;
	mirror_sync_on(m, mirror_healthy(m), m->base.pos.object, &v);
	MIRROR_EACH(m, mirror_healthy(m), i)
	if (mirror_outcome_is_death(v.answers[i].outcome))
		mirror_bury(m, i, m->base.pos.object, &none, &v.answers[i], "");
	mirror_note_durable(m);
	mirror_enter_warn(m);
}

/* ---- Writing ahead ------------------------------------------------------ */

void
mirror_begin_ahead(struct mirror *m)
{
	struct ring *ring = mirror_ring_for(m, (size_t)m->ring_size);

	if (ring == NULL)
		return; /* in lockstep, then */
	m->ahead = mirror_healthy(m);
	m->ahead_base = m->base.pos.object - ring_count(ring);
	MIRROR_EACH(m, m->ahead, i)
	{
		m->legs[i]->tail = false; /* it is written over */
		leg_stream(m->legs[i], ring);
	}
}

/* From where on the records of the ring are needed. */
static uint64_t
needed(struct mirror *m)
{
	uint64_t first = ring_count(m->ring);

	MIRROR_EACH(m, streaming(m), i)
	first = least(first, atomic_load(&m->legs[i]->taken));
	return first;
}

static bool
is_too_far(struct mirror *m, size_t len)
{
	MIRROR_EACH(m, streaming(m), i)
	if (leg_lag(m->legs[i]) + len > lag_limit(m, i, len))
		return true;
	return false;
}

/* Waits for room in the ring; false: the legs have to be in step first. */
static bool
put_when_there_is_room(struct mirror *m, const void *buf, size_t len)
{
	for (;;) {
		uint32_t seen = bell_look(&m->moved);

		if (is_troubled(m) || !mirror_may_run_ahead(m, len))
			return false;
		if (!is_too_far(m, len) &&
		    ring_put(m->ring, buf, len, needed(m)))
			return true;
		wait_for_any(m, seen);
	}
}

/* Until one of them has the last record; false: something is wrong. */
static bool
wait_for_first(struct mirror *m)
{
	uint64_t count = ring_count(m->ring);

	for (;;) {
		uint32_t seen = bell_look(&m->moved);

		if (is_troubled(m))
			return false;
		MIRROR_EACH(m, streaming(m), i)
		if (atomic_load(&m->legs[i]->taken) == count)
			return true;
		wait_for_any(m, seen);
	}
}

enum mirror_ahead
mirror_put_ahead(struct mirror *m, const void *buf, size_t len,
    struct mirror_item *ret_item, struct mirror_verdict *ret_verdict)
{
	mirror_set before;

	if (!put_when_there_is_room(m, buf, len)) {
		mirror_drain(m);
		return AHEAD_STOPPED;
	}
	*ret_item =
	    (struct mirror_item){ .objects = 1, .bytes = len, .cuts = true };
	MIRROR_EACH(m, streaming(m), i)
	bell_ring(&m->legs[i]->work);
	if (wait_for_first(m))
		return AHEAD_ACCEPTED;
	before = m->ahead;
	catch_up(m, true, ret_verdict);
	assert(ret_verdict->asked == before);
	if (has_warned(m, ret_verdict)) {
		mirror_sync_on(m, before & mirror_healthy(m),
		    m->base.pos.object + 1, ret_verdict);
		ret_verdict->synced = true;
	}
	return AHEAD_DECIDE;
}
