/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AWSTAPE, the tape image of the P/390 and of the mainframe emulators after it.
 * A chain (see chain.c, also for the order of writes) with these headers:
 *
 *     OFFSET  SIZE  DESCRIPTION
 *     0       2     length of the data that follow, little-endian
 *     2       2     length of the data before it, little-endian; 0 at BOT and
 *                   after a filemark
 *     4       1     80 a record begins   20 a record ends   40 filemark
 *                   10 a piece of several (Bus-Tech; says nothing new)
 *                   01 compressed with zlib   02 with bzip2 (only HET)
 *     5       1     80 compressed with zlib (Bus-Tech; only HET); else 0
 *
 * A record of 3 bytes "abc", a filemark, and a record of 2 bytes "de":
 *
 *     00  03 00  00 00  A0 00  61 62 63
 *     09  00 00  03 00  40 00
 *     0f  02 00  00 00  A0 00  64 65
 *
 * The specification splits records into pieces of 4096 bytes, but what splits
 * is read wrongly by much of what is there, and what does not is read by all.
 * So a record is written as one piece, of 65535 bytes at most, and records in
 * pieces are only read, up to the largest that a tape here may hold.
 *
 * The blank of a header that is not written yet is FDFF pppp 0000: 65533 bytes
 * of a record that neither begins nor ends.  No record of ours is that long
 * without beginning, and to Hercules, which looks at less, it is an error in
 * any case: either no record begins here, or the file ends within it.
 *
 * A compressed record makes the image a HET; see het.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "aws.h"
#include "bytes.h"

#define HEADER 6 /* bytes */

/* The first byte of flags. */
#define BEGINS 0x80
#define FILEMARK 0x40
#define ENDS 0x20
#define IN_PIECES 0x10
#define BZIP2 0x02
#define ZLIB 0x01
/* The second one. */
#define BUS_TECH_ZLIB 0x80

#define UNWRITTEN 65533 /* the length in a blank */

/* The kind of compression; false: more than one, or one that is not known. */
static bool
decode_packing(uint8_t flags, uint8_t more, enum image_compress *ret_packing)
{
	*ret_packing = IMAGE_COMPRESS_NO;
	if ((flags & ZLIB) || more == BUS_TECH_ZLIB)
		*ret_packing = IMAGE_COMPRESS_ZLIB;
	else if (flags & BZIP2)
		*ret_packing = IMAGE_COMPRESS_BZIP2;
	return ((flags & ZLIB) != 0) + ((flags & BZIP2) != 0) + (more != 0) <=
	    1;
}

static const char *
decode_packed(const uint8_t *bytes, struct chain_link *ret)
{
	uint8_t flags = bytes[4], more = bytes[5];

	*ret = (struct chain_link){ .length = le16_get(bytes),
		.before = le16_get(bytes + 2),
		.mark = flags == FILEMARK && more == 0,
		.first = (flags & BEGINS) != 0,
		.last = (flags & ENDS) != 0 };
	if (!decode_packing(flags, more, &ret->packing))
		return "compressed in two ways at once";
	if ((more & ~BUS_TECH_ZLIB) != 0 ||
	    (flags & ~(BEGINS | FILEMARK | ENDS | IN_PIECES | BZIP2 | ZLIB)))
		return "flags that have no meaning";
	if ((flags & FILEMARK) && !ret->mark)
		return "a filemark with flags of a record";
	if (ret->mark && ret->length != 0)
		return "a filemark with data";
	if (!ret->mark && ret->length == 0)
		return "a record with no data";
	return NULL;
}

static const char *
decode_plain(const uint8_t *bytes, struct chain_link *ret)
{
	const char *wrong = decode_packed(bytes, ret);

	if (wrong == NULL && ret->packing != IMAGE_COMPRESS_NO)
		wrong = "a compressed record, which only format=het has";
	return wrong;
}

static void
encode(const struct chain_link *link, uint8_t *bytes)
{
	uint8_t flags = FILEMARK;

	if (!link->mark)
		flags = (uint8_t)((link->first ? BEGINS : 0) |
		    (link->last ? ENDS : 0));
	if (link->packing == IMAGE_COMPRESS_ZLIB)
		flags |= ZLIB;
	if (link->packing == IMAGE_COMPRESS_BZIP2)
		flags |= BZIP2;
	le16_put(bytes, (uint16_t)link->length);
	le16_put(bytes + 2, (uint16_t)link->before);
	bytes[4] = flags;
	bytes[5] = 0;
}

static void
blank(uint32_t before, uint8_t *bytes)
{
	le16_put(bytes, UNWRITTEN);
	le16_put(bytes + 2, (uint16_t)before);
	bytes[4] = 0;
	bytes[5] = 0;
}

const struct chain_code aws_code = {
	.header = HEADER,
	.decode = decode_plain,
	.encode = encode,
	.blank = blank,
};

const struct chain_code aws_packed_code = {
	.header = HEADER,
	.decode = decode_packed,
	.encode = encode,
	.blank = blank,
};

static int
aws_probe(const struct image_source *source)
{
	/* Compressed records are to be told from damage. */
	return chain_probe(&aws_packed_code, &aws_format, source, false);
}

static int
aws_open(const struct image_source *source, struct image **ret_image)
{
	struct chain *chain;

	if (source->options->compress > IMAGE_COMPRESS_NO)
		return tape_fail(source->owner, EINVAL,
		    "%.100s: the format aws has no compression; format=het is "
		    "the same with it",
		    source->path);
	chain = calloc(1, sizeof(*chain));
	if (chain == NULL)
		return tape_fail(source->owner, ENOMEM, "out of memory");
	chain_init(chain, &aws_code, &aws_format, source);
	*ret_image = &chain->base;
	return 0;
}

static const char *const aws_suffixes[] = { ".aws", NULL };

const struct image_format aws_format = {
	.name = "aws",
	.about = "AWSTAPE, of mainframe emulators",
	.suffixes = aws_suffixes,
	.max_record = CHAIN_PIECE_MAX,
	.probe = aws_probe,
	.open = aws_open,
	.close = image_host_close,
	.describe = image_plain_describe,
	.next = chain_next,
	.prev = chain_prev,
	.find = image_no_find,
	.resync = chain_resync,
	.flaws = image_no_flaws,
	.read = chain_read,
	.cost = chain_cost,
	.protection = image_host_protection,
	.expect = image_host_expect,
	.reserve = image_host_reserve,
	.top = image_host_top,
	.sync = image_host_sync,
	.cut = chain_cut,
	.put_record = chain_put_record,
	.put_filemark = chain_put_filemark,
	.set = image_no_set,
	.select = image_one_select,
	.partition = image_one_partition,
};
