/* SPDX-License-Identifier: BSD-2-Clause */
/* The SIMH tape image, extended format; see simh_ext.c. */
#ifndef PMT_SIMH_EXT_H
#define PMT_SIMH_EXT_H

#include "image.h"

extern const struct image_format simh_ext_format;

#endif
