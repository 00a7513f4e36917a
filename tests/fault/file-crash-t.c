/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that writes a tape dies before every call to the system that it
 * makes, one after the other, and in the midst of every write at each page
 * boundary: there, and nowhere else, the kernel looks for a kill while it
 * copies.  What it leaves is held to what file-kill-t.c holds it to.
 */
#include <sys/wait.h>

#include "hostfile.h"
#include "witness.h"

#define PAGE 4096

static struct witness *witness;
static const char *spec, *image;
static unsigned countdown;

static void
maybe_die(void)
{
	if (--countdown == 0)
		_exit(0);
}

/* Writes page by page, and may die before each. */
static ssize_t
mortal_pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	ssize_t whole = 0;

	for (int i = 0; i < n; i++) {
		const uint8_t *bytes = iov[i].iov_base;
		size_t left = iov[i].iov_len;

		while (left > 0) {
			size_t some = PAGE - (size_t)at % PAGE;

			if (some == PAGE || whole == 0)
				maybe_die();
			if (some > left)
				some = left;
			if (pwrite(fd, bytes, some, at) != (ssize_t)some)
				_exit(2);
			bytes += some;
			left -= some;
			at += (off_t)some;
			whole += (ssize_t)some;
		}
	}
	return whole;
}

static int
mortal_ftruncate(int fd, off_t size)
{
	maybe_die();
	return hostfile_system.ftruncate(fd, size);
}

static int
mortal_fallocate(int fd, int how, off_t at, off_t len)
{
	maybe_die();
	return hostfile_system.fallocate(fd, how, at, len);
}

static int
mortal_fdatasync(int fd)
{
	maybe_die();
	return hostfile_system.fdatasync(fd);
}

/* Lengths that bring each kind of record to each kind of place in a page. */
static void
work(void)
{
	struct tape *t = load_tape(spec);

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
	tape_free(t);
}

/* False when the work came to its end. */
static bool
die_at(unsigned nth, bool *ret_ok)
{
	static struct model left;
	struct hostfile_calls mortal = hostfile_system;
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
		mortal.pwritev = mortal_pwritev;
		mortal.ftruncate = mortal_ftruncate;
		mortal.fallocate = mortal_fallocate;
		mortal.fdatasync = mortal_fdatasync;
		hostfile_set_calls(&mortal);
		countdown = nth;
		work();
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

int
main(void)
{
	const char *dir = make_scratch();
	unsigned nth = 0;
	bool ok = true, more = true;

	witness = witness_new();
	spec = spec_in(dir, "crash.tap");
	image = path_in(dir, "crash.tap");
	while (ok && more)
		more = die_at(++nth, &ok);
	tap_ok(ok, "the image is whole wherever the writer dies");
	tap_ok(nth > 80, "... in %u places", nth - 1);
	remove_scratch(dir);
	return tap_done();
}
