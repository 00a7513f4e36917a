/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The few bytes of the FUSE protocol that libfuse offers no way to reach: the
 * sizes in the answers to FUSE_INIT and CUSE_INIT, which decide how records are
 * cut, the flags of an open file, and the lengths of a request, which libfuse
 * believes.  Knows <linux/fuse.h>, and nothing of sessions.
 */
#ifndef PMT_WIRE_H
#define PMT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Bytes of a write request that come before its data. */
#define WIRE_WRITE_HEADER 80

/* The least that the kernel lets read(2) on its channel ask for, bytes. */
#define WIRE_MIN_READ 8192

/* Zero bytes that wire_is_sound() puts behind a request. */
#define WIRE_PADDING 16

/*
 * The size of a fragment, bytes, where a request can carry ${pages} pages: a
 * prime that fits wherever in its first page the data begins.  A system call is
 * then cut in pieces of exactly this size, and only the last one is smaller, as
 * no sane record is a multiple of a large prime.
 */
size_t wire_chunk(size_t pages);

/*
 * Whether the lengths in the ${size} bytes at ${request} hold, so that libfuse
 * may see it.  Puts WIRE_PADDING zero bytes behind it, which end any string.
 */
bool wire_is_sound(void *request, size_t size);

/*
 * Whether the request is a write of thread ${tid} to the open file ${handle}
 * that begins at ${offset}.
 */
bool wire_is_write(const void *request, size_t size, uint32_t tid,
    uint64_t handle, uint64_t offset);

/*
 * Answers a request that is not sound with EIO, on the channel ${fd}, if it has
 * a header at all.
 */
void wire_refuse(int fd, const void *request, size_t size);

/*
 * These complete the answer to the first request, which libfuse is about to
 * send in ${iov}: reads are cut as writes are, in pieces of ${chunk} bytes of
 * up to
 * ${pages} pages.  -EPROTO: this is not such an answer; -EOPNOTSUPP: the kernel
 * can't carry so much.
 */
int wire_finish_cuse_init(const struct iovec *iov, int count, size_t chunk,
    size_t pages);
int wire_finish_fuse_init(const struct iovec *iov, int count, size_t chunk,
    size_t pages);

/*
 * The answer to FUSE_OPEN for a file that is a stream: nothing cached, and the
 * offsets of requests begin at 0 with every system call.
 */
struct wire_open {
	uint64_t fh;
	uint32_t flags;
	uint32_t unused;
};
struct wire_open wire_open(uint64_t fh);

#endif
