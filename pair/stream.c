/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages through a Unix socket; see stream.h. */
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "stream.h"

void
stream_advance(struct iovec *iov, size_t count, size_t n)
{
	for (size_t i = 0; i < count; i++) {
		size_t part = n < iov[i].iov_len ? n : iov[i].iov_len;

		iov[i].iov_base = (uint8_t *)iov[i].iov_base + part;
		iov[i].iov_len -= part;
		n -= part;
	}
}

void
stream_attach(struct msghdr *message, union stream_rights *room, const int *fds,
    unsigned n)
{
	struct cmsghdr *c;

	assert(n >= 1 && n <= STREAM_FDS);
	memset(room, 0, sizeof(*room));
	message->msg_control = room->space;
	message->msg_controllen = CMSG_SPACE(n * sizeof(int));
	c = CMSG_FIRSTHDR(message);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
}

void
stream_expect(struct msghdr *message, union stream_rights *room)
{
	message->msg_control = room->space;
	message->msg_controllen = sizeof(room->space);
}

void
stream_detach(struct msghdr *message, int fds[STREAM_FDS])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);
	size_t bytes;

	fds[0] = fds[1] = -1;
	if (c == NULL || c->cmsg_level != SOL_SOCKET ||
	    c->cmsg_type != SCM_RIGHTS)
		return;
	bytes = c->cmsg_len - CMSG_LEN(0);
	assert(bytes <= STREAM_FDS * sizeof(int)); /* there is no more room */
	memcpy(fds, CMSG_DATA(c), bytes);
}

void
stream_close(const int fds[STREAM_FDS])
{
	for (unsigned i = 0; i < STREAM_FDS; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]); /* nothing was written to it */
}
