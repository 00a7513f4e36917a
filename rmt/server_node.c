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
may_be_tape(const char *path, struct stat *ret_st)
{
	struct statfs fs;

	if (lstat(path, ret_st) < 0)
		return false;
	if (S_ISREG(ret_st->st_mode))
		return statfs(path, &fs) == 0 && fs.f_type == FUSE_SUPER_MAGIC;
	if (!S_ISCHR(ret_st->st_mode))
		return false;
	return major(ret_st->st_rdev) == SCSI_TAPE_MAJOR ||
	    is_of_cuse(ret_st->st_rdev);
}

/* Whether what was opened is what was looked at, and answers as a tape does. */
static bool
is_tape(int fd, const struct stat *looked_at)
{
	struct stat st;
	struct mtget status;

	return fstat(fd, &st) == 0 && st.st_dev == looked_at->st_dev &&
	    st.st_ino == looked_at->st_ino &&
	    st.st_rdev == looked_at->st_rdev &&
	    ioctl(fd, MTIOCGET, &status) == 0;
}

static int
fail(char why[RMT_WHY_MAX], int r, const char *text)
{
	(void)snprintf(why, RMT_WHY_MAX, "%s", text); /* cut is fine */
	return r;
}

int
rmt_server_open_node(const struct rmt_grant *grant, int flags,
    struct rmt_device **ret_device, char why[RMT_WHY_MAX])
{
	struct node_device *d;
	struct stat st;
	int fd;

	if (grant->read_only && (flags & O_ACCMODE) != O_RDONLY)
		return fail(why, -EACCES, "granted to be read");
	if (!may_be_tape(grant->text, &st))
		return fail(why, -EACCES, "not a tape node");
	do
		fd = open(grant->text,
		    (flags & (O_ACCMODE | O_NONBLOCK)) | O_CLOEXEC | O_NOCTTY |
			O_NOFOLLOW);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return -errno;
	d = malloc(sizeof(*d));
	if (d == NULL || !is_tape(fd, &st)) {
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
