/* SPDX-License-Identifier: BSD-2-Clause */
/* The tape image of tgt, only read; see ssc.c for the bytes. */
#ifndef PMT_SSC_H
#define PMT_SSC_H

#include "image.h"

extern const struct image_format ssc_format;

#endif
