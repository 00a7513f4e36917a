/* SPDX-License-Identifier: BSD-2-Clause */
/* Bacula's virtual tape; see vtape.c. */
#ifndef PMT_VTAPE_H
#define PMT_VTAPE_H

#include "image.h"

extern const struct image_format vtape_format;

#endif
