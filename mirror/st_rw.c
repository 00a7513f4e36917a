/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading and writing on a drive of Linux st; see st.c for the invariants.
 *
 * What write(2) returns does not tell whether the record is on the tape: all
 * four combinations happen.  It is the drive's position that does, and where
 * the drive has none, reading back.  A write that did not simply succeed goes
 *
 *     result                position  then
 *     len, early warning    n + 1     written, with early warning
 *     len, early warning    n         st hid an error: as EIO
 *     ENOSPC                n + 1     the drive counted wrong: written
 *     ENOSPC                n         once more; if again so: end of medium
 *     EIO                   n         not written
 *     EIO                   n + 1     read back: written if it is the record,
 *                                     else taken back
 *     any, device gone      ?         the position is lost
 *
 * and before a failure is told with a known position, MTWEOF 0 has shown that
 * what was acknowledged earlier is safe.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "st_state.h"

#define OTHER_SIZE 4093 /* bytes less, to ask for another size */
#define PAGE_MASK 4095	/* bits of an address that are 0 on a page's start */

/* ---- Reading ------------------------------------------------------------ */

/* read(2), with as much as st takes at a time. */
static ssize_t
read_record(struct st_tape *s, void *buf, size_t size)
{
	ssize_t n;

	for (;;) {
		n = read(s->fd, buf, size < s->limit ? size : s->limit);
		if (n >= 0)
			return n;
		if ((errno != EINVAL && errno != EOVERFLOW) ||
		    s->limit == ST_SMALLEST || size < s->limit / 2)
			break;
		s->limit /= 2; /* more than this drive takes */
	}
	return -errno;
}

/* What fits, and the full length. */
static ssize_t
give(struct st_tape *s, void *buf, size_t size, ssize_t n)
{
	if (n > 0)
		memcpy(buf, s->bounce, (size_t)n < size ? (size_t)n : size);
	return n;
}

/*
 * The record that was too long for the buffer, once more: it has been passed.
 */
static ssize_t
read_again(struct st_tape *s, void *buf, size_t size)
{
	if (st_bounce(s) == NULL)
		return -ENOMEM;
	if (st_operate(s, MTBSR, 1) < 0)
		return -EIO;
	return give(s, buf, size, read_record(s, s->bounce, s->limit));
}

/*
 * tgt tells EOD with EOM and BLANK CHECK, and st takes that for a record as
 * long as was asked for, which met the end.  On a drive that does not tell
 * where it is, another length shows: at EOD that one is as good.  A record of
 * the first length is read again.
 */
static bool
is_end_in_disguise(struct st_tape *s, ssize_t n)
{
	ssize_t other;

	if (!st_has_bit(s, GMT_EOT(~0L) | GMT_EOD(~0L)))
		return false;
	if (s->tells)
		return st_moved(s, 0);
	if (n != (ssize_t)s->limit)
		return false;
	if (st_has_bit(s, GMT_EOD(~0L)))
		return true;
	other = read(s->fd, s->bounce, s->limit - OTHER_SIZE);
	if (other == (ssize_t)(s->limit - OTHER_SIZE))
		return true;
	if (other >= 0 || errno == ENOMEM) {
		(void)st_operate(s, MTBSR, 2); /* what follows tells */
		(void)!read(s->fd, s->bounce, s->limit);
	}
	return false;
}

/*
 * One object, whole.  A drive that does not tell where it is needs that, so
 * that no record is passed without being seen; and st reads no less than the
 * smallest record.
 */
static ssize_t
read_whole(struct st_tape *s, void *buf, size_t size)
{
	if (st_bounce(s) == NULL)
		return -ENOMEM;
	return give(s, buf, size, read_record(s, s->bounce, s->limit));
}

/*
 * A read has failed: it is EOD behind a record, for which st has no other word,
 * or the record can't be read.  To space over it tells.
 */
static int
explain_failure(struct st_tape *s, int err, enum tape_cond *ret_cond)
{
	bool blank;

	if (!s->tells) {
		blank = err == EIO &&
		    (st_has_bit(s, GMT_EOD(~0L)) ||
			(st_operate(s, MTFSR, 1) < 0 &&
			    st_has_bit(s, GMT_EOD(~0L))));
		if (!blank)
			return st_lose(s, strerror(err));
		*ret_cond = TAPE_EOD;
		return 0;
	}
	if (st_moved(s, 0) && st_operate(s, MTFSR, 1) < 0 && st_moved(s, 0) &&
	    st_has_bit(s, GMT_EOD(~0L))) {
		*ret_cond = TAPE_EOD;
		return 0;
	}
	if (st_moved(s, 1) && st_operate(s, MTBSR, 1) < 0)
		return st_lose(s, "can't be read, nor stepped over");
	if (!st_moved(s, 0))
		return st_lose(s, "can't be read");
	return st_fail(s, EIO, "can't be read");
}

int
st_read(struct tape *t, void *buf, size_t size, size_t *ret_len,
    enum tape_cond *ret_cond)
{
	struct st_tape *s = st_of(t);
	ssize_t n;
	int r = st_need_position(s);

	*ret_len = 0;
	if (r == 0)
		r = st_let_idle(s);
	if (r < 0)
		return r;
	if (s->tells && size >= s->min)
		n = read_record(s, buf, size);
	else
		n = read_whole(s, buf, size);
	if (n == -ENOMEM && s->tells)
		n = read_again(s, buf, size);
	if (n < 0)
		return explain_failure(s, (int)-n, ret_cond);
	if (n > 0 && is_end_in_disguise(s, n)) {
		s->warned = true; /* so st has it: it refuses the next write */
		*ret_cond = TAPE_EOD;
	} else if (n > 0) {
		*ret_len = (size_t)n;
		*ret_cond = TAPE_NONE;
		s->used += (uint64_t)n;
		st_stand(s, t->pos.object + 1, t->pos.file);
	} else if (st_has_bit(s, GMT_EOD(~0L))) {
		*ret_cond = TAPE_EOD;
	} else {
		*ret_cond = TAPE_FILEMARK;
		st_stand(s, t->pos.object + 1, t->pos.file + 1);
	}
	return 0;
}

/* ---- Finding out what a failed write has done --------------------------- */

/* What is behind the object that was expected to be the last. */
struct tail {
	uint64_t objects, marks;
	bool same; /* the first of them is the record that was to be written */
};

/* To where the file begins, or to BOT if that is not known. */
static int
go_to_file(struct st_tape *s, const struct tape_pos *was)
{
	uint64_t start = s->file_start;

	s->writing = false;
	if (st_operate(s, MTREW, 1) < 0)
		return -EIO;
	if (start == ST_NOWHERE || was->file == 0) {
		st_stand(s, 0, 0);
		return 0;
	}
	if (was->file > INT32_MAX || st_operate(s, MTFSF, (int)was->file) < 0)
		return -EIO;
	st_stand(s, start, was->file);
	s->file_start = start;
	return 0;
}

/* Reads up to where the tape stood; false if it is not what was there. */
static bool
walk_back_to(struct st_tape *s, const struct tape_pos *was)
{
	enum tape_cond met = TAPE_NONE;
	uint8_t byte;
	size_t len;

	while (s->base.pos.object < was->object)
		if (st_read(&s->base, &byte, 1, &len, &met) < 0 ||
		    met == TAPE_EOD)
			return false;
	return s->base.pos.file == was->file;
}

/*
 * For drives that do not tell where they are: reads this file again, up to EOD,
 * at most ${most} objects behind where the tape should stand.  The tape stands
 * at EOD then.
 */
static bool
read_tail(struct st_tape *s, const uint8_t *data, size_t len, uint64_t most,
    struct tail *ret_tail)
{
	struct tape_pos was = s->base.pos;
	struct tail tail = { .objects = 0 };
	enum tape_cond met = TAPE_NONE;
	uint8_t byte;
	size_t n;

	(void)st_operate(s, MTWEOF, 0); /* see 2 of st.c; reading tells */
	if (go_to_file(s, &was) < 0 || !walk_back_to(s, &was))
		goto lost;
	for (;;) {
		if (st_read(&s->base, &byte, 1, &n, &met) < 0)
			goto lost;
		if (met == TAPE_EOD)
			break;
		if (tail.objects == 0)
			tail.same = met == TAPE_NONE && n == len &&
			    memcmp(s->bounce, data, len) == 0;
		tail.marks += met == TAPE_FILEMARK;
		if (++tail.objects > most)
			goto lost;
	}
	*ret_tail = tail;
	return true;
lost:
	s->base.pos.object = was.object;
	s->base.pos.file = was.file;
	return false;
}

/* Whether the record before here is that one; the tape stands here again. */
static bool
is_before_here(struct st_tape *s, const void *data, size_t len)
{
	ssize_t n;

	if (st_bounce(s) == NULL || st_operate(s, MTBSR, 1) < 0)
		return false;
	n = read_record(s, s->bounce, s->limit);
	return n == (ssize_t)len && memcmp(s->bounce, data, len) == 0 &&
	    st_moved(s, 1);
}

/* ---- Writing ------------------------------------------------------------ */

/* The record is on the tape; whether it met early warning is told by st. */
static int
written(struct st_tape *s, size_t len, bool warned, enum tape_cond *ret_cond)
{
	uint64_t object = s->base.pos.object;

	/* Some drives warn once only, but the warning is by position. */
	if (warned && object < s->warn_at)
		s->warn_at = object;
	else if (!warned && object < s->warn_at)
		s->warn_at = ST_NOWHERE;
	trail_cut(s->trail, object);
	st_stand(s, object + 1, s->base.pos.file);
	s->writing = true;
	s->warned = warned;
	s->used += len;
	s->since += len;
	*ret_cond = object >= s->warn_at ? TAPE_EARLY_WARNING : TAPE_NONE;
	st_poll(s, false);
	return 0;
}

/* Told as failed, but the tape stands behind the record. */
static int
judge_suspect(struct st_tape *s, const void *data, size_t len,
    enum tape_cond *ret_cond)
{
	bool near = st_has_bit(s, GMT_EOT(~0L));

	if (is_before_here(s, data, len)) {
		tape_alarm("%s: object %" PRIu64 ": the write was told to have "
			   "failed, but the record is on the tape: read back",
		    s->path, s->base.pos.object);
		(void)written(s, len, near, ret_cond); /* can't fail */
		s->writing = false;
		return 0;
	}
	if (!st_moved(s, 1) || st_operate(s, MTBSR, 1) < 0 || !st_moved(s, 0))
		return st_lose(s, "can't be taken back");
	return st_fail(s, EIO, "can't be written");
}

/* The same for a drive that does not tell where it is. */
static int
judge_blindly(struct st_tape *s, const void *data, size_t len, int err,
    enum tape_cond *ret_cond)
{
	struct tape_pos was = s->base.pos;
	struct tail tail;

	if (!read_tail(s, data, len, 1, &tail))
		return st_lose(s, strerror(err));
	if (tail.objects == 0 && err == ENOSPC) {
		*ret_cond = TAPE_EOM;
		return st_fail(s, ENOSPC, "end of the medium");
	}
	if (tail.objects == 0)
		return st_fail(s, EIO, "can't be written");
	if (!tail.same)
		return st_lose(s, "something else is on the tape");
	s->base.pos = was;
	(void)written(s, len, err == ENOSPC, ret_cond); /* can't fail */
	s->writing = false;				/* the tape was read */
	return 0;
}

/* No success: what has happened? */
static int
refused(struct st_tape *s, const void *data, size_t len, int err,
    enum tape_cond *ret_cond)
{
	bool behind;

	if (err == EINVAL)
		return tape_fail(&s->base, EINVAL,
		    "%s: the drive takes no records of %zu bytes", s->path,
		    len);
	if (err == ENXIO || err == ENODEV)
		return st_lose(s, "the drive is gone");
	if (!s->tells)
		return judge_blindly(s, data, len, err, ret_cond);
	behind = st_moved(s, 1);
	if (!behind && !st_moved(s, 0))
		return st_lose(s, strerror(err));
	/* The error may be of earlier records, still in the drive's buffer. */
	s->writing = s->warned = false;
	if (st_operate(s, MTWEOF, 0) < 0 || !st_moved(s, behind ? 1 : 0))
		return st_lose(s, "records may be lost that the drive had");
	if (behind)
		return judge_suspect(s, data, len, ret_cond);
	if (err == ENOSPC) {
		*ret_cond = TAPE_EOM;
		return st_fail(s, ENOSPC, "end of the medium");
	}
	return st_fail(s, EIO, "can't be written");
}

/* st copies what does not begin on a page, and may send it later. */
static const void *
aligned(struct st_tape *s, const void *buf, size_t len)
{
	if (((uintptr_t)buf & PAGE_MASK) == 0 || len > s->limit)
		return buf;
	if (st_bounce(s) == NULL)
		return NULL;
	memcpy(s->bounce, buf, len);
	return s->bounce;
}

/*
 * Writes past what st keeps between early warning and the drive: its ENOSPC of
 * its own account is met at most once, and MTWEOF 0 clears it beforehand.
 */
int
st_write(struct tape *t, const void *buf, size_t len, enum tape_cond *ret_cond)
{
	struct st_tape *s = st_of(t);
	const void *data = buf;
	int r = st_need_writable(s), err = 0;
	ssize_t n;

	if (r == 0 && (len < s->min || len > s->limit))
		r = tape_fail(t, EINVAL,
		    "%s: the drive takes records of %" PRIu32 " to %" PRIu32
		    " bytes",
		    s->path, s->min, s->limit);
	if (r < 0)
		return r;
	data = aligned(s, buf, len);
	if (data == NULL)
		return tape_fail(t, ENOMEM, "out of memory");
	for (int attempt = 0; attempt < 2; attempt++) {
		s->writing |= s->warned;
		r = s->warned ? st_let_idle(s) : 0;
		if (r < 0)
			return r;
		n = write(s->fd, data, len);
		err = n < 0 ? errno : EIO;
		if (n == (ssize_t)len) {
			bool warned = st_has_bit(s, GMT_EOT(~0L));

			/* st: some failures are told as success at the end. */
			if (warned && s->tells && !st_moved(s, 1))
				break;
			return written(s, len, warned || attempt > 0, ret_cond);
		}
		if (err != ENOSPC || !s->tells)
			break;
		/* st: the one that meets early warning may be told so. */
		if (st_moved(s, 1))
			return written(s, len, true, ret_cond);
		s->writing = s->warned = true;
	}
	/* What is in the bounce buffer does not survive reading back. */
	return refused(s, buf, len, err, ret_cond);
}

/* Some filemarks, or none, are on the tape: as many as the drive says. */
static int
count_marks(struct st_tape *s, uint64_t count, uint64_t *ret_done)
{
	uint64_t before = s->base.pos.object, file = s->base.pos.file, at;
	struct tail tail;

	if (!s->tells) {
		if (!read_tail(s, NULL, 0, count, &tail) ||
		    tail.marks != tail.objects)
			return st_lose(s, "filemarks can't be written");
		*ret_done = tail.marks;
		return 0;
	}
	/* Synchronized again: the error may be of earlier records. */
	if (st_operate(s, MTWEOF, 0) < 0 || !st_ask(s, &at) || at < before ||
	    at > before + count)
		return st_lose(s,
		    "filemarks can't be written, and records "
		    "before them may be lost");
	*ret_done = at - before;
	st_stand(s, at, file + *ret_done);
	return 0;
}

/* They are there; whether early warning was met is for sg to tell. */
static int
marked(struct st_tape *s, uint32_t count, enum tape_cond *ret_cond)
{
	uint64_t before = s->base.pos.object;

	if (count > 0)
		trail_cut(s->trail, before);
	if (s->tells && !st_moved(s, count))
		return st_lose(s, "filemarks told as written are not there");
	if (count > 0 && s->placed && s->place.past_warning &&
	    before < s->warn_at)
		s->warn_at = before;
	st_stand(s, before + count, s->base.pos.file + count);
	if (count > 0 && before + count > s->warn_at)
		*ret_cond = TAPE_EARLY_WARNING;
	st_poll(s, false);
	return 0;
}

int
st_write_filemarks(struct tape *t, uint32_t count, bool immediate,
    uint32_t *ret_done, enum tape_cond *ret_cond)
{
	struct st_tape *s = st_of(t);
	uint64_t done = 0;
	int r = count > 0 ? st_need_writable(s) : st_need_medium(s);
	int failed;

	*ret_done = 0;
	*ret_cond = TAPE_NONE;
	/* scsi_debug cuts the tape off here when it is told to write none. */
	if (r < 0 || (count == 0 && !s->writing))
		return r;
	failed = st_operate(s, immediate && count > 0 ? MTWEOFI : MTWEOF,
	    (int)count);
	s->writing = immediate && count > 0; /* not durable yet */
	s->warned = false;
	if (failed == 0) {
		r = t->pos.known ? marked(s, count, ret_cond) : 0;
		*ret_done = r == 0 ? count : 0;
		return r;
	}
	if (count == 0 || failed == -ENXIO || failed == -ENODEV)
		return st_lose(s, "the drive can't write out its buffer");
	r = count_marks(s, count, &done);
	if (r < 0)
		return r;
	*ret_done = (uint32_t)done;
	if (done == count)
		return 0;
	if (failed == -ENOSPC || t->pos.object >= s->warn_at ||
	    st_has_bit(s, GMT_EOT(~0L))) {
		*ret_cond = TAPE_EOM;
		return st_fail(s, ENOSPC, "no room for a filemark");
	}
	return st_fail(s, EIO, "filemarks can't be written");
}
