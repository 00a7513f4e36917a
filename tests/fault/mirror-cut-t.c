/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Row 42 of the mirror's fault matrix: a leg is a drive of another host, and
 * the connection is cut at any moment, its server killed.  If it can be made
 * again, both legs hold what was acknowledged, and the leg stays; if not, the
 * mirror goes on with the other one, and what is told to be good on the lost
 * one is there.  In lockstep, and with a ring.
 */
#include <pthread.h>

#include "mirror_state.h"
#include "rmt-stand.h"

#define CUTS 12
#define GOODBYES 2  /* three times */
#define AT_ONCE 8   /* tests, all there are; mostly it is waited for the link */
#define ROUND 40    /* records of a cut */
#define LATEST 3000 /* microseconds until the cut */

static const char *const options[] = { "", ",ack=ring,ring=1M" };

static struct stand stand;
static struct rng rng;
static struct model model;
static bool for_good;
static uint8_t buf[9000];

static struct tape *
load_mirror(const char *more)
{
	char spec[2000];
	struct tape *t;
	uint32_t done;
	enum tape_cond cond;

	stand_allow(&stand, true);
	(void)snprintf(spec, sizeof(spec), "mirror:{file:%s/a.tap,%s}%s",
	    stand.dir, stand_spec(&stand, real_servers[0], "timeout=2"), more);
	t = load_tape(spec);
	if (tape_erase(t, true) < 0 ||
	    tape_write_filemarks(t, 0, false, &done, &cond) < 0)
		tap_bail("can't be erased: %s", tape_why(t));
	model.at = model.n = 0;
	return t;
}

static void *
cut(void *arg)
{
	stand_pause((long)rng_below(&rng, LATEST));
	if (for_good)
		stand_allow(&stand, false);
	stand_kill_server(&stand);
	return arg;
}

/* How many of the calls succeed, while the connection is cut. */
static int
write_while_cut(struct tape *t)
{
	pthread_t thread;
	enum tape_cond cond;
	uint32_t done;
	int good = 0;

	if (pthread_create(&thread, NULL, cut, NULL) != 0)
		tap_bail("no thread");
	for (uint32_t i = 0; i < ROUND; i++) {
		uint32_t len = i % 13 == 12 ? 0 : 1 + i * 211 % 9000;

		fill_record(buf, len, i + 1);
		if ((len > 0 ? tape_write(t, buf, len, &cond)
			     : tape_write_filemarks(t, 1, false, &done,
				   &cond)) < 0)
			break;
		model_put(&model, i + 1, len);
		good++;
	}
	(void)pthread_join(thread, NULL); /* it is ours */
	return good;
}

/* How many objects of the model lead the tape, read without the network. */
static uint64_t
leading(void)
{
	char spec[400];
	enum tape_cond cond;
	struct tape *t;
	uint64_t n = 0;
	size_t len;

	(void)snprintf(spec, sizeof(spec), "st:%s", stand.node);
	t = load_tape(spec);
	while (n < model.n &&
	    tape_read(t, buf, sizeof(buf), &len, &cond) == 0 &&
	    cond != TAPE_EOD && len == model.things[n].len &&
	    (len == 0 || is_record_of(buf, len, model.things[n].tag)))
		n++;
	tape_free(t);
	return n;
}

static bool
image_holds_all(void)
{
	struct tape *t = load_tape(spec_in(stand.dir, "a.tap,readonly=yes"));
	bool holds = holds_model(t, &model);

	tape_free(t);
	return holds;
}

static void
test_cuts(const char *more)
{
	int good = 0, healthy = 0, image = 0, drive = 0;

	for_good = false;
	for (int i = 0; i < CUTS; i++) {
		struct tape *t = load_mirror(more);

		good += write_while_cut(t);
		good += tape_unload(t) == 0;
		healthy += !mirror_of(t)->legs[1]->dead;
		if (mirror_of(t)->legs[1]->dead)
			tap_diag("%s", mirror_of(t)->legs[1]->reason);
		tape_free(t);
		image += image_holds_all();
		drive += stand_holds(&stand, &model);
	}
	tap_is_int(CUTS * (ROUND + 1), good,
	    "42%s: the client sees nothing of a cut", more);
	tap_is_int(CUTS, healthy, "42%s: ... and the leg stays", more);
	tap_is_int(CUTS, image, "42%s: ... the image holds all", more);
	tap_is_int(CUTS, drive, "42%s: ... and so does the drive, just once",
	    more);
}

static void
test_goodbyes(const char *more)
{
	int good = 0, image = 0, prefix = 0, dead = 0, n = GOODBYES;

	for_good = true;
	for (int i = 0; i < n; i++) {
		struct tape *t = load_mirror(more);
		const struct leg *leg = mirror_of(t)->legs[1];
		uint64_t there;

		good += write_while_cut(t);
		good += tape_unload(t) == 0;
		image += image_holds_all();
		there = leading();
		dead += leg->dead;
		prefix += there >= (leg->dead ? leg->prefix.objects : model.n);
		tape_free(t);
	}
	tap_is_int(n * (ROUND + 1), good,
	    "42%s: a cut for good: the client sees nothing", more);
	tap_is_int(n, image, "42%s: ... the image holds all", more);
	tap_ok(dead > 0, "42%s: ... the drive is out of the mirror: %d times",
	    more, dead);
	tap_is_int(n, prefix, "42%s: ... and has what is told to be good on it",
	    more);
}

static void
be_silent(const char *line)
{
	(void)line; /* it is meant to go wrong */
}

static void
run(size_t i)
{
	static void (*const tests[])(const char *more) = { test_cuts,
		test_goodbyes, test_goodbyes, test_goodbyes };

	for (size_t k = 0; k < i; k++)
		rng.state = rng_next(&rng); /* something else for each */
	stand_start(&stand, "cut.tap");
	tests[i / 2](options[i % 2]);
	stand_stop(&stand);
}

int
main(void)
{
	if (access("/dev/fuse", R_OK | W_OK) < 0)
		tap_skip_all("there is no /dev/fuse");
	tape_set_alarm(be_silent);
	rng = rng_seeded();
	tap_parts(AT_ONCE, AT_ONCE, run);
	return tap_done();
}
