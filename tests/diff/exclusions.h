/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The steps on which the twin and the real driver may not be compared, one
 * named rule with its reason each.  A rule looks at the step before it is run;
 * the step is then run on neither side, so that the two stay a pair.
 *
 * Where the node is ours, over CUSE or FUSE, the rules are others, and some
 * explain differences that come from there; these look at both outcomes, and
 * end the case.  There is no other tolerance.
 */
#ifndef PMT_EXCLUSIONS_H
#define PMT_EXCLUSIONS_H

#include "step.h"
#include "subject.h"

/* The name of the rule that keeps ${step} from being run, or NULL; counts. */
const char *exclusions_match(const struct step *step, struct subject *twin);

/* The same for a script on a node of ours; a case ends at such a step. */
const char *exclusions_match_script(const struct step *step);

/* Whose node it is that the twin is compared with; by default the real st's. */
enum exclusions_node {
	EXCLUSIONS_ST = 1,
	EXCLUSIONS_CUSE = 2,
	EXCLUSIONS_FUSE = 4,
};

void exclusions_set_node(enum exclusions_node which);

/*
 * Whether a rule explains that ${seen} is not what was ${expected}; counts.
 * ${twin} has just run the step; NULL: a script expects it.
 */
bool exclusions_explain(const struct step *step, const char *expected,
    const char *seen, struct subject *twin);

/* Forgets the counts: what shrinking tries is not counted. */
void exclusions_pause(bool pause);

/* Says how often each rule applied, as TAP comments. */
void exclusions_report(void);

#endif
