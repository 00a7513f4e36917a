/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libpmt: the slave end for programs.  Messages in and out of the descriptor,
 * whole; what they may say is in wire.c.
 *
 * On a node read() gives exactly one request and write() takes exactly one
 * answer, so that header and record have to lie together.  On a socket they are
 * gathered, and bytes come in pieces.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "bytes.h"
#include "libpmt_pair.h"
#include "stream.h"
#include "wire.h"

/* How long pmtd may have to do with others before it greets, ms. */
#define GREETING_MS 30000

/* ---- Making and ending --------------------------------------------------- */

static int
map_buffer(struct pmt_pair *pair)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	/* What is never touched costs no memory. */
	pair->map_size = page + PMT_PAIR_MAX_RECORD;
	pair->map = mmap(NULL, pair->map_size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pair->map == MAP_FAILED)
		return -errno;
	pair->header = pair->map + page - PMT_PAIR_HEADER;
	return 0;
}

int
pair_adopt(int fd, struct pmt_pair **ret_pair)
{
	struct pmt_pair *pair = calloc(1, sizeof(*pair));
	struct stat st;
	int r = pair == NULL ? -ENOMEM : map_buffer(pair);

	if (r == 0 && fstat(fd, &st) < 0) {
		r = -errno;
		(void)munmap(pair->map, pair->map_size); /* it was mapped */
	}
	if (r < 0) {
		free(pair);
		(void)close(fd); /* nothing was written to it */
		return r;
	}
	pair->fd = fd;
	pair->is_socket = S_ISSOCK(st.st_mode);
	pair->usual = USUAL_STEP;
	pair->memory = MEMORY_NONE;
	pair->why = "";
	*ret_pair = pair;
	return 0;
}

/*
 * pmtd says HELLO to whom it lets in, at once, and leaves others without a
 * word. The message stays where it is.
 */
static int
await_greeting(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;
	int r = poll(&p, 1, GREETING_MS);
	ssize_t n;

	if (r <= 0)
		return r < 0 ? -errno : -ETIMEDOUT;
	n = recv(fd, &byte, 1, MSG_PEEK);
	if (n < 0)
		return errno == ECONNRESET ? -EBUSY : -errno;
	return n == 0 ? -EBUSY : 0;
}

/* The socket at ${path}, connected to a pmtd that has let us in. */
static int
connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path); /* it fits */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0
	    ? -errno
	    : await_greeting(fd);
	if (err == 0)
		return fd;
	(void)close(fd); /* nothing was sent */
	return err;
}

int
pmt_pair_open(const char *path, struct pmt_pair **ret_pair)
{
	struct stat st;
	int fd;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISSOCK(st.st_mode))
		fd = connect_to(path);
	else
		fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return S_ISSOCK(st.st_mode) ? fd : -errno;
	return pair_adopt(fd, ret_pair);
}

int
pmt_pair_fd(const struct pmt_pair *pair)
{
	return pair->fd;
}

/* Where the data of the request are, or those of its answer may be. */
void *
pmt_pair_room(struct pmt_pair *pair)
{
	return pair->shared ? pair->memory.bytes
			    : pair->header + PMT_PAIR_HEADER;
}

const char *
pmt_pair_why(const struct pmt_pair *pair)
{
	return pair->why;
}

void
pmt_pair_close(struct pmt_pair *pair)
{
	if (pair == NULL)
		return;
	(void)close(pair->fd); /* answers were sent whole, or not */
	memory_drop(&pair->memory);
	(void)munmap(pair->map, pair->map_size);
	free(pair);
}

/* ---- Failing ------------------------------------------------------------- */

static int
fail(struct pmt_pair *pair, int r, const char *why)
{
	pair->why = why;
	return r;
}

/* Nothing can be made of the pair any more. */
static int
end(struct pmt_pair *pair, int r, const char *why)
{
	pair->ended = true;
	return fail(pair, r, why);
}

static int
gone(struct pmt_pair *pair)
{
	return end(pair, -EPIPE, "the drive has ended, or has thrown us out");
}

/* What a transfer that failed with ${err} comes to. */
static int
failed(struct pmt_pair *pair, int err)
{
	switch (err) {
	case EINTR:
	case EAGAIN:
		return fail(pair, -err, strerror(err));
	case EPIPE:
	case ENOTCONN:
	case ECONNABORTED:
	case ECONNRESET:
	case ENODEV:
		return gone(pair);
	default:
		return end(pair, -err, strerror(err));
	}
}

/* ---- Requests ------------------------------------------------------------ */

/* The message's length, once its header is there; before it, the header's. */
static size_t
length_of(const struct pmt_pair *pair)
{
	return pair->have < PMT_PAIR_HEADER ? PMT_PAIR_HEADER
					    : le32_get(pair->header);
}

/*
 * At a node read(2) costs what its buffer has, for the kernel pins all of it
 * before it asks pmtd.  So the buffer is as large as the last request was, and
 * a request that does not fit is read again: until it is read whole it is
 * there.
 */
static ssize_t
read_node(struct pmt_pair *pair)
{
	ssize_t n = read(pair->fd, pair->header, pair->usual);

	if (n < 0 && errno != EMSGSIZE)
		return n;
	if (n < 0 ||
	    (n >= (ssize_t)PMT_PAIR_HEADER &&
		(size_t)n < le32_get(pair->header)))
		n = read(pair->fd, pair->header, PMT_PAIR_MAX_MESSAGE);
	if (n > 0)
		pair->usual =
		    ((size_t)n + USUAL_STEP - 1) / USUAL_STEP * USUAL_STEP;
	if (pair->usual > PMT_PAIR_MAX_MESSAGE)
		pair->usual = PMT_PAIR_MAX_MESSAGE; /* the buffer's end */
	return n;
}

/*
 * On a socket memory may come along, with HELLO; without it records come as
 * messages, so it is no loss if it can't be had.
 */
static ssize_t
read_socket(struct pmt_pair *pair)
{
	struct iovec iov = { pair->header + pair->have,
		PMT_PAIR_MAX_MESSAGE - pair->have };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	union stream_rights rights;
	int fds[STREAM_FDS];
	ssize_t n;

	stream_expect(&message, &rights);
	n = recvmsg(pair->fd, &message, MSG_CMSG_CLOEXEC);
	if (n < 0)
		return n;
	stream_detach(&message, fds);
	if (fds[0] >= 0 && pair->memory.bytes == NULL) {
		(void)memory_take(&pair->memory, fds[0]);
		fds[0] = -1; /* it is the memory's */
	}
	stream_close(fds);
	return n;
}

/*
 * Reads until a message is whole.  There can be nothing behind it: the next
 * request comes after the answer.
 */
static int
receive(struct pmt_pair *pair)
{
	ssize_t n;

	for (;;) {
		n = pair->is_socket ? read_socket(pair) : read_node(pair);
		if (n < 0)
			return failed(pair, errno);
		if (n == 0)
			return gone(pair);
		pair->have += (size_t)n;
		if (pair->have > length_of(pair))
			return end(pair, -EPROTO, "more bytes than a message");
		if (pair->have >= PMT_PAIR_HEADER &&
		    pair->have == length_of(pair))
			return 0;
		if (!pair->is_socket)
			return end(pair, -EPROTO, "half a message");
		if (length_of(pair) > PMT_PAIR_MAX_MESSAGE)
			return end(pair, -EPROTO, "a message that is too long");
	}
}

static int
take_request(struct pmt_pair *pair)
{
	const char *why;
	int r = receive(pair);

	if (r < 0)
		return r;
	pair->have = 0;
	if (pair_wire_get_request(pair->header, &pair->request, &why) < 0)
		return end(pair, -EPROTO, why);
	pair->shared = pair->request.op != PMT_HELLO &&
	    (pair->request.flags & PMT_SHARED) != 0;
	if (pair->shared && pair->memory.bytes == NULL)
		return end(pair, -EPROTO, "no memory has come to share");
	if (pair->request.len > 0)
		pair->request.data = pmt_pair_room(pair);
	pair->asked = true;
	return 0;
}

/* Speaks the version that both sides know, if there is one. */
static int
say_hello(struct pmt_pair *pair)
{
	struct pmt_reply reply = pmt_reply_to(&pair->request);
	int r;

	reply.at = (struct pmt_position){ .known = false };
	reply.done = PMT_PAIR_VERSION;
	reply.shared = pair->memory.bytes != NULL &&
	    (pair->request.flags & PMT_SHARED) != 0;
	if (pair->request.unit <= PMT_PAIR_VERSION &&
	    pair->request.count >= PMT_PAIR_VERSION)
		return pmt_pair_answer(pair, &reply);
	reply.shared = false;
	pmt_reply_fail(&reply, EPROTONOSUPPORT, "no version that both speak");
	r = pmt_pair_answer(pair, &reply);
	return r < 0 ? r : end(pair, -EPROTO, "no version that both speak");
}

int
pmt_pair_next(struct pmt_pair *pair, struct pmt_request *ret_request)
{
	int r;

	pair->why = "";
	if (pair->asked)
		return fail(pair, -EBUSY, "the last request is not answered");
	if (pair->ended)
		return gone(pair);
	r = take_request(pair);
	while (r == 0 && pair->request.op == PMT_HELLO) {
		r = say_hello(pair);
		if (r == 0)
			r = take_request(pair);
	}
	if (r == 0)
		*ret_request = pair->request;
	return r;
}

/* ---- Answers ------------------------------------------------------------- */

static uint64_t
all_of(const struct pmt_request *request)
{
	if (request->op == PMT_FILEMARKS)
		return request->count;
	if (request->op != PMT_SPACE || request->unit == PMT_TO_EOD)
		return 0;
	return (int64_t)request->count < 0 ? -request->count : request->count;
}

struct pmt_reply
pmt_reply_to(const struct pmt_request *request)
{
	return (struct pmt_reply){ .op = request->op,
		.id = request->id,
		.done = all_of(request),
		.at = request->at,
		.room = PMT_PAIR_MAX_RECORD };
}

void
pmt_reply_fail(struct pmt_reply *reply, int error, const char *words)
{
	reply->error = error;
	reply->cond = PMT_NONE;
	reply->done = 0;
	reply->data = words;
	reply->len = strnlen(words, PMT_PAIR_MAX_WORDS);
	reply->info = NULL;
}

/* One try; header and data are two pieces, or one. */
static ssize_t
put(struct pmt_pair *pair, struct iovec iov[2])
{
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2 };

	if (pair->is_socket)
		return sendmsg(pair->fd, &message, MSG_NOSIGNAL);
	return write(pair->fd, pair->header, iov[0].iov_len + iov[1].iov_len);
}

/* An answer is never left half: signals, and a full socket, are waited out. */
static int
send_all(struct pmt_pair *pair, struct iovec iov[2])
{
	struct pollfd p = { .fd = pair->fd, .events = POLLOUT };
	ssize_t n;

	while (iov[0].iov_len + iov[1].iov_len > 0) {
		n = put(pair, iov);
		if (n >= 0 && !pair->is_socket &&
		    (size_t)n != iov[0].iov_len + iov[1].iov_len)
			return end(pair, -EPROTO, "half an answer was taken");
		if (n < 0 && errno == EAGAIN)
			(void)poll(&p, 1, -1); /* then it is tried again */
		else if (n < 0 && errno != EINTR)
			return failed(pair, errno);
		if (n > 0)
			stream_advance(iov, 2, (size_t)n);
	}
	return 0;
}

static int
send_reply(struct pmt_pair *pair, const struct pmt_reply *reply)
{
	uint8_t *room =
	    reply->shared ? pair->memory.bytes : pair->header + PMT_PAIR_HEADER;
	struct iovec iov[2] = { { pair->header, PMT_PAIR_HEADER },
		{ room, reply->shared ? 0 : reply->len } };

	if (reply->len > 0 && reply->data != room) {
		/* Short ones, too: one piece is cheaper than two. */
		memmove(room, reply->data, reply->len);
	}
	pair_wire_put_reply(pair->header, reply);
	return send_all(pair, iov);
}

/*
 * What pmtd would throw us out for, or NULL.  It sees the bytes, in which not
 * all fits that a struct holds.
 */
static const char *
what_is_wrong(const struct pmt_request *request, const struct pmt_reply *reply)
{
	uint8_t header[PMT_PAIR_HEADER];
	struct pmt_reply seen;
	const char *why = NULL;

	if (reply->error < 0 || reply->error > (int)PMT_PAIR_MAX_ERRNO)
		return "no such error";
	if ((unsigned)reply->cond > PMT_EOM)
		return "no such condition";
	pair_wire_put_reply(header, reply);
	if (pair_wire_check_reply(request, reply, &why) == 0)
		(void)pair_wire_get_reply(header, &seen, &why); /* sets why */
	return why;
}

/* What a medium is goes as bytes; NULL, or why it does not go. */
static const char *
pack_info(struct pmt_pair *pair, struct pmt_reply *reply)
{
	if (pair->request.op != PMT_DESCRIBE || reply->error != 0)
		return "a description that does not belong there";
	reply->data = pmt_pair_room(pair);
	reply->len = PMT_PAIR_INFO;
	pair_wire_put_info(pmt_pair_room(pair), reply->info);
	return NULL;
}

/* Makes of ${reply} what is sent; NULL, or what is wrong with it. */
static const char *
complete(struct pmt_pair *pair, struct pmt_reply *reply)
{
	const struct pmt_request *request = &pair->request;
	bool reads = reply->op == PMT_READ && reply->error == 0;
	const char *why = NULL;

	if (request->op != PMT_HELLO)
		reply->shared = pair->shared && reads;
	if (reads && reply->len > request->count)
		reply->len = request->count;
	if (reply->info != NULL)
		why = pack_info(pair, reply);
	return why != NULL ? why : what_is_wrong(request, reply);
}

int
pmt_pair_answer(struct pmt_pair *pair, const struct pmt_reply *reply)
{
	struct pmt_reply sent = *reply;
	const char *why;
	int r;

	pair->why = "";
	if (!pair->asked)
		return fail(pair, -EINVAL, "there is nothing to answer");
	why = complete(pair, &sent);
	if (why != NULL)
		return fail(pair, -EINVAL, why);
	if (pair->ended)
		return gone(pair);
	r = send_reply(pair, &sent);
	pair->asked = false;
	return r;
}

/* ---- The loop ------------------------------------------------------------ */

static int
wait_for_request(struct pmt_pair *pair, struct pmt_request *ret_request)
{
	struct pollfd p = { .fd = pair->fd, .events = POLLIN };
	int r;

	while ((r = pmt_pair_next(pair, ret_request)) == -EAGAIN)
		if (poll(&p, 1, -1) < 0)
			return fail(pair, -errno, strerror(errno));
	return r;
}

int
pmt_pair_serve(struct pmt_pair *pair, const pmt_handler handlers[PMT_OPS],
    void *arg)
{
	struct pmt_request request;
	struct pmt_reply reply;
	pmt_handler handler;
	int r;

	while ((r = wait_for_request(pair, &request)) == 0) {
		reply = pmt_reply_to(&request);
		handler = handlers[request.op] != NULL ? handlers[request.op]
						       : handlers[0];
		if (handler != NULL)
			handler(arg, &request, &reply);
		else
			pmt_reply_fail(&reply, EOPNOTSUPP,
			    "this tape can't do that");
		r = pmt_pair_answer(pair, &reply);
		if (r < 0)
			break;
	}
	return r == -EPIPE ? 0 : r;
}
