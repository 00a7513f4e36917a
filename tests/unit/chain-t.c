/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chains, in each format that is one: finding the way again after damage, and
 * going back from the end when nothing behind it says how long the last piece
 * was.
 */
#include "chains.h"
#include "image.h"

#define RECORDS 40

static const struct subject {
	const char *name; /* of the format */
	const char *file; /* and options */
	size_t header;	  /* bytes */
} subjects[] = {
	{ "aws", "tape.aws", 6 },
	{ "het", "tape.het", 6 },
	{ "faketape", "tape.fkt", 12 },
};

static const char *dir = ".";
static uint64_t begins[RECORDS + 1]; /* of the objects, and EOD */

/* Records that compress and some that don't, with some filemarks. */
static void
write_tape(const struct subject *s)
{
	static uint8_t data[3000];
	struct rng rng = { .state = 3 };
	struct tape *t;
	struct tape_info info;

	(void)unlink(path_in(dir, s->file)); /* if there is one */
	t = load_tape(spec_in(dir, s->file));
	for (uint32_t i = 0; i <= RECORDS; i++) {
		uint32_t len = 1 + rng_below(&rng, sizeof(data) - 1);

		tape_describe(t, &info);
		begins[i] = info.used;
		for (uint32_t j = 0; j < len; j++)
			data[j] = i % 3 == 0 ? (uint8_t)rng_next(&rng) : 7;
		if (i < RECORDS && i % 5 == 4)
			put_mark(t);
		else if (i < RECORDS)
			put_record(t, data, len);
	}
	tape_free(t);
}

static void
change_byte(const struct subject *s, uint64_t at, uint8_t to)
{
	FILE *f = fopen(path_in(dir, s->file), "r+b");

	if (f == NULL || fseek(f, (long)at, SEEK_SET) != 0 ||
	    fputc(to, f) != to || fclose(f) != 0)
		tap_bail("%s: %s", s->file, strerror(errno));
}

static struct image *
open_image(const struct subject *s, struct tape *owner)
{
	const struct image_options options = { .readonly = true };
	struct image *image;

	if (image_open(owner, path_in(dir, s->file),
		image_format_named(s->name), &options, &image) < 0)
		tap_bail("%s", tape_why(owner));
	return image;
}

/* The object that begins at ${at}, or -1. */
static int64_t
number_of(uint64_t at)
{
	for (int64_t i = 0; i <= RECORDS; i++)
		if (begins[i] == at)
			return i;
	return -1;
}

/*
 * With one byte of the header of object ${nth} made ${to}: the objects that a
 * walk which takes up the way again does not see; -1: it lost its way.
 */
static int64_t
lost_objects(const struct subject *s, int64_t nth, size_t byte, uint8_t to)
{
	struct tape *owner = open_tape("null:");
	struct image_object object;
	struct image *image;
	int64_t seen = 0;
	uint64_t at = 0;
	int r;

	write_tape(s);
	change_byte(s, begins[nth] + byte, to);
	image = open_image(s, owner);
	do {
		r = image_next(image, at, &object);
		if (r == 0) {
			seen += object.kind != IMAGE_NONE;
			at = object.end;
			continue;
		}
		if (r != -EBADMSG || image_resync(image, at, &at) < 0 ||
		    number_of(at) < 0) {
			seen = RECORDS + 1;
			break;
		}
		object.kind = IMAGE_RECORD; /* it goes on */
	} while (object.kind != IMAGE_NONE);
	(void)image_close(image); /* only read */
	tape_free(owner);
	return RECORDS - seen;
}

static void
test_resync(const struct subject *s)
{
	for (size_t byte = 0; byte < s->header; byte++) {
		int64_t lost = lost_objects(s, 10, byte, 'g');

		/* One for the header, and one whose length it confirmed. */
		tap_ok(lost == 1 || lost == 2,
		    "%s: byte %zu of a header: %" PRId64 " objects are lost",
		    s->name, byte, lost);
	}
	tap_is_int(1, lost_objects(s, 0, 1, 0x77),
	    "%s: the first length: the first object is lost", s->name);
}

/* Nothing follows that could be an object. */
static void
test_no_resync(const struct subject *s)
{
	struct tape *owner = open_tape("null:");
	struct bytes b = { .data = NULL };
	static uint8_t text[20000];
	struct image *image;
	uint64_t at = 0;

	memset(text, 'x', sizeof(text));
	bytes_add(&b, text, sizeof(text));
	bytes_save(&b, path_in(dir, s->file));
	image = open_image(s, owner);
	tap_is_int(-ENODATA, image_resync(image, 0, &at),
	    "%s: where there is nothing, nothing is found", s->name);
	(void)image_close(image); /* only read */
	tape_free(owner);
}

/* Cuts the tape everywhere, and goes back from what is the end then. */
static void
test_back_from_end(const struct subject *s)
{
	struct tape *t;
	enum tape_cond cond;
	uint64_t done;
	bool fine = true;

	write_tape(s);
	t = load_tape(spec_in(dir, s->file));
	(void)tape_space(t, TAPE_TO_EOD, 0, &done, &cond); /* shows below */
	for (uint64_t n = RECORDS; n > 1; n--) {
		fine = fine && t->pos.object == n &&
		    tape_space(t, TAPE_RECORDS, -1, &done, &cond) == 0 &&
		    t->pos.object == n - 1 && tape_erase(t, false) == 0;
	}
	tap_ok(fine, "%s: back from the end, erase, again, to the first",
	    s->name);
	put_record(t, "z", 1);
	tape_free(t);
	t = load_tape(spec_in(dir, s->file));
	(void)tape_space(t, TAPE_TO_EOD, 0, &done, &cond); /* as above */
	tap_is_int(2, (int64_t)t->pos.object, "%s: and writing goes on",
	    s->name);
	tape_free(t);
}

int
main(void)
{
	dir = make_scratch();
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		test_resync(&subjects[i]);
		test_no_resync(&subjects[i]);
		test_back_from_end(&subjects[i]);
	}
	remove_scratch(dir);
	return tap_done();
}
