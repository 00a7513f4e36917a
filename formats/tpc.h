/* SPDX-License-Identifier: BSD-2-Clause */
/* The TPC tape image, lengths of 16 bits before records; see tpc.c. */
#ifndef PMT_TPC_H
#define PMT_TPC_H

#include "image.h"

extern const struct image_format tpc_format;

#endif
