/* SPDX-License-Identifier: BSD-2-Clause */
/* The tape directory of LTFS's file back end, only read; see ltfs.c. */
#ifndef PMT_LTFS_H
#define PMT_LTFS_H

#include "image.h"

extern const struct image_format ltfs_format;

#endif
