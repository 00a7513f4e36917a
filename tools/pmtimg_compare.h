/* SPDX-License-Identifier: BSD-2-Clause */
/* What two tapes hold at one place, side by side, and in words. */
#ifndef PMT_PMTIMG_COMPARE_H
#define PMT_PMTIMG_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pmtimg_walk.h"

/* What two objects differ in. */
enum pmtimg_difference {
	PMTIMG_SAME,
	PMTIMG_OTHER_KIND, /* a record and a filemark, say; or damage in one */
	PMTIMG_OTHER_LENGTH,
	PMTIMG_OTHER_DATA,
};

/*
 * Compares two objects, with their data.  ${ret_byte}: the first byte, from 0,
 * of two records that is not the same; the length of the shorter one if there
 * is none before it.  Damage is never the same as anything.
 */
enum pmtimg_difference pmtimg_compare(const struct pmtimg_step *a,
    const uint8_t *x, const struct pmtimg_step *b, const uint8_t *y,
    size_t *ret_byte);

/* "a record", "a filemark", "end of data", "damage" */
const char *pmtimg_compare_kind(const struct pmtimg_step *step);

/* "a record of 80 bytes", and the others as above; in ${buf}. */
#define PMTIMG_COMPARE_WORDS 64
const char *pmtimg_compare_words(const struct pmtimg_step *step,
    char buf[PMTIMG_COMPARE_WORDS]);

/* Whether an object can't be read, or was recorded as such. */
bool pmtimg_compare_is_bad(const struct pmtimg_step *step);

#endif
