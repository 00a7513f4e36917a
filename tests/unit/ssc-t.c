/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The image of tgt: every image in tests/data/ssc is read as its listing says;
 * wherever one is cut or a bit of a header is turned, that is noticed; and
 * nothing is ever changed.
 */
#include "import.h"

#define FIRST 1152 /* where the first header of an object is */
#define HEADER 48  /* bytes */

static uint8_t plain[4096]; /* the image of the case "plain" */
static size_t plain_size;

static const struct {
	const char *name, *words;
} refused[] = {
	{ "first-sum", "checksum" },
	{ "first-type", "type 20, number 0, next at 1152 begin no tape" },
	{ "first-curr", "a header that says its offset is 48" },
	{ "first-next", "next at 1200 begin no tape" },
	{ "first-number", "number 1, next" },
	{ "first-prev", "begin no tape" },
	{ "version-1", "version 1 of the format; 2 is supported" },
	{ "version-3", "version 3 of the format; 2 is supported" },
	{ "cut-in-mam", "1151 bytes, but there must be 1152" },
	{ "cut-in-first", "47 bytes, but there must be 1152" },
	{ "one-byte", "1 bytes, but there must be 1152" },
};

static void
test_refused(void)
{
	char spec[1024];

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		(void)snprintf(spec, sizeof(spec),
		    "file:%s/refused.d/%s/image.ssc,readonly=yes",
		    joined(data_dir(), "ssc"), refused[i].name);
		is_refused(spec, -EMEDIUMTYPE, refused[i].words);
		(void)strcat(spec, ",format=ssc"); /* there is room */
		is_refused(spec, -EMEDIUMTYPE, refused[i].words);
	}
}

static void
test_every_cut(const char *dir)
{
	const char *path = path_in(dir, "cut");
	char spec[600];
	unsigned wrong = 0;
	uint64_t n;

	(void)snprintf(spec, sizeof(spec), "file:%s,format=ssc", path);
	for (size_t len = 0; len < plain_size; len++) {
		int expected = len < FIRST ? -EMEDIUMTYPE : -EIO;

		write_file(path, plain, len);
		if (read_through(spec, &n) == expected)
			continue;
		tap_diag("cut to %zu bytes", len);
		wrong++;
	}
	tap_is_int(0, wrong,
	    "an image that is cut anywhere has no end of data");
	write_file(path, plain, plain_size);
	tap_is_int(0, read_through(spec, &n), "... and has it if it is whole");
	tap_is_int(6, (int64_t)n, "... with all its objects");
}

/* The headers of "plain": one in the beginning, seven in a chain. */
static bool
in_header(size_t i)
{
	static const size_t headers[] = { 0, FIRST, FIRST + 128, FIRST + 176,
		FIRST + 305, FIRST + 356, FIRST + 404, FIRST + 452 };

	for (size_t h = 0; h < sizeof(headers) / sizeof(headers[0]); h++)
		if (i >= headers[h] && i < headers[h] + HEADER)
			return true;
	return false;
}

static void
test_every_bit_of_headers(const char *dir)
{
	const char *path = path_in(dir, "bit");
	unsigned turned = 0, unseen = 0;
	char spec[600];
	uint64_t n;

	(void)snprintf(spec, sizeof(spec), "file:%s,format=ssc", path);
	for (size_t i = 0; i < plain_size; i++) {
		if (!in_header(i))
			continue;
		for (int bit = 0; bit < 8; bit++) {
			plain[i] ^= (uint8_t)(1 << bit);
			write_file(path, plain, plain_size);
			plain[i] ^= (uint8_t)(1 << bit);
			turned++;
			if (read_through(spec, &n) != 0)
				continue;
			tap_diag("byte %zu, bit %d", i, bit);
			unseen++;
		}
	}
	tap_is_int(8 * HEADER * 8, turned, "all bits of 8 headers are turned");
	tap_is_int(0, unseen, "... and each of them is noticed");
}

static void
test_description(void)
{
	struct tape *t =
	    load_tape(joined("file:tests/data/ssc", "plain/image.ssc"));
	struct tape_info info;

	tape_describe(t, &info);
	tap_is_str("PMT001", info.medium,
	    "the medium is called by its barcode");
	tap_is_int(1 << 20, (int64_t)info.capacity,
	    "the capacity is that of the first header");
	tap_is_int(true, info.write_protected, "it is write protected");
	tape_free(t);
	t = load_tape("file:tests/data/ssc/no-barcode/image.ssc");
	tape_describe(t, &info);
	tap_is_str("image.ssc", info.medium,
	    "... or by the name of the file if it has none");
	tape_free(t);
}

static void
test_resync(void)
{
	const char *record = data_case("ssc", "sum-of-record/image.ssc");

	tap_is_int(FIRST + 128 + 129,
	    (int64_t)resync_at(record, "ssc", FIRST + 128),
	    "after a damaged header the next one is found");
	tap_is_int(0, (int64_t)resync_at(record, "ssc", FIRST + 128 + 129),
	    "the end of data is no object to go on with");
	tap_is_int(0,
	    (int64_t)resync_at(data_case("ssc", "cut-in-data/image.ssc"), "ssc",
		FIRST + 128),
	    "after a cut there is nothing");
	tap_is_int(0,
	    (int64_t)resync_at(data_case("ssc", "stale-after-eod/image.ssc"),
		"ssc", FIRST + 128),
	    "what was written before the end of data moved is not found");
}

static void
test_is_not_changed(const char *dir)
{
	const char *path = path_in(dir, "same.ssc");
	static uint8_t seen[sizeof(plain)];
	struct stat before, after;
	uint64_t n;

	write_file(path, plain, plain_size);
	(void)stat(path, &before); /* it is there */
	tap_is_int(0, read_through(spec_in(dir, "same.ssc"), &n),
	    "an image that may be written is read");
	(void)stat(path, &after); /* as above */
	tap_is_int((int64_t)plain_size,
	    (int64_t)bytes_of(path, seen, sizeof(seen)), "... keeps its size");
	tap_is_mem(plain, seen, plain_size, "... and its bytes");
	tap_ok(before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
		before.st_mtim.tv_nsec == after.st_mtim.tv_nsec &&
		before.st_blocks == after.st_blocks,
	    "... and was not written to at all");
}

int
main(void)
{
	const char *dir = make_scratch();

	plain_size =
	    bytes_of(data_case("ssc", "plain/image.ssc"), plain, sizeof(plain));
	test_listings("ssc", 45);
	test_refused();
	test_every_cut(dir);
	test_every_bit_of_headers(dir);
	test_description();
	test_resync();
	test_is_not_changed(dir);
	remove_scratch(dir);
	return tap_done();
}
