/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual tape of Bacula's storage daemon ("Device Type = VTape").
 *
 * Numbers have the byte order of the host that wrote them: little-endian here;
 * an image from a big-endian host is refused.
 *
 *     OFFSET  SIZE  DESCRIPTION
 *     0       4     record: length N of the data, not 0
 *     4       N     data; nothing after it
 *
 *     0       4     filemark: 00000000
 *     4       8     offset of the filemark before it; 0: the leading one
 *     12      8     offset of the filemark after it; 0: it is the last one
 *
 * The file begins with a filemark, the leading one, which heads the chain of
 * links and is none of the tape: BOT is after it, at offset 20, and Bacula,
 * too, says file 0 there.  A record "abc", a filemark, a record "de", a
 * filemark:
 *
 *     00  00 00 00 00  00 00 00 00 00 00 00 00  1b 00 00 00 00 00 00 00
 *     14  03 00 00 00  61 62 63
 *     1b  00 00 00 00  00 00 00 00 00 00 00 00  35 00 00 00 00 00 00 00
 *     2f  02 00 00 00  64 65
 *     35  00 00 00 00  1b 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00
 *
 * The links are all the redundancy that there is, and all of it is checked: the
 * link back of a filemark when it is met, with the link on of the one that it
 * leads to; and at the end of data that the last filemark leads nowhere, or
 * else something is cut off.  A link on that is 0 proves nothing, see below.
 *
 * Order of writes, and what a kill leaves
 *
 *  1. A record goes to the end of the file with FFFFFFFF for its length, which
 *     is no record's.  Killed here, we take it for the end of data, and so we
 *     take less than four bytes FF.  (Bacula reports an error there.)
 *  2. The word is replaced by the length: now the record counts.  It can lie
 *     across two pages, and a kill come in between; then only the first bytes
 *     of the word are written.  See is_torn().
 *  3. A filemark is written as in steps 1 and 2, with its link back.
 *  4. The link on of the filemark before it, which was 0, leads to it.  Killed
 *     before this, or in the midst of it where the link lies across two pages,
 *     the filemark counts: we walk from record to record, and need no links.
 *     Bacula's fsf fails there until the link is mended, which happens before
 *     anything is written after it.
 *  5. To write before the end, the link on of the last filemark that remains is
 *     made 0, and then the file is truncated.  Killed in between, the tape is
 *     the old one, as in step 4.
 *
 * So a kill costs nothing that was acknowledged.  When the host dies, all that
 * was synced is there; of what came later pages may be there in any order, and
 * but for the links the format has nothing to tell.
 *
 * Bacula's own reader needs a filemark at the end: its btape hangs on "eod"
 * when a record is the last thing.  A drive that is closed after writing writes
 * one, so images have it unless the process was killed.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "bytes.h"
#include "vtape.h"
#include "walk.h"

#define WORD 4	/* bytes of a length */
#define MARK 20 /* bytes of a filemark */
#define BACK 4	/* where in it the link back is */
#define ON 12	/* ... and the link on */
#define LINK 8	/* bytes of a link */

#define UNVOUCHED UINT32_C(0xffffffff)

/* The most that probing looks at. */
#define PROBE_OBJECTS 100000

/* The smallest page there is; larger ones are multiples of it. */
#define PAGE 4096

struct vtape {
	struct image base;
	struct walk *walk; /* NULL while probing */
	/*
	 * What reading has passed: no filemark begins after ${seen_mark} and
	 * before ${seen_to}, where an object ends.
	 */
	uint64_t seen_mark, seen_to;
	uint64_t seen_on;  /* the link on of that filemark */
	uint64_t good_end; /* the links were checked for an end here */
	bool linked;	   /* some link on and its link back agreed */
	/* Once something was cut: the last filemark of all. */
	bool writing;
	uint64_t last;
};

static struct vtape *
vtape_of(struct image *image)
{
	return (struct vtape *)image;
}

static bool
is_length(uint64_t length)
{
	return length > 0 && length <= TAPE_MAX_RECORD;
}

/*
 * How many bytes of a number that begins at ${at} lie in its first page, if it
 * lies across two; otherwise 0.
 */
static unsigned
split(uint64_t at, unsigned size)
{
	unsigned first = PAGE - (unsigned)(at % PAGE);

	return first < size ? first : 0;
}

/*
 * Whether a length is what a kill has left in the midst of step 2: its first
 * bytes, and FF for the others.  That can be only where it lies across two
 * pages, and with the whole object behind it up to the end of the file.
 */
static bool
is_torn(uint64_t at, uint32_t word, uint64_t size)
{
	unsigned first = split(at, WORD);
	uint64_t left = size - at;
	uint32_t low;

	if (first == 0)
		return false;
	low = (UINT32_C(1) << 8 * first) - 1;
	if ((word | low) != UNVOUCHED)
		return false;
	if (left == MARK && (word & low) == 0)
		return true;
	return left > WORD && is_length(left - WORD) &&
	    (word & low) == ((left - WORD) & low);
}

/* Less than a word is left of the file. */
static int
tail_at(const struct image *image, uint64_t at, size_t left)
{
	const uint8_t *p;
	int r = hostfile_peek(image->host, at, left, &p);

	for (size_t i = 0; r == 0 && i < left; i++)
		if (p[i] != 0xff)
			r = image_damaged(image, at,
			    "the file ends %zu bytes into a length", left);
	return r;
}

/* The word that an object begins with; UNVOUCHED at the end of data. */
static int
word_at(const struct image *image, uint64_t at, uint32_t *ret_word)
{
	uint64_t size = hostfile_size(image->host);
	uint64_t left = size > at ? size - at : 0;
	const uint8_t *p;
	int r;

	*ret_word = UNVOUCHED;
	if (left < WORD)
		return left == 0 ? 0 : tail_at(image, at, (size_t)left);
	r = hostfile_peek(image->host, at, WORD, &p);
	if (r < 0)
		return r;
	if (!is_torn(at, le32_get(p), size))
		*ret_word = le32_get(p);
	if (*ret_word == UNVOUCHED && left > WORD + TAPE_MAX_RECORD)
		return image_damaged(image, at,
		    "FFFFFFFF is no length, and %" PRIu64 " bytes follow it",
		    left - WORD);
	return 0;
}

/* The object at ${at}, with no look at links. */
static int
object_at(const struct image *image, uint64_t at,
    struct image_object *ret_object)
{
	uint64_t size = hostfile_size(image->host);
	uint32_t word;
	uint64_t end;
	int r = word_at(image, at, &word);

	if (r < 0)
		return r;
	if (word == UNVOUCHED)
		return image_nothing(at, ret_object);
	end = word == 0 ? at + MARK : at + WORD + word;
	if (word != 0 && !is_length(word))
		return image_damaged(image, at,
		    "a record of %" PRIu32 " bytes, but %" PRIu32
		    " is the most",
		    word, TAPE_MAX_RECORD);
	if (end > size && word == 0)
		return image_damaged(image, at,
		    "the file ends %" PRIu64 " bytes into a filemark",
		    size - at);
	if (end > size)
		return image_damaged(image, at,
		    "a record of %" PRIu32 " bytes would end at %" PRIu64
		    ", but the file ends at %" PRIu64,
		    word, end, size);
	*ret_object = (struct image_object){
		.kind = word == 0 ? IMAGE_FILEMARK : IMAGE_RECORD,
		.at = at,
		.end = end,
		.size = word,
	};
	return 0;
}

/* ---- Links -------------------------------------------------------------- */

/* What is at ${at}, taken for a filemark. */
struct mark {
	bool is; /* a filemark, and not past the end of the file */
	uint64_t back, on;
};

static int
mark_at(const struct image *image, uint64_t at, struct mark *ret_mark)
{
	uint64_t size = hostfile_size(image->host);
	const uint8_t *p;
	int r;

	*ret_mark = (struct mark){ .is = false };
	if (at > size || size - at < MARK)
		return 0;
	r = hostfile_peek(image->host, at, WORD, &p);
	if (r < 0)
		return r;
	ret_mark->is = le32_get(p) == 0;
	r = hostfile_peek(image->host, at + BACK, 2 * LINK, &p);
	if (r < 0)
		return r;
	ret_mark->back = le64_get(p);
	ret_mark->on = le64_get(p + ON - BACK);
	return 0;
}

/*
 * Whether the link on of the filemark at ${at} may be what it is although the
 * one after it is at ${next}: because it is not yet, or no longer, there.
 */
static bool
link_agrees(uint64_t at, uint64_t on, uint64_t next)
{
	unsigned first = split(at + ON, LINK);
	uint64_t low;

	if (on == 0 || on == next)
		return true;
	if (first == 0)
		return false;
	low = (UINT64_C(1) << 8 * first) - 1;
	/* The first bytes of the new link, or of the 0 that replaces it. */
	return on == (next & low) || on == (next & ~low);
}

/* The link back of a filemark, and the one on that leads to it. */
static int
check_mark(struct vtape *v, uint64_t at)
{
	const struct image *image = &v->base;
	struct mark here, before = { .is = false };
	int r = mark_at(image, at, &here);

	if (r == 0 && here.back < at)
		r = mark_at(image, here.back, &before);
	if (r < 0)
		return r;
	if (!before.is || here.back + MARK > at)
		return image_damaged(image, at,
		    "a filemark that says the one before it is at %" PRIu64
		    ", where there is none",
		    here.back);
	if (v->seen_to == at && v->seen_mark != here.back)
		return image_damaged(image, at,
		    "a filemark that says the one before it is at %" PRIu64
		    ", but it is at %" PRIu64,
		    here.back, v->seen_mark);
	if (!link_agrees(here.back, before.on, at))
		return image_damaged(image, at,
		    "a filemark, but the one before it, at %" PRIu64
		    ", says that %" PRIu64 " is the next",
		    here.back, before.on);
	v->linked |= before.on == at;
	v->seen_mark = at;
	v->seen_on = here.on;
	return 0;
}

/* A record, coming from the filemark before it: that may not lead into it. */
static int
check_record(const struct vtape *v, const struct image_object *object)
{
	if (v->seen_to != object->at || v->seen_on < object->at ||
	    v->seen_on >= object->end || split(v->seen_mark + ON, LINK) != 0)
		return 0;
	return image_damaged(&v->base, object->at,
	    "a record of %" PRIu32 " bytes, but the filemark at %" PRIu64
	    " says that %" PRIu64 " is the next one",
	    object->size, v->seen_mark, v->seen_on);
}

/* The first filemark between the one at ${at} and ${end}, or 0. */
static int
walk_to_mark(const struct image *image, uint64_t at, uint64_t end,
    uint64_t *ret_next)
{
	struct image_object object = { .end = at + MARK };
	int r;

	*ret_next = 0;
	while (object.end < end) {
		r = object_at(image, object.end, &object);
		if (r < 0)
			return r;
		if (object.kind == IMAGE_FILEMARK)
			*ret_next = object.at;
		if (object.kind != IMAGE_RECORD)
			break;
	}
	return 0;
}

/*
 * The filemark that follows the one at ${at} before ${end}, which is an end of
 * an object; 0 if there is none.  The link is followed if there is a filemark
 * at its end that leads back; otherwise the records are walked.
 */
static int
mark_after(const struct image *image, uint64_t at, uint64_t end,
    uint64_t *ret_next, uint64_t *ret_on)
{
	struct mark here, next = { .is = false };
	int r = mark_at(image, at, &here);

	if (r == 0 && here.on >= at + MARK)
		r = mark_at(image, here.on, &next);
	if (r < 0)
		return r;
	*ret_on = here.on;
	if (next.is && next.back == at) {
		*ret_next = here.on < end ? here.on : 0;
		return 0;
	}
	return walk_to_mark(image, at, end, ret_next);
}

/*
 * Data end at ${end}.  Do the links say so?  They are followed from the last
 * filemark that is known.
 */
static int
check_end(struct vtape *v, uint64_t end)
{
	const struct image *image = &v->base;
	uint64_t at = v->seen_to == end ? v->seen_mark : 0, next, on;
	struct mark mark;
	int r = 0;

	if (v->good_end == end || hostfile_size(image->host) == 0)
		return 0;
	for (;;) {
		r = mark_at(image, at, &mark);
		if (r < 0)
			return r;
		if (mark.on == 0)
			break; /* the last, or one that was not linked */
		r = mark_after(image, at, end, &next, &on);
		if (r < 0)
			return r;
		if (next == 0)
			return image_damaged(image, end,
			    "data end here, but the filemark at %" PRIu64
			    " says that %" PRIu64 " is the next one",
			    at, on);
		at = next;
	}
	v->good_end = end;
	return 0;
}

/* ---- Reading ------------------------------------------------------------ */

/* At BOT the leading filemark has been passed. */
static int
begin_seeing(struct vtape *v)
{
	struct mark lead;
	int r = mark_at(&v->base, 0, &lead);

	if (r < 0)
		return r;
	v->seen_mark = 0;
	v->seen_on = lead.on;
	v->seen_to = MARK;
	return 0;
}

static int
vtape_next(struct image *image, uint64_t at, struct image_object *ret_object)
{
	struct vtape *v = vtape_of(image);
	struct image_object object = { .kind = IMAGE_NONE };
	int r = at == image->bot ? begin_seeing(v) : 0;

	if (r == 0)
		r = object_at(image, at, &object);
	if (r == 0 && object.kind == IMAGE_RECORD)
		r = check_record(v, &object);
	if (r == 0 && object.kind == IMAGE_FILEMARK)
		r = check_mark(v, at);
	if (r == 0 && object.kind == IMAGE_NONE)
		r = check_end(v, at);
	if (r < 0)
		return r;
	*ret_object = object;
	if (object.kind == IMAGE_FILEMARK || v->seen_to == at)
		v->seen_to = object.end;
	if (v->walk != NULL)
		walk_note(v->walk, at);
	return 0;
}

static int
vtape_prev(struct image *image, uint64_t at, struct image_object *ret_object)
{
	return walk_prev(vtape_of(image)->walk, image, at, ret_object);
}

/* The first filemark after ${at} that the chain of links leads to. */
static int
mark_in_chain(const struct image *image, uint64_t at, uint64_t *ret_mark)
{
	struct mark here, next;
	uint64_t mark = 0;
	int r;

	for (;;) {
		r = mark_at(image, mark, &here);
		if (r < 0)
			return r;
		if (here.on < mark + MARK)
			return -ENODATA;
		r = mark_at(image, here.on, &next);
		if (r < 0)
			return r;
		if (!next.is || next.back != mark)
			return -ENODATA;
		mark = here.on;
		if (mark > at)
			break;
	}
	*ret_mark = mark;
	return 0;
}

/*
 * Whether these bytes at ${at} are a filemark that the one after it agrees
 * with.  Other bytes are that only if somebody has put them there.
 */
static int
is_mark_by_next(const struct image *image, uint64_t at, const uint8_t *bytes,
    bool *ret_is)
{
	uint64_t on = le64_get(bytes + ON);
	struct mark next;
	int r;

	*ret_is = false;
	if (le32_get(bytes) != 0 || le64_get(bytes + BACK) >= at ||
	    on < at + MARK)
		return 0;
	r = mark_at(image, on, &next);
	*ret_is = r == 0 && next.is && next.back == at;
	return r;
}

/* The first filemark after ${at}, wherever it is, that can be told from data.
 */
static int
search_mark(const struct image *image, uint64_t at, uint64_t *ret_mark)
{
	uint64_t size = hostfile_size(image->host);
	uint8_t bytes[4096 + MARK - 1];
	bool is = false;
	int r = 0;

	for (at++; r == 0 && size - at >= MARK;
	     at += sizeof(bytes) - MARK + 1) {
		size_t n = sizeof(bytes);

		if (n > size - at)
			n = (size_t)(size - at);
		r = hostfile_read(image->host, at, bytes, n);
		for (size_t i = 0; r == 0 && i + MARK <= n; i++) {
			r = is_mark_by_next(image, at + i, bytes + i, &is);
			if (r == 0 && is) {
				*ret_mark = at + i;
				return 0;
			}
		}
		if (n < sizeof(bytes))
			break;
	}
	return r < 0 ? r : -ENODATA;
}

/* Whether there is an object at ${at} that is intact. */
static bool
is_intact(struct vtape *v, uint64_t at)
{
	struct image_object object = { .kind = IMAGE_NONE };

	v->seen_to = 0; /* what lies between is not known */
	return vtape_next(&v->base, at, &object) == 0 &&
	    object.kind != IMAGE_NONE;
}

/*
 * The next filemark that its links vouch for.  Where its link back is a part of
 * the damage, what follows it is intact.
 */
static int
vtape_resync(struct image *image, uint64_t at, uint64_t *ret_at)
{
	struct vtape *v = vtape_of(image);
	int r;

	for (;;) {
		r = mark_in_chain(image, at, &at);
		if (r == -ENODATA && at < hostfile_size(image->host))
			r = search_mark(image, at, &at);
		if (r < 0)
			return r;
		for (int i = 0; i < 2; i++)
			if (is_intact(v, at + (uint64_t)i * MARK)) {
				*ret_at = at + (uint64_t)i * MARK;
				return 0;
			}
	}
}

static int
vtape_read(struct image *image, const struct image_object *object, void *buf,
    size_t size, size_t *ret_len)
{
	int r = hostfile_read(image->host, object->at + WORD, buf,
	    size < object->size ? size : object->size);

	if (r == 0)
		*ret_len = object->size;
	return r;
}

/* ---- Writing ------------------------------------------------------------ */

static uint64_t
vtape_cost(const struct image *image, size_t len)
{
	(void)image; /* all are alike */
	return len == 0 ? MARK : WORD + len;
}

static int
set_link(const struct image *image, uint64_t mark, uint64_t on)
{
	uint8_t bytes[LINK];

	le64_put(bytes, on);
	return hostfile_replace(image->host, mark + ON, bytes, LINK);
}

/*
 * The last filemark before ${at}; the links on that lead to it are mended if a
 * kill had come before them.
 */
static int
last_mark(const struct image *image, uint64_t at, uint64_t *ret_mark)
{
	uint64_t mark = 0, next, on;
	int r;

	for (;;) {
		r = mark_after(image, mark, at, &next, &on);
		if (r < 0)
			return r;
		if (next == 0)
			break;
		if (!link_agrees(mark, on, next))
			return image_damaged(image, mark,
			    "this filemark says that %" PRIu64
			    " is the next one, but it is at %" PRIu64,
			    on, next);
		r = on == next ? 0 : set_link(image, mark, next);
		if (r < 0)
			return r;
		mark = next;
	}
	*ret_mark = mark;
	return 0;
}

/* What is to be known of the image no longer holds from ${at} on. */
static void
forget_from(struct vtape *v, uint64_t at)
{
	walk_cut(v->walk, at);
	v->good_end = 0;
	v->seen_to = 0;
}

/* Step 5. */
static int
vtape_cut(struct image *image, uint64_t at)
{
	struct vtape *v = vtape_of(image);
	struct mark mark;
	int r;

	if (hostfile_size(image->host) == 0)
		return 0; /* nothing to cut, not even the leading filemark */
	forget_from(v, at);
	if (v->writing && at == hostfile_size(image->host))
		return hostfile_cut(image->host, at);
	v->writing = false;
	r = last_mark(image, at, &v->last);
	if (r == 0)
		r = mark_at(image, v->last, &mark);
	if (r == 0 && mark.on != 0)
		r = set_link(image, v->last, 0);
	if (r == 0)
		r = hostfile_cut(image->host, at);
	v->writing = r == 0;
	return r;
}

/* A blank tape gets its leading filemark, which is all zeros. */
static int
begin_tape(struct vtape *v)
{
	int r;

	if (hostfile_size(v->base.host) > 0)
		return 0;
	r = hostfile_extend(v->base.host, MARK);
	if (r < 0)
		return r;
	v->writing = true;
	v->last = 0;
	return 0;
}

/* Steps 1 and 2: ${word}, and the bytes that follow it. */
static int
put(struct vtape *v, uint32_t word, const void *bytes, size_t len)
{
	struct hostfile *host = v->base.host;
	uint8_t unvouched[WORD], vouched[WORD];
	struct iovec pieces[] = {
		hostfile_piece(unvouched, WORD),
		hostfile_piece(bytes, len),
	};
	uint64_t at;
	int r = begin_tape(v);

	if (r < 0)
		return r;
	at = hostfile_size(host);
	forget_from(v, at);
	le32_put(unvouched, UNVOUCHED);
	le32_put(vouched, word);
	r = hostfile_append(host, pieces, 2);
	return r < 0 ? r : hostfile_vouch(host, at, vouched, WORD);
}

static int
vtape_put_record(struct image *image, uint64_t at, const void *buf, size_t len,
    uint64_t *ret_end)
{
	int r = put(vtape_of(image), (uint32_t)len, buf, len);

	if (r < 0)
		return r;
	*ret_end = at + WORD + len;
	assert(*ret_end == hostfile_size(image->host));
	return 0;
}

/* Steps 3 and 4. */
static int
vtape_put_filemark(struct image *image, uint64_t at, uint64_t *ret_end)
{
	struct vtape *v = vtape_of(image);
	uint8_t links[2 * LINK] = { 0 };
	int r = begin_tape(v);

	if (r < 0)
		return r;
	assert(v->writing);
	le64_put(links, v->last);
	r = put(v, 0, links, sizeof(links));
	if (r < 0)
		return r;
	r = set_link(image, v->last, at);
	if (r < 0) {
		/* The link may be anything now: step 5 sees to it. */
		v->writing = false;
		(void)hostfile_cut(image->host, at); /* fails already */
		return r;
	}
	v->last = at;
	*ret_end = at + MARK;
	assert(*ret_end == hostfile_size(image->host));
	return 0;
}

/* ---- Opening ------------------------------------------------------------ */

static uint64_t
be64_of(uint64_t little)
{
	return __builtin_bswap64(little);
}

/*
 * Whether the other byte order makes sense where this one does not: of the link
 * on of the leading filemark, or else of the first record's length.
 */
static int
check_order(const struct image *image)
{
	struct mark lead, there;
	uint64_t size = hostfile_size(image->host);
	const uint8_t *p;
	bool swapped = false;
	int r = mark_at(image, 0, &lead);

	if (r == 0 && lead.on > size && be64_of(lead.on) < size) {
		r = mark_at(image, be64_of(lead.on), &there);
		swapped = r == 0 && there.is;
	} else if (r == 0 && lead.on == 0 && size > MARK + WORD) {
		r = hostfile_peek(image->host, MARK, WORD, &p);
		swapped = r == 0 && !is_length(le32_get(p)) &&
		    le32_get(p) != UNVOUCHED &&
		    is_length(__builtin_bswap32(le32_get(p))) &&
		    __builtin_bswap32(le32_get(p)) <= size - MARK - WORD;
	}
	if (swapped)
		return tape_fail(image->owner, EMEDIUMTYPE,
		    "%s: a vtape of a big-endian host; only little-endian ones "
		    "can be read here",
		    image->name);
	return r;
}

/* Whether it begins as all of them do. */
static int
check_lead(const struct image *image)
{
	struct mark lead;
	int r;

	if (hostfile_size(image->host) == 0)
		return 0;
	r = mark_at(image, 0, &lead);
	if (r == 0 && (!lead.is || lead.back != 0))
		r = image_unlike(image,
		    image_damaged(image, 0, "no leading filemark"));
	return r < 0 ? r : check_order(image);
}

static void
set_up(struct vtape *v, const struct image_source *source)
{
	*v = (struct vtape){ .writing = false };
	image_init(&v->base, &vtape_format, source);
	v->base.bot = MARK;
}

/*
 * Walks the first objects, or all.  Damage is damage of a vtape once a link has
 * been seen to hold in both directions; before that it may be anything.
 */
static int
vtape_probe(const struct image_source *source)
{
	struct image_object object = { .end = MARK };
	struct vtape v;
	int r;

	set_up(&v, source);
	r = check_lead(&v.base);
	for (unsigned i = 0; r == 0 && i < PROBE_OBJECTS; i++) {
		r = vtape_next(&v.base, object.end, &object);
		if (r == 0 && object.kind == IMAGE_NONE)
			break;
	}
	return r == -EBADMSG && v.linked ? 0 : image_unlike(&v.base, r);
}

static int
vtape_open(const struct image_source *source, struct image **ret_image)
{
	struct vtape *v = calloc(1, sizeof(*v));
	int r;

	if (v == NULL)
		return tape_fail(source->owner, ENOMEM, "out of memory");
	set_up(v, source);
	v->walk = walk_new(MARK);
	r = v->walk == NULL ? tape_fail(source->owner, ENOMEM, "out of memory")
			    : check_lead(&v->base);
	if (r < 0) {
		walk_free(v->walk);
		free(v);
		return r;
	}
	*ret_image = &v->base;
	return 0;
}

static int
vtape_close(struct image *image)
{
	walk_free(vtape_of(image)->walk);
	return image_host_close(image);
}

static const char *const vtape_suffixes[] = { ".vtape", NULL };

const struct image_format vtape_format = {
	.name = "vtape",
	.about = "virtual tape of Bacula",
	.suffixes = vtape_suffixes,
	.max_record = TAPE_MAX_RECORD,
	.probe = vtape_probe,
	.open = vtape_open,
	.close = vtape_close,
	.describe = image_plain_describe,
	.next = vtape_next,
	.prev = vtape_prev,
	.find = image_no_find,
	.resync = vtape_resync,
	.flaws = image_no_flaws,
	.read = vtape_read,
	.cost = vtape_cost,
	.protection = image_host_protection,
	.expect = image_host_expect,
	.reserve = image_host_reserve,
	.top = image_host_top,
	.sync = image_host_sync,
	.cut = vtape_cut,
	.put_record = vtape_put_record,
	.put_filemark = vtape_put_filemark,
	.set = image_no_set,
	.select = image_one_select,
	.partition = image_one_partition,
};
