/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telling images of the SIMH framing from other files, and those of SIMH from
 * those of E11; and finding the way again after damage.
 *
 * Both formats are the same bytes until a record has an odd length: that one is
 * padded in SIMH and not in E11.  Its length must come again after it, at one
 * place or one byte on; it can't be at both, because then all of its bytes
 * would be the same, and 01010101 is more than a record may have.  So the first
 * odd record that is intact decides, and if none comes nothing does: then both
 * accept, and it is for the suffix or for the user to say.
 */
#include <errno.h>
#include <inttypes.h>

#include "bytes.h"
#include "simh_state.h"

/* How far a probe walks. */
#define PROBE_OBJECTS 100000
#define PROBE_BYTES ((uint64_t)64 << 20)

/* How far resync looks, and how many objects in a row convince it. */
#define RESYNC_BYTES ((uint64_t)64 << 20)
#define RESYNC_OBJECTS 8

/* What a walk over the beginning of an image has met. */
struct census {
	unsigned objects, records;
	bool odd;		  /* the last is a record of an odd length */
	struct image_object last; /* or what is there instead of one */
};

/* Walks until an odd record, the end, damage or the bound. */
static int
take_census(struct image *image, struct census *ret_census)
{
	struct census c = { .objects = 0 };
	int r = 0;

	while (c.objects < PROBE_OBJECTS && c.last.end < PROBE_BYTES) {
		r = simh_next(image, c.last.end, &c.last);
		if (r < 0 || c.last.kind == IMAGE_NONE)
			break;
		c.objects++;
		c.records += c.last.kind == IMAGE_RECORD;
		c.odd = c.last.kind == IMAGE_RECORD && (c.last.size & 1) != 0;
		if (c.odd)
			break;
	}
	*ret_census = c;
	return r;
}

/* Whether the next record after ${at} is odd, and intact with other padding. */
static bool
is_otherwise_padded(struct simh_image *image, uint64_t at)
{
	struct simh_image other = *image;
	uint32_t word;
	uint64_t end;

	other.dialect = image->dialect == SIMH_E11 ? SIMH_STANDARD : SIMH_E11;
	return simh_next_word(&image->base, &at, &word) == 0 &&
	    simh_is_record(word) && (word & 1) != 0 &&
	    simh_check_frame(&other.base, at, word, &end) == 0;
}

/*
 * Lengths that agree at both ends of a record are what nothing else has.
 * Filemarks alone prove little, nor does an end of medium, where no more may
 * follow than a record that a kill has left.
 */
static int
judge(const struct simh_image *image, const struct census *c)
{
	uint64_t left = hostfile_size(image->base.host) - c->last.end;

	if (c->records > 0 ||
	    (c->last.kind == IMAGE_NONE &&
		left <= TAPE_MAX_RECORD + 2 * SIMH_WORD + 1))
		return 0;
	return tape_fail(image->base.owner, EMEDIUMTYPE,
	    "%s: no record up to offset %" PRIu64 ", and then it goes on; "
	    "this may be no %s image",
	    image->base.name, c->last.end, image->base.format->name);
}

int
simh_probe_as(const struct image_source *source,
    const struct image_format *format, enum simh_dialect dialect)
{
	struct simh_image image = { .dialect = dialect };
	struct census census;
	int r;

	image_init(&image.base, format, source);
	r = take_census(&image.base, &census);
	if (r == 0)
		return judge(&image, &census);
	if (r != -EBADMSG || census.records == 0)
		return image_unlike(&image.base, r);
	/* It is one, with damage, unless it is the other. */
	if (!is_otherwise_padded(&image, census.last.end))
		return 0;
	return tape_fail(source->owner, EMEDIUMTYPE,
	    "%s: an odd record after offset %" PRIu64 " is %spadded; this is "
	    "no %s image",
	    image.base.name, census.last.end, dialect == SIMH_E11 ? "" : "not ",
	    format->name);
}

/* ---- After damage ------------------------------------------------------- */

/*
 * Whether objects that are intact begin at ${at}, as many as convince or up to
 * the end, and records among them: zeros in data look like filemarks.
 */
static int
is_convincing(struct image *image, uint64_t at, bool *ret_convincing)
{
	struct image_object object = { .end = at };
	unsigned records = 0;
	int r;

	*ret_convincing = false;
	for (unsigned i = 0; i < RESYNC_OBJECTS; i++) {
		r = simh_next(image, object.end, &object);
		if (r < 0)
			return r == -EBADMSG ? 0 : r;
		if (object.kind == IMAGE_NONE)
			break;
		records += object.kind == IMAGE_RECORD;
	}
	*ret_convincing = records > 0;
	return 0;
}

/* The word there, if it can begin a record; otherwise 0. */
static int
record_word(struct image *image, uint64_t at, uint32_t *ret_word)
{
	const uint8_t *p;
	int r = hostfile_peek(image->host, at, SIMH_WORD, &p);

	if (r < 0)
		return r;
	*ret_word = le32_get(p);
	if (!simh_is_record(*ret_word))
		*ret_word = 0;
	return 0;
}

/* The object after a record whose leading length, at least, is right. */
static int
try_after(struct image *image, uint64_t at, uint64_t *ret_at)
{
	uint64_t after, size = hostfile_size(image->host);
	bool convincing = false;
	uint32_t word;
	int r;

	if (size - at < SIMH_WORD)
		return -ENODATA;
	r = record_word(image, at, &word);
	if (r < 0)
		return r;
	after = at + simh_cost(image, word & (2 * TAPE_MAX_RECORD - 1));
	if (word != 0 && after < size)
		r = is_convincing(image, after, &convincing);
	if (convincing)
		*ret_at = after;
	return r < 0 ? r : convincing ? 0 : -ENODATA;
}

int
simh_resync(struct image *image, uint64_t at, uint64_t *ret_at)
{
	unsigned step =
	    ((struct simh_image *)image)->dialect == SIMH_E11 ? 1 : 2;
	uint64_t size = hostfile_size(image->host), end;
	bool convincing = false;
	uint32_t word = 0;
	int r;

	r = simh_next_word(image, &at, &word);
	if (r == 0)
		r = try_after(image, at, ret_at);
	if (r != -ENODATA && r != -EBADMSG)
		return r;
	end = size - at < RESYNC_BYTES ? size : at + RESYNC_BYTES;
	for (at += step; at + 2 * SIMH_WORD < end; at += step) {
		r = record_word(image, at, &word);
		if (r == 0 && word != 0)
			r = is_convincing(image, at, &convincing);
		if (r < 0)
			return r;
		if (convincing) {
			*ret_at = at;
			return 0;
		}
	}
	return -ENODATA;
}
