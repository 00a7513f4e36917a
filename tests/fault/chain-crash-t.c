/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * As file-crash-t.c, for AWS, HET and FAKETAPE: a process that writes a tape
 * dies before every call to the system, and in the midst of every write at each
 * page boundary.  What it leaves is a tape that ends cleanly, with all that was
 * acknowledged and at most what was under way; and that can be written on.
 */
#include <sys/wait.h>

#include "../contract/listing.h"
#include "deadly.h"
#include "witness.h"

static const struct subject {
	const char *name; /* of the image, and options */
	uint32_t header;  /* bytes of the longest header */
	unsigned least;	  /* places to die in */
} subjects[] = {
	{ "crash.aws", 6, 100 },
	{ "crash.het,compress=no", 6, 100 },
	{ "crash.het", 6, 60 },
	{ "crash.fkt", 12, 150 },
};

static struct witness *witness;
static const char *spec;

/* A record such that the next header has ${k} bytes in the first page. */
static void
write_up_to(struct tape *t, uint32_t tag, uint32_t header, uint32_t k)
{
	struct tape_info info;

	tape_describe(t, &info);
	witness_write(witness, t, tag,
	    2 * PAGE - (uint32_t)((info.used + header + k) % PAGE));
}

static void
work(const struct subject *s)
{
	struct tape *t = load_tape(spec);

	for (uint32_t k = 1; k < s->header; k++) {
		write_up_to(t, k, s->header, k);
		witness_write(witness, t, 100 + k, 1 + k % 3 * 300);
		write_up_to(t, k, s->header, k);
		witness_marks(witness, t, 1, true);
		write_up_to(t, k, s->header, k);
		if (k % 2 == 0)
			witness_marks(witness, t, 1, false);
		witness_write(witness, t, 200 + k, 65535);
		witness_marks(witness, t, 2, true);
		if (k % 3 == 0)
			witness_locate(witness, t, k);
		if (k % 5 == 0)
			witness_erase(witness, t);
	}
	witness_locate(witness, t, 0);
	witness_marks(witness, t, 1, false);
	tape_free(t);
}

/* Whether the tape holds what it must, as far as its length tells which. */
static bool
is_fine(struct tape *t)
{
	static struct model left;
	const struct model *acked = witness_acked(witness);
	enum tape_cond cond;
	uint64_t done, n;

	if (tape_space(t, TAPE_TO_EOD, 0, &done, &cond) < 0) {
		tap_diag("%s", tape_why(t));
		return false;
	}
	n = t->pos.object;
	left = *acked;
	if (n != acked->n) {
		if (witness_flight(witness) == NOTHING || n < acked->at ||
		    n - acked->at > witness_most(witness)) {
			tap_diag("%" PRIu64 " objects", n);
			return false;
		}
		witness_outcome(witness, n - acked->at, &left);
	}
	/* The same number, but what is under way may be what is there. */
	if (holds_model(t, &left))
		return true;
	witness_outcome(witness, n - acked->at, &left);
	return n >= acked->at && holds_model(t, &left);
}

/* Whether it goes on where it ended. */
static bool
goes_on(struct tape *t)
{
	enum tape_cond cond;
	uint64_t done, n = t->pos.object;
	uint8_t seen[8];
	size_t len;

	put_record(t, "new", 3);
	put_mark(t);
	(void)tape_unload(t); /* what is read shows it */
	if (tape_load(t) < 0)
		return false;
	(void)tape_space(t, TAPE_TO_EOD, 0, &done, &cond); /* as above */
	if (t->pos.object != n + 2 ||
	    tape_space(t, TAPE_RECORDS, -2, &done, &cond) < 0 ||
	    tape_space(t, TAPE_RECORDS, -1, &done, &cond) < 0 ||
	    tape_read(t, seen, sizeof(seen), &len, &cond) < 0)
		return false;
	return len == 3 && memcmp(seen, "new", 3) == 0;
}

/* False when the work came to its end. */
static bool
die_at(const struct subject *s, const char *image, unsigned nth, bool *ret_ok)
{
	struct tape *t;
	int status;
	pid_t pid;

	(void)unlink(image); /* there is none at first */
	memset(witness, 0, sizeof(*witness));
	(void)fflush(stdout); /* not twice */
	pid = fork();
	if (pid < 0)
		tap_bail("fork: %s", strerror(errno));
	if (pid == 0) {
		be_mortal(nth, false);
		work(s);
		_exit(1);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) > 1)
		tap_bail("the writer has failed");
	t = load_tape(spec);
	*ret_ok = is_fine(t) && goes_on(t);
	tape_free(t);
	if (!*ret_ok)
		tap_diag("dead at point %u", nth);
	return WEXITSTATUS(status) == 0;
}

int
main(void)
{
	const char *dir = make_scratch();

	witness = witness_new();
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		const struct subject *s = &subjects[i];
		bool ok = true, more = true;
		unsigned nth = 0;
		char image[512];

		spec = spec_in(dir, s->name);
		(void)snprintf(image, sizeof(image), "%s",
		    path_in(dir, s->name));
		image[strcspn(image, ",")] = '\0';
		while (ok && more)
			more = die_at(s, image, ++nth, &ok);
		tap_ok(ok, "%s: the tape is whole wherever the writer dies",
		    s->name);
		tap_ok(nth > s->least, "%s: ... in %u places", s->name,
		    nth - 1);
	}
	remove_scratch(dir);
	return tap_done();
}
