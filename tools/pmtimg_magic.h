/* SPDX-License-Identifier: BSD-2-Clause */
/* What the first record of a tape file seems to be, by its first bytes. */
#ifndef PMT_PMTIMG_MAGIC_H
#define PMT_PMTIMG_MAGIC_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that are worth having; more do not help. */
#define PMTIMG_MAGIC_BYTES 4096

/*
 * Describes the record in a few words of printable ASCII: "tar archive", "ANSI
 * label VOL1: PMT001", "data" if nothing is recognised.
 */
void pmtimg_magic(const uint8_t *bytes, size_t len, char *ret_words,
    size_t size);

#endif
