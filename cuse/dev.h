/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One node over CUSE: a character device that the kernel makes for us and takes
 * away again when its channel is closed.
 */
#ifndef PMT_DEV_H
#define PMT_DEV_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "node.h"

struct dev;
struct slave;
struct spec_error;
struct unit;

struct dev_config {
	const struct node *node;
	const char *base; /* the name of the drive; not copied */
	struct unit *unit;
	struct slave *slave; /* if the node is that; else NULL */
	int ended_fd;	     /* as in chan.h */
	unsigned major;	     /* 0: one that the kernel chooses */
	unsigned minor;
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

/*
 * Whether ${node} of a drive called ${base} could be made: 0, or -EEXIST, with
 * words.  To be asked for all nodes before the first is made.
 */
int dev_check(const struct node *node, const char *base, struct spec_error *e);

/*
 * Makes the node.  On return /dev has it, with its owner and mode; who opens it
 * waits for dev_serve().  A failure is a negative errno, with words that name
 * the way out, and leaves nothing behind.
 */
int dev_make(const struct dev_config *config, struct dev **ret_dev,
    struct spec_error *e);

/*
 * The same on the channel ${fd} that is already open, and which the dev owns
 * from then on, without a look at /dev: for tests, which play the kernel there.
 */
int dev_make_on(const struct dev_config *config, int fd, struct dev **ret_dev,
    struct spec_error *e);

/* Serves the node, until dev_stop().  A failure as above. */
int dev_serve(struct dev *dev, struct spec_error *e);

/* The device's major number, which the other nodes of the drive share. */
unsigned dev_major(const struct dev *dev);

/* As in chan.h. */
void dev_stop(struct dev *dev);
int dev_join(struct dev *dev, const struct timespec *deadline);

/*
 * Takes the node away: programs that have it open get ECONNABORTED or ENOTCONN.
 * ${stuck}: dev_join() has timed out; then programs are freed all the same, but
 * the node stays until the process ends.  NULL is fine.
 */
void dev_free(struct dev *dev, bool stuck);

#endif
