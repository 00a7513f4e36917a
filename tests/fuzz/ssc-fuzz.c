/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzz target: images of tgt; see image-fuzz.h. */
#define FUZZ_FORMAT "ssc"
#include "image-fuzz.h"
