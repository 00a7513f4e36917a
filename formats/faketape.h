/* SPDX-License-Identifier: BSD-2-Clause */
/* The FLEX-ES FAKETAPE image (.fkt); see faketape.c for the bytes. */
#ifndef PMT_FAKETAPE_H
#define PMT_FAKETAPE_H

#include "image.h"

extern const struct image_format faketape_format;

#endif
