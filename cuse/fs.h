/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nodes as files of a FUSE file system, for machines without CUSE and for
 * users who are not root.  The directory holds a regular file for each node and
 * nothing else, ever.
 */
#ifndef PMT_FS_H
#define PMT_FS_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct fs;
struct node;
struct slave;
struct spec_error;
struct unit;

struct fs_config {
	const char *dir;		 /* where to mount; not copied */
	const char *base;		 /* the name of the drive; not copied */
	const struct node *const *nodes; /* as many as ... */
	size_t n_nodes;
	struct unit *unit;
	struct slave *slave; /* of the node that is one; NULL: none is */
	int ended_fd;	     /* as in chan.h */
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

/*
 * Mounts the file system and serves it.  A failure is a negative errno, with
 * words that name the way out, and leaves nothing behind.
 */
int fs_start(const struct fs_config *config, struct fs **ret_fs,
    struct spec_error *e);

/* As in chan.h. */
void fs_stop(struct fs *fs);
int fs_join(struct fs *fs, const struct timespec *deadline);

/*
 * Unmounts: programs that have a file open get ECONNABORTED or ENOTCONN.
 * ${stuck}: fs_join() has timed out; then the process must end soon.  NULL is
 * fine.
 */
void fs_free(struct fs *fs, bool stuck);

#endif
