/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A node over CUSE; see dev.h.
 *
 * The kernel takes a name or a number that is in use without a word, and ends
 * the connection a moment later.  So names are checked before, and afterwards
 * /sys/class/cuse/NAME/dev must tell the number that was asked for; that is
 * also how the number is learned that the kernel has chosen.  Both are there
 * before the answer to CUSE_INIT has been written.
 *
 * The node itself appears where devtmpfs is mounted.  In a /dev that is not one
 * (a container's) it is made here, which takes CAP_MKNOD, and removed again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "call.h"
#include "chan.h"
#include "dev.h"
#include "log.h"
#include "slave.h"
#include "spec.h"
#include "wire.h"

/* Pages that a request of CUSE can carry, in every kernel there is. */
#define DEV_PAGES 32

struct dev {
	struct dev_config config;
	char name[NODE_MAX_NAME + 1];
	struct call_source source;
	struct fuse_session *se;
	unsigned major; /* as the kernel has it */
	bool made_node; /* we put it in /dev */
};

/* "/dev/NAME", or below /sys/class/cuse. */
struct dev_path {
	char text[NODE_MAX_NAME + 32];
};

static struct dev_path
path_in_dev(const char *name)
{
	struct dev_path path;

	(void)snprintf(path.text, sizeof(path.text), "/dev/%s",
	    name); /* always fits */
	return path;
}

static struct dev_path
path_in_sys(const char *name, const char *file)
{
	struct dev_path path;

	(void)snprintf(path.text, sizeof(path.text), "/sys/class/cuse/%s%s",
	    name, file); /* always fits */
	return path;
}

/* ---- The session -------------------------------------------------------- */

static struct dev *
dev_of(fuse_req_t req)
{
	return chan_owner(fuse_req_userdata(req));
}

static void
dev_open(fuse_req_t req, struct fuse_file_info *fi)
{
	struct dev *dev = dev_of(req);

	call_open(&dev->source, dev->config.node, req, fi);
}

static void
dev_read(fuse_req_t req, size_t size, off_t offset, struct fuse_file_info *fi)
{
	call_read(&dev_of(req)->source, req, size, offset, fi);
}

static void
dev_write(fuse_req_t req, const char *data, size_t size, off_t offset,
    struct fuse_file_info *fi)
{
	call_write(&dev_of(req)->source, req, data, size, offset, fi);
}

static void
dev_release(fuse_req_t req, struct fuse_file_info *fi)
{
	call_release(&dev_of(req)->source, req, fi);
}

/* ${cmd}: 32 bits without a sign, whatever libfuse's prototype says. */
static void
dev_ioctl(fuse_req_t req, int cmd, void *arg, struct fuse_file_info *fi,
    unsigned flags, const void *in, size_t in_size, size_t out_size)
{
	const struct call_ioctl io = { (uint32_t)cmd, flags, arg, in, in_size,
		out_size };

	call_ioctl(&dev_of(req)->source, req, &io, fi);
}

/*
 * There is no poll: libfuse answers ENOSYS, and the kernel says from then on
 * that the device is ready, as it does for st.
 */
static const struct cuse_lowlevel_ops dev_ops = {
	.open = dev_open,
	.read = dev_read,
	.write = dev_write,
	.release = dev_release,
	.ioctl = dev_ioctl,
};

static void
end_open(fuse_req_t req, struct fuse_file_info *fi)
{
	slave_open(dev_of(req)->config.slave, req, fi);
}

static void
end_read(fuse_req_t req, size_t size, off_t offset, struct fuse_file_info *fi)
{
	slave_read(dev_of(req)->config.slave, req, size, offset, fi);
}

static void
end_write(fuse_req_t req, const char *data, size_t size, off_t offset,
    struct fuse_file_info *fi)
{
	slave_write(dev_of(req)->config.slave, req, data, size, offset, fi);
}

static void
end_poll(fuse_req_t req, struct fuse_file_info *fi, struct fuse_pollhandle *ph)
{
	slave_poll(dev_of(req)->config.slave, req, fi, ph);
}

static void
end_release(fuse_req_t req, struct fuse_file_info *fi)
{
	slave_release(dev_of(req)->config.slave, req, fi);
}

/* The slave end has no ioctls; it is no tape. */
static void
end_ioctl(fuse_req_t req, int cmd, void *arg, struct fuse_file_info *fi,
    unsigned flags, const void *in, size_t in_size, size_t out_size)
{
	(void)cmd;
	(void)arg;
	(void)fi;
	(void)flags;
	(void)in;
	(void)in_size;
	(void)out_size;
	(void)fuse_reply_err(req, ENOTTY); /* chan.c tells of failures */
}

static const struct cuse_lowlevel_ops end_ops = {
	.open = end_open,
	.read = end_read,
	.write = end_write,
	.poll = end_poll,
	.release = end_release,
	.ioctl = end_ioctl,
};

static struct fuse_session *
new_session(struct dev *dev)
{
	char program[] = "pmt";
	char *argv[] = { program, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	char name[sizeof("DEVNAME=") + NODE_MAX_NAME];
	const char *info[] = { name };
	struct cuse_info ci = {
		.dev_major = dev->config.major,
		.dev_minor = dev->config.minor,
		.dev_info_argc = 1,
		.dev_info_argv = info,
		/* Else the kernel knows no size but that in the number. */
		.flags = CUSE_UNRESTRICTED_IOCTL,
	};
	struct fuse_session *se;

	(void)snprintf(name, sizeof(name), "DEVNAME=%s",
	    dev->name); /* always fits */
	se = cuse_lowlevel_new(&args, &ci,
	    dev->config.slave != NULL ? &end_ops : &dev_ops, dev->source.chan);
	fuse_opt_free_args(&args);
	return se;
}

/* ---- The node ----------------------------------------------------------- */

int
dev_check(const struct node *node, const char *base, struct spec_error *e)
{
	char name[NODE_MAX_NAME + 1];
	struct dev_path paths[2];
	struct stat st;
	size_t i;

	node_name(node, base, name);
	paths[0] = path_in_dev(name);
	paths[1] = path_in_sys(name, "");
	for (i = 0; i < 2; i++)
		if (lstat(paths[i].text, &st) == 0)
			return spec_fail(e, EEXIST,
			    "%s is there already: another drive's, or a plain "
			    "file that a program made when there was no drive; "
			    "end that, remove this, or choose another name",
			    paths[i].text);
	return 0;
}

static int
open_cuse(struct spec_error *e)
{
	int fd = open("/dev/cuse", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == EACCES || errno == EPERM)
		return spec_fail(e, errno,
		    "/dev/cuse: %s: run as root, or use --fuse DIR",
		    strerror(errno));
	return spec_fail(e, errno,
	    "/dev/cuse: %s: try \"modprobe cuse\", or use --fuse DIR",
	    strerror(errno));
}

/* Learns the number that the kernel has given the device. */
static int
find_number(struct dev *dev, dev_t *ret_number, struct spec_error *e)
{
	struct dev_path path = path_in_sys(dev->name, "/dev");
	unsigned major_number = 0;
	unsigned minor_number = 0;
	struct stat st;
	FILE *file = fopen(path.text, "re");
	bool known = false;

	if (file != NULL) {
		known =
		    fscanf(file, "%u:%u", &major_number, &minor_number) == 2;
		(void)fclose(file); /* it was only read */
	} else if (stat("/sys/class", &st) < 0 &&
	    stat(path_in_dev(dev->name).text, &st) == 0 &&
	    S_ISCHR(st.st_mode)) {
		major_number = major(st.st_rdev);
		minor_number = minor(st.st_rdev);
		known = true;
	}
	if (!known || minor_number != dev->config.minor ||
	    (dev->config.major != 0 && major_number != dev->config.major))
		return spec_fail(e, EBUSY,
		    "/dev/%s: the kernel refuses the device; its number "
		    "%u:%u may be in use",
		    dev->name, dev->config.major, dev->config.minor);
	dev->major = major_number;
	*ret_number = makedev(major_number, minor_number);
	return 0;
}

/* Sees to it that /dev has the node, with its owner and mode. */
static int
settle_node(struct dev *dev, struct spec_error *e)
{
	const struct dev_config *config = &dev->config;
	struct dev_path path = path_in_dev(dev->name);
	dev_t number = 0;
	struct stat st;
	int r = find_number(dev, &number, e);

	if (r < 0)
		return r;
	if (lstat(path.text, &st) < 0) {
		if (mknod(path.text, S_IFCHR | 0600, number) < 0)
			return spec_fail(e, errno, "making %s: %s", path.text,
			    strerror(errno));
		dev->made_node = true;
	} else if (!S_ISCHR(st.st_mode) || st.st_rdev != number) {
		return spec_fail(e, EEXIST, "%s is not our device", path.text);
	}
	/* In this order, as a chown(2) may take mode bits away. */
	if (chown(path.text, config->uid, config->gid) < 0 ||
	    chmod(path.text, config->mode) < 0)
		return spec_fail(e, errno, "owner and mode of %s: %s",
		    path.text, strerror(errno));
	return 0;
}

/* ---- Start and end ------------------------------------------------------ */

static int
new_dev(const struct dev_config *config, struct dev **ret_dev,
    struct spec_error *e)
{
	struct dev *dev = calloc(1, sizeof(*dev));
	struct chan_config chan = {
		.owner = dev,
		.chunk = wire_chunk(DEV_PAGES),
		.pages = DEV_PAGES,
		.finish_init = wire_finish_cuse_init,
		.ended_fd = config->ended_fd,
	};

	if (dev == NULL)
		return spec_fail(e, ENOMEM, "out of memory");
	dev->config = *config;
	node_name(config->node, config->base, dev->name);
	chan.name = dev->name;
	dev->source.unit = config->unit;
	dev->source.port.chunk = chan.chunk;
	dev->source.chan = chan_new(&chan);
	if (dev->source.chan != NULL)
		dev->se = new_session(dev);
	if (dev->se != NULL && config->slave != NULL)
		slave_place(config->slave, dev->source.chan, chan.chunk);
	if (dev->se == NULL) {
		chan_free(dev->source.chan);
		free(dev);
		return spec_fail(e, ENOMEM, "%s: libfuse has no session",
		    config->base);
	}
	*ret_dev = dev;
	return 0;
}

/* Connects; ${has_node}: and sees to the node in /dev. */
static int
make_on(const struct dev_config *config, int fd, bool has_node,
    struct dev **ret_dev, struct spec_error *e)
{
	struct dev *dev = NULL;
	int r = new_dev(config, &dev, e);

	if (r < 0) {
		(void)close(fd); /* nothing was written to it */
		return r;
	}
	r = chan_connect(dev->source.chan, dev->se, fd, e);
	if (r == 0 && has_node)
		r = settle_node(dev, e);
	if (r < 0) {
		dev_free(dev, false);
		return r;
	}
	*ret_dev = dev;
	return 0;
}

int
dev_make_on(const struct dev_config *config, int fd, struct dev **ret_dev,
    struct spec_error *e)
{
	return make_on(config, fd, false, ret_dev, e);
}

int
dev_make(const struct dev_config *config, struct dev **ret_dev,
    struct spec_error *e)
{
	int fd = open_cuse(e);

	return fd < 0 ? fd : make_on(config, fd, true, ret_dev, e);
}

int
dev_serve(struct dev *dev, struct spec_error *e)
{
	return chan_start(dev->source.chan, e);
}

unsigned
dev_major(const struct dev *dev)
{
	return dev->major;
}

void
dev_stop(struct dev *dev)
{
	chan_stop(dev->source.chan);
}

int
dev_join(struct dev *dev, const struct timespec *deadline)
{
	return chan_join(dev->source.chan, deadline);
}

/* Ends the connection from the outside, past a thread that is stuck. */
static void
sever(struct dev *dev)
{
	struct dev_path path = path_in_sys(dev->name, "/abort");
	int fd = open(path.text, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "1", 1) != 1)
		log_error("%s: %s: %s", dev->name, path.text, strerror(errno));
	if (fd >= 0)
		(void)close(fd); /* the write has been looked at */
}

void
dev_free(struct dev *dev, bool stuck)
{
	if (dev == NULL)
		return;
	if (dev->made_node)
		(void)unlink(path_in_dev(dev->name).text); /* if we can */
	if (stuck) {
		sever(dev);
		return;
	}
	fuse_session_destroy(dev->se); /* closes the channel */
	chan_free(dev->source.chan);
	free(dev);
}
