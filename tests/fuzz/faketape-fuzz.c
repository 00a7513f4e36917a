/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzz target: FAKETAPE images; see image-fuzz.h. */
#define FUZZ_FORMAT "faketape"
#include "image-fuzz.h"
