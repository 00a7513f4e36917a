/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The drive's life: made over a tape, opened, closed, shut down; the look at
 * the medium that open takes; and the table of what each state lets through.
 * Reading and writing are in drive_rw.c, MTIOCTOP in drive_op.c and
 * drive_option.c, MTIOCGET and MTIOCPOS in drive_status.c.
 *
 * Invariants, asserted by drive_check():
 *  1. Nobody has it open: no direction of data, nothing read ahead, and not
 *     settled.
 *  2. Bytes read ahead exist only while reading in fixed block mode.
 *  3. A pending filemark (EOF_FM_PENDING) exists only in fixed block mode.
 *  4. A settled drive is one that was writing.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drive_state.h"

#define MODE_DEFAULTS \
	(MT_ST_BUFFER_WRITES | MT_ST_ASYNC_WRITES | MT_ST_READ_AHEAD)
#define DRIVE_DEFAULTS MT_ST_CAN_BSR

/* The drive buffers, as every drive of this century does: mode sense byte 2. */
#define BUFFERING_DEFAULT 1

/*
 * What each state answers to each class of request: 0 lets it through, and a
 * hole means 0 too.  The order of checks in st_ioctl() and rw_checks() shows in
 * the UNDEFINED rows: an undefined mode comes before a missing tape for ioctls,
 * after it for data.
 */
static const int admit[STATES][CLASSES] = {
	[STATE_GONE] = { [CLASS_OPEN] = EIO,
	    [CLASS_CLOSE] = EIO,
	    [CLASS_RW] = EIO,
	    [CLASS_STATUS] = EIO,
	    [CLASS_POS] = EIO,
	    [CLASS_OP] = EIO,
	    [CLASS_OP_FIND] = EIO,
	    [CLASS_OP_ALWAYS] = EIO,
	    [CLASS_OP_LOAD] = EIO,
	    [CLASS_OP_OPTION] = EIO },
	[STATE_FREE] = { [CLASS_CLOSE] = EBADF,
	    [CLASS_RW] = EBADF,
	    [CLASS_STATUS] = EBADF,
	    [CLASS_POS] = EBADF,
	    [CLASS_OP] = EBADF,
	    [CLASS_OP_FIND] = EBADF,
	    [CLASS_OP_ALWAYS] = EBADF,
	    [CLASS_OP_LOAD] = EBADF,
	    [CLASS_OP_OPTION] = EBADF },
	[STATE_NO_TAPE] = { [CLASS_OPEN] = EBUSY,
	    [CLASS_RW] = ENOMEDIUM,
	    [CLASS_POS] = EIO,
	    [CLASS_OP] = ENOMEDIUM,
	    [CLASS_OP_FIND] = ENOMEDIUM },
	[STATE_NOT_READY] = { [CLASS_OPEN] = EBUSY,
	    [CLASS_RW] = EIO,
	    [CLASS_POS] = EIO,
	    [CLASS_OP] = EIO,
	    [CLASS_OP_FIND] = EIO },
	[STATE_UNDEFINED] = { [CLASS_OPEN] = EBUSY,
	    [CLASS_RW] = ENXIO,
	    [CLASS_STATUS] = ENXIO,
	    [CLASS_POS] = ENXIO,
	    [CLASS_OP] = ENXIO,
	    [CLASS_OP_FIND] = ENXIO,
	    [CLASS_OP_ALWAYS] = ENXIO,
	    [CLASS_OP_LOAD] = ENXIO },
	[STATE_UNDEFINED_NO_TAPE] = { [CLASS_OPEN] = EBUSY,
	    [CLASS_RW] = ENOMEDIUM,
	    [CLASS_STATUS] = ENXIO,
	    [CLASS_POS] = ENXIO,
	    [CLASS_OP] = ENXIO,
	    [CLASS_OP_FIND] = ENXIO,
	    [CLASS_OP_ALWAYS] = ENXIO,
	    [CLASS_OP_LOAD] = ENXIO },
	[STATE_LOST] = { [CLASS_OPEN] = EBUSY,
	    [CLASS_RW] = EIO,
	    [CLASS_POS] = EIO,
	    [CLASS_OP] = EIO,
	    [CLASS_OP_ALWAYS] = EIO,
	    [CLASS_OP_OPTION] = EIO },
	[STATE_IDLE] = { [CLASS_OPEN] = EBUSY },
	[STATE_READING] = { [CLASS_OPEN] = EBUSY },
	[STATE_WRITING] = { [CLASS_OPEN] = EBUSY },
};

struct drive_part *
drive_part(struct drive *d)
{
	return &d->parts[d->part];
}

bool
drive_has(const struct drive *d, uint32_t boolean)
{
	return ((d->booleans | d->modes[d->mode].booleans) & boolean) != 0;
}

bool
drive_is_fixed(const struct drive *d)
{
	return d->block_size != 0;
}

size_t
drive_block_size(const struct drive *d)
{
	return d->block_size;
}

bool
drive_is_open(const struct drive *d)
{
	return d->open;
}

const char *
drive_why(const struct drive *d)
{
	return d->why;
}

int
drive_fail(struct drive *d, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(d->why, sizeof(d->why), fmt, ap); /* cut is fine */
	va_end(ap);
	return -err;
}

int
drive_tape_failed(struct drive *d, int r)
{
	assert(r < 0);
	(void)drive_fail(d, EIO, "%s", tape_why(d->tape)); /* for the words */
	return r == -ENOMEDIUM ? r : -EIO;
}

void
drive_check(const struct drive *d)
{
	const struct drive_part *p = &d->parts[d->part];

	assert(d->part < TAPE_MAX_PARTITIONS);
	assert(d->new_part < TAPE_MAX_PARTITIONS);
	assert(d->mode < DRIVE_MODES);
	if (!d->open) { /* 1 */
		assert(p->rw == RW_IDLE);
		assert(d->ahead_left == 0 && !d->settled);
	}
	assert(d->ahead_left == 0 || /* 2 */
	    (p->rw == RW_READING && d->block_size != 0));
	assert(d->ahead_at + d->ahead_left <= d->ahead_room);
	assert(p->eof != EOF_FM_PENDING || d->block_size != 0); /* 3 */
	assert(!d->settled || p->rw == RW_WRITING);		/* 4 */
}

static bool
position_lost(const struct drive *d)
{
	return d->ready == READY_YES && !d->tape->pos.known;
}

/* The state but for whether the mode is defined. */
static enum drive_state
state_if_defined(const struct drive *d)
{
	static const enum drive_state by_rw[] = {
		[RW_IDLE] = STATE_IDLE,
		[RW_READING] = STATE_READING,
		[RW_WRITING] = STATE_WRITING,
	};

	if (d->gone)
		return STATE_GONE;
	if (!d->open)
		return STATE_FREE;
	if (d->ready != READY_YES)
		return d->ready == READY_NO ? STATE_NOT_READY : STATE_NO_TAPE;
	if (position_lost(d))
		return STATE_LOST;
	return by_rw[d->parts[d->part].rw];
}

enum drive_state
drive_state(const struct drive *d)
{
	if (d->gone || !d->open || d->modes[d->mode].defined)
		return state_if_defined(d);
	return d->ready == READY_YES ? STATE_UNDEFINED
				     : STATE_UNDEFINED_NO_TAPE;
}

static int
admit_in(struct drive *d, enum drive_state s, enum drive_class class)
{
	static const char *const why[STATES] = {
		[STATE_GONE] = "the drive is shut down",
		[STATE_FREE] = "the drive is not open",
		[STATE_NO_TAPE] = "no tape loaded; mt load brings it back",
		[STATE_NOT_READY] = "the tape can't be used",
		[STATE_UNDEFINED] = "this mode of the drive is not defined",
		[STATE_UNDEFINED_NO_TAPE] =
		    "this mode of the drive is not defined, and no tape loaded",
		[STATE_LOST] = "the position of the tape is lost; rewind it",
		[STATE_IDLE] = "the drive is open already",
		[STATE_READING] = "the drive is open already",
		[STATE_WRITING] = "the drive is open already",
	};

	drive_check(d);
	d->why[0] = '\0';
	return admit[s][class] == 0
	    ? 0
	    : drive_fail(d, admit[s][class], "%s", why[s]);
}

int
drive_admit(struct drive *d, enum drive_class class)
{
	return admit_in(d, drive_state(d), class);
}

int
drive_admit_undefined(struct drive *d, enum drive_class class)
{
	return admit_in(d, state_if_defined(d), class);
}

void
drive_forget_place(struct drive *d)
{
	struct drive_part *p = drive_part(d);

	p->file = p->block = -1;
	p->eof = EOF_NONE;
	d->ahead_left = 0;
}

/* A session on a medium that was not there before: st.c, check_tape(). */
static void
forget_positions(struct drive *d)
{
	d->part = d->new_part = 0;
	for (unsigned i = 0; i < TAPE_MAX_PARTITIONS; i++)
		d->parts[i] =
		    (struct drive_part){ .rw = RW_IDLE, .eof = EOF_NONE };
}

static void
no_medium(struct drive *d, enum drive_ready ready)
{
	d->ready = ready;
	d->density = 0;
	d->block_size = 0;
	d->may_not_write = false;
	d->protected = false;
	d->part = d->new_part = 0;
	d->parts[0].file = d->parts[0].block = -1;
	d->parts[0].eof = EOF_NONE;
	d->parts[0].rw = RW_IDLE;
	d->ahead_left = 0;
	d->door = DOOR_UNLOCKED;
}

/* Mode defaults and drive buffering, at the start of a tape session. */
static int
start_session(struct drive *d)
{
	d->density_changed = d->block_changed = d->compression_changed = false;
	if (d->default_buffering >= 0)
		d->buffering = (uint8_t)d->default_buffering;
	if (drive_has(d, MT_ST_DEF_WRITES))
		return 0;
	return drive_apply_mode(d);
}

int
drive_check_medium(struct drive *d)
{
	bool new_session = d->new_medium || d->mode != d->open_mode;
	struct tape_info info;

	d->mode = d->open_mode;
	if (d->ready != READY_YES) {
		no_medium(d, d->ready);
		return 0;
	}
	if (d->new_medium)
		forget_positions(d);
	d->block_size = d->hard_block_size;
	d->density = d->hard_density;
	d->ahead_left = 0;
	tape_describe(d->tape, &info);
	/* st: MT_ST_NO_BLKLIMS has its effect here, not in each operation. */
	d->min_record = drive_has(d, MT_ST_NO_BLKLIMS) ? 0 : info.min_record;
	d->max_record = drive_has(d, MT_ST_NO_BLKLIMS) ? 0 : info.max_record;
	d->max_read = drive_has(d, MT_ST_NO_BLKLIMS) ? 0 : info.max_read;
	if (drive_has(d, MT_ST_CAN_PARTITIONS) &&
	    (d->new_medium || d->n_parts < 1))
		d->n_parts = 1; /* a guess, until MTSETPART asks for more */
	d->protected = info.write_protected;
	d->may_not_write = d->protected || d->open_access == O_RDONLY;
	d->new_medium = false;
	if (d->protected && !d->nonblock && d->open_access != O_RDONLY)
		return drive_fail(d, EROFS, "the medium is write protected");
	return new_session ? start_session(d) : 0;
}

static int
load_tape(struct drive *d)
{
	int r = tape_load(d->tape);

	if (r == 0) {
		d->ready = READY_YES;
		d->new_medium = true;
		return 0;
	}
	no_medium(d, r == -ENOMEDIUM ? READY_NO_TAPE : READY_NO);
	return drive_tape_failed(d, r);
}

/* Loading with no medium present succeeds, and there is still none. */
int
drive_load(struct drive *d)
{
	int r = load_tape(d);

	if (r < 0 && d->ready != READY_NO_TAPE)
		return r;
	d->rewind_at_close = d->node_rewinds;
	return drive_check_medium(d);
}

struct drive *
drive_new(struct tape *t)
{
	struct drive *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->tape = t;
	d->booleans = DRIVE_DEFAULTS;
	d->buffering = BUFFERING_DEFAULT;
	d->default_buffering = -1;
	for (unsigned i = 0; i < DRIVE_MODES; i++)
		d->modes[i] = (struct drive_mode){ .defined = i == 0,
			.booleans = MODE_DEFAULTS,
			.default_block = -1,
			.default_density = -1,
			.default_compression = DEFAULT_UNTOUCHED };
	(void)load_tape(d); /* drive_why() tells of it */
	drive_check(d);
	return d;
}

void
drive_free(struct drive *d)
{
	if (d == NULL)
		return;
	tape_free(d->tape);
	free(d->ahead);
	free(d);
}

size_t
drive_max_record(const struct drive *d)
{
	struct tape_info info;

	tape_describe(d->tape, &info);
	return info.max_record;
}

size_t
drive_max_read(const struct drive *d)
{
	struct tape_info info;

	tape_describe(d->tape, &info);
	return info.max_read;
}

/*
 * A medium may have come or gone since the drive was used last.  st learns that
 * from TEST UNIT READY; one that has gone with the position is no medium.
 */
static void
look_for_medium(struct drive *d)
{
	struct tape_info info;

	tape_describe(d->tape, &info);
	if (info.fresh)
		(void)load_tape(d); /* d->ready says how that went */
	else if (position_lost(d) && !info.loaded)
		no_medium(d, READY_NO_TAPE);
}

/* st.c, st_open(): a failure after this point leaves the drive free. */
static int
open_medium(struct drive *d)
{
	int r;

	look_for_medium(d);
	r = drive_check_medium(d);

	if (r < 0 || d->nonblock || d->ready == READY_YES)
		return r;
	if (d->ready == READY_NO_TAPE)
		return drive_fail(d, ENOMEDIUM,
		    "no tape loaded; mt load brings it back");
	return drive_fail(d, EIO, "the tape can't be used: %s",
	    tape_why(d->tape));
}

int
drive_open(struct drive *d, int flags, unsigned mode, bool rewinds)
{
	int r = drive_admit(d, CLASS_OPEN);

	assert(mode < DRIVE_MODES);
	if (r < 0)
		return r;
	d->open = true;
	d->open_access = (unsigned)flags & O_ACCMODE;
	d->nonblock = (flags & O_NONBLOCK) != 0;
	d->open_mode = mode;
	d->node_rewinds = d->rewind_at_close = rewinds;
	d->may_not_write = d->open_access == O_RDONLY;
	d->streaming = false;
	for (unsigned i = 0; i < TAPE_MAX_PARTITIONS; i++)
		d->parts[i].rw = RW_IDLE;
	r = open_medium(d);
	if (r < 0)
		d->open = false;
	drive_check(d);
	return r;
}

/* The filemarks that close writes after data: st.c, st_flush(). */
static int
write_close_marks(struct drive *d)
{
	struct drive_part *p = drive_part(d);
	uint32_t count = drive_has(d, MT_ST_TWO_FM) ? 2 : 1;
	enum tape_cond cond;
	uint64_t passed;
	uint32_t done;
	int r;

	r = tape_write_filemarks(d->tape, count, drive_has(d, MT_ST_NOWAIT_EOF),
	    &done, &cond);
	d->settled_marks = done;
	if (r < 0) {
		if (cond == TAPE_EOM)
			return drive_fail(d, EIO, "no room for the filemark");
		return drive_tape_failed(d, r);
	}
	if (p->file >= 0)
		p->file++;
	p->block = 0;
	if (count == 2) {
		/* As in st, a failure to step back shows at the next write. */
		if (tape_space(d->tape, TAPE_FILEMARKS, -1, &passed, &cond) ==
		    0)
			d->settled_marks = 1;
	}
	p->eof = EOF_AT_FM;
	return 0;
}

/* Over one filemark, without a word in the books: st.c, cross_eof(). */
static int
cross_filemark(struct drive *d, int direction)
{
	enum tape_cond cond;
	uint64_t passed;
	int r;

	r = tape_space(d->tape, TAPE_FILEMARKS, direction, &passed, &cond);
	if (r < 0)
		return drive_tape_failed(d, r);
	return cond == TAPE_NONE ? 0 : drive_fail(d, EIO, "no filemark there");
}

/* What close does on a node that does not rewind, if nothing was written. */
static int
close_reading(struct drive *d)
{
	struct drive_part *p = drive_part(d);
	int r = 0;

	if (!drive_has(d, MT_ST_SYSV) || p->rw != RW_READING) {
		if (drive_has(d, MT_ST_CAN_BSR))
			return drive_flush_reading(d, false);
		if (p->eof != EOF_FM_PENDING)
			return 0;
		r = cross_filemark(d, -1);
		p->eof = EOF_NONE;
		return r;
	}
	if (p->eof == EOF_NONE)
		r = cross_filemark(d, 1);
	if (r == 0 && (p->eof == EOF_NONE || p->eof == EOF_FM_PENDING)) {
		if (p->file >= 0)
			p->file++;
		p->block = 0;
		p->eof = EOF_AT_FM;
	}
	return r;
}

/* SCSI_IOCTL_STOP_UNIT took the tape away in the middle of data. */
static int
close_stopped(struct drive *d)
{
	const struct drive_part *p = drive_part(d);
	int r = drive_switch_partition(d);

	if (r < 0)
		return r;
	if (p->rw == RW_WRITING ||
	    (p->rw == RW_READING && p->eof == EOF_NONE &&
		drive_has(d, MT_ST_SYSV)))
		return drive_fail(d, EIO, "no tape to close the file on");
	return 0;
}

/* Before the rewind; the part of close that a program can lose data by. */
static int
close_data(struct drive *d)
{
	int r;

	if (d->flush_failed)
		return 0; /* it was told */
	if (d->ready != READY_YES)
		return close_stopped(d);
	if (position_lost(d))
		return drive_part(d)->rw == RW_WRITING
		    ? drive_fail(d, EIO, "position lost: no filemark written")
		    : 0;
	if (d->settled)
		return 0;
	/*
	 * st goes to the pending partition first, and writes the filemark
	 * there; ours stays with its data.
	 */
	if (drive_part(d)->rw == RW_WRITING)
		r = write_close_marks(d);
	else
		r = drive_switch_partition(d);
	if (r < 0 || d->rewind_at_close || drive_part(d)->rw == RW_WRITING)
		return r;
	return close_reading(d);
}

int
drive_check_mode(struct drive *d)
{
	return d->modes[d->mode].defined
	    ? 0
	    : drive_fail(d, ENXIO, "this mode of the drive is not defined");
}

static void
release(struct drive *d)
{
	d->open = false;
	d->settled = false;
	d->flush_failed = false;
	d->ahead_left = 0;
	d->streaming = false;
	if (d->door == DOOR_LOCKED_AUTO)
		d->door = DOOR_UNLOCKED;
	for (unsigned i = 0; i < TAPE_MAX_PARTITIONS; i++) {
		d->parts[i].rw = RW_IDLE;
		/* What was read ahead is gone; so is what it ran over. */
		if (d->parts[i].eof == EOF_FM_PENDING)
			d->parts[i].eof = EOF_NONE;
	}
}

int
drive_close(struct drive *d)
{
	int r = drive_admit(d, CLASS_CLOSE);
	int r2;

	if (r < 0)
		return r;
	r = close_data(d);
	if (d->rewind_at_close && d->ready == READY_YES) {
		r2 = drive_run_op(d, MTREW, 1);
		if (r == 0)
			r = r2;
	}
	release(d);
	drive_check(d);
	return r;
}

int
drive_flush(struct drive *d)
{
	struct drive_part before;
	int r;

	before = *drive_part(d);
	if (before.rw != RW_WRITING || d->settled || d->flush_failed)
		return 0;
	d->why[0] = '\0';
	if (d->ready != READY_YES)
		r = drive_fail(d, EIO, "no tape to close the file on");
	else if (position_lost(d))
		r = drive_fail(d, EIO, "position lost: no filemark written");
	else
		r = write_close_marks(d);
	d->flush_failed = r < 0;
	if (r == 0) {
		d->settled = true;
		d->before_settled = before;
	}
	drive_check(d);
	return r;
}

int
drive_unsettle(struct drive *d)
{
	enum tape_cond cond;
	uint64_t passed;
	int r;

	d->flush_failed = false; /* what follows is another file's end */
	if (!d->settled)
		return 0;
	d->settled = false;
	r = tape_space(d->tape, TAPE_FILEMARKS, -(int64_t)d->settled_marks,
	    &passed, &cond);
	if (r == 0)
		r = tape_erase(d->tape, false);
	*drive_part(d) = d->before_settled;
	if (r == 0)
		return 0;
	drive_part(d)->block = -1;
	return drive_tape_failed(d, r);
}

void
drive_keep_error(struct drive *d, int err)
{
	assert(err < 0);
	d->kept_error = err;
}

int
drive_take_error(struct drive *d)
{
	int r = d->kept_error;

	d->kept_error = 0;
	return r == 0 ? 0 : drive_fail(d, -r, "an earlier close failed");
}

int
drive_shutdown(struct drive *d)
{
	int r = 0, r2;

	if (d->gone)
		return 0;
	if (d->open)
		r = drive_close(d);
	d->gone = true;
	r2 = tape_unload(d->tape);
	if (r2 < 0 && r == 0)
		r = drive_tape_failed(d, r2);
	return r;
}
