/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The P7B image of a seven-track tape (Paul Pierce), which is only read.  There
 * are no lengths; a byte is a frame of the tape:
 *
 *     BIT   DESCRIPTION
 *     7     this frame is the first of a record
 *     6     parity: odd for binary, even for character records
 *     5:0   data
 *
 * A record goes on to the next frame with bit 7, or to the end of the file.
 * One whose frames all have 0F in bits 6:0 is a filemark.
 *
 * A record of 3 frames 01 02 04 in odd parity (1, 2, 4 have one bit, so bit 6
 * is 0), a filemark of one frame, and a record of 2 frames 03 and 05:
 *
 *     00  81 02 04
 *     03  8f
 *     04  c3 45
 *
 * A byte of a record is bits 6:0, as SIMH and the programs that read such tapes
 * under it have it: without the parity nobody could tell the one kind of record
 * from the other.  Who wants data alone masks 3F.  raw=yes leaves bit 7, too:
 * then the records of a file, one after the other, are the bytes of the image.
 * Parity is not checked, because an image may have records of both kinds, and
 * nothing says which are which.
 *
 * SIMH's writer leaves one frame at the end that belongs to nothing, a copy of
 * the first one of the last record.  It can't be told from a record of one
 * frame, so it is read as one, or as a filemark after a filemark.
 *
 * It is only read, because records of bytes do not fit: 8 bits would be lost,
 * and so would the difference between a record of 0F and a filemark.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "p7b.h"

#define FIRST 0x80  /* begins a record */
#define FRAME 0x7f  /* parity and data */
#define A_MARK 0x0f /* is every frame of a filemark */

#define STEP 4096	   /* bytes that are looked at together */
#define PROBE_FRAMES 65536 /* how far the probe looks */

struct p7b_image {
	struct image base;
	bool raw;
};

static int
p7b_object(uint64_t at, uint64_t end, bool mark,
    struct image_object *ret_object)
{
	*ret_object = (struct image_object){
		.kind = mark ? IMAGE_FILEMARK : IMAGE_RECORD,
		.at = at,
		.end = end,
		.size = mark ? 0 : (uint32_t)(end - at),
	};
	return 0;
}

static int
too_long(const struct image *image, uint64_t at)
{
	return image_damaged(image, at,
	    "no frame begins another record in %" PRIu32
	    " bytes, and no record is longer",
	    TAPE_MAX_RECORD);
}

/* The first frame after ${at} that begins a record, or the end of the file. */
static int
find_first(const struct image *image, uint64_t at, uint64_t *ret_at,
    bool *ret_mark)
{
	uint64_t size = hostfile_size(image->host), from = at;
	uint8_t buf[STEP];

	*ret_mark = true;
	while (at < size && at - from <= TAPE_MAX_RECORD) {
		size_t n = size - at < STEP ? (size_t)(size - at) : STEP;
		int r = hostfile_read(image->host, at, buf, n);

		if (r < 0)
			return r;
		for (size_t i = 0; i < n; i++, at++) {
			if ((buf[i] & FIRST) != 0 && at > from) {
				*ret_at = at;
				return 0;
			}
			*ret_mark = *ret_mark && (buf[i] & FRAME) == A_MARK;
		}
	}
	*ret_at = at;
	return 0;
}

/* Whether a record begins at ${at}; not so at the end of the file. */
static int
is_first(const struct image *image, uint64_t at, bool *ret_first)
{
	const uint8_t *p;
	int r = 0;

	*ret_first = false;
	if (at < hostfile_size(image->host))
		r = hostfile_peek(image->host, at, 1, &p);
	if (r == 0 && at < hostfile_size(image->host))
		*ret_first = (*p & FIRST) != 0;
	return r;
}

static int
p7b_next(struct image *image, uint64_t at, struct image_object *ret_object)
{
	uint64_t end;
	bool mark, first;
	int r;

	if (at == hostfile_size(image->host))
		return image_nothing(at, ret_object);
	r = is_first(image, at, &first);
	if (r < 0)
		return r;
	if (!first)
		return image_damaged(image, at,
		    "a frame that begins no record, and nothing precedes it");
	r = find_first(image, at, &end, &mark);
	if (r < 0)
		return r;
	if (end - at > TAPE_MAX_RECORD)
		return too_long(image, at);
	return p7b_object(at, end, mark, ret_object);
}

/* What ends at ${end} was passed going forward, so it has its first frame. */
static int
p7b_prev(struct image *image, uint64_t end, struct image_object *ret_object)
{
	uint64_t at = end;
	bool mark = true;
	uint8_t buf[STEP];

	while (at > 0 && end - at <= TAPE_MAX_RECORD) {
		size_t n = at < STEP ? (size_t)at : STEP;
		int r = hostfile_read(image->host, at - n, buf, n);

		if (r < 0)
			return r;
		while (n-- > 0) {
			at--;
			mark = mark && (buf[n] & FRAME) == A_MARK;
			if ((buf[n] & FIRST) != 0)
				return p7b_object(at, end, mark, ret_object);
		}
	}
	if (end == 0)
		return image_nothing(0, ret_object);
	return image_damaged(image, at,
	    "no record begins here; the image has changed while in use");
}

/* Where the next record begins: each says so itself. */
static int
p7b_resync(struct image *image, uint64_t at, uint64_t *ret_at)
{
	bool mark, first = false;
	int r = 0;

	while (r == 0 && !first && at < hostfile_size(image->host)) {
		r = find_first(image, at, &at, &mark);
		if (r == 0)
			r = is_first(image, at, &first);
	}
	if (r < 0)
		return r;
	if (!first)
		return -ENODATA;
	*ret_at = at;
	return 0;
}

static int
p7b_read(struct image *image, const struct image_object *object, void *buf,
    size_t size, size_t *ret_len)
{
	bool raw = ((struct p7b_image *)image)->raw;
	int r = hostfile_read(image->host, object->at, buf,
	    size < object->size ? size : object->size);

	if (r < 0)
		return r;
	if (size > 0 && !raw)
		*(uint8_t *)buf &= FRAME; /* only the first one has more */
	*ret_len = object->size;
	return 0;
}

static int
p7b_open(const struct image_source *source, struct image **ret_image)
{
	struct p7b_image *image = calloc(1, sizeof(*image));

	if (image == NULL)
		return tape_fail(source->owner, ENOMEM, "out of memory");
	image_init(&image->base, &p7b_format, source);
	image->raw = source->options->raw;
	*ret_image = &image->base;
	return 0;
}

/*
 * The file begins with a first frame, and no frame is all zeros: on a tape that
 * leaves no trace.  Lengths of other formats have zeros.
 */
static int
p7b_probe(const struct image_source *source)
{
	uint64_t size = hostfile_size(source->host);
	struct image image;
	uint8_t buf[STEP];
	int r = 0;

	image_init(&image, &p7b_format, source);
	for (uint64_t at = 0; r == 0 && at < size && at < PROBE_FRAMES;) {
		size_t n = size - at < STEP ? (size_t)(size - at) : STEP;

		r = hostfile_read(source->host, at, buf, n);
		if (r == 0 && at == 0 && (buf[0] & FIRST) == 0)
			r = image_damaged(&image, 0, "%02X begins no record",
			    buf[0]);
		for (size_t i = 0; r == 0 && i < n; i++, at++)
			if ((buf[i] & FRAME) == 0)
				r = image_damaged(&image, at,
				    "a frame without a bit, which no tape has");
	}
	return r < 0 ? image_unlike(&image, r) : 0;
}

static const char *const p7b_suffixes[] = { ".p7b", NULL };

const struct image_format p7b_format = {
	.name = "p7b",
	.about = "P7B, seven tracks, only read",
	.suffixes = p7b_suffixes,
	.max_record = TAPE_MAX_RECORD,
	.detect = IMAGE_BY_SUFFIX,
	.import_only = true,
	.probe = p7b_probe,
	.open = p7b_open,
	.close = image_host_close,
	.describe = image_plain_describe,
	.next = p7b_next,
	.prev = p7b_prev,
	.find = image_no_find,
	.resync = p7b_resync,
	.flaws = image_no_flaws,
	.read = p7b_read,
	.cost = image_import_cost,
	.protection = image_import_protection,
	.expect = image_import_expect,
	.reserve = image_import_reserve,
	.top = image_import_top,
	.sync = image_import_sync,
	.cut = image_import_cut,
	.put_record = image_import_put_record,
	.put_filemark = image_import_put_filemark,
	.set = image_no_set,
	.select = image_one_select,
	.partition = image_one_partition,
};
