/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The native format, pmt; see native.c and pmt-native(5).
 */
#ifndef PMT_NATIVE_H
#define PMT_NATIVE_H

#include "image.h"

extern const struct image_format native_format;

/*
 * For tests: where an image gets its random bytes and the time from, so that
 * its bytes are known.  NULL: back to the system.
 */
struct native_world {
	int (*random)(void *buf, size_t len); /* 0, or -EIO */
	int64_t (*now)(void);		      /* seconds since 1970 */
};

void native_set_world(const struct native_world *world);

/*
 * For checks: what is damaged in the selected partition and yet hurts nobody,
 * as image_next() does not tell of it: a superblock, an index object.
 * ${tell} gets the offset as messages have it.  ${image} is of this format.
 * -EIO, -ENOMEM.
 */
int native_flaws(struct image *image,
    void (*tell)(void *context, uint64_t at, const char *what), void *context);

#endif
