/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzz target: E11 images; see image-fuzz.h. */
#define FUZZ_FORMAT "e11"
#include "image-fuzz.h"
