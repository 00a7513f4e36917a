/* SPDX-License-Identifier: BSD-2-Clause */
/* How much of a tape: counted object by object, and told in words. */
#ifndef PMT_PMTIMG_EXTENT_H
#define PMT_PMTIMG_EXTENT_H

#include <stdint.h>

#include "pmtimg_walk.h"

struct pmtimg_extent {
	uint64_t objects, records, bytes, filemarks;
};

void pmtimg_extent_add(struct pmtimg_extent *e, const struct pmtimg_step *step);

/* "3 objects: 2 records (160 bytes) and 1 filemark", in ${buf}. */
#define PMTIMG_EXTENT_WORDS 128
const char *pmtimg_extent_words(const struct pmtimg_extent *e,
    char buf[PMTIMG_EXTENT_WORDS]);

#endif
