/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decisions of a mirror; see decide.h.
 *
 * The outcome of a leg, from the position after (p), the position before (n),
 * the objects written (o) and the result:
 *
 *     p        success      success with     end of the       other
 *                           early warning    medium           failure
 *     n + o    ON           ON_EW            ON_EW            SUSPECT
 *     n        LIE          LIE              FULL             FAILED
 *     between  LOST         LOST             FULL             LOST
 *     other    LOST         LOST             LOST             LOST
 *
 * Between are filemarks in part.  Where nothing was to be written (o = 0), as
 * by a sync, all failures are FAILED: what was buffered may be lost.
 *
 * The decision, of two legs (of more: FULL goes before everything, then death,
 * then early warning):
 *
 *     A \ B    ON            ON_EW         FULL          dead
 *     ON       commit        commit, warn  undo A, full  policy
 *     ON_EW    commit, warn  commit, warn  undo A, full  policy, warn
 *     FULL     undo B, full  undo B, full  full          full
 *     dead     policy        policy, warn  full          fail
 *
 * The policy is to commit (degrade), to commit and warn (markfull), or to undo
 * and fail (stop).
 */
#include <errno.h>

#include "decide.h"

enum leg_outcome
mirror_outcome(uint64_t before, uint64_t objects, int result,
    enum tape_cond cond, const struct tape_pos *after)
{
	bool full = result == -ENOSPC && cond == TAPE_EOM;

	if (!after->known || after->object < before ||
	    after->object > before + objects)
		return LEG_LOST;
	if (result < 0 && objects == 0)
		return LEG_FAILED;
	if (after->object < before + objects) {
		if (full)
			return LEG_FULL;
		if (after->object > before)
			return LEG_LOST;
		return result == 0 ? LEG_LIE : LEG_FAILED;
	}
	if (result < 0 && !full)
		return LEG_SUSPECT;
	return full || cond == TAPE_EARLY_WARNING ? LEG_ON_EW : LEG_ON;
}

static mirror_judge *the_judge = mirror_outcome;

void
mirror_set_judge(mirror_judge *judge)
{
	the_judge = judge == NULL ? mirror_outcome : judge;
}

mirror_judge *
mirror_get_judge(void)
{
	return the_judge;
}

struct outcome_facts {
	bool dead, on;
	const char *words;
};

static const struct outcome_facts facts[] = {
	[LEG_ON] = { false, true, "is written" },
	[LEG_ON_EW] = { false, true, "is written" },
	[LEG_FULL] = { false, false, "is full" },
	[LEG_SUSPECT] = { true, true, "fails, though all is written" },
	[LEG_FAILED] = { true, false, "fails" },
	[LEG_LIE] = { true, false, "tells success, but nothing is written" },
	[LEG_LOST] = { true, false, "is not where it should be" },
};

bool
mirror_outcome_is_death(enum leg_outcome outcome)
{
	return facts[outcome].dead;
}

bool
mirror_outcome_is_on(enum leg_outcome outcome)
{
	return facts[outcome].on;
}

const char *
mirror_outcome_words(enum leg_outcome outcome)
{
	return facts[outcome].words;
}

static const enum mirror_decision on_death[][2] = {
	/*                    no early warning      early warning */
	[POLICY_DEGRADE] = { DECIDE_COMMIT, DECIDE_COMMIT_WARN },
	[POLICY_MARKFULL] = { DECIDE_COMMIT_WARN, DECIDE_COMMIT_WARN },
	[POLICY_STOP] = { DECIDE_UNDO_FAIL, DECIDE_UNDO_FAIL },
};

enum mirror_decision
mirror_decide(const enum leg_outcome *outcomes, size_t n,
    enum mirror_policy policy)
{
	size_t dead = 0;
	bool full = false, warned = false;

	for (size_t i = 0; i < n; i++) {
		dead += mirror_outcome_is_death(outcomes[i]);
		full = full || outcomes[i] == LEG_FULL;
		warned = warned || outcomes[i] == LEG_ON_EW;
	}
	if (dead == n)
		return DECIDE_FAIL;
	if (full)
		return DECIDE_UNDO_FULL;
	if (dead > 0)
		return on_death[policy][warned];
	return warned ? DECIDE_COMMIT_WARN : DECIDE_COMMIT;
}
