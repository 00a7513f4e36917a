/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The HET format: every image in tests/data/het is read as its listing says,
 * those in tests/data/het-data as well, whose damage is inside compressed data,
 * where only reading looks; and what is written is what Hercules writes.
 */
#include <bzlib.h>
#include <zlib.h>

#include "chains.h"

#define A_HUNDRED 100

static const uint8_t hundred[] = {
	12, 0, 0, 0, 0xa1, 0, 0x78, 0x5e, 0x4b, 0x4c, 0xa4, 0x3d, 0, 0, 0x7a,
	0x47, 0x25, 0xe5,     /* 100 times "a", compressed */
	0, 0, 12, 0, 0x40, 0, /* filemark */
};

static const uint8_t plain[] = {
	3, 0, 0, 0, 0xa0, 0, 'a', 'b', 'c', /* "abc" */
	0, 0, 3, 0, 0x40, 0,		    /* filemark */
	2, 0, 0, 0, 0xa0, 0, 'd', 'e',	    /* "de" */
};

/* Data that are damaged: spacing passes over them, reading does not. */
static void
test_damaged_data(const char *image)
{
	struct listing l = { .len = 0 };
	char dir[256], spec[512];
	struct tape *t;
	enum tape_cond cond;
	uint64_t done;

	(void)snprintf(dir, sizeof(dir), "%s/het-data/%s", data_dir(), image);
	(void)snprintf(spec, sizeof(spec), "file:%s/image.het,readonly=yes",
	    dir);
	t = load_tape(spec);
	list_forward(t, &l);
	compare_listing(image, dir, &l);
	tap_is_int(1, (int64_t)t->pos.object, "%s: it stands before", image);
	tap_is_int(0, tape_space(t, TAPE_TO_EOD, 0, &done, &cond),
	    "%s: spacing does not look at the data", image);
	tap_ok(t->pos.object >= 3, "%s: and comes to the end", image);
	tap_is_int(0, tape_locate(t, 0, 1, &cond), "%s: back to it", image);
	tap_is_int(-EIO, tape_read(t, spec, 1, (size_t[1]){ 0 }, &cond),
	    "%s: one byte of it is not to be had, either", image);
	tape_free(t);
}

static void
test_all_damaged_data(void)
{
	struct dirent **cases;
	char dir[256];
	int n;

	(void)snprintf(dir, sizeof(dir), "%s/het-data", data_dir());
	n = scandir(dir, &cases, is_case, alphasort);
	if (n < 0)
		tap_bail("%s: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		test_damaged_data(cases[i]->d_name);
		free(cases[i]);
	}
	free(cases);
	tap_ok(n >= 12, "there were images to read (%d)", n);
}

static void
test_compressed(const char *dir)
{
	uint8_t data[A_HUNDRED];
	struct tape *t = load_tape(spec_in(dir, "a.het"));
	struct tape_info info;

	memset(data, 'a', sizeof(data));
	tape_describe(t, &info);
	tap_ok(info.can_compress, "the tape can compress");
	put_record(t, data, sizeof(data));
	put_mark(t);
	tap_is_int(0, tape_unload(t), "the tape is unloaded");
	file_is(path_in(dir, "a.het"), hundred, sizeof(hundred),
	    "compressed with zlib at level 4");
	tape_free(t);
}

/* The bytes that ${spec} makes of a record are ${expected}, after a header. */
static void
test_packed(const char *dir, const char *name, const uint8_t *data, size_t len,
    const uint8_t *expected, size_t expected_len, uint8_t flags)
{
	char path[512];
	struct bytes b = { .data = NULL };
	struct tape *t = load_tape(spec_in(dir, name));

	put_record(t, data, len);
	tape_free(t);
	(void)snprintf(path, sizeof(path), "%s", path_in(dir, name));
	*strchr(path, ',') = '\0';
	bytes_add_header(&b, expected_len, 0, flags);
	bytes_add(&b, expected, expected_len);
	file_is(path, b.data, b.len, name);
	free(b.data);
}

static void
test_methods(const char *dir)
{
	static uint8_t data[30000], out[40000];
	uLongf n;
	unsigned m = sizeof(out);

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] =
		    (uint8_t)("to be or not to be"[i % 18] + (int)(i / 4096));
	for (int level = 1; level <= 9; level += 4) {
		char name[64];

		n = sizeof(out);
		(void)compress2(out, &n, data, sizeof(data), level); /* has */
		(void)snprintf(name, sizeof(name), "z%d.het,level=%d", level,
		    level);
		test_packed(dir, name, data, sizeof(data), out, n, 0xa1);
	}
	(void)BZ2_bzBuffToBuffCompress((char *)out, &m, (char *)data,
	    sizeof(data), 4, 0, 0); /* there is room */
	test_packed(dir, "b.het,compress=bzip2", data, sizeof(data), out, m,
	    0xa2);
	test_packed(dir, "n.het,compress=no", data, sizeof(data), data,
	    sizeof(data), 0xa0);
}

/* tape_set() is for what is written from then on. */
static void
test_set(const char *dir)
{
	uint8_t data[A_HUNDRED], seen[1024], first[6];
	struct tape *t = load_tape(spec_in(dir, "set.het,compress=no"));

	memset(data, 'a', sizeof(data));
	put_record(t, data, sizeof(data));
	tap_is_int(0, tape_set(t, TAPE_COMPRESSION, 1), "compression on");
	put_record(t, data, sizeof(data));
	tap_is_int(0, tape_set(t, TAPE_COMPRESSION, 0), "and off");
	put_record(t, data, sizeof(data));
	tap_is_int(-EINVAL, tape_set(t, TAPE_COMPRESSION, 2),
	    "and nothing else");
	tape_free(t);
	tap_is_int(106 + 18 + 106,
	    (int64_t)bytes_of(path_in(dir, "set.het"), seen, sizeof(seen)),
	    "each record is as it was said before it");
	memcpy(first, seen + 106, sizeof(first));
	tap_is_mem("\x0c\0\x64\0\xa1\0", first, 6, "... the second with zlib");
}

/* 16 MiB in one piece: bzip2 makes nearly nothing out of nothing. */
static void
test_large(const char *dir)
{
	static uint8_t zeros[TAPE_MAX_RECORD], seen[TAPE_MAX_RECORD];
	static char packed[65535];
	struct bytes b = { .data = NULL };
	unsigned n = sizeof(packed);
	enum tape_cond cond;
	struct tape *t;
	size_t len;

	(void)BZ2_bzBuffToBuffCompress(packed, &n, (char *)zeros, sizeof(zeros),
	    9, 0, 0); /* or what is read shows it */
	bytes_add_header(&b, n, 0, 0xa2);
	bytes_add(&b, packed, n);
	bytes_save(&b, path_in(dir, "large.het"));
	t = load_tape(spec_in(dir, "large.het"));
	memset(seen, 1, sizeof(seen));
	tap_is_int(0, tape_read(t, seen, sizeof(seen), &len, &cond),
	    "a record that expands to 16 MiB is read");
	tap_is_int(TAPE_MAX_RECORD, (int64_t)len, "... in its length");
	tap_ok(memcmp(zeros, seen, sizeof(seen)) == 0, "... and its bytes");
	(void)tape_rewind(t); /* as above */
	memset(seen, 1, sizeof(seen));
	tap_is_int(0, tape_read(t, seen, 10, &len, &cond),
	    "it is read into 10 bytes");
	tap_is_int(TAPE_MAX_RECORD, (int64_t)len, "... in its length");
	tap_ok(seen[9] == 0 && seen[10] == 1, "... and no more is stored");
	tape_free(t);
}

int
main(void)
{
	const char *dir = make_scratch();

	test_listings("het", 20);
	test_all_damaged_data();
	test_example(dir, "example.het", plain, sizeof(plain));
	test_compressed(dir);
	test_methods(dir);
	test_set(dir);
	test_large(dir);
	test_largest(dir, "largest.het");
	is_refused(EINVAL, spec_in(dir, "new.het,compress=zstd"), "bzip2");
	is_refused(EINVAL, spec_in(dir, "new.het,level=10"), "1 to 9");
	remove_scratch(dir);
	return tap_done();
}
