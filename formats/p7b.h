/* SPDX-License-Identifier: BSD-2-Clause */
/* The P7B image of a seven-track tape, which is only read; see p7b.c. */
#ifndef PMT_P7B_H
#define PMT_P7B_H

#include "image.h"

extern const struct image_format p7b_format;

#endif
