/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random tape scripts, by a seed.  The next step is chosen with an eye on the
 * twin: near boundaries (filemarks, both ends of the data, early warning) and
 * with sizes around the block size.
 */
#ifndef PMT_GENERATE_H
#define PMT_GENERATE_H

#include <stdint.h>

#include "step.h"
#include "subject.h"

struct generate {
	uint64_t state; /* of the random numbers */
	unsigned theme;
	unsigned told; /* steps given so far */
	uint16_t tag;
};

/* The generator of the case that ${seed} stands for. */
void generate_begin(struct generate *g, uint64_t seed);

/* The next step; the twin has run all those before. */
struct step generate_step(struct generate *g, struct subject *twin);

#endif
