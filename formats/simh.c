/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SIMH tape image, standard format ("SIMH Magtape Representation and
 * Handling", 2017), as simulators and archives of old tapes use it.
 *
 * All words are 32 bits, little-endian.  The image is objects from offset 0 on,
 * with no header:
 *
 *     OFFSET  SIZE      DESCRIPTION
 *     0       4         record: length N, 1 to 16,777,216, bit 31 set if the
 *                       data was read from a real tape with an error
 *     4       N         data
 *     4+N     N & 1     padding to an even length; 0 here, anything elsewhere
 *     +0      4         the first word again
 *
 *     0       4         filemark: 00000000
 *     0       4         erase gap: FFFFFFFE; passed over in both directions
 *     0       4         end of medium: FFFFFFFF; so is the end of the file
 *
 * A gap may begin or end in the middle of a word, because data is only even.
 * Forward that shows as FFFEFFFF: the upper half belongs to a whole gap word
 * two bytes on.  Backward it shows as a word with FFFF above: the two bytes
 * below belong to what precedes.  FFFE0000 to FFFEFFFE is never right.
 *
 * A record of 3 bytes "abc", a filemark, and a record of 2 bytes "de":
 *
 *     00  03 00 00 00  61 62 63 00  03 00 00 00
 *     0c  00 00 00 00
 *     10  02 00 00 00  64 65        02 00 00 00
 *
 * The length has 24 bits in the standard format.  A record of exactly 16 MiB,
 * the largest that a tape here may hold, needs the 25th (word 01000000): that
 * is a good record of the extended format of 2022, in the same framing, and
 * only a reader that knows the extended format can read it.  Every smaller
 * record is standard.  Nothing else of the extended format is understood: its
 * private records and markers are refused, because to skip them silently would
 * lose them when the tape is copied.
 *
 * Order of writes, and what a kill leaves
 *
 *  1. A record goes to the end of the file with FFFFFFFF in place of its first
 *     word.  Killed here, the image ends cleanly before the record: readers
 *     stop at FFFFFFFF.  If even this word is cut, the file ends with one to
 *     three bytes FF, which is no header that any record could have begun with
 *     and which SIMH takes as the end, too.
 *  2. The first word is replaced by the length.  With it the record counts.
 *     A word of an even offset can lie across two pages, and then a kill can
 *     come between its halves: see mend_torn_header().
 *  3. A filemark is made by extending the file with four zero bytes, which is
 *     one step for the kernel, wherever the bytes lie.
 *  4. To write before the end, the file is truncated first.  Killed after this,
 *     the image ends there: the old objects are gone, as they are on a tape.
 *
 * All of this is about the death of the process.  When the host dies, all that
 * was synced is there; of what came later pages may be there in any order, and
 * the format has no checksum to tell.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "bytes.h"
#include "simh.h"

#define WORD 4 /* bytes */
#define MARK UINT32_C(0)
#define END_OF_MEDIUM UINT32_C(0xffffffff)
#define GAP UINT32_C(0xfffffffe)
#define HALF_GAP UINT32_C(0xfffeffff)
#define ERROR_FLAG UINT32_C(0x80000000)
#define LENGTH_MASK UINT32_C(0x0fffffff)

/* How many filemarks may come before the first record of something unknown. */
#define PROBE_FILEMARKS 65536

/* The smallest page there is; larger ones are multiples of it. */
#define PAGE 4096

static bool
is_record(uint32_t word)
{
	return word != MARK && (word & ~(ERROR_FLAG | LENGTH_MASK)) == 0 &&
	    (word & LENGTH_MASK) <= TAPE_MAX_RECORD;
}

/* Bytes from the first to past the last word of a record. */
static uint64_t
framed(uint32_t length)
{
	return 2 * WORD + (uint64_t)length + (length & 1);
}

/* What is wrong with a word that is nothing that it could be. */
static int
refuse_word(const struct image *image, uint64_t at, uint32_t word)
{
	if (word >> 28 == 0 || word >> 28 == 8)
		return image_damaged(image, at,
		    "a record of %" PRIu32 " bytes, but %" PRIu32
		    " is the most",
		    word & LENGTH_MASK, TAPE_MAX_RECORD);
	if (word >> 28 == 0xf)
		return image_damaged(image, at,
		    "%08" PRIX32 " is no record length and no mark", word);
	return image_damaged(image, at,
	    "an object of class %" PRIX32 " of the extended SIMH format "
	    "(%08" PRIX32 "), which is not supported",
	    word >> 28, word);
}

static int
word_at(const struct image *image, uint64_t at, uint32_t *ret_word)
{
	const uint8_t *p;
	int r = hostfile_peek(image->host, at, WORD, &p);

	if (r == 0)
		*ret_word = le32_get(p);
	return r;
}

/*
 * The end of the file, or less than a word before it.  A word that step 1 was
 * killed in is all ones; anything else was cut off by somebody else.
 */
static int
tail_at(const struct image *image, uint64_t at, uint32_t *ret_word)
{
	size_t left = (size_t)(hostfile_size(image->host) - at);
	const uint8_t *p;
	int r = hostfile_peek(image->host, at, left, &p);

	if (r < 0)
		return r;
	for (size_t i = 0; i < left; i++)
		if (p[i] != 0xff)
			return image_damaged(image, at,
			    "the file ends %zu bytes into a length", left);
	*ret_word = END_OF_MEDIUM;
	return 0;
}

/*
 * Takes half a length for the end of medium that it was, if a kill has split
 * step 2: the lower half is written, in one page, and the upper half, in the
 * next page, still is FFFF.  No object looks so, but damage could; so the whole
 * record has to be there, up to the end of the file, with its length after it.
 * It was never acknowledged: to end the tape before it loses nothing.  (Other
 * readers report an invalid length where we say end of data.)
 */
static int
mend_torn_header(const struct image *image, uint64_t at, uint32_t *word)
{
	uint64_t size = hostfile_size(image->host);
	uint32_t trailing;
	int r;

	if (at % PAGE != PAGE - WORD / 2 || *word >> 16 != 0xffff ||
	    size - at < framed(1))
		return 0;
	r = word_at(image, size - WORD, &trailing);
	if (r < 0)
		return r;
	if (is_record(trailing) && (trailing & 0xffff) == (*word & 0xffff) &&
	    framed(trailing & LENGTH_MASK) == size - at)
		*word = END_OF_MEDIUM;
	return 0;
}

/* A record that begins at ${at} with ${word}. */
static int
next_record(const struct image *image, uint64_t at, uint32_t word,
    struct image_object *ret_object)
{
	uint32_t length = word & LENGTH_MASK;
	uint64_t end = at + framed(length);
	uint64_t size = hostfile_size(image->host);
	uint32_t trailing;
	int r;

	if (end > size)
		return image_damaged(image, at,
		    "a record of %" PRIu32 " bytes would end at %" PRIu64
		    ", but the file ends at %" PRIu64,
		    length, end, size);
	r = word_at(image, end - WORD, &trailing);
	if (r < 0)
		return r;
	if (trailing != word)
		return image_damaged(image, at,
		    "leading length %" PRIu32 "%s but trailing length %" PRIu32
		    "%s at %" PRIu64,
		    length, word & ERROR_FLAG ? " (error)" : "",
		    trailing & ~ERROR_FLAG,
		    trailing & ERROR_FLAG ? " (error)" : "", end - WORD);
	*ret_object = (struct image_object){ .kind = IMAGE_RECORD,
		.at = at,
		.end = end,
		.size = length,
		.bad = (word & ERROR_FLAG) != 0 };
	return 0;
}

static int
simh_next(struct image *image, uint64_t at, struct image_object *ret_object)
{
	uint32_t word;
	int r;

	for (;;) {
		if (hostfile_size(image->host) - at < WORD)
			r = tail_at(image, at, &word);
		else
			r = word_at(image, at, &word);
		if (r == 0)
			r = mend_torn_header(image, at, &word);
		if (r < 0)
			return r;
		if (word == GAP)
			at += WORD;
		else if (word == HALF_GAP)
			at += WORD / 2;
		else
			break;
	}
	if (word == END_OF_MEDIUM)
		return image_nothing(at, ret_object);
	if (word == MARK)
		return image_filemark(at, at + WORD, ret_object);
	if (is_record(word))
		return next_record(image, at, word, ret_object);
	return refuse_word(image, at, word);
}

/* A record that ends at ${end} with ${word}. */
static int
prev_record(const struct image *image, uint64_t end, uint32_t word,
    struct image_object *ret_object)
{
	uint64_t whole = framed(word & LENGTH_MASK);
	uint32_t leading;
	int r;

	if (whole > end)
		return image_damaged(image, end - WORD,
		    "trailing length %" PRIu32 ", but only %" PRIu64
		    " bytes precede it",
		    word & LENGTH_MASK, end - WORD);
	r = word_at(image, end - whole, &leading);
	if (r < 0)
		return r;
	if (leading != word)
		return image_damaged(image, end - WORD,
		    "trailing word %08" PRIX32 " but leading word %08" PRIX32
		    " at %" PRIu64,
		    word, leading, end - whole);
	*ret_object = (struct image_object){ .kind = IMAGE_RECORD,
		.at = end - whole,
		.end = end,
		.size = word & LENGTH_MASK,
		.bad = (word & ERROR_FLAG) != 0 };
	return 0;
}

/* Whether a word, seen backward, ends in half a gap. */
static bool
is_half_gap_backward(uint32_t word)
{
	return word >> 16 == 0xffff && word != GAP;
}

static int
simh_prev(struct image *image, uint64_t at, struct image_object *ret_object)
{
	uint32_t word = GAP;
	int r;

	while (at >= WORD) {
		r = word_at(image, at - WORD, &word);
		if (r < 0)
			return r;
		if (word == GAP)
			at -= WORD;
		else if (is_half_gap_backward(word))
			at -= WORD / 2;
		else
			break;
	}
	/* Less than a word: half a gap that begins the tape. */
	if (at < WORD)
		return image_nothing(image->bot, ret_object);
	if (word == MARK)
		return image_filemark(at - WORD, at, ret_object);
	if (is_record(word))
		return prev_record(image, at, word, ret_object);
	return refuse_word(image, at - WORD, word);
}

static int
simh_read(struct image *image, const struct image_object *object, void *buf,
    size_t size, size_t *ret_len)
{
	int r = hostfile_read(image->host, object->at + WORD, buf,
	    size < object->size ? size : object->size);

	if (r == 0)
		*ret_len = object->size;
	return r;
}

static uint64_t
simh_cost(const struct image *image, size_t len)
{
	(void)image; /* all are alike */
	return len == 0 ? WORD : framed((uint32_t)len);
}

/* Steps 1 and 2. */
static int
simh_put_record(struct image *image, uint64_t at, const void *buf, size_t len,
    uint64_t *ret_end)
{
	static const uint8_t unvouched[WORD] = { 0xff, 0xff, 0xff, 0xff };
	uint8_t after[1 + WORD] = { 0 };
	uint8_t *trailing = after + (len & 1);
	struct iovec pieces[] = {
		hostfile_piece(unvouched, sizeof(unvouched)),
		hostfile_piece(buf, len),
		hostfile_piece(after, (len & 1) + WORD),
	};
	int r;

	assert(at == hostfile_size(image->host));
	le32_put(trailing, (uint32_t)len);
	r = hostfile_append(image->host, pieces, 3);
	if (r == 0)
		r = hostfile_vouch(image->host, at, trailing, WORD);
	if (r == 0)
		*ret_end = at + framed((uint32_t)len);
	return r;
}

/* Step 3. */
static int
simh_put_filemark(struct image *image, uint64_t at, uint64_t *ret_end)
{
	int r;

	assert(at == hostfile_size(image->host));
	r = hostfile_extend(image->host, WORD);
	if (r == 0)
		*ret_end = at + WORD;
	return r;
}

/*
 * Whether this looks like a tape: its first record is whole, or it ends before
 * it has one.  Lengths that agree at both ends of a record are what nothing
 * else has.  Filemarks alone prove little, nor does an end of medium, where no
 * more may follow than a record that step 1 was killed in.
 */
static int
simh_probe(const struct image_source *source)
{
	struct image_object object = { .kind = IMAGE_NONE };
	unsigned filemarks = 0;
	struct image image;
	int r;

	image_init(&image, &simh_format, source);
	do {
		r = simh_next(&image, object.end, &object);
	} while (r == 0 && object.kind == IMAGE_FILEMARK &&
	    filemarks++ < PROBE_FILEMARKS);
	if (r < 0)
		return image_unlike(&image, r);
	if (object.kind == IMAGE_RECORD ||
	    (object.kind == IMAGE_NONE &&
		hostfile_size(image.host) - object.end <=
		    framed(TAPE_MAX_RECORD)))
		return 0;
	return tape_fail(source->owner, EMEDIUMTYPE,
	    "%s: no record up to offset %" PRIu64 ", and then it goes on; "
	    "this may be no simh image",
	    image.name, object.end);
}

static int
simh_open(const struct image_source *source, struct image **ret_image)
{
	struct image *image = calloc(1, sizeof(*image));

	if (image == NULL)
		return tape_fail(source->owner, ENOMEM, "out of memory");
	image_init(image, &simh_format, source);
	*ret_image = image;
	return 0;
}

static const char *const simh_suffixes[] = { ".tap", ".simh", NULL };

const struct image_format simh_format = {
	.name = "simh",
	.about = "SIMH standard format",
	.suffixes = simh_suffixes,
	.max_record = TAPE_MAX_RECORD,
	.probe = simh_probe,
	.open = simh_open,
	.close = image_host_close,
	.describe = image_plain_describe,
	.next = simh_next,
	.prev = simh_prev,
	.find = image_no_find,
	.resync = image_no_resync,
	.read = simh_read,
	.cost = simh_cost,
	.protection = image_host_protection,
	.expect = image_host_expect,
	.reserve = image_host_reserve,
	.top = image_host_top,
	.sync = image_host_sync,
	.cut = image_host_cut,
	.put_record = simh_put_record,
	.put_filemark = simh_put_filemark,
	.set = image_no_set,
	.select = image_one_select,
	.partition = image_one_partition,
};
