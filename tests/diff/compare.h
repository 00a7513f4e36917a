/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two subjects side by side: the twin and a node run the same steps, and the
 * first step with different outcomes ends a case.
 */
#ifndef PMT_COMPARE_H
#define PMT_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "step.h"
#include "subject.h"

struct compare {
	struct subject *twin, *node;
	unsigned long compared; /* steps */
	bool differs;		/* the last case does */
	bool verbose;		/* tells each step, before it is run */
};

/*
 * A random case of about ${steps} steps.  ${ret_case} gets the steps that were
 * run with the outcomes of the node; the caller frees it.  ${ret_twin}: the
 * twin's outcome of the last step.  Whether all were the same.
 */
bool compare_random(struct compare *c, uint64_t seed, unsigned steps,
    struct step_case *ret_case, char ret_twin[STEP_TEXT]);

/*
 * Takes steps out of a case for as long as the rest still differs, and leaves
 * the shortest one found.
 */
void compare_shrink(struct compare *c, struct step_case *differing,
    char ret_twin[STEP_TEXT]);

#endif
