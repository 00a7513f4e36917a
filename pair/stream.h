/* SPDX-License-Identifier: BSD-2-Clause */
/* What sends and receives messages through a Unix socket has in common. */
#ifndef PMT_PAIR_STREAM_H
#define PMT_PAIR_STREAM_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Takes ${n} bytes off the front of what is left in ${count} pieces. */
void stream_advance(struct iovec *iov, size_t count, size_t n);

/* As many descriptors as go along with a message. */
#define STREAM_FDS 2

/* Room for them, aligned as the kernel wants it. */
union stream_rights {
	struct cmsghdr align;
	char space[CMSG_SPACE(STREAM_FDS * sizeof(int))];
};

/* ${message} takes ${n} descriptors along, in ${room}. */
void stream_attach(struct msghdr *message, union stream_rights *room,
    const int *fds, unsigned n);

/* ${message}, which is to be received, has room for them. */
void stream_expect(struct msghdr *message, union stream_rights *room);

/*
 * Those that have come with ${message}, the caller's then; the rest of ${fds}
 * is -1.
 */
void stream_detach(struct msghdr *message, int fds[STREAM_FDS]);

/* Closes those that are not -1. */
void stream_close(const int fds[STREAM_FDS]);

#endif
