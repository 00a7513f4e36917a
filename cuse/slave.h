/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slave end of a pair as a node: read(2) gives exactly one request of the
 * port's, write(2) takes exactly one reply.  One program holds it at a time;
 * one that breaks the rules of the protocol is thrown out: then it reads 0,
 * write(2) is EPIPE, and the node is free for the next.
 *
 * A request is given when its last byte has been read, within one read(2); a
 * read(2) into a buffer that is too small has read nothing, and gives EMSGSIZE
 * if that can be told.  A reply that takes the kernel several requests is put
 * together again.  poll(2): readable when there is a request, writable when a
 * reply is due.
 */
#ifndef PMT_SLAVE_H
#define PMT_SLAVE_H

#include <stddef.h>
#include <sys/types.h>

#include "libfuse.h"

struct chan;
struct port;
struct slave;

/* ${p} has to live as long.  NULL: out of memory. */
struct slave *slave_new(struct port *p);

/* The channel is gone.  NULL is fine. */
void slave_free(struct slave *s);

/*
 * Requests come from ${chan}, cut in pieces of ${chunk} bytes.  Before the
 * first one.
 */
void slave_place(struct slave *s, struct chan *chan, size_t chunk);

/* Each takes over ${req}, answers it, now or later, and does not block. */
void slave_open(struct slave *s, fuse_req_t req,
    const struct fuse_file_info *fi);
void slave_read(struct slave *s, fuse_req_t req, size_t size, off_t offset,
    const struct fuse_file_info *fi);
void slave_write(struct slave *s, fuse_req_t req, const char *data, size_t size,
    off_t offset, const struct fuse_file_info *fi);
void slave_poll(struct slave *s, fuse_req_t req,
    const struct fuse_file_info *fi, struct fuse_pollhandle *handle);
void slave_release(struct slave *s, fuse_req_t req,
    const struct fuse_file_info *fi);

#endif
