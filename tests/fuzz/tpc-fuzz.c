/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzz target: TPC images; see image-fuzz.h. */
#define FUZZ_FORMAT "tpc"
#include "image-fuzz.h"
