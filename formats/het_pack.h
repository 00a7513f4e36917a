/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compressing a record, and expanding one in steps, so that nobody needs to
 * know how long it is: zlib and bzip2 behind one interface.  Knows no image.
 */
#ifndef PMT_HET_PACK_H
#define PMT_HET_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "image.h"

/* Bytes of room that a record of ${len} bytes needs to be compressed in. */
#define HET_PACK_ROOM(len) ((len) + (len) / 64 + 1024)

/*
 * Compresses ${len} bytes into ${out}, which has HET_PACK_ROOM(len) bytes.
 * Returns how many they are then; 0: not fewer than before.
 */
size_t het_pack(enum image_compress packing, int level, const void *data,
    size_t len, uint8_t *out);

enum het_step {
	HET_MORE, /* it goes on: wants input, or room */
	HET_END,  /* that was all of the record */
	HET_BAD,  /* it is not what it should be */
	HET_NOMEM,
};

/* A record that is being expanded. */
struct het_unpack;

/* NULL: out of memory. */
struct het_unpack *het_unpack_new(enum image_compress packing);
void het_unpack_free(struct het_unpack *unpack);

/* Takes from ${in} and puts to ${out}; moves both on. */
enum het_step het_unpack_step(struct het_unpack *unpack, const uint8_t **in,
    size_t *in_len, uint8_t **out, size_t *out_len);

#endif
