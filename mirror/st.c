/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tape in a drive of Linux st; see st.h.  Owns what the driver does on its
 * own account, so that what is above sees only the tape: its ENOSPC for which
 * nothing was sent, the filemark that it writes before motions, its wrong or
 * missing counts.
 *
 * Invariants:
 * 1. pos.object is what the drive says (MTIOCPOS), where it does; a difference
 *    that is not explained by what was just done makes the position unknown.
 * 2. st never writes a filemark of its own: whatever would make it do so comes
 *    after MTWEOF 0, which only waits for the drive (let_idle()).
 * 3. The trail has places whose count of filemarks is known, because st forgets
 *    it with MTSEEK.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/mtio.h>

#include "st.h"
#include "tape.h"
#include "trail.h"

#define COUNT_MAX 0x7fffff /* what a SPACE command can carry */
#define SMALLEST_LIMIT 512 /* bytes; every drive takes such records */
#define ST_BUFFERING 0x7   /* MT_ST_BUFFER_WRITES and the like */
#define ST_LOGICAL 0x800   /* MT_ST_SCSI2LOGICAL */
#define DENSITY(dsreg) ((uint8_t)((dsreg) >> MT_ST_DENSITY_SHIFT & 0xff))

struct st_tape {
	struct tape base;
	char *path;
	bool eject;

	int fd;			/* -1: not loaded */
	const char *protection; /* NULL: can be written */
	bool tells;		/* MTIOCPOS works */
	bool writing;		/* st would write a filemark before a motion */
	bool warned;		/* st will refuse the next write */
	uint32_t limit;		/* bytes; the largest read that st takes */
	uint8_t density;
	uint8_t *bounce;     /* ${limit} bytes, once it is needed */
	struct trail *trail; /* offsets are object numbers */
};

static struct st_tape *
st_of(struct tape *t)
{
	return (struct st_tape *)t;
}

/* ---- Talking to the driver ---------------------------------------------- */

/* One MTIOCTOP: 0 or -errno, without words. */
static int
operate(struct st_tape *s, short op, int count)
{
	struct mtop mtop = { .mt_op = op, .mt_count = count };
	int r;

	do {
		r = ioctl(s->fd, MTIOCTOP, &mtop);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

static int
get_status(struct st_tape *s, struct mtget *ret_status)
{
	return ioctl(s->fd, MTIOCGET, ret_status) < 0 ? -errno : 0;
}

/* Whether the status has a bit; not if there is none. */
static bool
has_bit(struct st_tape *s, long bit)
{
	struct mtget status;

	return get_status(s, &status) == 0 && (status.mt_gstat & bit) != 0;
}

/* Where the drive is, in objects; false if it doesn't tell. */
static bool
ask_position(struct st_tape *s, uint64_t *ret_object)
{
	struct mtpos pos;

	if (!s->tells || ioctl(s->fd, MTIOCPOS, &pos) < 0)
		return false;
	*ret_object = (uint32_t)pos.mt_blkno;
	return true;
}

static int
fail(struct st_tape *s, int err, const char *what)
{
	return tape_fail(&s->base, err, "%s: object %" PRIu64 ": %s: %s",
	    s->path, s->base.pos.object, what, strerror(err));
}

/* ---- Where the tape stands ---------------------------------------------- */

static void
stand_at(struct st_tape *s, uint64_t object, uint64_t file)
{
	struct place place = { .offset = object,
		.object = object,
		.file = file };

	s->base.pos =
	    (struct tape_pos){ .object = object, .file = file, .known = true };
	trail_note(s->trail, &place);
}

static int
lose_position(struct st_tape *s, const char *what)
{
	s->base.pos.known = false;
	return tape_fail(&s->base, EIO,
	    "%s: object %" PRIu64 ": %s; the position is lost: rewind", s->path,
	    s->base.pos.object, what);
}

/*
 * After a failure: whether the tape stands ${objects} further on.  A drive that
 * does not tell where it is can't be asked.
 */
static bool
has_moved(struct st_tape *s, uint64_t objects)
{
	uint64_t at;

	return ask_position(s, &at) && at == s->base.pos.object + objects;
}

static int
need_medium(struct st_tape *s)
{
	if (s->fd < 0)
		return tape_fail(&s->base, ENOMEDIUM, "no tape loaded");
	return 0;
}

static int
need_writable(struct st_tape *s)
{
	int r = need_medium(s);

	if (r == 0 && s->protection != NULL)
		r = tape_fail(&s->base, EROFS, "%s: write protected: %s",
		    s->path, s->protection);
	return r;
}

/* See 2: after this st has nothing to add to what was written. */
static int
let_idle(struct st_tape *s)
{
	int r;

	if (!s->writing)
		return 0;
	r = operate(s, MTWEOF, 0);
	if (r < 0)
		return fail(s, EIO, "the drive can't write out its buffer");
	s->writing = s->warned = false;
	return 0;
}

/* ---- Loading ------------------------------------------------------------ */

static int
open_node(struct st_tape *s)
{
	int flags = O_NONBLOCK | O_CLOEXEC | O_NOCTTY;

	/* O_NONBLOCK: st would wait two minutes for a tape. */
	s->protection = NULL;
	s->fd = open(s->path, O_RDWR | flags);
	if (s->fd < 0 && (errno == EROFS || errno == EACCES)) {
		s->protection = errno == EROFS
		    ? "the medium is"
		    : "no permission to write to the drive";
		s->fd = open(s->path, O_RDONLY | flags);
	}
	if (s->fd < 0)
		return tape_fail(&s->base, errno, "%s: can't be opened: %s%s",
		    s->path, strerror(errno),
		    errno == EBUSY ? "; another program has the drive" : "");
	return 0;
}

/* Makes the drive ready, which may need a load. */
static int
make_ready(struct st_tape *s)
{
	struct mtget status;

	if (get_status(s, &status) < 0)
		return tape_fail(&s->base, ENOTTY, "%s: is no tape drive",
		    s->path);
	if (!GMT_ONLINE(status.mt_gstat)) {
		(void)operate(s, MTLOAD, 1); /* the status tells */
		if (get_status(s, &status) < 0 || !GMT_ONLINE(status.mt_gstat))
			return tape_fail(&s->base, ENOMEDIUM,
			    "%s: no tape in the drive", s->path);
	}
	if (GMT_WR_PROT(status.mt_gstat))
		s->protection = "the medium is";
	s->density = DENSITY(status.mt_dsreg);
	return 0;
}

/*
 * st's own buffering would acknowledge what no drive has seen, and addresses
 * other than logical ones are nothing to count with.  It takes a privilege to
 * change this; without it, page aligned records are passed through all the
 * same.
 */
static int
set_up(struct st_tape *s)
{
	int r;

	(void)operate(s, MTSETDRVBUFFER, MT_ST_CLEARBOOLEANS | ST_BUFFERING);
	(void)operate(s, MTSETDRVBUFFER, MT_ST_SETBOOLEANS | ST_LOGICAL);
	r = operate(s, MTSETBLK, 0);
	if (r < 0)
		return tape_fail(&s->base, -r,
		    "%s: variable block mode can't be set: %s", s->path,
		    strerror(-r));
	r = operate(s, MTREW, 1);
	if (r < 0)
		return tape_fail(&s->base, -r, "%s: can't be rewound: %s",
		    s->path, strerror(-r));
	return 0;
}

static void
close_node(struct st_tape *s)
{
	if (s->fd >= 0)
		(void)close(s->fd); /* by 2 there is nothing to write */
	s->fd = -1;
	s->writing = s->warned = false;
	trail_free(s->trail);
	s->trail = NULL;
	free(s->bounce);
	s->bounce = NULL;
	s->base.pos = (struct tape_pos){ .known = false };
}

static int
to_bot(struct st_tape *s)
{
	int r = let_idle(s);

	if (r < 0)
		return r;
	r = operate(s, MTREW, 1);
	if (r < 0)
		return lose_position(s, "can't be rewound");
	stand_at(s, 0, 0);
	return 0;
}

static int
st_load(struct tape *t)
{
	struct st_tape *s = st_of(t);
	uint64_t at;
	int r;

	if (s->fd >= 0)
		return to_bot(s);
	r = open_node(s);
	if (r == 0)
		r = make_ready(s);
	if (r == 0)
		r = set_up(s);
	if (r == 0) {
		s->trail = trail_new(0);
		if (s->trail == NULL)
			r = tape_fail(t, ENOMEM, "out of memory");
	}
	if (r < 0) {
		close_node(s);
		return r;
	}
	s->limit = TAPE_MAX_RECORD;
	s->tells = true;
	s->tells = ask_position(s, &at) && at == 0;
	stand_at(s, 0, 0);
	return 0;
}

static int
st_unload(struct tape *t)
{
	struct st_tape *s = st_of(t);
	int r;

	if (s->fd < 0)
		return 0;
	r = let_idle(s);
	if (r == 0 && s->eject) {
		r = operate(s, MTOFFL, 1);
		if (r < 0)
			r = fail(s, -r, "can't be ejected");
	}
	close_node(s);
	return r;
}

static void
st_describe(struct tape *t, struct tape_info *ret_info)
{
	struct st_tape *s = st_of(t);

	*ret_info = (struct tape_info){
		.min_record = 1,
		.max_record = s->fd < 0 ? TAPE_MAX_RECORD : s->limit,
		.granularity = 1,
		.partitions = 1,
		.max_partitions = 1,
		.room = s->fd < 0 ? TAPE_MAX_RECORD : s->limit,
		.loaded = s->fd >= 0,
		.write_protected = s->protection != NULL,
		.can_compress = true,
		.density = s->density,
	};
	(void)snprintf(ret_info->medium, sizeof(ret_info->medium), "%s",
	    s->path); /* cut is fine */
}

static int
st_set(struct tape *t, enum tape_param param, uint32_t value)
{
	struct st_tape *s = st_of(t);
	int r = need_medium(s);

	if (r < 0)
		return r;
	if (value > (param == TAPE_COMPRESSION ? 1 : UINT8_MAX))
		return tape_fail(t, EINVAL, "there is no such value");
	r = operate(s, param == TAPE_COMPRESSION ? MTCOMPRESSION : MTSETDENSITY,
	    (int)value);
	if (r < 0)
		return tape_fail(t, EOPNOTSUPP, "%s: the drive refuses: %s",
		    s->path, strerror(-r));
	if (param == TAPE_DENSITY)
		s->density = (uint8_t)value;
	return 0;
}

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
		    s->limit == SMALLEST_LIMIT || size < s->limit / 2)
			break;
		s->limit /= 2; /* more than this drive takes */
	}
	return -errno;
}

/* The record that was too long for the buffer, once more: it has been passed.
 */
static ssize_t
read_again(struct st_tape *s, void *buf, size_t size)
{
	ssize_t n;

	if (s->bounce == NULL)
		s->bounce = malloc(s->limit);
	if (s->bounce == NULL)
		return -ENOMEM;
	if (operate(s, MTBSR, 1) < 0)
		return -EIO;
	n = read_record(s, s->bounce, s->limit);
	if (n > 0)
		memcpy(buf, s->bounce, (size_t)n < size ? (size_t)n : size);
	return n;
}

/*
 * A read has failed: it is EOD behind a record, for which st has no other word,
 * or the record can't be read.  To space over it tells.
 */
static int
explain_failure(struct st_tape *s, int err, enum tape_cond *ret_cond)
{
	if (!s->tells)
		return lose_position(s, strerror(err));
	if (has_moved(s, 0) && operate(s, MTFSR, 1) < 0 && has_moved(s, 0) &&
	    has_bit(s, GMT_EOD(~0L))) {
		*ret_cond = TAPE_EOD;
		return 0;
	}
	if (has_moved(s, 1) && operate(s, MTBSR, 1) < 0)
		return lose_position(s, "can't be read, nor stepped over");
	if (!has_moved(s, 0))
		return lose_position(s, "can't be read");
	return fail(s, EIO, "can't be read");
}

static int
st_read(struct tape *t, void *buf, size_t size, size_t *ret_len,
    enum tape_cond *ret_cond)
{
	struct st_tape *s = st_of(t);
	uint8_t byte;
	ssize_t n;
	int r = need_medium(s);

	*ret_len = 0;
	if (r == 0)
		r = let_idle(s);
	if (r < 0)
		return r;
	/* To read 0 bytes would not move the tape. */
	n = read_record(s, size > 0 ? buf : &byte, size > 0 ? size : 1);
	if (n == -ENOMEM)
		n = read_again(s, buf, size);
	if (n < 0)
		return explain_failure(s, (int)-n, ret_cond);
	if (n > 0) {
		*ret_len = (size_t)n;
		*ret_cond = TAPE_NONE;
		stand_at(s, t->pos.object + 1, t->pos.file);
	} else if (has_bit(s, GMT_EOD(~0L))) {
		*ret_cond = TAPE_EOD;
	} else {
		*ret_cond = TAPE_FILEMARK;
		stand_at(s, t->pos.object + 1, t->pos.file + 1);
	}
	return 0;
}

/* ---- Writing ------------------------------------------------------------ */

/* The record is on the tape; whether it met early warning is in the status. */
static int
written(struct st_tape *s, bool warned, enum tape_cond *ret_cond)
{
	struct place here = { .object = s->base.pos.object };

	trail_cut(s->trail, here.object);
	stand_at(s, s->base.pos.object + 1, s->base.pos.file);
	s->writing = true;
	s->warned = warned;
	*ret_cond = warned ? TAPE_EARLY_WARNING : TAPE_NONE;
	return 0;
}

/* The record is on the tape, but the drive has said otherwise: takes it back.
 */
static int
take_back(struct st_tape *s, int err)
{
	(void)operate(s, MTWEOF, 0); /* see 2; what follows tells */
	s->writing = false;
	if (operate(s, MTBSR, 1) < 0 || !has_moved(s, 0))
		return lose_position(s, strerror(err));
	return fail(s, err, "can't be written");
}

static int
refused(struct st_tape *s, int err, enum tape_cond *ret_cond)
{
	if (err == EINVAL)
		return tape_fail(&s->base, EINVAL,
		    "%s: the drive takes no records of that size", s->path);
	if (err == ENOSPC && (!s->tells || has_moved(s, 0))) {
		*ret_cond = TAPE_EOM;
		return fail(s, ENOSPC, "end of the medium");
	}
	if (!s->tells)
		return lose_position(s, strerror(err));
	if (has_moved(s, 1))
		return take_back(s, EIO);
	if (!has_moved(s, 0))
		return lose_position(s, strerror(err));
	return fail(s, EIO, "can't be written");
}

/*
 * Writes past what st keeps between early warning and the drive: its ENOSPC of
 * its own account is met at most once, and MTWEOF 0 clears it beforehand.
 */
static int
st_write(struct tape *t, const void *buf, size_t len, enum tape_cond *ret_cond)
{
	struct st_tape *s = st_of(t);
	ssize_t n;
	int r = need_writable(s);

	if (r < 0)
		return r;
	for (int attempt = 0; attempt < 2; attempt++) {
		if (s->warned) {
			r = let_idle(s);
			if (r < 0)
				return r;
		}
		n = write(s->fd, buf, len);
		r = n < 0 ? errno : 0;
		if (n == (ssize_t)len) {
			bool warned = has_bit(s, GMT_EOT(~0L));

			/* st: some failures are told as success at the end. */
			if (warned && s->tells && !has_moved(s, 1))
				return lose_position(s,
				    "told as written, but it is not there");
			return written(s, warned, ret_cond);
		}
		if (r != ENOSPC)
			break;
		/* st: the one that meets early warning may be told so. */
		if (has_moved(s, 1))
			return written(s, true, ret_cond);
		s->writing = s->warned = true;
	}
	return refused(s, r == 0 ? EIO : r, ret_cond);
}

static int
st_write_filemarks(struct tape *t, uint32_t count, bool immediate,
    uint32_t *ret_done, enum tape_cond *ret_cond)
{
	struct st_tape *s = st_of(t);
	uint64_t before = t->pos.object, at;
	int r = count > 0 ? need_writable(s) : need_medium(s);

	*ret_done = 0;
	*ret_cond = TAPE_NONE;
	if (r < 0)
		return r;
	r = operate(s, immediate && count > 0 ? MTWEOFI : MTWEOF, (int)count);
	s->writing = s->warned = false;
	if (r == 0) {
		if (count > 0)
			trail_cut(s->trail, before);
		if (s->tells && !has_moved(s, count))
			return lose_position(s,
			    "filemarks told as written are not there");
		*ret_done = count;
		stand_at(s, before + count, t->pos.file + count);
		return 0;
	}
	if (!ask_position(s, &at) || at < before || at > before + count)
		return lose_position(s, "filemarks can't be written");
	*ret_done = (uint32_t)(at - before);
	stand_at(s, at, t->pos.file + *ret_done);
	if (r == -ENOSPC || has_bit(s, GMT_EOT(~0L))) {
		*ret_cond = TAPE_EOM;
		return fail(s, ENOSPC, "no room for a filemark");
	}
	return fail(s, EIO, "filemarks can't be written");
}

static int
st_erase(struct tape *t, bool whole)
{
	struct st_tape *s = st_of(t);
	int r = need_writable(s);

	if (r == 0)
		r = let_idle(s);
	if (r < 0)
		return r;
	r = operate(s, MTERASE, whole);
	if (r < 0)
		return fail(s, -r, "can't be erased");
	trail_cut(s->trail, t->pos.object);
	return 0;
}

/* ---- Motion ------------------------------------------------------------- */

/* One object on, by reading it, whatever it is. */
static int
step_forward(struct st_tape *s, enum tape_cond *ret_cond)
{
	uint8_t byte;
	size_t len;

	return st_read(&s->base, &byte, 1, &len, ret_cond);
}

/*
 * One object back, for drives that do not tell where they are: what it is shows
 * when it is read, and then the tape is before it again.
 */
static int
step_back(struct st_tape *s, enum tape_cond *ret_cond)
{
	struct tape_pos was = s->base.pos;
	enum tape_cond met;
	int r;

	*ret_cond = TAPE_NONE;
	if (was.object == 0) {
		*ret_cond = TAPE_BOT;
		return 0;
	}
	(void)operate(s, MTBSR, 1); /* EIO over a filemark */
	r = step_forward(s, &met);
	if (r < 0)
		return r;
	if (met == TAPE_FILEMARK)
		*ret_cond = TAPE_FILEMARK;
	else if (met != TAPE_NONE)
		return lose_position(s, "can't be stepped over");
	if (operate(s, met == TAPE_FILEMARK ? MTBSF : MTBSR, 1) < 0)
		return lose_position(s, "can't be stepped over");
	stand_at(s, was.object - 1, was.file - (met == TAPE_FILEMARK));
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

/* What stopped the drive, which stands at object ${at} now. */
static int
stopped(struct st_tape *s, bool forward, uint64_t at, uint64_t *ret_done,
    enum tape_cond *ret_cond)
{
	struct tape_pos was = s->base.pos;
	uint64_t moved = forward ? at - was.object : was.object - at;
	struct mtget status;

	if (get_status(s, &status) < 0)
		return lose_position(s, "has no status");
	if (forward && GMT_EOD(status.mt_gstat)) {
		*ret_cond = TAPE_EOD;
	} else if (forward && GMT_EOF(status.mt_gstat) && moved > 0) {
		*ret_cond = TAPE_FILEMARK;
		was.file++;
		moved--;
	} else if (!forward && at == 0 && was.file == 0) {
		*ret_cond = TAPE_BOT;
	} else if (!forward && moved > 0 && was.file > 0) {
		*ret_cond = TAPE_FILEMARK;
		was.file--;
		moved--;
	} else {
		stand_at(s, at, was.file);
		return fail(s, EIO, "can't be spaced over");
	}
	*ret_done += moved;
	stand_at(s, at, was.file);
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

		r = operate(s, forward ? MTFSR : MTBSR, (int)some);
		if (!ask_position(s, &at))
			return lose_position(s, "can't be spaced over");
		if (r < 0) {
			r = stopped(s, forward, at, ret_done, ret_cond);
			if (r < 0)
				return r;
			continue;
		}
		stand_at(s, at, s->base.pos.file);
		*ret_done += some;
	}
	return 0;
}

/* Filemarks one at a time: then it is known how many there were. */
static int
space_filemarks(struct st_tape *s, bool forward, uint64_t want,
    uint64_t *ret_done, enum tape_cond *ret_cond)
{
	enum tape_cond met = TAPE_NONE;
	uint64_t at, file;

	while (*ret_done < want) {
		int r = 0;

		if (!s->tells) {
			r = forward ? step_forward(s, &met)
				    : step_back(s, &met);
			*ret_done += r == 0 && met == TAPE_FILEMARK;
			if (r < 0)
				return r;
		} else {
			file = s->base.pos.file;
			r = operate(s, forward ? MTFSF : MTBSF, 1);
			if (!ask_position(s, &at))
				return lose_position(s, "can't be spaced over");
			if (r == 0) {
				++*ret_done;
				stand_at(s, at, forward ? file + 1 : file - 1);
				continue;
			}
			met = at == 0 && !forward		  ? TAPE_BOT
			    : forward && has_bit(s, GMT_EOD(~0L)) ? TAPE_EOD
								  : TAPE_NONE;
			if (met == TAPE_NONE)
				return lose_position(s, "can't be spaced over");
			stand_at(s, at, file);
		}
		if (met == TAPE_EOD || met == TAPE_BOT) {
			*ret_cond = met;
			return 0;
		}
	}
	return 0;
}

static int
st_space(struct tape *t, enum tape_unit unit, int64_t count, uint64_t *ret_done,
    enum tape_cond *ret_cond)
{
	struct st_tape *s = st_of(t);
	uint64_t want = count < 0 ? -(uint64_t)count : (uint64_t)count;
	int r = need_medium(s);

	*ret_done = 0;
	*ret_cond = TAPE_NONE;
	if (r == 0)
		r = let_idle(s);
	if (r < 0)
		return r;
	if (unit == TAPE_RECORDS)
		return space_records(s, count > 0, want, ret_done, ret_cond);
	if (unit == TAPE_FILEMARKS)
		return space_filemarks(s, count > 0, want, ret_done, ret_cond);
	r = space_filemarks(s, true, UINT64_MAX, ret_done, ret_cond);
	*ret_cond = TAPE_NONE; /* EOD is what was asked for */
	return r;
}

/* Goes to a place whose count of filemarks is known. */
static int
seek(struct st_tape *s, const struct place *place)
{
	int r = place->object == 0 ? operate(s, MTREW, 1)
				   : operate(s, MTSEEK, (int)place->object);

	if (r < 0)
		return lose_position(s, "can't be located");
	stand_at(s, place->object, place->file);
	if (!has_moved(s, 0))
		return lose_position(s, "told as located, but it is elsewhere");
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

static int
st_locate(struct tape *t, uint32_t partition, uint64_t object,
    enum tape_cond *ret_cond)
{
	struct st_tape *s = st_of(t);
	const struct place *best;
	int r = need_medium(s);

	if (r == 0)
		r = let_idle(s);
	if (r < 0)
		return r;
	if (partition != 0)
		return tape_fail(t, EINVAL, "%s: there is only partition 0",
		    s->path);
	best = trail_up_to(s->trail, object, UINT64_MAX);
	if (!t->pos.known || t->pos.object > object ||
	    best->object > t->pos.object)
		r = s->tells && best->object > 0 ? seek(s, best) : to_bot(s);
	return r < 0 ? r : walk_to(s, object, ret_cond);
}

static int
st_rewind(struct tape *t)
{
	struct st_tape *s = st_of(t);
	int r = need_medium(s);

	return r < 0 ? r : to_bot(s);
}

static void
st_free(struct tape *t)
{
	struct st_tape *s = st_of(t);

	close_node(s);
	free(s->path);
	free(s);
}

static const struct tape_ops st_ops = {
	.name = "st",
	.load = st_load,
	.unload = st_unload,
	.describe = st_describe,
	.set = st_set,
	.read = st_read,
	.write = st_write,
	.write_filemarks = st_write_filemarks,
	.space = st_space,
	.locate = st_locate,
	.rewind = st_rewind,
	.erase = st_erase,
	.tell = tape_tell_known,
	.format = tape_unsupported_format,
	.report = tape_plain_report,
	.free = st_free,
};

static int
st_open(const struct spec *spec, struct tape **ret_tape, struct spec_error *e)
{
	struct st_tape *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return spec_fail(e, ENOMEM, "st: out of memory");
	tape_init(&s->base, &st_ops);
	s->fd = -1;
	s->eject = spec_bool(spec, "eject", false);
	s->path = strdup(spec->arg);
	if (s->path == NULL) {
		st_free(&s->base);
		return spec_fail(e, ENOMEM, "st: out of memory");
	}
	*ret_tape = &s->base;
	return 0;
}

static const struct spec_key st_own_keys[] = {
	{ "eject", SPEC_BOOL, 0, 0 },
	{ NULL, SPEC_TEXT, 0, 0 },
};

static const struct spec_key *const st_keys[] = { st_own_keys, NULL };

const struct tape_type st_tape_type = {
	.name = "st",
	.arg_help = "/dev/nstN",
	.arg_required = true,
	.keys = st_keys,
	.open = st_open,
};
