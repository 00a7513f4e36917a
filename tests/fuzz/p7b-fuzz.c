/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzz target: P7B images; see image-fuzz.h. */
#define FUZZ_FORMAT "p7b"
#include "image-fuzz.h"
