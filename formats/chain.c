/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chains; see chain.h.  An image is pieces from offset 0 to the end of the
 * file:
 *
 *     OFFSET  SIZE  DESCRIPTION
 *     0       H     header: length of this piece (L), length of the piece
 *                   before it (0 at BOT and after a filemark), and flags
 *     H       L     data; none of a filemark
 *
 * A length is thus written down twice: before its data, and again in the header
 * that follows.  A piece is taken only if the two agree.  The last piece has no
 * header behind it: only the end of the file confirms it, and going back from
 * there needs the length of the last piece, which is remembered (${tail}).  It
 * is that of the piece that ends farthest on of all that were passed, so it is
 * there for every offset that was ever told to be EOD.
 *
 * Two headers that disagree.  If a length is wrong the place after the piece is
 * in the middle of data, and what is there may be anything: the record is
 * damaged.  Zeros are different.  A power cut leaves them for a header that did
 * not reach the disk, behind records that did: those must not be lost.  So
 * before zeros a length is believed, unless a header within reach confirms
 * another one.
 *
 * Order of writes, and what a kill leaves
 *
 *  1. A piece goes to the end of the file with a blank in place of its header:
 *     something that is no header.  Killed here, the image ends before the
 *     blank.  Appending goes page by page, so of the blank itself less than all
 *     is there only if the file then ends with a page.
 *  2. The blank is replaced by the header.  With it the piece counts.  If it
 *     lies across two pages a kill can come between them: see is_left_over().
 *  3. A filemark is made in the same two steps.
 *  4. To write before the end, the file is truncated first.
 *
 * Nothing is ever changed that has been acknowledged.  When the host dies, all
 * that was synced is there; of what came later pages may be missing, which the
 * lengths tell as long as a header is among them: the data have no checksum.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "chain.h"

/* The smallest page there is; larger ones are multiples of it. */
#define PAGE 4096

/* How much of something unknown is looked at to find out what it is. */
#define PROBE_OBJECTS 100000
#define PROBE_BYTES ((uint64_t)64 << 20)

/* Headers in a row that must agree after damage. */
#define RESYNC_HEADERS 3

static struct chain *
chain_of(struct image *image)
{
	return (struct chain *)image;
}

static uint64_t
size_of(const struct chain *chain)
{
	return hostfile_size(chain->base.host);
}

/* Bytes of the file from ${at} on. */
static uint64_t
left_at(const struct chain *chain, uint64_t at)
{
	return size_of(chain) - at;
}

void
chain_init(struct chain *chain, const struct chain_code *code,
    const struct image_format *format, const struct image_source *source)
{
	assert(code->header <= CHAIN_HEADER_MAX);
	image_init(&chain->base, format, source);
	chain->code = code;
	chain->tail = chain->base.bot;
	chain->tail_length = 0;
}

/* ---- Headers ------------------------------------------------------------ */

/* The header at ${at}, all of it in the file, and what is wrong with it. */
static int
look_at(const struct chain *chain, uint64_t at, struct chain_link *ret_link,
    const char **ret_wrong)
{
	const uint8_t *bytes;
	int r =
	    hostfile_peek(chain->base.host, at, chain->code->header, &bytes);

	if (r == 0)
		*ret_wrong = chain->code->decode(bytes, ret_link);
	return r;
}

/* What is wrong with a header, and its bytes, as text if they are text. */
static int
refuse_header(const struct chain *chain, uint64_t at, const char *wrong)
{
	char text[CHAIN_HEADER_MAX + 1] = "", hex[2 * CHAIN_HEADER_MAX + 1];
	const uint8_t *bytes;
	bool is_text = true;
	int r =
	    hostfile_peek(chain->base.host, at, chain->code->header, &bytes);

	if (r < 0)
		return r;
	for (size_t i = 0; i < chain->code->header; i++) {
		(void)snprintf(hex + 2 * i, 3, "%02X", bytes[i]); /* fits */
		text[i] = (char)bytes[i];
		is_text = is_text && bytes[i] >= ' ' && bytes[i] <= '~';
	}
	return image_damaged(&chain->base, at, "header %s: %s",
	    is_text ? text : hex, wrong);
}

int
chain_link_at(const struct chain *chain, uint64_t at,
    struct chain_link *ret_link)
{
	const char *wrong = NULL;
	int r;

	if (left_at(chain, at) < chain->code->header)
		return image_damaged(&chain->base, at,
		    "the file ends here; the image has changed while in use");
	r = look_at(chain, at, ret_link, &wrong);
	if (r == 0 && wrong != NULL)
		r = refuse_header(chain, at, wrong);
	return r;
}

/* Where a header at ${at} is split between two pages, or 0. */
static size_t
split_of(const struct chain *chain, uint64_t at)
{
	uint64_t first = PAGE - at % PAGE; /* bytes in the first page */

	return first < chain->code->header ? (size_t)first : 0;
}

/*
 * Whether what lies at ${at}, behind a piece of ${before} bytes, is what a kill
 * has left of a piece that was never acknowledged; or is nothing.  Of a header
 * split between pages the part in the first may be written and that in the
 * second still blank; then the piece is whole, up to the end of the file.
 */
static int
is_left_over(const struct chain *chain, uint64_t at, uint32_t before,
    bool *ret_is)
{
	uint8_t blank[CHAIN_HEADER_MAX], meant[CHAIN_HEADER_MAX];
	size_t header = chain->code->header, split = split_of(chain, at);
	uint64_t left = left_at(chain, at);
	struct chain_link link = { .before = before,
		.first = true,
		.last = true,
		.packing = IMAGE_COMPRESS_NO };
	const uint8_t *bytes;
	int r = hostfile_peek(chain->base.host, at,
	    left < header ? (size_t)left : header, &bytes);

	if (r < 0)
		return r;
	chain->code->blank(before, blank);
	if (left < header) {
		*ret_is = left == 0 ||
		    (size_of(chain) % PAGE == 0 &&
			memcmp(bytes, blank, (size_t)left) == 0);
		return 0;
	}
	*ret_is = false;
	if (left - header > CHAIN_PIECE_MAX)
		return 0;
	link.length = (uint32_t)(left - header);
	link.mark = link.length == 0;
	chain->code->encode(&link, meant);
	if (memcmp(bytes + split, blank + split, header - split) == 0)
		*ret_is = memcmp(bytes, blank, split) == 0 ||
		    memcmp(bytes, meant, split) == 0;
	return 0;
}

/* ---- Lengths that are written down twice -------------------------------- */

/* Notes where a piece ends; nothing tells how long it is if it is the last. */
static void
remember(struct chain *chain, uint64_t end, uint32_t length)
{
	chain->tail = end;
	chain->tail_length = length;
}

/* The length of the piece that ends at ${at}. */
static int
length_before(const struct chain *chain, uint64_t at, uint32_t *ret_length)
{
	struct chain_link link;
	int r;

	if (at == chain->base.bot || at == chain->tail) {
		*ret_length = at == chain->tail ? chain->tail_length : 0;
		return 0;
	}
	r = chain_link_at(chain, at, &link);
	if (r == 0)
		*ret_length = link.before;
	return r;
}

/* Whether the bytes of the header at ${at} are all zero. */
static int
is_zero(const struct chain *chain, uint64_t at, bool *ret_is)
{
	static const uint8_t zero[CHAIN_HEADER_MAX];
	const uint8_t *bytes;
	int r =
	    hostfile_peek(chain->base.host, at, chain->code->header, &bytes);

	if (r == 0)
		*ret_is = memcmp(bytes, zero, chain->code->header) == 0;
	return r;
}

/* Whether a header confirms a length of the piece at ${at}, whichever. */
static int
find_rival(const struct chain *chain, uint64_t at, bool *ret_found)
{
	uint64_t size = size_of(chain), data = at + chain->code->header;
	struct chain_link link;
	const char *wrong = NULL;
	int r;

	*ret_found = false;
	for (uint32_t length = 1; !*ret_found && length <= CHAIN_PIECE_MAX &&
	     size - data >= length + chain->code->header;
	     length++) {
		r = look_at(chain, data + length, &link, &wrong);
		if (r < 0)
			return r;
		*ret_found = wrong == NULL && link.before == length;
	}
	return 0;
}

/*
 * Whether the piece at ${at} has the length that its header says: the one that
 * follows has to say the same, if there is one.
 */
static int
confirm(const struct chain *chain, uint64_t at, uint32_t length)
{
	uint64_t end = at + chain->code->header + length;
	struct chain_link link;
	const char *wrong = NULL;
	bool fine, rival = false;
	int r;

	if (left_at(chain, end) < chain->code->header)
		return 0;
	r = look_at(chain, end, &link, &wrong);
	if (r < 0 || link.before == length)
		return r;
	r = is_left_over(chain, end, length, &fine);
	if (r < 0 || fine)
		return r;
	r = is_zero(chain, end, &fine);
	if (r == 0 && fine)
		r = find_rival(chain, at, &rival);
	if (r < 0 || (fine && !rival))
		return r;
	return image_damaged(&chain->base, at,
	    "a length of %" PRIu32 ", which the header that should follow at "
	    "%" PRIu64 " does not confirm",
	    length, end);
}

/* ---- Motion ------------------------------------------------------------- */

/* What lies at ${at} is no header: the end, or damage. */
static int
end_or_damage(const struct chain *chain, uint64_t at, const char *wrong,
    struct image_object *ret_object)
{
	bool ends = false;
	int r = 0;

	if (at == chain->tail)
		r = is_left_over(chain, at, chain->tail_length, &ends);
	if (r < 0)
		return r;
	if (ends)
		return image_nothing(at, ret_object);
	if (wrong != NULL)
		return refuse_header(chain, at, wrong);
	return image_damaged(&chain->base, at,
	    "the file ends %" PRIu64 " bytes into a header",
	    left_at(chain, at));
}

/* The header of a piece at ${at} that is not the first of its record. */
static int
look_at_more(const struct chain *chain, uint64_t at,
    enum image_compress packing, struct chain_link *ret_link)
{
	int r;

	if (left_at(chain, at) < chain->code->header)
		return image_damaged(&chain->base, at,
		    "the file ends in the middle of a record");
	r = chain_link_at(chain, at, ret_link);
	if (r < 0)
		return r;
	if (ret_link->mark || ret_link->first)
		return refuse_header(chain, at,
		    "it begins something, but the record before it has no end");
	if (ret_link->packing != packing)
		return refuse_header(chain, at,
		    "compressed in another way than the record began");
	return 0;
}

/* The record at ${at} that begins with the piece ${link}; its last piece. */
static int
next_record(const struct chain *chain, uint64_t at, struct chain_link *link,
    struct image_object *ret_object)
{
	enum image_compress packing = link->packing;
	uint64_t here = at, total = 0;
	int r;

	for (;;) {
		uint64_t end = here + chain->code->header + link->length;

		total += link->length;
		if (end > size_of(chain))
			return image_damaged(&chain->base, here,
			    "%" PRIu32 " bytes of data would end at %" PRIu64
			    ", but the file ends at %" PRIu64,
			    link->length, end, size_of(chain));
		if (total > TAPE_MAX_RECORD)
			return image_damaged(&chain->base, at,
			    "a record of more than %" PRIu32 " bytes",
			    TAPE_MAX_RECORD);
		r = confirm(chain, here, link->length);
		if (r < 0)
			return r;
		here = end;
		if (link->last)
			break;
		r = look_at_more(chain, here, packing, link);
		if (r < 0)
			return r;
	}
	*ret_object = (struct image_object){ .kind = IMAGE_RECORD,
		.at = at,
		.end = here,
		.size = packing == IMAGE_COMPRESS_NO ? (uint32_t)total : 0 };
	return 0;
}

int
chain_next(struct image *image, uint64_t at, struct image_object *ret_object)
{
	struct chain *chain = chain_of(image);
	struct chain_link link;
	const char *wrong = NULL;
	int r;

	if (left_at(chain, at) < chain->code->header)
		return end_or_damage(chain, at, NULL, ret_object);
	r = look_at(chain, at, &link, &wrong);
	if (r < 0)
		return r;
	if (wrong == NULL && !link.mark && !link.first)
		wrong = "a record that goes on, but none has begun";
	if (wrong == NULL && at == image->bot && link.before != 0)
		wrong = "it says that data precede it, but it is the first";
	if (wrong != NULL)
		return end_or_damage(chain, at, wrong, ret_object);
	if (link.mark) {
		r = confirm(chain, at, 0);
		if (r == 0)
			r = image_filemark(at, at + chain->code->header,
			    ret_object);
	} else {
		r = next_record(chain, at, &link, ret_object);
	}
	if (r == 0 && ret_object->end > chain->tail)
		remember(chain, ret_object->end, link.length);
	return r;
}

/* Where the object that ends at ${at} begins. */
static int
begin_of(const struct chain *chain, uint64_t at, uint64_t *ret_begin)
{
	struct chain_link link;
	uint32_t length;
	uint64_t total = 0;
	int r = length_before(chain, at, &length);

	while (r == 0) {
		uint64_t whole = chain->code->header + (uint64_t)length;

		total += length;
		if (whole > at - chain->base.bot || total > TAPE_MAX_RECORD)
			return image_damaged(&chain->base, at,
			    "%" PRIu32 " bytes of a record precede it, it "
			    "says, but there are none",
			    length);
		at -= whole;
		r = chain_link_at(chain, at, &link);
		if (r < 0)
			return r;
		if (link.length != length)
			return image_damaged(&chain->base, at,
			    "a length of %" PRIu32 ", but %" PRIu32
			    " in the header that follows",
			    link.length, length);
		if (link.mark || link.first)
			break;
		length = link.before;
	}
	if (r == 0)
		*ret_begin = at;
	return r;
}

int
chain_prev(struct image *image, uint64_t at, struct image_object *ret_object)
{
	const struct chain *chain = chain_of(image);
	struct image_object object;
	uint64_t begin = at;
	int r;

	if (at <= image->bot)
		return image_nothing(image->bot, ret_object);
	r = begin_of(chain, at, &begin);
	if (r == 0)
		r = chain_next(image, begin, &object);
	if (r < 0)
		return r;
	if (object.end != at)
		return image_damaged(image, at,
		    "no object ends here; the image has changed while in use");
	*ret_object = object;
	return 0;
}

/* Whether an object seems to begin at ${at}: what follows confirms it. */
static int
is_begin(const struct chain *chain, uint64_t at, bool *ret_is)
{
	struct chain_link link;
	uint32_t length = 0;
	const char *wrong = NULL;
	int r;

	*ret_is = false;
	for (unsigned i = 0; i < RESYNC_HEADERS; i++) {
		if (left_at(chain, at) < chain->code->header)
			break;
		r = look_at(chain, at, &link, &wrong);
		if (r < 0)
			return r;
		if (wrong != NULL || (i > 0 && link.before != length) ||
		    (i == 0 && !link.mark && !link.first) ||
		    left_at(chain, at) - chain->code->header < link.length)
			return 0;
		length = link.length;
		at += chain->code->header + length;
		if (i + 1 == RESYNC_HEADERS)
			*ret_is = true;
	}
	if (left_at(chain, at) == 0)
		*ret_is = true;
	return 0;
}

int
chain_resync(struct image *image, uint64_t at, uint64_t *ret_at)
{
	const struct chain *chain = chain_of(image);
	struct image_object object;
	bool is;
	int r;

	while (left_at(chain, at) > chain->code->header) {
		r = is_begin(chain, ++at, &is);
		if (r < 0)
			return r;
		if (!is)
			continue;
		r = chain_next(image, at, &object);
		if (r == 0 && object.kind != IMAGE_NONE) {
			*ret_at = at;
			return 0;
		}
		if (r < 0 && r != -EBADMSG)
			return r;
	}
	return -ENODATA;
}

/* ---- Data --------------------------------------------------------------- */

int
chain_read(struct image *image, const struct image_object *object, void *buf,
    size_t size, size_t *ret_len)
{
	const struct chain *chain = chain_of(image);
	uint64_t at = object->at;
	struct chain_link link;
	size_t done = 0;
	int r;

	while (done < size && at < object->end) {
		size_t n = size - done;

		r = chain_link_at(chain, at, &link);
		if (r < 0)
			return r;
		at += chain->code->header;
		if (link.length > object->end - at)
			return image_damaged(image, at,
			    "the image has changed while in use");
		n = n < link.length ? n : link.length;
		r = hostfile_read(image->host, at, (uint8_t *)buf + done, n);
		if (r < 0)
			return r;
		done += n;
		at += link.length;
	}
	*ret_len = object->size;
	return 0;
}

uint64_t
chain_cost(const struct image *image, size_t len)
{
	return ((const struct chain *)image)->code->header + (uint64_t)len;
}

/* Step 4. */
int
chain_cut(struct image *image, uint64_t at)
{
	struct chain *chain = chain_of(image);
	uint32_t length;
	int r = length_before(chain, at, &length);

	if (r == -EBADMSG)
		r = -EIO; /* the words are fine */
	if (r == 0)
		r = hostfile_cut(image->host, at);
	if (r == 0)
		remember(chain, at, length);
	return r;
}

/* Steps 1 to 3. */
int
chain_put(struct chain *chain, uint64_t at, struct chain_link link,
    const void *data, uint64_t *ret_end)
{
	uint8_t blank[CHAIN_HEADER_MAX], header[CHAIN_HEADER_MAX];
	struct hostfile *host = chain->base.host;
	struct iovec pieces[] = {
		hostfile_piece(blank, chain->code->header),
		hostfile_piece(data, link.length),
	};
	int r;

	assert(at == hostfile_size(host) && at == chain->tail);
	assert(link.length <= CHAIN_PIECE_MAX);
	link.before = chain->tail_length;
	chain->code->blank(link.before, blank);
	chain->code->encode(&link, header);
	r = hostfile_append(host, pieces, link.mark ? 1 : 2);
	if (r == 0)
		r = hostfile_vouch(host, at, header, chain->code->header);
	if (r < 0)
		return r;
	*ret_end = at + chain->code->header + link.length;
	remember(chain, *ret_end, link.length);
	return 0;
}

int
chain_put_record(struct image *image, uint64_t at, const void *buf, size_t len,
    uint64_t *ret_end)
{
	struct chain_link link = { .length = (uint32_t)len,
		.first = true,
		.last = true,
		.packing = IMAGE_COMPRESS_NO };

	return chain_put(chain_of(image), at, link, buf, ret_end);
}

int
chain_put_filemark(struct image *image, uint64_t at, uint64_t *ret_end)
{
	struct chain_link link = { .mark = true, .packing = IMAGE_COMPRESS_NO };

	return chain_put(chain_of(image), at, link, NULL, ret_end);
}

/* ---- What it is --------------------------------------------------------- */

int
chain_probe(const struct chain_code *code, const struct image_format *format,
    const struct image_source *source, bool packed)
{
	struct image_object object = { .kind = IMAGE_NONE };
	bool begun = false; /* an object is whole */
	struct chain chain;
	int r;

	memset(&chain, 0, sizeof(chain));
	chain_init(&chain, code, format, source);
	for (unsigned i = 0; i < PROBE_OBJECTS && object.end < PROBE_BYTES;
	     i++) {
		r = chain_next(&chain.base, object.end, &object);
		if (r == -EBADMSG && begun)
			break; /* damage that reading will meet, too */
		if (r < 0)
			return image_unlike(&chain.base, r);
		if (object.kind == IMAGE_NONE)
			break;
		if (!packed && object.kind == IMAGE_RECORD && object.size == 0)
			return tape_fail(source->owner, EMEDIUMTYPE,
			    "%s: offset %" PRIu64 ": a compressed record; this "
			    "is no %s image",
			    chain.base.name, object.at, format->name);
		begun = true;
	}
	return 0;
}
