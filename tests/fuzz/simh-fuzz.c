/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzz target: SIMH images; see image-fuzz.h. */
#define FUZZ_FORMAT "simh"
#include "image-fuzz.h"
