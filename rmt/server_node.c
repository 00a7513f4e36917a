/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tape node as a device of the server: system calls, one a request.  Owns
 * what a tape node is: nothing else may be opened, for even to open a device
 * may do something to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>
#include <linux/major.h>
#include <linux/mtio.h>

#include "server_device.h"
#include "table.h"

struct node_device {
	struct rmt_device base;
	int fd;
	bool read_only;
	const char *why; /* "": the errno says all */
};

static struct node_device *
device_of(struct rmt_device *d)
{
	return (struct node_device *)d;
}

static ssize_t
node_read(struct rmt_device *base, void *buf, size_t size)
{
	struct node_device *d = device_of(base);
	ssize_t n;

	do
		n = read(d->fd, buf, size);
	while (n < 0 && errno == EINTR);
	d->why = "";
	return n < 0 ? -errno : n;
}

static ssize_t
node_write(struct rmt_device *base, const void *buf, size_t len)
{
	struct node_device *d = device_of(base);
	ssize_t n;

	do
		n = write(d->fd, buf, len);
	while (n < 0 && errno == EINTR);
	d->why = "";
	return n < 0 ? -errno : n;
}

bool
rmt_server_op_only_moves(int mt_op)
{
	switch (mt_op) {
	case MTFSF:
	case MTBSF:
	case MTFSR:
	case MTBSR:
	case MTFSFM:
	case MTBSFM:
	case MTREW:
	case MTOFFL:
	case MTUNLOAD:
	case MTLOAD:
	case MTNOP:
	case MTRETEN:
	case MTEOM:
	case MTSEEK:
	case MTSETBLK:
		return true;
	default:
		return false;
	}
}

static int
node_op(struct rmt_device *base, int mt_op, int count)
{
	struct node_device *d = device_of(base);
	struct mtop op = { .mt_op = (short)mt_op, .mt_count = count };

	d->why = "";
	if (mt_op < 0 || mt_op > SHRT_MAX)
		return -EINVAL;
	if (d->read_only && !rmt_server_op_only_moves(mt_op)) {
		d->why = "granted to be read";
		return -EACCES;
	}
	return ioctl(d->fd, MTIOCTOP, &op) < 0 ? -errno : 0;
}

static int
node_status(struct rmt_device *base, struct mtget *ret_status)
{
	struct node_device *d = device_of(base);

	d->why = "";
	return ioctl(d->fd, MTIOCGET, ret_status) < 0 ? -errno : 0;
}

/* st writes the filemark here, so the result is the last write's. */
static int
node_close(struct rmt_device *base)
{
	struct node_device *d = device_of(base);
	int r = close(d->fd) < 0 ? -errno : 0;

	free(d);
	return r;
}

static const char *
node_why(struct rmt_device *base)
{
	return device_of(base)->why;
}

static const struct rmt_device_ops node_ops = {
	.read = node_read,
	.write = node_write,
	.op = node_op,
	.status = node_status,
	.close = node_close,
	.why = node_why,
};

/* ---- What a tape node is ------------------------------------------------- */

/* Whether the character device belongs to CUSE, by sysfs. */
static bool
is_of_cuse(dev_t dev)
{
	char path[64], link[PATH_MAX];
	const char *name;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/subsystem",
	    major(dev), minor(dev));
	n = readlink(path, link, sizeof(link) - 1);
	if (n <= 0)
		return false;
	link[n] = '\0';
	name = strrchr(link, '/');
	return name != NULL && strcmp(name, "/cuse") == 0;
}

/*
 * Whether it may be opened to be asked further: st's, what CUSE makes, of which
 * ours are, or a file of a FUSE file system, as pmtd --fuse makes.
 */
static bool
may_be_tape(int place)
{
	struct statfs fs;
	struct stat st;

	if (fstat(place, &st) < 0)
		return false;
	if (S_ISREG(st.st_mode))
		return fstatfs(place, &fs) == 0 &&
		    fs.f_type == FUSE_SUPER_MAGIC;
	if (!S_ISCHR(st.st_mode))
		return false;
	return major(st.st_rdev) == SCSI_TAPE_MAJOR || is_of_cuse(st.st_rdev);
}

static bool
is_tape(int fd)
{
	struct mtget status;

	return ioctl(fd, MTIOCGET, &status) == 0;
}

static int
fail(char why[RMT_WHY_MAX], int r, const char *text)
{
	(void)snprintf(why, RMT_WHY_MAX, "%s", text); /* cut is fine */
	return r;
}

/* What a place of ours is called, for the kernel. */
static void
name_place(int place, char name[32])
{
	(void)snprintf(name, 32, "/proc/self/fd/%d", place);
}

/*
 * A hold on what has that path, without opening it.  What a link has led to, of
 * those that have come since the path was found to be without, is called
 * otherwise.
 */
static int
hold(const char *path)
{
	int place = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char name[32], real[PATH_MAX];
	ssize_t n;

	if (place < 0)
		return -errno;
	name_place(place, name);
	n = readlink(name, real, sizeof(real) - 1);
	if (n > 0 && (size_t)n == strlen(path) &&
	    memcmp(real, path, (size_t)n) == 0)
		return place;
	(void)close(place); /* nothing was written */
	return -EACCES;
}

/* Opens what is held, and nothing else. */
static int
open_held(int place, int flags)
{
	char name[32];
	int fd;

	name_place(place, name);
	do
		fd = open(name, flags | O_CLOEXEC | O_NOCTTY);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

int
rmt_server_open_node(const struct rmt_grant *grant, int flags,
    struct rmt_device **ret_device, char why[RMT_WHY_MAX])
{
	struct node_device *d;
	int place, fd;

	if (grant->read_only && (flags & O_ACCMODE) != O_RDONLY)
		return fail(why, -EACCES, "granted to be read");
	place = hold(grant->text);
	if (place >= 0 && may_be_tape(place))
		fd = open_held(place, flags & (O_ACCMODE | O_NONBLOCK));
	else
		fd = fail(why, -EACCES, "not a tape node");
	if (place >= 0)
		(void)close(place); /* nothing was written */
	if (fd < 0)
		return fd;
	d = malloc(sizeof(*d));
	if (d == NULL || !is_tape(fd)) {
		(void)close(fd); /* nothing was written */
		free(d);
		return d == NULL ? -ENOMEM
				 : fail(why, -EACCES, "not a tape node");
	}
	*d = (struct node_device){ .base = { .ops = &node_ops },
		.fd = fd,
		.read_only = grant->read_only,
		.why = "" };
	*ret_device = &d->base;
	return 0;
}
