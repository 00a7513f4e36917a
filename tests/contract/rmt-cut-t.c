/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link of the rmt tape is cut, 200 times, at any moment of writing: the
 * server is killed.  What was acknowledged is on the tape, once, in order, and
 * nothing else is, not even the filemark that the server's end leaves.  If the
 * server does not come back, what the tape holds is what the position says.
 */
#include <pthread.h>

#include "rmt-stand.h"

#define CUTS 50	     /* of each server with each window */
#define GOODBYES 5   /* likewise, for good, twice */
#define READS 15     /* of each, too */
#define ROUND 24     /* records of a cut */
#define LONGEST 9000 /* bytes */
#define LATEST 3000  /* microseconds until the cut */
#define AT_ONCE 12   /* tests; most of it is waiting for a server */

static struct stand stand;
static struct rng rng;
static struct model model;
static uint8_t buf[1 << 16];
static enum tape_cond cond;
static bool under_way; /* one object more than the model has: at its end */

struct cut {
	pthread_t thread;
	long us;
	bool for_good;
};

static void *
cut(void *arg)
{
	struct cut *k = arg;

	stand_pause(k->us);
	if (k->for_good)
		stand_allow(&stand, false);
	stand_kill_server(&stand);
	return NULL;
}

static void
cut_soon(struct cut *k, bool for_good)
{
	k->us = (long)rng_below(&rng, LATEST);
	k->for_good = for_good;
	if (pthread_create(&k->thread, NULL, cut, k) != 0)
		tap_bail("no thread");
}

/* Writes some; the first failure ends it. */
static int
write_round(struct tape *t)
{
	uint32_t len, done, tag = rng_next(&rng) & 0xffff00;
	int r = 0;

	for (int i = 0; r == 0 && i < ROUND; i++) {
		len =
		    rng_below(&rng, 8) == 0 ? 0 : rng_below(&rng, LONGEST) + 1;
		model.things[model.at] =
		    (struct thing){ .tag = ++tag, .len = len };
		fill_record(buf, len, tag);
		r = len == 0 ? tape_write_filemarks(t, 1, false, &done, &cond)
			     : tape_write(t, buf, len, &cond);
		if (r == 0)
			model_put(&model, tag, len);
	}
	under_way = r < 0;
	return r;
}

static struct tape *
blank_tape(const char *server, const char *options)
{
	struct tape *t;

	stand_allow(&stand, true);
	t = load_tape(stand_spec(&stand, server, options));
	if (tape_erase(t, true) < 0)
		tap_bail("can't be erased: %s", tape_why(t));
	model.at = model.n = 0;
	return t;
}

/* On a tape that has something: from BOT, or from anywhere. */
static struct tape *
used_tape(const char *server, const char *options, bool anywhere)
{
	struct tape *t = load_tape(stand_spec(&stand, server, options));

	model.at = 0;
	if (anywhere && model.n > 0)
		model.at = rng_below(&rng, (uint32_t)model.n + 1);
	if (model.at > MODEL_MAX - ROUND)
		model.at = MODEL_MAX - ROUND;
	if (tape_locate(t, 0, model.at, &cond) < 0)
		tap_bail("can't be located: %s", tape_why(t));
	return t;
}

/* Cuts that heal. */
static void
test_cuts(const char *server, const char *options)
{
	struct cut k;
	int held = 0, ended = 0, i, r;

	for (i = 0; i < CUTS; i++) {
		struct tape *t = i % 3 == 0
		    ? blank_tape(server, options)
		    : used_tape(server, options, i % 3 == 1);

		cut_soon(&k, false);
		r = write_round(t);
		if (r < 0)
			tap_diag("cut %d: %s", i, tape_why(t));
		(void)pthread_join(k.thread, NULL);
		if (r == 0)
			r = tape_unload(t);
		ended += r == 0;
		if (r < 0)
			tap_diag("cut %d: the end: %s", i, tape_why(t));
		tape_free(t);
		held += stand_holds(&stand, &model);
	}
	tap_is_int(CUTS, ended, "%s, %s: all is written, with a cut in it",
	    server, options);
	tap_is_int(CUTS, held, "%s, %s: and is on the tape, and nothing else",
	    server, options);
}

/* Cuts while it is read, from one end to the other, and spaced. */
static void
test_reading(const char *server, const char *options)
{
	int right = 0, back = 0;
	struct cut k;
	struct tape *t = blank_tape(server, options);
	uint64_t done;

	if (write_round(t) < 0 || write_round(t) < 0 || write_round(t) < 0)
		tap_bail("can't be written: %s", tape_why(t));
	for (int i = 0; i < READS; i++) {
		cut_soon(&k, false);
		right += holds_model(t, &model);
		(void)pthread_join(k.thread, NULL);
		cut_soon(&k, false);
		if (tape_space(t, TAPE_FILEMARKS, -1, &done, &cond) == 0 &&
		    tape_space(t, TAPE_TO_EOD, 0, &done, &cond) == 0)
			back += t->pos.object == model.n;
		(void)pthread_join(k.thread, NULL);
	}
	tape_free(t);
	tap_is_int(READS, right, "%s, %s: what is read is right, with a cut",
	    server, options);
	tap_is_int(READS, back, "%s, %s: and so is where it is spaced to",
	    server, options);
}

/* How many objects of the model are on the tape, and whether nothing else. */
static bool
holds_prefix(uint64_t *ret_objects)
{
	char spec[400];
	struct tape *t;
	uint64_t n = 0;
	size_t len;
	bool clean = true;

	(void)snprintf(spec, sizeof(spec), "st:%s", stand.node);
	t = load_tape(spec);
	while (clean && tape_read(t, buf, sizeof(buf), &len, &cond) == 0 &&
	    cond != TAPE_EOD) {
		struct thing *thing = &model.things[n];

		if (n < model.n + under_way && thing->len == len &&
		    (len == 0 || is_record_of(buf, len, thing->tag)))
			n++;
		else
			/* The end of the server may leave one filemark. */
			clean = len == 0 &&
			    tape_read(t, buf, sizeof(buf), &len, &cond) == 0 &&
			    cond == TAPE_EOD;
		if (cond == TAPE_EOD)
			break;
	}
	tape_free(t);
	*ret_objects = n;
	return clean;
}

/*
 * Cuts for good.  The record that was under way when the link broke may be
 * there or not, and nobody can know; all before it can be known.
 */
static void
test_goodbyes(const char *server, const char *options, bool strict)
{
	int prefixes = 0, kept = 0, told = 0;
	struct cut k;

	for (int i = 0; i < GOODBYES; i++) {
		struct tape *t = blank_tape(server, options);
		uint64_t written, there = 0;
		bool failed;
		int r;

		cut_soon(&k, true);
		r = write_round(t);
		(void)pthread_join(k.thread, NULL);
		written = model.n;
		if (r == 0)
			r = tape_unload(t);
		failed = r < 0;
		tape_free(t);
		prefixes += holds_prefix(&there);
		told += failed || there == written; /* it came too late */
		kept += there >= written || !strict;
		if (strict && there < written)
			tap_diag("%" PRIu64 " of %" PRIu64, there, written);
	}
	tap_is_int(GOODBYES, told,
	    "%s, %s: a cut for good is an error, or hurts nothing", server,
	    options);
	tap_is_int(GOODBYES, prefixes,
	    "%s, %s: the tape has a prefix, and one filemark at most", server,
	    options);
	tap_is_int(GOODBYES, kept, "%s, %s: with all that was acknowledged",
	    server, options);
}

/* ---- All of it, a few at the same time ----------------------------------- */

static void
test_all_cuts(const char *server, const char *options)
{
	test_cuts(server, options);
	test_reading(server, options);
}

static void
test_lossless_goodbyes(const char *server, const char *options)
{
	test_goodbyes(server, options, true);
}

static void
test_ahead_goodbyes(const char *server, const char *options)
{
	test_goodbyes(server, options, false);
}

static const struct {
	const char *options;
	void (*run)(const char *server, const char *options);
} tests[] = {
	{ "timeout=20", test_all_cuts },
	{ "timeout=20,window=64K", test_all_cuts },
	{ "timeout=1", test_lossless_goodbyes },
	{ "timeout=1", test_lossless_goodbyes },
	{ "timeout=1,window=64K", test_ahead_goodbyes },
	{ "timeout=1,window=64K", test_ahead_goodbyes },
};

#define N_TESTS (sizeof(tests) / sizeof(tests[0]))

/* With a drive of its own. */
static void
run(size_t i)
{
	for (size_t k = 0; k < i; k++)
		rng.state = rng_next(&rng); /* something else for each */
	stand_start(&stand, "cut.tap");
	tests[i / 2].run(real_servers[i % 2], tests[i / 2].options);
	stand_stop(&stand);
}

int
main(void)
{
	if (access("/dev/fuse", R_OK | W_OK) < 0)
		tap_skip_all("there is no /dev/fuse");
	rng = rng_seeded();
	tap_parts(2 * N_TESTS, AT_ONCE, run);
	return tap_done();
}
