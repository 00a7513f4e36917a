/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: cartridges of mhvtl.  Any bytes are taken for the three files of
 * one, which is read there and back, and at random.  It must not crash, hang,
 * or take memory that the bytes ask for; what was passed going forward must be
 * passed going back; and where the way is found again after damage there must
 * be an object.
 *
 * An input is a byte of choices (1: version 3; 2: the index as it is, instead
 * of 32 bytes an entry), the length of the data in 2 bytes, that of the map of
 * the filemarks in 1, the data, the map, and the index.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "image.h"
#include "spec.h"
#include "tape.h"

#define HEAD 4	    /* bytes of an input before the files */
#define ENTRY 512   /* bytes of the index */
#define COMPACT 32  /* bytes of an input that make an entry */
#define ENTRIES 256 /* at most */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct tape_type *const types[] = { &file_tape_type, NULL };
static uint8_t buf[1 << 16];
static char dir[64];

static void
must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

static void
remove_files(void)
{
	static const char *const names[] = { "data", "indx", "meta", "mam",
		"data.0", "indx.0", "meta.0" };
	char path[80];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path); /* few are there */
	}
}

static void
remove_all(void)
{
	remove_files();
	(void)rmdir(dir); /* empty now */
}

static void
make_folder(void)
{
	if (dir[0] != '\0')
		return;
	(void)snprintf(dir, sizeof(dir), "/dev/shm/pmt-fuzz-XXXXXX");
	must(mkdtemp(dir) != NULL, "a directory");
	(void)atexit(remove_all); /* else it is left, and no harm done */
}

static void
put_file(const char *name, const uint8_t *head, size_t head_len,
    const uint8_t *bytes, size_t len)
{
	char path[80];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0, path);
	must(write(fd, head, head_len) == (ssize_t)head_len &&
		write(fd, bytes, len) == (ssize_t)len,
	    "write");
	(void)close(fd); /* in memory */
}

static void
put_index(const char *name, const uint8_t *bytes, size_t len, bool raw)
{
	static uint8_t index[ENTRIES * ENTRY];
	size_t n = len / COMPACT < ENTRIES ? len / COMPACT : ENTRIES;

	if (raw) {
		put_file(name, NULL, 0, bytes, len);
		return;
	}
	memset(index, 0, sizeof(index));
	for (size_t i = 0; i < n; i++)
		memcpy(index + i * ENTRY, bytes + i * COMPACT, COMPACT);
	put_file(name, NULL, 0, index, n * ENTRY);
}

static void
put_cartridge(const uint8_t *data, size_t size)
{
	bool old = (data[0] & 1) != 0;
	size_t left = size - HEAD;
	size_t n_data = (size_t)data[1] | (size_t)data[2] << 8;
	size_t n_map = data[3];
	uint8_t head[1024 + 512] = { old ? 3 : 6 };
	const uint8_t *p = data + HEAD;

	n_data = n_data < left ? n_data : left;
	n_map = n_map < left - n_data ? n_map : left - n_data;
	remove_files();
	put_file(old ? "data" : "data.0", NULL, 0, p, n_data);
	if (!old)
		put_file("mam", head, 1024, NULL, 0);
	head[1024] = (uint8_t)(n_map / 4);
	put_file(old ? "meta" : "meta.0", old ? head : head + 1024,
	    old ? 1024 + 512 : 512, p + n_data, n_map);
	put_index(old ? "indx" : "indx.0", p + n_data + n_map,
	    left - n_data - n_map, (data[0] & 2) != 0);
}

static struct tape *
open_tape(void)
{
	char text[80];
	struct spec_error e;
	struct spec *spec;
	struct tape *t;

	(void)snprintf(text, sizeof(text), "file:%s", dir); /* fits */
	must(spec_parse(text, types, &spec, &e) == 0, e.text);
	must(spec_open(spec, &t, &e) == 0, e.text);
	spec_free(spec);
	return t;
}

/* Reads as far as it goes, stepping over what can't be read; then back. */
static void
there_and_back(struct tape *t, size_t size)
{
	enum tape_cond cond = TAPE_NONE;
	uint64_t done, object;
	size_t len;
	int r;

	do {
		r = tape_read(t, buf, size, &len, &cond);
		if (r < 0)
			r = tape_space(t, TAPE_RECORDS, 1, &done, &cond);
	} while (r == 0 && cond != TAPE_EOD);
	for (object = t->pos.object; object > 0; object--) {
		must(tape_space(t, TAPE_RECORDS, -1, &done, &cond) == 0,
		    "what was passed forward is damaged backward");
		must(t->pos.object == object - 1, "back by one object");
	}
	must(t->pos.file == 0, "no filemark precedes BOT");
}

static void
find_way_again(struct tape *owner)
{
	const struct image_options options = { .readonly = true };
	struct image_object object = { .end = 0 };
	struct image *image;
	uint64_t at = 0;

	if (image_open(owner, dir, image_format_named("mhvtl"), &options,
		&image) < 0)
		return;
	for (;;) {
		if (image_next(image, at, &object) == 0) {
			if (object.kind == IMAGE_NONE)
				break;
			at = object.end;
			continue;
		}
		if (image_resync(image, at, &at) < 0)
			break;
		must(image_next(image, at, &object) == 0 &&
			object.kind != IMAGE_NONE,
		    "no object where there should be one again");
	}
	(void)image_close(image); /* only read */
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tape *t;

	if (size < HEAD)
		return 0;
	make_folder();
	put_cartridge(data, size);
	t = open_tape();
	must(tape_load(t) == 0, tape_why(t));
	there_and_back(t, sizeof(buf));
	there_and_back(t, 1);
	(void)tape_unload(t); /* only read */
	find_way_again(t);
	tape_free(t);
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
