/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzz target: HET images; see image-fuzz.h. */
#define FUZZ_FORMAT "het"
#include "image-fuzz.h"
