/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Motion on a drive of Linux st; see st.c for the invariants.
 *
 * st does not tell how far a motion went that met something, and its counts are
 * wrong or missing after many of them; the drive's position is right.  A drive
 * that has none is not spaced at all, as some space over filemarks as if they
 * were records (tgt does): each object is read, and so seen.
 */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "st_state.h"

#define COUNT_MAX 0x7fffff /* what a SPACE command can carry */

/* ---- Object by object --------------------------------------------------- */

/* One object on, by reading it, whatever it is. */
static int
step_forward(struct st_tape *s, enum tape_cond *ret_cond)
{
	uint8_t byte;
	size_t len;

	return st_read(&s->base, &byte, 1, &len, ret_cond);
}

/*
 * One object back: what it is shows when it is read, and then the tape goes
 * before it again.  MTBSR moves by one object even if that is a filemark, which
 * drives may or may not tell; MTBSF is not to be trusted (tgt: one too far).
 */
static int
step_back(struct st_tape *s, enum tape_cond *ret_cond)
{
	struct tape_pos was = s->base.pos;
	enum tape_cond met = TAPE_NONE;
	bool mark;
	int r;

	*ret_cond = TAPE_NONE;
	if (was.object == 0) {
		*ret_cond = TAPE_BOT;
		return 0;
	}
	(void)st_operate(s, MTBSR, 1); /* EIO over a filemark */
	r = step_forward(s, &met);
	if (r < 0)
		return r;
	mark = met == TAPE_FILEMARK;
	if (met == TAPE_EOD || (st_operate(s, MTBSR, 1) < 0 && !mark))
		return st_lose(s, "can't be stepped over");
	if (mark)
		*ret_cond = TAPE_FILEMARK;
	s->base.pos = was; /* a file's start is told by the difference */
	st_stand(s, was.object - 1, was.file - mark);
	return 0;
}

/* Records one by one, until there are enough or something else comes. */
static int
walk_records(struct st_tape *s, bool forward, uint64_t want, uint64_t *ret_done,
    enum tape_cond *ret_cond)
{
	int r = 0;

	while (r == 0 && *ret_done < want && *ret_cond == TAPE_NONE) {
		r = forward ? step_forward(s, ret_cond)
			    : step_back(s, ret_cond);
		*ret_done += r == 0 && *ret_cond == TAPE_NONE;
	}
	return r;
}

/* ---- Spacing ------------------------------------------------------------ */

/* What stopped the drive, which stands at object ${at} now. */
static int
stopped(struct st_tape *s, bool forward, uint64_t at, uint64_t *ret_done,
    enum tape_cond *ret_cond)
{
	struct tape_pos was = s->base.pos;
	uint64_t moved = forward ? at - was.object : was.object - at;
	struct mtget status;

	if (st_status(s, &status) < 0)
		return st_lose(s, "has no status");
	if (forward && GMT_EOD(status.mt_gstat)) {
		*ret_cond = TAPE_EOD;
	} else if (forward && GMT_EOF(status.mt_gstat) && moved > 0) {
		*ret_cond = TAPE_FILEMARK;
		was.file++;
		moved--;
	} else if (!forward && moved > 0 && was.file > 0) {
		*ret_cond = TAPE_FILEMARK;
		was.file--;
		moved--;
	} else {
		st_stand(s, at, was.file);
		return st_fail(s, EIO, "can't be spaced over");
	}
	*ret_done += moved;
	st_stand(s, at, was.file);
	return 0;
}

/*
 * scsi_debug spaces back over a filemark without a word if that is the last of
 * several objects.  A drive whose position includes filemarks shows it; else
 * one on and back does.
 */
static int
look_for_mark(struct st_tape *s, uint64_t *ret_done, enum tape_cond *ret_cond)
{
	struct tape_pos was = s->base.pos;

	if (s->placed && s->place.has_file) {
		if (s->place.file == was.file)
			return 0;
	} else {
		if (st_operate(s, MTFSR, 1) == 0)
			return st_operate(s, MTBSR, 1) == 0 && st_moved(s, 0)
			    ? 0
			    : st_lose(s, "can't be spaced over");
		if (!st_moved(s, 1) || !st_has_bit(s, GMT_EOF(~0L)))
			return st_lose(s, "can't be spaced over");
		(void)st_operate(s, MTBSR, 1); /* EIO over a filemark */
		if (!st_moved(s, 0) || was.file == 0)
			return st_lose(s, "can't be spaced over");
	}
	st_stand(s, was.object, was.file - 1);
	--*ret_done;
	*ret_cond = TAPE_FILEMARK;
	return 0;
}

/* Told as spaced over ${some} records; it stands at object ${at} now. */
static int
passed(struct st_tape *s, bool forward, uint64_t some, uint64_t at,
    uint64_t *ret_done, enum tape_cond *ret_cond)
{
	struct tape_pos was = s->base.pos;
	uint64_t moved = forward ? at - was.object : was.object - at;

	if (moved != some)
		return st_lose(s, "told as spaced, but it is elsewhere");
	st_stand(s, at, was.file);
	*ret_done += moved;
	return forward || some == 1 ? 0 : look_for_mark(s, ret_done, ret_cond);
}

/*
 * Back in file 0, where all is known: so many records, and then BOT, over which
 * scsi_debug stumbles.  False: that is not where this ends.
 */
static bool
ends_at_bot(const struct st_tape *s, bool forward, uint64_t left)
{
	return !forward && s->base.pos.file == 0 && left >= s->base.pos.object;
}

static int
space_to_bot(struct st_tape *s, uint64_t left, uint64_t *ret_done,
    enum tape_cond *ret_cond)
{
	uint64_t objects = s->base.pos.object;
	int r = st_to_bot(s);

	if (r < 0)
		return r;
	*ret_done += objects;
	if (left > objects)
		*ret_cond = TAPE_BOT;
	return 0;
}

static int
space_records(struct st_tape *s, bool forward, uint64_t want,
    uint64_t *ret_done, enum tape_cond *ret_cond)
{
	uint64_t at;
	int r;

	if (!s->tells)
		return walk_records(s, forward, want, ret_done, ret_cond);
	while (*ret_done < want && *ret_cond == TAPE_NONE) {
		uint64_t left = want - *ret_done;
		uint64_t some = left < COUNT_MAX ? left : COUNT_MAX;

		if (ends_at_bot(s, forward, left))
			return space_to_bot(s, left, ret_done, ret_cond);
		r = st_operate(s, forward ? MTFSR : MTBSR, (int)some);
		if (!st_ask(s, &at) ||
		    (forward ? at < s->base.pos.object
			     : at > s->base.pos.object))
			return st_lose(s, "can't be spaced over");
		if (r < 0) {
			r = stopped(s, forward, at, ret_done, ret_cond);
			if (r < 0)
				return r;
			continue;
		}
		r = passed(s, forward, some, at, ret_done, ret_cond);
		if (r < 0)
			return r;
	}
	return 0;
}

/* One filemark, for a drive that tells where it is. */
static int
space_filemark(struct st_tape *s, bool forward, enum tape_cond *ret_cond)
{
	uint64_t at, file = s->base.pos.file;
	int r;

	if (!forward && file == 0) {
		*ret_cond = TAPE_BOT;
		return st_to_bot(s);
	}
	r = st_operate(s, forward ? MTFSF : MTBSF, 1);
	if (!st_ask(s, &at))
		return st_lose(s, "can't be spaced over");
	if (r == 0) {
		*ret_cond = TAPE_FILEMARK;
		st_stand(s, at, forward ? file + 1 : file - 1);
	} else if (forward && st_has_bit(s, GMT_EOD(~0L))) {
		*ret_cond = TAPE_EOD;
		st_stand(s, at, file);
	} else {
		return st_lose(s, "can't be spaced over");
	}
	return 0;
}

/* Filemarks one at a time: then it is known how many there were. */
static int
space_filemarks(struct st_tape *s, bool forward, uint64_t want,
    uint64_t *ret_done, enum tape_cond *ret_cond)
{
	enum tape_cond met = TAPE_NONE;
	int r;

	while (*ret_done < want) {
		if (s->tells)
			r = space_filemark(s, forward, &met);
		else
			r = forward ? step_forward(s, &met)
				    : step_back(s, &met);
		if (r < 0)
			return r;
		*ret_done += met == TAPE_FILEMARK;
		if (met == TAPE_EOD || met == TAPE_BOT) {
			*ret_cond = met;
			return 0;
		}
	}
	return 0;
}

int
st_space(struct tape *t, enum tape_unit unit, int64_t count, uint64_t *ret_done,
    enum tape_cond *ret_cond)
{
	struct st_tape *s = st_of(t);
	uint64_t want = count < 0 ? -(uint64_t)count : (uint64_t)count;
	int r = unit == TAPE_TO_EOD ? st_need_medium(s) : st_need_position(s);

	*ret_done = 0;
	*ret_cond = TAPE_NONE;
	if (r == 0)
		r = t->pos.known ? st_let_idle(s) : st_to_bot(s);
	if (r < 0)
		return r;
	s->stale = true;
	if (unit == TAPE_RECORDS)
		return space_records(s, count > 0, want, ret_done, ret_cond);
	if (unit == TAPE_FILEMARKS)
		return space_filemarks(s, count > 0, want, ret_done, ret_cond);
	r = space_filemarks(s, true, UINT64_MAX, ret_done, ret_cond);
	*ret_cond = TAPE_NONE; /* EOD is what was asked for */
	return r;
}

/* ---- Locating ----------------------------------------------------------- */

/* Goes to a place whose count of filemarks is known. */
static int
seek(struct st_tape *s, const struct place *place)
{
	/* What a seek can carry; the trail has no further places then. */
	int r = place->object > INT32_MAX
	    ? -EINVAL
	    : st_operate(s, MTSEEK, (int)place->object);

	if (r < 0)
		return st_lose(s, "can't be located");
	st_stand(s, place->object, place->file);
	if (!st_moved(s, 0))
		return st_lose(s, "told as located, but it is elsewhere");
	return 0;
}

/* On from here, over records and filemarks alike. */
static int
walk_to(struct st_tape *s, uint64_t object, enum tape_cond *ret_cond)
{
	enum tape_cond met = TAPE_NONE;
	int r = 0;

	*ret_cond = TAPE_NONE;
	while (r == 0 && s->base.pos.object < object) {
		uint64_t done = 0;

		met = TAPE_NONE;
		r = space_records(s, true, object - s->base.pos.object, &done,
		    &met);
		if (r == 0 && met == TAPE_EOD) {
			*ret_cond = TAPE_EOD;
			break;
		}
	}
	return r;
}

/* Back to where it is known what is before there; then it walks. */
static int
go_back(struct st_tape *s, const struct place *place)
{
	if (!s->tells || place->object == 0 || s->unsettled)
		return st_to_bot(s);
	return seek(s, place);
}

int
st_locate(struct tape *t, uint32_t partition, uint64_t object,
    enum tape_cond *ret_cond)
{
	struct st_tape *s = st_of(t);
	const struct place *best;
	int r = st_need_medium(s);

	if (r == 0 && t->pos.known)
		r = st_let_idle(s);
	if (r < 0)
		return r;
	if (partition != 0)
		return tape_fail(t, EINVAL, "%s: there is only partition 0",
		    s->path);
	s->stale = true;
	best = trail_up_to(s->trail, object, UINT64_MAX);
	if (!t->pos.known)
		r = st_to_bot(s); /* the medium may be another one */
	else if (t->pos.object > object || best->object > t->pos.object)
		r = go_back(s, best);
	return r < 0 ? r : walk_to(s, object, ret_cond);
}
