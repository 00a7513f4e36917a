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

#endif
