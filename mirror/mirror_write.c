/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a mirror writes.  An object is written on all healthy legs, each that
 * does not give plain success is asked where it stands, and the tables of
 * decide.c say what that makes of it.
 *
 * In RUN the legs write at the same time: the one that ends early may find its
 * end when the others have the record already, and then it is taken back there.
 * Behind early warning they write one after the other, the one with the least
 * room first, so that it need not be, and each record is synced before it
 * counts.
 *
 * A leg can also be found dead when nothing is decided: when it is asked where
 * it is, now and then, or can't be brought to where the mirror stands.  Then
 * the policy takes effect with the next object: settle().
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "mirror_item.h"

/* How often the legs are asked where they are, while all goes well: bytes. */
#define CHECK_EVERY LEG_CHECK_EVERY

static int
need_writable(struct mirror *m)
{
	int r = mirror_need_medium(m);

	if (r == 0 && m->protected)
		r = tape_fail(&m->base, EROFS, "a leg is write protected");
	return r;
}

static int
fail_for_good(struct mirror *m, const char *why)
{
	m->state = MIRROR_FAILED;
	return tape_fail(&m->base, EIO,
	    "%s; the tape takes no more records until it is loaded again", why);
}

/* ---- The end of the medium ---------------------------------------------- */

static bool
is_behind_warning(const struct mirror *m)
{
	return m->state == MIRROR_WARN || m->state == MIRROR_FULL;
}

void
mirror_enter_warn(struct mirror *m)
{
	if (m->state != MIRROR_RUN)
		return;
	m->state = MIRROR_WARN;
	m->reserve_bytes = m->reserve;
	m->reserve_records = MIRROR_RESERVE_RECORDS;
	m->reserve_marks = MIRROR_RESERVE_MARKS;
}

static int
end_of_medium(struct mirror *m, enum tape_cond *ret_cond)
{
	mirror_enter_warn(m);
	if (m->state == MIRROR_WARN)
		m->state = MIRROR_FULL;
	*ret_cond = TAPE_EOM;
	return tape_fail(&m->base, ENOSPC,
	    "end of the medium at object %" PRIu64, m->base.pos.object);
}

/* On a leg that can tell, filemarks have to fit behind. */
uint64_t
mirror_room(struct mirror *m)
{
	bool in_zone = is_behind_warning(m);
	uint64_t marks = in_zone ? m->reserve_marks : MIRROR_RESERVE_MARKS;
	uint64_t behind = marks * MIRROR_OBJECT_COST;
	uint64_t room = in_zone ? m->reserve_bytes : UINT64_MAX;

	if (m->state == MIRROR_FULL || (in_zone && m->reserve_records == 0))
		return 0;
	MIRROR_EACH(m, mirror_healthy(m), i)
	{
		struct tape_info info;

		leg_describe(m->legs[i], &info);
		if (info.room >= info.max_record)
			continue; /* there is more, or it can't tell */
		if (info.room <= behind)
			return 0;
		if (info.room - behind < room)
			room = info.room - behind;
	}
	return room;
}

/* Whether the reserve has room for an item; takes it from there. */
static bool
take_reserve(struct mirror *m, const struct mirror_item *item)
{
	if (!is_behind_warning(m))
		return true;
	if (item->files > 0) {
		if (item->files > m->reserve_marks)
			return false;
		m->reserve_marks -= item->files;
		return true;
	}
	if (m->reserve_records == 0)
		return false;
	m->reserve_records--;
	m->reserve_bytes -= item->bytes; /* mirror_room() has seen to that */
	return true;
}

uint64_t
mirror_left(struct mirror *m, size_t i)
{
	struct tape_info info;

	leg_describe(m->legs[i], &info);
	if (info.capacity == 0)
		return UINT64_MAX;
	return info.capacity > info.used ? info.capacity - info.used : 0;
}

/*
 * Whether a leg has less than the margin left, after an item more.  They are
 * asked again when half of what is left could have been used.
 */
static bool
is_within_margin(struct mirror *m, const struct mirror_item *item)
{
	uint64_t cost = item->bytes + item->objects * MIRROR_OBJECT_COST;
	uint64_t least = UINT64_MAX;

	if (m->margin == 0)
		return false;
	if (m->margin_in > cost) {
		m->margin_in -= cost;
		return false;
	}
	MIRROR_EACH(m, mirror_healthy(m), i)
	if (mirror_left(m, i) < least)
		least = mirror_left(m, i);
	if (least <= m->margin)
		return true;
	m->margin_in = (least - m->margin) / 2;
	return false;
}

/* ---- Before anything is written ----------------------------------------- */

static void
cut_extent(struct leg_extent *e, const struct leg_extent *here)
{
	if (e->objects > here->objects)
		*e = *here;
}

/*
 * What lies behind here will be gone, and does not count any more: from now on
 * all legs end together.  What lies before here, and was not written since the
 * load, was there then.
 */
static void
cut_extents(struct mirror *m)
{
	const struct leg_extent here = { .objects = m->base.pos.object,
		.files = m->base.pos.file,
		.bytes = m->bytes };

	m->ends_known = true;
	m->first_end = UINT64_MAX;
	for (size_t i = 0; i < m->n_legs; i++) {
		struct leg *leg = m->legs[i];

		cut_extent(&leg->expected, &here);
		cut_extent(&leg->durable, &here);
		cut_extent(&leg->prefix, &here);
		if (!leg->dead && leg->expected.objects < here.objects)
			leg->expected = leg->durable = here;
	}
}

/* Legs have died: does the mirror go on, and how? */
static int
settle(struct mirror *m)
{
	mirror_set healthy = mirror_healthy(m);
	bool died = healthy != m->settled;

	m->settled = healthy;
	if (healthy == 0)
		return fail_for_good(m, "no leg is left");
	if (!died || m->state == MIRROR_FAILED)
		return 0;
	if (m->policy == POLICY_STOP)
		return fail_for_good(m, "a leg has failed (on_leg_error=stop)");
	if (m->policy == POLICY_MARKFULL)
		mirror_enter_warn(m);
	return 0;
}

/* All healthy legs stand where the mirror does, and can be written. */
static int
prepare(struct mirror *m)
{
	int r;

	(void)mirror_bring(m, mirror_healthy(m), true); /* others are dead */
	r = settle(m);
	if (r == 0)
		cut_extents(m);
	return r;
}

/* ---- Writing on the legs ------------------------------------------------ */

/* The legs of a set, the one with the least room first. */
static size_t
by_room(struct mirror *m, mirror_set set, size_t order[MIRROR_MAX_LEGS])
{
	uint32_t rooms[MIRROR_MAX_LEGS];
	struct tape_info info;
	size_t n = 0;

	MIRROR_EACH(m, set, i)
	{
		size_t at = n++;

		tape_describe(m->legs[i]->tape, &info);
		if (m->legs[i]->warned)
			info.room /= 2; /* what it says is not much then */
		while (at > 0 && rooms[at - 1] > info.room) {
			rooms[at] = rooms[at - 1];
			order[at] = order[at - 1];
			at--;
		}
		rooms[at] = info.room;
		order[at] = i;
	}
	return n;
}

/* What the last call on a leg gave; where it stands is not asked yet. */
static void
note_answer(struct mirror *m, size_t i, bool answered, struct mirror_answer *a)
{
	const struct leg_call *call = leg_result(m->legs[i]);

	*a = (struct mirror_answer){ .result = -ETIMEDOUT };
	if (!answered) {
		(void)snprintf(a->why, sizeof(a->why), "no answer");
		return;
	}
	a->result = call->result;
	a->cond = call->cond;
	a->where = m->legs[i]->tape->pos;
	(void)snprintf(a->why, sizeof(a->why), "%.150s",
	    tape_why(m->legs[i]->tape));
}

/*
 * By position.  After plain success, while the end is far, the position that
 * they have counted will do.
 */
void
mirror_judge_answers(struct mirror *m, const struct mirror_item *item,
    uint64_t before, mirror_set set, mirror_set back, struct mirror_verdict *v)
{
	mirror_set doubtful = 0, know;

	MIRROR_EACH(m, set, i)
	{
		struct mirror_answer *a = &v->answers[i];

		note_answer(m, i, (back >> i & 1) != 0, a);
		if (a->result != 0 || a->cond != TAPE_NONE ||
		    item->bytes == 0 || m->state != MIRROR_RUN)
			doubtful |= MIRROR_BIT(i);
	}
	know = mirror_ask(m, back & doubtful);
	MIRROR_EACH(m, set, i)
	{
		struct mirror_answer *a = &v->answers[i];

		if ((know >> i & 1) != 0)
			a->where = leg_result(m->legs[i])->where;
		else if ((doubtful >> i & 1) != 0)
			a->where.known = false;
		a->outcome = mirror_get_judge()(before, item->objects,
		    a->result, a->cond, &a->where);
	}
	v->asked |= set;
}

/* A call on the legs of a set, and what became of it. */
static void
try_on(struct mirror *m, const struct mirror_item *item, uint64_t before,
    mirror_set set, struct mirror_verdict *v)
{
	mirror_set back = mirror_run(m, set, &item->call);

	mirror_judge_answers(m, item, before, set, back, v);
}

/* The legs of a set on which the item has the outcome. */
static mirror_set
with_outcome(const struct mirror *m, const struct mirror_verdict *v,
    mirror_set set, enum leg_outcome outcome)
{
	mirror_set with = 0;

	MIRROR_EACH(m, set & v->asked, i)
	if (v->answers[i].outcome == outcome)
		with |= MIRROR_BIT(i);
	return with;
}

void
mirror_retry_refused(struct mirror *m, const struct mirror_item *item,
    uint64_t before, mirror_set set, struct mirror_verdict *v)
{
	mirror_set full = with_outcome(m, v, set, LEG_FULL), again = 0;
	struct leg_call sync = leg_call_filemarks(0, false);

	MIRROR_EACH(m, full, i)
	if (!m->legs[i]->warned && v->answers[i].where.object == before)
		again |= MIRROR_BIT(i);
	MIRROR_EACH(m, again, i)
	m->legs[i]->warned = true;
	(void)mirror_run(m, again, &sync); /* if it fails, the next will */
	MIRROR_EACH(m, again & ~mirror_healthy(m), i)
	v->answers[i] =
	    (struct mirror_answer){ .outcome = LEG_LOST, .why = "no answer" };
	again &= mirror_healthy(m);
	if (again == 0)
		return;
	try_on(m, item, before, again, v);
	MIRROR_EACH(m, again, i)
	if (v->answers[i].outcome == LEG_ON)
		v->answers[i].outcome = LEG_ON_EW;
}

void
mirror_sync_on(struct mirror *m, mirror_set set, uint64_t at,
    struct mirror_verdict *v)
{
	const struct mirror_item sync = { .call =
					      leg_call_filemarks(0, false) };
	struct mirror_verdict synced = { .asked = 0 };

	set = with_outcome(m, v, set, LEG_ON) |
	    with_outcome(m, v, set, LEG_ON_EW);
	if (set == 0)
		return;
	try_on(m, &sync, at, set, &synced);
	MIRROR_EACH(m, set, i)
	{
		const struct mirror_answer *a = &synced.answers[i];

		if (!mirror_outcome_is_death(a->outcome))
			continue;
		v->answers[i] = *a;
		v->answers[i].unsynced = true;
	}
}

static void
write_on(struct mirror *m, const struct mirror_item *item, mirror_set set,
    struct mirror_verdict *v)
{
	try_on(m, item, m->base.pos.object, set, v);
	if (item->objects > 0)
		mirror_retry_refused(m, item, m->base.pos.object, set, v);
	if (item->bytes > 0 &&
	    (is_behind_warning(m) || with_outcome(m, v, set, LEG_ON_EW) != 0)) {
		mirror_sync_on(m, set, m->base.pos.object + 1, v);
		v->synced = true;
	}
}

/* A leg that has no room spares the others. */
static void
write_in_turn(struct mirror *m, const struct mirror_item *item,
    struct mirror_verdict *v)
{
	size_t order[MIRROR_MAX_LEGS];
	size_t n = by_room(m, mirror_healthy(m), order);

	for (size_t k = 0; k < n; k++) {
		write_on(m, item, MIRROR_BIT(order[k]), v);
		if (v->answers[order[k]].outcome == LEG_FULL)
			break;
	}
}

/* ---- What comes of it --------------------------------------------------- */

/* What is good on a leg that has failed. */
static struct leg_extent
good_part(struct mirror *m, size_t i, const struct mirror_item *item,
    const struct mirror_answer *a)
{
	struct leg *leg = m->legs[i];
	struct leg_call sync = leg_call_filemarks(0, false);

	if (a->outcome == LEG_LOST || a->outcome == LEG_LIE || a->unsynced ||
	    item->bytes == 0)
		return leg->durable;
	if (!mirror_run_one(m, i, &sync) || leg_result(leg)->result < 0 ||
	    mirror_ask(m, MIRROR_BIT(i)) == 0 ||
	    !leg_result(leg)->where.known ||
	    leg_result(leg)->where.object != a->where.object)
		return leg->durable;
	leg->durable = leg->expected;
	return leg->expected;
}

void
mirror_bury(struct mirror *m, size_t i, uint64_t object,
    const struct mirror_item *item, const struct mirror_answer *a,
    const char *what)
{
	struct leg_extent good = good_part(m, i, item, a);

	if (!m->legs[i]->dead)
		leg_kill(m->legs[i], &good, "object %" PRIu64 ": it %s%s%s%s",
		    object, mirror_outcome_words(a->outcome), what,
		    a->why[0] == '\0' ? "" : ": ", a->why);
}

/* Ends the data of a leg where it stands; ${leg->tail}: it can't. */
static void
cut_off(struct mirror *m, size_t i)
{
	struct leg_call erase = leg_call_erase(false);
	struct leg *leg = m->legs[i];

	leg->tail =
	    !mirror_run_one(m, i, &erase) || leg_result(leg)->result < 0;
}

/*
 * Takes back ${count} objects from a leg, of which none is there afterwards, so
 * that it stands before object ${object}.  A leg that can't is dead, with a
 * tail; one that only can't be erased there may still be written over.
 */
static void
take_back(struct mirror *m, size_t i, enum tape_unit unit, uint64_t count,
    uint64_t object)
{
	struct leg *leg = m->legs[i];
	struct leg_call back = leg_call_space(unit, -(int64_t)count);

	if (mirror_run_one(m, i, &back) && mirror_ask(m, MIRROR_BIT(i)) != 0 &&
	    leg_result(leg)->where.known &&
	    leg_result(leg)->where.object == object) {
		cut_off(m, i);
		return;
	}
	if (!leg->dead)
		leg_kill(leg, &leg->durable,
		    "object %" PRIu64 " is on it and can't be taken back: it "
		    "has an extra tail",
		    object);
}

/*
 * Takes the item back where it is.  What followed it before is gone there, so
 * it has to go on the others, too.
 */
static void
undo(struct mirror *m, const struct mirror_item *item,
    const struct mirror_verdict *v)
{
	mirror_set on = 0;

	MIRROR_EACH(m, v->asked & mirror_healthy(m), i)
	if (item->objects > 0 && mirror_outcome_is_on(v->answers[i].outcome))
		on |= MIRROR_BIT(i);
	MIRROR_EACH(m, on, i)
	take_back(m, i, item->files > 0 ? TAPE_FILEMARKS : TAPE_RECORDS,
	    item->objects, m->base.pos.object);
	if (on == 0)
		return;
	MIRROR_EACH(m, mirror_healthy(m) & ~on, i)
	cut_off(m, i);
}

/*
 * Filemarks in part, at the end: what all have counts, the others take the rest
 * back.  Returns how many.
 */
static uint32_t
settle_marks(struct mirror *m, const struct mirror_item *item,
    const struct mirror_verdict *v)
{
	mirror_set healthy = mirror_healthy(m);
	uint64_t here = m->base.pos.object;
	uint64_t least = item->files;

	MIRROR_EACH(m, healthy, i)
	{
		uint64_t done = (v->asked >> i & 1) != 0
		    ? v->answers[i].where.object - here
		    : 0;

		if (done < least)
			least = done;
	}
	MIRROR_EACH(m, healthy & v->asked, i)
	{
		uint64_t done = v->answers[i].where.object - here;

		if (done > least)
			take_back(m, i, TAPE_FILEMARKS, done - least,
			    here + least);
		else if (least == 0)
			cut_off(m, i);
	}
	return (uint32_t)least;
}

/* The item counts: for the mirror, and for every leg that has it. */
static void
commit(struct mirror *m, const struct mirror_item *item)
{
	struct leg_extent e = { .objects = m->base.pos.object + item->objects,
		.files = m->base.pos.file + item->files,
		.bytes = m->bytes == LEG_NO_BYTES ? LEG_NO_BYTES
						  : m->bytes + item->bytes };

	if (!item->cuts)
		return;
	if (item->objects > 0)
		m->unchecked += item->bytes + MIRROR_OBJECT_COST;
	MIRROR_EACH(m, mirror_healthy(m), i)
	{
		m->legs[i]->expected = e;
		if (item->objects > 0)
			m->legs[i]->tail = false; /* written over */
	}
	mirror_stand(m, e.objects, e.files);
	m->bytes = e.bytes;
}

static void
note_warnings(struct mirror *m, const struct mirror_verdict *v)
{
	MIRROR_EACH(m, v->asked, i)
	if (v->answers[i].outcome == LEG_ON_EW)
		m->legs[i]->warned = true;
}

void
mirror_note_durable(struct mirror *m)
{
	MIRROR_EACH(m, mirror_healthy(m), i)
	m->legs[i]->durable = m->legs[i]->expected;
}

/* What is to be made of it. */
static enum mirror_decision
weigh(struct mirror *m, const struct mirror_item *item,
    const struct mirror_verdict *v)
{
	enum leg_outcome outcomes[MIRROR_MAX_LEGS];
	size_t n = 0;

	MIRROR_EACH(m, v->asked, i)
	outcomes[n++] = v->answers[i].outcome;
	MIRROR_EACH(m, v->asked & mirror_healthy(m), i)
	if (mirror_outcome_is_death(v->answers[i].outcome))
		mirror_bury(m, i, m->base.pos.object, item, &v->answers[i], "");
	note_warnings(m, v);
	return mirror_decide(outcomes, n, m->policy);
}

/* Writes an item on all healthy legs. */
static enum mirror_decision
put(struct mirror *m, const struct mirror_item *item,
    struct mirror_verdict *ret_verdict)
{
	struct mirror_verdict v = { .asked = 0 };

	if (m->state == MIRROR_RUN)
		write_on(m, item, mirror_healthy(m), &v);
	else
		write_in_turn(m, item, &v);
	*ret_verdict = v;
	return weigh(m, item, &v);
}

/* Carries out what was decided. */
static int
conclude(struct mirror *m, const struct mirror_item *item,
    const struct mirror_verdict *v, enum mirror_decision decision,
    enum tape_cond *ret_cond)
{
	*ret_cond = TAPE_NONE;
	switch (decision) {
	case DECIDE_FAIL:
		return fail_for_good(m, "no leg is left");
	case DECIDE_UNDO_FAIL:
		undo(m, item, v);
		m->settled = mirror_healthy(m);
		return fail_for_good(m, "a leg has failed (on_leg_error=stop)");
	case DECIDE_UNDO_FULL:
		undo(m, item, v);
		return end_of_medium(m, ret_cond);
	case DECIDE_COMMIT_WARN:
		mirror_enter_warn(m);
		break;
	case DECIDE_COMMIT:
		break;
	}
	commit(m, item);
	m->settled = mirror_healthy(m);
	if (v->synced)
		mirror_note_durable(m);
	if (is_within_margin(m, item))
		mirror_enter_warn(m);
	if (is_behind_warning(m))
		*ret_cond = TAPE_EARLY_WARNING;
	return 0;
}

/* A leg that acknowledges what it does not write is found now and then. */
static void
check_now_and_then(struct mirror *m, enum tape_cond *ret_cond)
{
	mirror_check(m, CHECK_EVERY);
	(void)settle(m); /* this record is written; the next one will fail */
	m->base.why[0] = '\0';
	if (is_behind_warning(m))
		*ret_cond = TAPE_EARLY_WARNING;
}

struct ring *
mirror_ring_for(struct mirror *m, size_t len)
{
	size_t size = len > m->ring_size ? len : (size_t)m->ring_size;

	if (m->ring != NULL && ring_is_ours(m->ring) &&
	    ring_size(m->ring) >= len)
		return m->ring;
	ring_unref(m->ring);
	m->ring = ring_new(size);
	return m->ring;
}

/* One copy of a record for all legs. */
static int
take_in(struct mirror *m, const void *buf, size_t len,
    struct mirror_item *ret_item)
{
	struct ring *ring = mirror_ring_for(m, len);
	uint64_t seq = ring == NULL ? 0 : ring_count(ring);

	if (ring == NULL || !ring_put(ring, buf, len, seq))
		return tape_fail(&m->base, ENOMEM,
		    "no memory for a record of %zu bytes", len);
	*ret_item = (struct mirror_item){
		.call = leg_call_write(ring, ring_record(ring, seq).data, len),
		.objects = 1,
		.bytes = len,
		.cuts = true,
	};
	return 0;
}

/* A record in lockstep: it counts when all legs have it. */
static int
write_in_step(struct mirror *m, const void *buf, size_t len,
    enum tape_cond *ret_cond)
{
	struct mirror_verdict v = { .asked = 0 };
	struct mirror_item item;
	int r = prepare(m);

	if (r == 0)
		r = take_in(m, buf, len, &item);
	if (r < 0)
		return r;
	if (len > mirror_room(m) || !take_reserve(m, &item))
		return end_of_medium(m, ret_cond);
	r = conclude(m, &item, &v, put(m, &item, &v), ret_cond);
	if (r == 0)
		check_now_and_then(m, ret_cond);
	return r;
}

/* The record counts, though not all legs have it yet. */
static void
commit_ahead(struct mirror *m, const struct mirror_item *item)
{
	if (m->bytes != LEG_NO_BYTES)
		m->bytes += item->bytes;
	m->unchecked += item->bytes + MIRROR_OBJECT_COST;
	m->margin_in = 0;
	m->base.pos.object++;
}

/* A record of ack=ring: it counts when one leg has it, where that is safe. */
static int
write_ahead(struct mirror *m, const void *buf, size_t len,
    enum tape_cond *ret_cond)
{
	struct mirror_verdict v = { .asked = 0 };
	struct mirror_item item;
	int r = 0;

	if (m->ahead == 0) {
		r = prepare(m);
		if (r < 0)
			return r;
		if (mirror_may_run_ahead(m, len))
			mirror_begin_ahead(m);
		if (m->ahead == 0)
			return write_in_step(m, buf, len, ret_cond);
	}
	switch (mirror_put_ahead(m, buf, len, &item, &v)) {
	case AHEAD_ACCEPTED:
		commit_ahead(m, &item);
		*ret_cond = TAPE_NONE;
		return 0;
	case AHEAD_DECIDE:
		return conclude(m, &item, &v, weigh(m, &item, &v), ret_cond);
	case AHEAD_STOPPED:
		break;
	}
	return write_in_step(m, buf, len, ret_cond);
}

int
mirror_write(struct tape *t, const void *buf, size_t len,
    enum tape_cond *ret_cond)
{
	struct mirror *m = mirror_of(t);
	struct tape_info info;
	int r = need_writable(m);

	if (r < 0)
		return r;
	if (m->state == MIRROR_FAILED)
		return fail_for_good(m, "the mirror has failed");
	tape_describe(t, &info);
	if (len < info.min_record || len > info.max_record)
		return tape_fail(t, EINVAL,
		    "a record of %zu bytes; these legs take %" PRIu32
		    " to %" PRIu32,
		    len, info.min_record, info.max_record);
	if (m->ahead == 0 && !mirror_may_run_ahead(m, len))
		return write_in_step(m, buf, len, ret_cond);
	return write_ahead(m, buf, len, ret_cond);
}

/* The end of the medium, met by filemarks: some may be there. */
static int
marks_at_end(struct mirror *m, const struct mirror_item *item,
    const struct mirror_verdict *v, uint32_t *ret_done,
    enum tape_cond *ret_cond)
{
	struct mirror_item there = { .cuts = true };

	*ret_done = settle_marks(m, item, v);
	there.objects = there.files = *ret_done;
	commit(m, &there);
	return end_of_medium(m, ret_cond);
}

/* Filemarks in one call. */
static int
put_marks(struct mirror *m, uint32_t count, bool immediate, uint32_t *ret_done,
    enum tape_cond *ret_cond)
{
	struct mirror_item item = { .call =
					leg_call_filemarks(count, immediate),
		.objects = count,
		.files = count,
		.cuts = true };
	struct mirror_verdict v = { .asked = 0 };
	enum mirror_decision decision;
	int r = prepare(m);

	*ret_done = 0;
	if (r < 0)
		return r;
	if (!take_reserve(m, &item))
		return end_of_medium(m, ret_cond);
	decision = put(m, &item, &v);
	if (decision == DECIDE_UNDO_FULL)
		return marks_at_end(m, &item, &v, ret_done, ret_cond);
	r = conclude(m, &item, &v, decision, ret_cond);
	if (r < 0)
		return r;
	m->unchecked = 0; /* each has told where it is */
	if (!immediate)
		mirror_note_durable(m);
	*ret_done = count;
	return 0;
}

/* A leg that was read may stand anywhere, and that is nothing against it. */
static void
sync_behind(struct mirror *m, size_t i, const struct mirror_item *item,
    struct mirror_verdict *v)
{
	const struct tape_pos *at = &m->legs[i]->tape->pos;
	struct mirror_answer *a = &v->answers[i];
	bool known = at->known;

	try_on(m, item, at->object, MIRROR_BIT(i), v);
	if (!known && a->result == 0)
		a->outcome = LEG_ON;
}

/* Each leg syncs where it stands. */
static int
sync_all(struct mirror *m, enum tape_cond *ret_cond)
{
	const struct mirror_item item = { .call =
					      leg_call_filemarks(0, false) };
	struct mirror_verdict v = { .asked = 0 };
	int r = settle(m);

	if (r < 0)
		return r;
	if (m->unchecked > 0)
		try_on(m, &item, m->base.pos.object, mirror_healthy(m), &v);
	else
		MIRROR_EACH(m, mirror_healthy(m), i)
	sync_behind(m, i, &item, &v);
	r = conclude(m, &item, &v, weigh(m, &item, &v), ret_cond);
	if (r < 0)
		return r;
	m->unchecked = 0;
	mirror_note_durable(m);
	return 0;
}

int
mirror_write_filemarks(struct tape *t, uint32_t count, bool immediate,
    uint32_t *ret_done, enum tape_cond *ret_cond)
{
	struct mirror *m = mirror_of(t);
	int r = count > 0 ? need_writable(m) : mirror_need_medium(m);

	*ret_done = 0;
	*ret_cond = TAPE_NONE;
	if (r < 0)
		return r;
	mirror_drain(m);
	if (count == 0)
		return sync_all(m, ret_cond);
	while (r == 0 && *ret_done < count) {
		uint32_t left = count - *ret_done, done;

		/* In the zone one by one, so that none is there in part. */
		r = put_marks(m, m->state == MIRROR_RUN ? left : 1, immediate,
		    &done, ret_cond);
		*ret_done += done;
	}
	return r;
}

/* If no leg can erase, and none has lost its place, nothing has happened. */
static bool
is_unsupported(const struct mirror *m, const struct mirror_verdict *v)
{
	MIRROR_EACH(m, v->asked, i)
	{
		const struct mirror_answer *a = &v->answers[i];

		if ((a->result != -EOPNOTSUPP && a->result != -EINVAL) ||
		    !a->where.known || a->where.object != m->base.pos.object)
			return false;
	}
	return true;
}

int
mirror_erase(struct tape *t, bool whole)
{
	struct mirror *m = mirror_of(t);
	const struct mirror_item item = { .call = leg_call_erase(whole),
		.cuts = true };
	struct mirror_verdict v = { .asked = 0 };
	enum tape_cond cond;
	int r = need_writable(m);

	if (r == 0 && m->state == MIRROR_FAILED)
		r = fail_for_good(m, "the mirror has failed");
	if (r == 0) {
		mirror_drain(m);
		r = prepare(m);
	}
	if (r < 0)
		return r;
	try_on(m, &item, t->pos.object, mirror_healthy(m), &v);
	if (is_unsupported(m, &v))
		return tape_fail(t, EOPNOTSUPP, "no leg can be erased");
	r = conclude(m, &item, &v, weigh(m, &item, &v), &cond);
	if (r == 0) {
		mirror_note_durable(m);
		mirror_leave_end(m);
	}
	return r;
}
