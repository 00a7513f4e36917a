/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rot: every single byte of a native image is changed, one at a time.  Damage
 * in an object is told at that object, when the tape is read and when it is
 * located; what does not matter changes nothing.  Nothing else is ever read,
 * and nothing that was synced is taken for the end of data.
 */
#include <fcntl.h>

#include "../contract/listing.h"
#include "native.h"
#include "bytes.h"
#include "native_log.h"

#define START 8192

/* What the bytes of an image are for. */
enum use {
	SUPERBLOCK,
	RECORD,
	FILEMARK,
	INDEX,
	PADDING,
};

static struct model model;
static uint8_t image[65536];
static size_t size;
static enum use uses[65536];
static uint64_t owners[65536]; /* the object that a byte belongs to */
static uint64_t n_objects;
static uint64_t synced; /* objects that are surely durable */
static const char *path;
static char spec[512];
static enum tape_cond cond;

static void
put(struct tape *t, uint32_t tag, uint32_t len, bool dull)
{
	static uint8_t buf[8192];

	/* What compresses has the tag all over. */
	fill_record(buf, len, dull ? 0 : tag);
	if (dull)
		memset(buf, (int)tag, len);
	put_record(t, buf, len);
	model_put(&model, tag, len);
}

static void
mark(struct tape *t)
{
	put_mark(t);
	model_put(&model, 0, 0);
}

/* Records of all kinds, with an index object after every four samples. */
static void
write_image(struct tape *t, bool dull)
{
	memset(&model, 0, sizeof(model));
	put(t, 1, 100, dull);
	put(t, 2, 64, dull);
	mark(t);
	put(t, 3, 333, dull);
	put(t, 4, 1, dull);
	put(t, 5, 200, dull);
	put(t, 6, 150, dull);
	mark(t);
	mark(t);
	put(t, 7, 177, dull);
	put(t, 8, 90, dull);
	put(t, 9, 500, dull);
	mark(t);
	put(t, 10, 40, dull);
	put(t, 11, 80, dull);
}

/* Reads the layout out of the headers, as pmt-native(5) gives it. */
static void
map_image(void)
{
	size_t at = START;
	unsigned indexes = 0;

	n_objects = 0;
	for (size_t i = 0; i < START; i++)
		uses[i] = SUPERBLOCK;
	while (at + NATIVE_HEAD <= size) {
		uint32_t stored = le32_get(image + at + 52);
		size_t data = at + NATIVE_HEAD + stored;
		size_t end = (data + 7) / 8 * 8;
		enum use use = image[at + 8] == 1 ? RECORD
		    : image[at + 8] == 2	  ? FILEMARK
						  : INDEX;

		for (size_t i = at; i < end; i++) {
			uses[i] = i < data ? use : PADDING;
			owners[i] = n_objects;
		}
		indexes += use == INDEX;
		n_objects += use != INDEX;
		at = end;
	}
	if (at != size || n_objects != model.n || indexes < 2)
		tap_bail("the image is not what was to be tested");
}

static void
write_byte(size_t at, uint8_t byte)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || pwrite(fd, &byte, 1, (off_t)at) != 1 || close(fd) < 0)
		tap_bail("%s: %s", path, strerror(errno));
}

/* ---- One byte ---- */

static bool
same(const uint8_t *buf, size_t len, uint64_t object, bool dull)
{
	const struct thing *thing = &model.things[object];

	if (len != thing->len)
		return false;
	if (!dull)
		return is_record_of(buf, len, thing->tag);
	for (size_t i = 0; i < len; i++)
		if (buf[i] != (uint8_t)thing->tag)
			return false;
	return true;
}

/* Reads the object that follows: 1 if it is right, 0 at EOD, or -errno. */
static int
read_one(struct tape *t, uint64_t object, bool dull)
{
	static uint8_t buf[8192];
	size_t len;
	int r = tape_read(t, buf, sizeof(buf), &len, &cond);

	if (r < 0)
		return r;
	if (cond == TAPE_EOD)
		return 0;
	if (object >= model.n)
		return -EDOM;
	if (model.things[object].len == 0)
		return cond == TAPE_FILEMARK ? 1 : -EDOM;
	return cond == TAPE_NONE && same(buf, len, object, dull) ? 1 : -EDOM;
}

/*
 * What reading must come to: ${ret_end} objects and then the result.  An index
 * object that was not synced can be what a crash has torn, like any object.
 */
static int
expected(size_t at, uint64_t *ret_end)
{
	bool counts = uses[at] == RECORD || uses[at] == FILEMARK ||
	    (uses[at] == INDEX && owners[at] >= synced);

	*ret_end = counts ? owners[at] : model.n;
	return counts ? -EIO : 0;
}

static bool
is_read_right(struct tape *t, size_t at, bool dull)
{
	uint64_t end, n = 0;
	int r, want = expected(at, &end);

	while ((r = read_one(t, n, dull)) == 1)
		n++;
	/* After the last sync a crash may have done it: EOD at that object. */
	if (n == end && r == 0 && end >= synced)
		return true;
	if (n == end && r == want)
		return true;
	tap_diag("byte %zu: %" PRIu64 " objects, then %d: %s", at, n, r,
	    tape_why(t));
	return false;
}

/* Every object is found and right, or there is damage, or it is past EOD. */
static bool
is_located_right(struct tape *t, size_t at, bool dull)
{
	for (uint64_t i = model.n; i-- > 0;) {
		uint64_t end;
		int want = expected(at, &end);
		int r = tape_locate(t, 0, i, &cond);

		if (r == 0 && cond == TAPE_NONE) {
			r = read_one(t, i, dull);
			if (r == 1 && (want == 0 || i != end))
				continue;
			if (r == 0 && end >= synced)
				continue;
		}
		if (r == 0 && cond == TAPE_EOD && end >= synced && i > end)
			continue;
		if (r == -EIO && want == -EIO && i >= end)
			continue;
		tap_diag("byte %zu: located %" PRIu64 ": %d: %s", at, i, r,
		    tape_why(t));
		return false;
	}
	return true;
}

static bool
rot(size_t at, uint8_t with, bool dull)
{
	struct tape *t = open_tape(spec);
	bool ok;

	write_byte(at, image[at] ^ with);
	ok = tape_load(t) == 0;
	if (!ok)
		tap_diag("byte %zu: not loaded: %s", at, tape_why(t));
	ok = ok && is_read_right(t, at, dull);
	(void)tape_unload(t); /* what it has passed is forgotten */
	ok = ok && tape_load(t) == 0 && is_located_right(t, at, dull);
	tape_free(t);
	write_byte(at, image[at]);
	return ok;
}

static void
rot_all(const char *what, bool dull)
{
	size_t at = 0;

	while (at < size &&
	    rot(at, at % 2 ? 0xff : (uint8_t)(1 << at / 2 % 8), dull))
		at++;
	tap_is_int((int64_t)size, (int64_t)at, "%s: each byte may rot", what);
}

/* The file as it is while the tape is loaded: its writer is killed then. */
static void
copy_image(const char *from)
{
	FILE *f;

	size = bytes_of(from, image, sizeof(image));
	map_image();
	f = fopen(path, "wb");
	if (f == NULL || fwrite(image, 1, size, f) != size || fclose(f) != 0)
		tap_bail("%s: %s", path, strerror(errno));
}

static void
rot_image(const char *dir, const char *what, const char *options, bool dull)
{
	char writer[512];
	struct tape *t;

	(void)snprintf(writer, sizeof(writer), "file:%s/%s.pmt%s", dir, what,
	    options);
	(void)snprintf(spec, sizeof(spec), "file:%s/rot.pmt,readonly=yes%s",
	    dir,
	    strstr(options, ",key") == NULL ? "" : strstr(options, ",key"));
	t = load_tape(writer);
	write_image(t, dull);
	synced = 13;
	(void)snprintf(writer, sizeof(writer), "%s/%s.pmt", dir, what);
	copy_image(writer);
	rot_all("after a kill", dull);
	tape_free(t);
	synced = model.n + 1;
	copy_image(writer);
	rot_all(what, dull);
}

int
main(void)
{
	const char *dir = make_scratch();
	char options[512];
	FILE *f;

	native_index_tune(1, 1, 4);
	path = strdup(path_in(dir, "rot.pmt"));
	(void)umask(077);
	f = fopen(path_in(dir, "key"), "wb");
	if (f == NULL || fwrite(image, 1, 32, f) != 32 || fclose(f) != 0)
		tap_bail("no key: %s", strerror(errno));
	(void)snprintf(options, sizeof(options), ",key=%s",
	    path_in(dir, "key"));
	rot_image(dir, "plain", "", false);
	rot_image(dir, "compressed", ",compress=zstd", true);
	rot_image(dir, "encrypted", options, false);
	(void)strcat(options, ",compress=zstd"); /* there is room */
	rot_image(dir, "compressed and encrypted", options, true);
	remove_scratch(dir);
	return tap_done();
}
