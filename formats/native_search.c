/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking for headers where the log does not lead: behind damage, and behind
 * the end of data, to tell what a crash has left from what damage has.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "native_log.h"

#define CHUNK ((size_t)1 << 20) /* bytes read at once */

/* Of a tail without headers this much is looked at; then it is damage. */
#define TAIL_MOST ((uint64_t)1 << 30)

/* A damaged index object, of whatever is made, ends within this many bytes. */
#define INDEX_MOST ((uint64_t)64 << 10)

/* A valid header at ${at}, sane or not; hostfile_peek() is for jumps. */
static int
peek_head(struct native_log *log, uint64_t at, struct native_head *ret_head)
{
	const uint8_t *bytes;
	int r = hostfile_peek(log->host, at, NATIVE_HEAD, &bytes);

	if (r < 0)
		return r;
	if (!native_head_get(bytes, log->seed, at, ret_head) ||
	    !native_head_sane(ret_head))
		return -ENODATA;
	return 0;
}

/* Headers in ${len} bytes that were read from ${at} on: the first of them. */
static bool
scan_chunk(const struct native_log *log, const uint8_t *bytes, size_t len,
    uint64_t at, uint64_t *ret_at, struct native_head *ret_head)
{
	for (size_t i = 0; i + NATIVE_HEAD <= len; i += NATIVE_ALIGN) {
		if (!native_head_begins(bytes + i) ||
		    !native_head_get(bytes + i, log->seed, at + i, ret_head) ||
		    !native_head_sane(ret_head))
			continue;
		*ret_at = at + i;
		return true;
	}
	return false;
}

static int
scan(struct native_log *log, uint64_t at, uint64_t end, uint8_t *chunk,
    uint64_t *ret_at, struct native_head *ret_head)
{
	while (end - at >= NATIVE_HEAD) {
		size_t len = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
		int r = hostfile_read(log->host, at, chunk, len);

		if (r < 0)
			return r;
		if (scan_chunk(log, chunk, len, at, ret_at, ret_head))
			return 0;
		if (len < CHUNK)
			break;
		at += CHUNK - NATIVE_HEAD;
	}
	return -ENODATA;
}

int
native_search(struct native_log *log, uint64_t at, uint64_t most,
    uint64_t *ret_at, struct native_head *ret_head, bool *ret_all)
{
	uint64_t end = hostfile_size(log->host);
	uint8_t *chunk;
	int r;

	*ret_all = true;
	if (at >= end || end - at < NATIVE_HEAD)
		return -ENODATA;
	r = peek_head(log, at, ret_head);
	if (r == 0)
		*ret_at = at;
	if (r != -ENODATA)
		return r;
	if (end - at > most) {
		end = at + most;
		*ret_all = false;
	}
	chunk = malloc(CHUNK);
	if (chunk == NULL)
		return tape_fail(log->image->owner, ENOMEM, "out of memory");
	r = scan(log, at, end, chunk, ret_at, ret_head);
	free(chunk);
	return r;
}

/* Notes what recovery has found; the words are told when the walk gets there.
 */
static int
verdict(struct native_log *log, const char *what, uint64_t where)
{
	(void)snprintf(log->damage, sizeof(log->damage), "%s %" PRIu64, what,
	    where); /* fits */
	return -EBADMSG;
}

/*
 * What follows was written after the last checkpoint that is known.  A power
 * cut may have lost any of it, so that an object can be missing before others
 * that are there; none of those can say that a sync came before it, or the
 * missing one would have been durable.  If one does say so this is no crash.
 * Nor is it if one is of an epoch that the superblock doesn't know: that epoch
 * was durable before anything was written in it.
 */
int
native_search_verdict(struct native_log *log, const struct native_place *place)
{
	uint64_t at = place->offset, left = TAIL_MOST, found;
	struct native_head head;
	bool all;
	int r;

	/*
	 * A stale object can only be here if the truncation before this epoch
	 * was not done, or was lost, and nothing was synced here since.
	 */
	r = place->offset + NATIVE_HEAD > hostfile_size(log->host)
	    ? -ENODATA
	    : peek_head(log, place->offset, &head);
	if (r == 0 && head.epoch < log->super.epoch)
		return 0;
	if (r < 0 && r != -ENODATA)
		return r;
	for (;;) {
		r = native_search(log, at, left, &found, &head, &all);
		if (r == -ENODATA && all)
			return 0;
		if (r == -ENODATA)
			return verdict(log,
			    "no object can be found here, nor up to",
			    at + left);
		if (r < 0)
			return r;
		left -= found - at;
		if (head.epoch > log->super.epoch)
			return verdict(log,
			    "a superblock was lost; objects newer than it are "
			    "at",
			    found);
		if (found != place->offset && (head.flags & NATIVE_SYNCED) &&
		    head.epoch == log->super.epoch && head.wseq > place->wseq)
			return verdict(log,
			    "an object is damaged; it was synced before the "
			    "one at",
			    found);
		at = found + NATIVE_ALIGN;
		if (native_extent(head.stored) <=
		    hostfile_size(log->host) - found)
			at = found + native_extent(head.stored);
	}
}

int
native_search_index(struct native_log *log, const struct native_place *place,
    uint64_t *ret_at)
{
	struct native_head head;
	uint64_t found;
	bool all;
	int r = native_search(log, place->offset + NATIVE_ALIGN, INDEX_MOST,
	    &found, &head, &all);

	/* It could have been data only if it were counted. */
	if (r == 0 &&
	    (native_log_head(log, found, &head) < 0 ||
		head.back != found - place->offset ||
		head.object != place->object || head.files != place->files ||
		head.wseq <= place->wseq))
		r = -ENODATA;
	if (r == -ENODATA && !log->broken && place->offset < log->end.offset &&
	    log->end.offset - place->offset <= INDEX_MOST &&
	    log->end.object == place->object &&
	    log->end.files == place->files) {
		found = log->end.offset;
		r = 0;
	}
	if (r == 0)
		*ret_at = found;
	return r;
}

int
native_search_payload(struct native_log *log, uint64_t at,
    const struct native_head *head)
{
	size_t left = head->stored;
	uint32_t crc = 0;
	uint8_t *chunk;
	int r = 0;

	if (left == 0)
		return head->payload_crc == 0 ? 0 : -EBADMSG;
	chunk = malloc(left < CHUNK ? left : CHUNK);
	if (chunk == NULL)
		return tape_fail(log->image->owner, ENOMEM, "out of memory");
	for (at += NATIVE_HEAD; r == 0 && left > 0;) {
		size_t some = left < CHUNK ? left : CHUNK;

		r = hostfile_read(log->host, at, chunk, some);
		if (r == 0)
			crc = native_crc(crc, chunk, some);
		at += some;
		left -= some;
	}
	free(chunk);
	return r == 0 && crc != head->payload_crc ? -EBADMSG : r;
}
