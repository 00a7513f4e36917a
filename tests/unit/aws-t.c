/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The AWS format: every image in tests/data/aws is read as its listing says,
 * what is written is the bytes of the format, and what is too large for a file
 * in the tree.
 */
#include "chains.h"

static const uint8_t example[] = {
	3, 0, 0, 0, 0xa0, 0, 'a', 'b', 'c', /* "abc" */
	0, 0, 3, 0, 0x40, 0,		    /* filemark */
	2, 0, 0, 0, 0xa0, 0, 'd', 'e',	    /* "de" */
};

static const uint8_t changed[] = {
	3, 0, 0, 0, 0xa0, 0, 'a', 'b', 'c', /* "abc" */
	1, 0, 3, 0, 0xa0, 0, 'x',	    /* "x" */
	0, 0, 1, 0, 0x40, 0,		    /* filemark */
};

/* A record of ${size} bytes in pieces, between two small ones. */
static void
save_pieces(const char *path, size_t size, size_t piece)
{
	static uint8_t data[65535];
	struct bytes b = { .data = NULL };
	size_t before = 1;

	fill_record(data, sizeof(data), 5);
	bytes_add_header(&b, 1, 0, 0xa0);
	bytes_add(&b, "a", 1);
	for (size_t done = 0; done < size; done += piece) {
		bool last = size - done <= piece;
		size_t n = last ? size - done : piece;

		bytes_add_header(&b, n, before,
		    (uint8_t)((done == 0 ? 0x80 : 0) | (last ? 0x20 : 0)));
		bytes_add(&b, data, n);
		before = n;
	}
	bytes_add_header(&b, 1, before, 0xa0);
	bytes_add(&b, "z", 1);
	bytes_save(&b, path);
}

static void
test_pieces(const char *dir, size_t piece)
{
	static uint8_t seen[TAPE_MAX_RECORD];
	struct tape *t;
	enum tape_cond cond;
	uint64_t done;
	size_t len;
	bool same = true;

	save_pieces(path_in(dir, "pieces.aws"), TAPE_MAX_RECORD, piece);
	t = load_tape(spec_in(dir, "pieces.aws"));
	(void)tape_space(t, TAPE_TO_EOD, 0, &done, &cond); /* shows below */
	tap_is_int(3, (int64_t)t->pos.object,
	    "16 MiB in pieces of %zu are one record", piece);
	(void)tape_space(t, TAPE_RECORDS, -2, &done, &cond); /* as above */
	tap_is_int(1, (int64_t)t->pos.object, "... also backward");
	tap_is_int(0, tape_read(t, seen, sizeof(seen), &len, &cond),
	    "... and it is read");
	tap_is_int(TAPE_MAX_RECORD, (int64_t)len, "... in its length");
	for (size_t i = 0; i < len; i++)
		same = same && seen[i] == record_byte(5, i % piece);
	tap_ok(same, "... and with its bytes");
	(void)tape_read(t, seen, 1, &len, &cond); /* shows below */
	tap_is_int('z', seen[0], "... and the next one follows");
	tape_free(t);
}

static void
test_too_many_pieces(const char *dir)
{
	struct tape *t;
	enum tape_cond cond;
	uint64_t done;

	save_pieces(path_in(dir, "pieces.aws"), TAPE_MAX_RECORD + 1, 65535);
	t = load_tape(spec_in(dir, "pieces.aws"));
	tap_is_int(-EIO, tape_space(t, TAPE_TO_EOD, 0, &done, &cond),
	    "a byte more than 16 MiB is damage");
	tap_is_int(1, (int64_t)t->pos.object, "... and the tape stands before");
	tape_free(t);
}

/* Nothing compressed: AWS and HET have the same bytes. */
static void
test_tie(const char *dir)
{
	static const char *const names[] = { "tie.aws", "tie.het" };
	struct bytes b = { .data = NULL };
	struct tape_info info;

	bytes_add(&b, example, sizeof(example));
	bytes_save(&b, path_in(dir, "tie.img"));
	is_refused(EMEDIUMTYPE, spec_in(dir, "tie.img"), "aws or het");
	for (size_t i = 0; i < 2; i++) {
		struct tape *t;

		bytes_add(&b, example, sizeof(example));
		bytes_save(&b, path_in(dir, names[i]));
		t = load_tape(spec_in(dir, names[i]));
		tape_describe(t, &info);
		tap_is_int((int64_t)i, info.can_compress,
		    "%s: the suffix decides", names[i]);
		tape_free(t);
	}
}

int
main(void)
{
	const char *dir = make_scratch();

	test_listings("aws", 35);
	test_example(dir, "example.aws", example, sizeof(example));
	test_overwrite(dir, "example.aws", changed, sizeof(changed));
	test_largest(dir, "largest.aws");
	test_pieces(dir, 4096);
	test_pieces(dir, 65535);
	test_too_many_pieces(dir);
	test_tie(dir);
	is_refused(EINVAL, spec_in(dir, "new.aws,compress=zlib"), "format=het");
	remove_scratch(dir);
	return tap_done();
}
