/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The P7B format, which is only read: every image in tests/data/p7b is read as
 * its listing says, forward and backward; and raw=yes.
 */
#include "listing.h"

/* The example at the top of p7b.c. */
static const uint8_t example[] = { 0x81, 2, 4, 0x8f, 0xc3, 0x45 };

static void
make_image(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "wb");

	if (f == NULL || fwrite(bytes, 1, len, f) != len || fclose(f) != 0)
		tap_bail("%s: %s", path, strerror(errno));
}

static void
test_example(const char *spec, const uint8_t *expected, const char *what)
{
	struct tape *t = load_tape(spec);
	enum tape_cond cond;
	uint8_t seen[8];
	size_t n;

	tap_is_int(0, tape_read(t, seen, sizeof(seen), &n, &cond),
	    "%s: a record is read", what);
	tap_is_int(3, (int64_t)n, "%s: of 3 frames", what);
	tap_is_mem(expected, seen, 3, "%s: with its bits", what);
	tap_is_int(0, tape_read(t, seen, sizeof(seen), &n, &cond),
	    "%s: and then", what);
	tap_is_int(TAPE_FILEMARK, cond, "%s: a filemark", what);
	tap_is_int(0, tape_read(t, seen, sizeof(seen), &n, &cond),
	    "%s: and a record", what);
	tap_is_int(2, (int64_t)n, "%s: of 2 frames", what);
	tap_is_mem(expected + 4, seen, 2, "%s: with its bits", what);
	tap_is_int(0, tape_read(t, seen, 0, &n, &cond), "%s: and then", what);
	tap_is_int(TAPE_EOD, cond, "%s: the end of data", what);
	tape_free(t);
}

static void
test_read_only(const char *dir)
{
	struct tape *t = load_tape(spec_in(dir, "example.p7b"));
	struct tape_info info;
	enum tape_cond cond;
	uint8_t seen[16];

	tape_describe(t, &info);
	tap_ok(info.write_protected, "it is write protected");
	tap_is_int(-EROFS, tape_write(t, "a", 1, &cond), "and takes no record");
	tap_ok(strstr(tape_why(t), "can only be read") != NULL,
	    "... which is said: %s", tape_why(t));
	tap_is_int(-EROFS, tape_erase(t, true), "it is not erased, either");
	tape_free(t);
	tap_is_int(sizeof(example),
	    (int64_t)bytes_of(path_in(dir, "example.p7b"), seen, sizeof(seen)),
	    "nothing has changed it");
	t = open_tape(spec_in(dir, "new.img,format=p7b"));
	tap_is_int(-EMEDIUMTYPE, tape_load(t), "and none is made");
	tape_free(t);
}

/* A record of 16 MiB is read; one frame more is no record. */
static void
test_largest(const char *dir)
{
	size_t size = (size_t)TAPE_MAX_RECORD + 1;
	uint8_t *bytes = malloc(size);
	enum tape_cond cond;
	uint64_t done;
	struct tape *t;

	if (bytes == NULL)
		tap_bail("out of memory");
	memset(bytes, 1, size);
	bytes[0] = 0x81;
	make_image(path_in(dir, "large.p7b"), bytes, size - 1);
	t = load_tape(spec_in(dir, "large.p7b"));
	tap_is_int(0, tape_space(t, TAPE_RECORDS, 1, &done, &cond),
	    "16 MiB are a record");
	tap_is_int(0, tape_space(t, TAPE_RECORDS, -1, &done, &cond),
	    "... backward as well");
	tap_is_int(1, (int64_t)done, "... which is one");
	tape_free(t);
	make_image(path_in(dir, "large.p7b"), bytes, size);
	t = load_tape(spec_in(dir, "large.p7b"));
	tap_is_int(-EIO, tape_space(t, TAPE_RECORDS, 1, &done, &cond),
	    "one byte more is damage");
	tape_free(t);
	free(bytes);
}

int
main(void)
{
	static const uint8_t masked[] = { 1, 2, 4, 0x0f, 0x43, 0x45 };
	const char *dir = make_scratch();

	test_listings("p7b", 17);
	make_image(path_in(dir, "example.p7b"), example, sizeof(example));
	test_example(spec_in(dir, "example.p7b"), masked, "7 bits");
	test_example(spec_in(dir, "example.p7b,raw=yes"), example, "raw");
	test_read_only(dir);
	test_largest(dir);
	remove_scratch(dir);
	return tap_done();
}
