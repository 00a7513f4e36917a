/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers as bytes, in the byte order of a format.  Every number in an image
 * goes through these: no structure is ever laid over the bytes of a file.
 */
#ifndef PMT_BYTES_H
#define PMT_BYTES_H

#include <stdint.h>

/* Little-endian, 32 bits, at any alignment. */
static inline uint32_t
le32_get(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static inline void
le32_put(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

/* The same, 64 bits. */
static inline uint64_t
le64_get(const uint8_t *p)
{
	return (uint64_t)le32_get(p) | (uint64_t)le32_get(p + 4) << 32;
}

static inline void
le64_put(uint8_t *p, uint64_t v)
{
	le32_put(p, (uint32_t)v);
	le32_put(p + 4, (uint32_t)(v >> 32));
}

#endif
