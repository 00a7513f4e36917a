/* SPDX-License-Identifier: BSD-2-Clause */
/* The Hercules emulated tape (.het): AWSTAPE with compression; see het.c. */
#ifndef PMT_HET_H
#define PMT_HET_H

#include "image.h"

extern const struct image_format het_format;

#endif
