/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a mirror reads, and how it moves.  Records are read from one leg; the
 * others catch up at filemarks, at the end of data, and before anything is
 * written, and then they have to agree on what they hold.
 *
 * A leg that can't be read, or can't get somewhere, is lame: it is passed over
 * until the tape is rewound.  That says nothing against what is written on it.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "mirror_state.h"

/* Any motion but forward over data: what was written at the end is behind. */
static void
leave_end(struct mirror *m)
{
	if (m->state == MIRROR_WARN || m->state == MIRROR_FULL)
		m->state = MIRROR_RUN;
	MIRROR_EACH(m, mirror_healthy(m), i)
	m->legs[i]->warned = false;
	m->check_at = 0;
}

static void
be_lame(struct mirror *m, size_t i, const char *what)
{
	struct leg *leg = m->legs[i];

	if (leg->dead || leg->lame)
		return;
	leg->lame = true;
	tape_alarm("%s: object %" PRIu64 ": %s: %s; read from the others until "
		   "a rewind",
	    leg->name, m->base.pos.object, what, tape_why(leg->tape));
}

/* ---- Agreement ---------------------------------------------------------- */

/* Whether a leg stands where another does. */
static bool
same_place(const struct leg *a, const struct leg *b)
{
	return a->tape->pos.known && b->tape->pos.known &&
	    a->tape->pos.object == b->tape->pos.object &&
	    a->tape->pos.file == b->tape->pos.file;
}

/*
 * Runs a motion on a set of legs that stand where the mirror does.  Those that
 * fail while another does not are lame.  ${ret_first}: one that did not; if
 * none, the result is its failure.  All that succeeded have to agree.
 */
static int
move(struct mirror *m, mirror_set set, const struct leg_call *call,
    size_t *ret_first)
{
	mirror_set back = mirror_run(m, set, call);
	size_t first = MIRROR_MAX_LEGS, failed = MIRROR_MAX_LEGS;

	MIRROR_EACH(m, back, i)
	{
		if (leg_result(m->legs[i])->result < 0)
			failed = i;
		else if (first == MIRROR_MAX_LEGS)
			first = i;
	}
	if (first == MIRROR_MAX_LEGS) {
		if (failed == MIRROR_MAX_LEGS)
			return tape_fail(&m->base, EIO, "no leg is left");
		*ret_first = failed;
		return mirror_fail_as(m, failed,
		    -leg_result(m->legs[failed])->result);
	}
	*ret_first = first;
	MIRROR_EACH(m, back, i)
	{
		const struct leg_call *a = leg_result(m->legs[first]);
		const struct leg_call *b = leg_result(m->legs[i]);

		if (b->result < 0)
			be_lame(m, i, "can't be spaced over");
		else if (a->cond != b->cond || a->done != b->done ||
		    !same_place(m->legs[first], m->legs[i]))
			return mirror_diverge(m,
			    "from object %" PRIu64 ", %s gets to object "
			    "%" PRIu64 " and %s to object %" PRIu64,
			    m->base.pos.object, m->legs[first]->name,
			    m->legs[first]->tape->pos.object, m->legs[i]->name,
			    m->legs[i]->tape->pos.object);
	}
	return 0;
}

/* The others follow the reader over a filemark, from wherever they are. */
static int
follow_filemark(struct mirror *m, size_t reader)
{
	mirror_set others = mirror_readable(m) & ~((mirror_set)1 << reader);
	struct leg_call over = leg_call_space(TAPE_FILEMARKS, 1);
	mirror_set back = mirror_run(m, others, &over);

	MIRROR_EACH(m, back, i)
	{
		const struct leg *leg = m->legs[i];

		if (leg_result(leg)->result < 0)
			be_lame(m, i, "can't be spaced over");
		else if (!same_place(leg, m->legs[reader]))
			return mirror_diverge(m,
			    "%s has its next filemark before object %" PRIu64
			    ", %s before object %" PRIu64,
			    m->legs[reader]->name,
			    m->legs[reader]->tape->pos.object, leg->name,
			    leg->tape->pos.object);
	}
	return 0;
}

/*
 * The reader is at the end of data.  If another leg has more, it is longer: go
 * on there, or fail.  ${ret_reader}: the leg to read on, if there is one.
 */
static int
check_end(struct mirror *m, size_t reader, size_t *ret_reader)
{
	mirror_set others = mirror_readable(m) & ~((mirror_set)1 << reader);
	struct leg_call on = leg_call_space(TAPE_RECORDS, 1);
	mirror_set back;

	*ret_reader = MIRROR_MAX_LEGS;
	others = mirror_bring(m, others, false);
	back = mirror_run(m, others, &on);
	MIRROR_EACH(m, back, i)
	{
		struct leg *leg = m->legs[i];

		if (leg_result(leg)->result < 0 ||
		    leg_result(leg)->cond == TAPE_EOD)
			continue; /* it ends here, too, or in damage */
		if (!m->read_longer)
			return mirror_diverge(m,
			    "%s ends at object %" PRIu64 ", but %s goes on; "
			    "read_longer=yes reads it",
			    m->legs[reader]->name, m->base.pos.object,
			    leg->name);
		*ret_reader = i;
	}
	return 0;
}

/* ---- Reading ------------------------------------------------------------ */

/* The leg that is read, or another one if that can't be; -1: none. */
static int
choose_reader(struct mirror *m)
{
	mirror_set can = mirror_readable(m);

	if ((can >> m->reader & 1) != 0)
		return (int)m->reader;
	MIRROR_EACH(m, can, i)
	{
		m->reader = i;
		return (int)i;
	}
	return -1;
}

/* One object from a leg, in at most two attempts. */
static bool
read_leg(struct mirror *m, size_t i, size_t size)
{
	struct leg_call call = leg_call_read(size);
	mirror_set one = (mirror_set)1 << i;

	for (int attempt = 0; attempt < 2; attempt++) {
		if (mirror_bring(m, one, false) == 0 ||
		    !mirror_run_one(m, i, &call))
			return false;
		if (leg_result(m->legs[i])->result == 0)
			return true;
	}
	be_lame(m, i, "can't be read");
	return false;
}

/* In verify mode: the other legs read the same. */
static int
compare_others(struct mirror *m, size_t reader, size_t size)
{
	const struct leg_call *a = leg_result(m->legs[reader]);

	MIRROR_EACH(m, mirror_readable(m) & ~((mirror_set)1 << reader), i)
	{
		const struct leg_call *b = leg_result(m->legs[i]);

		if (!read_leg(m, i, size))
			continue; /* lame now, and that was told */
		if (a->cond != b->cond || a->len != b->len ||
		    memcmp(m->legs[reader]->buf, m->legs[i]->buf,
			a->len < size ? a->len : size) != 0)
			return mirror_diverge(m,
			    "object %" PRIu64 " on %s (%s, %zu bytes) is not "
			    "as on %s (%s, %zu bytes)",
			    m->base.pos.object, m->legs[i]->name,
			    tape_cond_name(b->cond), b->len,
			    m->legs[reader]->name, tape_cond_name(a->cond),
			    a->len);
	}
	return 0;
}

/* What the reader has read is what the mirror has. */
static int
take_object(struct mirror *m, size_t reader, void *buf, size_t size,
    size_t *ret_len, enum tape_cond *ret_cond)
{
	const struct leg *leg = m->legs[reader];
	const struct leg_call *call = leg_result(leg);
	enum tape_cond cond = call->cond;
	size_t len = call->len;
	int r = 0;

	if (m->verify)
		r = compare_others(m, reader, size);
	else if (cond == TAPE_FILEMARK)
		r = follow_filemark(m, reader);
	if (r < 0)
		return r;
	if (cond == TAPE_NONE && len > 0)
		memcpy(buf, leg->buf, len < size ? len : size);
	mirror_stand(m, leg->tape->pos.object, leg->tape->pos.file);
	*ret_len = len;
	*ret_cond = cond;
	return 0;
}

int
mirror_read(struct tape *t, void *buf, size_t size, size_t *ret_len,
    enum tape_cond *ret_cond)
{
	struct mirror *m = mirror_of(t);
	int r = mirror_need_medium(m);
	int reader = -1;

	*ret_len = 0;
	while (r == 0) {
		size_t longer;

		reader = choose_reader(m);
		if (reader < 0)
			return tape_fail(t, EIO,
			    "object %" PRIu64 ": no leg can read it",
			    t->pos.object);
		if (!read_leg(m, (size_t)reader, size))
			continue; /* it is no reader any more */
		if (leg_result(m->legs[reader])->cond != TAPE_EOD || m->verify)
			break;
		r = check_end(m, (size_t)reader, &longer);
		if (r < 0 || longer == MIRROR_MAX_LEGS)
			break;
		be_lame(m, (size_t)reader, "ends before the others");
		m->reader = longer;
	}
	if (r < 0 || reader < 0)
		return r;
	return take_object(m, (size_t)reader, buf, size, ret_len, ret_cond);
}

/* ---- Motion ------------------------------------------------------------- */

int
mirror_space(struct tape *t, enum tape_unit unit, int64_t count,
    uint64_t *ret_done, enum tape_cond *ret_cond)
{
	struct mirror *m = mirror_of(t);
	struct leg_call call = leg_call_space(unit, count);
	mirror_set set;
	size_t first;
	int r = mirror_need_medium(m);

	*ret_done = 0;
	*ret_cond = TAPE_NONE;
	if (r < 0)
		return r;
	set = mirror_bring(m, mirror_readable(m), false);
	if (count < 0)
		leave_end(m);
	r = move(m, set, &call, &first);
	if (m->state == MIRROR_DIVERGED)
		return r;
	if (r < 0 && first == MIRROR_MAX_LEGS)
		return r;
	*ret_done = leg_result(m->legs[first])->done;
	*ret_cond = leg_result(m->legs[first])->cond;
	mirror_stand(m, m->legs[first]->tape->pos.object,
	    m->legs[first]->tape->pos.file);
	return r;
}

int
mirror_locate(struct tape *t, uint32_t partition, uint64_t object,
    enum tape_cond *ret_cond)
{
	struct mirror *m = mirror_of(t);
	struct leg_call call = leg_call_locate(0, object);
	size_t first;
	int r = mirror_need_medium(m);

	if (r < 0)
		return r;
	if (partition != 0)
		return tape_fail(t, EINVAL, "a mirror has only partition 0");
	leave_end(m);
	r = move(m, mirror_readable(m), &call, &first);
	if (r < 0)
		return r;
	*ret_cond = leg_result(m->legs[first])->cond;
	mirror_stand(m, m->legs[first]->tape->pos.object,
	    m->legs[first]->tape->pos.file);
	return 0;
}

/* The lame walk again from BOT. */
int
mirror_rewind(struct tape *t)
{
	struct mirror *m = mirror_of(t);
	struct leg_call call = leg_call_rewind();
	size_t first;
	int r = mirror_need_medium(m);

	if (r < 0)
		return r;
	MIRROR_EACH(m, mirror_healthy(m), i)
	m->legs[i]->lame = false;
	leave_end(m);
	m->reader = 0;
	m->bytes = 0;
	r = move(m, mirror_healthy(m), &call, &first);
	if (r == 0)
		mirror_stand(m, 0, 0);
	return r;
}
