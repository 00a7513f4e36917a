/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The twin: a struct drive in this process over a tape in memory that has
 * scsi_debug's limits.  What the kernel does between a program and a driver is
 * done here as far as scripts can tell: open modes, vectors, calls that never
 * reach a tape.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "drive.h"
#include "ioctl.h"
#include "memtape.h"
#include "subject.h"
#include "tap.h"

#define NOBODY 65534

struct twin {
	struct subject base;
	struct drive *drive;
	struct tape *tape; /* in memory: the drive's, or the one behind it */
	bool like_scsi_debug;
	unsigned open; /* STEP_OPEN_* of the open */
};

static struct tape *(*wrap_tape)(struct tape *below);

void
twin_set_wrap(struct tape *(*wrap)(struct tape *below))
{
	wrap_tape = wrap;
}

static struct twin *
twin_of(struct subject *s)
{
	return (struct twin *)s;
}

struct drive *
twin_drive(struct subject *s)
{
	return twin_of(s)->drive;
}

struct tape *
twin_tape(struct subject *s)
{
	return twin_of(s)->tape;
}

static void
twin_renew(struct subject *s)
{
	struct memtape_config config = memtape_like_scsi_debug();
	struct twin *t = twin_of(s);

	if (!t->like_scsi_debug) {
		config.warns_once = false;
		config.keeps = SIZE_MAX;
	}
	drive_free(t->drive);
	t->tape = memtape_new(&config);
	if (t->tape == NULL)
		tap_bail("out of memory");
	t->drive = drive_new(wrap_tape == NULL ? t->tape : wrap_tape(t->tape));
	if (t->drive == NULL)
		tap_bail("out of memory");
}

static int
open_drive(struct twin *t, unsigned open, unsigned mode)
{
	static const int access[] = {
		[STEP_OPEN_R] = O_RDONLY,
		[STEP_OPEN_W] = O_WRONLY,
		[STEP_OPEN_R | STEP_OPEN_W] = O_RDWR,
	};
	int flags = access[open & (STEP_OPEN_R | STEP_OPEN_W)];

	if (open & STEP_OPEN_NONBLOCK)
		flags |= O_NONBLOCK;
	return drive_open(t->drive, flags, mode,
	    (open & STEP_OPEN_REWIND) != 0);
}

static int
twin_open(struct subject *s, unsigned open, unsigned mode)
{
	int r = open_drive(twin_of(s), open, mode);

	if (r == 0)
		twin_of(s)->open = open;
	return r;
}

static int
twin_second(struct subject *s, unsigned open, unsigned mode)
{
	int r = open_drive(twin_of(s), open, mode);

	return r < 0 ? r : drive_close(twin_of(s)->drive);
}

static int
twin_close(struct subject *s)
{
	return drive_close(twin_of(s)->drive);
}

/* The driver hears of the last close only. */
static int
twin_dup(struct subject *s)
{
	(void)s;
	return 0;
}

/* A vector of nothing never gets to the driver, unlike a count of 0. */
static bool
is_empty(const struct iovec *iov, int n)
{
	size_t bytes = 0;

	for (int i = 0; i < n; i++)
		bytes += iov[i].iov_len;
	return n > 1 && bytes == 0;
}

/* st has no vectors of its own: the kernel calls it for each piece. */
static ssize_t
twin_readv(struct subject *s, const struct iovec *iov, int n)
{
	struct drive *d = twin_of(s)->drive;
	ssize_t r, total = 0;

	if (!(twin_of(s)->open & STEP_OPEN_R))
		return -EBADF;
	if (is_empty(iov, n))
		return 0;
	for (int i = 0; i < n; i++) {
		r = drive_read(d, iov[i].iov_base, iov[i].iov_len, 0);
		if (r < 0)
			return total > 0 ? total : r;
		total += r;
		if ((size_t)r < iov[i].iov_len)
			break;
	}
	return total;
}

static ssize_t
twin_writev(struct subject *s, const struct iovec *iov, int n)
{
	struct drive *d = twin_of(s)->drive;
	ssize_t r, total = 0;

	if (!(twin_of(s)->open & STEP_OPEN_W))
		return -EBADF;
	if (is_empty(iov, n))
		return 0;
	for (int i = 0; i < n; i++) {
		r = drive_write(d, iov[i].iov_base, iov[i].iov_len);
		if (r < 0)
			return total > 0 ? total : r;
		total += r;
		if ((size_t)r < iov[i].iov_len)
			break;
	}
	return total;
}

static int
twin_ioctl(struct subject *s, uint32_t cmd, void *arg, bool user)
{
	struct ioctl_caller who = { .uid = user ? NOBODY : 0 };
	uint8_t out[IOCTL_MAX_ARG];
	size_t len = 0;
	int r;

	r = ioctl_call(twin_of(s)->drive, cmd, &who, arg, out, &len);
	if (r >= 0)
		memcpy(arg, out, len);
	return r;
}

static int
twin_call(struct subject *s, enum step_call call)
{
	static const int results[STEP_CALLS] = {
		[STEP_LSEEK] = 0,
		[STEP_PREAD] = -ESPIPE,
		[STEP_PWRITE] = -ESPIPE,
		[STEP_FSYNC] = -EINVAL,
		[STEP_TRUNCATE] = -EINVAL,
		[STEP_MMAP] = -ENODEV,
		[STEP_POLL] = POLLIN | POLLOUT,
	};

	if (call == STEP_MMAP && !(twin_of(s)->open & STEP_OPEN_R))
		return -EACCES;
	return results[call];
}

static void
twin_free(struct subject *s)
{
	drive_free(twin_of(s)->drive);
	free(s);
}

static const struct subject_ops twin_ops = {
	.renew = twin_renew,
	.open = twin_open,
	.second = twin_second,
	.close = twin_close,
	.dup = twin_dup,
	.readv = twin_readv,
	.writev = twin_writev,
	.ioctl = twin_ioctl,
	.call = twin_call,
	.free = twin_free,
};

struct subject *
twin_new(bool like_scsi_debug)
{
	struct twin *t = calloc(1, sizeof(*t));

	if (t == NULL)
		tap_bail("out of memory");
	t->base.ops = &twin_ops;
	t->like_scsi_debug = like_scsi_debug;
	return &t->base;
}
