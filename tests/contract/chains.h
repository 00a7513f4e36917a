/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of AWS, HET and FAKETAPE share: images made of bytes, and the
 * rules that hold for all of them.
 */
#ifndef PMT_TESTS_CHAINS_H
#define PMT_TESTS_CHAINS_H

#include "listing.h"

/* A file that is being put together. */
struct bytes {
	uint8_t *data;
	size_t len, room;
};

static inline void
bytes_add(struct bytes *b, const void *data, size_t len)
{
	if (b->data == NULL || b->len + len > b->room) {
		b->room = 2 * (b->len + len);
		b->data = realloc(b->data, b->room);
		if (b->data == NULL)
			tap_bail("out of memory");
	}
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

/* As header of AWS and HET. */
static inline void
bytes_add_header(struct bytes *b, size_t length, size_t before, uint8_t flags)
{
	const uint8_t header[] = { (uint8_t)length, (uint8_t)(length >> 8),
		(uint8_t)before, (uint8_t)(before >> 8), flags, 0 };

	bytes_add(b, header, sizeof(header));
}

/* Makes a file of them, and forgets them. */
static inline void
bytes_save(struct bytes *b, const char *path)
{
	FILE *f = fopen(path, "wb");

	if (f == NULL || fwrite(b->data, 1, b->len, f) != b->len ||
	    fclose(f) != 0)
		tap_bail("%s: %s", path, strerror(errno));
	free(b->data);
	*b = (struct bytes){ .data = NULL };
}

static inline void
file_is(const char *path, const void *expected, size_t len, const char *rule)
{
	uint8_t *seen = malloc(len + 64);

	if (seen == NULL)
		tap_bail("out of memory");
	tap_is_int((int64_t)len, (int64_t)bytes_of(path, seen, len + 64),
	    "%s: so many bytes", rule);
	tap_is_mem(expected, seen, len, "%s: these bytes", rule);
	free(seen);
}

/* "abc", a filemark, "de": the bytes at the top of a format's file. */
static inline void
test_example(const char *dir, const char *name, const void *expected,
    size_t len)
{
	struct tape *t = load_tape(spec_in(dir, name));

	put_record(t, "abc", 3);
	put_mark(t);
	put_record(t, "de", 2);
	tap_is_int(0, tape_unload(t), "%s: the example is unloaded", name);
	file_is(path_in(dir, name), expected, len, "the example");
	tape_free(t);
}

/* In place of "de" in the example: a filemark. */
static inline void
test_overwrite(const char *dir, const char *name, const void *expected,
    size_t len)
{
	struct tape *t = load_tape(spec_in(dir, name));
	enum tape_cond cond;

	(void)tape_locate(t, 0, 1, &cond); /* shows in the bytes */
	put_record(t, "x", 1);
	put_mark(t);
	tape_free(t);
	file_is(path_in(dir, name), expected, len,
	    "what was written from the middle on replaces all that followed");
}

/* The largest record, and one more byte. */
static inline void
test_largest(const char *dir, const char *name)
{
	static uint8_t data[65536], seen[65536];
	struct tape *t = load_tape(spec_in(dir, name));
	enum tape_cond cond;
	size_t len;

	fill_record(data, sizeof(data), 77);
	tap_is_int(-EINVAL, tape_write(t, data, 65536, &cond),
	    "%s: 65536 bytes are too many", name);
	tap_ok(strstr(tape_why(t), "1 to 65535") != NULL,
	    "%s: and it is said how many there may be", name);
	put_record(t, data, 65535);
	put_record(t, data, 1);
	(void)tape_rewind(t); /* shows in what is read */
	tap_is_int(0, tape_read(t, seen, sizeof(seen), &len, &cond),
	    "%s: 65535 bytes are read", name);
	tap_is_int(65535, (int64_t)len, "%s: all of them", name);
	tap_is_mem(data, seen, len, "%s: as they were", name);
	tape_free(t);
}

/* What can't be opened, and words that say why. */
static inline void
is_refused(int err, const char *spec, const char *words)
{
	struct tape *t = open_tape(spec);
	const char *name = strrchr(spec, '/') + 1;

	tap_is_int(-err, tape_load(t), "%s: is refused", name);
	if (!tap_ok(strstr(tape_why(t), words) != NULL, "%s: with \"%s\"", name,
		words))
		tap_diag("%s", tape_why(t));
	tape_free(t);
}

#endif
