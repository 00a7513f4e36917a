/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zlib and bzip2 behind one interface; see het_pack.h.  The streams are those
 * of compress2() and BZ2_bzBuffToBuffCompress().
 */
#include <assert.h>
#include <stdlib.h>

#include <bzlib.h>
#include <zlib.h>

#include "het_pack.h"

size_t
het_pack(enum image_compress packing, int level, const void *data, size_t len,
    uint8_t *out)
{
	size_t room = HET_PACK_ROOM(len), got = 0;

	assert(len <= TAPE_MAX_RECORD);
	if (packing == IMAGE_COMPRESS_ZLIB) {
		uLongf n = room;

		if (compress2(out, &n, data, len, level) == Z_OK)
			got = n;
	} else if (packing == IMAGE_COMPRESS_BZIP2) {
		unsigned n = (unsigned)room;

		if (BZ2_bzBuffToBuffCompress((char *)out, &n,
			(char *)(uintptr_t)data, (unsigned)len, level, 0,
			0) == BZ_OK)
			got = n;
	}
	/* What failed for want of memory is written as it is. */
	return got < len ? got : 0;
}

struct het_unpack {
	enum image_compress packing;
	union {
		z_stream z;
		bz_stream b;
	};
};

struct het_unpack *
het_unpack_new(enum image_compress packing)
{
	struct het_unpack *u = calloc(1, sizeof(*u));
	bool fine;

	if (u == NULL)
		return NULL;
	u->packing = packing;
	if (packing == IMAGE_COMPRESS_ZLIB)
		fine = inflateInit(&u->z) == Z_OK;
	else
		fine = BZ2_bzDecompressInit(&u->b, 0, 0) == BZ_OK;
	if (fine)
		return u;
	free(u);
	return NULL;
}

void
het_unpack_free(struct het_unpack *u)
{
	if (u == NULL)
		return;
	/* Both give back memory, and can fail only if it is no stream. */
	if (u->packing == IMAGE_COMPRESS_ZLIB)
		(void)inflateEnd(&u->z);
	else
		(void)BZ2_bzDecompressEnd(&u->b);
	free(u);
}

static enum het_step
step_zlib(z_stream *z, const uint8_t **in, size_t *in_len, uint8_t **out,
    size_t *out_len)
{
	int r;

	z->next_in = (Bytef *)(uintptr_t)*in;
	z->avail_in = (uInt)*in_len;
	z->next_out = *out;
	z->avail_out = (uInt)*out_len;
	r = inflate(z, Z_NO_FLUSH);
	*in = z->next_in;
	*in_len = z->avail_in;
	*out = z->next_out;
	*out_len = z->avail_out;
	switch (r) {
	case Z_OK:
	case Z_BUF_ERROR: /* no input or no room */
		return HET_MORE;
	case Z_STREAM_END:
		return HET_END;
	case Z_MEM_ERROR:
		return HET_NOMEM;
	default:
		return HET_BAD;
	}
}

static enum het_step
step_bzip2(bz_stream *b, const uint8_t **in, size_t *in_len, uint8_t **out,
    size_t *out_len)
{
	int r;

	b->next_in = (char *)(uintptr_t)*in;
	b->avail_in = (unsigned)*in_len;
	b->next_out = (char *)*out;
	b->avail_out = (unsigned)*out_len;
	r = BZ2_bzDecompress(b);
	*in = (const uint8_t *)b->next_in;
	*in_len = b->avail_in;
	*out = (uint8_t *)b->next_out;
	*out_len = b->avail_out;
	switch (r) {
	case BZ_OK:
		return HET_MORE;
	case BZ_STREAM_END:
		return HET_END;
	case BZ_MEM_ERROR:
		return HET_NOMEM;
	default:
		return HET_BAD;
	}
}

enum het_step
het_unpack_step(struct het_unpack *u, const uint8_t **in, size_t *in_len,
    uint8_t **out, size_t *out_len)
{
	if (u->packing == IMAGE_COMPRESS_ZLIB)
		return step_zlib(&u->z, in, in_len, out, out_len);
	return step_bzip2(&u->b, in, in_len, out, out_len);
}
