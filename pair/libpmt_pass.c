/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libpmt: handing a pair over to another process.  The descriptor, and that of
 * the memory if there is some, go through a Unix socket, with a message:
 *
 *   offset size
 *    0      8   "pmtpair" and a 1, the version
 *    8      4   bytes of state that follow, little-endian
 *   12      4   how many descriptors
 *   16     ...  the state, whatever the giver likes
 *
 * Between two requests nothing else of the pair is in the process.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bytes.h"
#include "libpmt_pair.h"
#include "stream.h"

#define HEAD 16
#define MAX_STATE 4096u

static const uint8_t magic[8] = { 'p', 'm', 't', 'p', 'a', 'i', 'r', 1 };

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
	const int fds[] = { pair->fd, pair->memory.fd };
	unsigned count = pair->memory.bytes != NULL ? 2 : 1;
	struct iovec iov = { bytes, HEAD + len };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	union stream_rights rights;
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
	le32_put(bytes + 12, count);
	if (len > 0)
		memcpy(bytes + HEAD, state, len);
	stream_attach(&message, &rights, fds, count);
	do
		n = sendmsg(via, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return send_rest(via, bytes + n, HEAD + len - (size_t)n);
}

/* Up to ${len} bytes, and perhaps descriptors, if none have come before. */
static ssize_t
receive(int via, uint8_t *bytes, size_t len, int fds[STREAM_FDS])
{
	struct iovec iov = { bytes, len };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	union stream_rights rights;
	ssize_t n;

	if (fds[0] < 0)
		stream_expect(&message, &rights);
	do
		n = recvmsg(via, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n > 0 && fds[0] < 0)
		stream_detach(&message, fds);
	return n < 0 ? -errno : n;
}

static int
receive_all(int via, uint8_t *bytes, size_t len, int fds[STREAM_FDS])
{
	ssize_t n;

	while (len > 0) {
		n = receive(via, bytes, len, fds);
		if (n <= 0)
			return n == 0 ? -EPIPE : (int)n;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The message; ${fds}: what came with it, whatever the result. */
static int
take_message(int via, int fds[STREAM_FDS], void *state, size_t *len)
{
	uint8_t head[HEAD];
	uint32_t n;
	int r = receive_all(via, head, HEAD, fds);

	if (r < 0)
		return r;
	n = le32_get(head + sizeof(magic));
	if (memcmp(head, magic, sizeof(magic)) != 0 || n > MAX_STATE ||
	    le32_get(head + 12) != (uint32_t)((fds[0] >= 0) + (fds[1] >= 0)) ||
	    fds[0] < 0)
		return -EPROTO;
	if (n > *len)
		return -EMSGSIZE;
	r = receive_all(via, state, n, fds);
	if (r == 0)
		*len = n;
	return r;
}

/* A pair of the descriptors that have come, which are its own, or closed. */
static int
adopt(const int fds[STREAM_FDS], struct pmt_pair **ret_pair)
{
	struct pmt_pair *pair;
	int r = pair_adopt(fds[0], &pair);

	if (r < 0 && fds[1] >= 0)
		(void)close(fds[1]); /* nothing was written to it */
	if (r < 0)
		return r;
	if (fds[1] >= 0)
		r = memory_take(&pair->memory, fds[1]);
	if (r < 0)
		pmt_pair_close(pair);
	else
		*ret_pair = pair;
	return r;
}

int
pmt_pair_take(int via, struct pmt_pair **ret_pair, void *state, size_t *len)
{
	int fds[STREAM_FDS] = { -1, -1 };
	int r = take_message(via, fds, state, len);

	if (r == 0)
		return adopt(fds, ret_pair);
	stream_close(fds);
	return r;
}
