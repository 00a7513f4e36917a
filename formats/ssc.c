/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tape image of the Linux SCSI target framework (tgt, its backing store
 * "ssc"; tgtimg makes it, tgtd writes it).  It is only read here.
 *
 * A doubly linked list of headers, each followed by its data.  Numbers are
 * big-endian, but for the checksum, which is little-endian.  Nothing is padded.
 *
 *     OFFSET  SIZE  DESCRIPTION OF A HEADER
 *     0       4     CRC-32C of bytes 4 to 47, little-endian
 *     4       4     bytes of data that follow the header
 *     8       4     bytes of the record; in the first header: capacity, MiB
 *     12      4     type: 10 first header, 20 end of data, 2 record, 40
 *                   filemark (all hexadecimal)
 *     16      8     number of the header, the first is 0
 *     24      8     offset of the previous header
 *     32      8     offset of this header
 *     40      8     offset of the next header; of this one at the end of data
 *
 *     OFFSET  SIZE  DESCRIPTION OF THE FILE
 *     0       48    first header; next is 480 hexadecimal
 *     48      1104  medium auxiliary memory: a version, 2, in 4 bytes; the
 *                   barcode, padded with spaces, in 32 bytes at 568
 *     1152          object 1, or the end of data
 *
 * A record "abc" and the end of data behind it:
 *
 *     480  xx xx xx xx  00 00 00 03  00 00 00 03  00 00 00 02
 *          00 .. 01     00 .. 00     00 .. 04 80  00 .. 04 b3  61 62 63
 *     4b3  xx xx xx xx  00 00 00 00  00 00 00 00  00 00 00 20
 *          00 .. 02     00 .. 04 80  00 .. 04 b3  00 .. 04 b3
 *
 * tgtd overwrites without truncating, so what follows the end of data is stale.
 * It writes the header of a record in place of the end of data, then the new
 * end of data, then the record.  A tgtd that was killed between these leaves a
 * header whose next one is missing or stale, which is damage here, or a record
 * of zeros or of stale bytes, which nothing can tell: data has no checksum.
 *
 * Every header is checked against its checksum, its place, and the header
 * before it, to which it links back.
 */
#include <errno.h>
#include <inttypes.h>
#include <isa-l/crc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "ssc.h"
#include "walk.h"

#define HEADER 48 /* bytes */
#define MAM 1104  /* bytes */
#define FIRST (HEADER + MAM)
#define MAM_VERSION 2
#define BARCODE (HEADER + 568)
#define BARCODE_SIZE 32

#define RESYNC_MOST ((uint64_t)64 << 20) /* bytes looked through */

enum ssc_type {
	TYPE_RECORD = 0x02,
	TYPE_BOT = 0x10,
	TYPE_EOD = 0x20,
	TYPE_FILEMARK = 0x40,
};

struct ssc {
	struct image base;
	struct walk *walk;
	uint64_t capacity; /* bytes */
	char barcode[BARCODE_SIZE + 1];
};

struct header {
	bool intact; /* the checksum is right, and so is ${curr} */
	uint32_t sum, computed;
	uint32_t stored, size; /* bytes */
	uint32_t type;
	uint64_t number, prev, curr, next;
};

/* Reads a header that lies inside the file. */
static int
header_at(const struct image *image, uint64_t at, struct header *ret_header)
{
	uint8_t p[HEADER];
	int r = hostfile_read(image->host, at, p, sizeof(p));

	if (r < 0)
		return r;
	*ret_header = (struct header){ .sum = le32_get(p),
		.computed = ~crc32_iscsi(p + 4, HEADER - 4, UINT32_MAX),
		.stored = be32_get(p + 4),
		.size = be32_get(p + 8),
		.type = be32_get(p + 12),
		.number = be64_get(p + 16),
		.prev = be64_get(p + 24),
		.curr = be64_get(p + 32),
		.next = be64_get(p + 40) };
	ret_header->intact =
	    ret_header->sum == ret_header->computed && ret_header->curr == at;
	return 0;
}

/* Bytes from ${at} to the end of the file. */
static uint64_t
left_at(const struct image *image, uint64_t at)
{
	uint64_t size = hostfile_size(image->host);

	return at < size ? size - at : 0;
}

static int
refuse_header(const struct image *image, uint64_t at, const struct header *h)
{
	if (h->sum != h->computed)
		return image_damaged(image, at,
		    "a header with the checksum %08" PRIX32
		    ", but its bytes have %08" PRIX32,
		    h->sum, h->computed);
	return image_damaged(image, at,
	    "a header that says its offset is %" PRIu64, h->curr);
}

/*
 * Whether the header before this one leads here.  One that is damaged itself
 * says nothing about this one.
 */
static int
check_way_here(const struct image *image, uint64_t at, const struct header *h)
{
	struct header before;
	int r;

	if (h->prev >= at || at - h->prev < HEADER)
		return image_damaged(image, at,
		    "a header that says the one before it is at %" PRIu64,
		    h->prev);
	r = header_at(image, h->prev, &before);
	if (r < 0 || !before.intact)
		return r;
	if (before.next != at)
		return image_damaged(image, at,
		    "a header that links back to %" PRIu64
		    ", but from there it goes on to %" PRIu64,
		    h->prev, before.next);
	if (before.number + 1 != h->number)
		return image_damaged(image, at,
		    "header number %" PRIu64 " after number %" PRIu64,
		    h->number, before.number);
	return 0;
}

static int
take_record(const struct image *image, uint64_t at, const struct header *h,
    struct image_object *ret_object)
{
	if (h->size == 0 || h->size > TAPE_MAX_RECORD || h->stored != h->size)
		return image_damaged(image, at,
		    "a record of %" PRIu32 " bytes, stored in %" PRIu32
		    "; 1 to %" PRIu32 ", stored as they are, can be read",
		    h->size, h->stored, TAPE_MAX_RECORD);
	if (h->next != at + HEADER + h->size)
		return image_damaged(image, at,
		    "a record of %" PRIu32 " bytes, but the next header at "
		    "%" PRIu64,
		    h->size, h->next);
	if (left_at(image, at) < HEADER + (uint64_t)h->size)
		return image_damaged(image, at,
		    "a record of %" PRIu32 " bytes would end at %" PRIu64
		    ", but the file ends at %" PRIu64,
		    h->size, h->next, hostfile_size(image->host));
	*ret_object = (struct image_object){ .kind = IMAGE_RECORD,
		.at = at,
		.end = h->next,
		.size = h->size };
	return 0;
}

/* A filemark, or the end of data: no data, and the next header is given. */
static int
take_mark(const struct image *image, uint64_t at, const struct header *h,
    struct image_object *ret_object)
{
	bool filemark = h->type == TYPE_FILEMARK;
	uint64_t next = filemark ? at + HEADER : at;

	if (h->stored != 0 || h->size != 0 || h->next != next)
		return image_damaged(image, at,
		    "%s of %" PRIu32 " bytes, stored in %" PRIu32
		    ", with the next header at %" PRIu64,
		    filemark ? "a filemark" : "an end of data", h->size,
		    h->stored, h->next);
	if (filemark)
		return image_filemark(at, next, ret_object);
	return image_nothing(at, ret_object);
}

static int
ssc_next(struct image *image, uint64_t at, struct image_object *ret_object)
{
	struct header h;
	int r;

	if (left_at(image, at) < HEADER)
		return image_damaged(image, at,
		    "the file ends %" PRIu64
		    " bytes into a header; the end of data is missing",
		    left_at(image, at));
	r = header_at(image, at, &h);
	if (r < 0)
		return r;
	if (!h.intact)
		return refuse_header(image, at, &h);
	r = check_way_here(image, at, &h);
	if (r < 0)
		return r;
	walk_note(((struct ssc *)image)->walk, at);
	switch (h.type) {
	case TYPE_RECORD:
		return take_record(image, at, &h, ret_object);
	case TYPE_FILEMARK:
	case TYPE_EOD:
		return take_mark(image, at, &h, ret_object);
	default:
		return image_damaged(image, at,
		    "a header of type %02" PRIX32
		    "; 02, 20 and 40 are what tgt writes",
		    h.type);
	}
}

static int
ssc_prev(struct image *image, uint64_t at, struct image_object *ret_object)
{
	return walk_prev(((struct ssc *)image)->walk, image, at, ret_object);
}

/* Whether an object begins at ${at}, and what is linked to is not before it. */
static int
begins_object(struct image *image, uint64_t at, uint64_t damaged, bool *ret_is)
{
	struct image_object object;
	struct header h;
	int r = header_at(image, at, &h);

	*ret_is = false;
	if (r < 0 || !h.intact || h.prev < damaged)
		return r;
	r = ssc_next(image, at, &object);
	*ret_is = r == 0 && object.kind != IMAGE_NONE;
	return r == -EBADMSG ? 0 : r;
}

/*
 * The next object whose header is intact, and was linked to something after the
 * damage: one that lies there from an earlier life of the tape mostly was not.
 */
static int
ssc_resync(struct image *image, uint64_t at, uint64_t *ret_at)
{
	uint64_t end = at + RESYNC_MOST;
	const uint8_t *p;
	bool found;
	int r;

	for (uint64_t to = at + 1; to < end && left_at(image, to) >= HEADER;
	     to++) {
		r = hostfile_peek(image->host, to + 32, 8, &p);
		if (r < 0)
			return r;
		if (be64_get(p) != to)
			continue;
		r = begins_object(image, to, at, &found);
		if (r < 0)
			return r;
		if (!found)
			continue;
		*ret_at = to;
		return 0;
	}
	return -ENODATA;
}

static int
ssc_read(struct image *image, const struct image_object *object, void *buf,
    size_t size, size_t *ret_len)
{
	int r = hostfile_read(image->host, object->at + HEADER, buf,
	    size < object->size ? size : object->size);

	if (r == 0)
		*ret_len = object->size;
	return r;
}

/* The first header, and the version of the format. */
static int
check_beginning(const struct image *image, struct header *ret_header)
{
	const uint8_t *version;
	int r;

	if (left_at(image, 0) < FIRST)
		return image_damaged(image, 0,
		    "%" PRIu64 " bytes, but there must be %d before the first "
		    "record",
		    hostfile_size(image->host), FIRST);
	r = header_at(image, 0, ret_header);
	if (r < 0)
		return r;
	if (!ret_header->intact)
		return refuse_header(image, 0, ret_header);
	if (ret_header->type != TYPE_BOT || ret_header->number != 0 ||
	    ret_header->prev != 0 || ret_header->next != FIRST)
		return image_damaged(image, 0,
		    "type %02" PRIX32 ", number %" PRIu64 ", next at %" PRIu64
		    " begin no tape",
		    ret_header->type, ret_header->number, ret_header->next);
	r = hostfile_peek(image->host, HEADER, 4, &version);
	if (r < 0)
		return r;
	if (be32_get(version) != MAM_VERSION)
		return image_damaged(image, HEADER,
		    "version %" PRIu32 " of the format; %d is supported",
		    be32_get(version), MAM_VERSION);
	return 0;
}

/*
 * The checksum of the first header is what nothing else has.  Damage after it
 * is damage of a tape, so it is met when it is read.
 */
static int
ssc_probe(const struct image_source *source)
{
	struct header h;
	struct image image;

	image_init(&image, &ssc_format, source);
	return image_unlike(&image, check_beginning(&image, &h));
}

/* The barcode without its padding; what is no text is no barcode. */
static int
read_barcode(struct ssc *ssc)
{
	size_t len = 0;
	int r =
	    hostfile_read(ssc->base.host, BARCODE, ssc->barcode, BARCODE_SIZE);

	if (r < 0)
		return r;
	while (ssc->barcode[len] > ' ' && ssc->barcode[len] < 127)
		len++;
	ssc->barcode[len] = '\0';
	return 0;
}

static int
set_up(struct ssc *ssc)
{
	struct header h;
	int r = image_unlike(&ssc->base, check_beginning(&ssc->base, &h));

	if (r < 0)
		return r;
	ssc->base.bot = FIRST;
	ssc->capacity = (uint64_t)h.size << 20;
	ssc->walk = walk_new(FIRST);
	if (ssc->walk == NULL)
		return tape_fail(ssc->base.owner, ENOMEM, "out of memory");
	return read_barcode(ssc);
}

static int
ssc_open(const struct image_source *source, struct image **ret_image)
{
	struct ssc *ssc = calloc(1, sizeof(*ssc));
	int r;

	if (ssc == NULL)
		return tape_fail(source->owner, ENOMEM, "out of memory");
	image_init(&ssc->base, &ssc_format, source);
	r = set_up(ssc);
	if (r < 0) {
		walk_free(ssc->walk);
		free(ssc);
		return r;
	}
	*ret_image = &ssc->base;
	return 0;
}

static int
ssc_close(struct image *image)
{
	walk_free(((struct ssc *)image)->walk);
	return image_host_close(image);
}

static void
ssc_describe(struct image *image, struct image_info *info)
{
	struct ssc *ssc = (struct ssc *)image;

	info->capacity = ssc->capacity;
	if (ssc->barcode[0] != '\0')
		(void)snprintf(info->medium, sizeof(info->medium), "%s",
		    ssc->barcode); /* it fits */
}

static const char *const ssc_suffixes[] = { ".ssc", NULL };

const struct image_format ssc_format = {
	.name = "ssc",
	.about = "tape of the SCSI target framework tgt",
	.suffixes = ssc_suffixes,
	.max_record = TAPE_MAX_RECORD,
	.import_only = true,
	.probe = ssc_probe,
	.open = ssc_open,
	.close = ssc_close,
	.describe = ssc_describe,
	.next = ssc_next,
	.prev = ssc_prev,
	.find = image_no_find,
	.resync = ssc_resync,
	.flaws = image_no_flaws,
	.read = ssc_read,
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
