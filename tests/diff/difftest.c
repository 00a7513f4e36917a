/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The differential test: the drive against the real st driver.
 *
 *     difftest check [-n NODE] SCRIPT...
 *         runs each case on NODE, or on the twin without one, and holds the
 *         outcomes against those written in the script
 *     difftest record -n NODE [-s SEED] [-c OPERATIONS] [SCRIPT...]
 *         prints the scripts, or random cases, with the outcomes of NODE
 *     difftest compare -n NODE [-s SEED] [-c OPERATIONS | -t SECONDS]
 *             [-d DIFFERENCES] [SCRIPT...]
 *         checks the scripts on NODE, then runs random cases on NODE and on the
 *         twin side by side; of those that differ it prints the shortest script
 *         that does, and ends after so many
 *
 * With -u cuse or -u fuse NODE is one of ours: see exclusions.h.  With -p the
 * twin's tape is behind a pair.
 * Results are TAP.  NODE wants to be blank and loaded; a case erases it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "compare.h"
#include "exclusions.h"
#include "served.h"
#include "step.h"
#include "subject.h"
#include "tap.h"

/* The usual length of a random case: short ones find more, and shrink fast. */
#define STEPS 40

struct options {
	const char *node;
	uint64_t seed;
	unsigned long operations;
	unsigned long differences;
	time_t seconds; /* 0: not limited by time */
	bool ours;	/* the node */
	bool verbose;
};

/* The outcomes of a case against those written down. */
static void
check_case(struct subject *s, struct step_case *c, const char *path)
{
	char outcome[STEP_TEXT] = "", step[STEP_TEXT];
	const struct step_line *l = c->lines;
	bool same = true;

	run_begin(s);
	for (size_t i = 0; same && i < c->n; i++) {
		l = &c->lines[i];
		if (exclusions_match_script(&l->step) != NULL)
			break;
		run_step(s, &l->step, outcome);
		same =
		    l->outcome[0] == '\0' || strcmp(l->outcome, outcome) == 0;
	}
	same = same || exclusions_explain(&l->step, l->outcome, outcome, NULL);
	run_end(s);
	tap_ok(same, "%s", c->name);
	if (!same) {
		step_format(&l->step, step);
		tap_diag("%s:%u: %s", path, l->line, step);
		tap_diag("expected: %s", l->outcome);
		tap_diag("    seen: %s", outcome);
	}
}

/* Prints a case with its outcomes. */
static void
record_case(struct subject *s, struct step_case *c, const char *path)
{
	(void)path; /* there is nothing to say about it */
	run_begin(s);
	for (size_t i = 0; i < c->n; i++)
		run_step(s, &c->lines[i].step, c->lines[i].outcome);
	run_end(s);
	step_write_case(stdout, c);
}

static void
each_case(struct subject *s, const char *path,
    void (*run)(struct subject *s, struct step_case *c, const char *path))
{
	FILE *f = fopen(path, "re");
	struct step_case c;
	unsigned line = 0;

	if (f == NULL)
		tap_bail("%s: %s", path, strerror(errno));
	while (step_read_case(f, path, &c, &line)) {
		run(s, &c, path);
		step_free_case(&c);
	}
	(void)fclose(f); /* only read from */
}

/* A difference, as short as it can be had. */
static void
report(struct compare *c, struct step_case *differing, char *twin)
{
	char step[STEP_TEXT];

	compare_shrink(c, differing, twin);
	tap_diag("a difference, from %s:", differing->name);
	for (size_t i = 0; i < differing->n; i++) {
		step_format(&differing->lines[i].step, step);
		tap_diag("    %-30s => %s", step, differing->lines[i].outcome);
	}
	tap_diag("    %-30s => %s", "but the twin", twin);
}

static bool
is_enough(const struct options *o, unsigned long compared, time_t began)
{
	return o->seconds != 0 ? time(NULL) - began >= o->seconds
			       : compared >= o->operations;
}

static int
compare(const struct options *o, char **scripts)
{
	struct compare c = { .twin = twin_new(!o->ours),
		.node = node_new(o->node),
		.verbose = o->verbose };
	unsigned long differences = 0;
	char twin[STEP_TEXT];
	struct step_case made;
	time_t began = time(NULL);

	for (; *scripts != NULL; scripts++)
		each_case(c.node, *scripts, check_case);
	tap_diag("seed %llu", (unsigned long long)o->seed);
	for (uint64_t seed = o->seed;
	     differences < o->differences && !is_enough(o, c.compared, began);
	     seed++) {
		if (!compare_random(&c, seed, STEPS, &made, twin)) {
			differences++;
			report(&c, &made, twin);
		}
		step_free_case(&made);
	}
	tap_ok(differences == 0,
	    "%lu operations on the twin and %s have the same outcomes",
	    c.compared, o->node);
	exclusions_report();
	c.twin->ops->free(c.twin);
	c.node->ops->free(c.node);
	return tap_done();
}

/* Random cases with the outcomes of the node, where the twin agrees. */
static int
record_random(const struct options *o)
{
	struct compare c = { .twin = twin_new(true),
		.node = node_new(o->node) };
	char twin[STEP_TEXT];
	struct step_case made;

	puts("# SPDX-License-Identifier: BSD-2-Clause\n#\n"
	     "# Random cases as st ran them: difftest record.\n");
	for (uint64_t seed = o->seed; c.compared < o->operations; seed++) {
		(void)compare_random(&c, seed, STEPS, &made, twin);
		step_write_case(stdout, &made);
		step_free_case(&made);
	}
	c.twin->ops->free(c.twin);
	c.node->ops->free(c.node);
	return 0;
}

static int
usage(void)
{
	fputs("usage: difftest check|record|compare [-n NODE] [-s SEED]"
	      " [-c OPERATIONS]\n"
	      "                [-t SECONDS] [-d DIFFERENCES] [-u cuse|fuse] "
	      "[-p] [-v] [SCRIPT...]\n",
	    stderr);
	return 2;
}

static void
take_ours(struct options *o, enum exclusions_node node)
{
	o->ours = true;
	exclusions_set_node(node);
}

static bool
parse_options(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt(argc, argv, "n:s:c:d:t:u:pv")) != -1) {
		if (c == 'n')
			o->node = optarg;
		else if (c == 's')
			o->seed = strtoull(optarg, NULL, 0);
		else if (c == 'c')
			o->operations = strtoul(optarg, NULL, 0);
		else if (c == 'd')
			o->differences = strtoul(optarg, NULL, 0);
		else if (c == 't')
			o->seconds = (time_t)strtoul(optarg, NULL, 0);
		else if (c == 'u' && strcmp(optarg, "cuse") == 0)
			take_ours(o, EXCLUSIONS_CUSE);
		else if (c == 'u' && strcmp(optarg, "fuse") == 0)
			take_ours(o, EXCLUSIONS_FUSE);
		else if (c == 'p')
			twin_set_wrap(served_new);
		else if (c == 'v')
			o->verbose = true;
		else
			return false;
	}
	return true;
}

int
main(int argc, char **argv)
{
	struct options o = { .seed = (uint64_t)time(NULL),
		.operations = 20000,
		.differences = 3 };
	const char *what = argc < 2 ? "" : argv[1];
	struct subject *s;

	if (argc < 2 || !parse_options(argc - 1, argv + 1, &o))
		return usage();
	argc -= 1;
	argv += 1;
	if (strcmp(what, "compare") == 0 && o.node != NULL)
		return compare(&o, argv + optind);
	if (strcmp(what, "record") == 0 && optind == argc && o.node != NULL)
		return record_random(&o);
	if (optind == argc ||
	    (strcmp(what, "check") != 0 && strcmp(what, "record") != 0))
		return usage();
	s = o.node == NULL ? twin_new(true) : node_new(o.node);
	for (int i = optind; i < argc; i++)
		each_case(s, argv[i],
		    strcmp(what, "check") == 0 ? check_case : record_case);
	s->ops->free(s);
	return strcmp(what, "check") == 0 ? tap_done() : 0;
}
