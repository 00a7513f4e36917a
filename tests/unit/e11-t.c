/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The E11 format: every image in tests/data/e11 is read as its listing says,
 * what is written is the bytes of the format, and it is told from SIMH by the
 * first odd record, or by nothing.
 */
#include "bytes.h"
#include "listing.h"

/* The example at the top of e11.c. */
static void
test_example(const char *dir)
{
	static const uint8_t expected[] = {
		3, 0, 0, 0, 'a', 'b', 'c', 3, 0, 0, 0, /* "abc" */
		0, 0, 0, 0,			       /* filemark */
		2, 0, 0, 0, 'd', 'e', 2, 0, 0, 0,      /* "de" */
	};
	uint8_t seen[64];
	struct tape *t = load_tape(spec_in(dir, "example.e11"));
	enum tape_cond cond;

	put_record(t, "abc", 3);
	put_mark(t);
	put_record(t, "de", 2);
	tap_is_int(0, tape_unload(t), "the example is unloaded");
	tap_is_int(sizeof(expected),
	    (int64_t)bytes_of(path_in(dir, "example.e11"), seen, sizeof(seen)),
	    "the image has the bytes of its objects and no more");
	tap_is_mem(expected, seen, sizeof(expected), "data is not padded");
	tap_is_int(0, tape_load(t), "it is loaded again");
	(void)tape_locate(t, 0, 1, &cond); /* or the bytes below differ */
	put_record(t, "x", 1);
	tape_free(t);
	tap_is_int(11 + 9,
	    (int64_t)bytes_of(path_in(dir, "example.e11"), seen, sizeof(seen)),
	    "a record in the middle leaves nothing of what followed");
	tap_is_mem("\1\0\0\0x\1\0\0\0", seen + 11, 9, "... but itself");
}

static void
test_largest(const char *dir)
{
	uint32_t len = TAPE_MAX_RECORD;
	uint8_t *data = malloc(len), *seen = calloc(1, (size_t)len + 16);
	struct tape *t = load_tape(spec_in(dir, "largest.e11"));
	enum tape_cond cond;
	size_t n;

	if (data == NULL || seen == NULL)
		tap_bail("out of memory");
	fill_record(data, len, len);
	put_record(t, data, len);
	(void)tape_rewind(t); /* shows in what is read */
	tap_is_int(0, tape_read(t, seen, len, &n, &cond), "16 MiB are read");
	tap_ok(n == len && memcmp(data, seen, len) == 0, "... as written");
	tape_free(t);
	n = bytes_of(path_in(dir, "largest.e11"), seen, (size_t)len + 16);
	tap_is_int((int64_t)len + 8, (int64_t)n, "... with 8 bytes of frame");
	tap_is_int(len, le32_get(seen), "... that say the length");
	free(data);
	free(seen);
}

/* What loading an image says, and spacing to its end. */
static const char *
told(const char *dir, const char *name)
{
	static char answer[300];
	struct tape *t = open_tape(spec_in(dir, name));
	enum tape_cond cond;
	uint64_t done;

	if (tape_load(t) < 0)
		(void)snprintf(answer, sizeof(answer), "%s", tape_why(t));
	else
		(void)snprintf(answer, sizeof(answer), "%s",
		    tape_space(t, TAPE_TO_EOD, 0, &done, &cond) == 0
			? "whole"
			: tape_why(t));
	tape_free(t);
	return answer;
}

/* The same of these bytes under a name. */
static const char *
told_as(const char *dir, const char *name, const void *bytes, size_t len)
{
	FILE *f = fopen(path_in(dir, name), "wb");

	if (f == NULL || fwrite(bytes, 1, len, f) != len || fclose(f) != 0)
		tap_bail("%s: %s", name, strerror(errno));
	return told(dir, name);
}

/* ... and of an image that gets another name. */
static const char *
reload_as(const char *dir, const char *from, const char *name)
{
	if (rename(path_in(dir, from), path_in(dir, name)) < 0)
		tap_bail("%s: %s", from, strerror(errno));
	return told(dir, name);
}

#define TOLD(name, image) told_as(dir, name, image, sizeof(image))

static void
test_told(const char *dir)
{
	static const uint8_t e11[] = { 2, 0, 0, 0, 'a', 'b', 2, 0, 0, 0, 0, 0,
		0, 0, 1, 0, 0, 0, 'c', 1, 0, 0, 0 };
	static const uint8_t simh[] = { 2, 0, 0, 0, 'a', 'b', 2, 0, 0, 0, 0, 0,
		0, 0, 1, 0, 0, 0, 'c', 0, 1, 0, 0, 0 };
	static const uint8_t even[] = { 2, 0, 0, 0, 'a', 'b', 2, 0, 0, 0, 0, 0,
		0, 0 };
	static const uint8_t zeros[64] = { 0 };

	tap_is_str("whole", TOLD("e.e11", e11), "E11 with its suffix");
	tap_is_str("whole", TOLD("e.tap", e11), "E11 with that of SIMH");
	tap_is_str("whole", TOLD("e", e11), "E11 with none");
	tap_is_str("whole", TOLD("s.e11", simh), "SIMH with the suffix of E11");
	tap_is_str("whole", TOLD("s", simh), "SIMH with none");
	tap_is_str("whole", TOLD("t.e11", even), "either, with a suffix");
	tap_is_str("whole", TOLD("t.simh", even), "either, with the other one");
	tap_ok(strstr(TOLD("t", even), "simh or e11") != NULL,
	    "either, with none: nobody guesses");
	tap_ok(strstr(TOLD("z.img", zeros), "simh or e11") != NULL,
	    "filemarks only: nobody guesses");
	tap_is_str("whole", TOLD("z.e11", zeros), "... but the suffix says");
}

/* Four records of 16 MiB, sparse, and after them an odd one of E11. */
static void
test_bound(const char *dir)
{
	static const uint8_t odd[] = { 1, 0, 0, 0, 'c', 1, 0, 0, 0 };
	uint8_t word[4];
	FILE *f = fopen(path_in(dir, "long"), "wb");
	long at = 0;
	bool made = f != NULL;

	le32_put(word, 16 << 20);
	for (int i = 0; made && i < 4; i++) {
		made = fseek(f, at, SEEK_SET) == 0 &&
		    fwrite(word, 1, 4, f) == 4 &&
		    fseek(f, 16 << 20, SEEK_CUR) == 0 &&
		    fwrite(word, 1, 4, f) == 4;
		at += 8 + (16 << 20);
	}
	if (!made || fwrite(odd, 1, sizeof(odd), f) != sizeof(odd) ||
	    fclose(f) != 0)
		tap_bail("long: %s", strerror(errno));
	tap_ok(strstr(reload_as(dir, "long", "long"), "simh or e11") != NULL,
	    "what comes after 64 MiB does not decide");
	tap_is_str("whole", reload_as(dir, "long", "long.e11"),
	    "... but the suffix");
	tap_ok(strstr(reload_as(dir, "long.e11", "long.tap"), "would end") !=
		NULL,
	    "... even if it is wrong");
}

/* What the suffix has said decides what an odd record becomes. */
static void
test_append_after_tie(const char *dir)
{
	static const uint8_t expected[] = { 2, 0, 0, 0, 'a', 'b', 2, 0, 0, 0, 1,
		0, 0, 0, 'c', 1, 0, 0, 0 };
	uint8_t seen[64];
	enum tape_cond cond;
	uint64_t done;
	struct tape *t = load_tape(spec_in(dir, "tie.e11"));

	put_record(t, "ab", 2);
	(void)tape_unload(t); /* or the bytes below differ */
	tap_is_int(0, tape_load(t), "an image of even records is loaded");
	(void)tape_space(t, TAPE_TO_EOD, 0, &done, &cond); /* as above */
	put_record(t, "c", 1);
	tape_free(t);
	tap_is_int(sizeof(expected),
	    (int64_t)bytes_of(path_in(dir, "tie.e11"), seen, sizeof(seen)),
	    "an odd record after it has no padding");
	tap_is_mem(expected, seen, sizeof(expected), "... and is whole");
}

int
main(void)
{
	const char *dir = make_scratch();

	test_listings("e11", 34);
	test_example(dir);
	test_largest(dir);
	test_told(dir);
	test_bound(dir);
	test_append_after_tie(dir);
	remove_scratch(dir);
	return tap_done();
}
