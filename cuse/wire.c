/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes of the FUSE protocol; see wire.h.  They are in memory and in the order
 * of this machine, as the kernel at the other end is.
 *
 * FUSE_INIT answer   OFFSET SIZE  (the parts that matter)
 *                    0      16    struct fuse_out_header, iov[0]
 *                    16     64    struct fuse_init_out, iov[1]: flags,
 * max_pages CUSE_INIT answer   0      16    struct fuse_out_header, iov[0] 16
 * 60    struct cuse_init_out, iov[1]: max_read 76     ...   "DEVNAME=...",
 * iov[2]
 */
#include <errno.h>
#include <linux/fuse.h>
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "wire.h"

/* FOPEN_STREAM of kernel 5.2 and later, for older headers. */
#ifndef FOPEN_STREAM
#define FOPEN_STREAM (1 << 4)
#endif

_Static_assert(sizeof(struct fuse_in_header) == 40, "as the kernel has it");
_Static_assert(sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in) ==
	WIRE_WRITE_HEADER,
    "as the kernel has it");
_Static_assert(sizeof(struct fuse_init_out) == 64, "as the kernel has it");
_Static_assert(sizeof(struct wire_open) == sizeof(struct fuse_open_out),
    "what answers FUSE_OPEN");

static bool
is_prime(size_t n)
{
	size_t i;

	for (i = 2; i * i <= n; i++)
		if (n % i == 0)
			return false;
	return n > 1;
}

size_t
wire_chunk(size_t pages)
{
	size_t n = (pages - 1) * (size_t)sysconf(_SC_PAGESIZE);

	do
		n--;
	while (!is_prime(n));
	return n;
}

bool
wire_is_sound(void *request, size_t size)
{
	const struct fuse_in_header *in = request;
	const void *arg = in + 1;
	size_t header = 0;
	size_t data = 0;

	memset((char *)request + size, 0, WIRE_PADDING);
	if (size < sizeof(*in) || in->len != size)
		return false;
	/* Nobody has asked for that, and libfuse would not free it. */
	if (in->opcode == FUSE_NOTIFY_REPLY)
		return false;
	if (in->opcode == FUSE_WRITE) {
		header = sizeof(struct fuse_write_in);
		data = ((const struct fuse_write_in *)arg)->size;
	} else if (in->opcode == FUSE_IOCTL) {
		header = sizeof(struct fuse_ioctl_in);
		data = ((const struct fuse_ioctl_in *)arg)->in_size;
	}
	size -= sizeof(*in);
	return size >= header && size - header >= data;
}

bool
wire_is_write(const void *request, size_t size, uint32_t tid, uint64_t handle,
    uint64_t offset)
{
	const struct fuse_in_header *in = request;
	const struct fuse_write_in *arg = (const void *)(in + 1);

	return size >= WIRE_WRITE_HEADER && in->opcode == FUSE_WRITE &&
	    in->pid == tid && arg->fh == handle && arg->offset == offset;
}

void
wire_refuse(int fd, const void *request, size_t size)
{
	const struct fuse_in_header *in = request;
	struct fuse_out_header out = {
		.len = sizeof(out),
		.error = -EIO,
	};

	if (size < sizeof(*in))
		return;
	out.unique = in->unique;
	(void)!write(fd, &out, sizeof(out)); /* it can't be helped */
}

int
wire_finish_cuse_init(const struct iovec *iov, int count, size_t chunk,
    size_t pages)
{
	struct cuse_init_out *out;

	(void)pages; /* the kernel's own number can't be changed */
	if (count < 2 || iov[1].iov_len != sizeof(*out))
		return -EPROTO;
	out = iov[1].iov_base;
	out->max_read = (uint32_t)chunk;
	out->max_write = (uint32_t)chunk;
	return 0;
}

int
wire_finish_fuse_init(const struct iovec *iov, int count, size_t chunk,
    size_t pages)
{
	struct fuse_init_out *out;

	if (count < 2 || iov[1].iov_len < sizeof(*out))
		return -EPROTO;
	out = iov[1].iov_base;
	if ((out->flags & FUSE_MAX_PAGES) == 0 || out->max_write < chunk)
		return -EOPNOTSUPP;
	/* libfuse asks for what holds aligned data only: one page less. */
	out->max_pages = (uint16_t)pages;
	return 0;
}

struct wire_open
wire_open(uint64_t fh)
{
	return (struct wire_open){
		.fh = fh,
		.flags = FOPEN_DIRECT_IO | FOPEN_STREAM,
	};
}
