/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HET, the Hercules emulated tape: AWSTAPE (see aws.c for the headers, chain.c
 * for the order of writes) with records that may be compressed, each for
 * itself, with zlib or bzip2.  Pieces are cut out of the compressed record, and
 * all of them have the same flag.
 *
 * A record of 100 bytes "a", with zlib at level 4, and a filemark:
 *
 *     00  0C 00  00 00  A1 00  78 5E 4B 4C A4 3D 00 00 7A 47 25 E5
 *     12  00 00  0C 00  40 00
 *
 * As Hercules does, records are compressed unless compress=no, with zlib and at
 * level 4 unless another is asked for; one that would not become smaller is
 * kept as it is.  A record is of 65535 bytes at most before compression, too,
 * which is what Hercules has room for.
 *
 * The length of a compressed record is not written down anywhere.  It is found
 * out by expanding all of it, with a bound and without keeping what nobody
 * wants; spacing does not look at the data.  A record that does not expand to
 * its end, or to nothing, or to more than a tape can hold, or is followed by
 * more, is damaged.  zlib and bzip2 check their data; plain records have no
 * check.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "aws.h"
#include "het.h"
#include "het_pack.h"

#define DEFAULT_LEVEL 4
#define MAX_LEVEL 9

struct het {
	struct chain chain;
	enum image_compress method; /* what compressing means here */
	bool compress;		    /* records are, from now on */
	int level;
	uint8_t packed[HET_PACK_ROOM(CHAIN_PIECE_MAX)]; /* a record, or input */
	uint8_t waste[16384]; /* what is expanded only to be counted */
};

static struct het *
het_of(struct image *image)
{
	return (struct het *)image;
}

/* ---- Expanding ---------------------------------------------------------- */

/* A record under way from the image to whoever reads it. */
struct passage {
	struct het *het;
	const struct image_object *object;
	uint64_t at; /* the next piece */
	const uint8_t *in;
	size_t in_len;
	uint8_t *out;
	size_t out_len;
	uint64_t total; /* bytes in the rooms that are full */
	size_t given;	/* the size of the room in use */
};

/* Takes in the next piece, if there is one. */
static int
take_in(struct passage *p)
{
	struct image *image = &p->het->chain.base;
	struct chain_link link;
	int r;

	if (p->at >= p->object->end)
		return image_damaged(image, p->object->at,
		    "a compressed record that is not complete");
	r = chain_link_at(&p->het->chain, p->at, &link);
	if (r < 0)
		return r;
	p->at += p->het->chain.code->header;
	if (link.length > p->object->end - p->at)
		return image_damaged(image, p->at,
		    "the image has changed while in use");
	r = hostfile_read(image->host, p->at, p->het->packed, link.length);
	p->at += link.length;
	p->in = p->het->packed;
	p->in_len = link.length;
	return r;
}

/* Makes room for more, when the room is full. */
static int
make_room(struct passage *p)
{
	p->total += p->given;
	if (p->total > TAPE_MAX_RECORD)
		return image_damaged(&p->het->chain.base, p->object->at,
		    "a compressed record that expands to more than %u bytes",
		    TAPE_MAX_RECORD);
	p->out = p->het->waste;
	p->out_len = p->given = sizeof(p->het->waste);
	return 0;
}

/* What the end of the compressed data means. */
static int
conclude(struct passage *p, size_t *ret_len)
{
	const struct image *image = &p->het->chain.base;
	uint64_t total = p->total + (p->given - p->out_len);

	if (p->in_len > 0 || p->at < p->object->end)
		return image_damaged(image, p->object->at,
		    "a compressed record with something behind it");
	if (total == 0 || total > TAPE_MAX_RECORD)
		return image_damaged(image, p->object->at,
		    "a compressed record that expands to %llu bytes",
		    (unsigned long long)total);
	*ret_len = (size_t)total;
	return 0;
}

static int
expand(struct passage *p, struct het_unpack *unpack, size_t *ret_len)
{
	enum het_step step = HET_MORE;
	int r = 0;

	while (r == 0 && step == HET_MORE) {
		if (p->out_len == 0)
			r = make_room(p);
		if (r == 0)
			step = het_unpack_step(unpack, &p->in, &p->in_len,
			    &p->out, &p->out_len);
		/* With room left there is no more in what it was given. */
		if (r == 0 && step == HET_MORE && p->in_len == 0 &&
		    p->out_len > 0)
			r = take_in(p);
	}
	if (r < 0)
		return r;
	if (step == HET_END)
		return conclude(p, ret_len);
	if (step == HET_NOMEM)
		return tape_fail(p->het->chain.base.owner, EIO,
		    "out of memory");
	return image_damaged(&p->het->chain.base, p->object->at,
	    "the compressed data of a record are damaged");
}

static int
het_read(struct image *image, const struct image_object *object, void *buf,
    size_t size, size_t *ret_len)
{
	struct passage p = { .het = het_of(image),
		.object = object,
		.at = object->at,
		.out = buf,
		.out_len = size,
		.given = size };
	struct het_unpack *unpack;
	struct chain_link link;
	int r = chain_link_at(&p.het->chain, object->at, &link);

	if (r < 0)
		return r;
	if (link.packing == IMAGE_COMPRESS_NO)
		return chain_read(image, object, buf, size, ret_len);
	unpack = het_unpack_new(link.packing);
	if (unpack == NULL)
		return tape_fail(image->owner, EIO, "out of memory");
	r = expand(&p, unpack, ret_len);
	het_unpack_free(unpack);
	return r;
}

/* ---- Compressing -------------------------------------------------------- */

static int
het_put_record(struct image *image, uint64_t at, const void *buf, size_t len,
    uint64_t *ret_end)
{
	struct het *het = het_of(image);
	struct chain_link link = { .first = true,
		.last = true,
		.packing = het->method };
	size_t n = 0;

	if (het->compress)
		n = het_pack(het->method, het->level, buf, len, het->packed);
	if (n == 0)
		return chain_put_record(image, at, buf, len, ret_end);
	link.length = (uint32_t)n;
	return chain_put(&het->chain, at, link, het->packed, ret_end);
}

static int
het_set(struct image *image, enum tape_param param, uint32_t value)
{
	struct het *het = het_of(image);

	if (param != TAPE_COMPRESSION)
		return image_no_set(image, param, value);
	if (value > 1)
		return tape_fail(image->owner, EINVAL,
		    "%s: compression is 0 or 1", image->name);
	het->compress = value == 1;
	return 0;
}

static void
het_describe(struct image *image, struct image_info *info)
{
	info->can_compress = true;
	info->compress = het_of(image)->compress;
}

/* ---- Opening ------------------------------------------------------------ */

static int
het_probe(const struct image_source *source)
{
	return chain_probe(&aws_packed_code, &het_format, source, true);
}

static int
het_open(const struct image_source *source, struct image **ret_image)
{
	const struct image_options *options = source->options;
	struct het *het;

	if (options->compress == IMAGE_COMPRESS_ZSTD)
		return tape_fail(source->owner, EINVAL,
		    "%.100s: compress=zstd, but the format het has zlib and "
		    "bzip2",
		    source->path);
	if (options->level < 0 || options->level > MAX_LEVEL)
		return tape_fail(source->owner, EINVAL,
		    "%.100s: level=%d, but zlib and bzip2 have 1 to %d",
		    source->path, options->level, MAX_LEVEL);
	het = calloc(1, sizeof(*het));
	if (het == NULL)
		return tape_fail(source->owner, ENOMEM, "out of memory");
	chain_init(&het->chain, &aws_packed_code, &het_format, source);
	het->compress = options->compress != IMAGE_COMPRESS_NO;
	het->method = options->compress == IMAGE_COMPRESS_BZIP2
	    ? IMAGE_COMPRESS_BZIP2
	    : IMAGE_COMPRESS_ZLIB;
	het->level = options->level == 0 ? DEFAULT_LEVEL : options->level;
	*ret_image = &het->chain.base;
	return 0;
}

static const char *const het_suffixes[] = { ".het", NULL };

const struct image_format het_format = {
	.name = "het",
	.about = "HET of Hercules: AWSTAPE with compression",
	.suffixes = het_suffixes,
	.max_record = CHAIN_PIECE_MAX,
	.probe = het_probe,
	.open = het_open,
	.close = image_host_close,
	.describe = het_describe,
	.next = chain_next,
	.prev = chain_prev,
	.find = image_no_find,
	.resync = chain_resync,
	.flaws = image_no_flaws,
	.read = het_read,
	.cost = chain_cost,
	.protection = image_host_protection,
	.expect = image_host_expect,
	.reserve = image_host_reserve,
	.top = image_host_top,
	.sync = image_host_sync,
	.cut = chain_cut,
	.put_record = het_put_record,
	.put_filemark = chain_put_filemark,
	.set = het_set,
	.select = image_one_select,
	.partition = image_one_partition,
};
