/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls to the system of a process that dies: before the Nth call that changes
 * anything, or in the midst of a write at a page boundary; there, and nowhere
 * else, the kernel looks for a kill while it copies.
 */
#ifndef PMT_TESTS_DEADLY_H
#define PMT_TESTS_DEADLY_H

#include "hostfile.h"
#include "tapes.h"

#define PAGE 4096

static unsigned countdown;

static inline void
maybe_die(void)
{
	if (countdown != 0 && --countdown == 0)
		_exit(0);
}

/* Writes page by page, and may die before each. */
static inline ssize_t
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

static inline int
mortal_ftruncate(int fd, off_t size)
{
	maybe_die();
	return hostfile_system.ftruncate(fd, size);
}

static inline int
mortal_fallocate(int fd, int how, off_t at, off_t len)
{
	maybe_die();
	return hostfile_system.fallocate(fd, how, at, len);
}

static inline int
mortal_fdatasync(int fd)
{
	maybe_die();
	return hostfile_system.fdatasync(fd);
}

static inline int
mortal_open(const char *path, int flags, mode_t mode)
{
	if (flags & O_CREAT)
		maybe_die();
	return hostfile_system.open(path, flags, mode);
}

/*
 * From here on death comes at call ${nth}, with status 0; to make a file is
 * such a call if ${in_making}.
 */
static inline void
be_mortal(unsigned nth, bool in_making)
{
	static struct hostfile_calls calls;

	calls = hostfile_system;
	calls.pwritev = mortal_pwritev;
	calls.ftruncate = mortal_ftruncate;
	calls.fallocate = mortal_fallocate;
	calls.fdatasync = mortal_fdatasync;
	if (in_making)
		calls.open = mortal_open;
	hostfile_set_calls(&calls);
	countdown = nth;
}

#endif
