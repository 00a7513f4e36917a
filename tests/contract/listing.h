/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of formats share: every image in tests/data/FORMAT/CASE is
 * read as its listing says, which people have checked.  PMT_WRITE_LISTINGS
 * makes new ones.
 */
#ifndef PMT_TESTS_LISTING_H
#define PMT_TESTS_LISTING_H

#include "tapes.h"

#define LISTING_MAX 4096

/* PMT_TEST_DATA is for runs from elsewhere than the top of the tree. */
static inline const char *
data_dir(void)
{
	const char *given = getenv("PMT_TEST_DATA");

	return given == NULL ? "tests/data" : given;
}

struct listing {
	char text[LISTING_MAX];
	size_t len;
};

static inline void add(struct listing *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static inline void
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
static inline void
list_forward(struct tape *t, struct listing *l)
{
	static uint8_t buf[1 << 17];
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
static inline bool
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

static inline void
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

static inline void
write_listing(const char *path, const struct listing *l)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fwrite(l->text, 1, l->len, f) != l->len ||
	    fclose(f) != 0)
		tap_bail("%s: %s", path, strerror(errno));
}

/* PMT_WRITE_LISTINGS makes new listings, for people to check. */
static inline void
compare_listing(const char *image, const char *dir, const struct listing *l)
{
	char path[512], expected[LISTING_MAX];

	(void)snprintf(path, sizeof(path), "%s/listing", dir);
	if (getenv("PMT_WRITE_LISTINGS") != NULL)
		write_listing(path, l);
	read_listing(path, expected);
	tap_is_str(expected, l->text, "%s: reads as its listing says", image);
}

/* The name of the image of a case, which is image or image.SUFFIX. */
static inline void
find_image(const char *dir, char *ret_name, size_t size)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	ret_name[0] = '\0';
	while (d != NULL && (e = readdir(d)) != NULL)
		if (strncmp(e->d_name, "image", 5) == 0)
			(void)snprintf(ret_name, size, "%s", e->d_name);
	if (d != NULL)
		(void)closedir(d);
	if (ret_name[0] == '\0')
		tap_bail("%s: no image", dir);
}

/*
 * One image: reads as its listing says, forward and backward.  If it is no
 * image by its contents, that is in the listing, and it is read nevertheless.
 */
static inline void
test_image(const char *format, const char *image)
{
	struct listing l = { .len = 0 };
	char dir[256], spec[1024], name[256];
	struct tape *t;
	enum tape_cond cond;
	uint64_t end, done;
	bool damaged;

	(void)snprintf(dir, sizeof(dir), "%s/%s/%s", data_dir(), format, image);
	find_image(dir, name, sizeof(name));
	(void)snprintf(spec, sizeof(spec), "file:%s/%s,readonly=yes", dir,
	    name);
	t = open_tape(spec);
	if (tape_load(t) < 0) {
		add(&l, "not loaded: %s\n", tape_why(t));
		tape_free(t);
		(void)strcat(spec, ",format="); /* there is room */
		(void)strcat(spec, format);
		t = load_tape(spec);
	}
	list_forward(t, &l);
	end = t->pos.object;
	compare_listing(image, dir, &l);
	damaged = strstr(l.text, "end of data") == NULL;
	tap_ok(same_backward(t, image), "%s: is the same backward", image);
	tap_is_int(damaged ? -EIO : 0,
	    tape_space(t, TAPE_TO_EOD, 0, &done, &cond),
	    "%s: spacing to EOD fails exactly if there is damage", image);
	tap_is_int((int64_t)end, (int64_t)t->pos.object,
	    "%s: spacing to EOD ends where reading ends", image);
	tape_free(t);
}

static inline int
is_case(const struct dirent *e)
{
	return strchr(e->d_name, '.') == NULL; /* neither "." nor a file */
}

/* All images of tests/data/FORMAT, which are at least ${least}. */
static inline void
test_listings(const char *format, int least)
{
	struct dirent **cases;
	char dir[256];
	int n;

	(void)snprintf(dir, sizeof(dir), "%s/%s", data_dir(), format);
	n = scandir(dir, &cases, is_case, alphasort);
	if (n < 0)
		tap_bail("%s: %s; run from the top of the tree", dir,
		    strerror(errno));
	for (int i = 0; i < n; i++) {
		test_image(format, cases[i]->d_name);
		free(cases[i]);
	}
	free(cases);
	tap_ok(n >= least, "there were images to read (%d)", n);
}

/* The whole of a file; bails if it has more than ${size} bytes. */
static inline size_t
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

/* Writes a record that must go well. */
static inline void
put_record(struct tape *t, const void *data, size_t len)
{
	enum tape_cond cond;

	if (tape_write(t, data, len, &cond) < 0)
		tap_bail("%s", tape_why(t));
}

static inline void
put_mark(struct tape *t)
{
	enum tape_cond cond;
	uint32_t done;

	if (tape_write_filemarks(t, 1, false, &done, &cond) < 0)
		tap_bail("%s", tape_why(t));
}

#endif
