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
 * Whether a leg only ends before another, and that is to be overlooked:
 * ${call} has moved both, or was to.
 */
static bool
is_overlooked(const struct mirror *m, const struct leg *leg,
    const struct leg *other)
{
	const struct leg_call *call = leg_result(leg);

	return m->read_longer && leg->tape->pos.known &&
	    (call->cond == TAPE_EOD || call->unit == TAPE_TO_EOD) &&
	    leg->tape->pos.object < other->tape->pos.object;
}

/* All legs of a set have to agree with one of them. */
static int
agree(struct mirror *m, mirror_set set, size_t with)
{
	const struct leg *a = m->legs[with];

	MIRROR_EACH(m, set, i)
	{
		const struct leg *b = m->legs[i];

		if (leg_result(b)->result < 0)
			mirror_be_lame(m, i, "can't be spaced over");
		else if (leg_result(a)->cond == leg_result(b)->cond &&
		    leg_result(a)->done == leg_result(b)->done &&
		    same_place(a, b))
			continue;
		else if (is_overlooked(m, b, a))
			mirror_be_shorter(m, i);
		else
			return mirror_diverge(m,
			    "from object %" PRIu64 ", %s gets to object "
			    "%" PRIu64 " and %s to object %" PRIu64,
			    m->base.pos.object, a->name, a->tape->pos.object,
			    b->name, b->tape->pos.object);
	}
	return 0;
}

/*
 * Runs a motion on a set of legs that stand where the mirror does, and then the
 * mirror stands where they do.  Those that fail while another does not are
 * lame; if all do, the result is the failure of one.  All that succeeded have
 * to agree.  ${ret_call}: what it gave.
 */
static int
move(struct mirror *m, mirror_set set, const struct leg_call *call,
    struct leg_call *ret_call)
{
	mirror_set back = mirror_run(m, set, call);
	size_t first = MIRROR_MAX_LEGS, failed = MIRROR_MAX_LEGS, one;
	struct tape_pos at;
	int r;

	*ret_call = *call;
	MIRROR_EACH(m, back, i)
	{
		if (leg_result(m->legs[i])->result < 0)
			failed = i;
		else if (first == MIRROR_MAX_LEGS ||
		    is_overlooked(m, m->legs[first], m->legs[i]))
			first = i;
	}
	one = first != MIRROR_MAX_LEGS ? first : failed;
	if (one == MIRROR_MAX_LEGS)
		return tape_fail(&m->base, EIO, "no leg is left");
	at = m->legs[one]->tape->pos;
	*ret_call = *leg_result(m->legs[one]);
	if (one == first) {
		r = agree(m, back, first);
	} else {
		r = mirror_fail_as(m, failed, -ret_call->result);
		MIRROR_EACH(m, back, i)
		mirror_doubt(m, i, "can't be moved");
	}
	if (at.known && m->state != MIRROR_DIVERGED)
		mirror_stand(m, at.object, at.file);
	return r;
}

/* The others follow the reader over a filemark, from wherever they are. */
static int
follow_filemark(struct mirror *m, size_t reader)
{
	mirror_set others = mirror_readable(m) & ~MIRROR_BIT(reader);
	struct leg_call over = leg_call_space(TAPE_FILEMARKS, 1);
	mirror_set back = mirror_run(m, others, &over);

	MIRROR_EACH(m, back, i)
	{
		const struct leg *leg = m->legs[i];

		if (leg_result(leg)->result < 0)
			mirror_be_lame(m, i, "can't be spaced over");
		else if (same_place(leg, m->legs[reader]))
			continue;
		else if (is_overlooked(m, leg, m->legs[reader]))
			mirror_be_shorter(m, i);
		else
			return mirror_diverge(m,
			    "%s has its next filemark before object %" PRIu64
			    ", %s %s before object %" PRIu64,
			    m->legs[reader]->name,
			    m->legs[reader]->tape->pos.object, leg->name,
			    leg_result(leg)->cond == TAPE_EOD ? "ends"
							      : "has it",
			    leg->tape->pos.object);
	}
	return 0;
}

/*
 * The reader is at the end of data.  If another leg has more, or less, they
 * differ: go on with the longest, or fail.  ${ret_reader}: the leg to read on,
 * if there is one.
 */
static int
check_end(struct mirror *m, size_t reader, size_t *ret_reader)
{
	mirror_set others = mirror_readable(m) & ~MIRROR_BIT(reader);
	struct leg_call on = leg_call_space(TAPE_RECORDS, 1);
	mirror_set here = mirror_bring(m, others, false), back;

	*ret_reader = MIRROR_MAX_LEGS;
	if (m->state == MIRROR_DIVERGED)
		return mirror_need_medium(m);
	back = mirror_run(m, here, &on);
	MIRROR_EACH(m, back, i)
	{
		struct leg *leg = m->legs[i];

		if (leg_result(leg)->result < 0) {
			mirror_be_lame(m, i, "should end here, but can't tell");
			continue;
		}
		if (leg_result(leg)->cond == TAPE_EOD)
			continue;
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

/*
 * The leg to read, of those that were not tried yet: the one that was read
 * before, or another one; the lame are the last.  -1: none.
 */
static int
choose_reader(struct mirror *m, mirror_set tried)
{
	mirror_set sets[] = { mirror_readable(m) & ~tried,
		mirror_healthy(m) & ~tried };

	MIRROR_EACH(m, sets[1], i)
	if (m->legs[i]->shorter)
		sets[1] &= ~MIRROR_BIT(i);
	if ((sets[0] >> m->reader & 1) != 0)
		return (int)m->reader;
	for (size_t k = 0; k < 2; k++)
		MIRROR_EACH(m, sets[k], i)
	return (int)i;
	return -1;
}

/*
 * Where the leg ends that ends first, of those whose end can be found: nothing
 * behind that is given, for it is not on all of them.  Looked at once, when a
 * tape is read that was loaded; what we have written ourselves is on all.
 */
static void
find_ends(struct mirror *m)
{
	struct leg_call to_end = leg_call_space(TAPE_TO_EOD, 0);
	mirror_set set = mirror_readable(m);

	m->ends_known = true;
	if (m->verify || m->read_longer || mirror_count(set) < 2)
		return;
	set = mirror_run(m, set, &to_end);
	MIRROR_EACH(m, set, i)
	{
		const struct tape_pos *end = &m->legs[i]->tape->pos;

		if (leg_result(m->legs[i])->result < 0 || !end->known ||
		    end->object >= m->first_end)
			continue;
		m->first_end = end->object;
		m->ends_first = i;
	}
	(void)mirror_bring(m, mirror_readable(m),
	    false); /* who can't is lame */
}

/* Whether what was read may be given: it may be on the longer legs only. */
static int
check_not_beyond(struct mirror *m, size_t reader)
{
	if (m->base.pos.object < m->first_end ||
	    leg_result(m->legs[reader])->cond == TAPE_EOD)
		return 0;
	return mirror_diverge(m,
	    "%s ends at object %" PRIu64 ", but %s goes on; read_longer=yes "
	    "reads it",
	    m->legs[m->ends_first]->name, m->first_end, m->legs[reader]->name);
}

/* None can read the object.  That does not make any of them worse. */
static int
fail_reading(struct mirror *m, mirror_set tried)
{
	MIRROR_EACH(m, tried & mirror_healthy(m), i)
	m->legs[i]->lame = false;
	return tape_fail(&m->base, EIO,
	    "object %" PRIu64 ": no leg can read it", m->base.pos.object);
}

/* One object from a leg, in at most two attempts. */
static bool
read_leg(struct mirror *m, size_t i, size_t size)
{
	struct leg_call call = leg_call_read(size);
	mirror_set one = MIRROR_BIT(i);

	for (int attempt = 0; attempt < 2; attempt++) {
		if (mirror_bring(m, one, false) == 0 ||
		    !mirror_run_one(m, i, &call))
			return false;
		if (leg_result(m->legs[i])->result == 0)
			return true;
	}
	mirror_be_lame(m, i, "can't be read");
	return false;
}

/*
 * The same, and in verify mode the whole of it, however much the client wants:
 * ${size} is how much was asked for in the end.
 */
static bool
read_whole(struct mirror *m, size_t i, size_t *size)
{
	const struct leg_call *call = leg_result(m->legs[i]);

	if (!read_leg(m, i, *size))
		return false;
	if (!m->verify || call->len <= *size)
		return true;
	*size = call->len; /* it is brought back to where it began */
	return read_leg(m, i, *size);
}

/* In verify mode: the other legs read the same. */
static int
compare_others(struct mirror *m, size_t reader, size_t size)
{
	const struct leg_call *a = leg_result(m->legs[reader]);

	MIRROR_EACH(m, mirror_readable(m) & ~MIRROR_BIT(reader), i)
	{
		const struct leg *leg = m->legs[i];
		const struct leg_call *b = leg_result(leg);

		if (!read_leg(m, i, size) && m->state == MIRROR_DIVERGED)
			return mirror_need_medium(m);
		if (leg->dead || leg->lame)
			continue; /* that was told */
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
    size_t asked, size_t *ret_len, enum tape_cond *ret_cond)
{
	const struct leg *leg = m->legs[reader];
	const struct leg_call *call = leg_result(leg);
	enum tape_cond cond = call->cond;
	size_t len = call->len;
	uint64_t bytes;
	int r = 0;

	if (m->verify)
		r = compare_others(m, reader, asked);
	else if (cond == TAPE_FILEMARK)
		r = follow_filemark(m, reader);
	if (r < 0)
		return r;
	if (cond == TAPE_NONE && len > 0)
		memcpy(buf, leg->buf, len < size ? len : size);
	bytes = m->bytes == LEG_NO_BYTES ? LEG_NO_BYTES : m->bytes + len;
	mirror_stand(m, leg->tape->pos.object, leg->tape->pos.file);
	m->bytes = bytes;
	*ret_len = len;
	*ret_cond = cond;
	return 0;
}

int
mirror_read(struct tape *t, void *buf, size_t size, size_t *ret_len,
    enum tape_cond *ret_cond)
{
	struct mirror *m = mirror_of(t);
	mirror_set tried = 0;
	size_t longer, asked;
	int reader = 0;
	int r = mirror_need_medium(m);

	if (r < 0)
		return r;
	if (size > TAPE_MAX_RECORD)
		size = TAPE_MAX_RECORD; /* there is no more in any record */
	mirror_end_writing(m);
	if (!m->ends_known)
		find_ends(m);
	for (;;) {
		reader = choose_reader(m, tried);
		if (reader < 0)
			return fail_reading(m, tried);
		tried |= MIRROR_BIT(reader);
		asked = size;
		if (!read_whole(m, (size_t)reader, &asked)) {
			if (m->state == MIRROR_DIVERGED)
				return mirror_need_medium(m);
			continue;
		}
		if (leg_result(m->legs[reader])->cond != TAPE_EOD || m->verify)
			break;
		r = check_end(m, (size_t)reader, &longer);
		if (r < 0)
			return r;
		if (longer == MIRROR_MAX_LEGS)
			break;
		mirror_be_shorter(m, (size_t)reader);
		m->reader = longer;
	}
	m->reader = (size_t)reader;
	m->legs[reader]->lame = false;
	r = check_not_beyond(m, (size_t)reader);
	if (r < 0)
		return r;
	return take_object(m, (size_t)reader, buf, size, asked, ret_len,
	    ret_cond);
}

/* ---- Motion ------------------------------------------------------------- */

/* The legs that can move; if none can be read, any may be able to move on. */
static mirror_set
movable(struct mirror *m)
{
	mirror_set set = mirror_readable(m);

	return set != 0 ? set : mirror_healthy(m);
}

int
mirror_space(struct tape *t, enum tape_unit unit, int64_t count,
    uint64_t *ret_done, enum tape_cond *ret_cond)
{
	struct mirror *m = mirror_of(t);
	struct leg_call call = leg_call_space(unit, count), moved;
	mirror_set set;
	int r = mirror_need_medium(m);

	*ret_done = 0;
	*ret_cond = TAPE_NONE;
	if (r < 0)
		return r;
	mirror_end_writing(m);
	set = mirror_bring(m, movable(m), false);
	if (m->state == MIRROR_DIVERGED)
		return mirror_need_medium(m);
	if (unit != TAPE_TO_EOD && count < 0)
		mirror_leave_end(m);
	r = move(m, set, &call, &moved);
	*ret_done = moved.done;
	*ret_cond = moved.cond;
	return r;
}

int
mirror_locate(struct tape *t, uint32_t partition, uint64_t object,
    enum tape_cond *ret_cond)
{
	struct mirror *m = mirror_of(t);
	struct leg_call call = leg_call_locate(0, object), moved;
	int r = mirror_need_medium(m);

	if (r < 0)
		return r;
	if (partition != 0)
		return tape_fail(t, EINVAL, "a mirror has only partition 0");
	mirror_end_writing(m);
	mirror_leave_end(m);
	r = move(m, movable(m), &call, &moved);
	*ret_cond = moved.cond;
	return r;
}

/* The lame walk again from BOT. */
int
mirror_rewind(struct tape *t)
{
	struct mirror *m = mirror_of(t);
	struct leg_call call = leg_call_rewind(), moved;
	int r = mirror_need_medium(m);

	if (r < 0)
		return r;
	mirror_end_writing(m);
	MIRROR_EACH(m, mirror_healthy(m), i)
	m->legs[i]->lame = m->legs[i]->shorter = false;
	mirror_leave_end(m);
	m->reader = 0;
	return move(m, mirror_healthy(m), &call, &moved);
}
