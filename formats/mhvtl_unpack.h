/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decompression of mhvtl's records.  Knows no tape: bytes in, bytes out.
 */
#ifndef PMT_MHVTL_UNPACK_H
#define PMT_MHVTL_UNPACK_H

#include <stddef.h>
#include <stdint.h>

enum mhvtl_packing {
	MHVTL_PLAIN,
	MHVTL_ZLIB,
	MHVTL_LZO,
};

/*
 * Makes exactly ${size} bytes out of all of ${stored} bytes.  -EBADMSG: they
 * are not that; -EOPNOTSUPP: liblzo2, which is loaded when the first record
 * needs it, is not there; -ENOMEM.
 */
int mhvtl_unpack(enum mhvtl_packing packing, const uint8_t *in, size_t stored,
    uint8_t *out, size_t size);

#endif
