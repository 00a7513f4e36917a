/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of decide.c, cell by cell, as they are written there. */
#include <errno.h>
#include <stdio.h>

#include "decide.h"
#include "tap.h"

#define BEFORE 10

static const char *const outcome_names[] = {
	[LEG_ON] = "ON",
	[LEG_ON_EW] = "ON_EW",
	[LEG_FULL] = "FULL",
	[LEG_SUSPECT] = "SUSPECT",
	[LEG_FAILED] = "FAILED",
	[LEG_LIE] = "LIE",
	[LEG_LOST] = "LOST",
};

static const char *const decision_names[] = {
	[DECIDE_COMMIT] = "commit",
	[DECIDE_COMMIT_WARN] = "commit and warn",
	[DECIDE_UNDO_FULL] = "undo, full",
	[DECIDE_UNDO_FAIL] = "undo, fail",
	[DECIDE_FAIL] = "fail",
};

static const struct {
	uint64_t objects; /* written */
	int moved;	  /* objects; -2: nobody knows */
	int result;
	enum tape_cond cond;
	enum leg_outcome outcome;
} outcomes[] = {
	{ 1, 1, 0, TAPE_NONE, LEG_ON },
	{ 1, 1, 0, TAPE_EARLY_WARNING, LEG_ON_EW },
	{ 1, 1, -ENOSPC, TAPE_EOM, LEG_ON_EW },
	{ 1, 1, -EIO, TAPE_NONE, LEG_SUSPECT },
	{ 1, 1, -ENOSPC, TAPE_NONE, LEG_SUSPECT },
	{ 1, 0, 0, TAPE_NONE, LEG_LIE },
	{ 1, 0, 0, TAPE_EARLY_WARNING, LEG_LIE },
	{ 1, 0, -ENOSPC, TAPE_EOM, LEG_FULL },
	{ 1, 0, -EIO, TAPE_NONE, LEG_FAILED },
	{ 1, 0, -EROFS, TAPE_NONE, LEG_FAILED },
	{ 1, -1, 0, TAPE_NONE, LEG_LOST },
	{ 1, 2, 0, TAPE_NONE, LEG_LOST },
	{ 1, -1, -EIO, TAPE_NONE, LEG_LOST },
	{ 1, 2, -ENOSPC, TAPE_EOM, LEG_LOST },
	{ 1, -2, 0, TAPE_NONE, LEG_LOST },
	{ 1, -2, -EIO, TAPE_NONE, LEG_LOST },
	{ 3, 3, 0, TAPE_NONE, LEG_ON },
	{ 3, 0, -ENOSPC, TAPE_EOM, LEG_FULL },
	{ 3, 0, -EIO, TAPE_NONE, LEG_FAILED },
	{ 3, 1, -ENOSPC, TAPE_EOM, LEG_FULL },
	{ 3, 1, -EIO, TAPE_NONE, LEG_LOST },
	{ 3, 1, 0, TAPE_NONE, LEG_LOST },
	{ 3, 4, -ENOSPC, TAPE_EOM, LEG_LOST },
	{ 0, 0, 0, TAPE_NONE, LEG_ON },
	{ 0, 0, -EIO, TAPE_NONE, LEG_FAILED },
	{ 0, 0, -ENOSPC, TAPE_EOM, LEG_FAILED },
	{ 0, 0, 0, TAPE_EARLY_WARNING, LEG_ON_EW },
	{ 0, 1, 0, TAPE_NONE, LEG_LOST },
};

static void
test_outcomes(void)
{
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		struct tape_pos after = {
			.object = BEFORE + (uint64_t)outcomes[i].moved,
			.known = outcomes[i].moved != -2,
		};
		enum leg_outcome seen =
		    mirror_outcome(BEFORE, outcomes[i].objects,
			outcomes[i].result, outcomes[i].cond, &after);

		tap_is_str(outcome_names[outcomes[i].outcome],
		    outcome_names[seen],
		    "%d written, %d passed, result %d, %s: %s",
		    (int)outcomes[i].objects, outcomes[i].moved,
		    outcomes[i].result, tape_cond_name(outcomes[i].cond),
		    outcome_names[outcomes[i].outcome]);
	}
}

/* What two legs decide, by the policies degrade, markfull and stop. */
static enum mirror_decision
expected(enum leg_outcome a, enum leg_outcome b, enum mirror_policy policy)
{
	bool dead_a = a >= LEG_SUSPECT, dead_b = b >= LEG_SUSPECT;
	bool warned = a == LEG_ON_EW || b == LEG_ON_EW;

	if (dead_a && dead_b)
		return DECIDE_FAIL;
	if (a == LEG_FULL || b == LEG_FULL)
		return DECIDE_UNDO_FULL;
	if ((dead_a || dead_b) && policy == POLICY_STOP)
		return DECIDE_UNDO_FAIL;
	if ((dead_a || dead_b) && policy == POLICY_MARKFULL)
		return DECIDE_COMMIT_WARN;
	return warned ? DECIDE_COMMIT_WARN : DECIDE_COMMIT;
}

static void
test_two_legs(enum mirror_policy policy)
{
	for (enum leg_outcome a = LEG_ON; a <= LEG_LOST; a++)
		for (enum leg_outcome b = LEG_ON; b <= LEG_LOST; b++) {
			enum leg_outcome both[] = { a, b };

			tap_is_str(decision_names[expected(a, b, policy)],
			    decision_names[mirror_decide(both, 2, policy)],
			    "policy %d: %s and %s", (int)policy,
			    outcome_names[a], outcome_names[b]);
		}
}

static void
test_three_legs(void)
{
	enum leg_outcome dead_on_on[] = { LEG_FAILED, LEG_ON, LEG_ON };
	enum leg_outcome dead_full_on[] = { LEG_FAILED, LEG_FULL, LEG_ON };
	enum leg_outcome dead_dead_on[] = { LEG_LIE, LEG_LOST, LEG_ON };
	enum leg_outcome dead_dead_full[] = { LEG_LIE, LEG_LOST, LEG_FULL };

	tap_is_int(DECIDE_COMMIT, mirror_decide(dead_on_on, 3, POLICY_DEGRADE),
	    "of three, one dead: the other two have it");
	tap_is_int(DECIDE_UNDO_FULL,
	    mirror_decide(dead_full_on, 3, POLICY_DEGRADE),
	    "of three, one dead and one full: the third takes it back");
	tap_is_int(DECIDE_COMMIT,
	    mirror_decide(dead_dead_on, 3, POLICY_DEGRADE),
	    "of three, two dead: one is enough");
	tap_is_int(DECIDE_UNDO_FULL,
	    mirror_decide(dead_dead_full, 3, POLICY_STOP),
	    "of three, two dead and one full: full");
}

int
main(void)
{
	test_outcomes();
	test_two_legs(POLICY_DEGRADE);
	test_two_legs(POLICY_MARKFULL);
	test_two_legs(POLICY_STOP);
	test_three_legs();
	return tap_done();
}
