/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A subject that is a node of the kernel: the real st, or ours over CUSE.
 * Sibling nodes (rewinding, other modes) are found by st's names: /dev/nst0l
 * is mode 1 of /dev/nst0, and /dev/st0l the same one rewinding.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "subject.h"
#include "tap.h"

#define NOBODY 65534
#define ST_DRIVER "/sys/bus/scsi/drivers/st/"

struct node {
	struct subject base;
	char dir[64];	  /* "/dev/" */
	char name[64];	  /* "nst0" */
	char address[64]; /* "0:0:0:0", or "" if it is not st's */
	int fd;
	bool stale; /* st has to be loaded anew, too */
};

static struct node *
node_of(struct subject *s)
{
	return (struct node *)s;
}

static int
result(long r)
{
	return r < 0 ? -errno : (int)r;
}

static void
write_sysfs(const char *name, const char *text)
{
	char path[PATH_MAX];
	int fd;

	(void)snprintf(path, sizeof(path), ST_DRIVER "%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		tap_bail("%s: %s", path, strerror(errno));
	(void)close(fd); /* the write has had its effect */
}

/*
 * Binding the driver anew makes its modes and options as new, but for one thing
 * that it keeps for all drives: whether any mode was ever defined.
 */
static void
node_renew(struct subject *s)
{
	struct node *n = node_of(s);

	if (n->address[0] == '\0')
		return;
	if (n->stale) {
		n->stale = false;
		if (system("modprobe -r st && modprobe st") != 0)
			tap_bail("can't load st anew");
	}
	write_sysfs("unbind", n->address);
	write_sysfs("bind", n->address);
}

static int
open_node(struct node *n, unsigned open_flags, unsigned mode)
{
	static const char *const suffix[] = { "", "l", "m", "a" };
	static const int access[] = {
		[STEP_OPEN_R] = O_RDONLY,
		[STEP_OPEN_W] = O_WRONLY,
		[STEP_OPEN_R | STEP_OPEN_W] = O_RDWR,
	};
	int flags = access[open_flags & (STEP_OPEN_R | STEP_OPEN_W)];
	char path[256];

	n->stale |= mode != 0;
	if (open_flags & STEP_OPEN_NONBLOCK)
		flags |= O_NONBLOCK;
	if (open_flags & STEP_OPEN_CREAT)
		flags |= O_CREAT | O_TRUNC | O_APPEND;
	(void)snprintf(path, sizeof(path), "%s%s%s", n->dir,
	    n->name + (open_flags & STEP_OPEN_REWIND ? 1 : 0), suffix[mode]);
	return result(open(path, flags | O_CLOEXEC, 0600));
}

static int
node_open(struct subject *s, unsigned open_flags, unsigned mode)
{
	node_of(s)->fd = open_node(node_of(s), open_flags, mode);
	return node_of(s)->fd;
}

static int
node_second(struct subject *s, unsigned open_flags, unsigned mode)
{
	int fd = open_node(node_of(s), open_flags, mode);

	return fd < 0 ? fd : result(close(fd));
}

static int
node_close(struct subject *s)
{
	return result(close(node_of(s)->fd));
}

static int
node_dup(struct subject *s)
{
	int fd = dup(node_of(s)->fd);

	return fd < 0 ? -errno : result(close(fd));
}

static ssize_t
node_readv(struct subject *s, const struct iovec *iov, int n)
{
	int fd = node_of(s)->fd;
	ssize_t r =
	    n == 1 ? read(fd, iov->iov_base, iov->iov_len) : readv(fd, iov, n);

	return r < 0 ? -errno : r;
}

static ssize_t
node_writev(struct subject *s, const struct iovec *iov, int n)
{
	int fd = node_of(s)->fd;
	ssize_t r = n == 1 ? write(fd, iov->iov_base, iov->iov_len)
			   : writev(fd, iov, n);

	return r < 0 ? -errno : r;
}

static int
node_ioctl(struct subject *s, uint32_t cmd, void *arg, bool user)
{
	int r;

	/* The effective user alone would take the capabilities along. */
	if (user && seteuid(NOBODY) < 0)
		tap_bail("seteuid: %s", strerror(errno));
	r = result(ioctl(node_of(s)->fd, cmd, arg));
	if (user && seteuid(0) < 0)
		tap_bail("seteuid back: %s", strerror(errno));
	return r;
}

static int
try_mmap(int fd)
{
	void *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	(void)munmap(p, 4096); /* it was only a try */
	return 0;
}

static int
node_call(struct subject *s, enum step_call call)
{
	struct pollfd p = { .fd = node_of(s)->fd, .events = POLLIN | POLLOUT };
	char buf[1024] = "";

	switch (call) {
	case STEP_LSEEK:
		return result(lseek(p.fd, 100, SEEK_SET));
	case STEP_PREAD:
		return result(pread(p.fd, buf, sizeof(buf), 0));
	case STEP_PWRITE:
		return result(pwrite(p.fd, buf, sizeof(buf), 0));
	case STEP_FSYNC:
		return result(fsync(p.fd));
	case STEP_TRUNCATE:
		return result(ftruncate(p.fd, 0));
	case STEP_MMAP:
		return try_mmap(p.fd);
	default:
		return poll(&p, 1, 0) < 0 ? -errno : p.revents;
	}
}

static void
node_free(struct subject *s)
{
	free(s);
}

static const struct subject_ops node_ops = {
	.renew = node_renew,
	.open = node_open,
	.second = node_second,
	.close = node_close,
	.dup = node_dup,
	.readv = node_readv,
	.writev = node_writev,
	.ioctl = node_ioctl,
	.call = node_call,
	.free = node_free,
};

struct subject *
node_new(const char *path)
{
	struct node *n = calloc(1, sizeof(*n));
	const char *slash = strrchr(path, '/');
	char link[PATH_MAX], to[64];
	ssize_t len;

	if (n == NULL || slash == NULL || access(path, F_OK) < 0)
		tap_bail("%s: %s", path, strerror(errno));
	n->base.ops = &node_ops;
	(void)snprintf(n->dir, sizeof(n->dir), "%.*s", (int)(slash - path + 1),
	    path);
	(void)snprintf(n->name, sizeof(n->name), "%s", slash + 1);
	(void)snprintf(link, sizeof(link), "/sys/class/scsi_tape/%s/device",
	    n->name);
	len = readlink(link, to, sizeof(to) - 1);
	if (len > 0) {
		to[len] = '\0';
		slash = strrchr(to, '/');
		(void)snprintf(n->address, sizeof(n->address), "%s",
		    slash == NULL ? to : slash + 1);
	}
	return &n->base;
}
