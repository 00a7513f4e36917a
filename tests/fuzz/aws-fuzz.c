/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzz target: AWS images; see image-fuzz.h. */
#define FUZZ_FORMAT "aws"
#include "image-fuzz.h"
