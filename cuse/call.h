/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A call: one request on its way from libfuse to the drive and back.  Takes its
 * turn in the lane of the unit, at once if the drive is free, else with copies
 * of what it needs; carries it out; and answers it, exactly once.  Both
 * transports hand their requests on here.
 */
#ifndef PMT_CALL_H
#define PMT_CALL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libfuse.h"
#include "node.h"
#include "unit.h"

struct chan;

/* Where requests come from. */
struct call_source {
	struct chan *chan;
	struct unit *unit;
	struct unit_port port;
};

/*
 * Goes on with an open that waited at the gate, or drops it: what gate.h calls
 * an item.
 */
void call_resume(void *item);
void call_drop(void *item);

/*
 * Each takes over ${req} and answers it, now or later.  They are made by a
 * thread of the channel, inside the operation of the session; ${data} and ${in}
 * are in the request's buffer.
 */
void call_open(const struct call_source *from, const struct node *node,
    fuse_req_t req, const struct fuse_file_info *fi);
void call_read(const struct call_source *from, fuse_req_t req, size_t size,
    off_t offset, const struct fuse_file_info *fi);
void call_write(const struct call_source *from, fuse_req_t req,
    const char *data, size_t size, off_t offset,
    const struct fuse_file_info *fi);
struct call_ioctl {
	uint32_t cmd;
	unsigned flags; /* FUSE_IOCTL_... */
	void *arg;	/* as the program gave it, in its memory */
	const void *in; /* what the kernel has fetched from there, if any */
	size_t in_size;
	size_t out_size; /* bytes that an answer may carry */
};
void call_ioctl(const struct call_source *from, fuse_req_t req,
    const struct call_ioctl *io, const struct fuse_file_info *fi);
void call_flush(const struct call_source *from, fuse_req_t req,
    const struct fuse_file_info *fi);
void call_release(const struct call_source *from, fuse_req_t req,
    const struct fuse_file_info *fi);

#endif
