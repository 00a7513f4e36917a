/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The format vtape: every image in tests/data/vtape is read as its listing
 * says, forward and backward, and what is written is the bytes of the format.
 */
#include "bytes.h"
#include "image.h"
#include "listing.h"

#define MARK(back, on) \
	0, 0, 0, 0, back, 0, 0, 0, 0, 0, 0, 0, on, 0, 0, 0, 0, 0, 0, 0

static const char *scratch;

static void
make(const char *name, const void *bytes, size_t len)
{
	FILE *f = fopen(path_in(scratch, name), "wb");

	if (f == NULL || fwrite(bytes, 1, len, f) != len || fclose(f) != 0)
		tap_bail("%s: %s", name, strerror(errno));
}

static void
has(const char *name, const uint8_t *expected, size_t len, const char *rule)
{
	static uint8_t seen[8192];

	tap_is_int((int64_t)len,
	    (int64_t)bytes_of(path_in(scratch, name), seen, sizeof(seen)),
	    "%s: so many bytes", rule);
	tap_is_mem(expected, seen, len, "%s: and these", rule);
}

/* The example at the top of vtape.c. */
static void
test_example(void)
{
	static const uint8_t expected[] = {
		MARK(0, 27),		   /* the leading filemark */
		3, 0, 0, 0, 'a', 'b', 'c', /* at 20 */
		MARK(0, 53),		   /* at 27 */
		2, 0, 0, 0, 'd', 'e',	   /* at 47 */
		MARK(27, 0),		   /* at 53 */
	};
	struct tape *t = load_tape(spec_in(scratch, "example.vtape"));
	struct tape_info info;

	tape_describe(t, &info);
	tap_is_int(0, (int64_t)info.used, "the leading filemark is not used");
	tap_is_int(0, tape_unload(t), "a blank tape is unloaded");
	has("example.vtape", expected, 0, "a blank tape stays one");
	(void)tape_load(t); /* shows in what follows */
	put_record(t, "abc", 3);
	put_mark(t);
	put_record(t, "de", 2);
	put_mark(t);
	tap_is_int(0, tape_unload(t), "the example is unloaded");
	has("example.vtape", expected, sizeof(expected), "the example");
	tape_free(t);
}

/* What follows goes, and the link to it. */
static void
test_overwrite(void)
{
	static const uint8_t middle[] = { MARK(0, 27), 3, 0, 0, 0, 'a', 'b',
		'c', MARK(0, 0), 1, 0, 0, 0, 'x' };
	static const uint8_t marked[] = { MARK(0, 27), 3, 0, 0, 0, 'a', 'b',
		'c', MARK(0, 52), 1, 0, 0, 0, 'x', MARK(27, 0) };
	static const uint8_t erased[] = { MARK(0, 0), 3, 0, 0, 0, 'a', 'b',
		'c' };
	static const uint8_t bot[] = { MARK(0, 20), MARK(0, 0) };
	struct tape *t = load_tape(spec_in(scratch, "example.vtape"));
	enum tape_cond cond;

	(void)tape_locate(t, 0, 2, &cond); /* shows in the bytes */
	put_record(t, "x", 1);
	has("example.vtape", middle, sizeof(middle), "a record in the middle");
	put_mark(t);
	has("example.vtape", marked, sizeof(marked), "a filemark after it");
	(void)tape_locate(t, 0, 1, &cond); /* shows in the bytes */
	tap_is_int(0, tape_erase(t, true), "erasing goes well");
	has("example.vtape", erased, sizeof(erased), "erased up to a record");
	(void)tape_rewind(t); /* as above */
	put_mark(t);
	has("example.vtape", bot, sizeof(bot), "a filemark at BOT");
	tape_free(t);
}

/* A kill had come before the links were written: the next write mends them. */
static void
test_mend(void)
{
	static const uint8_t unlinked[] = { MARK(0, 0), MARK(0, 0),
		MARK(20, 0) };
	static const uint8_t mended[] = { MARK(0, 20), MARK(0, 40),
		MARK(20, 60), MARK(40, 0) };
	struct tape *t;
	enum tape_cond cond;
	uint64_t done;

	make("mend.vtape", unlinked, sizeof(unlinked));
	t = load_tape(spec_in(scratch, "mend.vtape"));
	tap_is_int(0, tape_space(t, TAPE_TO_EOD, 0, &done, &cond),
	    "filemarks that are not linked are found");
	tap_is_int(2, (int64_t)done, "... all of them");
	has("mend.vtape", unlinked, sizeof(unlinked), "reading mends nothing");
	put_mark(t);
	has("mend.vtape", mended, sizeof(mended), "writing mends");
	tape_free(t);
}

/* The last filemark says that another follows, which was cut away. */
static void
test_goes_on_after_damage(void)
{
	static const uint8_t cut[] = { MARK(0, 27), 3, 0, 0, 0, 'a', 'b', 'c',
		MARK(0, 99), 1, 0, 0, 0, 'x' };
	static const uint8_t after[] = { MARK(0, 27), 3, 0, 0, 0, 'a', 'b', 'c',
		MARK(0, 52), 1, 0, 0, 0, 'x', MARK(27, 0) };
	struct tape *t;
	enum tape_cond cond;
	uint64_t done;

	make("cut.vtape", cut, sizeof(cut));
	t = load_tape(spec_in(scratch, "cut.vtape"));
	tap_is_int(-EIO, tape_space(t, TAPE_TO_EOD, 0, &done, &cond),
	    "an end that the links deny is damage");
	tap_is_int(3, (int64_t)t->pos.object, "... after the last object");
	put_mark(t);
	has("cut.vtape", after, sizeof(after), "writing there makes it good");
	tape_free(t);
}

static void
refused(const char *spec, const char *words, const char *rule)
{
	struct tape *t = open_tape(spec);

	tap_is_int(-EMEDIUMTYPE, tape_load(t), "%s is refused", rule);
	if (!tap_ok(strstr(tape_why(t), words) != NULL, "... with words"))
		tap_diag("%s", tape_why(t));
	tape_free(t);
}

static void
test_not_ours(void)
{
	static const uint8_t zeros[20];
	static const uint8_t big[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 27, 0, 0, 0, 3, 'a', 'b', 'c', MARK(0, 0) };
	static const uint8_t record[] = { MARK(0, 0), 0, 0, 0, 3, 'a', 'b',
		'c' };
	static const uint8_t tap[] = { 2, 0, 0, 0, 'a', 'b', 2, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	struct tape *t;

	make("zeros.img", zeros, sizeof(zeros));
	make("big.vtape", big, sizeof(big));
	make("record.vtape", record, sizeof(record));
	make("not.vtape", tap, sizeof(tap));
	make("short.vtape", zeros, 19);
	refused(spec_in(scratch, "zeros.img"), " or vtape",
	    "20 zero bytes of no suffix");
	make("zeros.tap", zeros, sizeof(zeros));
	t = load_tape(spec_in(scratch, "zeros.tap"));
	tap_ok(true, "20 zero bytes of the suffix .tap are loaded");
	tape_free(t);
	refused(spec_in(scratch, "big.vtape"), "big-endian",
	    "a big-endian image");
	refused(spec_in(scratch, "record.vtape"), "big-endian",
	    "a big-endian image without filemarks");
	refused(spec_in(scratch, "not.vtape,format=vtape"),
	    "no leading filemark", "what does not begin with a filemark");
	refused(spec_in(scratch, "short.vtape,format=vtape"),
	    "no leading filemark", "less than a leading filemark");
}

/* Past an unfinished record there can't be more than a record. */
static void
test_much_after_the_end(void)
{
	static const uint8_t image[] = { MARK(0, 0), 255, 255, 255, 255 };
	off_t most = sizeof(image) + TAPE_MAX_RECORD;
	struct tape *t;
	enum tape_cond cond;
	uint64_t done;

	make("ff.vtape", image, sizeof(image));
	t = load_tape(spec_in(scratch, "ff.vtape"));
	tap_is_int(0, truncate(path_in(scratch, "ff.vtape"), most), "grown");
	tape_free(t);
	t = load_tape(spec_in(scratch, "ff.vtape"));
	tap_is_int(0, tape_space(t, TAPE_TO_EOD, 0, &done, &cond),
	    "FFFFFFFF and the largest record are the end of data");
	tape_free(t);
	tap_is_int(0, truncate(path_in(scratch, "ff.vtape"), most + 1),
	    "grown by one byte more");
	t = load_tape(spec_in(scratch, "ff.vtape,format=vtape"));
	tap_is_int(-EIO, tape_space(t, TAPE_TO_EOD, 0, &done, &cond),
	    "with more behind it is damage");
	tape_free(t);
}

static void
test_length(uint32_t len, const char *what)
{
	uint8_t *data = malloc(len), *seen = calloc(1, (size_t)len + 48);
	struct tape *t = load_tape(spec_in(scratch, "length.vtape"));
	enum tape_cond cond;
	size_t n;

	if (data == NULL || seen == NULL)
		tap_bail("out of memory");
	fill_record(data, len, len);
	put_record(t, data, len);
	put_mark(t);
	(void)tape_rewind(t); /* shows in what is read */
	tap_is_int(0, tape_read(t, seen, len, &n, &cond), "%s: is read", what);
	tap_is_int(len, (int64_t)n, "%s: has its length", what);
	tap_ok(memcmp(data, seen, len) == 0, "%s: has its bytes", what);
	tape_free(t);
	n = bytes_of(path_in(scratch, "length.vtape"), seen, (size_t)len + 48);
	tap_is_int(20 + 4 + (int64_t)len + 20, (int64_t)n,
	    "%s: 4 bytes of frame", what);
	tap_is_int(len, le32_get(seen + 20), "%s: and its length", what);
	tap_is_int(24 + (int64_t)len, (int64_t)le64_get(seen + 12),
	    "%s: and the link over it", what);
	(void)unlink(path_in(scratch, "length.vtape")); /* made anew if not */
	free(data);
	free(seen);
}

/* After damage the links lead on. */
static void
test_resync(void)
{
	struct tape owner = { .why = "" };
	struct image_options options = { .readonly = true };
	struct image_object object;
	struct image *image;
	char path[256];
	uint64_t at;
	int r;

	(void)snprintf(path, sizeof(path), "%s/vtape/overwritten-mark/%s",
	    data_dir(), "image.vtape");
	r = image_open(&owner, path, image_format_named("vtape"), &options,
	    &image);
	if (r < 0)
		tap_bail("%s", owner.why);
	/* at 20, 104, 124, 209, 229, 236, 256, 760 */
	tap_is_int(0, image_resync(image, 50, &at), "damage before a link");
	tap_is_int(104, (int64_t)at, "... ends at the next filemark");
	/* The filemark at 209 is no more, and so 236 leads back to nothing. */
	tap_is_int(0, image_resync(image, 209, &at),
	    "where the chain is broken filemarks are searched for");
	tap_is_int(256, (int64_t)at, "... and what follows one is intact");
	tap_is_int(0, image_next(image, at, &object), "it is read there");
	tap_is_int(760, (int64_t)object.end, "... up to the next filemark");
	tap_is_int(0, image_next(image, 760, &object), "which is one");
	tap_is_int(-ENODATA, image_resync(image, 760, &at),
	    "after the last filemark there is nothing to find");
	(void)image_close(image); /* was only read */
}

int
main(void)
{
	scratch = make_scratch();
	test_listings("vtape", 40);
	test_example();
	test_overwrite();
	test_mend();
	test_goes_on_after_damage();
	test_not_ours();
	test_much_after_the_end();
	test_length(1, "1 byte");
	test_length(65535, "an odd record");
	test_length(1 << 24, "16 MiB");
	test_resync();
	remove_scratch(scratch);
	return tap_done();
}
