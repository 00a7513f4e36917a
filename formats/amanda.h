/* SPDX-License-Identifier: BSD-2-Clause */
/* A directory of Amanda's, taken for a tape; see amanda.c. */
#ifndef PMT_AMANDA_H
#define PMT_AMANDA_H

#include "image.h"

extern const struct image_format amanda_format;

#endif
