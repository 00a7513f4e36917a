/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening, recovery and walking of a log.  The rules are in native.c; nothing
 * here writes, but for native_log_make().
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "native_log.h"

int
native_log_damaged(const struct native_log *log, uint64_t at, const char *fmt,
    ...)
{
	char what[160];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap); /* cut is fine */
	va_end(ap);
	return tape_fail(log->image->owner, EBADMSG,
	    "%s: offset %" PRIu64 ": %s", hostfile_name(log->host), at, what);
}

/* ---- Headers ------------------------------------------------------------ */

/* The header at ${at}, whatever its epoch is, and however long its payload. */
static int
any_head(struct native_log *log, uint64_t at, struct native_head *ret_head)
{
	uint64_t size = hostfile_size(log->host);
	const uint8_t *bytes;
	int r;

	if (at > size || size - at < NATIVE_HEAD)
		return -EBADMSG;
	r = hostfile_peek(log->host, at, NATIVE_HEAD, &bytes);
	if (r < 0)
		return r;
	return native_head_get(bytes, log->seed, at, ret_head) ? 0 : -EBADMSG;
}

/* Whether an object of that epoch can be at ${at}. */
static bool
is_of_epoch(const struct native_log *log, uint64_t at, uint32_t epoch)
{
	return at < log->super.limit.offset ? epoch <= log->super.epoch
					    : epoch == log->super.epoch;
}

int
native_log_head(struct native_log *log, uint64_t at,
    struct native_head *ret_head)
{
	struct native_head head;
	int r = any_head(log, at, &head);

	if (r < 0)
		return r;
	if (!native_head_sane(&head) || !is_of_epoch(log, at, head.epoch) ||
	    head.back > at - NATIVE_START ||
	    native_extent(head.stored) > hostfile_size(log->host) - at)
		return -EBADMSG;
	*ret_head = head;
	return 0;
}

/* Says what is wrong at ${at}, where native_log_head() has found nothing. */
static int
refuse_head(struct native_log *log, uint64_t at)
{
	uint64_t size = hostfile_size(log->host);
	struct native_head head;

	if (at >= size || size - at < NATIVE_HEAD)
		return native_log_damaged(log, at,
		    "the file ends at %" PRIu64 ", but data go on to %" PRIu64,
		    size, log->end.offset);
	if (any_head(log, at, &head) < 0)
		return native_log_damaged(log, at,
		    "the header of an object is damaged");
	if (!native_head_sane(&head))
		return native_log_damaged(log, at,
		    "an object of a kind that is not known here");
	if (!is_of_epoch(log, at, head.epoch))
		return native_log_damaged(log, at,
		    "an object of epoch %" PRIu32 " where there can't be one; "
		    "the superblock says %" PRIu32,
		    head.epoch, log->super.epoch);
	return native_log_damaged(log, at,
	    "object %" PRIu64 " would end at %" PRIu64
	    ", but the file ends at %" PRIu64,
	    head.object, at + native_extent(head.stored), size);
}

/* Where a header says that it stands. */
static struct native_place
place_of(uint64_t at, const struct native_head *head)
{
	return (struct native_place){ .offset = at,
		.object = head->object,
		.files = head->files,
		.wseq = head->wseq - 1,
		.prev = head->back == 0 ? 0 : at - head->back,
		.chain = head->chain };
}

/* Whether a header is what has to stand at a place. */
static bool
belongs(const struct native_place *place, const struct native_head *head)
{
	return head->object == place->object && head->files == place->files &&
	    head->chain == place->chain && head->wseq > place->wseq &&
	    head->back == (place->prev == 0 ? 0 : place->offset - place->prev);
}

/*
 * The place behind the object whose header precedes ${at}.  -ENODATA: that one
 * is damaged, so it can't be told.
 */
static int
behind_previous(struct native_log *log, uint64_t at,
    const struct native_head *head, struct native_place *ret_place)
{
	struct native_place prev;
	struct native_head before;
	int r;

	if (head->back == 0) {
		*ret_place = native_bot(&log->super);
		return 0;
	}
	r = native_log_head(log, at - head->back, &before);
	if (r < 0)
		return r == -EBADMSG ? -ENODATA : r;
	prev = place_of(at - head->back, &before);
	*ret_place = native_after(&prev, &before);
	return 0;
}

/* Holds a valid header at ${at} against what precedes it. */
static int
check_chain(struct native_log *log, uint64_t at, const struct native_head *head)
{
	struct native_place place = log->cursor;
	int r = 0;

	if (place.offset != at)
		r = behind_previous(log, at, head, &place);
	if (r < 0)
		return r == -ENODATA ? 0 : r; /* damage is told where it is */
	if (place.offset == at && belongs(&place, head))
		return 0;
	return native_log_damaged(log, at,
	    "object %" PRIu64 " does not belong after what precedes it; a "
	    "write may have been lost",
	    head->object);
}

/* ---- Walking ------------------------------------------------------------ */

/* A counted object, whose header is at ${at}. */
static struct image_object
object_at(uint64_t at, const struct native_head *head)
{
	return (struct image_object){
		.kind = head->type == NATIVE_FILEMARK ? IMAGE_FILEMARK
						      : IMAGE_RECORD,
		.at = at,
		.end = at + native_extent(head->stored),
		.size = head->logical,
	};
}

/*
 * The header at ${place}.  If an index object is damaged there, ${place} moves
 * behind it; 1: that is the end.
 */
static int
head_at(struct native_log *log, struct native_place *place,
    struct native_head *ret_head)
{
	uint64_t behind;
	int r = native_log_head(log, place->offset, ret_head);

	if (r != -EBADMSG || native_search_index(log, place, &behind) != 0)
		return r;
	if (behind == log->end.offset) {
		*place = log->end;
		return 1;
	}
	r = native_log_head(log, behind, ret_head);
	if (r == 0)
		*place = place_of(behind, ret_head);
	return r;
}

/* The same at ${at}, which may be anywhere and moves likewise. */
static int
head_anywhere(struct native_log *log, uint64_t *at,
    struct native_head *ret_head)
{
	struct native_place place;
	int r = native_log_head(log, *at, ret_head);

	if (r != -EBADMSG || native_log_place(log, *at, &place) < 0)
		return r;
	r = head_at(log, &place, ret_head);
	*at = place.offset;
	return r;
}

int
native_log_next(struct native_log *log, uint64_t at,
    struct image_object *ret_object)
{
	struct native_place place;
	struct native_head head;
	int r;

	for (;; at = log->cursor.offset) {
		if (at >= log->end.offset && !log->broken)
			return image_nothing(at, ret_object);
		if (at == log->end.offset)
			return native_log_damaged(log, at, "%s", log->damage);
		r = head_anywhere(log, &at, &head);
		if (r == 1 ||
		    (r == -EBADMSG && log->broken &&
			at >= hostfile_size(log->host)))
			return image_nothing(at, ret_object);
		if (r == -EBADMSG)
			return refuse_head(log, at);
		if (r == 0)
			r = check_chain(log, at, &head);
		if (r < 0)
			return r;
		place = place_of(at, &head);
		log->cursor = native_after(&place, &head);
		if (head.type != NATIVE_INDEX)
			break;
	}
	*ret_object = object_at(at, &head);
	return 0;
}

/* Where a walk to ${at} can begin: before it, unless that is BOT. */
static uint64_t
walk_from(struct native_log *log, uint64_t at)
{
	struct native_point most = { .offset = at - 1,
		.object = UINT64_MAX,
		.files = UINT64_MAX };
	struct native_point found;

	if (at > NATIVE_START && native_index_up_to(log, &most, &found))
		return found.offset;
	return NATIVE_START;
}

/*
 * Walks from ${from} to ${at}: ${ret_before} is the last object before it that
 * is counted, IMAGE_NONE if there is none; ${log->cursor} is at ${at}.
 * -EBADMSG: it is damage that is met first.
 */
static int
walk_to(struct native_log *log, uint64_t from, uint64_t at,
    struct image_object *ret_before)
{
	struct native_place place = native_bot(&log->super);
	struct native_head head;
	int r = 0;

	*ret_before = (struct image_object){ .kind = IMAGE_NONE };
	if (from != NATIVE_START) {
		r = native_log_head(log, from, &head);
		place = place_of(from, &head);
	}
	while (r == 0 && place.offset < at) {
		log->cursor = place;
		r = head_at(log, &place, &head);
		if (r == -EBADMSG)
			return refuse_head(log, place.offset);
		if (r != 0 || place.offset >= at)
			break;
		if (head.type != NATIVE_INDEX &&
		    place.offset + native_extent(head.stored) <= at)
			*ret_before = object_at(place.offset, &head);
		place = native_after(&place, &head);
	}
	if (r < 0)
		return r;
	/* Where an index object is damaged the walk stops before it. */
	if (place.offset == at)
		log->cursor = place;
	return 0;
}

int
native_log_place(struct native_log *log, uint64_t at,
    struct native_place *ret_place)
{
	struct image_object before;
	struct native_head head;
	int r;

	if (at == log->end.offset)
		*ret_place = log->end;
	else if (at == NATIVE_START)
		*ret_place = native_bot(&log->super);
	else if (at == log->cursor.offset)
		*ret_place = log->cursor;
	else if ((r = native_log_head(log, at, &head)) == 0)
		*ret_place = place_of(at, &head);
	else if (r != -EBADMSG)
		return r;
	else {
		r = walk_to(log, walk_from(log, at), at, &before);
		if (r < 0)
			return r;
		if (log->cursor.offset != at)
			return native_log_damaged(log, at,
			    "no object begins here; the image has changed "
			    "while in use");
		*ret_place = log->cursor;
	}
	return 0;
}

/* What precedes ${at}, where it takes a walk to tell. */
static int
prev_by_walk(struct native_log *log, uint64_t at,
    struct image_object *ret_object)
{
	uint64_t from = walk_from(log, at);
	struct image_object before;
	int r = walk_to(log, from, at, &before);

	if (r == 0 && before.kind == IMAGE_NONE && from != NATIVE_START)
		r = walk_to(log, NATIVE_START, at, &before);
	if (r < 0)
		return r;
	if (before.kind == IMAGE_NONE)
		return image_nothing(NATIVE_START, ret_object);
	*ret_object = before;
	return 0;
}

int
native_log_prev(struct native_log *log, uint64_t at,
    struct image_object *ret_object)
{
	struct native_place place;
	struct native_head head;
	int r = native_log_place(log, at, &place);

	while (r == 0 && place.prev != 0) {
		r = native_log_head(log, place.prev, &head);
		if (r == -EBADMSG)
			return prev_by_walk(log, at, ret_object);
		if (r < 0)
			return r;
		if (place.prev + native_extent(head.stored) != place.offset)
			return native_log_damaged(log, place.prev,
			    "object %" PRIu64 " does not end where the next "
			    "one begins",
			    head.object);
		if (head.type != NATIVE_INDEX)
			break;
		place = place_of(place.prev, &head);
	}
	if (r < 0)
		return r;
	if (place.prev == 0)
		return image_nothing(NATIVE_START, ret_object);
	*ret_object = object_at(place.prev, &head);
	return 0;
}

int
native_log_read(struct native_log *log, const struct image_object *object,
    void *buf, size_t size, size_t *ret_len)
{
	const char *what = NULL;
	struct native_head head;
	void *stored;
	int r = native_log_head(log, object->at, &head);

	if (r < 0)
		return r == -EBADMSG ? refuse_head(log, object->at) : r;
	if (head.type != NATIVE_RECORD || head.logical != object->size)
		return native_log_damaged(log, object->at,
		    "the image has changed while in use");
	stored = native_codec_room(log->codec, &head, buf, size);
	if (stored == NULL)
		return -ENOMEM;
	r = hostfile_read_on(log->host, object->at + NATIVE_HEAD, stored,
	    head.stored, NATIVE_ALIGN + NATIVE_HEAD);
	if (r < 0)
		return r;
	if (native_crc(0, stored, head.stored) != head.payload_crc)
		return native_log_damaged(log, object->at,
		    "the data of record %" PRIu64 " are damaged", head.object);
	r = native_codec_unpack(log->codec, &log->super, &head, stored, buf,
	    size, &what);
	if (r == -EBADMSG)
		return native_log_damaged(log, object->at,
		    "the data of record %" PRIu64 " are damaged: %s",
		    head.object, what);
	if (r == 0)
		*ret_len = head.logical;
	return r;
}

int
native_log_resync(struct native_log *log, uint64_t at, uint64_t *ret_at)
{
	struct image_object object = { .kind = IMAGE_NONE };
	struct native_head head;
	uint64_t found = at;
	bool all;
	int r;

	do {
		r = native_search(log, found + NATIVE_ALIGN, UINT64_MAX, &found,
		    &head, &all);
		if (r < 0)
			return r;
		if (!log->broken && found >= log->end.offset)
			return -ENODATA;
		r = native_log_next(log, found, &object);
	} while (r == -EBADMSG);
	if (r == 0 && object.kind == IMAGE_NONE)
		return -ENODATA; /* only an index object follows */
	if (r == 0)
		*ret_at = found;
	return r;
}

/* ---- Superblocks -------------------------------------------------------- */

/* What a file has where its superblocks should be. */
struct slots {
	uint8_t bytes[NATIVE_START];
	size_t len;
	struct native_super supers[2];
	int found[2]; /* 0, -EBADMSG, -ENOTSUP */
};

static int
read_slots(struct native_log *log, struct slots *slots)
{
	uint64_t size = hostfile_size(log->host);
	int r;

	slots->len = size < NATIVE_START ? (size_t)size : NATIVE_START;
	r = hostfile_read(log->host, 0, slots->bytes, slots->len);
	for (unsigned i = 0; r == 0 && i < 2; i++) {
		size_t at = i * NATIVE_SLOT;

		slots->found[i] = slots->len < at + NATIVE_SUPER
		    ? -EBADMSG
		    : native_super_get(slots->bytes + at, &slots->supers[i]);
	}
	return r;
}

/*
 * Whether this is what a crash can leave of native_log_make(), so that there is
 * nothing to be lost: no more than two slots, and nothing in them but zeros, or
 * not even a sector, which begins as a superblock does; or less than two slots,
 * of which the first was never used.
 */
static bool
is_unborn(const struct native_log *log, const struct slots *slots)
{
	size_t zeros = 0;

	if (hostfile_size(log->host) > NATIVE_START)
		return false;
	if (slots->found[0] == 0 && slots->len < NATIVE_START)
		return slots->supers[0].sequence == 1;
	while (zeros < slots->len && slots->bytes[zeros] == 0)
		zeros++;
	return zeros == slots->len ||
	    (slots->len < NATIVE_SUPER &&
		native_super_begins(slots->bytes, slots->len));
}

static int
refuse_slots(const struct native_log *log, const struct slots *slots,
    const uint8_t *generation)
{
	const char *name = hostfile_name(log->host);
	struct tape *owner = log->image->owner;

	if (slots->found[0] == -ENOTSUP || slots->found[1] == -ENOTSUP)
		return tape_fail(owner, EMEDIUMTYPE,
		    "%s: made by a newer pmt, with features that this one does "
		    "not know",
		    name);
	if (slots->found[0] == 0 && slots->len < NATIVE_START)
		return tape_fail(owner, EMEDIUMTYPE,
		    "%s: a pmt image that was cut to %zu bytes; nothing is "
		    "left of its data",
		    name, slots->len);
	if (generation != NULL &&
	    (slots->found[0] == 0 || slots->found[1] == 0))
		return tape_fail(owner, EMEDIUMTYPE,
		    "%s: a partition, but not of this volume as it is "
		    "formatted now",
		    name);
	for (size_t at = 0; at + 8 <= slots->len; at += NATIVE_SLOT)
		if (native_super_begins(slots->bytes + at, 8))
			return tape_fail(owner, EMEDIUMTYPE,
			    "%s: a pmt image, but both of its superblocks are "
			    "damaged",
			    name);
	return tape_fail(owner, EMEDIUMTYPE,
	    "%s: has no superblock; this is no pmt image", name);
}

/* The slot that holds, or -1. */
static int
newest(struct native_log *log, const struct slots *slots,
    const uint8_t *generation)
{
	int best = -1;

	for (int i = 0; i < 2; i++) {
		const struct native_super *super = &slots->supers[i];

		/* A newer program may have written this one, and last. */
		if (slots->found[i] == -ENOTSUP)
			return -1;
		if (slots->found[i] < 0)
			continue;
		if (super->sequence > log->sequence)
			log->sequence = super->sequence;
		if (super->epoch > log->epoch)
			log->epoch = super->epoch;
		if (generation != NULL &&
		    memcmp(generation, super->generation, NATIVE_UUID) != 0)
			continue;
		if (best < 0 || super->sequence > slots->supers[best].sequence)
			best = i;
	}
	return best;
}

int
native_log_read_super(struct native_log *log, const uint8_t *generation,
    bool *ret_blank)
{
	struct slots slots;
	int best, r = read_slots(log, &slots);

	*ret_blank = false;
	if (r < 0)
		return r;
	best = slots.len < NATIVE_START ? -1 : newest(log, &slots, generation);
	if (best < 0) {
		*ret_blank = is_unborn(log, &slots);
		if (*ret_blank)
			return -EMEDIUMTYPE;
		return refuse_slots(log, &slots, generation);
	}
	log->slot = (unsigned)best;
	log->super = slots.supers[best];
	log->seed = native_seed(&log->super);
	return 0;
}

int
native_log_make(struct native_log *log)
{
	static const uint8_t rest[NATIVE_SLOT - NATIVE_SUPER];
	uint8_t first[NATIVE_SUPER], second[NATIVE_SUPER];
	struct native_super *super = &log->super;
	struct iovec pieces[] = {
		hostfile_piece(first, sizeof(first)),
		hostfile_piece(rest, sizeof(rest)),
		hostfile_piece(second, sizeof(second)),
		hostfile_piece(rest, sizeof(rest)),
	};
	int r;

	log->seed = native_seed(super);
	super->limit = super->checkpoint = native_bot(super);
	super->sequence = 1;
	super->epoch = 1;
	native_super_put(super, first);
	super->sequence = 2;
	native_super_put(super, second);
	r = hostfile_cut(log->host, 0);
	if (r == 0)
		r = hostfile_append(log->host, pieces, 4);
	if (r == 0)
		r = hostfile_sync(log->host);
	log->slot = 1;
	log->sequence = super->sequence;
	log->epoch = super->epoch;
	native_log_blank(log);
	return r;
}

void
native_log_blank(struct native_log *log)
{
	log->seed = native_seed(&log->super);
	log->end = log->super.checkpoint;
	log->tail = log->end.offset;
	log->broken = log->begun = false;
	log->cursor = log->end;
	native_index_begin(log);
}

/* ---- Checking ----------------------------------------------------------- */

/* What is behind a header that is damaged, index object or not. */
static int
pass_damage(struct native_log *log, uint64_t *at,
    void (*tell)(void *context, uint64_t at, const char *what), void *context)
{
	struct native_place place;
	uint64_t behind;
	int r = native_log_place(log, *at, &place);

	if (r == 0)
		r = native_search_index(log, &place, &behind);
	if (r == 0)
		tell(context, *at, "an index object is damaged");
	else
		r = native_log_resync(log, *at, &behind);
	if (r == 0)
		*at = behind;
	return r;
}

int
native_log_flaws(struct native_log *log,
    void (*tell)(void *context, uint64_t at, const char *what), void *context)
{
	uint64_t at = NATIVE_START;
	struct native_head head;
	struct slots slots;
	int r =
	    hostfile_size(log->host) == 0 ? -ENODATA : read_slots(log, &slots);

	for (unsigned i = 0; r == 0 && i < 2; i++)
		if (slots.found[i] < 0)
			tell(context, (uint64_t)i * NATIVE_SLOT,
			    "a superblock is damaged; the other one counts");
	while (r == 0 && at < log->end.offset) {
		r = native_log_head(log, at, &head);
		if (r == -EBADMSG) {
			r = pass_damage(log, &at, tell, context);
			continue;
		}
		if (r == 0 && head.type == NATIVE_INDEX)
			r = native_search_payload(log, at, &head);
		if (r == -EBADMSG) {
			tell(context, at, "an index object is damaged");
			r = 0;
		}
		at += native_extent(head.stored);
	}
	return r == -ENODATA || r == -EBADMSG ? 0 : r;
}

/* ---- Recovery ----------------------------------------------------------- */

/* Whether there is a valid object at the end: 0, -EBADMSG, -EIO, -ENOMEM. */
static int
is_next(struct native_log *log, struct native_head *ret_head)
{
	int r = native_log_head(log, log->end.offset, ret_head);

	if (r == 0 && !belongs(&log->end, ret_head))
		r = -EBADMSG;
	if (r == 0)
		r = native_search_payload(log, log->end.offset, ret_head);
	return r;
}

/* From the checkpoint on to where data ends. */
static int
roll_forward(struct native_log *log)
{
	struct native_head head;
	int r;

	while ((r = is_next(log, &head)) == 0) {
		if (head.type == NATIVE_INDEX)
			native_index_passed(log, &log->end);
		else
			native_index_note(log, &log->end);
		log->end = native_after(&log->end, &head);
		log->dirty = true;
	}
	if (r != -EBADMSG)
		return r;
	r = native_search_verdict(log, &log->end);
	if (r != -EBADMSG)
		return r;
	log->broken = true;
	return 0;
}

/* The end of the last object that is counted. */
static int
find_tail(struct native_log *log)
{
	struct native_place place = log->end;
	struct native_head head;
	int r = 0;

	while (place.prev != 0) {
		r = native_log_head(log, place.prev, &head);
		if (r < 0 || head.type != NATIVE_INDEX)
			break;
		place = place_of(place.prev, &head);
	}
	log->tail = place.offset;
	return r == -EBADMSG ? 0 : r; /* damage is told when it is met */
}

int
native_log_open(struct native_log *log, const uint8_t *generation)
{
	bool blank;
	int r = native_log_read_super(log, generation, &blank);

	if (blank)
		return tape_fail(log->image->owner, EMEDIUMTYPE, "%s: is blank",
		    hostfile_name(log->host));
	if (r < 0)
		return r;
	log->end = log->super.checkpoint;
	native_index_begin(log);
	/* A file that is shorter than that has been cut by somebody. */
	if (hostfile_size(log->host) >= log->end.offset)
		r = roll_forward(log);
	log->wseq = log->end.wseq;
	return r < 0 ? r : find_tail(log);
}
