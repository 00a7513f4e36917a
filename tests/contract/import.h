/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of formats that are only read share: images that are copied,
 * changed in one place, and read to see that the change is noticed.
 */
#ifndef PMT_TESTS_IMPORT_H
#define PMT_TESTS_IMPORT_H

#include "image.h"
#include "listing.h"

/* A file that is as large as these bytes, and has them. */
static inline void
write_file(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "wb");

	if (f == NULL || fwrite(bytes, 1, len, f) != len || fclose(f) != 0)
		tap_bail("%s: %s", path, strerror(errno));
}

static inline const char *
joined(const char *dir, const char *name)
{
	static char text[4][1024];
	static unsigned turn;
	char *out = text[turn++ % 4];

	if (snprintf(out, sizeof(text[0]), "%s/%s", dir, name) >=
	    (int)sizeof(text[0]))
		tap_bail("%s: too long a path", name);
	return out;
}

/* tests/data/FORMAT/NAME, until the fourth call after this. */
static inline const char *
data_case(const char *format, const char *name)
{
	return joined(joined(data_dir(), format), name);
}

/* Copies the plain files of a directory to a new one. */
static inline void
copy_folder(const char *from, const char *to)
{
	static uint8_t bytes[1 << 16];
	char source[1024], path[1024];
	DIR *d = opendir(from);
	struct dirent *e;

	(void)snprintf(source, sizeof(source), "%s", from);
	if (d == NULL || mkdir(to, 0777) < 0)
		tap_bail("%s to %s: %s", from, to, strerror(errno));
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s",
		    joined(to, e->d_name)); /* or it is not there */
		write_file(path, bytes,
		    bytes_of(joined(source, e->d_name), bytes, sizeof(bytes)));
	}
	(void)closedir(d); /* only read */
}

/*
 * Loads a tape, reads it from BOT, and says how that ends: 0 at the end of
 * data, or what load or the first failing read gives.  ${ret_n}: the objects
 * that were read.
 */
static inline int
read_through(const char *spec, uint64_t *ret_n)
{
	static uint8_t buf[1 << 16];
	struct tape *t = open_tape(spec);
	enum tape_cond cond = TAPE_NONE;
	size_t len;
	int r = tape_load(t);

	*ret_n = 0;
	while (r == 0 && cond != TAPE_EOD) {
		r = tape_read(t, buf, sizeof(buf), &len, &cond);
		*ret_n = t->pos.object;
	}
	if (r < 0 && tape_why(t)[0] == '\0')
		tap_bail("%s: %d and no word about it", spec, r);
	tape_free(t);
	return r;
}

/* An image is refused as a whole, in these words among others. */
static inline void
is_refused(const char *spec, int expected, const char *words)
{
	struct tape *t = open_tape(spec);

	tap_is_int(expected, tape_load(t), "%s is refused", spec);
	if (!tap_ok(strstr(tape_why(t), words) != NULL, "... as \"%s\"", words))
		tap_diag("said: %s", tape_why(t));
	tape_free(t);
}

/* An image of a format, to ask it what no tape does. */
static inline struct image *
open_image(const char *path, const char *format, struct tape *owner)
{
	static const struct image_options options = { .readonly = true };
	struct image *image;

	*owner = (struct tape){ .ops = NULL };
	if (image_open(owner, path, image_format_named(format), &options,
		&image) < 0)
		tap_bail("%s: %s", path, owner->why);
	return image;
}

/* Where the image goes on after damage at ${at}; 0: nowhere. */
static inline uint64_t
resync_at(const char *path, const char *format, uint64_t at)
{
	struct tape owner;
	struct image *image = open_image(path, format, &owner);
	uint64_t found = 0;

	if (image_resync(image, at, &found) < 0)
		found = 0;
	(void)image_close(image); /* only read */
	return found;
}

#endif
