/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A writer that dies before every call to the system that it makes, one after
 * the other, and in the midst of every write at each page boundary: there, and
 * nowhere else, the kernel looks for a kill while it copies.  What it leaves is
 * a tape that can be loaded, that has all that was acknowledged and at most
 * what was under way, and that can be written on.
 */
#ifndef PMT_TESTS_MORTAL_H
#define PMT_TESTS_MORTAL_H

#include <sys/wait.h>

#include "../contract/listing.h"
#include "deadly.h"
#include "witness.h"

struct mortal {
	const char *spec;  /* of the tape */
	const char *image; /* what is to be removed before each run */
	void (*work)(struct tape *t);
	/* The bytes of a record, as fill_record(). */
	void (*fill)(uint8_t *buf, size_t len, uint32_t tag);
	/* What can be written after the end, whatever is there. */
	void (*go_on)(struct tape *t);
};

static struct witness *witness;
static const struct mortal *mortal;

static inline void
put(struct tape *t, uint32_t tag, uint32_t len)
{
	static uint8_t buf[RECORD_MAX];
	enum tape_cond cond;

	mortal->fill(buf, len, tag);
	witness->record = (struct thing){ .tag = tag, .len = len };
	witness_begin(witness, A_RECORD);
	witness_end(witness, tape_write(t, buf, len, &cond), t);
}

static inline void
put_marks(struct tape *t, uint32_t count)
{
	witness_marks(witness, t, count, true);
}

static inline void
go_to(struct tape *t, uint64_t object)
{
	witness_locate(witness, t, object);
}

/* Reads what there is; false if it is not what the model has. */
static inline bool
is_model(struct tape *t, const struct model *m)
{
	static uint8_t seen[RECORD_MAX], expected[RECORD_MAX];
	enum tape_cond cond = TAPE_NONE;
	size_t len;
	int r = tape_rewind(t);

	for (uint64_t i = 0; r == 0 && i < m->n; i++) {
		const struct thing *thing = &m->things[i];

		r = tape_read(t, seen, sizeof(seen), &len, &cond);
		if (r < 0 || len != thing->len ||
		    cond != (thing->len == 0 ? TAPE_FILEMARK : TAPE_NONE))
			return false;
		mortal->fill(expected, len, thing->tag);
		if (memcmp(seen, expected, len) != 0)
			return false;
	}
	r = tape_read(t, seen, sizeof(seen), &len, &cond);
	return r == 0 && cond == TAPE_EOD;
}

/* What was acknowledged, or that and some of what was under way. */
static inline bool
is_left_by_death(struct tape *t)
{
	static struct model m;
	const struct model *acked = witness_acked(witness);

	if (is_model(t, acked))
		return true;
	if (witness_flight(witness) == NOTHING)
		return false;
	for (uint64_t n = 0; n <= witness_most(witness); n++) {
		witness_outcome(witness, n, &m);
		if (is_model(t, &m))
			return true;
	}
	/* In the midst of cutting: less and less of what was there. */
	for (m = *acked; m.n > acked->at; m.n--)
		if (is_model(t, &m))
			return true;
	return false;
}

/* It can be written on, and then holds what it held and more. */
static inline bool
goes_on(struct tape *t)
{
	enum tape_cond cond;
	uint64_t done, before, after;
	bool ok;

	ok = tape_space(t, TAPE_TO_EOD, 0, &done, &cond) == 0;
	before = t->pos.object;
	mortal->go_on(t);
	after = t->pos.object;
	ok = ok && after > before && tape_unload(t) == 0 && tape_load(t) == 0 &&
	    tape_space(t, TAPE_TO_EOD, 0, &done, &cond) == 0;
	return ok && t->pos.object == after;
}

static inline void
run_mortal(unsigned nth)
{
	struct tape *t;

	be_mortal(nth, true);
	t = load_tape(mortal->spec);
	mortal->work(t);
	tape_free(t);
	_exit(1);
}

/* False when the work came to its end. */
static inline bool
die_at(unsigned nth, bool *ret_ok)
{
	char command[600];
	struct tape *t;
	int status;
	pid_t pid;

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", mortal->image);
	if (system(command) != 0)
		tap_bail("%s: can't be removed", mortal->image);
	memset(witness, 0, sizeof(*witness));
	(void)fflush(stdout); /* not twice */
	pid = fork();
	if (pid < 0)
		tap_bail("fork: %s", strerror(errno));
	if (pid == 0)
		run_mortal(nth);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) > 1)
		tap_bail("the writer has failed");
	t = load_tape(mortal->spec);
	*ret_ok = is_left_by_death(t);
	if (!*ret_ok)
		tap_diag("dead at point %u, operation %" PRIu64 ": %s", nth,
		    witness->begun, tape_why(t));
	if (*ret_ok && !goes_on(t)) {
		*ret_ok = false;
		tap_diag("dead at point %u: can't go on: %s", nth, tape_why(t));
	}
	tape_free(t);
	return WEXITSTATUS(status) == 0;
}

/* There must be at least so many places to die in. */
static inline void
die_everywhere(const struct mortal *subject, unsigned least)
{
	unsigned nth = 0;
	bool ok = true, more = true;

	witness = witness_new();
	mortal = subject;
	while (ok && more)
		more = die_at(++nth, &ok);
	tap_ok(ok, "the tape is whole wherever the writer dies");
	tap_ok(nth > least, "... in %u places", nth - 1);
}

#endif
