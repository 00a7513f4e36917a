/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Images that are a chain: before every piece of data a header that says how
 * long the piece is and how long the one before it was, and nothing else.  AWS,
 * HET and FAKETAPE are such chains and differ in how a header is spelled.  What
 * they have in common is here: motion both ways, the order of writes, what a
 * kill leaves, and who is to blame where two headers disagree; see chain.c.
 */
#ifndef PMT_CHAIN_H
#define PMT_CHAIN_H

#include "image.h"

/* Bytes of the longest header. */
#define CHAIN_HEADER_MAX 16

/* Bytes of the longest piece, and of the longest record that is written. */
#define CHAIN_PIECE_MAX 65535

/* What a header says.  A record is one piece or more. */
struct chain_link {
	uint32_t length; /* of the data that follow; 0: a filemark */
	uint32_t before; /* length of the piece before; UINT32_MAX: not told */
	bool mark;
	bool first, last;	     /* of the pieces of a record */
	enum image_compress packing; /* of its record; NO if none */
};

/* How the headers of a format are spelled. */
struct chain_code {
	size_t header; /* bytes */
	/* NULL, or in words why it is no header; ${before} if it is legible. */
	const char *(*decode)(const uint8_t *bytes, struct chain_link *ret);
	void (*encode)(const struct chain_link *link, uint8_t *bytes);
	/* What is no header: the place of one that is not written yet. */
	void (*blank)(uint32_t before, uint8_t *bytes);
};

/* The base of such an image. */
struct chain {
	struct image base;
	const struct chain_code *code;
	uint64_t tail;	      /* where the last piece that is known ends */
	uint32_t tail_length; /* of that piece, bytes */
};

/* Sets up the base of an image at whose BOT nothing was seen yet. */
void chain_init(struct chain *chain, const struct chain_code *code,
    const struct image_format *format, const struct image_source *source);

/*
 * As probe(): a chain if its first record is whole.  ${packed} says whether
 * records may be compressed; if not, one that is tells that it is another
 * format.
 */
int chain_probe(const struct chain_code *code,
    const struct image_format *format, const struct image_source *source,
    bool packed);

/* What the header at ${at} says, which was passed before. */
int chain_link_at(const struct chain *chain, uint64_t at,
    struct chain_link *ret_link);

/* Adds a piece that is a whole record, or a filemark. */
int chain_put(struct chain *chain, uint64_t at, struct chain_link link,
    const void *data, uint64_t *ret_end);

/* For vtables; the image is the base of a struct chain. */
int chain_next(struct image *image, uint64_t at,
    struct image_object *ret_object);
int chain_prev(struct image *image, uint64_t at,
    struct image_object *ret_object);
int chain_resync(struct image *image, uint64_t at, uint64_t *ret_at);
int chain_read(struct image *image, const struct image_object *object,
    void *buf, size_t size, size_t *ret_len);
uint64_t chain_cost(const struct image *image, size_t len);
int chain_cut(struct image *image, uint64_t at);
int chain_put_record(struct image *image, uint64_t at, const void *buf,
    size_t len, uint64_t *ret_end);
int chain_put_filemark(struct image *image, uint64_t at, uint64_t *ret_end);

#endif
