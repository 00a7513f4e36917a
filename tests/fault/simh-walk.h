/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A strict reader of images in the formats simh, e11 and tpc, by their suffix,
 * apart from the code under test: what a plain tool that knows the format, and
 * no repair, makes of the bytes.
 */
#ifndef PMT_TESTS_SIMH_WALK_H
#define PMT_TESTS_SIMH_WALK_H

#include "../contract/tapes.h"

/* How the objects of a format lie in the file. */
struct walk_framing {
	const char *suffix;
	unsigned word; /* bytes of a length */
	bool padded;   /* data is, to an even length */
	bool trailer;  /* the length comes again after it */
};

/* The objects of an image, with their bytes. */
struct walk {
	const struct walk_framing *framing;
	uint8_t *bytes;
	size_t size;
	struct {
		size_t at;
		uint32_t len; /* 0: a filemark */
	} objects[MODEL_MAX];
	uint64_t n;
	size_t end; /* the offset of EOD */
};

static inline const struct walk_framing *
walk_framing_of(const char *path)
{
	static const struct walk_framing framings[] = {
		{ ".tap", 4, true, true },
		{ ".e11", 4, false, true },
		{ ".tpc", 2, true, false },
	};
	const char *suffix = strrchr(path, '.');

	for (size_t i = 0; i < sizeof(framings) / sizeof(framings[0]); i++)
		if (suffix != NULL && strcmp(suffix, framings[i].suffix) == 0)
			return &framings[i];
	tap_bail("%s: a suffix that is not known here", path);
}

static inline uint32_t
walk_word(const struct walk *w, size_t at)
{
	uint32_t word = 0;

	for (unsigned i = 0; i < w->framing->word; i++)
		word |= (uint32_t)w->bytes[at + i] << 8 * i;
	return word;
}

/* Bytes of a whole object. */
static inline size_t
walk_whole(const struct walk *w, uint32_t len)
{
	const struct walk_framing *f = w->framing;

	if (len == 0)
		return f->word;
	return f->word + (size_t)len + (f->padded ? len & 1 : 0) +
	    (f->trailer ? f->word : 0);
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
 * The one state in which a kill can leave an image that is not standard: a part
 * of a length at the end of a page, before a record that was never
 * acknowledged.
 */
static inline bool
walk_is_torn(const struct walk *w, size_t at)
{
	unsigned lower = 4096 - (unsigned)(at % 4096); /* bytes */

	return lower < w->framing->word &&
	    walk_word(w, at) >> 8 * lower == UINT32_MAX >> 8 * lower &&
	    w->size - at >= 9;
}

/* Whether the length, and what else says so, is the end of the medium. */
static inline bool
walk_at_end(const struct walk *w, size_t at)
{
	unsigned word = w->framing->word;

	/* Less than a word is the end, for SIMH as well. */
	return w->size - at < word ||
	    walk_word(w, at) == (word == 4 ? UINT32_MAX : UINT16_MAX);
}

/* Walks to EOD.  False, and says where: the image is not valid. */
static inline bool
walk_image(struct walk *w, const char *path)
{
	size_t at = 0;

	walk_load(w, path);
	w->framing = walk_framing_of(path);
	while (!walk_at_end(w, at)) {
		uint32_t len = walk_word(w, at);
		size_t whole = walk_whole(w, len);

		if (whole > w->size - at ||
		    (w->framing->trailer && len != 0 &&
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
		at += whole;
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
		    !is_record_of(w->bytes + w->objects[i].at +
			    w->framing->word,
			w->objects[i].len, m->things[i].tag))
			return false;
	return true;
}

#endif
