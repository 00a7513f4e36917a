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
 * lose them when the tape is copied.  Who wants just that says format=simh-ext,
 * see simh_ext.c.
 *
 * The framing is shared: here is also the codec of simh-ext and, without the
 * padding, that of e11.c.  In E11 an object can begin at any offset.
 *
 * Order of writes, and what a kill leaves
 *
 *  1. A record goes to the end of the file with FFFFFFFF in place of its first
 *     word.  Killed here, the image ends cleanly before the record: readers
 *     stop at FFFFFFFF.  If even this word is cut, the file ends with one to
 *     three bytes FF, which is no header that any record could have begun with
 *     and which SIMH takes as the end, too.
 *  2. The first word is replaced by the length.  With it the record counts.
 *     A word that is not aligned can lie across two pages, and then a kill can
 *     come between its parts: see mend_torn_header().
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
#include "simh_state.h"

#define WORD SIMH_WORD
#define MARK UINT32_C(0)
#define END_OF_MEDIUM UINT32_C(0xffffffff)
#define GAP UINT32_C(0xfffffffe)
#define HALF_GAP UINT32_C(0xfffeffff)
#define ILLEGAL_FIRST UINT32_C(0xfffe0000)
#define ERROR_FLAG UINT32_C(0x80000000)
#define LENGTH_MASK UINT32_C(0x0fffffff)

/* The private marker that SCSI2Pi puts after its data, and may leave more. */
#define SCSI2PI_END UINT32_C(0x73533250)

/* The smallest page there is; larger ones are multiples of it. */
#define PAGE 4096

static enum simh_dialect
dialect_of(const struct image *image)
{
	return ((const struct simh_image *)image)->dialect;
}

/* The class of an object in the extended format. */
static unsigned
class_of(uint32_t word)
{
	return word >> 28;
}

bool
simh_is_record(uint32_t word)
{
	return word != MARK && (word & ~(ERROR_FLAG | LENGTH_MASK)) == 0 &&
	    (word & LENGTH_MASK) <= TAPE_MAX_RECORD;
}

/* Of the extended format: four bytes, to be passed over. */
static bool
is_other_marker(uint32_t word)
{
	return class_of(word) == 7 ||
	    (class_of(word) == 0xf && word < ILLEGAL_FIRST);
}

/* Of the extended format: framed like a record, to be passed over. */
static bool
is_other_record(uint32_t word)
{
	return (class_of(word) >= 1 && class_of(word) <= 6) ||
	    (class_of(word) >= 9 && class_of(word) <= 0xe);
}

/* Bytes of padding after data. */
static uint32_t
padding(const struct image *image, uint32_t length)
{
	return dialect_of(image) == SIMH_E11 ? 0 : length & 1;
}

/* Bytes from the first to past the last word of a record. */
static uint64_t
framed(const struct image *image, uint32_t length)
{
	return 2 * WORD + (uint64_t)length + padding(image, length);
}

/* What is wrong with a word that is nothing that it could be. */
static int
refuse_word(const struct image *image, uint64_t at, uint32_t word)
{
	if (class_of(word) == 0 || class_of(word) == 8 ||
	    (dialect_of(image) == SIMH_E11 && class_of(word) != 0xf))
		return image_damaged(image, at,
		    "a record of %" PRIu32 " bytes, but %" PRIu32
		    " is the most",
		    word & ~ERROR_FLAG, TAPE_MAX_RECORD);
	if (class_of(word) == 0xf)
		return image_damaged(image, at,
		    "%08" PRIX32 " is no record length and no mark", word);
	return image_damaged(image, at,
	    "%08" PRIX32 " may be an object of class %X of the extended SIMH "
	    "format; format=simh-ext passes over those",
	    word, class_of(word));
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
tail_at(struct image *image, uint64_t at, uint32_t *ret_word)
{
	size_t left = (size_t)(hostfile_size(image->host) - at);
	const uint8_t *p;
	int r = hostfile_peek(image->host, at, left, &p);

	if (r < 0)
		return r;
	for (size_t i = 0; i < left; i++)
		if (p[i] != 0xff)
			return image_torn(image, at,
			    "the file ends %zu bytes into a length", left);
	*ret_word = END_OF_MEDIUM;
	return 0;
}

/*
 * Takes a part of a length for the end of medium that it was, if a kill has
 * split step 2: the lower bytes are written, in one page, and the upper ones,
 * in the next page, still are FF.  No object looks so, but damage could; so the
 * whole record has to be there, up to the end of the file, with its length
 * after it.  It was never acknowledged: to end the tape before it loses
 * nothing.  (Other readers report an invalid length where we say end of data.)
 */
static int
mend_torn_header(const struct image *image, uint64_t at, uint32_t *word)
{
	uint64_t size = hostfile_size(image->host);
	unsigned lower = PAGE - (unsigned)(at % PAGE); /* bytes */
	uint32_t mask, trailing;
	int r;

	if (lower >= WORD || size - at < framed(image, 1))
		return 0;
	mask = (UINT32_C(1) << 8 * lower) - 1;
	if ((*word | mask) != UINT32_MAX)
		return 0;
	r = word_at(image, size - WORD, &trailing);
	if (r < 0)
		return r;
	if (simh_is_record(trailing) && (trailing & mask) == (*word & mask) &&
	    framed(image, trailing & LENGTH_MASK) == size - at)
		*word = END_OF_MEDIUM;
	return 0;
}

static int
trailing_differs(const struct image *image, uint64_t at, uint32_t word,
    uint64_t trailing_at, uint32_t trailing)
{
	if (!simh_is_record(word))
		return image_damaged(image, at,
		    "leading word %08" PRIX32 " but trailing word %08" PRIX32
		    " at %" PRIu64,
		    word, trailing, trailing_at);
	return image_damaged(image, at,
	    "leading length %" PRIu32 "%s but trailing length %" PRIu32
	    "%s at %" PRIu64,
	    word & LENGTH_MASK, word & ERROR_FLAG ? " (error)" : "",
	    trailing & ~ERROR_FLAG, trailing & ERROR_FLAG ? " (error)" : "",
	    trailing_at);
}

/*
 * Whether an odd record ends the file without its padding.  That is the e11
 * format, and the record is whole: nobody should take it for a torn one.
 */
static bool
is_unpadded(const struct image *image, uint64_t at, uint32_t word)
{
	uint32_t length = word & LENGTH_MASK, trailing;
	uint64_t end = at + framed(image, length) - padding(image, length);

	return padding(image, length) != 0 &&
	    end == hostfile_size(image->host) &&
	    word_at(image, end - WORD, &trailing) == 0 && trailing == word;
}

int
simh_check_frame(struct image *image, uint64_t at, uint32_t word,
    uint64_t *ret_end)
{
	uint32_t length = word & LENGTH_MASK;
	uint64_t end = at + framed(image, length);
	uint64_t size = hostfile_size(image->host);
	uint32_t trailing;
	int r;

	if (is_unpadded(image, at, word))
		return image_damaged(image, at,
		    "a record of %" PRIu32 " bytes would end at %" PRIu64
		    ", but lacks its padding, as in the e11 format",
		    length, end);
	if (end > size)
		return image_torn(image, at,
		    "a record of %" PRIu32 " bytes would end at %" PRIu64
		    ", but the file ends at %" PRIu64,
		    length, end, size);
	r = word_at(image, end - WORD, &trailing);
	if (r < 0)
		return r;
	if (trailing != word)
		return trailing_differs(image, at, word, end - WORD, trailing);
	*ret_end = end;
	return 0;
}

/* The word that begins an object, or END_OF_MEDIUM. */
static int
header_at(struct image *image, uint64_t at, uint32_t *ret_word)
{
	bool extended = dialect_of(image) == SIMH_EXTENDED;
	int r;

	if (hostfile_size(image->host) - at < WORD)
		r = tail_at(image, at, ret_word);
	else
		r = word_at(image, at, ret_word);
	if (r == 0)
		r = mend_torn_header(image, at, ret_word);
	if (r == 0 && extended && *ret_word == SCSI2PI_END)
		*ret_word = END_OF_MEDIUM;
	return r;
}

int
simh_next_word(struct image *image, uint64_t *at, uint32_t *ret_word)
{
	bool extended = dialect_of(image) == SIMH_EXTENDED;
	int r;

	while ((r = header_at(image, *at, ret_word)) == 0) {
		if (*ret_word == GAP)
			*at += WORD;
		else if (*ret_word == HALF_GAP)
			*at += WORD / 2;
		else if (*ret_word == END_OF_MEDIUM)
			return 0;
		else if (extended && is_other_marker(*ret_word))
			*at += WORD;
		else if (extended && is_other_record(*ret_word))
			r = simh_check_frame(image, *at, *ret_word, at);
		else
			return 0;
		if (r < 0)
			return r;
	}
	return r;
}

int
simh_next(struct image *image, uint64_t at, struct image_object *ret_object)
{
	uint32_t word;
	uint64_t end;
	int r = simh_next_word(image, &at, &word);

	if (r < 0)
		return r;
	if (word == END_OF_MEDIUM)
		return image_nothing(at, ret_object);
	if (word == MARK)
		return image_filemark(at, at + WORD, ret_object);
	if (!simh_is_record(word))
		return refuse_word(image, at, word);
	r = simh_check_frame(image, at, word, &end);
	if (r < 0)
		return r;
	*ret_object = (struct image_object){ .kind = IMAGE_RECORD,
		.at = at,
		.end = end,
		.size = word & LENGTH_MASK,
		.bad = (word & ERROR_FLAG) != 0 };
	return 0;
}

/* Where the record begins that ends at ${end} with ${word}. */
static int
frame_before(const struct image *image, uint64_t end, uint32_t word,
    uint64_t *ret_at)
{
	uint64_t whole = framed(image, word & LENGTH_MASK);
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
	*ret_at = end - whole;
	return 0;
}

/* Whether a word, seen backward, ends in half a gap. */
static bool
is_half_gap_backward(uint32_t word)
{
	return word >> 16 == 0xffff && word != GAP;
}

/*
 * Goes back over what is no object.  ${ret_word}: the last word of the object
 * before ${at}; there is none if that is less than a word: half a gap begins
 * the tape.
 */
static int
prev_word(const struct image *image, uint64_t *at, uint32_t *ret_word)
{
	bool extended = dialect_of(image) == SIMH_EXTENDED;
	int r = 0;

	while (r == 0 && *at >= WORD) {
		r = word_at(image, *at - WORD, ret_word);
		if (r < 0)
			return r;
		if (*ret_word == GAP)
			*at -= WORD;
		else if (is_half_gap_backward(*ret_word))
			*at -= WORD / 2;
		else if (extended && is_other_marker(*ret_word))
			*at -= WORD;
		else if (extended && is_other_record(*ret_word))
			r = frame_before(image, *at, *ret_word, at);
		else
			return 0;
	}
	return r;
}

int
simh_prev(struct image *image, uint64_t at, struct image_object *ret_object)
{
	uint32_t word = GAP;
	uint64_t end = at;
	int r = prev_word(image, &end, &word);

	if (r < 0)
		return r;
	if (end < WORD)
		return image_nothing(image->bot, ret_object);
	if (word == MARK)
		return image_filemark(end - WORD, end, ret_object);
	if (!simh_is_record(word))
		return refuse_word(image, end - WORD, word);
	r = frame_before(image, end, word, &at);
	if (r < 0)
		return r;
	*ret_object = (struct image_object){ .kind = IMAGE_RECORD,
		.at = at,
		.end = end,
		.size = word & LENGTH_MASK,
		.bad = (word & ERROR_FLAG) != 0 };
	return 0;
}

int
simh_read(struct image *image, const struct image_object *object, void *buf,
    size_t size, size_t *ret_len)
{
	int r = hostfile_read(image->host, object->at + WORD, buf,
	    size < object->size ? size : object->size);

	if (r == 0)
		*ret_len = object->size;
	return r;
}

uint64_t
simh_cost(const struct image *image, size_t len)
{
	return len == 0 ? WORD : framed(image, (uint32_t)len);
}

/* Steps 1 and 2. */
int
simh_put_record(struct image *image, uint64_t at, const void *buf, size_t len,
    uint64_t *ret_end)
{
	static const uint8_t unvouched[WORD] = { 0xff, 0xff, 0xff, 0xff };
	uint8_t after[1 + WORD] = { 0 };
	size_t pad = padding(image, (uint32_t)len);
	struct iovec pieces[] = {
		hostfile_piece(unvouched, sizeof(unvouched)),
		hostfile_piece(buf, len),
		hostfile_piece(after, pad + WORD),
	};
	int r;

	assert(at == hostfile_size(image->host));
	le32_put(after + pad, (uint32_t)len);
	r = hostfile_append(image->host, pieces, 3);
	if (r == 0)
		r = hostfile_vouch(image->host, at, after + pad, WORD);
	if (r == 0)
		*ret_end = at + framed(image, (uint32_t)len);
	return r;
}

/* Step 3. */
int
simh_put_filemark(struct image *image, uint64_t at, uint64_t *ret_end)
{
	int r;

	assert(at == hostfile_size(image->host));
	r = hostfile_extend(image->host, WORD);
	if (r == 0)
		*ret_end = at + WORD;
	return r;
}

int
simh_open_as(const struct image_source *source,
    const struct image_format *format, enum simh_dialect dialect,
    struct image **ret_image)
{
	struct simh_image *image = calloc(1, sizeof(*image));

	if (image == NULL)
		return tape_fail(source->owner, ENOMEM, "out of memory");
	image_init(&image->base, format, source);
	image->dialect = dialect;
	*ret_image = &image->base;
	return 0;
}

static int
simh_open(const struct image_source *source, struct image **ret_image)
{
	return simh_open_as(source, &simh_format, SIMH_STANDARD, ret_image);
}

static int
simh_probe(const struct image_source *source)
{
	return simh_probe_as(source, &simh_format, SIMH_STANDARD);
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
	.resync = simh_resync,
	.flaws = image_no_flaws,
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
