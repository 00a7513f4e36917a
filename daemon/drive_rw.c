/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * read(2) and write(2): variable and fixed block mode, the end of data, and
 * early warning.  Follows st_read(), read_tape() and st_write() of st.c, in the
 * order of their checks.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drive_state.h"

/* st reads this much ahead, or one block if that is more: ST_FIXED_BUFFER. */
#define AHEAD_BYTES ((size_t)32 * 1024)

/* The result of reading several blocks: bytes got, and why no more came. */
struct blocks {
	size_t len;
	bool stopped; /* a filemark, an odd record: not all could be read */
};

static void
auto_lock(struct drive *d)
{
	if (drive_has(d, MT_ST_AUTO_LOCK) && d->door == DOOR_UNLOCKED)
		d->door = DOOR_LOCKED_AUTO;
}

/* st.c, rw_checks(); a ${count} of 0 passes them and then does nothing. */
static int
check_common(struct drive *d, size_t count, bool to_read)
{
	uint32_t most = to_read ? d->max_read : d->max_record;

	int r = drive_admit(d, CLASS_RW);

	if (r == 0)
		r = drive_take_error(d);
	if (r < 0 || count == 0)
		return r;
	r = drive_unsettle(d);
	if (r == 0)
		r = drive_switch_partition(d);
	if (r < 0)
		return r;
	if (d->block_size == 0 && most != 0 &&
	    (count < d->min_record || count > most))
		return drive_fail(d, EINVAL,
		    "a record of %zu bytes; this tape takes %u to %u", count,
		    d->min_record, most);
	auto_lock(d);
	return 0;
}

/* A record size that the tape can't have, where nobody asked for its limits. */
static int
check_record_size(struct drive *d, size_t count)
{
	struct tape_info info;

	tape_describe(d->tape, &info);
	if (count >= info.min_record && count <= info.max_read)
		return 0;
	drive_part(d)->block = -1;
	return drive_fail(d, EIO,
	    "a record of %zu bytes; this tape takes %u to %u", count,
	    info.min_record, info.max_read);
}

/* The drive met the end of recorded data: BLANK CHECK. */
static int
met_end_of_data(struct drive *d)
{
	struct drive_part *p = drive_part(d);

	p->block = -1;
	if (p->eof != EOF_AT_FM)
		return drive_fail(d, EIO, "end of data, not after a filemark");
	/* st: the first BLANK CHECK after a filemark gives 0. */
	p->eof = EOF_EOD2;
	return 0;
}

/* One record, in variable block mode. */
static ssize_t
read_record(struct drive *d, void *buf, size_t count)
{
	struct drive_part *p = drive_part(d);
	enum tape_cond cond;
	size_t len;
	int r = check_record_size(d, count);

	if (r < 0)
		return r;
	r = tape_read(d->tape, buf, count, &len, &cond);
	if (r < 0) {
		p->block = -1;
		return drive_tape_failed(d, r);
	}
	if (cond == TAPE_EOD)
		return met_end_of_data(d);
	if (cond == TAPE_FILEMARK) {
		p->eof = EOF_FM_PENDING; /* at once consumed by drive_read() */
		return 0;
	}
	if (p->block >= 0)
		p->block++;
	if (len > count && !drive_has(d, MT_ST_SILI))
		return drive_fail(d, ENOMEM,
		    "a record of %zu bytes does not fit a read of %zu", len,
		    count);
	return (ssize_t)(len < count ? len : count);
}

/*
 * A record that is not one block was met.  Blocks before it are good, and the
 * tape goes back to stand before it.
 */
static int
met_odd_record(struct drive *d, size_t len, size_t got)
{
	enum tape_cond cond;
	uint64_t passed;
	int r;

	r = tape_space(d->tape, TAPE_RECORDS, -1, &passed, &cond);
	if (r < 0) {
		drive_part(d)->block = -1;
		return drive_tape_failed(d, r);
	}
	drive_part(d)->eof = EOF_NONE; /* as after MTBSR */
	if (got > 0)
		return 0;
	return drive_fail(d, EIO,
	    "a record of %zu bytes where blocks of %u are expected", len,
	    d->block_size);
}

/*
 * One READ of ${count} / block size blocks.  On failure no block is delivered,
 * as in st: what came before the end of data is lost to the program.
 */
static int
read_blocks(struct drive *d, uint8_t *buf, size_t count, struct blocks *ret)
{
	struct drive_part *p = drive_part(d);
	enum tape_cond cond = TAPE_NONE;
	size_t len, got = 0;
	int r = 0;

	*ret = (struct blocks){ .len = 0 };
	while (got < count && !ret->stopped) {
		r = tape_read(d->tape, buf + got, d->block_size, &len, &cond);
		if (r < 0) {
			p->block = -1;
			return drive_tape_failed(d, r);
		}
		ret->stopped = cond != TAPE_NONE || len != d->block_size;
		if (!ret->stopped)
			got += d->block_size;
	}
	if (cond == TAPE_EOD)
		return met_end_of_data(d);
	if (cond == TAPE_FILEMARK)
		p->eof = EOF_FM_PENDING;
	else if (ret->stopped)
		r = met_odd_record(d, len, got);
	if (r == 0) {
		ret->len = got;
		if (p->block >= 0)
			p->block += (int)(got / d->block_size);
	}
	return r;
}

/* Room for ${size} bytes read ahead. */
static int
make_ahead_room(struct drive *d, size_t size)
{
	uint8_t *grown;

	if (size <= d->ahead_room)
		return 0;
	grown = realloc(d->ahead, size);
	if (grown == NULL)
		return drive_fail(d, EOVERFLOW, "no memory to read ahead");
	d->ahead = grown;
	d->ahead_room = size;
	return 0;
}

static bool
reads_ahead(const struct drive *d)
{
	return d->streaming && drive_has(d, MT_ST_READ_AHEAD);
}

/*
 * Refills the empty read-ahead.  While streaming as many blocks as st takes;
 * otherwise one, the rest of which serves the next part of the same read(2).
 */
static int
fill_ahead(struct drive *d, bool *ret_stopped)
{
	size_t bytes = d->block_size;
	struct blocks got;
	int r;

	if (reads_ahead(d) && bytes < AHEAD_BYTES)
		bytes = AHEAD_BYTES / bytes * bytes;
	r = make_ahead_room(d, bytes);
	if (r < 0)
		return r;
	r = read_blocks(d, d->ahead, bytes, &got);
	*ret_stopped = got.stopped;
	d->ahead_at = 0;
	d->ahead_left = got.len;
	return r;
}

static size_t
take_ahead(struct drive *d, void *buf, size_t count)
{
	size_t n = count < d->ahead_left ? count : d->ahead_left;

	if (n > 0)
		memcpy(buf, d->ahead + d->ahead_at, n);
	d->ahead_at += n;
	d->ahead_left -= n;
	return n;
}

/* st.c, the loop of st_read() in fixed block mode. */
static ssize_t
read_fixed(struct drive *d, uint8_t *buf, size_t count)
{
	size_t whole, total = take_ahead(d, buf, count);
	struct blocks got = { .stopped = false };
	int r = 0;

	while (r == 0 && total < count && !got.stopped &&
	    drive_part(d)->eof != EOF_FM_PENDING &&
	    drive_part(d)->eof < EOF_EW_GRACE) {
		whole = (count - total) / d->block_size * d->block_size;
		if (!reads_ahead(d) && whole > 0) {
			r = read_blocks(d, buf + total, whole, &got);
			total += got.len;
		} else {
			r = fill_ahead(d, &got.stopped);
			total += take_ahead(d, buf + total, count - total);
		}
	}
	return r < 0 ? r : (ssize_t)total;
}

/* No data came: the end condition moves on one step. */
static void
advance_end(struct drive_part *p)
{
	if (p->eof == EOF_FM_PENDING) {
		p->eof = EOF_AT_FM;
		p->block = 0;
		if (p->file >= 0)
			p->file++;
	} else if (p->eof == EOF_EOD2) {
		p->eof = EOF_EOD;
	}
}

static int
check_read(struct drive *d, size_t count, unsigned flags)
{
	int r = check_common(d, count, true);

	if (r < 0 || count == 0)
		return r;
	if (d->block_size != 0 && count % d->block_size != 0 &&
	    !(flags & DRIVE_PART)) {
		if (!drive_has(d, MT_ST_READ_AHEAD))
			return drive_fail(d, EINVAL,
			    "%zu bytes are not whole blocks of %u", count,
			    d->block_size);
		d->streaming = true; /* until close */
	}
	return 0;
}

static ssize_t
read_checked(struct drive *d, void *buf, size_t count, unsigned flags)
{
	struct drive_part *p;
	ssize_t n;
	int r;

	assert(!(flags & DRIVE_LATER) || d->block_size != 0);
	r = check_read(d, count, flags);
	if (r < 0 || count == 0)
		return r;
	p = drive_part(d);
	if (p->rw == RW_WRITING)
		p->rw = RW_READING;
	if (d->ahead_left == 0 && p->eof >= EOF_EW_GRACE) {
		/* st: this does not touch the tape; who was idle stays so. */
		if (p->eof == EOF_EOD)
			return drive_fail(d, EIO, "end of data");
		p->eof++;
		return 0;
	}
	p->rw = RW_READING;
	if (d->block_size == 0)
		n = p->eof == EOF_FM_PENDING ? 0 : read_record(d, buf, count);
	else
		n = read_fixed(d, buf, count);
	if (n == 0 && !(flags & DRIVE_LATER))
		advance_end(p);
	else if (n > 0 && p->eof == EOF_AT_FM)
		p->eof = EOF_NONE;
	return n;
}

ssize_t
drive_read(struct drive *d, void *buf, size_t count, unsigned flags)
{
	ssize_t n = read_checked(d, buf, count, flags);

	drive_check(d);
	return n;
}

int
drive_flush_reading(struct drive *d, bool go_on)
{
	struct drive_part *p = drive_part(d);
	enum tape_cond cond = TAPE_NONE;
	uint64_t back, passed;
	int r = 0;

	if (d->ready != READY_YES || d->block_size == 0 || p->rw == RW_WRITING)
		return 0;
	/* A block of which some was read counts as read. */
	back = d->ahead_left / d->block_size;
	d->ahead_left = 0;
	if (p->block >= 0)
		p->block -= go_on ? 0 : (int)back;
	if (p->eof == EOF_FM_PENDING) {
		p->eof = EOF_NONE;
		if (go_on) {
			if (p->file >= 0)
				p->file++;
			p->block = 0;
			return 0;
		}
		r = tape_space(d->tape, TAPE_FILEMARKS, -1, &passed, &cond);
	}
	if (r == 0 && !go_on && back > 0) {
		p->eof = EOF_NONE; /* as after MTBSR */
		r = tape_space(d->tape, TAPE_RECORDS, -(int64_t)back, &passed,
		    &cond);
	}
	return r < 0 ? drive_tape_failed(d, r) : 0;
}

/*
 * st.c, st_write(): after a read the tape goes back to where the program is,
 * and a first write at BOT sets the mode.  The direction stays: nothing is
 * written yet, and it may come to nothing.
 */
static int
begin_writing(struct drive *d)
{
	struct drive_part *p = drive_part(d);
	enum drive_default c = d->modes[d->mode].default_compression;
	int r;

	if (p->rw == RW_READING)
		return drive_flush_reading(d, false);
	if (p->rw == RW_WRITING || p->file != 0 || p->block != 0)
		return 0;
	r = drive_apply_mode(d);
	if (r == 0 && c != DEFAULT_UNTOUCHED && !d->compression_changed)
		r = drive_set_compression(d, c == DEFAULT_YES);
	return r;
}

/* The ENOSPC that alternates with success past early warning. */
static int
pass_gate(struct drive *d)
{
	struct drive_part *p = drive_part(d);

	if (p->eof != EOF_EW_HIT)
		return 0;
	if (p->rw == RW_READING)
		p->rw = RW_WRITING; /* st: though nothing is written */
	p->eof = EOF_EW_GRACE;	    /* the next one is let through */
	return drive_fail(d, ENOSPC, "early warning");
}

static int
check_whole_blocks(struct drive *d, size_t count)
{
	if (d->block_size == 0 || count % d->block_size == 0)
		return 0;
	return drive_fail(d, EINVAL, "%zu bytes are not whole blocks of %u",
	    count, d->block_size);
}

/*
 * All that write(2) checks before the tape is touched.  ${later}: a later part
 * of one; the gate is for those that begin after early warning.
 */
static int
check_write(struct drive *d, size_t count, bool final, bool later)
{
	int r = check_common(d, count, false);

	if (r < 0 || count == 0)
		return r;
	r = final ? check_whole_blocks(d, count) : 0;
	if (r < 0)
		return r;
	if (d->may_not_write)
		return drive_fail(d, EACCES,
		    d->protected ? "the medium is write protected"
				 : "opened for reading");
	r = begin_writing(d);
	/* Its mode may just have got a block size; st forgets to look again. */
	if (r == 0 && final)
		r = check_whole_blocks(d, count);
	return r < 0 || later ? r : pass_gate(d);
}

/* The physical end: nothing of this record is on the tape. */
static int
met_end_of_medium(struct drive *d)
{
	drive_part(d)->eof = EOF_EW_HIT;
	return drive_fail(d, ENOSPC, "end of medium");
}

ssize_t
drive_check_write(struct drive *d, size_t count, bool final)
{
	struct tape_info info;
	int r = check_write(d, count, final, false);

	if (r < 0)
		return r;
	if (count == 0)
		return 0;
	if (d->block_size == 0)
		r = check_record_size(d, count);
	if (r < 0)
		return r;
	tape_describe(d->tape, &info);
	if (info.room >= count)
		return (ssize_t)count;
	if (d->block_size != 0 && info.room >= d->block_size) {
		/* It is told for one record: the largest says no more. */
		if (!final || info.room >= info.max_record)
			return (ssize_t)count;
		return (ssize_t)(info.room / d->block_size * d->block_size);
	}
	drive_part(d)->rw = RW_WRITING;
	return met_end_of_medium(d);
}

bool
drive_has_room(struct drive *d)
{
	struct tape_info info;

	tape_describe(d->tape, &info);
	return info.room >= d->block_size;
}

/* Writes records of ${size} bytes; ${ret_done} counts them, on failure too. */
static int
write_records(struct drive *d, const uint8_t *buf, size_t size, size_t n,
    size_t *ret_done, enum tape_cond *ret_cond)
{
	enum tape_cond cond = TAPE_NONE;
	size_t done = 0;
	int r = 0;

	*ret_cond = TAPE_NONE;
	while (r == 0 && done < n) {
		r = tape_write(d->tape, buf + done * size, size, &cond);
		if (cond != TAPE_NONE)
			*ret_cond = cond;
		if (r == 0)
			done++;
	}
	*ret_done = done;
	return r;
}

static int
write_failed(struct drive *d, int r)
{
	if (r == -ENOSPC)
		return met_end_of_medium(d);
	drive_part(d)->block = -1;
	return drive_tape_failed(d, r);
}

/* ${count} bytes as records of ${size}; ${ret_done}: bytes on the tape. */
static int
write_checked(struct drive *d, const void *buf, size_t count, size_t size,
    size_t *ret_done)
{
	struct drive_part *p = drive_part(d);
	enum tape_cond cond;
	size_t records;
	int r;

	p->rw = RW_WRITING;
	r = check_record_size(d, size);
	if (r < 0)
		return r;
	r = write_records(d, buf, size, count / size, &records, &cond);
	*ret_done = records * size;
	if (p->block >= 0)
		p->block += (int)records;
	if (r < 0)
		return write_failed(d, r);
	/* Let through once, or warned again: the next one is refused. */
	p->eof = p->eof == EOF_EW_GRACE || cond == TAPE_EARLY_WARNING
	    ? EOF_EW_HIT
	    : EOF_NONE;
	return 0;
}

ssize_t
drive_write(struct drive *d, const void *buf, size_t count)
{
	size_t done = 0;
	int r = check_write(d, count, true, false);

	if (r == 0 && count > 0)
		r = write_checked(d, buf, count,
		    d->block_size == 0 ? count : d->block_size, &done);
	drive_check(d);
	return r == 0 || (r == -ENOSPC && done > 0) ? (ssize_t)done : r;
}

/* A part that met early warning warns of all that follow in its write(2). */
static int
write_later(struct drive *d, const void *buf, size_t count, size_t size,
    size_t *ret_done)
{
	struct drive_part *p = drive_part(d);
	bool warned = p->eof == EOF_EW_HIT;
	int r = write_checked(d, buf, count, size, ret_done);

	if (r == 0 && warned)
		p->eof = EOF_EW_HIT;
	return r;
}

int
drive_write_part(struct drive *d, const void *buf, size_t count, unsigned flags,
    size_t *ret_done)
{
	bool later = (flags & DRIVE_LATER) != 0;
	int r = check_write(d, count, true, later);

	*ret_done = 0;
	if (r == 0 && count > 0)
		r = (later ? write_later : write_checked)(d, buf, count,
		    d->block_size == 0 ? count : d->block_size, ret_done);
	drive_check(d);
	return r;
}

int
drive_write_rest(struct drive *d, const void *buf, size_t len)
{
	size_t done = 0;
	int r = check_write(d, len, false, true);

	if (r == 0 && len > 0)
		r = write_later(d, buf, len, len, &done);
	drive_check(d);
	return r;
}
