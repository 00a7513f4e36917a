/* SPDX-License-Identifier: BSD-2-Clause */
/* Running cases on two subjects, and shrinking them; see compare.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "exclusions.h"
#include "generate.h"
#include "tap.h"

/* What tells at the end of a case how everything was left. */
static const char *const finale[] = { "close", "open rw", "status", "pos",
	"mt setblk 0", "mt rew 1", "read 1048576", "read 1048576",
	"read 1048576", "read 1048576", "read 1048576", "read 1048576",
	"status", "pos", "close" };

/*
 * Runs a step on both, unless a rule keeps it from being run.  Whether the case
 * goes on; ${c->differs} tells whether it does not because they differ.
 */
static bool
run_both(struct compare *c, const struct step *s, struct step_case *to,
    char ret_twin[STEP_TEXT])
{
	struct step_line *l;
	char text[STEP_TEXT];

	if (c->twin->open == (s->kind == STEP_OPEN) ||
	    exclusions_match(s, c->twin) != NULL)
		return true;
	if (c->verbose) {
		step_format(s, text);
		tap_diag("%s", text);
	}
	l = step_add(to, s);
	run_step(c->twin, s, ret_twin);
	run_step(c->node, s, l->outcome);
	c->compared++;
	if (strcmp(ret_twin, l->outcome) == 0)
		return true;
	c->differs = !exclusions_explain(s, ret_twin, l->outcome, c->twin);
	return false;
}

static void
begin(struct compare *c)
{
	c->differs = false;
	run_begin(c->twin);
	run_begin(c->node);
}

static void
end(struct compare *c)
{
	run_end(c->twin);
	run_end(c->node);
}

static void
run_finale(struct compare *c, struct step_case *to, char ret_twin[STEP_TEXT])
{
	struct step s;
	bool goes_on = true;

	for (size_t i = 0; goes_on && i < sizeof(finale) / sizeof(finale[0]);
	     i++) {
		if (!step_parse(finale[i], &s))
			tap_bail("%s: no step", finale[i]);
		goes_on = run_both(c, &s, to, ret_twin);
	}
}

bool
compare_random(struct compare *c, uint64_t seed, unsigned steps,
    struct step_case *ret_case, char ret_twin[STEP_TEXT])
{
	struct step_case to = { .n = 0 };
	struct generate g;
	bool goes_on = true;

	(void)snprintf(to.name, sizeof(to.name), "seed %llu",
	    (unsigned long long)seed);
	generate_begin(&g, seed);
	begin(c);
	for (unsigned i = 0; goes_on && i < steps; i++) {
		struct step s = generate_step(&g, c->twin);

		goes_on = run_both(c, &s, &to, ret_twin);
	}
	if (goes_on)
		run_finale(c, &to, ret_twin);
	end(c);
	*ret_case = to;
	return !c->differs;
}

/* Runs ${from} but for ${skip} steps at ${at}; ${to} gets what was run. */
static bool
rerun(struct compare *c, const struct step_case *from, size_t at, size_t skip,
    struct step_case *to, char ret_twin[STEP_TEXT])
{
	bool goes_on = true;

	*to = (struct step_case){ .n = 0 };
	memcpy(to->name, from->name, sizeof(to->name));
	begin(c);
	for (size_t i = 0; goes_on && i < from->n; i++)
		if (i < at || i >= at + skip)
			goes_on =
			    run_both(c, &from->lines[i].step, to, ret_twin);
	end(c);
	return !c->differs;
}

/* One pass with pieces of ${size} steps; whether any could be taken out. */
static bool
shrink_by(struct compare *c, struct step_case *differing, size_t size,
    char ret_twin[STEP_TEXT])
{
	char twin[STEP_TEXT];
	struct step_case less;
	bool shrunk = false;

	for (size_t at = 0; at < differing->n;) {
		if (rerun(c, differing, at, size, &less, twin)) {
			step_free_case(&less);
			at += size;
			continue;
		}
		step_free_case(differing);
		*differing = less;
		memcpy(ret_twin, twin, STEP_TEXT);
		shrunk = true;
	}
	return shrunk;
}

void
compare_shrink(struct compare *c, struct step_case *differing,
    char ret_twin[STEP_TEXT])
{
	unsigned long compared = c->compared;
	size_t size = differing->n / 2;

	exclusions_pause(true);
	while (size > 0) {
		if (!shrink_by(c, differing, size, ret_twin) || size > 1)
			size /= 2;
	}
	exclusions_pause(false);
	c->compared = compared;
}
