/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libpmt: handing a pair over to another process.  The descriptor goes through
 * a Unix socket, with a message:
 *
 *   offset size
 *    0      8   "pmtpair" and a 1, the version
 *    8      4   bytes of state that follow, little-endian
 *   12      4   0
 *   16     ...  the state, whatever the giver likes
 *
 * Between two requests nothing of the pair is in the process but the
 * descriptor.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bytes.h"
#include "libpmt_pair.h"

#define HEAD 16
#define MAX_STATE 4096u

static const uint8_t magic[8] = { 'p', 'm', 't', 'p', 'a', 'i', 'r', 1 };

/* Room for one descriptor, aligned as the kernel wants it. */
union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(int))];
};

static void
attach(struct msghdr *message, int fd)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
}

/* What ${sent} bytes of the first try left over; they have no descriptor. */
static int
send_rest(int via, const uint8_t *bytes, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = send(via, bytes, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

int
pmt_pair_give(struct pmt_pair *pair, int via, const void *state, size_t len)
{
	uint8_t bytes[HEAD + MAX_STATE] = { 0 };
	union control control = { 0 };
	struct iovec iov = { bytes, HEAD + len };
	struct msghdr message = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space) };
	ssize_t n;

	pair->why = "";
	if (pair->asked || pair->have > 0 || pair->ended) {
		pair->why = "it is not between two requests";
		return -EBUSY;
	}
	if (len > MAX_STATE)
		return -EMSGSIZE;
	memcpy(bytes, magic, sizeof(magic));
	le32_put(bytes + sizeof(magic), (uint32_t)len);
	if (len > 0)
		memcpy(bytes + HEAD, state, len);
	attach(&message, pair->fd);
	do
		n = sendmsg(via, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return send_rest(via, bytes + n, HEAD + len - (size_t)n);
}

/*
 * The descriptor that came along, -1 if none.  The kernel takes as many as
 * there is room for, which may be two; who gives two gives no pair.
 */
static int
detach(struct msghdr *message)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);
	int fds[2] = { -1, -1 };
	size_t n;

	if (c == NULL || c->cmsg_level != SOL_SOCKET ||
	    c->cmsg_type != SCM_RIGHTS)
		return -1;
	n = c->cmsg_len - CMSG_LEN(0);
	memcpy(fds, CMSG_DATA(c), n < sizeof(fds) ? n : sizeof(fds));
	if (fds[1] < 0)
		return fds[0];
	(void)close(fds[0]); /* nothing was written to it */
	(void)close(fds[1]); /* nor to this one */
	return -1;
}

/* Up to ${len} bytes, and perhaps a descriptor, if none has come before. */
static ssize_t
receive(int via, uint8_t *bytes, size_t len, int *fd)
{
	union control control = { 0 };
	struct iovec iov = { bytes, len };
	struct msghdr message = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = *fd < 0 ? control.space : NULL,
		.msg_controllen = *fd < 0 ? sizeof(control.space) : 0 };
	ssize_t n;

	do
		n = recvmsg(via, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n > 0 && *fd < 0)
		*fd = detach(&message);
	return n < 0 ? -errno : n;
}

static int
receive_all(int via, uint8_t *bytes, size_t len, int *fd)
{
	ssize_t n;

	while (len > 0) {
		n = receive(via, bytes, len, fd);
		if (n <= 0)
			return n == 0 ? -EPIPE : (int)n;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The message; ${fd}: what came with it, whatever the result. */
static int
take_message(int via, int *fd, void *state, size_t *len)
{
	uint8_t head[HEAD];
	uint32_t n;
	int r = receive_all(via, head, HEAD, fd);

	if (r < 0)
		return r;
	n = le32_get(head + sizeof(magic));
	if (memcmp(head, magic, sizeof(magic)) != 0 || *fd < 0 ||
	    n > MAX_STATE || le32_get(head + 12) != 0)
		return -EPROTO;
	if (n > *len)
		return -EMSGSIZE;
	r = receive_all(via, state, n, fd);
	if (r == 0)
		*len = n;
	return r;
}

int
pmt_pair_take(int via, struct pmt_pair **ret_pair, void *state, size_t *len)
{
	int fd = -1;
	int r = take_message(via, &fd, state, len);

	if (r == 0)
		return pair_adopt(fd, ret_pair);
	if (fd >= 0)
		(void)close(fd); /* nothing was written to it */
	return r;
}
