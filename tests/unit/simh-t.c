/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SIMH format: every image in tests/data/simh is read as its listing says,
 * forward and backward, and what is written is the bytes of the format.
 */
#include "bytes.h"
#include "listing.h"

/* The example at the top of simh.c. */
static void
test_example(const char *dir)
{
	static const uint8_t expected[] = {
		3, 0, 0, 0, 'a', 'b', 'c', 0, 3, 0, 0, 0, /* "abc" */
		0, 0, 0, 0,				  /* filemark */
		2, 0, 0, 0, 'd', 'e', 2, 0, 0, 0,	  /* "de" */
	};
	uint8_t seen[64];
	struct tape *t = load_tape(spec_in(dir, "example.tap"));

	put_record(t, "abc", 3);
	put_mark(t);
	put_record(t, "de", 2);
	tap_is_int(0, tape_unload(t), "the example is unloaded");
	tap_is_int(sizeof(expected),
	    (int64_t)bytes_of(path_in(dir, "example.tap"), seen, sizeof(seen)),
	    "the image has the bytes of its objects and no more");
	tap_is_mem(expected, seen, sizeof(expected),
	    "lengths are little-endian and data is padded with 0");
	tape_free(t);
}

static void
test_overwrite(const char *dir)
{
	static const uint8_t expected[] = { 1, 0, 0, 0, 'x', 0, 1, 0, 0, 0 };
	uint8_t seen[64];
	struct tape *t = load_tape(spec_in(dir, "example.tap"));

	put_record(t, "x", 1);
	tape_free(t);
	tap_is_int(sizeof(expected),
	    (int64_t)bytes_of(path_in(dir, "example.tap"), seen, sizeof(seen)),
	    "a write at BOT leaves nothing of what followed");
	tap_is_mem(expected, seen, sizeof(expected), "... but the new record");
}

static void
test_eom_word_is_overwritten(const char *dir)
{
	static const uint8_t image[] = { 2, 0, 0, 0, 'a', 'b', 2, 0, 0, 0, 0xff,
		0xff, 0xff, 0xff, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9 };
	static const uint8_t expected[] = { 2, 0, 0, 0, 'a', 'b', 2, 0, 0, 0, 2,
		0, 0, 0, 'c', 'd', 2, 0, 0, 0 };
	FILE *f = fopen(path_in(dir, "eom.tap"), "wb");
	enum tape_cond cond;
	uint64_t done;
	uint8_t seen[64];
	struct tape *t;

	if (f == NULL || fwrite(image, 1, sizeof(image), f) != sizeof(image) ||
	    fclose(f) != 0)
		tap_bail("eom.tap: %s", strerror(errno));
	t = load_tape(spec_in(dir, "eom.tap"));
	(void)tape_space(t, TAPE_TO_EOD, 0, &done, &cond);
	tap_is_int(1, (int64_t)t->pos.object, "FFFFFFFF is the end of data");
	put_record(t, "cd", 2);
	tape_free(t);
	tap_is_int(sizeof(expected),
	    (int64_t)bytes_of(path_in(dir, "eom.tap"), seen, sizeof(seen)),
	    "appending replaces FFFFFFFF and what follows it");
	tap_is_mem(expected, seen, sizeof(expected), "... with the record");
}

/* Writes ${len} bytes as one record and looks at both of its lengths. */
static void
test_length(const char *dir, uint32_t len, const char *what)
{
	uint8_t *data = malloc(len), *seen = calloc(1, (size_t)len + 16);
	struct tape *t = load_tape(spec_in(dir, "length.tap"));
	enum tape_cond cond;
	size_t n, whole = 8 + (size_t)len + (len & 1);

	if (data == NULL || seen == NULL)
		tap_bail("out of memory");
	fill_record(data, len, len);
	put_record(t, data, len);
	(void)tape_rewind(t); /* shows in what is read */
	tap_is_int(0, tape_read(t, seen, len, &n, &cond), "%s: is read", what);
	tap_is_int(len, (int64_t)n, "%s: has its length", what);
	tap_ok(memcmp(data, seen, len) == 0, "%s: has its bytes", what);
	tap_is_int(0, tape_unload(t), "%s: is unloaded", what);
	n = bytes_of(path_in(dir, "length.tap"), seen, (size_t)len + 16);
	tap_is_int((int64_t)whole, (int64_t)n, "%s: 8 bytes of frame", what);
	tap_is_int(len, le32_get(seen), "%s: leading length", what);
	tap_is_int(len, le32_get(seen + whole - 4), "%s: trailing", what);
	tape_free(t);
	(void)unlink(path_in(dir, "length.tap")); /* made anew if not */
	free(data);
	free(seen);
}

/*
 * A kill between the two pages that a header lies in leaves half of it.  Only
 * with the whole record behind it, which step 2 was to vouch for, is that the
 * end of data.
 */
static void
test_torn_header(const char *dir, bool whole)
{
	static uint8_t image[4096 + 64];
	const char *path = path_in(dir, "torn.tap");
	size_t at = 4094, end = at + 8 + 10;
	struct tape *t;
	enum tape_cond cond;
	uint64_t done;
	FILE *f = fopen(path, "wb");

	memset(image, 'x', sizeof(image));
	le32_put(image, (uint32_t)at - 8);
	le32_put(image + at - 4, (uint32_t)at - 8);
	le32_put(image + at, UINT32_C(0xffff0000) + 10);
	le32_put(image + end - 4, 10);
	if (!whole)
		end++;
	if (f == NULL || fwrite(image, 1, end, f) != end || fclose(f) != 0)
		tap_bail("torn.tap: %s", strerror(errno));
	t = load_tape(spec_in(dir, "torn.tap"));
	tap_is_int(whole ? 0 : -EIO,
	    tape_space(t, TAPE_TO_EOD, 0, &done, &cond), "half a header is %s",
	    whole ? "the end before a whole record"
		  : "damage before anything else");
	tap_is_int(1, (int64_t)t->pos.object, "... and what precedes is there");
	tape_free(t);
}

/* ---- After damage ---- */

#define RECORDS 12

/* An image of records of odd lengths; where each begins. */
static size_t
make_records(uint8_t *image, bool padded, size_t *ret_at)
{
	size_t n = 0;

	for (uint32_t i = 0; i < RECORDS; i++) {
		uint32_t len = 101 + 2 * i;

		ret_at[i] = n;
		le32_put(image + n, len);
		/* Zeros, which look like filemarks, and other things. */
		memset(image + n + 4, 0, len);
		memset(image + n + 24, 'a', 7);
		n += 4 + len + padded;
		le32_put(image + n, len);
		n += 4;
	}
	return n;
}

/* The object that is found after damage at ${at}, or what resync returns. */
static int64_t
found_after(const char *dir, const char *format, const uint8_t *bytes,
    size_t size, size_t at)
{
	const char *path = path_in(dir, "resync");
	const struct image_options options = { .readonly = true };
	struct tape *owner = open_tape(spec_in(dir, "resync"));
	FILE *f = fopen(path, "wb");
	struct image_object object;
	struct image *image;
	uint64_t found;
	int r;

	if (f == NULL || fwrite(bytes, 1, size, f) != size || fclose(f) != 0)
		tap_bail("%s: %s", path, strerror(errno));
	r = image_open(owner, path, image_format_named(format), &options,
	    &image);
	if (r < 0)
		tap_bail("%s: %s", path, tape_why(owner));
	r = image_next(image, at, &object);
	if (r != -EBADMSG)
		tap_bail("%s: no damage at %zu", path, at);
	r = image_resync(image, at, &found);
	(void)image_close(image); /* only read */
	tape_free(owner);
	return r < 0 ? r : (int64_t)found;
}

static void
test_resync(const char *dir, const char *format, bool padded)
{
	static uint8_t image[8192], bytes[8192];
	size_t at[RECORDS], n = make_records(image, padded, at);

#define FOUND(offset) found_after(dir, format, bytes, n, offset)
	memcpy(bytes, image, n);
	bytes[at[3] - 4]++;
	tap_is_int((int64_t)at[3], FOUND(at[2]),
	    "%s: a trailing length is wrong: on to the next record", format);
	memcpy(bytes, image, n);
	bytes[at[2]] ^= 0x40;
	tap_is_int((int64_t)at[3], FOUND(at[2]),
	    "%s: a leading length is wrong: on to the next record", format);
	memcpy(bytes, image, n);
	memset(bytes + at[4] - 2, 0x55, 20);
	tap_is_int((int64_t)at[5], FOUND(at[3]),
	    "%s: two records are damaged: on to the third", format);
	memcpy(bytes, image, n);
	memset(bytes + at[1], 0x55, 4);
	memset(bytes + at[1] + 20, 0, 4);
	tap_is_int((int64_t)at[2], FOUND(at[1]),
	    "%s: zeros in data are no filemarks", format);
	memcpy(bytes, image, n);
	bytes[n - 4]++;
	tap_is_int(-ENODATA, FOUND(at[RECORDS - 1]),
	    "%s: the last record is damaged: nothing follows", format);
	n -= 20;
	tap_is_int(-ENODATA, FOUND(at[RECORDS - 1]),
	    "%s: the last record is cut: nothing follows", format);
	n = at[RECORDS - 1] + 3;
	tap_is_int(-ENODATA, FOUND(at[RECORDS - 1]),
	    "%s: a length is cut: nothing follows", format);
#undef FOUND
}

int
main(void)
{
	const char *dir = make_scratch();

	test_listings("simh", 44);
	test_example(dir);
	test_overwrite(dir);
	test_eom_word_is_overwritten(dir);
	test_length(dir, 1, "1 byte");
	test_length(dir, 65535, "an odd record");
	test_length(dir, (1 << 20) + 1, "1 MiB + 1");
	test_length(dir, (1 << 24) - 1, "the largest standard record");
	test_length(dir, 1 << 24, "16 MiB");
	test_torn_header(dir, true);
	test_torn_header(dir, false);
	test_resync(dir, "simh", true);
	test_resync(dir, "simh-ext", true);
	test_resync(dir, "e11", false);
	remove_scratch(dir);
	return tap_done();
}
