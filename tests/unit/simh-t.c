/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SIMH format: every image in tests/data/simh is read as its listing says,
 * forward and backward, and what is written is the bytes of the format.
 */
#include "../contract/tapes.h"
#include "bytes.h"
#include "image.h"

#define LISTING_MAX 4096

static const char *
data_dir(void)
{
	const char *given = getenv("PMT_TEST_DATA");

	return given == NULL ? "tests/data/simh" : given;
}

struct listing {
	char text[LISTING_MAX];
	size_t len;
};

static void add(struct listing *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
add(struct listing *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->len, sizeof(l->text) - l->len, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(l->text) - l->len)
		tap_bail("a listing is longer than %d bytes", LISTING_MAX);
	l->len += (size_t)n;
}

/* Reads to the end of data, or to where the tape can't go on. */
static void
list_forward(struct tape *t, struct listing *l)
{
	static uint8_t buf[4096];
	enum tape_cond cond = TAPE_NONE;
	unsigned filemarks = 0;
	size_t len;
	uint64_t before;
	int r;

	do {
		before = t->pos.object;
		r = tape_read(t, buf, sizeof(buf), &len, &cond);
		if (r == 0 && cond == TAPE_FILEMARK) {
			filemarks++;
			continue;
		}
		if (filemarks > 0)
			add(l, "filemarks: %u\n", filemarks);
		filemarks = 0;
		if (r < 0)
			add(l, "error: %s\n", tape_why(t));
		else if (cond == TAPE_NONE)
			add(l, "record %zu %02x..%02x\n", len, buf[0],
			    buf[len - 1]);
		else
			add(l, "%s\n", tape_cond_name(cond));
	} while (cond != TAPE_EOD && (r == 0 || t->pos.object > before));
}

/* The same objects, one step back and one read at a time. */
static bool
same_backward(struct tape *t, const char *image)
{
	uint64_t last = t->pos.object;
	struct listing there = { .len = 0 }, back = { .len = 0 };

	for (uint64_t i = 0; i < last; i++) {
		struct tape_pos pos = t->pos;
		enum tape_cond cond;
		uint64_t done, object = last - 1 - i;
		uint8_t byte;
		size_t len;
		int r;

		r = tape_space(t, TAPE_RECORDS, -1, &done, &cond);
		if (r < 0 || t->pos.object != pos.object - 1) {
			tap_diag("%s: back to %" PRIu64 ": %s", image, object,
			    tape_why(t));
			return false;
		}
		/* A bad record can't be read; that it is there is enough. */
		r = tape_read(t, &byte, 1, &len, &cond);
		back.len = there.len = 0;
		add(&back, "%d %d %zu %d", r, cond, r < 0 ? 0 : len,
		    r < 0 || len == 0 ? 0 : byte);
		(void)tape_rewind(t); /* seen by the next call */
		(void)tape_locate(t, 0, object, &cond);
		r = tape_read(t, &byte, 1, &len, &cond);
		add(&there, "%d %d %zu %d", r, cond, r < 0 ? 0 : len,
		    r < 0 || len == 0 ? 0 : byte);
		if (strcmp(there.text, back.text) != 0) {
			tap_diag("%s: object %" PRIu64 ": %s, backward %s",
			    image, object, there.text, back.text);
			return false;
		}
		(void)tape_locate(t, 0, object, &cond); /* as above */
	}
	return t->pos.object == 0;
}

static void
read_listing(const char *path, char *text)
{
	FILE *f = fopen(path, "r");
	size_t n = 0;

	if (f != NULL) {
		n = fread(text, 1, LISTING_MAX - 1, f);
		(void)fclose(f); /* only read */
	}
	text[n] = '\0';
}

static void
write_listing(const char *path, const struct listing *l)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fwrite(l->text, 1, l->len, f) != l->len ||
	    fclose(f) != 0)
		tap_bail("%s: %s", path, strerror(errno));
}

/* PMT_WRITE_LISTINGS makes new listings, for people to check. */
static void
compare_listing(const char *image, const struct listing *l)
{
	char path[512], expected[LISTING_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s/listing", data_dir(), image);
	if (getenv("PMT_WRITE_LISTINGS") != NULL)
		write_listing(path, l);
	read_listing(path, expected);
	tap_is_str(expected, l->text, "%s: reads as its listing says", image);
}

static void
test_image(const char *image)
{
	struct listing l = { .len = 0 };
	char spec[512];
	struct tape *t;
	enum tape_cond cond;
	uint64_t end, done;
	bool damaged;

	(void)snprintf(spec, sizeof(spec), "file:%s/%s/image.tap,readonly=yes",
	    data_dir(), image);
	t = open_tape(spec);
	if (tape_load(t) < 0) {
		add(&l, "not loaded: %s\n", tape_why(t));
		tape_free(t);
		(void)strcat(spec, ",format=simh"); /* there is room */
		t = load_tape(spec);
	}
	list_forward(t, &l);
	end = t->pos.object;
	compare_listing(image, &l);
	damaged = strstr(l.text, "end of data") == NULL;
	tap_ok(same_backward(t, image), "%s: is the same backward", image);
	tap_is_int(damaged ? -EIO : 0,
	    tape_space(t, TAPE_TO_EOD, 0, &done, &cond),
	    "%s: spacing to EOD fails exactly if there is damage", image);
	tap_is_int((int64_t)end, (int64_t)t->pos.object,
	    "%s: spacing to EOD ends where reading ends", image);
	tape_free(t);
}

static int
is_case(const struct dirent *e)
{
	return strchr(e->d_name, '.') == NULL; /* neither "." nor a file */
}

static void
test_images(void)
{
	struct dirent **cases;
	int n = scandir(data_dir(), &cases, is_case, alphasort);

	if (n < 0)
		tap_bail("%s: %s; run from the top of the tree", data_dir(),
		    strerror(errno));
	for (int i = 0; i < n; i++) {
		test_image(cases[i]->d_name);
		free(cases[i]);
	}
	free(cases);
	tap_ok(n >= 40, "there were images to read (%d)", n);
}

/* The whole of a file; bails if it has more than ${size} bytes. */
static size_t
bytes_of(const char *path, uint8_t *buf, size_t size)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL)
		tap_bail("%s: %s", path, strerror(errno));
	n = fread(buf, 1, size, f);
	if (n == size)
		tap_bail("%s: more than %zu bytes", path, size);
	(void)fclose(f); /* only read */
	return n;
}

static void
put(struct tape *t, const void *data, size_t len)
{
	enum tape_cond cond;

	if (tape_write(t, data, len, &cond) < 0)
		tap_bail("%s", tape_why(t));
}

static void
put_mark(struct tape *t)
{
	enum tape_cond cond;
	uint32_t done;

	if (tape_write_filemarks(t, 1, false, &done, &cond) < 0)
		tap_bail("%s", tape_why(t));
}

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

	put(t, "abc", 3);
	put_mark(t);
	put(t, "de", 2);
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

	put(t, "x", 1);
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
	put(t, "cd", 2);
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
	put(t, data, len);
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

int
main(void)
{
	const char *dir = make_scratch();

	test_images();
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
	remove_scratch(dir);
	return tap_done();
}
