/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A strict reader of SIMH images, apart from the code under test: what a plain
 * tool that knows the standard format, and no repair, makes of the bytes.
 */
#ifndef PMT_TESTS_SIMH_WALK_H
#define PMT_TESTS_SIMH_WALK_H

#include "../contract/tapes.h"

/* The objects of an image, with their bytes. */
struct walk {
	uint8_t *bytes;
	size_t size;
	struct {
		size_t at;
		uint32_t len; /* 0: a filemark */
	} objects[MODEL_MAX];
	uint64_t n;
	size_t end; /* the offset of EOD */
};

static inline uint32_t
walk_word(const struct walk *w, size_t at)
{
	const uint8_t *p = w->bytes + at;

	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static inline void
walk_load(struct walk *w, const char *path)
{
	struct stat st;
	FILE *f = fopen(path, "rb");

	memset(w, 0, sizeof(*w));
	if (f == NULL || fstat(fileno(f), &st) < 0)
		tap_bail("%s: %s", path, strerror(errno));
	w->bytes = malloc((size_t)st.st_size + 1);
	if (w->bytes == NULL)
		tap_bail("out of memory");
	w->size = fread(w->bytes, 1, (size_t)st.st_size, f);
	(void)fclose(f); /* only read */
}

static inline void
walk_free(struct walk *w)
{
	free(w->bytes);
	w->bytes = NULL;
}

/*
 * The one state in which a kill can leave an image that is not standard: half
 * a length at the end of a page, before a record that was never acknowledged.
 */
static inline bool
walk_is_torn(const struct walk *w, size_t at)
{
	return at % 4096 == 4094 && walk_word(w, at) >> 16 == 0xffff &&
	    w->size - at >= 10;
}

/* Walks to EOD.  False, and says where: the image is not valid. */
static inline bool
walk_image(struct walk *w, const char *path)
{
	size_t at = 0;

	walk_load(w, path);
	/* Less than a word is the end, for SIMH as well. */
	while (w->size - at >= 4 && walk_word(w, at) != UINT32_C(0xffffffff)) {
		uint32_t len = walk_word(w, at);
		size_t whole = 8 + (size_t)len + (len & 1);

		if (len != 0 &&
		    (whole > w->size - at ||
			walk_word(w, at + whole - 4) != len)) {
			if (walk_is_torn(w, at))
				break;
			tap_diag("%s: offset %zu: no object: %08" PRIx32, path,
			    at, len);
			return false;
		}
		if (w->n == MODEL_MAX)
			tap_bail("%s: more than %d objects", path, MODEL_MAX);
		w->objects[w->n].at = at;
		w->objects[w->n].len = len;
		w->n++;
		at += len == 0 ? 4 : whole;
	}
	w->end = at;
	return true;
}

/* Whether the first ${n} objects of the image are those of the model. */
static inline bool
walk_begins_with(const struct walk *w, const struct model *m, uint64_t n)
{
	if (w->n < n)
		return false;
	for (uint64_t i = 0; i < n; i++)
		if (w->objects[i].len != m->things[i].len ||
		    !is_record_of(w->bytes + w->objects[i].at + 4,
			w->objects[i].len, m->things[i].tag))
			return false;
	return true;
}

#endif
