/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cartridge of mhvtl: every image in tests/data/mhvtl is read as its
 * listing says; records that can't be given are refused in words, and wherever
 * a file is cut or a bit of the index is turned, that is noticed.
 */
#include "bytes.h"
#include "import.h"

#define ENTRY 512 /* bytes */

static const char *scratch;

static const char *
spec_of(const char *group, const char *name, const char *options)
{
	static char spec[1024];

	(void)snprintf(spec, sizeof(spec), "file:%s/%s/%s/image%s",
	    joined(data_dir(), "mhvtl"), group, name, options);
	return spec;
}

static const struct {
	const char *name;
	int errnum;
	const char *words;
} refused[] = {
	{ "v3-version-2", EMEDIUMTYPE, "meta: version 2 of the format" },
	{ "v3-version-6", EMEDIUMTYPE, "meta: version 6 of the format" },
	{ "v3-version-cut", EMEDIUMTYPE, "meta: 3 bytes, too few" },
	{ "v3-big-endian", EMEDIUMTYPE, "big-endian" },
	{ "v6-version-3", EMEDIUMTYPE, "mam: version 3 of the format" },
	{ "v6-version-7", EMEDIUMTYPE, "mam: version 7 of the format" },
	{ "v6-version-cut", EMEDIUMTYPE, "mam: 0 bytes, too few" },
	{ "v6-big-endian", EMEDIUMTYPE, "big-endian" },
	{ "v6-no-indx", ENOENT, "indx.0: can't be opened" },
	{ "v6-no-meta", ENOENT, "meta.0: can't be opened" },
	{ "v6-hole", EMEDIUMTYPE, "data.2 is there, but no data.1" },
	{ "v6-five", EMEDIUMTYPE, "data.4: more than 4 partitions" },
};

static void
test_refused(void)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		is_refused(spec_of("refused.d", refused[i].name, ""),
		    -refused[i].errnum, refused[i].words);
	is_refused(spec_of("refused.d", "", ",format=mhvtl"), -ENOENT,
	    "mam: can't be opened");
}

/* Records whose entry is good, but that can't be given. */
static const struct {
	const char *name, *words;
} bad[] = {
	{ "checksum", "data.0: the 81 bytes from 80 on do not have" },
	{ "zlib-checksum", "do not have the record's checksum" },
	{ "lzo-checksum", "do not have the record's checksum" },
	{ "zlib-damaged", "are no zlib data" },
	{ "zlib-cut", "are no zlib data" },
	{ "zlib-longer", "are no zlib data" },
	{ "zlib-of-more", "are no zlib data" },
	{ "zlib-of-less", "are no zlib data" },
	{ "lzo-damaged", "are no LZO data" },
	{ "lzo-cut", "are no LZO data" },
	{ "lzo-longer", "are no LZO data" },
	{ "lzo-of-more", "are no LZO data" },
	{ "lzo-of-less", "are no LZO data" },
	{ "encrypted", "an encrypted record, which is not read here" },
	{ "encrypted-zlib", "its key is in indx.0" },
};

static void
test_bad_record(const char *name, const char *words, size_t size)
{
	struct tape *t = load_tape(spec_of("read.d", name, ""));
	static uint8_t buf[1 << 16];
	enum tape_cond cond;
	uint64_t done;
	size_t len;

	tap_is_int(0, tape_read(t, buf, sizeof(buf), &len, &cond),
	    "%s: what precedes is read", name);
	tap_is_int(-EIO, tape_read(t, buf, size, &len, &cond),
	    "... the record is not, into %zu bytes", size);
	if (!tap_ok(strstr(tape_why(t), words) != NULL, "... as \"%s\"", words))
		tap_diag("said: %s", tape_why(t));
	tap_is_int(1, (int64_t)t->pos.object, "... the tape stands before it");
	tap_is_int(0, tape_space(t, TAPE_RECORDS, 1, &done, &cond),
	    "... it can be passed");
	tap_is_int(0, tape_read(t, buf, sizeof(buf), &len, &cond),
	    "... and what follows is read");
	tap_ok(len == 3 && buf[0] == 'c', "... as it is");
	tape_free(t);
}

/* A record that does not fit the buffer is checked all the same. */
static void
test_part_of_record(const char *name)
{
	struct tape *t = load_tape(spec_of(".", name, ""));
	uint8_t buf[300];
	enum tape_cond cond;
	size_t len;

	memset(buf, 0xee, sizeof(buf));
	tap_is_int(0, tape_read(t, buf, 260, &len, &cond),
	    "%s: a large record is read into a small buffer", name);
	tap_is_int(4096, (int64_t)len, "... its length is told");
	tap_ok(buf[255] == 255 && buf[256] == 0 && buf[259] == 3 &&
		buf[260] == 0xee,
	    "... what fits is there, and no more");
	tape_free(t);
}

static void
test_partitions(void)
{
	struct tape *t = load_tape(spec_of(".", "v6-partitions", ""));
	struct tape_info info;
	struct tape_pos pos;
	enum tape_cond cond;
	uint8_t buf[100];
	uint64_t done;
	size_t len;

	tape_describe(t, &info);
	tap_is_int(4, info.partitions, "there are four partitions");
	tap_is_int(0, tape_locate(t, 1, 0, &cond), "the second is selected");
	(void)tape_read(t, buf, sizeof(buf), &len, &cond); /* seen below */
	tap_ok(len == 81 && buf[0] == 'b', "... its record is read");
	(void)tape_read(t, buf, sizeof(buf), &len, &cond); /* as above */
	tap_is_int(TAPE_EOD, cond, "... and its end of data is met");
	tap_is_int(0, tape_locate(t, 3, 1, &cond), "the last is selected");
	(void)tape_read(t, buf, sizeof(buf), &len, &cond); /* as above */
	tap_ok(len == 3 && buf[0] == 'c', "... at its second object");
	(void)tape_tell(t, &pos); /* as above */
	tap_ok(pos.partition == 3 && pos.object == 2 && pos.file == 1,
	    "... which the position tells");
	tap_is_int(0, tape_locate(t, 2, 5, &cond), "one is empty");
	tap_is_int(TAPE_EOD, cond, "... so that its end is met");
	tap_is_int(-EINVAL, tape_locate(t, 4, 0, &cond), "there is no fifth");
	tap_is_int(0, tape_load(t), "the tape is loaded once more");
	(void)tape_space(t, TAPE_TO_EOD, 0, &done, &cond); /* as above */
	tap_is_int(2, (int64_t)t->pos.object, "... and is in the first");
	tap_is_int(-EROFS, tape_format(t, 1, 0), "no partitions are made");
	tape_free(t);
}

/* A copy of "v6-plain" in the scratch directory. */
static void
copy_plain(char dir[300])
{
	(void)snprintf(dir, 300, "%s", path_in(scratch, "plain"));
	copy_folder(data_case("mhvtl", "v6-plain/image"), dir);
}

static void
test_every_cut(const char *name)
{
	static uint8_t bytes[8192];
	char dir[300], spec[320];
	unsigned unseen = 0;
	size_t size;
	uint64_t n;

	copy_plain(dir);
	(void)snprintf(spec, sizeof(spec), "file:%s", dir);
	tap_is_int(0, read_through(spec, &n), "%s is whole", name);
	size = bytes_of(joined(dir, name), bytes, sizeof(bytes));
	for (size_t len = 0; len < size; len++) {
		write_file(joined(dir, name), bytes, len);
		if (read_through(spec, &n) == -EIO)
			continue;
		tap_diag("cut to %zu bytes", len);
		unseen++;
	}
	tap_is_int(0, unseen, "wherever %s is cut, that is noticed", name);
	remove_scratch(dir);
}

/*
 * Whether a bit matters: that a checksum is valid can't be told, if not by that
 * bit, and a filemark has no checksum.
 */
static bool
matters(const uint8_t *entry, size_t byte, int bit)
{
	bool filemark = entry[8] == 3;

	if (byte >= 32 && byte < 144)
		return false; /* keys, and what describes them */
	if (filemark)
		return byte < 28 || byte >= 144;
	return byte != 12 || bit != 3;
}

static void
test_every_bit_of_index(void)
{
	static uint8_t bytes[8192];
	unsigned turned = 0, wrong = 0;
	char dir[300], spec[320];
	size_t size;
	uint64_t n;

	copy_plain(dir);
	(void)snprintf(spec, sizeof(spec), "file:%s", dir);
	size = bytes_of(joined(dir, "indx.0"), bytes, sizeof(bytes));
	for (size_t i = 0; i < 8 * size; i++) {
		size_t at = i / 8;
		uint8_t turn = (uint8_t)(1 << i % 8);
		bool expected =
		    matters(bytes + at - at % ENTRY, at % ENTRY, (int)(i % 8));

		if (at % ENTRY >= 148)
			continue;
		bytes[at] ^= turn;
		write_file(joined(dir, "indx.0"), bytes, size);
		bytes[at] ^= turn;
		turned++;
		if ((read_through(spec, &n) != 0) == expected)
			continue;
		tap_diag("byte %zu, bit %zu", at, i % 8);
		wrong++;
	}
	tap_is_int(6 * 148 * 8, turned, "all bits of six entries are turned");
	tap_is_int(0, wrong, "... and each that says something is noticed");
	remove_scratch(dir);
}

static void
test_every_bit_of_data(void)
{
	static uint8_t bytes[8192];
	char dir[300], spec[320];
	unsigned unseen = 0;
	size_t size;
	uint64_t n;

	copy_plain(dir);
	(void)snprintf(spec, sizeof(spec), "file:%s", dir);
	size = bytes_of(joined(dir, "data.0"), bytes, sizeof(bytes));
	for (size_t i = 0; i < 8 * size; i++) {
		bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		write_file(joined(dir, "data.0"), bytes, size);
		bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		unseen += read_through(spec, &n) != -EIO;
	}
	tap_is_int(0, unseen, "every bit of data that is turned is noticed");
	remove_scratch(dir);
}

/* More filemarks than are looked at around the last one, in odd orders. */
static void
test_many_filemarks(void)
{
	enum { OBJECTS = 3000 };
	static uint8_t indx[OBJECTS * ENTRY], meta[512 + 4 * OBJECTS];
	static uint8_t data[OBJECTS];
	uint32_t marks = 0, bytes = 0;
	char dir[300], spec[320];
	struct rng rng = rng_seeded();
	struct tape *t;
	enum tape_cond cond;
	unsigned wrong = 0;
	uint64_t done;

	copy_plain(dir);
	for (uint32_t i = 0; i < OBJECTS; i++) {
		uint8_t *e = indx + (size_t)i * ENTRY;
		bool mark = i % 3 == 0 || i % 7 == 0;

		le32_put(e, bytes);
		le32_put(e + 8, mark ? 3 : 11);
		le32_put(e + 16, i);
		le32_put(e + 20, mark ? 0 : 1);
		le32_put(e + 24, mark ? 0 : 1);
		bytes += !mark;
		if (mark)
			le32_put(meta + 512 + 4 * (size_t)marks++, i);
	}
	le32_put(meta, marks);
	write_file(joined(dir, "indx.0"), indx, sizeof(indx));
	write_file(joined(dir, "data.0"), data, bytes);
	write_file(joined(dir, "meta.0"), meta, 512 + 4 * (size_t)marks);
	(void)snprintf(spec, sizeof(spec), "file:%s", dir);
	t = load_tape(spec);
	tap_is_int(0, tape_space(t, TAPE_TO_EOD, 0, &done, &cond),
	    "a tape with %" PRIu32 " filemarks is good", marks);
	tap_is_int(marks, (int64_t)done, "... and has them all");
	for (int i = 0; i < 2000; i++) {
		uint32_t to = rng_below(&rng, OBJECTS);
		uint8_t byte;
		size_t len;

		wrong += tape_locate(t, 0, to, &cond) != 0 ||
		    tape_read(t, &byte, 1, &len, &cond) != 0 ||
		    (cond == TAPE_FILEMARK) != (to % 3 == 0 || to % 7 == 0);
	}
	tap_is_int(0, wrong, "... and any object of it is found");
	tape_free(t);
	remove_scratch(dir);
}

static void
test_resync(void)
{
	tap_is_int(2 * ENTRY,
	    (int64_t)resync_at(data_case("mhvtl", "number-wrong/image"),
		"mhvtl", ENTRY),
	    "after a damaged entry there is the next");
	tap_is_int(0,
	    (int64_t)resync_at(data_case("mhvtl", "data-empty/image"), "mhvtl",
		0),
	    "without data there is nothing but filemarks to find");
}

int
main(void)
{
	scratch = make_scratch();
	test_listings("mhvtl", 62);
	test_refused();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		test_bad_record(bad[i].name, bad[i].words, 1 << 16);
		test_bad_record(bad[i].name, bad[i].words, 10);
	}
	test_part_of_record("v6-zlib");
	test_part_of_record("v6-lzo");
	test_partitions();
	test_every_cut("data.0");
	test_every_cut("indx.0");
	test_every_cut("meta.0");
	test_every_bit_of_index();
	test_every_bit_of_data();
	test_many_filemarks();
	test_resync();
	remove_scratch(scratch);
	return tap_done();
}
