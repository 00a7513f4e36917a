/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TPC tape image, of early tape archives.  Lengths are 16 bits,
 * little-endian, and there is nothing after the data to lead back:
 *
 *     OFFSET  SIZE      DESCRIPTION
 *     0       2         record: length N, 1 to 65535; at most 65534 is written
 *     2       N         data
 *     2+N     N & 1     padding to an even length; 0 here, anything elsewhere
 *
 *     0       2         filemark: 0000
 *     0       2         FFFF: the end, if it ends the file or has less than a
 *                       record of 65535 bytes after it; so is the end of file
 *
 * A record of 3 bytes "abc", a filemark, and a record of 2 bytes "de":
 *
 *     00  03 00  61 62 63 00
 *     06  00 00
 *     08  02 00  64 65
 *
 * FFFF at the end of a file is an end of medium for Open SIMH, and a record for
 * SIMH 3.8, so it is never left in an image.  Open SIMH attaches only images
 * that end with two filemarks.  They are not added here behind the user's back,
 * as they would be two filemarks more on the tape whenever it is loaded again:
 * what a program writes is what it reads.
 *
 * Order of writes, and what a kill leaves
 *
 *  1. A record goes to the end of the file with FFFF in place of its length.
 *     At most 65534 bytes follow, so it is no record of 65535, which has 65536
 *     with its padding: killed here, the image ends before the record.  If even
 *     the FFFF is cut, one byte FF ends the file, which is the end as well.
 *     (Other readers see a truncated record in either case.)
 *  2. FFFF is replaced by the length.  Offsets are even, so both bytes are in
 *     one page, which no kill can split.
 *  3. A filemark is made by extending the file with two zero bytes.
 *  4. To write before the end, the file is truncated first.
 *
 * When the host dies, all that was synced is there; of what came later pages
 * may be there in any order, and the format has nothing to tell by.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "tpc.h"
#include "walk.h"

#define HEADER 2 /* bytes */
#define UNVOUCHED UINT32_C(0xffff)
#define MOST_WRITTEN 65534 /* bytes of data */

/* How far the probe walks. */
#define PROBE_OBJECTS 100000
#define PROBE_BYTES ((uint64_t)64 << 20)

struct tpc_image {
	struct image base;
	struct walk *walk;
};

static struct tpc_image *
tpc_of(struct image *image)
{
	return (struct tpc_image *)image;
}

/* Bytes of a record with its length and padding. */
static uint64_t
framed(uint32_t length)
{
	return HEADER + (uint64_t)length + (length & 1);
}

/*
 * The length at ${at}; UNVOUCHED also where the file ends, with nothing or with
 * the half of it that a kill leaves.
 */
static int
length_at(const struct image *image, uint64_t at, uint32_t *ret_length)
{
	uint64_t left = hostfile_size(image->host) - at;
	const uint8_t *p;
	int r;

	*ret_length = UNVOUCHED;
	if (left == 0)
		return 0;
	r = hostfile_peek(image->host, at, left < HEADER ? 1 : HEADER, &p);
	if (r < 0)
		return r;
	if (left >= HEADER)
		*ret_length = (uint32_t)p[0] | (uint32_t)p[1] << 8;
	else if (p[0] != 0xff)
		return image_damaged(image, at,
		    "the file ends 1 byte into a length");
	return 0;
}

static int
tpc_next(struct image *image, uint64_t at, struct image_object *ret_object)
{
	uint64_t size = hostfile_size(image->host), end;
	uint32_t length;
	int r = length_at(image, at, &length);

	if (r < 0)
		return r;
	if (length == UNVOUCHED && size - at <= framed(MOST_WRITTEN))
		return image_nothing(at, ret_object);
	walk_note(tpc_of(image)->walk, at);
	if (length == 0)
		return image_filemark(at, at + HEADER, ret_object);
	end = at + framed(length);
	if (end > size)
		return image_damaged(image, at,
		    "a record of %" PRIu32 " bytes would end at %" PRIu64
		    ", but the file ends at %" PRIu64,
		    length, end, size);
	*ret_object = (struct image_object){ .kind = IMAGE_RECORD,
		.at = at,
		.end = end,
		.size = length };
	return 0;
}

static int
tpc_prev(struct image *image, uint64_t at, struct image_object *ret_object)
{
	return walk_prev(tpc_of(image)->walk, image, at, ret_object);
}

static int
tpc_read(struct image *image, const struct image_object *object, void *buf,
    size_t size, size_t *ret_len)
{
	int r = hostfile_read(image->host, object->at + HEADER, buf,
	    size < object->size ? size : object->size);

	if (r == 0)
		*ret_len = object->size;
	return r;
}

static uint64_t
tpc_cost(const struct image *image, size_t len)
{
	(void)image; /* all are alike */
	return framed((uint32_t)len);
}

static int
tpc_cut(struct image *image, uint64_t at)
{
	int r = hostfile_cut(image->host, at);

	if (r == 0)
		walk_cut(tpc_of(image)->walk, at);
	return r;
}

/* Steps 1 and 2. */
static int
tpc_put_record(struct image *image, uint64_t at, const void *buf, size_t len,
    uint64_t *ret_end)
{
	static const uint8_t unvouched[HEADER] = { 0xff, 0xff };
	static const uint8_t pad[1] = { 0 };
	const uint8_t length[HEADER] = { (uint8_t)len, (uint8_t)(len >> 8) };
	struct iovec pieces[] = {
		hostfile_piece(unvouched, sizeof(unvouched)),
		hostfile_piece(buf, len),
		hostfile_piece(pad, len & 1),
	};
	int r;

	assert(at == hostfile_size(image->host) && (at & 1) == 0);
	r = hostfile_append(image->host, pieces, 2 + (len & 1));
	if (r == 0)
		r = hostfile_vouch(image->host, at, length, sizeof(length));
	if (r == 0)
		*ret_end = at + framed((uint32_t)len);
	return r;
}

/* Step 3. */
static int
tpc_put_filemark(struct image *image, uint64_t at, uint64_t *ret_end)
{
	int r;

	assert(at == hostfile_size(image->host));
	r = hostfile_extend(image->host, HEADER);
	if (r == 0)
		*ret_end = at + HEADER;
	return r;
}

static int
tpc_open(const struct image_source *source, struct image **ret_image)
{
	struct tpc_image *image = calloc(1, sizeof(*image));

	if (image != NULL)
		image->walk = walk_new(0);
	if (image == NULL || image->walk == NULL) {
		free(image);
		return tape_fail(source->owner, ENOMEM, "out of memory");
	}
	image_init(&image->base, &tpc_format, source);
	*ret_image = &image->base;
	return 0;
}

static int
tpc_close(struct image *image)
{
	walk_free(tpc_of(image)->walk);
	return image_host_close(image);
}

/*
 * A file of any bytes looks like this for a while, so the walk must come to the
 * end, and exactly to it.
 */
static int
tpc_probe(const struct image_source *source)
{
	struct image_object object = { .kind = IMAGE_FILEMARK };
	struct tpc_image image = { .walk = walk_new(0) };
	int r = 0;

	if (image.walk == NULL)
		return tape_fail(source->owner, ENOMEM, "out of memory");
	image_init(&image.base, &tpc_format, source);
	for (unsigned n = 0; r == 0 && object.kind != IMAGE_NONE &&
	     n < PROBE_OBJECTS && object.end < PROBE_BYTES;
	     n++)
		r = tpc_next(&image.base, object.end, &object);
	walk_free(image.walk);
	return r < 0 ? image_unlike(&image.base, r) : 0;
}

static const char *const tpc_suffixes[] = { ".tpc", NULL };

const struct image_format tpc_format = {
	.name = "tpc",
	.about = "TPC, records of at most 65534 bytes",
	.suffixes = tpc_suffixes,
	.max_record = MOST_WRITTEN,
	.detect = IMAGE_BY_SUFFIX,
	.probe = tpc_probe,
	.open = tpc_open,
	.close = tpc_close,
	.describe = image_plain_describe,
	.next = tpc_next,
	.prev = tpc_prev,
	.find = image_no_find,
	.resync = image_no_resync,
	.flaws = image_no_flaws,
	.read = tpc_read,
	.cost = tpc_cost,
	.protection = image_host_protection,
	.expect = image_host_expect,
	.reserve = image_host_reserve,
	.top = image_host_top,
	.sync = image_host_sync,
	.cut = tpc_cut,
	.put_record = tpc_put_record,
	.put_filemark = tpc_put_filemark,
	.set = image_no_set,
	.select = image_one_select,
	.partition = image_one_partition,
};
