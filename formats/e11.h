/* SPDX-License-Identifier: BSD-2-Clause */
/* The E11 tape image: SIMH's framing without padding; see e11.c. */
#ifndef PMT_E11_H
#define PMT_E11_H

#include "image.h"

extern const struct image_format e11_format;

#endif
