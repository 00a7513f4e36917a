/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The index: places that the log has passed, kept in the log itself, so that a
 * place is found in O(log n) steps with no memory.
 *
 * Every SAMPLE_BYTES or SAMPLE_OBJECTS a sample is taken: the place where an
 * object stands.  When there are NATIVE_SAMPLES of them, an index object goes
 * before the next record (and into the same write), with this payload:
 *
 *     OFFSET  SIZE   DESCRIPTION
 *     0       8      number of this index object, from 0
 *     8       4      P, the number of pointers
 *     12      4      S, the number of samples
 *     16      24*P   pointers: to the index objects 1, 2, 4, 8 ... before this
 *     ...     24*S   samples, in the order of the tape
 *
 * Pointers and samples are offset, objects and filemarks before it, 8 bytes
 * each; a pointer that is not known is zeros.  The superblock has the last
 * index object at the checkpoint.  What follows that is short; it is sampled
 * when recovery walks over it.
 *
 * All of this can be missing or damaged: then places are found by a walk.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "native_log.h"

#define SAMPLE_BYTES ((uint64_t)1 << 20)
#define SAMPLE_OBJECTS 1024
#define POINTERS 64 /* at most: one a bit of the number */
#define POINT 24    /* bytes */
#define FIXED 16    /* bytes before the pointers */

static struct {
	uint64_t bytes, objects;
	unsigned samples;
} tuned = { SAMPLE_BYTES, SAMPLE_OBJECTS, NATIVE_SAMPLES };

/* An index object that was read. */
struct index {
	uint64_t number;
	uint32_t n_pointers, n_samples;
	struct native_point pointers[POINTERS], samples[NATIVE_SAMPLES];
};

void
native_index_tune(uint64_t bytes, uint64_t objects, unsigned samples)
{
	assert(samples <= NATIVE_SAMPLES);
	tuned.bytes = bytes > 0 ? bytes : SAMPLE_BYTES;
	tuned.objects = objects > 0 ? objects : SAMPLE_OBJECTS;
	tuned.samples = samples > 0 ? samples : NATIVE_SAMPLES;
}

static struct native_point
point_get(const uint8_t *bytes)
{
	return (struct native_point){ .offset = le64_get(bytes),
		.object = le64_get(bytes + 8),
		.files = le64_get(bytes + 16) };
}

static void
point_put(const struct native_point *point, uint8_t *bytes)
{
	le64_put(bytes, point->offset);
	le64_put(bytes + 8, point->object);
	le64_put(bytes + 16, point->files);
}

/* Whether ${a} comes before ${b} on the tape: both are true places. */
static bool
precedes(const struct native_point *a, const struct native_point *b)
{
	return a->offset >= NATIVE_START && a->offset < b->offset &&
	    a->object <= b->object && a->files <= b->files;
}

/* A CRC does not say that what somebody wrote makes sense. */
static bool
index_is_sane(const struct index *index, const struct native_point *here)
{
	const struct native_point *later = here;

	for (uint32_t i = index->n_samples; i-- > 0; later = &index->samples[i])
		if (!precedes(&index->samples[i], later))
			return false;
	later = here;
	for (uint32_t i = 0; i < index->n_pointers; i++) {
		if (index->pointers[i].offset == 0)
			continue;
		if (!precedes(&index->pointers[i], later))
			return false;
		later = &index->pointers[i];
	}
	return true;
}

static bool
read_index(struct native_log *log, const struct native_point *at,
    struct index *ret_index)
{
	uint8_t bytes[FIXED + POINT * (POINTERS + NATIVE_SAMPLES)];
	struct native_head head;
	const uint8_t *p = bytes + FIXED;

	if (native_log_head(log, at->offset, &head) < 0 ||
	    head.type != NATIVE_INDEX || head.object != at->object ||
	    head.files != at->files || head.stored < FIXED ||
	    head.stored > sizeof(bytes) ||
	    hostfile_read(log->host, at->offset + NATIVE_HEAD, bytes,
		head.stored) < 0 ||
	    native_crc(0, bytes, head.stored) != head.payload_crc)
		return false;
	ret_index->number = le64_get(bytes);
	ret_index->n_pointers = le32_get(bytes + 8);
	ret_index->n_samples = le32_get(bytes + 12);
	if (ret_index->n_pointers > POINTERS ||
	    ret_index->n_samples > NATIVE_SAMPLES ||
	    FIXED + POINT * (ret_index->n_pointers + ret_index->n_samples) !=
		head.stored)
		return false;
	for (uint32_t i = 0; i < ret_index->n_pointers; i++, p += POINT)
		ret_index->pointers[i] = point_get(p);
	for (uint32_t i = 0; i < ret_index->n_samples; i++, p += POINT)
		ret_index->samples[i] = point_get(p);
	return index_is_sane(ret_index, at);
}

/*
 * Reads the index object at ${at}.  False: it can't be had, for any reason;
 * which is no failure of anything, so there are no words.
 */
static bool
load(struct native_log *log, const struct native_point *at,
    struct index *ret_index)
{
	struct tape *owner = log->image->owner;
	char why[sizeof(owner->why)];
	bool ok;

	memcpy(why, owner->why, sizeof(why));
	ok = read_index(log, at, ret_index);
	memcpy(owner->why, why, sizeof(why));
	return ok;
}

/* ---- Writing ------------------------------------------------------------ */

/* The last place from which samples are counted. */
static void
sample_from(struct native_log *log)
{
	if (log->n_samples > 0)
		log->sampled = log->samples[log->n_samples - 1];
	else if (log->index.offset > 0)
		log->sampled = log->index;
	else
		log->sampled = (struct native_point){ .offset = NATIVE_START };
}

void
native_index_begin(struct native_log *log)
{
	log->index = log->super.index;
	log->indexes = log->super.indexes;
	log->n_samples = 0;
	sample_from(log);
}

void
native_index_note(struct native_log *log, const struct native_place *place)
{
	if (log->n_samples >= tuned.samples ||
	    (place->offset - log->sampled.offset < tuned.bytes &&
		place->object - log->sampled.object < tuned.objects))
		return;
	log->sampled = native_point_of(place);
	log->samples[log->n_samples++] = log->sampled;
}

void
native_index_passed(struct native_log *log, const struct native_place *place)
{
	log->index = native_point_of(place);
	log->indexes++;
	log->n_samples = 0;
}

/* How many index objects have a number that is a power of two less. */
static uint32_t
pointers_of(uint64_t number)
{
	uint32_t n = 0;

	while (number >> n != 0)
		n++;
	return n;
}

uint32_t
native_index_size(const struct native_log *log)
{
	return FIXED + POINT * (pointers_of(log->indexes) + log->n_samples);
}

uint32_t
native_index_due(const struct native_log *log)
{
	return log->n_samples < tuned.samples ? 0 : native_index_size(log);
}

bool
native_index_worth(const struct native_log *log)
{
	return log->n_samples > 0 && log->n_samples >= tuned.samples / 8;
}

void
native_index_fill(struct native_log *log, uint8_t *bytes)
{
	struct native_point pointer = log->index;
	uint32_t n = pointers_of(log->indexes);
	struct index there;

	le64_put(bytes, log->indexes);
	le32_put(bytes + 8, n);
	le32_put(bytes + 12, log->n_samples);
	bytes += FIXED;
	for (uint32_t k = 0; k < n; k++, bytes += POINT) {
		point_put(&pointer, bytes);
		/* From the one 2^k back it is 2^k more to the next. */
		if (k + 1 == n || pointer.offset == 0 ||
		    !load(log, &pointer, &there) || there.n_pointers <= k)
			pointer = (struct native_point){ .offset = 0 };
		else
			pointer = there.pointers[k];
	}
	for (unsigned i = 0; i < log->n_samples; i++, bytes += POINT)
		point_put(&log->samples[i], bytes);
}

/* ---- Finding ------------------------------------------------------------ */

static bool
is_up_to(const struct native_point *p, const struct native_point *most)
{
	return p->offset <= most->offset && p->object <= most->object &&
	    p->files <= most->files;
}

static bool
is_from(const struct native_point *p, const struct native_point *least)
{
	return p->offset >= least->offset && p->object >= least->object &&
	    p->files >= least->files;
}

/*
 * The first index object for which the test holds: it does for ${at}, and from
 * one index object on for all.  False: ${at} is as far as one can get.
 */
static bool
first_index(struct native_log *log, struct native_point *at,
    const struct native_point *key,
    bool (*holds)(const struct native_point *p, const struct native_point *key),
    struct index *ret_index)
{
	uint32_t k;

	do {
		if (!load(log, at, ret_index))
			return false;
		k = ret_index->n_pointers;
		while (k > 0 &&
		    (ret_index->pointers[k - 1].offset == 0 ||
			!holds(&ret_index->pointers[k - 1], key)))
			k--;
		if (k > 0)
			*at = ret_index->pointers[k - 1];
	} while (k > 0);
	return true;
}

static bool
is_past(const struct native_point *p, const struct native_point *most)
{
	return !is_up_to(p, most);
}

bool
native_index_up_to(struct native_log *log, const struct native_point *most,
    struct native_point *ret_point)
{
	struct native_point at = log->index;
	struct index index;

	for (unsigned i = log->n_samples; i-- > 0;)
		if (is_up_to(&log->samples[i], most)) {
			*ret_point = log->samples[i];
			return true;
		}
	if (at.offset == 0)
		return false;
	if (is_up_to(&at, most)) {
		*ret_point = at;
		return true;
	}
	if (!first_index(log, &at, most, is_past, &index))
		return false;
	for (uint32_t i = index.n_samples; i-- > 0;)
		if (is_up_to(&index.samples[i], most)) {
			*ret_point = index.samples[i];
			return true;
		}
	if (index.n_pointers == 0 || index.pointers[0].offset == 0)
		return false;
	*ret_point = index.pointers[0]; /* or the test would hold for it */
	return true;
}

bool
native_index_from(struct native_log *log, const struct native_point *least,
    struct native_point *ret_point)
{
	struct native_point at = log->index;
	struct index index;

	if (at.offset == 0 || !is_from(&at, least)) {
		for (unsigned i = 0; i < log->n_samples; i++)
			if (is_from(&log->samples[i], least)) {
				*ret_point = log->samples[i];
				return true;
			}
		return false;
	}
	*ret_point = at;
	if (first_index(log, &at, least, is_from, &index))
		for (uint32_t i = index.n_samples; i-- > 0;)
			if (is_from(&index.samples[i], least))
				at = index.samples[i];
	*ret_point = at;
	return true;
}

void
native_index_cut(struct native_log *log, const struct native_place *place)
{
	struct native_point at = log->index;
	struct native_point key = { .offset = place->offset };
	struct index index;

	if (at.offset >= place->offset) {
		log->index = (struct native_point){ .offset = 0 };
		log->indexes = log->n_samples = 0;
		if (first_index(log, &at, &key, is_from, &index)) {
			if (index.n_pointers > 0)
				log->index = index.pointers[0];
			log->indexes = index.number;
			memcpy(log->samples, index.samples,
			    sizeof(log->samples));
			log->n_samples = index.n_samples;
		}
		/* So that none is due that image_cost() did not know of. */
		if (log->n_samples >= tuned.samples)
			log->n_samples = tuned.samples - 1;
	}
	while (log->n_samples > 0 &&
	    log->samples[log->n_samples - 1].offset >= place->offset)
		log->n_samples--;
	sample_from(log);
}
