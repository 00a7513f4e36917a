/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ring of bytes, with a slot for each page of it; see ring.h.
 *
 *     bytes:  |   free   | needed records, oldest first |   free   |
 *                        tail                           head
 *
 * A record lies in one piece and begins on a page, for drives want that; one
 * that does not fit before the end goes to the beginning.  When none is needed
 * the next goes to the beginning, too: that memory is in the CPU's cache.
 */
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "ring.h"

struct slot {
	size_t at;	 /* of the first byte */
	size_t len;	 /* bytes */
	uint64_t before; /* bytes of all records before */
};

struct ring {
	atomic_uint refs;
	_Atomic uint64_t count; /* records put in; those below may be read */
	size_t size;		/* bytes, whole pages */
	size_t head;		/* where the next record goes */
	uint64_t total;		/* bytes of all records put in */
	uint8_t *bytes;
	size_t n_slots;
	struct slot slots[]; /* of record seq: seq % n_slots */
};

static size_t
in_pages(size_t bytes)
{
	return (bytes + RING_PAGE - 1) / RING_PAGE * RING_PAGE;
}

struct ring *
ring_new(size_t size)
{
	size_t n = in_pages(size) / RING_PAGE;
	struct ring *r = calloc(1, sizeof(*r) + n * sizeof(r->slots[0]));

	assert(size > 0);
	if (r == NULL)
		return NULL;
	r->size = in_pages(size);
	r->n_slots = n;
	r->bytes = aligned_alloc(RING_PAGE, r->size);
	if (r->bytes == NULL) {
		free(r);
		return NULL;
	}
	atomic_init(&r->refs, 1);
	atomic_init(&r->count, 0);
	return r;
}

size_t
ring_size(const struct ring *r)
{
	return r->size;
}

struct ring *
ring_ref(struct ring *r)
{
	(void)atomic_fetch_add(&r->refs, 1); /* how many is not of interest */
	return r;
}

void
ring_unref(struct ring *r)
{
	if (r == NULL || atomic_fetch_sub(&r->refs, 1) > 1)
		return;
	free(r->bytes);
	free(r);
}

bool
ring_is_ours(const struct ring *r)
{
	return atomic_load(&r->refs) == 1;
}

static struct slot *
slot_of(struct ring *r, uint64_t seq)
{
	return &r->slots[seq % r->n_slots];
}

/*
 * Where a record of so many bytes can go; false: nowhere.  The head never comes
 * to where the tail is: full and empty would look the same.
 */
static bool
find_place(struct ring *r, size_t len, uint64_t needed, size_t *ret_at)
{
	uint64_t count = atomic_load(&r->count);
	size_t tail, room = in_pages(len);

	*ret_at = 0;
	if (needed == count)
		return room <= r->size;
	if (count - needed == r->n_slots)
		return false;
	tail = slot_of(r, needed)->at;
	if (r->head < tail) {
		*ret_at = r->head;
		return r->head + room < tail;
	}
	if (r->head + room <= r->size) {
		*ret_at = r->head;
		return true;
	}
	return room < tail;
}

bool
ring_put(struct ring *r, const void *data, size_t len, uint64_t needed)
{
	uint64_t count = atomic_load(&r->count);
	struct slot *slot = slot_of(r, count);
	size_t at;

	assert(needed <= count);
	if (!find_place(r, len, needed, &at))
		return false;
	memcpy(r->bytes + at, data, len);
	*slot = (struct slot){ .at = at, .len = len, .before = r->total };
	r->total += len;
	r->head = at + in_pages(len);
	atomic_store(&r->count, count + 1);
	return true;
}

uint64_t
ring_count(const struct ring *r)
{
	return atomic_load(&r->count);
}

uint64_t
ring_total(const struct ring *r)
{
	return r->total;
}

struct ring_record
ring_record(const struct ring *r, uint64_t seq)
{
	const struct slot *slot = &r->slots[seq % r->n_slots];

	assert(seq < ring_count(r));
	return (struct ring_record){ .data = r->bytes + slot->at,
		.len = slot->len,
		.before = slot->before };
}
