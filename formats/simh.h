/* SPDX-License-Identifier: BSD-2-Clause */
/* The SIMH tape image (.tap), standard format; see simh.c for the bytes. */
#ifndef PMT_SIMH_H
#define PMT_SIMH_H

#include "image.h"

extern const struct image_format simh_format;

#endif
