/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that writes a tape is killed at moments that nobody chose, again
 * and again on the same image.  Each time the image is valid as it is, and has
 * what was acknowledged and at most what was under way.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "witness.h"

#define KILLS 250   /* or PMT_RUNS */
#define OBJECTS 100 /* the tape is overwritten from somewhere before this */

static struct witness *witness;
static uint64_t struck; /* kills in the midst of something */
static const char *spec, *image;
static uint32_t longest; /* bytes, of the records that are written */
static bool is_walked;	 /* there is a reader that is none of ours */
static unsigned kills = KILLS;

static uint32_t
random_length(struct rng *rng)
{
	switch (rng_below(rng, 20)) {
	case 0:
		return 1 + rng_below(rng, longest);
	case 1:
		return 1 + rng_below(rng, 8);
	default:
		return 1 + rng_below(rng, 9000);
	}
}

/* Writes until it is killed. */
static void
work(struct rng rng)
{
	struct tape *t;

	/* Should the test end early, this ends as well. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	t = load_tape(spec);
	witness_locate(witness, t, witness_acked(witness)->n);
	for (;;) {
		uint32_t what = rng_below(&rng, 40);
		uint64_t n = witness_acked(witness)->n;

		if (what == 0 || n > OBJECTS)
			witness_locate(witness, t,
			    rng_below(&rng, (uint32_t)n + 1));
		if (what == 1)
			witness_erase(witness, t);
		else if (what < 6)
			witness_marks(witness, t, rng_below(&rng, 4),
			    rng_below(&rng, 2) == 0);
		else
			witness_write(witness, t, rng_next(&rng),
			    random_length(&rng));
	}
}

/* Lets it work for some operations and a random while, and ends it. */
static void
kill_worker(pid_t pid, struct rng *rng)
{
	uint64_t enough = witness->begun + 1 + rng_below(rng, 20);
	struct timespec moment = { .tv_nsec = 10000 };
	int status;

	for (int i = 0; witness->begun < enough; i++) {
		if (waitpid(pid, &status, WNOHANG) != 0 || i > 100000)
			tap_bail("the writer has ended or hangs");
		(void)nanosleep(&moment, NULL); /* waits for the count */
	}
	/* Not a wait: where it strikes is to be left to chance. */
	moment.tv_nsec = rng_below(rng, 500000);
	(void)nanosleep(&moment, NULL);
	(void)kill(pid, SIGKILL); /* a child of ours that is not reaped */
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
		tap_bail("the writer was not killed");
}

static bool
round_of(struct rng *rng)
{
	static struct model left;
	struct rng its = { .state = rng_next(rng) };
	struct tape *t;
	bool ok;
	pid_t pid;

	(void)fflush(stdout); /* not twice */
	pid = fork();
	if (pid < 0)
		tap_bail("fork: %s", strerror(errno));
	if (pid == 0)
		work(its);
	kill_worker(pid, rng);
	struck += witness_flight(witness) != NOTHING;
	if (is_walked ? !witness_agrees(witness, image, &left)
		      : !witness_agrees_read(witness, spec, &left))
		return false;
	t = load_tape(spec);
	ok = holds_model(t, &left);
	tape_free(t);
	witness_found(witness, &left);
	return ok;
}

static void
test_format(const char *dir, const char *name, uint32_t most, struct rng *rng)
{
	unsigned n = 0;

	longest = most;
	spec = spec_in(dir, name);
	image = path_in(dir, name);
	(void)unlink(path_in(dir, "kill.pmt")); /* the one before */
	memset(witness, 0, sizeof(*witness));
	struck = 0;
	is_walked = strstr(name, ".pmt") == NULL;
	while (n < kills && round_of(rng))
		n++;
	tap_is_int(kills, n,
	    "%s: the image is whole after each of so many kills", name);
	tap_ok(struck > 0,
	    "%s: %" PRIu64 " of them had struck in the midst of writing", name,
	    struck);
}

int
main(void)
{
	const char *dir = make_scratch();
	struct rng rng = rng_seeded();

	if (getenv("PMT_RUNS") != NULL)
		kills = (unsigned)atoi(getenv("PMT_RUNS"));
	witness = witness_new();
	test_format(dir, "kill.pmt", RECORD_MAX, &rng);
	test_format(dir, "kill.pmt,compress=zstd", RECORD_MAX, &rng);
	test_format(dir, "kill.tap", RECORD_MAX, &rng);
	test_format(dir, "kill.e11", RECORD_MAX, &rng);
	test_format(dir, "kill.tpc", 65534, &rng);
	remove_scratch(dir);
	return tap_done();
}
