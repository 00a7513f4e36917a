/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading from a host file.  Small pieces come out of a window on the file,
 * which grows while the pieces lie close together, in either direction, and
 * shrinks when they don't: a tape of small records costs one call for many of
 * them, and one of large records is not read just to be spaced over.  Whoever
 * changes the file empties the window.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "hostfile.h"
#include "hostfile_state.h"
#include "tape.h"

#define WINDOW_MIN 512	 /* bytes of the first filling */
#define WINDOW_NEAR 4096 /* a miss this close to it makes it grow */

/* Reads all of ${len} bytes, which lie inside the file. */
static int
read_all(struct hostfile *h, uint64_t at, uint8_t *buf, size_t len)
{
	while (len > 0) {
		ssize_t n = hostfile_sys->pread(h->fd, buf, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hostfile_fail(h, errno == ENOSPC ? EIO : errno,
			    at, "can't be read");
		if (n == 0)
			return tape_fail(h->owner, EIO,
			    "%s: offset %" PRIu64 ": the file ends here now; "
			    "it was cut short while in use",
			    h->name, at);
		buf += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static bool
in_window(const struct hostfile *h, uint64_t at, size_t len)
{
	return at >= h->window_at && at - h->window_at <= h->window_len &&
	    len <= h->window_len - (size_t)(at - h->window_at);
}

/*
 * Moves the window so that it has these bytes, and what is likely to be wanted
 * next: more of what follows, or of what precedes when going backward.
 */
static int
move_window(struct hostfile *h, uint64_t at, size_t len)
{
	uint64_t end = h->window_at + h->window_len;
	bool backward = at < h->window_at;
	uint64_t gap = backward ? h->window_at - at : at - end;
	uint64_t from = at;
	int r;

	if (at < end && !backward)
		gap = 0;
	h->span = h->span == 0 || gap > WINDOW_NEAR ? WINDOW_MIN : 2 * h->span;
	if (h->span > HOSTFILE_WINDOW)
		h->span = HOSTFILE_WINDOW;
	end = at + len;
	if (backward)
		from = end > h->span ? end - h->span : 0;
	else
		end = h->size - at > h->span ? at + h->span : h->size;
	h->window_len = 0;
	r = read_all(h, from, h->window, (size_t)(end - from));
	if (r < 0)
		return r;
	h->window_at = from;
	h->window_len = (size_t)(end - from);
	return 0;
}

int
hostfile_peek(struct hostfile *h, uint64_t at, size_t len,
    const uint8_t **ret_bytes)
{
	int r = 0;

	assert(len <= 64 && at <= h->size && len <= h->size - at);
	if (!in_window(h, at, len))
		r = move_window(h, at, len);
	if (r < 0)
		return r;
	*ret_bytes = h->window + (at - h->window_at);
	return 0;
}

int
hostfile_read(struct hostfile *h, uint64_t at, void *buf, size_t len)
{
	assert(at <= h->size && len <= h->size - at);
	if (!in_window(h, at, len))
		return read_all(h, at, buf, len);
	if (len > 0)
		memcpy(buf, h->window + (at - h->window_at), len);
	return 0;
}

/*
 * What is wanted goes to ${buf}, what follows into the window, with one call.
 * Whatever is not as simple as that is left to the calls above.
 */
int
hostfile_read_on(struct hostfile *h, uint64_t at, void *buf, size_t len,
    size_t more)
{
	struct iovec pieces[2] = {
		{ .iov_base = buf, .iov_len = len },
		{ .iov_base = h->window, .iov_len = more },
	};
	ssize_t n;

	assert(at <= h->size && len <= h->size - at);
	if (len < WINDOW_NEAR || more > HOSTFILE_WINDOW ||
	    in_window(h, at, len))
		return hostfile_read(h, at, buf, len);
	if (more > h->size - at - len)
		pieces[1].iov_len = (size_t)(h->size - at - len);
	n = hostfile_sys->preadv(h->fd, pieces, 2, (off_t)at);
	h->window_len = 0;
	if (n < 0 || (size_t)n < len)
		return hostfile_read(h, at, buf, len);
	h->window_at = at + len;
	h->window_len = (size_t)n - len;
	return 0;
}
