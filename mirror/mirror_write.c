/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a mirror writes.  An object is written on all healthy legs, each is
 * asked where it stands, and the tables of decide.c say what that makes of it.
 *
 * In RUN the legs write at the same time: the one that ends early may find its
 * end when the others have the record already, and then it is taken back there.
 * Behind early warning they write one after the other, the one with the least
 * room first, so that it need not be.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#include "mirror_state.h"

/* How often the legs are asked where they are, while all goes well: bytes. */
#define CHECK_EVERY ((uint64_t)64 << 20)

/* What became of an object on each leg of a set. */
struct verdict {
	enum leg_outcome outcomes[MIRROR_MAX_LEGS]; /* by leg */
	mirror_set asked;
};

/* One object, or filemarks in a row. */
struct item {
	struct leg_call call;
	uint64_t objects, files, bytes;
};

static int
need_writable(struct mirror *m)
{
	struct tape_info info;
	int r = mirror_need_medium(m);

	if (r < 0)
		return r;
	tape_describe(&m->base, &info);
	if (info.write_protected)
		return tape_fail(&m->base, EROFS, "a leg is write protected");
	return 0;
}

/* ---- The end of the medium ---------------------------------------------- */

/* From here on what is written comes out of the reserve. */
static void
enter_warn(struct mirror *m)
{
	if (m->state != MIRROR_RUN)
		return;
	m->state = MIRROR_WARN;
	m->reserve_bytes = m->reserve;
	m->reserve_records = MIRROR_RESERVE_RECORDS;
	m->reserve_marks = MIRROR_RESERVE_MARKS;
}

/* Whether the reserve has room for an item; takes it from there. */
static bool
take_reserve(struct mirror *m, const struct item *item)
{
	if (m->state == MIRROR_RUN || item->objects == 0)
		return true;
	if (item->files > 0) {
		if (item->files > m->reserve_marks)
			return false;
		m->reserve_marks -= item->files;
		return true;
	}
	if (m->state == MIRROR_FULL || m->reserve_records == 0 ||
	    item->bytes > m->reserve_bytes)
		return false;
	m->reserve_records--;
	m->reserve_bytes -= item->bytes;
	return true;
}

/*
 * Whether a leg has less than the margin left.  It is asked again when half of
 * what it has left could have been used.
 */
static bool
is_within_margin(struct mirror *m)
{
	uint64_t least = UINT64_MAX;

	if (m->margin == 0 || m->bytes < m->check_at)
		return false;
	MIRROR_EACH(m, mirror_healthy(m), i)
	{
		struct tape_info info;
		uint64_t left;

		tape_describe(m->legs[i]->tape, &info);
		if (info.capacity == 0)
			continue;
		left =
		    info.capacity > info.used ? info.capacity - info.used : 0;
		if (left < least)
			least = left;
	}
	if (least <= m->margin)
		return true;
	m->check_at = least == UINT64_MAX ? UINT64_MAX
					  : m->bytes + (least - m->margin) / 2;
	return false;
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

/* What became of the item on a leg that has answered, or has not. */
static enum leg_outcome
judge(struct mirror *m, size_t i, const struct item *item, bool answered)
{
	const struct leg *leg = m->legs[i];
	const struct leg_call *call = leg_result(leg);

	if (!answered)
		return LEG_LOST;
	return leg_outcome(m->base.pos.object, item->objects, call->result,
	    call->cond, &leg->tape->pos);
}

static void
write_at_once(struct mirror *m, const struct item *item, struct verdict *v)
{
	mirror_set back = mirror_run(m, v->asked, &item->call);

	MIRROR_EACH(m, v->asked, i)
	v->outcomes[i] = judge(m, i, item, (back >> i & 1) != 0);
}

/* A leg that has no room spares the others. */
static void
write_in_turn(struct mirror *m, const struct item *item, struct verdict *v)
{
	size_t order[MIRROR_MAX_LEGS];
	size_t n = by_room(m, v->asked, order);

	v->asked = 0;
	for (size_t k = 0; k < n; k++) {
		size_t i = order[k];
		bool answered = mirror_run_one(m, i, &item->call);

		v->asked |= (mirror_set)1 << i;
		v->outcomes[i] = judge(m, i, item, answered);
		if (v->outcomes[i] == LEG_FULL)
			break;
	}
}

/* ---- What comes of it --------------------------------------------------- */

/* The dead of this item leave the mirror. */
static void
bury(struct mirror *m, const struct verdict *v)
{
	MIRROR_EACH(m, v->asked, i)
	{
		struct leg *leg = m->legs[i];
		enum leg_outcome o = v->outcomes[i];

		if (!leg_outcome_is_death(o) || leg->dead)
			continue;
		leg_kill(leg, o == LEG_LOST ? &leg->durable : &leg->expected,
		    "object %" PRIu64 ": it %s: %s", m->base.pos.object,
		    leg_outcome_words(o),
		    leg->stuck ? "no answer" : tape_why(leg->tape));
	}
}

/* Takes the item back where it is; a leg that can't is dead, with a tail. */
static void
undo(struct mirror *m, const struct item *item, const struct verdict *v)
{
	struct leg_call back = item->files > 0
	    ? leg_call_space(TAPE_FILEMARKS, -(int64_t)item->files)
	    : leg_call_space(TAPE_RECORDS, -1);

	MIRROR_EACH(m, v->asked & mirror_healthy(m), i)
	{
		struct leg *leg = m->legs[i];

		if (!leg_outcome_is_on(v->outcomes[i]))
			continue;
		if (mirror_run_one(m, i, &back) && leg->tape->pos.known &&
		    leg->tape->pos.object == m->base.pos.object)
			continue;
		if (!leg->dead)
			leg_kill(leg, &leg->expected,
			    "object %" PRIu64 " is on it and can't be taken "
			    "back: it has an extra tail",
			    m->base.pos.object);
	}
}

/*
 * Filemarks in part, at the end: what all have counts, the others take the rest
 * back.  Returns how many.
 */
static uint32_t
settle_marks(struct mirror *m, const struct item *item, const struct verdict *v)
{
	uint64_t least = item->files;

	MIRROR_EACH(m, v->asked & mirror_healthy(m), i)
	{
		const struct leg *leg = m->legs[i];
		uint64_t done = leg->tape->pos.object - m->base.pos.object;

		if (done < least)
			least = done;
	}
	MIRROR_EACH(m, v->asked & mirror_healthy(m), i)
	{
		struct leg *leg = m->legs[i];
		uint64_t wanted = m->base.pos.object + least;
		struct leg_call back = leg_call_space(TAPE_FILEMARKS,
		    -(int64_t)(leg->tape->pos.object - wanted));

		if (leg->tape->pos.object == wanted)
			continue;
		if ((!mirror_run_one(m, i, &back) ||
			leg->tape->pos.object != wanted) &&
		    !leg->dead)
			leg_kill(leg, &leg->expected, "it has an extra tail");
	}
	return (uint32_t)least;
}

/* The item counts: for the mirror, and for every leg that has it. */
static void
commit(struct mirror *m, const struct item *item)
{
	m->bytes += item->bytes;
	m->unchecked += item->bytes;
	mirror_stand(m, m->base.pos.object + item->objects,
	    m->base.pos.file + item->files);
	MIRROR_EACH(m, mirror_healthy(m), i)
	m->legs[i]->expected =
	    (struct leg_extent){ .objects = m->base.pos.object,
		    .files = m->base.pos.file,
		    .bytes = m->bytes };
}

static void
note_warnings(struct mirror *m, const struct verdict *v)
{
	MIRROR_EACH(m, v->asked, i)
	if (v->outcomes[i] == LEG_ON_EW)
		m->legs[i]->warned = true;
}

/* All healthy legs have what was written on their media. */
static void
note_durable(struct mirror *m)
{
	MIRROR_EACH(m, mirror_healthy(m), i)
	m->legs[i]->durable = m->legs[i]->expected;
}

/*
 * Asks the legs where they are, now and then: a drive that acknowledges what it
 * does not write is found before it has swallowed too much.
 */
static void
check_positions(struct mirror *m, bool now)
{
	struct leg_call tell = leg_call_tell();
	mirror_set back;

	if (!now && m->unchecked < CHECK_EVERY)
		return;
	m->unchecked = 0;
	back = mirror_run(m, mirror_healthy(m), &tell);
	MIRROR_EACH(m, back, i)
	{
		struct leg *leg = m->legs[i];

		if (leg->tape->pos.known &&
		    leg->tape->pos.object == m->base.pos.object)
			continue;
		leg_kill(leg, &leg->durable,
		    "it should stand at object %" PRIu64 ", but is at %" PRIu64,
		    m->base.pos.object, leg->tape->pos.object);
	}
}

static int
fail_for_good(struct mirror *m, const char *why)
{
	m->state = MIRROR_FAILED;
	return tape_fail(&m->base, EIO,
	    "%s; the tape takes nothing more until it is loaded again", why);
}

static int
end_of_medium(struct mirror *m, enum tape_cond *ret_cond)
{
	enter_warn(m);
	m->state = MIRROR_FULL;
	*ret_cond = TAPE_EOM;
	return tape_fail(&m->base, ENOSPC,
	    "end of the medium at object %" PRIu64, m->base.pos.object);
}

/* Writes an item on all legs and sees what is to be made of it. */
static enum mirror_decision
put(struct mirror *m, const struct item *item, struct verdict *ret_verdict)
{
	enum leg_outcome outcomes[MIRROR_MAX_LEGS];
	struct verdict v = { .asked =
				 mirror_bring(m, mirror_healthy(m), true) };
	size_t n = 0;

	if (v.asked == 0)
		return DECIDE_FAIL;
	if (m->state == MIRROR_RUN || item->objects == 0)
		write_at_once(m, item, &v);
	else
		write_in_turn(m, item, &v);
	MIRROR_EACH(m, v.asked, i)
	outcomes[n++] = v.outcomes[i];
	bury(m, &v);
	note_warnings(m, &v);
	*ret_verdict = v;
	return mirror_decide(outcomes, n, m->policy);
}

/* Carries out what was decided. */
static int
conclude(struct mirror *m, const struct item *item, const struct verdict *v,
    enum mirror_decision decision, enum tape_cond *ret_cond)
{
	*ret_cond = TAPE_NONE;
	switch (decision) {
	case DECIDE_FAIL:
		return fail_for_good(m, "no leg is left");
	case DECIDE_UNDO_FAIL:
		undo(m, item, v);
		return fail_for_good(m, "a leg has failed (on_leg_error=stop)");
	case DECIDE_UNDO_FULL:
		undo(m, item, v);
		return end_of_medium(m, ret_cond);
	case DECIDE_COMMIT_WARN:
		enter_warn(m);
		break;
	case DECIDE_COMMIT:
		break;
	}
	commit(m, item);
	if (mirror_healthy(m) == 0)
		return fail_for_good(m, "no leg is left");
	if (is_within_margin(m))
		enter_warn(m);
	if (m->state != MIRROR_RUN)
		*ret_cond = TAPE_EARLY_WARNING;
	return 0;
}

/* In the zone behind early warning each object is on the media before the next.
 */
static int
sync_in_zone(struct mirror *m)
{
	struct item item = { .call = leg_call_filemarks(0, false) };
	struct verdict v;
	enum tape_cond cond;
	int r = conclude(m, &item, &v, put(m, &item, &v), &cond);

	if (r == 0)
		note_durable(m);
	return r;
}

int
mirror_write(struct tape *t, const void *buf, size_t len,
    enum tape_cond *ret_cond)
{
	struct mirror *m = mirror_of(t);
	struct item item = { .call = leg_call_write(buf, len),
		.objects = 1,
		.bytes = len };
	struct verdict v = { .asked = 0 };
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
	if (!take_reserve(m, &item))
		return end_of_medium(m, ret_cond);
	r = conclude(m, &item, &v, put(m, &item, &v), ret_cond);
	if (r == 0 && *ret_cond == TAPE_EARLY_WARNING)
		r = sync_in_zone(m);
	else if (r == 0)
		check_positions(m, false);
	return r;
}

/* The end of the medium, met by filemarks: some may be there. */
static int
marks_at_end(struct mirror *m, const struct item *item, const struct verdict *v,
    uint32_t *ret_done, enum tape_cond *ret_cond)
{
	struct item there = { .objects = 0 };

	*ret_done = settle_marks(m, item, v);
	there.objects = there.files = *ret_done;
	commit(m, &there);
	return end_of_medium(m, ret_cond);
}

int
mirror_write_filemarks(struct tape *t, uint32_t count, bool immediate,
    uint32_t *ret_done, enum tape_cond *ret_cond)
{
	struct mirror *m = mirror_of(t);
	struct item item = { .call = leg_call_filemarks(count, immediate),
		.objects = count,
		.files = count };
	struct verdict v = { .asked = 0 };
	enum mirror_decision decision;
	int r = count > 0 ? need_writable(m) : mirror_need_medium(m);

	*ret_done = 0;
	*ret_cond = TAPE_NONE;
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
	*ret_done = count;
	check_positions(m, true);
	if (!immediate || count == 0)
		note_durable(m);
	return mirror_healthy(m) == 0 ? fail_for_good(m, "no leg is left") : 0;
}

int
mirror_erase(struct tape *t, bool whole)
{
	struct mirror *m = mirror_of(t);
	struct item item = { .call = leg_call_erase(whole) };
	struct verdict v = { .asked = 0 };
	enum tape_cond cond;
	int r = need_writable(m);

	if (r < 0)
		return r;
	r = conclude(m, &item, &v, put(m, &item, &v), &cond);
	if (r == 0)
		note_durable(m);
	return r;
}
