/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MTIOCTOP: the operations of mtio.h as a table, and what st_ioctl() and
 * st_int_ioctl() of st.c do before, in and after each of them.  All failures to
 * move are EIO; how far the tape came shows in MTIOCGET.
 */
#include <assert.h>
#include <errno.h>

#include "drive_state.h"

/* What comes before an operation, after the admit table. */
enum op_flags {
	MARKS_FIRST = 1, /* after a write, a filemark is written first */
	KEEPS_RW = 2,	 /* close still does what the last data called for */
	GOES_ON = 4,	 /* read-ahead need not be undone: it moves anyway */
	NEEDS_WRITE = 8, /* EACCES if the medium or the open mode forbids it */
	STAYS = 16,	 /* no pending switch of partitions first */
};

struct op {
	const char *name; /* as in mtio.h */
	enum drive_class class;
	unsigned flags;
	int (*run)(struct drive *d, int count);
};

/* How an attempt to space ended. */
struct spaced {
	int r;		     /* 0, or a negative errno */
	int64_t undone;	     /* units not passed */
	enum tape_cond cond; /* what stopped it */
};

/* SPACE takes a 24-bit count in two's complement. */
static int64_t
space_count(int64_t count)
{
	uint32_t low = (uint32_t)count & 0xffffff;

	return low & 0x800000 ? (int64_t)low - 0x1000000 : (int64_t)low;
}

static struct spaced
space(struct drive *d, enum tape_unit unit, int64_t count)
{
	int64_t n = space_count(count);
	struct spaced s = { .cond = TAPE_NONE };
	uint64_t done = 0;

	s.r = tape_space(d->tape, unit, n, &done, &s.cond);
	s.undone = (n < 0 ? -n : n) - (int64_t)done;
	if (s.r < 0)
		s.r = drive_tape_failed(d, s.r);
	else if (s.cond != TAPE_NONE)
		s.r =
		    drive_fail(d, EIO, "stopped at %s", tape_cond_name(s.cond));
	return s;
}

/*
 * Counters as st keeps them: an int that any sum is cut to.  What is negative
 * is not known, and no sum makes it known again.
 */
static int
sum(int counter, int64_t n)
{
	return counter >= 0 ? (int)(uint32_t)(counter + n) : counter;
}

/*
 * MTFSF.  st counts what was asked for and takes back what was not done, also
 * where a negative count makes nonsense of that.
 */
static int
op_fsf(struct drive *d, int count)
{
	struct drive_part *p = drive_part(d);
	struct spaced s = space(d, TAPE_FILEMARKS, count);

	p->file = sum(p->file, count);
	if (s.r == 0) {
		p->block = 0;
		p->eof = EOF_AT_FM;
		return 0;
	}
	p->file = sum(p->file, -s.undone);
	p->block = -1;
	p->eof = s.cond == TAPE_EOD ? EOF_EOD : EOF_NONE;
	return s.r;
}

static int
op_bsf(struct drive *d, int count)
{
	struct drive_part *p = drive_part(d);
	struct spaced s = space(d, TAPE_FILEMARKS, -(int64_t)count);

	p->file = sum(p->file, -(int64_t)count + (s.r < 0 ? s.undone : 0));
	p->block = s.r < 0 ? 0 : -1;
	p->eof = s.cond == TAPE_EOD ? EOF_EOD : EOF_NONE;
	return s.r;
}

/* The halves of MTFSFM and MTBSFM: only the second one sets the end condition.
 */
static int
op_fsfm(struct drive *d, int count)
{
	enum drive_eof before = drive_part(d)->eof;
	int r = op_fsf(d, count);

	if (r < 0)
		return r;
	drive_part(d)->eof = before;
	return op_bsf(d, 1);
}

static int
op_bsfm(struct drive *d, int count)
{
	enum drive_eof before = drive_part(d)->eof;
	int r = op_bsf(d, count);

	if (r < 0)
		return r;
	drive_part(d)->eof = before;
	return op_fsf(d, 1);
}

static int
op_fsr(struct drive *d, int count)
{
	struct drive_part *p = drive_part(d);
	struct spaced s = space(d, TAPE_RECORDS, count);
	int64_t block = sum(p->block, count);

	p->eof = EOF_NONE;
	if (s.r == 0) {
		p->block = (int)block;
	} else if (s.cond == TAPE_FILEMARK) {
		p->file = sum(p->file, 1);
		p->block = 0;
		p->eof = EOF_AT_FM;
	} else {
		p->block = block >= s.undone ? (int)(block - s.undone) : -1;
		if (s.cond == TAPE_EOD)
			p->eof = EOF_EOD;
	}
	return s.r;
}

static int
op_bsr(struct drive *d, int count)
{
	struct drive_part *p = drive_part(d);
	struct spaced s = space(d, TAPE_RECORDS, -(int64_t)count);
	int64_t block = sum(p->block, -(int64_t)count);

	p->eof = s.cond == TAPE_EOD ? EOF_EOD : EOF_NONE;
	if (s.r == 0) {
		p->block = (int)block;
	} else if (s.cond == TAPE_FILEMARK) {
		p->file--; /* st: even when it is not known */
		p->block = -1;
	} else if (p->block >= 0 || s.cond == TAPE_BOT) {
		p->block = (int)(block + s.undone);
	}
	return s.r;
}

/* No drive of this century has setmarks. */
static int
op_setmarks(struct drive *d, int count)
{
	(void)count; /* no number of them */
	drive_part(d)->eof = EOF_NONE;
	return drive_fail(d, EIO, "setmarks are not supported");
}

static int
op_rewind(struct drive *d, int count)
{
	struct drive_part *p = drive_part(d);
	int r = tape_rewind(d->tape);

	(void)count; /* st ignores it */
	if (r < 0)
		return drive_tape_failed(d, r);
	p->file = p->block = 0;
	p->eof = EOF_NONE;
	return 0;
}

/* Filemarks that MTEOM tries to space over, to learn their number. */
#define TO_EOD 0x7fffff

static int
op_eom(struct drive *d, int count)
{
	struct drive_part *p = drive_part(d);
	enum tape_cond cond;
	uint64_t marks;
	int r = tape_space(d->tape, TAPE_TO_EOD, 0, &marks, &cond);

	(void)count; /* st ignores it */
	if (drive_has(d, MT_ST_FAST_MTEOM))
		p->file = -1;
	else
		p->file = sum(sum(p->file, TO_EOD), (int64_t)marks - TO_EOD);
	p->block = -1;
	p->eof = EOF_EOD;
	return r < 0 ? drive_tape_failed(d, r) : 0;
}

/* st.c: a filemark past early warning is a success, and clears the warning. */
static int
op_weof(struct drive *d, int count)
{
	struct drive_part *p = drive_part(d);
	uint32_t done, n = (uint32_t)count & 0xffffff;
	bool immediate = drive_has(d, MT_ST_NOWAIT_EOF);
	enum tape_cond cond;
	int r;

	r = tape_write_filemarks(d->tape, n, immediate, &done, &cond);
	if (r == 0) {
		p->file = sum(p->file, count);
		p->block = 0;
		p->eof = EOF_NONE;
		p->rw = RW_IDLE; /* no other filemark at close */
		return 0;
	}
	if (cond != TAPE_EOM)
		return drive_tape_failed(d, r);
	p->file = sum(p->file, (int64_t)count - (n - done));
	p->block = 0;
	p->eof = done > 0 ? EOF_NONE : EOF_EW_HIT;
	return drive_fail(d, EIO, "end of medium after %u filemarks", done);
}

static int
op_weofi(struct drive *d, int count)
{
	uint32_t saved = d->booleans;
	int r;

	d->booleans |= MT_ST_NOWAIT_EOF; /* for this one */
	r = op_weof(d, count);
	d->booleans = saved;
	return r;
}

static int
op_erase(struct drive *d, int count)
{
	int r = tape_erase(d->tape, count != 0);

	if (r < 0)
		return drive_tape_failed(d, r);
	drive_part(d)->eof = EOF_NONE;
	return 0;
}

static int
op_nop(struct drive *d, int count)
{
	(void)d; /* what came before it was the operation */
	(void)count;
	return 0;
}

static int
op_setblk(struct drive *d, int count)
{
	return drive_set_block(d, (uint32_t)count & MT_ST_BLKSIZE_MASK);
}

static int
op_setdensity(struct drive *d, int count)
{
	return drive_set_density(d, (uint8_t)count);
}

static int
op_compression(struct drive *d, int count)
{
	if (d->ready != READY_YES)
		return drive_fail(d, EIO, "no tape to set the drive up for");
	return drive_set_compression(d, (count & 1) != 0);
}

static int
op_setdrvbuffer(struct drive *d, int count)
{
	if (((uint32_t)count & MT_ST_OPTIONS) != 0)
		return drive_set_options(d, (uint32_t)count);
	if (d->ready != READY_YES)
		return drive_fail(d,
		    d->ready == READY_NO_TAPE ? ENOMEDIUM : EIO,
		    "no tape to set the drive up for");
	d->buffering = (uint8_t)(count & 7);
	return 0;
}

static int
op_lock(struct drive *d, int count)
{
	(void)count; /* st ignores it */
	d->door = DOOR_LOCKED;
	return 0;
}

static int
op_unlock(struct drive *d, int count)
{
	(void)count; /* st ignores it */
	d->door = DOOR_UNLOCKED;
	return 0;
}

static int
op_unload(struct drive *d, int count)
{
	struct drive_part *p = drive_part(d);
	int r = tape_unload(d->tape);

	(void)count; /* st ignores it */
	if (r < 0) {
		p->file = p->block = -1;
		return drive_tape_failed(d, r);
	}
	d->rewind_at_close = false;
	d->ready = READY_NO_TAPE;
	d->ahead_left = 0;
	return 0;
}

int
drive_stop(struct drive *d)
{
	int r = drive_other_ioctl(d);

	return r < 0 || d->ready != READY_YES ? r : op_unload(d, 1);
}

static int
op_offline(struct drive *d, int count)
{
	d->door = DOOR_UNLOCKED;
	return op_unload(d, count);
}

static int
op_load(struct drive *d, int count)
{
	(void)count; /* there is one slot */
	return drive_load(d);
}

static int
op_seek(struct drive *d, int count)
{
	int r;

	if (d->ready != READY_YES)
		return drive_fail(d, EIO, "no tape to seek on");
	/* LOCATE takes 32 bits, and -1 is just very far. */
	r = drive_set_location(d, (uint32_t)count, d->new_part);
	if (!drive_has(d, MT_ST_CAN_PARTITIONS))
		drive_part(d)->rw = RW_IDLE;
	return r;
}

static int
op_setpart(struct drive *d, int count)
{
	struct tape_info info;

	if (!drive_has(d, MT_ST_CAN_PARTITIONS))
		return drive_fail(d, EINVAL,
		    "partitions are off; mt stsetoptions can-partitions");
	if (count < 0 || count >= TAPE_MAX_PARTITIONS)
		return drive_fail(d, EINVAL, "no partition %d", count);
	if ((unsigned)count >= d->n_parts) {
		d->n_parts = 0;
		if (d->ready != READY_YES)
			return drive_fail(d, EIO, "no tape to look at");
		tape_describe(d->tape, &info);
		d->n_parts = info.partitions;
	}
	if ((unsigned)count >= d->n_parts)
		return drive_fail(d, EINVAL, "no partition %d of %u", count,
		    d->n_parts);
	d->new_part = (unsigned)count;
	return 0;
}

static void
forget_partitions(struct drive *d)
{
	for (unsigned i = 0; i < TAPE_MAX_PARTITIONS; i++) {
		d->parts[i].rw = RW_IDLE;
		d->parts[i].left_valid = false;
	}
	d->part = d->new_part = 0;
	d->parts[0].file = d->parts[0].block = 0;
	d->parts[0].eof = EOF_NONE;
}

/* Sizes are in units of 10^6 bytes, as in mode page 11h. */
static int
op_mkpart(struct drive *d, int count)
{
	uint64_t mb = (uint64_t)(count < 0 ? -(int64_t)count : count);
	struct tape_info info;
	int r;

	if (!drive_has(d, MT_ST_CAN_PARTITIONS))
		return drive_fail(d, EINVAL,
		    "partitions are off; mt stsetoptions can-partitions");
	r = drive_load(d);
	if (r == 0 && d->ready != READY_YES)
		r = drive_fail(d, EIO, "no tape to make partitions on");
	if (r < 0)
		return r;
	tape_describe(d->tape, &info);
	if (count < 0 && info.capacity > mb * 1000000)
		mb = (info.capacity - mb * 1000000) / 1000000;
	r = tape_format(d->tape, count == 0 ? 1 : 2, mb * 1000000);
	if (r < 0)
		return drive_tape_failed(d, r);
	forget_partitions(d);
	tape_describe(d->tape, &info);
	d->n_parts = info.partitions;
	return 0;
}

static int
op_unknown(struct drive *d, int count)
{
	(void)count; /* of nothing */
	return drive_fail(d, ENOSYS, "no such tape operation");
}

#define NEEDS CLASS_OP
#define FINDS CLASS_OP_FIND
#define ALWAYS CLASS_OP_ALWAYS

static const struct op ops[] = {
	[MTFSF] = { "MTFSF", NEEDS, GOES_ON, op_fsf },
	[MTBSF] = { "MTBSF", NEEDS, MARKS_FIRST | GOES_ON, op_bsf },
	[MTFSR] = { "MTFSR", NEEDS, 0, op_fsr },
	[MTBSR] = { "MTBSR", NEEDS, 0, op_bsr },
	[MTWEOF] = { "MTWEOF", NEEDS, NEEDS_WRITE, op_weof },
	[MTREW] = { "MTREW", FINDS, MARKS_FIRST | GOES_ON, op_rewind },
	[MTOFFL] = { "MTOFFL", FINDS, MARKS_FIRST | GOES_ON | STAYS,
	    op_offline },
	[MTNOP] = { "MTNOP", NEEDS, KEEPS_RW, op_nop },
	[MTRETEN] = { "MTRETEN", FINDS, GOES_ON, op_rewind },
	[MTBSFM] = { "MTBSFM", NEEDS, MARKS_FIRST | GOES_ON, op_bsfm },
	[MTFSFM] = { "MTFSFM", NEEDS, GOES_ON, op_fsfm },
	[MTEOM] = { "MTEOM", FINDS, GOES_ON, op_eom },
	[MTERASE] = { "MTERASE", NEEDS, NEEDS_WRITE, op_erase },
	[MTSETBLK] = { "MTSETBLK", NEEDS, KEEPS_RW, op_setblk },
	[MTSETDENSITY] = { "MTSETDENSITY", NEEDS, KEEPS_RW, op_setdensity },
	[MTSEEK] = { "MTSEEK", CLASS_OP_LOAD, MARKS_FIRST | GOES_ON | STAYS,
	    op_seek },
	[MTSETDRVBUFFER] = { "MTSETDRVBUFFER", CLASS_OP_OPTION,
	    KEEPS_RW | STAYS, op_setdrvbuffer },
	[MTFSS] = { "MTFSS", NEEDS, 0, op_setmarks },
	[MTBSS] = { "MTBSS", NEEDS, 0, op_setmarks },
	[MTWSM] = { "MTWSM", NEEDS, KEEPS_RW | NEEDS_WRITE, op_setmarks },
	[MTLOCK] = { "MTLOCK", ALWAYS, GOES_ON | STAYS, op_lock },
	[MTUNLOCK] = { "MTUNLOCK", ALWAYS, STAYS, op_unlock },
	[MTLOAD] = { "MTLOAD", CLASS_OP_LOAD, GOES_ON | STAYS, op_load },
	[MTUNLOAD] = { "MTUNLOAD", NEEDS, STAYS, op_unload },
	[MTCOMPRESSION] = { "MTCOMPRESSION", ALWAYS, GOES_ON, op_compression },
	[MTSETPART] = { "MTSETPART", ALWAYS, KEEPS_RW | STAYS, op_setpart },
	[MTMKPART] = { "MTMKPART", ALWAYS, STAYS, op_mkpart },
	[MTWEOFI] = { "MTWEOFI", NEEDS, NEEDS_WRITE, op_weofi },
};

static const struct op unknown_op = { "unknown", NEEDS, 0, op_unknown };

static const struct op *
find_op(int number)
{
	size_t n = sizeof(ops) / sizeof(ops[0]);

	if (number < 0 || (size_t)number >= n || ops[number].run == NULL)
		return &unknown_op;
	return &ops[number];
}

int
drive_run_op(struct drive *d, int op, int count)
{
	return find_op(op)->run(d, count);
}

int
drive_set_location(struct drive *d, uint64_t object, unsigned part)
{
	struct drive_part *p = drive_part(d);
	enum tape_cond cond = TAPE_NONE;
	int r;

	if (part != 0 && !drive_has(d, MT_ST_CAN_PARTITIONS))
		return drive_fail(d, EINVAL, "partitions are off");
	if (part != d->part) {
		p->left_valid = d->tape->pos.known;
		p->left_at = d->tape->pos.object;
	}
	r = tape_locate(d->tape, part, object, &cond);
	p->file = p->block = -1;
	p->eof = EOF_NONE;
	d->part = d->tape->pos.partition;
	if (r < 0)
		return drive_tape_failed(d, r);
	if (cond != TAPE_NONE)
		return drive_fail(d, EIO, "end of data before object %llu",
		    (unsigned long long)object);
	p = drive_part(d);
	if (!p->left_valid || p->left_at != object)
		p->rw = RW_IDLE;
	if (object == 0)
		p->file = p->block = 0;
	return 0;
}

int
drive_switch_partition(struct drive *d)
{
	struct drive_part *to = &d->parts[d->new_part];

	if (d->new_part == d->part || !drive_has(d, MT_ST_CAN_PARTITIONS))
		return 0;
	if (d->ready != READY_YES)
		return drive_fail(d, EIO, "no tape to change partitions on");
	return drive_set_location(d, to->left_valid ? to->left_at : 0,
	    d->new_part);
}

/*
 * Fixed block mode, a filemark run over: the program stands before it, the tape
 * after it.  Operations that count filemarks allow for that.  (st also counts
 * the file once too often here, which is a bug of its own.)
 */
static int
count_pending(const struct drive *d, int op, int count)
{
	if (d->parts[d->part].eof != EOF_FM_PENDING)
		return count;
	switch (op) {
	case MTFSF:
	case MTFSFM:
	case MTEOM:
		return count - 1;
	case MTBSF:
	case MTBSFM:
		return count + 1;
	default:
		return count;
	}
}

/* A write is followed by an operation that leaves the place of the filemark. */
static int
marks_first(struct drive *d, int op, int *count)
{
	int r = op_weof(d, 1);

	if (r < 0)
		return r;
	if (op == MTBSF || op == MTBSFM)
		*count = (int)((unsigned)*count + 1);
	drive_part(d)->rw = RW_IDLE;
	return 0;
}

/* What comes before the operation itself; st.c, st_ioctl(). */
static int
prepare(struct drive *d, const struct op *o, int op, int *count)
{
	int r = drive_take_error(d);

	if (r == 0)
		r = drive_unsettle(d);
	if (r < 0)
		return r;
	if (drive_state(d) == STATE_LOST) {
		drive_forget_place(d);
		return 0;
	}
	*count = count_pending(d, op, *count);
	r = drive_flush_reading(d, (o->flags & GOES_ON) != 0);
	if (r == 0 && o->flags & MARKS_FIRST && drive_part(d)->rw == RW_WRITING)
		r = marks_first(d, op, count);
	return r;
}

/* What the states let through; then what comes first. */
static int
begin_op(struct drive *d, const struct op *o, const struct mtop *op, bool admin,
    int *count)
{
	int r;

	if (op->mt_op == MTSETDRVBUFFER && !admin)
		return drive_fail(d, EPERM,
		    "MTSETDRVBUFFER needs CAP_SYS_ADMIN");
	/* st: a count with bits of MT_ST_OPTIONS passes as an option does. */
	if (((uint32_t)op->mt_count & MT_ST_OPTIONS) != 0)
		r = drive_admit_undefined(d, o->class);
	else
		r = drive_admit(d, o->class);
	/* st: without a tape, too, the filemark of close is forgotten. */
	if (r == -ENOMEDIUM && !(o->flags & KEEPS_RW) && !d->settled)
		drive_part(d)->rw = RW_IDLE;
	return r < 0 ? r : prepare(d, o, op->mt_op, count);
}

static int
carry_out(struct drive *d, const struct op *o, int count)
{
	int r = 0;

	if (!(o->flags & KEEPS_RW))
		drive_part(d)->rw = RW_IDLE;
	if (!(o->flags & STAYS) && d->ready == READY_YES)
		r = drive_switch_partition(d);
	/* Not so in st, which may then write a filemark where it was moved. */
	if (!(o->flags & KEEPS_RW) && drive_part(d)->rw == RW_WRITING)
		drive_part(d)->rw = RW_IDLE;
	if (r == 0 && o->flags & NEEDS_WRITE && d->may_not_write)
		r = drive_fail(d, EACCES,
		    d->protected ? "the medium is write protected"
				 : "opened for reading");
	return r < 0 ? r : o->run(d, count);
}

int
drive_mtop(struct drive *d, const struct mtop *op, bool admin)
{
	const struct op *o = find_op(op->mt_op);
	int count = op->mt_count;
	int r = begin_op(d, o, op, admin, &count);

	if (r == 0)
		r = carry_out(d, o, count);
	drive_check(d);
	return r;
}
