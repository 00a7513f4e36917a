/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that writes a tape dies before every call to the system that it
 * makes, one after the other, and in the midst of every write at each page
 * boundary: there, and nowhere else, the kernel looks for a kill while it
 * copies.  What it leaves is held to what file-kill-t.c holds it to.  So it is
 * with every format that is one file of framed records.
 */
#include <sys/wait.h>

#include "deadly.h"
#include "witness.h"

static struct witness *witness;
static const char *spec, *image;
static void (*work)(struct tape *t);

/* Lengths that bring each kind of record to each kind of place in a page. */
static void
work_simh(struct tape *t)
{
	witness_write(witness, t, 1, 4078);  /* ends at 4086 */
	witness_marks(witness, t, 1, false); /* ends at 4090 */
	witness_marks(witness, t, 1, true);  /* ends at 4094 */
	witness_write(witness, t, 2, 9001);  /* header across two pages */
	witness_write(witness, t, 3, 1);
	witness_locate(witness, t, 1);
	witness_write(witness, t, 4, 20000);
	witness_write(witness, t, 5, 4538); /* ends at 28640 */
	witness_write(witness, t, 6, 16);
	witness_write(witness, t, 7, 2);     /* ends at 28674 */
	witness_write(witness, t, 8, 4084);  /* ends at 32766 */
	witness_write(witness, t, 9, 65534); /* torn, it looks like a gap */
	witness_marks(witness, t, 3, true);
	witness_locate(witness, t, 3);
	witness_erase(witness, t);
	witness_locate(witness, t, 0);
	witness_marks(witness, t, 1, false);
	witness_write(witness, t, 10, 4082);  /* ends at 4094 */
	witness_write(witness, t, 11, 65535); /* torn, like end of medium */
	witness_locate(witness, t, 0);
	witness_write(witness, t, 12, 4086); /* ends at 4094 */
	witness_marks(witness, t, 2, true);  /* the first across two pages */
}

/* A header at each of the three places over a page, with telling lengths. */
static void
work_e11(struct tape *t)
{
	static const uint32_t lengths[] = {
		254,   /* torn after a byte, it looks like a gap */
		511,   /* ... like end of medium */
		256,   /* ... and all ones above zeros */
		65534, /* torn after two bytes, it looks like a gap */
		65536, /* ... and all ones above zeros */
		131071,
		9001,
		1,
	};

	for (uint32_t end = 4093; end <= 4095; end++) {
		witness_locate(witness, t, 0);
		witness_write(witness, t, end, end - 8);
		for (uint32_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]);
		     i++) {
			witness_locate(witness, t, 1);
			witness_write(witness, t, i, lengths[i]);
		}
		witness_write(witness, t, 20, 5000);
		witness_locate(witness, t, 1);
		witness_marks(witness, t, 2,
		    end == 4094); /* the first across */
		witness_write(witness, t, 21, 3);
	}
	witness_locate(witness, t, 2);
	witness_erase(witness, t);
	witness_write(witness, t, 22, 5);
}

/* Offsets are even, and a length has two bytes: it is never across pages. */
static void
work_tpc(struct tape *t)
{
	witness_write(witness, t, 1, 4092); /* ends at 4094 */
	witness_write(witness, t, 2, 9001); /* length ends the page */
	witness_marks(witness, t, 1, false);
	witness_write(witness, t, 3, 1);
	witness_locate(witness, t, 1);
	witness_marks(witness, t, 2, true); /* one on each side */
	witness_write(witness, t, 4, 65534);
	witness_write(witness, t, 5, 65533);
	witness_write(witness, t, 6, 2);
	witness_locate(witness, t, 3);
	witness_erase(witness, t);
	for (uint32_t i = 0; i < 8; i++)
		witness_write(witness, t, 10 + i, 8191 + i);
	witness_locate(witness, t, 0);
	witness_marks(witness, t, 1, false);
	witness_write(witness, t, 20, 20000);
}

/* False when the work came to its end. */
static bool
die_at(unsigned nth, bool *ret_ok)
{
	static struct model left;
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
		t = load_tape(spec);
		work(t);
		tape_free(t);
		_exit(1);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) > 1)
		tap_bail("the writer has failed");
	*ret_ok = witness_agrees(witness, image, &left);
	t = load_tape(spec);
	*ret_ok = holds_model(t, &left) && *ret_ok;
	tape_free(t);
	if (!*ret_ok)
		tap_diag("dead at point %u", nth);
	return WEXITSTATUS(status) == 0;
}

/* Until the work comes to its end with nobody dead. */
static void
test_format(const char *dir, const char *name, void (*its_work)(struct tape *))
{
	unsigned nth = 0;
	bool ok = true, more = true;

	spec = spec_in(dir, name);
	image = path_in(dir, name);
	work = its_work;
	while (ok && more)
		more = die_at(++nth, &ok);
	tap_ok(ok, "%s: the image is whole wherever the writer dies", name);
	tap_ok(nth > 80, "%s: ... in %u places", name, nth - 1);
}

int
main(void)
{
	const char *dir = make_scratch();

	witness = witness_new();
	test_format(dir, "crash.tap", work_simh);
	test_format(dir, "crash.e11", work_e11);
	test_format(dir, "crash.tpc", work_tpc);
	remove_scratch(dir);
	return tap_done();
}
