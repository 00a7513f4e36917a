/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The body of a fuzz target: any bytes are an image, and any motion, reading
 * and writing is done on it.  It must not crash, hang, or take memory that the
 * bytes ask for; what was passed going forward must be passed going back; and
 * where the way is found again after damage there must be an object.
 *
 *     clang -fsanitize=fuzzer,address,undefined ...   fuzzes
 *     cc -DFUZZ_REPLAY ...                            runs files given, once
 *
 * A target defines FUZZ_FORMAT, the name of the format, and includes this.  The
 * input is the image; its last bytes also choose what is done with it.  The
 * images in tests/data/FORMAT are inputs to begin with.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file.h"
#include "image.h"
#include "spec.h"
#include "tape.h"

#define STEPS 40 /* operations on one image */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct tape_type *const types[] = { &file_tape_type, NULL };
static uint8_t buf[1 << 16];

static void
must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

static uint32_t
next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1;
	return (uint32_t)(*state >> 33);
}

static struct tape *
tape_over(int fd, const char *options)
{
	char text[128];
	struct spec_error e;
	struct spec *spec;
	struct tape *t;

	(void)snprintf(text, sizeof(text), "file:/proc/self/fd/%d%s", fd,
	    options); /* fits */
	must(spec_parse(text, types, &spec, &e) == 0, e.text);
	must(spec_open(spec, &t, &e) == 0, e.text);
	spec_free(spec);
	return t;
}

/* Forward as far as it goes, then back to BOT, object by object. */
static void
there_and_back(struct tape *t)
{
	enum tape_cond cond;
	uint64_t done, object;

	(void)tape_space(t, TAPE_TO_EOD, 0, &done, &cond); /* or to damage */
	for (object = t->pos.object; object > 0; object--) {
		must(tape_space(t, TAPE_RECORDS, -1, &done, &cond) == 0,
		    "what was passed forward is damaged backward");
		must(t->pos.object == object - 1, "back by one object");
	}
	must(t->pos.file == 0, "no filemark precedes BOT");
}

static void
do_something(struct tape *t, uint64_t *state)
{
	uint32_t what = next_random(state), how = next_random(state);
	int64_t count = (int64_t)(how % 9) - 4;
	enum tape_cond cond;
	uint64_t done;
	uint32_t marks;
	size_t len;

	/* Results of all kinds are right; the wrappers check what must hold. */
	switch (what % 12) {
	case 0:
	case 1:
	case 2:
	case 3:
		(void)tape_read(t, buf, how % sizeof(buf), &len, &cond);
		break;
	case 4:
	case 5:
		(void)tape_space(t, TAPE_RECORDS, count, &done, &cond);
		break;
	case 6:
		(void)tape_space(t, TAPE_FILEMARKS, count, &done, &cond);
		break;
	case 7:
	case 8:
		(void)tape_locate(t, 0, how % 64, &cond);
		break;
	case 9:
		(void)tape_write(t, buf, 1 + how % 5000, &cond);
		break;
	case 10:
		(void)tape_write_filemarks(t, how % 3, true, &marks, &cond);
		break;
	default:
		if (how % 4 == 0)
			(void)tape_erase(t, false);
		else
			(void)tape_rewind(t);
		break;
	}
}

static void
use_image(const uint8_t *data, size_t size, const char *options)
{
	uint64_t state = size;
	struct tape *t;
	int fd;

	if (size >= sizeof(state))
		memcpy(&state, data + size - sizeof(state), sizeof(state));
	fd = memfd_create("image", MFD_CLOEXEC);
	must(fd >= 0, "memfd_create");
	must(write(fd, data, size) == (ssize_t)size, "write");
	t = tape_over(fd, options);
	if (tape_load(t) == 0) {
		there_and_back(t);
		for (unsigned i = 0; i < STEPS; i++)
			do_something(t, &state);
		there_and_back(t);
	}
	tape_free(t);
	(void)close(fd); /* nothing to keep */
}

/* Walks to the end, and from any damage on to where the format says. */
static void
find_way_again(struct image *image)
{
	struct image_object object = { .end = image->bot };
	uint64_t at = image->bot;
	unsigned damages = 0;
	int r;

	do {
		r = image_next(image, at, &object);
		if (r == 0) {
			at = object.end;
			continue;
		}
		r = image_resync(image, at, &at);
		if (r < 0)
			break;
		must(image_next(image, at, &object) == 0 &&
			object.kind != IMAGE_NONE,
		    "no object where there should be one again");
	} while (object.kind != IMAGE_NONE && damages++ < 100000);
}

static void
walk_image(const uint8_t *data, size_t size)
{
	const struct image_options options = { .readonly = true };
	const struct image_format *format = image_format_named(FUZZ_FORMAT);
	struct tape *owner;
	struct image *image;
	char path[64];
	int fd = memfd_create("image", MFD_CLOEXEC);

	must(format != NULL, "the format is there");
	must(fd >= 0, "memfd_create");
	must(write(fd, data, size) == (ssize_t)size, "write");
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); /* fits */
	owner = tape_over(fd, "");
	if (image_open(owner, path, format, &options, &image) == 0) {
		find_way_again(image);
		(void)image_close(image); /* only read */
	}
	tape_free(owner);
	(void)close(fd); /* nothing to keep */
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	use_image(data, size, "");
	use_image(data, size, ",format=" FUZZ_FORMAT ",capacity=8K");
	use_image(data, size, ",format=" FUZZ_FORMAT ",readonly=yes,raw=yes");
	walk_image(data, size);
	return 0;
}

#ifdef FUZZ_REPLAY

int
main(int argc, char **argv)
{
	static uint8_t input[1 << 20];

	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		size_t n;

		must(f != NULL, argv[i]);
		n = fread(input, 1, sizeof(input), f);
		(void)fclose(f);			/* only read */
		(void)LLVMFuzzerTestOneInput(input, n); /* or it aborts */
	}
	printf("replayed %d inputs\n", argc - 1);
	return 0;
}

#endif
