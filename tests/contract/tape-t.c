/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract of tape.h, sentence by sentence, over every type of tape.  A new
 * type is one line in subjects[]; what only some tapes can do is a trait.  With
 * PMT_TAPE, the spec of a tape that keeps what is written, or PMT_TAPE_LIMITED,
 * of one that is as subject.limited says, it is that one alone.  Drives are not
 * all whole: with PMT_TAPE_CANT=erase that one can't erase, and PMT_TAPE_KEEPS
 * is how many bytes of a record it keeps; PMT_TAPE_STEPS is for slow ones; and
 * PMT_TAPE_MIN the bytes of its smallest record, if the tape can't tell.
 */
#include "tapes.h"

/* Traits. */
#define KEEPS 1	  /* what was written can be read again */
#define COUNTS 2  /* it knows how many bytes are before here */
#define RETRIES 4 /* a smaller record may fit where one did not */
#define ERASES 8  /* it can make any place the end of data */

struct subject {
	const char *name;
	unsigned traits;
	const char *spec;      /* %s: a name in the scratch directory */
	const char *protected; /* the same, as a write protected medium */
	const char *limited;   /* ... that takes 4 records of LIMITED_RECORD */
};

#define LIMITED_RECORD 1000 /* bytes; early warning after two of them */

static const struct subject subjects[] = {
	{ .name = "pmt",
	    .traits = KEEPS | ERASES,
	    .spec = "file:%s.pmt",
	    .protected = "file:%s.pmt,readonly=yes",
	    .limited = "file:%s.pmt,capacity=4300,warn=1200" },
	{ .name = "pmt, compressed",
	    .traits = KEEPS | ERASES,
	    .spec = "file:%s-z.pmt,compress=zstd",
	    .protected = "file:%s-z.pmt,readonly=yes" },
	{ .name = "pmt, encrypted",
	    .traits = KEEPS | ERASES,
	    .spec = "file:%s-k.pmt,key=key",
	    .protected = "file:%s-k.pmt,key=key,readonly=yes" },
	{ .name = "simh",
	    .traits = KEEPS | ERASES | COUNTS | RETRIES,
	    .spec = "file:%s.tap",
	    .protected = "file:%s.tap,readonly=yes",
	    .limited = "file:%s.tap,capacity=4040,warn=1100" },
	{ .name = "mirror",
	    .traits = KEEPS | ERASES | COUNTS,
	    .spec = "mirror:{file:%s.a.tap,file:%s.b.tap,file:%s.c.tap}",
	    .protected = "mirror:{file:%s.a.tap,file:%s.b.tap,readonly=yes}",
	    .limited = "mirror:{file:%s.l.tap,capacity=4040,warn=1100,"
		       "file:%s.m.tap}" },
	{ .name = "simh-ext",
	    .traits = KEEPS | ERASES | COUNTS | RETRIES,
	    .spec = "file:%s.ext,format=simh-ext",
	    .protected = "file:%s.ext,format=simh-ext,readonly=yes",
	    .limited = "file:%s.ext,format=simh-ext,capacity=4040,warn=1100" },
	{ .name = "e11",
	    .traits = KEEPS | ERASES | COUNTS | RETRIES,
	    .spec = "file:%s.e11",
	    .protected = "file:%s.e11,readonly=yes",
	    .limited = "file:%s.e11,capacity=4040,warn=1100" },
	{ .name = "tpc",
	    .traits = KEEPS | ERASES | COUNTS | RETRIES,
	    .spec = "file:%s.tpc",
	    .protected = "file:%s.tpc,readonly=yes",
	    .limited = "file:%s.tpc,capacity=4016,warn=1100" },
	{ .name = "aws",
	    .traits = KEEPS | ERASES | COUNTS | RETRIES,
	    .spec = "file:%s.aws",
	    .protected = "file:%s.aws,readonly=yes",
	    .limited = "file:%s.aws,capacity=4032,warn=1100" },
	{ .name = "het",
	    .traits = KEEPS | ERASES | COUNTS | RETRIES,
	    .spec = "file:%s.het",
	    .protected = "file:%s.het,readonly=yes",
	    .limited = "file:%s.het,capacity=4032,warn=1100,compress=no" },
	{ .name = "het with bzip2",
	    .traits = KEEPS | ERASES | COUNTS | RETRIES,
	    .spec = "file:%s.het,compress=bzip2,level=9" },
	{ .name = "faketape",
	    .traits = KEEPS | ERASES | COUNTS | RETRIES,
	    .spec = "file:%s.fkt",
	    .protected = "file:%s.fkt,readonly=yes",
	    .limited = "file:%s.fkt,capacity=4056,warn=1100" },
	{ .name = "vtape",
	    .traits = KEEPS | ERASES | COUNTS | RETRIES,
	    .spec = "file:%s.vtape",
	    .protected = "file:%s.vtape,readonly=yes",
	    .limited = "file:%s.vtape,capacity=4040,warn=1100" },
	{ .name = "pmt behind a pair",
	    .traits = KEEPS | ERASES,
	    .spec = "served:{file:%s.s.pmt}",
	    .protected = "served:{file:%s.s.pmt,readonly=yes}",
	    .limited = "served:{file:%s.s.pmt,capacity=4300,warn=1200}" },
	{ .name = "simh behind a pair",
	    .traits = KEEPS | ERASES | COUNTS | RETRIES,
	    .spec = "served:{file:%s.s.tap}",
	    .protected = "served:{file:%s.s.tap,readonly=yes}",
	    .limited = "served:{file:%s.s.tap,capacity=4040,warn=1100}" },
	{ .name = "mirror behind pairs, behind a pair",
	    .traits = KEEPS | ERASES | COUNTS,
	    .spec = "served:{mirror:{served:{file:%s.sa.tap},"
		    "served:{file:%s.sb.tap}}}" },
	{ .name = "null", .traits = COUNTS | ERASES, .spec = "null:" },
};

static const char *scratch;
static const struct subject *subject; /* the one under test */
static struct tape *tape;
static enum tape_cond cond;
static uint64_t done;
static uint8_t buf[1 << 17];

/* One result for the subject under test. */
#define is(expected, seen, ...) \
	is_for(subject, (int64_t)(expected), (int64_t)(seen), __VA_ARGS__)

static bool is_for(const struct subject *s, int64_t expected, int64_t seen,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static bool
is_for(const struct subject *s, int64_t expected, int64_t seen, const char *fmt,
    ...)
{
	char rule[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(rule, sizeof(rule), fmt, ap); /* cut is fine */
	va_end(ap);
	return tap_is_int(expected, seen, "%s: %s", s->name, rule);
}

static const char *
filled(const char *spec)
{
	static char text[1024];
	size_t n = 0;

	for (const char *p = spec; *p != '\0' && n < sizeof(text); p++) {
		bool hole = p[0] == '%' && p[1] == 's';

		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    hole ? "%s/tape" : "%.1s", hole ? scratch : p);
		p += hole;
	}
	return text;
}

static void
stands(uint64_t object, uint64_t file, const char *when)
{
	struct tape_pos pos;

	is(0, tape_tell(tape, &pos), "%s: the position is told", when);
	is(object, pos.object, "%s: the object", when);
	is(file, pos.file, "%s: the file", when);
}

/* ${len}, or what of it is in the limits of the tape. */
static size_t
fit(size_t len)
{
	const char *given = getenv("PMT_TAPE_MIN");
	struct tape_info info;

	tape_describe(tape, &info);
	if (given != NULL && len < strtoul(given, NULL, 10))
		len = strtoul(given, NULL, 10);
	if (len < info.min_record)
		return info.min_record;
	return len < info.max_record ? len : info.max_record;
}

static int
put(uint32_t tag, size_t len)
{
	fill_record(buf, len, tag);
	return tape_write(tape, buf, len, &cond);
}

static int
put_marks(uint32_t count, bool immediate)
{
	uint32_t n;
	int r = tape_write_filemarks(tape, count, immediate, &n, &cond);

	done = n;
	return r;
}

static int
space(enum tape_unit unit, int64_t count)
{
	return tape_space(tape, unit, count, &done, &cond);
}

static int
locate(uint64_t object)
{
	return tape_locate(tape, 0, object, &cond);
}

/* Reads with room for ${size}; done is the length. */
static int
get(size_t size)
{
	size_t len = 0;
	int r = tape_read(tape, buf, size, &len, &cond);

	done = len;
	return r;
}

static void
gives_record(uint32_t tag, size_t len, const char *when)
{
	is(0, get(sizeof(buf)), "%s: a record is read", when);
	is(TAPE_NONE, cond, "%s: with no condition", when);
	is(len, done, "%s: of its length", when);
	is(true, is_record_of(buf, done, tag), "%s: with its bytes", when);
}

/* r1 r2 | r3 | | r4 r5, and the tape is loaded and at its end */
static void
write_sample(void)
{
	(void)tape_rewind(tape); /* the positions below would show it */
	is(0, put(1, fit(100)), "a record is written");
	is(0, put(2, fit(65536)), "a large one is");
	is(0, put_marks(1, false), "a filemark is");
	is(0, put(3, fit(1)), "a record of one byte, or the smallest, is");
	is(0, put_marks(2, true), "two filemarks are, immediately");
	is(2, done, "both are counted");
	is(0, put(4, fit(511)), "an odd record is");
	is(0, put(5, 4096), "another one is");
	stands(8, 3, "after writing");
}

static void
test_unloaded(void)
{
	struct tape_info info;
	struct tape_pos pos;

	is(0, tape_unload(tape), "unloading an unloaded tape is fine");
	tape_describe(tape, &info);
	is(false, info.loaded, "it says that it has no medium");
	is(-ENOMEDIUM, get(10), "no medium: read");
	is(-ENOMEDIUM, put(1, fit(10)), "no medium: write");
	is(-ENOMEDIUM, put_marks(1, false), "no medium: write filemarks");
	is(0, done, "... none are written");
	is(-ENOMEDIUM, put_marks(0, false), "no medium: sync");
	is(-ENOMEDIUM, space(TAPE_RECORDS, 1), "no medium: space");
	is(-ENOMEDIUM, space(TAPE_TO_EOD, 0), "no medium: space to EOD");
	is(-ENOMEDIUM, locate(0), "no medium: locate");
	is(-ENOMEDIUM, tape_rewind(tape), "no medium: rewind");
	is(-ENOMEDIUM, tape_erase(tape, false), "no medium: erase");
	tap_ok(tape_why(tape)[0] != '\0', "%s: a failure is explained",
	    subject->name);
	pos.object = 77;
	(void)tape_tell(tape, &pos); /* filled in on failure too */
	tap_ok(pos.object != 77, "%s: the position is told all the same",
	    subject->name);
}

static void
test_load(void)
{
	struct tape_info info;

	is(0, tape_load(tape), "a tape is loaded");
	stands(0, 0, "after load");
	is(true, tape->pos.known, "and the position is known");
	tape_describe(tape, &info);
	is(true, info.loaded, "it says that it has a medium");
	is(1, info.partitions, "with one partition");
	is(0, info.used, "nothing is used before BOT");
	is(false, info.write_protected, "it can be written");
	tap_ok(info.room > 0, "%s: there is room", subject->name);
	is(0, put(1, fit(10)), "a record is written");
	tape_describe(tape, &info);
	if ((subject->traits & COUNTS) != 0)
		tap_ok(info.used >= 10, "%s: and is counted as used",
		    subject->name);
	is(0, tape_load(tape), "loading a loaded tape is fine");
	stands(0, 0, "after that, as if rewound");
	is(0, tape_unload(tape), "it is unloaded");
	is(-ENOMEDIUM, get(10), "and then has no medium");
	is(0, tape_load(tape), "it is loaded again");
	stands(0, 0, "after loading again");
}

static void
test_read(void)
{
	write_sample();
	is(0, tape_rewind(tape), "rewind");
	stands(0, 0, "after rewind");
	gives_record(1, fit(100), "the first");
	stands(1, 0, "after a record");
	memset(buf, 0, sizeof(buf));
	is(0, get(1000), "a record larger than the buffer is read");
	is(fit(65536), done, "its full length is told");
	is(true, is_record_of(buf, 1000, 2), "what fits is there");
	is(0, buf[1000], "no more than fits is stored");
	stands(2, 0, "after a record that did not fit");
	is(0, get(1000), "a filemark is met");
	is(TAPE_FILEMARK, cond, "and told as condition");
	is(0, done, "with length 0");
	stands(3, 1, "after a filemark");
	gives_record(3, fit(1), "the smallest");
	is(0, get(10), "the next filemark");
	is(0, get(10), "and the next");
	is(TAPE_FILEMARK, cond, "which is a filemark");
	gives_record(4, fit(511), "odd");
	is(0, get(0), "a buffer of no bytes is fine");
	is(4096, done, "for the length");
	for (int i = 0; i < 3; i++) {
		is(0, get(10), "end of data is no failure");
		is(TAPE_EOD, cond, "but a condition");
		is(0, done, "with length 0");
		stands(8, 3, "at EOD, however often");
	}
}

static void
test_reload(void)
{
	write_sample();
	is(0, tape_unload(tape), "unload");
	is(0, tape_load(tape), "load");
	gives_record(1, fit(100), "after loading again");
	is(0, space(TAPE_TO_EOD, 0), "to EOD");
	stands(8, 3, "at EOD after loading again");
}

static void
test_overwrite(void)
{
	write_sample();
	is(0, locate(1), "to the second record");
	is(0, put(9, fit(77)), "it is written anew, shorter");
	stands(2, 0, "after it");
	is(0, get(10), "what followed");
	is(TAPE_EOD, cond, "is gone");
	is(0, put_marks(1, false), "a filemark after it");
	is(0, locate(0), "to BOT");
	gives_record(1, fit(100), "what precedes is there");
	gives_record(9, fit(77), "what is new is there");
	is(0, get(10), "the filemark");
	is(TAPE_FILEMARK, cond, "is there");
	is(0, get(10), "and then");
	is(TAPE_EOD, cond, "nothing");
	is(0, locate(1), "to the second record");
	is(0, put_marks(1, false), "a filemark is written over it");
	is(0, get(10), "what followed");
	is(TAPE_EOD, cond, "is gone, too");
}

static void
test_filemarks(void)
{
	is(0, put(1, fit(10)), "a record");
	is(0, put_marks(0, false), "0 filemarks sync");
	stands(1, 0, "and write nothing");
	is(0, put_marks(0, true), "0 filemarks, immediately, do as well");
	stands(1, 0, "and write nothing");
	is(0, put_marks(3, false), "3 filemarks");
	is(3, done, "are 3");
	is(TAPE_NONE, cond, "with no condition");
	stands(4, 3, "after them");
}

/* One motion: what it returns, and where the tape stands afterwards. */
struct motion {
	const char *what;
	uint64_t from;
	enum tape_unit unit;
	int64_t count;
	enum tape_cond cond;
	uint64_t done;
	uint64_t object, file;
};

static void
test_space(void)
{
	/* 0 r1  1 r2  2 fm  3 r3  4 fm  5 fm  6 r4  7 r5  8 */
	static const struct motion motions[] = {
		{ "0 records", 1, TAPE_RECORDS, 0, TAPE_NONE, 0, 1, 0 },
		{ "0 filemarks", 1, TAPE_FILEMARKS, 0, TAPE_NONE, 0, 1, 0 },
		{ "2 records", 0, TAPE_RECORDS, 2, TAPE_NONE, 2, 2, 0 },
		{ "3 records into a filemark", 0, TAPE_RECORDS, 3,
		    TAPE_FILEMARK, 2, 3, 1 },
		{ "a record at a filemark", 4, TAPE_RECORDS, 1, TAPE_FILEMARK,
		    0, 5, 2 },
		{ "records into EOD", 6, TAPE_RECORDS, 9, TAPE_EOD, 2, 8, 3 },
		{ "a record at EOD", 8, TAPE_RECORDS, 1, TAPE_EOD, 0, 8, 3 },
		{ "back 2 records", 8, TAPE_RECORDS, -2, TAPE_NONE, 2, 6, 3 },
		{ "back 3 records into a filemark", 8, TAPE_RECORDS, -3,
		    TAPE_FILEMARK, 2, 5, 2 },
		{ "back a record after a filemark", 5, TAPE_RECORDS, -1,
		    TAPE_FILEMARK, 0, 4, 1 },
		{ "back records into BOT", 2, TAPE_RECORDS, -5, TAPE_BOT, 2, 0,
		    0 },
		{ "back a record at BOT", 0, TAPE_RECORDS, -1, TAPE_BOT, 0, 0,
		    0 },
		{ "a filemark", 0, TAPE_FILEMARKS, 1, TAPE_NONE, 1, 3, 1 },
		{ "3 filemarks", 1, TAPE_FILEMARKS, 3, TAPE_NONE, 3, 6, 3 },
		{ "filemarks into EOD", 3, TAPE_FILEMARKS, 3, TAPE_EOD, 2, 8,
		    3 },
		{ "a filemark at EOD", 8, TAPE_FILEMARKS, 1, TAPE_EOD, 0, 8,
		    3 },
		{ "back a filemark", 8, TAPE_FILEMARKS, -1, TAPE_NONE, 1, 5,
		    2 },
		{ "back 3 filemarks", 7, TAPE_FILEMARKS, -3, TAPE_NONE, 3, 2,
		    0 },
		{ "back filemarks into BOT", 8, TAPE_FILEMARKS, -4, TAPE_BOT, 3,
		    0, 0 },
		{ "back a filemark at BOT", 0, TAPE_FILEMARKS, -1, TAPE_BOT, 0,
		    0, 0 },
		{ "to EOD", 1, TAPE_TO_EOD, 0, TAPE_NONE, 3, 8, 3 },
		{ "to EOD from EOD", 8, TAPE_TO_EOD, 0, TAPE_NONE, 0, 8, 3 },
		{ "a huge count", 6, TAPE_RECORDS, INT64_MAX, TAPE_EOD, 2, 8,
		    3 },
		{ "a huge count back", 2, TAPE_FILEMARKS, INT64_MIN, TAPE_BOT,
		    0, 0, 0 },
	};

	write_sample();
	for (size_t i = 0; i < sizeof(motions) / sizeof(motions[0]); i++) {
		const struct motion *m = &motions[i];

		/* First over ground that is not known again, then over known.
		 */
		for (int known = 0; known < 2; known++) {
			if (!known)
				(void)tape_unload(tape); /* load tells */
			is(0, tape_load(tape), "%s: load", m->what);
			is(0, locate(m->from), "%s: get there", m->what);
			is(0, space(m->unit, m->count), "%s", m->what);
			is(m->cond, cond, "%s: condition", m->what);
			is(m->done, done, "%s: done", m->what);
			stands(m->object, m->file, m->what);
		}
	}
}

static void
test_locate(void)
{
	write_sample();
	for (uint64_t i = 0; i <= 8; i++) {
		uint64_t to = i * 5 % 9;

		is(0, locate(to), "locate %" PRIu64, to);
		is(TAPE_NONE, cond, "... which is there, or exactly EOD");
		is(to, tape->pos.object, "... and stands there");
	}
	is(0, locate(6), "locate after the filemarks");
	gives_record(4, fit(511), "located");
	is(0, locate(9), "locate beyond EOD is no failure");
	is(TAPE_EOD, cond, "but a condition");
	stands(8, 3, "located beyond EOD");
	is(0, locate(2), "locate back");
	is(-EINVAL, tape_locate(tape, 1, 0, &cond),
	    "a partition that is not there");
	stands(2, 0, "nothing has moved");
}

static void
test_erase(void)
{
	for (int whole = 0; whole < 2; whole++) {
		write_sample();
		is(0, locate(3), "locate 3");
		is(0, tape_erase(tape, whole), "erase");
		stands(3, 1, "where it stood");
		is(0, get(10), "what followed");
		is(TAPE_EOD, cond, "is gone");
		is(0, space(TAPE_RECORDS, -2), "spacing back");
		is(TAPE_FILEMARK, cond, "meets what precedes");
	}
}

static void
test_limits(void)
{
	struct tape_info info;

	is(0, put(1, LIMITED_RECORD), "limited: a record");
	is(TAPE_NONE, cond, "... before early warning");
	is(0, put(2, LIMITED_RECORD), "limited: a record");
	is(0, put(3, LIMITED_RECORD), "limited: one past the warning point");
	is(TAPE_EARLY_WARNING, cond, "... with early warning");
	stands(3, 0, "it is on the tape");
	tape_describe(tape, &info);
	is(0, put(4, info.room), "the largest record for which there is room");
	is(TAPE_EARLY_WARNING, cond, "... again with early warning");
	is(-ENOSPC, put(5, 16), "a record that does not fit");
	is(TAPE_EOM, cond, "is the end of the medium");
	stands(4, 0, "nothing is written");
	is(0, locate(3), "back over the last record");
	is(-ENOSPC, put(5, (size_t)info.room + 1), "one more than the room");
	is(TAPE_EOM, cond, "... does not fit");
	is(3, tape->pos.object, "... and nothing has moved");
	if ((subject->traits & RETRIES) != 0)
		is(0, put(5, 16), "a small record in its place");
	is(0, put_marks(1, false), "a filemark after early warning fits");
	is(TAPE_EARLY_WARNING, cond, "... and gives the warning as well");
	is(1, tape->pos.file, "and is there");
	is(0, tape_rewind(tape), "rewind");
	is(0, put(6, LIMITED_RECORD), "a record at BOT again");
	is(TAPE_NONE, cond, "is far from the end: the warning is by position");
}

/* A limit that refuses leaves what follows alone. */
static void
test_refusal_keeps(void)
{
	is(0, put(1, LIMITED_RECORD), "limited: a record");
	is(0, put(2, LIMITED_RECORD), "limited: another one");
	is(0, locate(0), "to BOT");
	is(-ENOSPC, put(3, 5 * LIMITED_RECORD), "one that can't fit");
	is(0, get(sizeof(buf)), "what is there");
	is(true, is_record_of(buf, done, 1), "is still there");
	is(0, locate(0), "to BOT");
}

static void
test_protected(void)
{
	struct tape_info info;

	tape_describe(tape, &info);
	is(true, info.write_protected, "protected: it says so");
	is(-EROFS, put(1, fit(10)), "protected: write");
	is(-EROFS, put_marks(1, false), "protected: write filemarks");
	is(0, done, "... none are written");
	is(0, put_marks(0, false), "protected: there is nothing to sync");
	is(-EROFS, tape_erase(tape, true), "protected: erase");
	stands(0, 0, "protected: nothing has moved");
	gives_record(1, fit(100), "protected");
}

static void
test_unsupported(void)
{
	struct tape_info info;
	int r;

	tape_describe(tape, &info);
	r = tape_set(tape, TAPE_COMPRESSION, 7);
	tap_ok(r == -EINVAL || r == -EOPNOTSUPP,
	    "%s: a compression that does not exist is refused", subject->name);
	r = tape_format(tape, TAPE_MAX_PARTITIONS + 1, 0);
	tap_ok(r == -EINVAL || r == -EOPNOTSUPP,
	    "%s: more partitions than there can be are refused", subject->name);
	tap_ok(tape_why(tape)[0] != '\0', "%s: and it is said why",
	    subject->name);
	is(0, tape_rewind(tape), "rewind");
	is(0, tape_why(tape)[0], "what succeeds has no failure to explain");
}

/* ---- Random tapes against a model ---- */

/* What space() is to do; the condition is the result. */
static enum tape_cond
model_space(struct model *m, enum tape_unit unit, int64_t count, uint64_t *did)
{
	bool forward = count > 0;

	*did = 0;
	for (int64_t i = 0; i < (forward ? count : -count);) {
		const struct thing *t;

		if (m->at == (forward ? m->n : 0))
			return forward ? TAPE_EOD : TAPE_BOT;
		t = &m->things[forward ? m->at : m->at - 1];
		m->at += forward ? 1 : UINT64_MAX;
		if (t->len == 0 && unit == TAPE_RECORDS)
			return TAPE_FILEMARK;
		if (t->len == 0 || unit == TAPE_RECORDS) {
			i++;
			++*did;
		}
	}
	return TAPE_NONE;
}

static uint32_t
random_length(struct rng *rng)
{
	switch (rng_below(rng, 8)) {
	case 0:
		return (uint32_t)fit(1 + rng_below(rng, 8));
	case 1:
		return (uint32_t)fit(60000 + rng_below(rng, 40000));
	default:
		return (uint32_t)fit(1 + rng_below(rng, 6000));
	}
}

static bool
do_write(struct model *m, struct rng *rng, uint32_t tag)
{
	uint32_t len = random_length(rng);

	model_put(m, tag, len);
	return put(tag, len) == 0;
}

static bool
do_marks(struct model *m, struct rng *rng)
{
	uint32_t count = rng_below(rng, 4);

	for (uint32_t i = 0; i < count; i++)
		model_put(m, 0, 0);
	return put_marks(count, rng_below(rng, 2) == 0) == 0 && done == count;
}

static bool
do_read(struct model *m, struct rng *rng)
{
	const struct thing *t = &m->things[m->at];
	size_t size =
	    rng_below(rng, 4) == 0 ? rng_below(rng, 100) : sizeof(buf);
	size_t got;

	if (get(size) != 0)
		return false;
	if (m->at == m->n)
		return cond == TAPE_EOD && done == 0;
	m->at++;
	if (t->len == 0)
		return cond == TAPE_FILEMARK && done == 0;
	got = done < size ? done : size;
	return cond == TAPE_NONE && done == t->len &&
	    is_record_of(buf, got, t->tag);
}

static bool
do_space(struct model *m, struct rng *rng)
{
	enum tape_unit unit = rng_below(rng, 2) ? TAPE_RECORDS : TAPE_FILEMARKS;
	int64_t count = (int64_t)rng_below(rng, 30) - 15;
	uint64_t did;
	enum tape_cond expected = model_space(m, unit, count, &did);

	return space(unit, count) == 0 && cond == expected && done == did;
}

static bool
do_locate(struct model *m, struct rng *rng)
{
	uint64_t to = rng_below(rng, (uint32_t)m->n + 3);
	enum tape_cond expected = to > m->n ? TAPE_EOD : TAPE_NONE;

	m->at = to > m->n ? m->n : to;
	return locate(to) == 0 && cond == expected;
}

static bool
do_to_eod(struct model *m)
{
	uint64_t files = files_before(m, m->n) - files_before(m, m->at);

	m->at = m->n;
	return space(TAPE_TO_EOD, 0) == 0 && cond == TAPE_NONE && done == files;
}

static bool
do_rarely(struct model *m, struct rng *rng)
{
	switch (rng_below(rng, 4)) {
	case 0:
		if ((subject->traits & ERASES) == 0)
			return true;
		m->n = m->at;
		return tape_erase(tape, rng_below(rng, 2) == 0) == 0;
	case 1:
		m->at = 0;
		return tape_unload(tape) == 0 && tape_load(tape) == 0;
	case 2:
		m->at = 0;
		return tape_rewind(tape) == 0;
	default:
		m->at = 0;
		return tape_load(tape) == 0;
	}
}

static bool
do_something(struct model *m, struct rng *rng, uint32_t tag)
{
	uint32_t what = rng_below(rng, 100);

	/* Overwriting is rare, or no tape would ever become long. */
	if (what < 55 && m->at < m->n && rng_below(rng, 10) > 0)
		return do_to_eod(m);
	if (what < 40 && m->at < MODEL_MAX - 4)
		return do_write(m, rng, tag);
	if (what < 50 && m->at < MODEL_MAX - 4)
		return do_marks(m, rng);
	if (what < 65)
		return do_read(m, rng);
	if (what < 85)
		return do_space(m, rng);
	if (what < 97)
		return do_locate(m, rng);
	return do_rarely(m, rng);
}

static void
test_random(void)
{
	static struct model m;
	struct rng rng = rng_seeded();
	const char *given = getenv("PMT_TAPE_STEPS");
	uint32_t steps = given == NULL ? 4000 : (uint32_t)atoi(given);
	bool same = true;

	m.n = m.at = 0;
	if ((subject->traits & ERASES) == 0) /* what is old is gone now */
		is(true, do_write(&m, &rng, 0), "a record at BOT");
	for (uint32_t i = 1; i <= steps && same; i++) {
		same = do_something(&m, &rng, i) && tape->pos.object == m.at &&
		    tape->pos.file == files_before(&m, m.at);
		if (!same)
			tap_diag("step %" PRIu32 ": object %" PRIu64
				 " file %" PRIu64 ", expected %" PRIu64
				 ", condition %s, done %" PRIu64 ": %s",
			    i, tape->pos.object, tape->pos.file, m.at,
			    tape_cond_name(cond), done, tape_why(tape));
	}
	tap_ok(same, "%s: %" PRIu32 " random operations are as on a model",
	    subject->name, steps);
	tap_ok(holds_model(tape, &m), "%s: and so is the tape they leave",
	    subject->name);
}

/* Each begins with a blank tape, loaded. */
static const struct {
	void (*run)(void);
	unsigned needs;
} bodies[] = {
	{ test_load, 0 },
	{ test_filemarks, 0 },
	{ test_unsupported, 0 },
	{ test_read, KEEPS },
	{ test_reload, KEEPS },
	{ test_overwrite, KEEPS },
	{ test_space, KEEPS },
	{ test_locate, KEEPS },
	{ test_erase, KEEPS | ERASES },
	{ test_random, KEEPS },
};

static void
blank(const char *spec)
{
	tape = open_tape(filled(spec));
	if (tape_load(tape) < 0 ||
	    ((subject->traits & ERASES) != 0 && tape_erase(tape, true) < 0))
		tap_bail("%s", tape_why(tape));
}

static void
test_bodies(void)
{
	blank(subject->spec);
	is(0, tape_unload(tape), "a tape is unloaded");
	test_unloaded();
	tape_free(tape);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		if ((bodies[i].needs & ~subject->traits) != 0)
			continue;
		blank(subject->spec);
		bodies[i].run();
		tape_free(tape);
	}
}

static void
test_subject(void)
{
	if (subject->spec != NULL)
		test_bodies();
	if (subject->limited != NULL) {
		blank(subject->limited);
		test_limits();
		(void)tape_rewind(tape); /* shows below */
		(void)tape_erase(tape, true);
		test_refusal_keeps();
		tape_free(tape);
	}
	if (subject->protected != NULL) {
		blank(subject->spec);
		write_sample();
		tape_free(tape);
		tape = load_tape(filled(subject->protected));
		test_protected();
		tape_free(tape);
	}
}

/* What specs name without a folder is in the scratch directory. */
static void
enter_scratch(void)
{
	FILE *f;

	scratch = make_scratch();
	(void)umask(077); /* for the key */
	f = chdir(scratch) < 0 ? NULL : fopen("key", "w");
	if (f == NULL || fprintf(f, "%064d\n", 7) < 0 || fclose(f) != 0)
		tap_bail("no key: %s", strerror(errno));
}

int
main(void)
{
	const struct subject given = { .name = "given",
		.traits =
		    getenv("PMT_TAPE_CANT") == NULL ? KEEPS | ERASES : KEEPS,
		.spec = getenv("PMT_TAPE"),
		.limited = getenv("PMT_TAPE_LIMITED") };

	enter_scratch();
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		subject = given.spec == NULL && given.limited == NULL
		    ? &subjects[i]
		    : &given;
		test_subject();
		if (subject == &given)
			break;
	}
	remove_scratch(scratch);
	return tap_done();
}
