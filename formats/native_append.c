/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing to a log.  The order of writes is the design, see native.c; every
 * step of it is here and nowhere else.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "native_log.h"

/* Without a filemark or a sync for so long, one is made: bytes. */
#define CHECKPOINT_EVERY ((uint64_t)1 << 30)

/* What the last index object leaves to filemarks before the end, bytes. */
#define CLOSING_MARKS 4096

int
native_append_super(struct native_log *log, const struct native_super *super)
{
	struct native_super next = *super;
	uint8_t bytes[NATIVE_SUPER];
	unsigned slot = !log->slot;
	int r;

	next.sequence = ++log->sequence;
	native_super_put(&next, bytes);
	r = hostfile_replace(log->host, (uint64_t)slot * NATIVE_SLOT, bytes,
	    sizeof(bytes));
	if (r < 0)
		return r;
	log->super = next;
	log->slot = slot;
	return 0;
}

/* The same where it need not succeed: a failure leaves no words. */
static bool
try_super(struct native_log *log, const struct native_super *super)
{
	struct tape *owner = log->image->owner;
	char why[sizeof(owner->why)];
	int r;

	memcpy(why, owner->why, sizeof(why));
	r = native_append_super(log, super);
	memcpy(owner->why, why, sizeof(why));
	return r == 0;
}

/*
 * Says in the superblock that all up to the end is durable, which it is: this
 * follows a sync.  It need not be durable itself; so if it can't be written,
 * nothing is lost but that rot of the last objects looks like a crash.
 */
static void
checkpoint(struct native_log *log)
{
	struct native_super super = log->super;

	super.checkpoint = log->end;
	super.index = log->index;
	super.indexes = log->indexes;
	(void)try_super(log, &super); /* see above */
}

/*
 * Takes back a superblock of which it is not known whether it is there, or
 * durable: ${old} is what holds, with a greater sequence.
 */
static void
take_back(struct native_log *log, const struct native_super *old)
{
	struct tape *owner = log->image->owner;
	char why[sizeof(owner->why)];

	log->super = *old;
	log->doubtful = true;
	memcpy(why, owner->why, sizeof(why)); /* why it has come to this */
	if (hostfile_sync(log->host) == 0)    /* rule 3 */
		log->doubtful = !try_super(log, old);
	memcpy(owner->why, why, sizeof(why));
}

int
native_append_sync(struct native_log *log)
{
	int r;

	/* A failure of an earlier one is told again and again. */
	if (!log->dirty && hostfile_protection(log->host) == NULL)
		return 0;
	if (log->doubtful)
		take_back(log, &log->super);
	if (log->doubtful)
		return tape_fail(log->image->owner, EIO,
		    "%s: its superblock can't be written",
		    hostfile_name(log->host));
	r = hostfile_sync(log->host);
	if (r < 0)
		return r;
	log->dirty = false;
	log->synced = true;
	if (log->begun)
		checkpoint(log);
	return 0;
}

int
native_append_commit(struct native_log *log, const struct native_super *super)
{
	struct native_super old = log->super, next = *super;
	unsigned slot = log->slot;
	int r;

	log->begun = false;
	/* What the superblock is to vouch for comes first (rule 2). */
	r = hostfile_sync(log->host);
	if (r < 0)
		return r;
	next.epoch = ++log->epoch;
	r = native_append_super(log, &next);
	if (r == 0)
		r = hostfile_sync(log->host);
	if (r < 0) {
		log->slot = slot;
		take_back(log, &old);
		return r;
	}
	log->doubtful = false;
	log->synced = true;
	return 0;
}

/* So that it is known if one of the slots should rot (rule 7). */
static void
double_super(struct native_log *log)
{
	struct native_super super = log->super;

	(void)try_super(log, &super); /* one is enough to go on */
}

void
native_append_blank(struct native_log *log)
{
	double_super(log);
	native_log_blank(log);
	/* If it can't be cut now, then before something is written. */
	log->begun = hostfile_cut(log->host, log->end.offset) == 0;
	log->dirty = true;
}

/* What native_index_cut() changes, as it was. */
static void
restore_index(struct native_log *log, const struct native_log *before)
{
	memcpy(log->samples, before->samples, sizeof(log->samples));
	log->n_samples = before->n_samples;
	log->sampled = before->sampled;
	log->index = before->index;
	log->indexes = before->indexes;
}

/*
 * Makes ${place} the end.  On failure it is where it was, and the next attempt
 * has to begin an epoch again.
 */
static int
end_at(struct native_log *log, const struct native_place *place)
{
	struct native_log before = *log;
	struct native_super super = log->super;
	int r;

	native_index_cut(log, place);
	super.limit = super.checkpoint = *place;
	super.index = log->index;
	super.indexes = log->indexes;
	r = native_append_commit(log, &super);
	if (r == 0) {
		double_super(log);
		r = hostfile_cut(log->host, place->offset);
		if (r < 0)
			take_back(log, &before.super);
	}
	if (r < 0) { /* no epoch has begun */
		restore_index(log, &before);
		return r;
	}
	log->begun = log->dirty = true;
	log->broken = false;
	if (place->offset != before.end.offset)
		log->tail = place->offset; /* else index objects may precede */
	log->end = log->cursor = *place;
	return 0;
}

int
native_append_cut(struct native_log *log, uint64_t at)
{
	struct native_place place;
	int r;

	if (at >= log->tail && at <= log->end.offset && !log->broken)
		at = log->end.offset;
	if (log->begun && at == log->end.offset)
		return hostfile_cut(log->host, at); /* an append that failed */
	if (at > hostfile_size(log->host))
		return tape_fail(log->image->owner, EIO,
		    "%s: offset %" PRIu64 ": the file ends before it; data are "
		    "missing",
		    hostfile_name(log->host), at);
	r = native_log_place(log, at, &place);
	return r < 0 ? r : end_at(log, &place);
}

/* ---- Objects ------------------------------------------------------------ */

/* The header of the next object, but for what the payload decides. */
static struct native_head
head_for(struct native_log *log, const struct native_place *place,
    enum native_type type)
{
	return (struct native_head){
		.type = (uint8_t)type,
		.flags = log->synced && place->offset == log->end.offset
		    ? NATIVE_SYNCED
		    : 0,
		.epoch = log->super.epoch,
		.object = place->object,
		.files = place->files,
		.wseq = ++log->wseq,
		.back = place->prev == 0 ? 0 : place->offset - place->prev,
		.chain = place->chain,
	};
}

/* Makes an index object at ${place}, which moves behind it. */
static int
make_index(struct native_log *log, struct native_place *place, uint32_t size,
    struct iovec *ret_piece)
{
	size_t whole = (size_t)native_extent(size);
	struct native_head head = head_for(log, place, NATIVE_INDEX);
	uint8_t *bytes = calloc(1, whole);

	if (bytes == NULL)
		return tape_fail(log->image->owner, ENOMEM, "out of memory");
	native_index_fill(log, bytes + NATIVE_HEAD);
	head.stored = size;
	head.payload_crc = native_crc(0, bytes + NATIVE_HEAD, size);
	native_head_put(&head, log->seed, place->offset, bytes);
	*ret_piece = hostfile_piece(bytes, whole);
	*place = native_after(place, &head);
	return 0;
}

/* What was appended counts: the end is behind it. */
static void
advance(struct native_log *log, const struct native_place *place,
    const struct native_head *head)
{
	native_index_note(log, place);
	log->end = native_after(place, head);
	log->tail = log->end.offset;
	log->dirty = true;
	log->synced = false;
}

static int
append_record(struct native_log *log, struct native_place *place,
    const void *buf, size_t len, struct iovec *index, size_t n_index,
    struct native_head *ret_head)
{
	static const uint8_t zeros[NATIVE_ALIGN];
	struct native_head head = head_for(log, place, NATIVE_RECORD);
	uint8_t bytes[NATIVE_HEAD];
	struct iovec pieces[4], payload;
	size_t n = 0;
	int r;

	r = native_codec_pack(log->codec, &log->super, &head, buf, len,
	    &payload);
	if (r < 0)
		return r;
	native_head_put(&head, log->seed, place->offset, bytes);
	if (n_index > 0)
		pieces[n++] = *index;
	pieces[n++] = hostfile_piece(bytes, sizeof(bytes));
	if (head.stored > 0)
		pieces[n++] = payload;
	if (head.stored % NATIVE_ALIGN != 0)
		pieces[n++] = hostfile_piece(zeros,
		    NATIVE_ALIGN - head.stored % NATIVE_ALIGN);
	r = hostfile_append(log->host, pieces, n);
	if (r == 0)
		*ret_head = head;
	return r;
}

int
native_append_record(struct native_log *log, const void *buf, size_t len,
    uint64_t *ret_end)
{
	uint32_t due = native_index_due(log);
	struct native_place place = log->end;
	struct native_head head;
	struct iovec index = { 0 };
	int r = 0;

	assert(log->begun);
	if (place.offset - log->super.checkpoint.offset >= CHECKPOINT_EVERY)
		r = native_append_sync(log);
	if (r == 0 && due > 0)
		r = make_index(log, &place, due, &index);
	if (r == 0)
		r = append_record(log, &place, buf, len, &index, due > 0,
		    &head);
	free(index.iov_base);
	if (r < 0)
		return r;
	if (due > 0)
		native_index_passed(log, &log->end);
	advance(log, &place, &head);
	hostfile_send(log->host);
	*ret_end = log->end.offset;
	return 0;
}

int
native_append_filemark(struct native_log *log, uint64_t *ret_end)
{
	struct native_head head = head_for(log, &log->end, NATIVE_FILEMARK);
	struct native_place place = log->end;
	uint8_t bytes[NATIVE_HEAD];
	struct iovec piece = hostfile_piece(bytes, sizeof(bytes));
	int r;

	assert(log->begun);
	native_head_put(&head, log->seed, place.offset, bytes);
	r = hostfile_append(log->host, &piece, 1);
	if (r < 0)
		return r;
	advance(log, &place, &head);
	*ret_end = log->end.offset;
	return 0;
}

uint64_t
native_append_cost(const struct native_log *log, size_t len)
{
	uint64_t gap = log->end.offset - log->tail;
	uint32_t due = native_index_due(log);

	if (len == 0)
		return gap + native_extent(0);
	return gap + (due > 0 ? native_extent(due) : 0) +
	    native_extent(native_codec_most(log->codec, len));
}

/* ---- The end of a session ----------------------------------------------- */

/*
 * What is not yet in an index goes into one if it is worth it.  Nothing depends
 * on it: what fails is taken back by the host file.
 */
static void
append_index(struct native_log *log)
{
	struct native_place place = log->end;
	struct iovec piece;
	uint32_t size;

	if (!native_index_worth(log))
		return;
	size = native_index_size(log);
	/* Room that filemarks may still want is left to them. */
	if (log->most > 0 &&
	    place.offset + native_extent(size) + CLOSING_MARKS > log->most)
		return;
	if (make_index(log, &place, size, &piece) < 0)
		return;
	if (hostfile_append(log->host, &piece, 1) == 0) {
		native_index_passed(log, &log->end);
		log->end = place;
		log->synced = false;
		log->dirty = true;
	}
	free(piece.iov_base);
}

int
native_append_finish(struct native_log *log)
{
	int r = 0;

	if (log->doubtful)
		take_back(log, &log->super);
	if (log->begun && hostfile_protection(log->host) == NULL)
		append_index(log);
	/* A tape that was only read leaves nothing to be said. */
	if (log->begun || log->dirty)
		r = native_append_sync(log);
	return r;
}
