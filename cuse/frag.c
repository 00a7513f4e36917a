/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole records out of fragments; see frag.h.
 *
 * What the kernel does (fuse_direct_io): a system call becomes requests of at
 * most a chunk, sent one after the other, each after the answer to the one
 * before.  A request answered with less than it asked ends the call; an error
 * ends it too, but becomes a short count unless it was the first.  A chunk is a
 * prime number of bytes that fits a request however the buffer lies in its
 * pages (wire_chunk()).  So, of a plain read(2) or write(2),
 *
 *     a request smaller than a chunk is the last one;
 *     one of exactly a chunk is the last one only if the whole call is a
 *     multiple of that prime, which no sane record size is.
 *
 * The second kind is settled by the caller's own count (caller.h).  Where that
 * can't be had, nobody knows until the thread's next request.
 *
 * In variable block mode the record is held back until then, or until its last
 * fragment.  In fixed block mode each fragment's whole blocks go to the tape
 * before it is answered; of the rest, less than a block, it is known by then
 * that there is room for it.
 *
 * A slot is a system call under way, of one thread:
 *
 *              first, a chunk            last, or settled
 *     FREE ---------------------> WRITING ---------------> FREE
 *       |                            | cut off: dropped, logged
 *       |      first, a chunk        |
 *       +---------------------> READING -----------------> FREE
 *                                      given out, or dropped
 *
 * Invariants:
 * 1. In variable block mode drive_write() only ever gets all bytes that one
 *    system call has been told are written.
 * 2. A WRITING slot was told that at bytes of its system call are written; the
 *    last have of them are in buf, the others on the tape.  In variable block
 *    mode that is all of them, in fixed block mode less than a block.
 * 3. total is the caller's own count, or 0 if that is not known.
 * 4. The drive's answer to a record, as far as it does not depend on writing
 *    it, was given on the first fragment (drive_check_write()).
 * 5. What the drive said of a record too late for its own system call is in
 *    late, until one other call has failed with it.
 * 6. What a system call was told is written is on the tape when its thread's
 *    next call begins, or that one fails.
 *
 * By 6, where a system call ends though more was to come, the bytes held are
 * written as a record all the same.  In variable block mode that is the record
 * that write(2) has told of.  In fixed block mode it is an odd one behind the
 * blocks, and an error for the next call besides: the program wrote what is not
 * whole blocks, or the tape failed.  Only who was killed has been told nothing,
 * and what is held of his record is dropped.
 *
 * Threads that write at the same time to one open file in fixed block mode may
 * find their blocks mixed; records never are.
 *
 * So that large records need not be copied, the channel is told where the next
 * fragment is wanted (frag_place()): behind the one before it.  A slot's buffer
 * has room for a chunk more than its record for that.
 *
 * The kernel can also end a fragment early without ending the call: a writev(2)
 * of more elements than a request has pages.  Then the first fragment is a
 * record, and the rest is refused: the program sees a short count.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drive.h"
#include "frag.h"
#include "log.h"

/* System calls under way on one open file, and bytes that each may hold. */
#define FRAG_SLOTS 4
#define FRAG_MAX ((size_t)TAPE_MAX_RECORD)

enum slot_use {
	SLOT_FREE,
	SLOT_WRITING,
	SLOT_READING,
};

struct slot {
	enum slot_use use;
	pid_t tid;
	uint64_t base; /* the offset that the system call began at */
	size_t total;  /* bytes of the system call; 0: not known */
	size_t at;     /* bytes that it was told are written */
	size_t block;  /* bytes of a block, if written so; else 0 */
	bool later;    /* the drive has got some of it */
	size_t have;   /* bytes of the record that are in buf */
	size_t done;   /* bytes given out by reads */
	bool in_parts; /* each fragment of the read goes to the drive */
	uint8_t *buf;
	size_t room; /* bytes allocated */
};

struct frag {
	struct drive *drive;
	size_t chunk; /* bytes */
	const char *name;
	const struct caller_source *source;
	struct caller_memo memo;
	int late;	   /* negative errno for the next call, or 0 */
	struct slot *last; /* of the last write, if it was cut; or NULL */
	struct slot slots[FRAG_SLOTS];
};

struct frag *
frag_new(struct drive *d, size_t chunk, const char *name,
    const struct caller_source *source)
{
	struct frag *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->drive = d;
	f->chunk = chunk;
	f->name = name;
	f->source = source;
	f->memo = CALLER_MEMO_NONE;
	return f;
}

/* Ends a system call of which nothing is kept, and says so if that is news. */
static void
drop(struct frag *f, struct slot *s)
{
	if (s->use == SLOT_WRITING && s->have > 0)
		log_warning("%s: write: dropped an unfinished record of which "
			    "%zu bytes had come",
		    f->name, s->have);
	else if (s->use == SLOT_READING && s->done < s->have)
		log_warning("%s: read: dropped %zu bytes of a record of %zu: "
			    "the program's buffer was smaller",
		    f->name, s->have - s->done, s->have);
	s->use = SLOT_FREE;
}

void
frag_free(struct frag *f)
{
	size_t i;

	if (f == NULL)
		return;
	for (i = 0; i < FRAG_SLOTS; i++) {
		drop(f, &f->slots[i]);
		free(f->slots[i].buf);
	}
	caller_forget(&f->memo);
	free(f);
}

static struct slot *
find(struct frag *f, pid_t tid, enum slot_use use)
{
	size_t i;

	for (i = 0; i < FRAG_SLOTS; i++)
		if (f->slots[i].use == use && f->slots[i].tid == tid)
			return &f->slots[i];
	return NULL;
}

/*
 * A slot for a system call that begins: the free one with the largest buffer,
 * or else a read, which loses nothing that is not on the tape.  NULL: none.
 */
static struct slot *
take(struct frag *f, const struct frag_part *part, enum slot_use use)
{
	struct slot *best = NULL;
	size_t i;

	for (i = 0; i < FRAG_SLOTS; i++) {
		struct slot *s = &f->slots[i];

		if (s->use == SLOT_WRITING)
			continue;
		if (best == NULL || s->use < best->use ||
		    (s->use == best->use && s->room > best->room))
			best = s;
	}
	if (best == NULL)
		return NULL;
	drop(f, best);
	*best = (struct slot){
		.use = use,
		.tid = part->tid,
		.base = part->offset,
		.buf = best->buf,
		.room = best->room,
	};
	return best;
}

/*
 * Makes room for ${size} bytes, keeping what is there.  The buffer begins on a
 * page, as drives below may want to reach it without a copy.
 */
static int
reserve(struct slot *s, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (size + page - 1) / page * page;
	uint8_t *buf;

	if (size <= s->room)
		return 0;
	buf = aligned_alloc(page, room);
	if (buf == NULL)
		return -ENOMEM;
	if (s->have > 0)
		memcpy(buf, s->buf, s->have);
	free(s->buf);
	s->buf = buf;
	s->room = room;
	return 0;
}

/* Notes what a write(2) that has ended would have failed with. */
static void
keep(struct frag *f, int err)
{
	if (f->late == 0)
		f->late = err;
}

static int
take_late(struct frag *f)
{
	int late = f->late;

	f->late = 0;
	return late;
}

/*
 * The write(2) in ${s} has ended, in fixed block mode, with bytes that are less
 * than a block; the program has been told that they are written.  ${err}: why
 * nothing came to complete them.
 */
static void
leave_rest(struct frag *f, struct slot *s, int err)
{
	int r = drive_write_rest(f->drive, s->buf, s->have);

	if (r == 0)
		log_warning("%s: write: the last %zu bytes of %zu are a record "
			    "of their own, as they are less than a block",
		    f->name, s->have, s->at);
	else
		log_error("%s: write: the last %zu bytes of %zu are lost: %s",
		    f->name, s->have, s->at, drive_why(f->drive));
	keep(f, r < 0 ? r : err);
}

/* The system call in ${s} has ended, with the bytes that it has been told. */
static void
commit(struct frag *f, struct slot *s)
{
	ssize_t n;

	s->use = SLOT_FREE;
	if (s->block != 0) {
		if (s->have > 0)
			leave_rest(f, s, -EINVAL);
		return;
	}
	n = drive_write(f->drive, s->buf, s->have);
	if (n < 0)
		keep(f, (int)n);
	else if ((size_t)n < s->have)
		keep(f, -ENOSPC);
}

/* Commits what is in the slot, unless its writer has been killed. */
static void
end_call(struct frag *f, struct slot *s)
{
	if (s->use == SLOT_WRITING && !f->source->killed(s->tid))
		commit(f, s);
	else
		drop(f, s);
}

/*
 * Thread ${tid} does something new, so its last system call has ended; unless
 * that is a write, it is taken for a sign that other threads' have, too, if
 * they may have.  What it does may be to die: then its record is not complete,
 * nor if it has.
 */
static int
settle(struct frag *f, pid_t tid, bool writes)
{
	size_t i;

	for (i = 0; i < FRAG_SLOTS; i++) {
		struct slot *s = &f->slots[i];

		if (s->use == SLOT_FREE)
			continue;
		if (s->tid == tid)
			end_call(f, s);
		else if (!writes && s->use == SLOT_WRITING && s->total == 0 &&
		    !f->source->killed(s->tid))
			commit(f, s);
	}
	return take_late(f);
}

int
frag_settle(struct frag *f, pid_t tid)
{
	return settle(f, tid, false);
}

int
frag_finish(struct frag *f)
{
	size_t i;

	for (i = 0; i < FRAG_SLOTS; i++)
		end_call(f, &f->slots[i]);
	return take_late(f);
}

/*
 * The count of the system call that begins with ${part}: true if it is known,
 * which it is without asking when there can be no more.
 */
static bool
count_of(struct frag *f, const struct frag_part *part,
    enum caller_direction direction, size_t *ret_count)
{
	*ret_count = part->size;
	if (part->size < f->chunk)
		return true;
	return f->source->count(&f->memo, part->tid, direction, ret_count) &&
	    *ret_count >= part->size;
}

static void
append(struct slot *s, const void *data, size_t size)
{
	if (data != s->buf + s->have)
		memcpy(s->buf + s->have, data, size);
	s->have += size;
}

/*
 * The system call in ${s} ends before all of it is written, or with less than a
 * block.  ${told}: bytes held before this fragment; ${done}: bytes now on the
 * tape, of these and of the fragment; ${err}: why.
 */
static ssize_t
cut_short(struct frag *f, struct slot *s, size_t told, size_t done, int err)
{
	bool failed = err != -ENOSPC && err != -EINVAL;

	s->use = SLOT_FREE;
	if (s->at == 0)
		return failed || done == 0 ? err : (ssize_t)done;
	if (done < told) {
		assert(done == 0); /* else it is a block, and told is less */
		s->have = told;
		leave_rest(f, s, err);
	} else if (failed) {
		keep(f, err);
	}
	return done > told ? (ssize_t)(done - told) : err;
}

/* A fragment in fixed block mode: whole blocks go to the tape. */
static ssize_t
write_blocks(struct frag *f, struct slot *s, const struct frag_part *part,
    const void *data, size_t size)
{
	size_t told = s->have;
	bool last = s->total != 0 ? s->at + size == s->total : size < f->chunk;
	size_t whole = (told + size) / s->block * s->block;
	size_t rest = told + size - whole;
	size_t done = 0;
	int r = 0;

	append(s, data, size);
	if (whole > 0) {
		r = drive_write_part(f->drive, s->buf, whole,
		    s->later ? DRIVE_LATER : 0, &done);
		s->later = true;
	}
	if (r == 0 && rest > 0) {
		if (last)
			r = -EINVAL;
		else if (!drive_has_room(f->drive))
			r = -ENOSPC;
	}
	if (r < 0)
		return cut_short(f, s, told, done, r);
	if (rest > 0 && whole > 0)
		memmove(s->buf, s->buf + whole, rest);
	s->have = rest;
	s->at += size;
	if (last) {
		s->use = SLOT_FREE;
		f->last = part->append ? NULL : s;
	}
	return (ssize_t)size;
}

/*
 * The first fragment of several, or so it seems: the drive decides about them
 * all, as far as it can.
 */
static ssize_t
begin_record(struct frag *f, const struct frag_part *part, const void *data,
    size_t total)
{
	size_t count = total != 0 ? total : part->size;
	ssize_t n = drive_check_write(f->drive, count, total != 0);
	size_t block = drive_block_size(f->drive);
	struct slot *s;
	int r;

	if (n < 0)
		return n;
	if (count > FRAG_MAX)
		return -EOVERFLOW; /* st: larger than the driver's buffer */
	s = take(f, part, SLOT_WRITING);
	if (s == NULL)
		return -EBUSY;
	s->total = total;
	s->block = block;
	if (data == s->buf)
		s->have = part->size; /* it came to its place */
	r = reserve(s, (block != 0 ? block : count) + f->chunk);
	if (r < 0) {
		s->use = SLOT_FREE;
		return r;
	}
	if (s->have != 0)
		data = s->buf;
	s->have = 0;
	if (block != 0)
		return write_blocks(f, s, part, data, part->size);
	append(s, data, part->size);
	s->at = part->size;
	return (ssize_t)part->size;
}

static ssize_t
first_write(struct frag *f, const struct frag_part *part, const void *data)
{
	size_t count;
	bool known;
	int r = settle(f, part->tid, true);

	if (r < 0)
		return r;
	known = count_of(f, part, CALLER_WRITES, &count);
	f->last = NULL;
	if (known && count == part->size)
		return drive_write(f->drive, data, count);
	return begin_record(f, part, data, known ? count : 0);
}

/*
 * The record in ${s} is complete, and its last ${size} bytes are what the
 * program waits for; the others it has been told are written.
 */
static ssize_t
end_record(struct frag *f, struct slot *s, size_t size)
{
	size_t told = s->have - size;
	ssize_t n = drive_write(f->drive, s->buf, s->have);

	s->use = SLOT_FREE;
	if (n >= (ssize_t)told)
		return n - (ssize_t)told;
	keep(f, n < 0 ? (int)n : -ENOSPC);
	return n < 0 ? n : -ENOSPC;
}

/*
 * Room for ${size} more bytes of a record whose count is not known: twice as
 * much as there was, so that a large one is not copied too often.
 */
static int
grow(struct frag *f, struct slot *s, size_t size)
{
	size_t max = drive_max_record(f->drive);
	size_t want = s->have + size;

	if (want > max)
		return -EINVAL; /* as for any record that is too large */
	if (want > s->room)
		want = 2 * s->room < max ? 2 * s->room : max;
	return reserve(s, want);
}

static ssize_t
next_write(struct frag *f, struct slot *s, const struct frag_part *part,
    const void *data)
{
	size_t size = part->size;
	int r = 0;

	if (s->total != 0 && size > s->total - s->at)
		size = s->total - s->at;
	if (s->block != 0)
		return write_blocks(f, s, part, data, size);
	if (s->total == 0)
		r = grow(f, s, size);
	if (r < 0) {
		drop(f, s);
		keep(f, r);
		return r;
	}
	append(s, data, size);
	s->at += size;
	if (s->total != 0 ? s->at < s->total : size == f->chunk)
		return (ssize_t)size;
	if (!part->append)
		f->last = s;
	return end_record(f, s, size);
}

bool
frag_goes_on(struct frag *f, const struct frag_part *part)
{
	const struct slot *s = find(f, part->tid, SLOT_WRITING);

	return s != NULL && part->offset == s->base + s->at;
}

bool
frag_is_writing(const struct frag *f)
{
	size_t i;

	for (i = 0; i < FRAG_SLOTS; i++)
		if (f->slots[i].use == SLOT_WRITING)
			return true;
	return false;
}

ssize_t
frag_write(struct frag *f, const struct frag_part *part, const void *data)
{
	assert(part->size <= f->chunk);
	if (frag_goes_on(f, part))
		return next_write(f, find(f, part->tid, SLOT_WRITING), part,
		    data);
	if (part->offset == 0 || part->append)
		return first_write(f, part, data);
	log_warning("%s: write: refused the rest of a scattered write of which "
		    "%llu bytes are a record",
	    f->name, (unsigned long long)part->offset);
	return -EIO;
}

/*
 * More of a record that is under way; or, after one that was cut, the beginning
 * of another, as programs write record after record of one size.
 */
struct frag_place
frag_place(struct frag *f, pid_t tid)
{
	struct frag_place nowhere = { .data = NULL };
	struct slot *s = find(f, tid, SLOT_WRITING);

	if (s == NULL) {
		s = f->last;
		if (s == NULL || s->use != SLOT_FREE || s->tid != tid)
			return nowhere;
		s->have = 0;
		s->at = 0;
		s->base = 0;
	}
	if (s->room - s->have < f->chunk &&
	    reserve(s, s->have + s->room + f->chunk) < 0)
		return nowhere; /* a copy will do */
	return (struct frag_place){
		.data = s->buf + s->have,
		.offset = s->base + s->at,
	};
}

/* Gives out the next bytes of a record that has been read. */
static ssize_t
serve(struct slot *s, const struct frag_part *part, const void **ret_data)
{
	size_t left = s->have - s->done;
	size_t n = part->size < left ? part->size : left;

	*ret_data = s->buf + s->done;
	s->done += n;
	if (n < part->size)
		s->use = SLOT_FREE; /* the system call ends here */
	return (ssize_t)n;
}

/* Hands one fragment of a read in fixed block mode to the drive. */
static ssize_t
read_part(struct frag *f, struct slot *s, const struct frag_part *part,
    const void **ret_data)
{
	unsigned flags = DRIVE_PART | (s->done > 0 ? DRIVE_LATER : 0);
	ssize_t n = 0;

	/* Another thread may have changed the mode in between. */
	if (drive_is_fixed(f->drive))
		n = drive_read(f->drive, s->buf, part->size, flags);
	*ret_data = s->buf;
	if (n < (ssize_t)part->size)
		s->use = SLOT_FREE;
	else
		s->done += (size_t)n;
	return n;
}

/* Reads at one go all that the program has asked for, or could have. */
static ssize_t
read_whole(struct frag *f, struct slot *s, const struct frag_part *part,
    const void **ret_data)
{
	size_t count = s->total != 0 ? s->total : drive_max_read(f->drive);
	ssize_t n;

	/* The drive refuses a count for which there is no room. */
	n = reserve(s, count < FRAG_MAX ? count : FRAG_MAX);
	if (n == 0)
		n = drive_read(f->drive, s->buf, count, 0);
	if (n <= 0) {
		s->use = SLOT_FREE;
		return n;
	}
	s->have = (size_t)n;
	n = serve(s, part, ret_data);
	if (s->done == s->total)
		s->use = SLOT_FREE;
	return n;
}

static ssize_t
first_read(struct frag *f, const struct frag_part *part, const void **ret_data)
{
	struct slot *s;
	size_t count;
	bool known;
	int r = frag_settle(f, part->tid);

	if (r < 0)
		return r;
	known = count_of(f, part, CALLER_READS, &count);
	s = take(f, part, SLOT_READING);
	if (s == NULL)
		return -EBUSY;
	s->total = known ? count : 0;
	s->in_parts = drive_is_fixed(f->drive) && (!known || count > FRAG_MAX);
	if (!s->in_parts)
		return read_whole(f, s, part, ret_data);
	r = reserve(s, f->chunk);
	if (r < 0) {
		s->use = SLOT_FREE;
		return r;
	}
	return read_part(f, s, part, ret_data);
}

ssize_t
frag_read(struct frag *f, const struct frag_part *part, const void **ret_data)
{
	struct slot *s = find(f, part->tid, SLOT_READING);

	assert(part->size <= f->chunk);
	*ret_data = NULL;
	if (part->offset == 0)
		return first_read(f, part, ret_data);
	/* No bytes are left, or not for this thread: that ends the call. */
	if (s == NULL || part->offset != s->done)
		return 0;
	return s->in_parts ? read_part(f, s, part, ret_data)
			   : serve(s, part, ret_data);
}
