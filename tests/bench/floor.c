/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The yardstick of the benchmark: the least that a node can be.  One thread on
 * libfuse's own loop, and a handler that throws away what is written.  Requests
 * are cut as pmtd has them cut, so that their number is the same.
 *
 *     floor --name NAME [--fuse DIR] [--foreground]
 *
 * makes /dev/NAME, or the file DIR/NAME, until SIGTERM.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libfuse.h"
#include "wire.h"

#define FILE_INODE (FUSE_ROOT_ID + 1)

static const char *name;
static size_t chunk;

static void
floor_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->max_write = (unsigned)chunk;
}

/* ---- Over CUSE ---------------------------------------------------------- */

static void
dev_open(fuse_req_t req, struct fuse_file_info *fi)
{
	(void)fuse_reply_open(req, fi);
}

static void
dev_write(fuse_req_t req, const char *data, size_t size, off_t offset,
    struct fuse_file_info *fi)
{
	(void)data;
	(void)offset;
	(void)fi;
	(void)fuse_reply_write(req, size);
}

static void
dev_release(fuse_req_t req, struct fuse_file_info *fi)
{
	(void)fi;
	(void)fuse_reply_err(req, 0);
}

static int
serve_device(void)
{
	static const struct cuse_lowlevel_ops ops = {
		.init = floor_init,
		.open = dev_open,
		.write = dev_write,
		.release = dev_release,
	};
	char program[] = "floor";
	char foreground[] = "-f";
	char single[] = "-s";
	char *argv[] = { program, foreground, single, NULL };
	char device[80];
	const char *info[] = { device };
	const struct cuse_info ci = { .dev_info_argc = 1,
		.dev_info_argv = info };

	(void)snprintf(device, sizeof(device), "DEVNAME=%s", name);
	return cuse_lowlevel_main(3, argv, &ci, &ops, NULL);
}

/* ---- Over FUSE ---------------------------------------------------------- */

static void
fs_lookup(fuse_req_t req, fuse_ino_t parent, const char *wanted)
{
	const struct fuse_entry_param entry = {
		.ino = FILE_INODE,
		.entry_timeout = 3600,
		.attr = { .st_ino = FILE_INODE,
		    .st_mode = S_IFREG | 0600,
		    .st_nlink = 1 },
	};

	(void)parent;
	if (strcmp(wanted, name) == 0)
		(void)fuse_reply_entry(req, &entry);
	else
		(void)fuse_reply_err(req, ENOENT);
}

static void
fs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	const struct stat root = { .st_ino = FUSE_ROOT_ID,
		.st_mode = S_IFDIR | 0755,
		.st_nlink = 2 };
	const struct stat file = { .st_ino = FILE_INODE,
		.st_mode = S_IFREG | 0600,
		.st_nlink = 1 };

	(void)fi;
	(void)fuse_reply_attr(req, ino == FILE_INODE ? &file : &root, 0);
}

static void
fs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	fi->direct_io = 1;
	fi->nonseekable = 1;
	(void)fuse_reply_open(req, fi);
}

static void
fs_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size,
    off_t offset, struct fuse_file_info *fi)
{
	(void)ino;
	dev_write(req, data, size, offset, fi);
}

static void
fs_close(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	dev_release(req, fi);
}

/* The loop, between mount and unmount; 0 or 1. */
static int
serve_mounted(struct fuse_session *se, const char *dir)
{
	int status = 1;

	if (fuse_set_signal_handlers(se) < 0)
		return 1;
	if (fuse_session_mount(se, dir) == 0) {
		status = fuse_session_loop(se) < 0;
		fuse_session_unmount(se);
	}
	fuse_remove_signal_handlers(se);
	return status;
}

static int
serve_file(const char *dir)
{
	static const struct fuse_lowlevel_ops ops = {
		.init = floor_init,
		.lookup = fs_lookup,
		.getattr = fs_getattr,
		.open = fs_open,
		.write = fs_write,
		.flush = fs_close,
		.release = fs_close,
	};
	char program[] = "floor";
	char *argv[] = { program, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct fuse_session *se =
	    fuse_session_new(&args, &ops, sizeof(ops), NULL);
	int status;

	if (se == NULL)
		return 1;
	status = serve_mounted(se, dir);
	fuse_session_destroy(se);
	fuse_opt_free_args(&args);
	return status;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "name", required_argument, NULL, 'n' },
		{ "fuse", required_argument, NULL, 'd' },
		{ "foreground", no_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 },
	};
	const char *dir = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'n')
			name = optarg;
		else if (option == 'd')
			dir = optarg;
		else if (option == '?')
			return 2;
	}
	if (name == NULL) {
		(void)fputs("usage: floor --name NAME [--fuse DIR]\n", stderr);
		return 2;
	}
	chunk = wire_chunk(dir == NULL ? 32 : 256);
	return dir == NULL ? serve_device() : serve_file(dir);
}
