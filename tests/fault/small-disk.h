/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk of DISK bytes with one file on it, played below a host file. */
#ifndef PMT_TESTS_SMALL_DISK_H
#define PMT_TESTS_SMALL_DISK_H

#include <errno.h>

#include "hostfile.h"

#define DISK ((uint64_t)20 << 20) /* bytes */

static bool can_fallocate;
static uint64_t disk;	   /* bytes that are free for anybody */
static uint64_t allocated; /* bytes of the file that have blocks */
static int full_errno;

static inline int
no_space(void)
{
	errno = full_errno;
	return -1;
}

/* Takes blocks up to ${end}, or as many as there are. */
static inline bool
allocate(uint64_t end)
{
	uint64_t more = end > allocated ? end - allocated : 0;
	uint64_t got = more < disk ? more : disk;

	disk -= got;
	allocated += got;
	return got == more;
}

static inline ssize_t
small_pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	struct iovec some[4];
	uint64_t left = 0;

	for (int i = 0; i < n; i++)
		left += iov[i].iov_len;
	if (!allocate((uint64_t)at + left)) {
		if (allocated <= (uint64_t)at)
			return no_space();
		left = allocated - (uint64_t)at;
	}
	for (int i = 0; i < n; i++) {
		some[i] = iov[i];
		if (some[i].iov_len > left)
			some[i].iov_len = left;
		left -= some[i].iov_len;
	}
	return hostfile_system.pwritev(fd, some, n, at);
}

static inline int
small_ftruncate(int fd, off_t size)
{
	if ((uint64_t)size < allocated) {
		disk += allocated - (uint64_t)size;
		allocated = (uint64_t)size;
	}
	return hostfile_system.ftruncate(fd, size);
}

static inline int
small_fallocate(int fd, int how, off_t at, off_t len)
{
	(void)fd; /* the disk is played */
	(void)how;
	if (!can_fallocate) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return allocate((uint64_t)(at + len)) ? 0 : no_space();
}

static inline int
small_fstatfs(int fd, struct statfs *fs)
{
	int r = hostfile_system.fstatfs(fd, fs);

	fs->f_frsize = 1;
	fs->f_bavail = disk;
	return r;
}

static inline int
small_syncfs(int fd)
{
	(void)fd; /* the count is right at all times */
	return 0;
}

static inline void
play_disk(bool fallocates, int err)
{
	static struct hostfile_calls small;

	small = hostfile_system;
	small.pwritev = small_pwritev;
	small.ftruncate = small_ftruncate;
	small.fallocate = small_fallocate;
	small.fstatfs = small_fstatfs;
	small.syncfs = small_syncfs;
	can_fallocate = fallocates;
	full_errno = err;
	disk = DISK;
	allocated = 0;
	hostfile_set_calls(&small);
}

#endif
