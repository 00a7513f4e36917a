/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Nth call to the system fails, for N = 1, 2, 3 ... until none does, while
 * an image of a format that is only read is loaded and read.  A fault shows as
 * a failure and never as the end of data; what is read is right; and after it
 * everything can be read as if nothing had been.
 */
#include "hostfile.h"
#include "import.h"

#define OBJECTS 6 /* in the case "plain" of every format */

enum fault {
	FAULT_EIO,
	FAULT_EINTR, /* only where it can be: reading */
	FAULT_SHORT, /* the same */
};

static const char *const fault_names[] = { "EIO", "EINTR", "a short read" };

static enum fault fault;
static unsigned countdown; /* calls until the fault; 0: it has been */

/* Whether this call is to fail. */
static bool
hit(void)
{
	return countdown > 0 && --countdown == 0;
}

static ssize_t
faulty_pread(int fd, void *to, size_t len, off_t at)
{
	if (!hit())
		return hostfile_system.pread(fd, to, len, at);
	if (fault == FAULT_SHORT)
		return hostfile_system.pread(fd, to, len > 1 ? len / 2 : 1, at);
	errno = fault == FAULT_EIO ? EIO : EINTR;
	return -1;
}

static bool
hit_eio(void)
{
	if (fault != FAULT_EIO || !hit())
		return false;
	errno = EIO;
	return true;
}

static int
faulty_open(const char *path, int flags, mode_t mode)
{
	return hit_eio() ? -1 : hostfile_system.open(path, flags, mode);
}

static int
faulty_lock(int fd, struct flock *lock)
{
	return hit_eio() ? -1 : hostfile_system.lock(fd, lock);
}

static int
faulty_fstat(int fd, struct stat *st)
{
	return hit_eio() ? -1 : hostfile_system.fstat(fd, st);
}

/* Reads from where the tape stands on: 0 at the end of data. */
static int
read_on(struct tape *t)
{
	/* As in the cases "plain": 80 bytes a, 81 bytes b, 3 bytes c. */
	static const char first[OBJECTS] = { 'a', 0, 'b', 'c', 0, 0 };
	uint8_t buf[256];
	enum tape_cond cond;
	size_t len;

	for (;;) {
		uint64_t at = t->pos.object;
		int r = tape_read(t, buf, sizeof(buf), &len, &cond);

		if (r < 0)
			return t->pos.object == at ? r : -ESPIPE;
		if (cond == TAPE_EOD)
			return at == OBJECTS ? 0 : -ENODATA;
		if (at >= OBJECTS || (cond == TAPE_FILEMARK) != (len == 0) ||
		    (len > 0 && (char)buf[len - 1] != first[at]))
			return -EILSEQ;
	}
}

/* Loads and reads with one fault; what it came to, and then without. */
static int
read_with_fault(const char *spec, int *ret_after)
{
	struct tape *t = open_tape(spec);
	int r = tape_load(t);

	if (r == 0)
		r = read_on(t);
	*ret_after = tape_load(t); /* from BOT on */
	if (*ret_after == 0)
		*ret_after = read_on(t);
	tape_free(t);
	return r;
}

static void
test_image_with(const char *spec, enum fault kind)
{
	unsigned n = 0, wrong = 0;
	bool fired;

	fault = kind;
	do {
		int after, r;

		countdown = ++n;
		r = read_with_fault(spec, &after);
		fired = countdown == 0;
		/* A fault may hit after the first time that all was read. */
		if ((r == 0 || (r == -EIO && kind == FAULT_EIO && fired)) &&
		    (after == 0 || (r == 0 && after == -EIO && fired)))
			continue;
		tap_diag("call %u: %d, then %d", n, r, after);
		wrong++;
	} while (fired && n < 10000);
	countdown = 0;
	tap_ok(n > 3, "%s: %s hits each of %u calls", spec, fault_names[kind],
	    n - 1);
	tap_is_int(0, wrong, "... and does what it should");
}

int
main(void)
{
	static const char *const specs[] = {
		"file:tests/data/ssc/plain/image.ssc,readonly=yes",
		"file:tests/data/mhvtl/v3-plain/image",
		"file:tests/data/mhvtl/v6-plain/image",
	};
	struct hostfile_calls calls = hostfile_system;

	calls.open = faulty_open;
	calls.lock = faulty_lock;
	calls.fstat = faulty_fstat;
	calls.pread = faulty_pread;
	hostfile_set_calls(&calls);
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++)
		for (int kind = FAULT_EIO; kind <= FAULT_SHORT; kind++)
			test_image_with(specs[i], (enum fault)kind);
	hostfile_set_calls(NULL);
	return tap_done();
}
