/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that writes on a mirror of two images, of which one is slow, is
 * killed at moments that nobody chose.  Afterwards each image has a beginning
 * of what was written, and nothing else; what was acknowledged is on both with
 * ack=lockstep, and on one with ack=ring; what was synced is on both.
 *
 * PMT_RUNS is the number of kills.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tapes.h"

#define KILLS 60
#define FILE_OBJECTS 23 /* records and a filemark */
#define LONGEST 3000	/* bytes */
#define LATEST 4000	/* microseconds till the kill */

struct witness {
	_Atomic uint64_t acked, synced; /* objects */
};

static struct witness *witness;
static const char *scratch;
static uint8_t buf[LONGEST];

/* Object ${k} of every tape; a filemark has no length. */
static uint32_t
length_of(uint64_t k)
{
	return k % FILE_OBJECTS == FILE_OBJECTS - 1
	    ? 0
	    : 1 + (uint32_t)(k * 211 % LONGEST);
}

/* Writes until it is killed. */
static void
work(const char *spec)
{
	struct tape *t;
	enum tape_cond cond;
	uint32_t done;

	/* Should the test end early, this ends as well. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	t = load_tape(spec);
	for (uint64_t k = 0;; k++) {
		uint32_t len = length_of(k);

		fill_record(buf, len, (uint32_t)k + 1);
		if ((len > 0 ? tape_write(t, buf, len, &cond)
			     : tape_write_filemarks(t, 1, false, &done,
				   &cond)) < 0)
			tap_bail("object %" PRIu64 ": %s", k, tape_why(t));
		witness->acked = k + 1;
		if (len == 0)
			witness->synced = k + 1;
	}
}

/* How many objects an image has; ${ret_clean}: they are what was written. */
static uint64_t
count(const char *name, bool *ret_clean)
{
	char options[100];
	enum tape_cond cond;
	struct tape *t;
	uint64_t k = 0;
	size_t len;
	int r;

	(void)snprintf(options, sizeof(options), "%s,readonly=yes", name);
	t = load_tape(spec_in(scratch, options));
	*ret_clean = true;
	for (;;) {
		r = tape_read(t, buf, sizeof(buf), &len, &cond);
		if (r < 0 || cond == TAPE_EOD)
			break;
		*ret_clean = *ret_clean && len == length_of(k) &&
		    (len == 0 || is_record_of(buf, len, (uint32_t)k + 1));
		k++;
	}
	*ret_clean = *ret_clean && r == 0;
	tape_free(t);
	return k;
}

/* The spec of a run: one leg is slow, or none. */
static void
make_spec(char *text, size_t room, struct rng *rng, bool ring)
{
	static const char *const slow[][2] = { { "# no", "# no" },
		{ "write 1+ stall=0.0003", "# no" },
		{ "# no", "write 1+ stall=0.0003" } };
	uint32_t which = rng_below(rng, 3);

	(void)snprintf(text, room,
	    "mirror:{fault:{file:%s/a.pmt},do=%s,fault:{file:%s/"
	    "b.pmt},do=%s}%s",
	    scratch, slow[which][0], scratch, slow[which][1],
	    ring ? ",ack=ring,ring=128K" : "");
}

struct sums {
	unsigned clean, synced, on_one, on_both, apart;
};

static void
kill_once(struct rng *rng, bool ring, struct sums *sums)
{
	struct timespec t = { .tv_nsec = rng_below(rng, LATEST) * 1000 };
	char spec[700];
	bool clean_a, clean_b;
	uint64_t a, b;
	pid_t child;

	make_spec(spec, sizeof(spec), rng, ring);
	(void)unlink(path_in(scratch, "a.pmt")); /* there may be none */
	(void)unlink(path_in(scratch, "b.pmt"));
	witness->acked = witness->synced = 0;
	(void)fflush(stdout);
	child = fork();
	if (child == 0)
		work(spec);
	for (int ms = 0; ms < 20000 && witness->acked == 0; ms++)
		(void)usleep(1000); /* that wait has a bound */
	(void)nanosleep(&t, NULL);  /* nobody chose it */
	(void)kill(child, SIGKILL); /* it is ours, and not reaped */
	(void)waitpid(child, NULL, 0);
	a = count("a.pmt", &clean_a);
	b = count("b.pmt", &clean_b);
	sums->clean += clean_a && clean_b && a <= witness->acked + 1 &&
	    b <= witness->acked + 1;
	sums->synced += a >= witness->synced && b >= witness->synced;
	sums->on_one += a >= witness->acked || b >= witness->acked;
	sums->on_both += a >= witness->acked && b >= witness->acked;
	sums->apart += a > b + 1 || b > a + 1;
}

static void
test_kills(unsigned kills, struct rng *rng, bool ring)
{
	const char *ack = ring ? "ring" : "lockstep";
	struct sums sums = { 0 };

	for (unsigned i = 0; i < kills; i++)
		kill_once(rng, ring, &sums);
	tap_is_int(kills, sums.clean,
	    "%s: each image has a beginning of it, and nothing else", ack);
	tap_is_int(kills, sums.synced, "%s: what was synced is on both", ack);
	tap_is_int(kills, sums.on_one, "%s: what was acknowledged is on one",
	    ack);
	if (!ring) {
		tap_is_int(kills, sums.on_both, "%s: ... and on the other",
		    ack);
		tap_is_int(0, sums.apart,
		    "%s: they are an object apart at most", ack);
		return;
	}
	tap_ok(sums.apart > 0,
	    "%s: the other one was behind by more than an object %u times of "
	    "%u",
	    ack, sums.apart, kills);
}

int
main(void)
{
	const char *runs = getenv("PMT_RUNS");
	unsigned kills = runs == NULL ? KILLS : (unsigned)atoi(runs);
	struct rng rng = rng_seeded();

	witness = mmap(NULL, sizeof(*witness), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (witness == MAP_FAILED)
		tap_bail("mmap: %s", strerror(errno));
	scratch = make_scratch();
	test_kills(kills, &rng, false);
	test_kills(kills, &rng, true);
	remove_scratch(scratch);
	return tap_done();
}
