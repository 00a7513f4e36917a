/* SPDX-License-Identifier: BSD-2-Clause */
/* The cartridge directory of mhvtl, only read; see mhvtl.c for the bytes. */
#ifndef PMT_MHVTL_H
#define PMT_MHVTL_H

#include "image.h"

extern const struct image_format mhvtl_format;

#endif
