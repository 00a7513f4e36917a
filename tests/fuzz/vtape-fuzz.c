/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzz target: images of Bacula's virtual tape; see image-fuzz.h. */
#define FUZZ_FORMAT "vtape"
#include "image-fuzz.h"
