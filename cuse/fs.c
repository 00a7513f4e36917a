/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nodes as files of a FUSE file system; see fs.h.
 *
 * Inode 1 is the directory; inode 2 + i is node i.  Directory and names never
 * change, so the kernel may remember names, but not sizes: it believes that a
 * write makes a file longer, and these files always have size 0.
 *
 * Truncation is accepted, as many programs open a tape with O_TRUNC; creating
 * and removing is not permitted to anybody.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "call.h"
#include "chan.h"
#include "fs.h"
#include "log.h"
#include "node.h"
#include "slave.h"
#include "spec.h"
#include "wire.h"

/*
 * Pages that a request can carry: as many as libfuse takes, unless the
 * administrator has set a lower limit (since Linux 6.13).
 */
#define FS_PAGES 256
#define FS_MIN_PAGES 3 /* a chunk is no less than chan.h asks for */
#define FS_PAGES_LIMIT "/proc/sys/fs/fuse/max_pages_limit"

/* The type of a FUSE file system, from the kernel's magic.h. */
#define FS_MAGIC 0x65735546

#define FS_FIRST_NODE (FUSE_ROOT_ID + 1)

/* Seconds that the kernel may remember a name. */
#define FS_NAME_TIMEOUT 3600.0

struct fs {
	struct fs_config config;
	struct call_source source;
	struct fuse_session *se;
	struct stat attr[NODE_MAX]; /* of the files */
	struct timespec born;
	bool mounted;
};

static struct fs *
fs_of(fuse_req_t req)
{
	return chan_owner(fuse_req_userdata(req));
}

/* The index of a node's inode, or NODE_MAX if it is not a node's. */
static size_t
node_index(const struct fs *fs, fuse_ino_t ino)
{
	size_t i = ino - FS_FIRST_NODE;

	return i < fs->config.n_nodes ? i : NODE_MAX;
}

/* ---- The directory ------------------------------------------------------ */

static struct stat
root_attr(const struct fs *fs)
{
	return (struct stat){
		.st_ino = FUSE_ROOT_ID,
		.st_mode = S_IFDIR | 0555,
		.st_nlink = 2,
		.st_uid = fs->config.uid,
		.st_gid = fs->config.gid,
		.st_atim = fs->born,
		.st_mtim = fs->born,
		.st_ctim = fs->born,
	};
}

static void
init_attr(struct fs *fs)
{
	size_t i;

	(void)clock_gettime(CLOCK_REALTIME, &fs->born); /* can't fail */
	for (i = 0; i < NODE_MAX; i++) {
		fs->attr[i] = root_attr(fs);
		fs->attr[i].st_ino = FS_FIRST_NODE + i;
		fs->attr[i].st_mode = S_IFREG | fs->config.mode;
		fs->attr[i].st_nlink = 1;
	}
}

static void
fs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = fs_of(req);
	struct fuse_entry_param entry = { .entry_timeout = FS_NAME_TIMEOUT };
	char node[NODE_MAX_NAME + 1];
	size_t i;

	for (i = 0; parent == FUSE_ROOT_ID && i < fs->config.n_nodes; i++) {
		node_name(fs->config.nodes[i], fs->config.base, node);
		if (strcmp(name, node) == 0) {
			entry.ino = FS_FIRST_NODE + i;
			entry.attr = fs->attr[i];
			break;
		}
	}
	/* An inode of 0 says that there is no such name. */
	(void)fuse_reply_entry(req, &entry); /* chan.c tells of failures */
}

static void
fs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	size_t i = node_index(fs, ino);
	struct stat attr;

	(void)fi;
	if (i == NODE_MAX && ino != FUSE_ROOT_ID) {
		(void)fuse_reply_err(req,
		    ENOENT); /* chan.c tells of failures */
		return;
	}
	attr = i < NODE_MAX ? fs->attr[i] : root_attr(fs);
	(void)fuse_reply_attr(req, &attr, 0); /* as above */
}

/* chmod(2) and chown(2) do what they say; truncation and times do nothing. */
static void
fs_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
    struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	size_t i = node_index(fs, ino);

	(void)fi;
	if (i == NODE_MAX) {
		(void)fuse_reply_err(req, EPERM); /* as below */
		return;
	}
	if ((to_set & FUSE_SET_ATTR_MODE) != 0)
		fs->attr[i].st_mode = S_IFREG | (attr->st_mode & 07777);
	if ((to_set & FUSE_SET_ATTR_UID) != 0)
		fs->attr[i].st_uid = attr->st_uid;
	if ((to_set & FUSE_SET_ATTR_GID) != 0)
		fs->attr[i].st_gid = attr->st_gid;
	(void)fuse_reply_attr(req, &fs->attr[i],
	    0); /* chan.c tells of failures */
}

/* Fills in entry number ${at} of the directory; false if there is none. */
static bool
entry_at(const struct fs *fs, size_t at, char name[NODE_MAX_NAME + 1],
    struct stat *ret_attr)
{
	*ret_attr = root_attr(fs);
	if (at < 2) {
		(void)snprintf(name, 3, "..");
		name[at + 1] = '\0';
		return true;
	}
	if (at - 2 >= fs->config.n_nodes)
		return false;
	node_name(fs->config.nodes[at - 2], fs->config.base, name);
	*ret_attr = fs->attr[at - 2];
	return true;
}

static void
fs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
    struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	char name[NODE_MAX_NAME + 1];
	char buf[4096];
	struct stat attr;
	size_t used = 0;

	(void)ino;
	(void)fi;
	if (size > sizeof(buf))
		size = sizeof(buf);
	while (offset >= 0 && entry_at(fs, (size_t)offset, name, &attr)) {
		size_t n = fuse_add_direntry(req, buf + used, size - used, name,
		    &attr, ++offset);

		if (n > size - used)
			break;
		used += n;
	}
	(void)fuse_reply_buf(req, buf, used); /* chan.c tells of failures */
}

static void
refuse(fuse_req_t req)
{
	(void)fuse_reply_err(req, EPERM); /* chan.c tells of failures */
}

static void
fs_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
    dev_t rdev)
{
	(void)parent;
	(void)name;
	(void)mode;
	(void)rdev;
	refuse(req);
}

static void
fs_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	(void)parent;
	(void)name;
	(void)mode;
	refuse(req);
}

static void
fs_remove(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	(void)parent;
	(void)name;
	refuse(req);
}

static void
fs_symlink(fuse_req_t req, const char *target, fuse_ino_t parent,
    const char *name)
{
	(void)target;
	(void)parent;
	(void)name;
	refuse(req);
}

static void
fs_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
    fuse_ino_t new_parent, const char *new_name, unsigned flags)
{
	(void)parent;
	(void)name;
	(void)new_parent;
	(void)new_name;
	(void)flags;
	refuse(req);
}

static void
fs_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	(void)ino;
	(void)parent;
	(void)name;
	refuse(req);
}

/* ---- The files ---------------------------------------------------------- */

/* The slave end, if that is what ${ino} is; else NULL. */
static struct slave *
end_of(const struct fs *fs, fuse_ino_t ino)
{
	size_t i = node_index(fs, ino);

	return i < NODE_MAX && fs->config.nodes[i]->slave ? fs->config.slave
							  : NULL;
}

static void
fs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct slave *end = end_of(fs, ino);
	size_t i = node_index(fs, ino);

	if (end != NULL)
		slave_open(end, req, fi);
	else if (i < NODE_MAX)
		call_open(&fs->source, fs->config.nodes[i], req, fi);
	else
		refuse(req);
}

static void
fs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
    struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct slave *end = end_of(fs, ino);

	if (end != NULL)
		slave_read(end, req, size, offset, fi);
	else
		call_read(&fs->source, req, size, offset, fi);
}

static void
fs_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size,
    off_t offset, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct slave *end = end_of(fs, ino);

	if (end != NULL)
		slave_write(end, req, data, size, offset, fi);
	else
		call_write(&fs->source, req, data, size, offset, fi);
}

static void
fs_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (end_of(fs_of(req), ino) != NULL)
		(void)fuse_reply_err(req, 0); /* chan.c tells of failures */
	else
		call_flush(&fs_of(req)->source, req, fi);
}

static void
fs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct slave *end = end_of(fs, ino);

	if (end != NULL)
		slave_release(end, req, fi);
	else
		call_release(&fs->source, req, fi);
}

/* fsync(2) of a tape is EINVAL. */
static void
fs_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
    struct fuse_file_info *fi)
{
	(void)ino;
	(void)datasync;
	(void)fi;
	(void)fuse_reply_err(req, EINVAL); /* chan.c tells of failures */
}

static void
fs_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg,
    struct fuse_file_info *fi, unsigned flags, const void *in, size_t in_size,
    size_t out_size)
{
	const struct call_ioctl io = { cmd, flags, arg, in, in_size, out_size };

	if (node_index(fs_of(req), ino) == NODE_MAX ||
	    end_of(fs_of(req), ino) != NULL)
		(void)fuse_reply_err(req, ENOTTY); /* as above */
	else
		call_ioctl(&fs_of(req)->source, req, &io, fi);
}

/*
 * The tape is always ready, as st is.  To have no poll would be the same for
 * it, but the kernel would not ask again for any file.
 */
static void
fs_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
    struct fuse_pollhandle *handle)
{
	struct slave *end = end_of(fs_of(req), ino);

	if (end != NULL) {
		slave_poll(end, req, fi, handle);
		return;
	}
	if (handle != NULL)
		fuse_pollhandle_destroy(handle);
	(void)fuse_reply_poll(req,
	    POLLIN | POLLOUT | POLLRDNORM |
		POLLWRNORM); /* chan.c tells of failures */
}

/* ---- The session -------------------------------------------------------- */

/* Only O_TRUNC at open, of all that libfuse would ask for on its own. */
static void
fs_init(void *userdata, struct fuse_conn_info *conn)
{
	struct fs *fs = chan_owner(userdata);

	conn->want &= FUSE_CAP_ATOMIC_O_TRUNC;
	conn->max_write = (unsigned)fs->source.port.chunk;
	conn->max_read = (unsigned)fs->source.port.chunk;
}

static const struct fuse_lowlevel_ops fs_ops = {
	.init = fs_init,
	.lookup = fs_lookup,
	.getattr = fs_getattr,
	.setattr = fs_setattr,
	.readdir = fs_readdir,
	.mknod = fs_mknod,
	.mkdir = fs_mkdir,
	.unlink = fs_remove,
	.rmdir = fs_remove,
	.symlink = fs_symlink,
	.rename = fs_rename,
	.link = fs_link,
	.open = fs_open,
	.read = fs_read,
	.write = fs_write,
	.flush = fs_flush,
	.release = fs_release,
	.fsync = fs_fsync,
	.ioctl = fs_ioctl,
	.poll = fs_poll,
};

/*
 * Root's nodes are for others, too, by owner and mode; an ordinary user may
 * only let others in where the system's fuse.conf says so, and keeps them.
 */
static struct fuse_session *
new_session(struct fs *fs)
{
	char program[] = "pmt";
	char dash_o[] = "-o";
	char options[NODE_MAX_NAME + 128];
	char *argv[] = { program, dash_o, options, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct fuse_session *se;

	(void)snprintf(options, sizeof(options),
	    "fsname=%s,subtype=pmt,default_permissions,noexec,max_read=%zu%s",
	    fs->config.base, fs->source.port.chunk,
	    geteuid() == 0 ? ",allow_other" : ""); /* always fits */
	se = fuse_session_new(&args, &fs_ops, sizeof(fs_ops), fs->source.chan);
	fuse_opt_free_args(&args);
	return se;
}

/* ---- Start and end ------------------------------------------------------ */

/* Tells why a directory can't be mounted on, before the kernel does. */
static int
check_dir(const char *dir, struct spec_error *e)
{
	struct statfs fs;
	struct stat st;

	if (stat(dir, &st) < 0 && errno == ENOTCONN)
		return spec_fail(e, ENOTCONN,
		    "%s: a file system is mounted here whose process is gone; "
		    "\"fusermount3 -u %s\" removes it",
		    dir, dir);
	if (stat(dir, &st) < 0 || statfs(dir, &fs) < 0)
		return spec_fail(e, errno,
		    "%s: %s; --fuse takes a directory that is there", dir,
		    strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return spec_fail(e, ENOTDIR, "%s: %s; --fuse takes a directory",
		    dir, strerror(ENOTDIR));
	if (st.st_ino == FUSE_ROOT_ID && fs.f_type == FS_MAGIC)
		return spec_fail(e, EBUSY,
		    "%s: a FUSE file system is mounted here already", dir);
	return 0;
}

/* How many pages the kernel lets a request carry, as far as we want them. */
static size_t
find_pages(void)
{
	unsigned pages = FS_PAGES;
	FILE *file = fopen(FS_PAGES_LIMIT, "re");

	if (file == NULL)
		return FS_PAGES;
	if (fscanf(file, "%u", &pages) != 1 || pages > FS_PAGES)
		pages = FS_PAGES;
	(void)fclose(file); /* it was only read */
	return pages;
}

static int
new_fs(const struct fs_config *config, struct fs **ret_fs, struct spec_error *e)
{
	size_t pages = find_pages();
	struct fs *fs = calloc(1, sizeof(*fs));
	struct chan_config chan = {
		.name = config->dir,
		.owner = fs,
		.pages = pages,
		.finish_init = wire_finish_fuse_init,
		.ended_fd = config->ended_fd,
	};

	if (fs == NULL)
		return spec_fail(e, ENOMEM, "out of memory");
	if (pages < FS_MIN_PAGES) {
		free(fs);
		return spec_fail(e, EOPNOTSUPP, "%s: %zu is too few",
		    FS_PAGES_LIMIT, pages);
	}
	chan.chunk = wire_chunk(pages);
	fs->config = *config;
	init_attr(fs);
	fs->source.unit = config->unit;
	fs->source.port.chunk = chan.chunk;
	fs->source.port.is_file = true;
	fs->source.chan = chan_new(&chan);
	if (fs->source.chan != NULL)
		fs->se = new_session(fs);
	if (fs->se != NULL && config->slave != NULL)
		slave_place(config->slave, fs->source.chan, chan.chunk);
	if (fs->se == NULL) {
		chan_free(fs->source.chan);
		free(fs);
		return spec_fail(e, ENOMEM, "%s: libfuse has no session",
		    config->dir);
	}
	*ret_fs = fs;
	return 0;
}

int
fs_start(const struct fs_config *config, struct fs **ret_fs,
    struct spec_error *e)
{
	struct fs *fs = NULL;
	int r = check_dir(config->dir, e);

	if (r == 0)
		r = new_fs(config, &fs, e);
	if (r < 0)
		return r;
	if (fuse_session_mount(fs->se, config->dir) < 0) {
		r = spec_fail(e, EIO,
		    "%s: cannot mount a FUSE file system here", config->dir);
		goto fail;
	}
	fs->mounted = true;
	r = chan_connect(fs->source.chan, fs->se, fuse_session_fd(fs->se), e);
	if (r == 0)
		r = chan_start(fs->source.chan, e);
	if (r < 0)
		goto fail;
	*ret_fs = fs;
	return 0;
fail:
	fs_free(fs, false);
	return r;
}

void
fs_stop(struct fs *fs)
{
	chan_stop(fs->source.chan);
}

int
fs_join(struct fs *fs, const struct timespec *deadline)
{
	return chan_join(fs->source.chan, deadline);
}

/*
 * libfuse leaves a mount alone whose connection somebody else has ended, as it
 * takes that for an unmount.
 */
static void
unmount(struct fs *fs)
{
	const char *dir = fs->config.dir;
	struct stat st;

	fuse_session_unmount(fs->se);
	if (stat(dir, &st) < 0 && errno == ENOTCONN &&
	    umount2(dir, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		log_error("%s is still mounted; \"fusermount3 -u %s\" "
			  "removes it",
		    dir, dir);
}

void
fs_free(struct fs *fs, bool stuck)
{
	if (fs == NULL)
		return;
	if (fs->mounted)
		unmount(fs);
	if (stuck)
		return; /* its thread uses all the rest */
	fuse_session_destroy(fs->se);
	chan_free(fs->source.chan);
	free(fs);
}
