/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzz target: extended SIMH images; see image-fuzz.h. */
#define FUZZ_FORMAT "simh-ext"
#include "image-fuzz.h"
