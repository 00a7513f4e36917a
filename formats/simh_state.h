/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The framing that the formats simh, simh-ext and e11 share: what simh.c and
 * simh_probe.c give to their vtables.  Nobody else includes this.
 */
#ifndef PMT_SIMH_STATE_H
#define PMT_SIMH_STATE_H

#include "image.h"

#define SIMH_WORD 4 /* bytes */

enum simh_dialect {
	SIMH_STANDARD, /* data is padded; other classes are damage */
	SIMH_EXTENDED, /* data is padded; other classes are passed over */
	SIMH_E11,      /* data is not padded; there are no classes */
};

struct simh_image {
	struct image base;
	enum simh_dialect dialect;
};

/* For vtables: as the members of struct image_format. */
int simh_probe_as(const struct image_source *source,
    const struct image_format *format, enum simh_dialect dialect);
int simh_open_as(const struct image_source *source,
    const struct image_format *format, enum simh_dialect dialect,
    struct image **ret_image);
int simh_next(struct image *image, uint64_t at,
    struct image_object *ret_object);
int simh_prev(struct image *image, uint64_t at,
    struct image_object *ret_object);
int simh_resync(struct image *image, uint64_t at, uint64_t *ret_at);
int simh_read(struct image *image, const struct image_object *object, void *buf,
    size_t size, size_t *ret_len);
uint64_t simh_cost(const struct image *image, size_t len);
int simh_put_record(struct image *image, uint64_t at, const void *buf,
    size_t len, uint64_t *ret_end);
int simh_put_filemark(struct image *image, uint64_t at, uint64_t *ret_end);

/* ---- Between simh.c and simh_probe.c ---- */

/* Whether a word can begin a record of at most TAPE_MAX_RECORD bytes. */
bool simh_is_record(uint32_t word);

/*
 * Goes over gaps, and over what the dialect passes over, to the word that
 * begins the next object; the end of the file and whatever counts as the end of
 * the medium are FFFFFFFF.
 */
int simh_next_word(struct image *image, uint64_t *at, uint32_t *ret_word);

/*
 * Where what begins at ${at} with ${word}, and is framed like a record, ends.
 * -EBADMSG: not so, there is no such word after it.
 */
int simh_check_frame(struct image *image, uint64_t at, uint32_t word,
    uint64_t *ret_end);

#endif
