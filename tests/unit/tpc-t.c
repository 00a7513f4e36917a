/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TPC format: every image in tests/data/tpc is read as its listing says,
 * forward and backward, and what is written is the bytes of the format.
 */
#include "listing.h"

static uint8_t buf[1 << 17], seen[1 << 17];

/* The example at the top of tpc.c. */
static void
test_example(const char *dir)
{
	static const uint8_t expected[] = {
		3, 0, 'a', 'b', 'c', 0, /* "abc" */
		0, 0,			/* filemark */
		2, 0, 'd', 'e',		/* "de" */
	};
	struct tape *t = load_tape(spec_in(dir, "example.tpc"));
	enum tape_cond cond;

	put_record(t, "abc", 3);
	put_mark(t);
	put_record(t, "de", 2);
	tap_is_int(0, tape_unload(t), "the example is unloaded");
	tap_is_int(sizeof(expected),
	    (int64_t)bytes_of(path_in(dir, "example.tpc"), seen, sizeof(seen)),
	    "the image has the bytes of its objects and no more");
	tap_is_mem(expected, seen, sizeof(expected),
	    "lengths are little-endian and data is padded with 0");
	tap_is_int(0, tape_load(t), "it is loaded again");
	(void)tape_locate(t, 0, 1, &cond); /* or the bytes below differ */
	put_record(t, "x", 1);
	tape_free(t);
	tap_is_int(10,
	    (int64_t)bytes_of(path_in(dir, "example.tpc"), seen, sizeof(seen)),
	    "a record in the middle leaves nothing of what followed");
	tap_is_mem("\1\0x\0", seen + 6, 4, "... but itself");
}

static void
test_lengths(const char *dir)
{
	struct tape *t = load_tape(spec_in(dir, "length.tpc"));
	enum tape_cond cond;
	size_t n;

	fill_record(buf, 65534, 1);
	put_record(t, buf, 65534);
	tap_is_int(-EINVAL, tape_write(t, buf, 65535, &cond),
	    "a record of 65535 bytes is refused: FFFF is an end to some");
	tap_ok(strstr(tape_why(t), "65534") != NULL, "... which is said: %s",
	    tape_why(t));
	(void)tape_rewind(t); /* shows in what is read */
	tap_is_int(0, tape_read(t, seen, sizeof(seen), &n, &cond),
	    "one of 65534 is read");
	tap_ok(n == 65534 && is_record_of(seen, n, 1), "... as written");
	tape_free(t);
	n = bytes_of(path_in(dir, "length.tpc"), seen, sizeof(seen));
	tap_is_int(65536, (int64_t)n, "... with 2 bytes of frame");
	tap_is_mem("\xfe\xff", seen, 2, "... that say the length");
}

/* FFFF and what a kill has left after it are not there for a writer. */
static void
test_end_is_overwritten(const char *dir)
{
	static const uint8_t image[] = { 2, 0, 'a', 'b', 0xff, 0xff, 9, 9, 9 };
	static const uint8_t expected[] = { 2, 0, 'a', 'b', 1, 0, 'c', 0 };
	FILE *f = fopen(path_in(dir, "end.tpc"), "wb");
	enum tape_cond cond;
	uint64_t done;
	struct tape *t;

	if (f == NULL || fwrite(image, 1, sizeof(image), f) != sizeof(image) ||
	    fclose(f) != 0)
		tap_bail("end.tpc: %s", strerror(errno));
	t = load_tape(spec_in(dir, "end.tpc"));
	(void)tape_space(t, TAPE_TO_EOD, 0, &done, &cond);
	tap_is_int(1, (int64_t)t->pos.object, "FFFF is the end of data");
	put_record(t, "c", 1);
	tape_free(t);
	tap_is_int(sizeof(expected),
	    (int64_t)bytes_of(path_in(dir, "end.tpc"), seen, sizeof(seen)),
	    "appending replaces FFFF and what follows it");
	tap_is_mem(expected, seen, sizeof(expected), "... with the record");
}

/* Loading, closing and going on leave the number of filemarks alone. */
static void
test_no_marks_of_ours(const char *dir)
{
	enum tape_cond cond;
	uint64_t done;

	for (int i = 0; i < 3; i++) {
		struct tape *t = load_tape(spec_in(dir, "marks.tpc"));

		(void)tape_space(t, TAPE_TO_EOD, 0, &done, &cond);
		tap_is_int(i, (int64_t)t->pos.file,
		    "the tape has the filemarks that were written");
		put_mark(t);
		tape_free(t);
	}
	tap_is_int(6,
	    (int64_t)bytes_of(path_in(dir, "marks.tpc"), seen, sizeof(seen)),
	    "... and so has the image");
}

/* Backward over more than walk.c keeps of one walk. */
static void
test_long_way_back(const char *dir)
{
	struct tape *t = load_tape(spec_in(dir, "long.tpc"));
	enum tape_cond cond;
	uint64_t done;
	bool same = true;
	size_t n;

	for (uint32_t i = 0; i < 3000; i++) {
		fill_record(buf, 1 + i % 200, i);
		put_record(t, buf, 1 + i % 200);
	}
	for (uint32_t i = 3000; same && i-- > 0;) {
		same = tape_space(t, TAPE_RECORDS, -1, &done, &cond) == 0 &&
		    tape_read(t, seen, sizeof(seen), &n, &cond) == 0 &&
		    n == 1 + i % 200 && is_record_of(seen, n, i) &&
		    tape_space(t, TAPE_RECORDS, -1, &done, &cond) == 0;
		if (!same)
			tap_diag("record %" PRIu32 ": %s", i, tape_why(t));
	}
	tap_ok(same, "3000 records are there going back as well");
	tape_free(t);
}

static void
test_only_by_suffix(const char *dir)
{
	static const uint8_t image[] = { 2, 0, 'a', 'b', 0, 0 };
	FILE *f = fopen(path_in(dir, "plain.img"), "wb");
	struct tape *t = open_tape(spec_in(dir, "plain.img"));

	if (f == NULL || fwrite(image, 1, sizeof(image), f) != sizeof(image) ||
	    fclose(f) != 0)
		tap_bail("plain.img: %s", strerror(errno));
	tap_is_int(-EMEDIUMTYPE, tape_load(t),
	    "an image without the suffix is not taken for TPC");
	tape_free(t);
	t = open_tape(spec_in(dir, "plain.img,format=tpc"));
	tap_is_int(0, tape_load(t), "... but with format=tpc");
	tape_free(t);
}

int
main(void)
{
	const char *dir = make_scratch();

	test_listings("tpc", 27);
	test_example(dir);
	test_lengths(dir);
	test_end_is_overwritten(dir);
	test_no_marks_of_ours(dir);
	test_long_way_back(dir);
	test_only_by_suffix(dir);
	remove_scratch(dir);
	return tap_done();
}
