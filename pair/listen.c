/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slave end as a Unix socket; see listen.h.
 *
 * The thread owns the peer: it alone makes it, and frees it when it is attached
 * no more and no exchange is under way.  Whoever exchanges only uses its
 * descriptor; whoever cuts it shuts that down, which ends any exchange, and
 * wakes the thread.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "listen.h"
#include "memory.h"
#include "port.h"
#include "spec.h"
#include "stream.h"
#include "wire.h"

/* What may lie sent and not yet received, bytes. */
#define SOCKET_BUFFER (1 << 20)

/* How soon is tried again what failed for want of descriptors, ms. */
#define AGAIN_MS 100

struct peer {
	struct port_end base;
	int fd;
	int wake_fd; /* the thread's */
	atomic_bool cut;
	struct memory memory; /* that he has, too */
};

struct listen {
	struct port *port;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	struct stat made; /* the socket's file, as we made it */
	int fd;
	int wake_fd;
	atomic_bool stopping;
	atomic_uint hello_ms; /* to answer HELLO */
	bool started;
	pthread_t thread;
	struct peer *peer; /* the thread's; NULL: none */
};

/* ---- Sending and receiving ----------------------------------------------- */

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* can't fail */
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What a failed send or receive is. */
static int
failure(void)
{
	return errno == EINTR ? 0 : -EPIPE;
}

/* Waits until ${events} are there; ${deadline} 0: no need to. */
static int
await(int fd, short events, int64_t deadline)
{
	struct pollfd ready = { .fd = fd, .events = events };
	int64_t left;

	if (deadline == 0)
		return 0;
	do {
		left = deadline - now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
	} while (poll(&ready, 1, left < 60000 ? (int)left : 60000) < 1);
	return 0;
}

/* The record, if there is one, goes through the memory, if there is some. */
static void
share(struct peer *peer, struct port_call *call)
{
	struct pmt_request *request = &call->request;
	bool writes = request->op == PMT_WRITE;

	if (peer->memory.bytes == NULL ||
	    (!writes && request->op != PMT_READ) ||
	    !memory_back(&peer->memory, request->count))
		return;
	request->flags |= PMT_SHARED;
	pair_wire_put_request(call->header, request);
	if (writes)
		memcpy(peer->memory.bytes, request->data, request->len);
}

/* Offers him the memory, with HELLO. */
static void
offer(struct peer *peer, struct port_call *hello)
{
	if (memory_make(&peer->memory) < 0)
		return; /* then records go through the socket */
	hello->request.flags |= PMT_SHARED;
	pair_wire_put_request(hello->header, &hello->request);
}

static int
send_request(const struct peer *peer, struct port_call *call, int64_t deadline)
{
	const struct pmt_request *request = &call->request;
	bool shared = (request->flags & PMT_SHARED) != 0;
	struct iovec iov[2] = {
		{ call->header, sizeof(call->header) },
		{ (void *)(uintptr_t)request->data, shared ? 0 : request->len },
	};
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2 };
	union stream_rights rights;
	int flags = MSG_NOSIGNAL | (deadline != 0 ? MSG_DONTWAIT : 0);

	if (shared && request->op == PMT_HELLO)
		stream_attach(&message, &rights, &peer->memory.fd, 1);
	while (iov[0].iov_len + iov[1].iov_len > 0) {
		int r = await(peer->fd, POLLOUT, deadline);
		ssize_t n = r < 0 ? 0 : sendmsg(peer->fd, &message, flags);

		if (r < 0)
			return r;
		if (n > 0) {
			stream_advance(iov, 2, (size_t)n);
			message.msg_controllen = 0; /* it has gone along */
		} else if (errno != EAGAIN && failure() < 0) {
			return -EPIPE;
		}
	}
	return 0;
}

/* Receives up to what ${iov} takes; the bytes that came. */
static ssize_t
receive(const struct peer *peer, struct iovec *iov, size_t count,
    int64_t deadline)
{
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = count };
	ssize_t n;

	do {
		int r = await(peer->fd, POLLIN, deadline);

		if (r < 0)
			return r;
		n = recvmsg(peer->fd, &message, 0);
	} while (n < 0 && failure() == 0);
	if (n <= 0)
		return -EPIPE;
	stream_advance(iov, count, (size_t)n);
	return n;
}

/*
 * The data of a reply are received where they most likely go, together with the
 * header: a record to where it is wanted, unless that is small, all else to the
 * side.
 */
static int
receive_reply(const struct peer *peer, struct port_call *call, int64_t deadline)
{
	uint8_t header[PMT_PAIR_HEADER];
	bool reads = call->request.op == PMT_READ &&
	    call->size >= sizeof(call->side); /* so that words fit, too */
	uint8_t *guess = reads ? call->buf : call->side;
	uint8_t beyond; /* to see at once whether there is more */
	struct iovec iov[] = { { header, sizeof(header) },
		{ guess, reads ? call->size : sizeof(call->side) },
		{ &beyond, sizeof(beyond) } };
	size_t came = 0, len = 0;
	void *data = NULL;
	ssize_t n;
	int r;

	while (came < sizeof(header)) {
		n = receive(peer, iov, 3, deadline);
		if (n < 0)
			return (int)n;
		came += (size_t)n;
	}
	came -= sizeof(header);
	r = port_take_header(call, header, &data, &len);
	if (r < 0)
		return r;
	if (came > len) {
		(void)snprintf(call->why, sizeof(call->why),
		    "more bytes than the reply has"); /* fits */
		return -EPROTO;
	}
	if (data != guess && came > 0)
		memcpy(data, guess, came);
	while (came < len) {
		iov[0] = (struct iovec){ (uint8_t *)data + came, len - came };
		iov[1] = (struct iovec){ NULL, 0 };
		n = receive(peer, iov, 2, deadline);
		if (n < 0)
			return (int)n;
		came += (size_t)n;
	}
	if (call->reply.shared && call->reply.len > 0)
		memcpy(call->buf, peer->memory.bytes, call->reply.len);
	return 0;
}

static int
peer_exchange(struct port_end *end, struct port_call *call, unsigned timeout_ms)
{
	struct peer *peer = (struct peer *)end;
	int64_t deadline = timeout_ms > 0 ? now_ms() + timeout_ms : 0;
	int r;

	share(peer, call);
	r = send_request(peer, call, deadline);
	return r < 0 ? r : receive_reply(peer, call, deadline);
}

static void
wake(int fd)
{
	const uint64_t one = 1;

	(void)!write(fd, &one, sizeof(one)); /* full: it is awake */
}

static void
peer_cut(struct port_end *end)
{
	struct peer *peer = (struct peer *)end;

	atomic_store(&peer->cut, true);
	(void)shutdown(peer->fd, SHUT_RDWR); /* it may have gone already */
	wake(peer->wake_fd);
}

static const struct port_end_ops peer_ops = {
	.name = "socket",
	.exchange = peer_exchange,
	.cut = peer_cut,
};

/* ---- Coming and going ---------------------------------------------------- */

static void
drop_peer(struct listen *l)
{
	struct peer *peer = l->peer;

	/*
	 * Who says nothing more can't answer: what is still being sent to him,
	 * who may not read it, is not waited for.  What he has sent counts.
	 */
	(void)shutdown(peer->fd, SHUT_WR); /* it may have gone already */
	/* One that dies during an exchange is that exchange's to tell of. */
	port_await_idle(l->port, &peer->base);
	port_detach(l->port, &peer->base);
	port_await_idle(l->port, &peer->base);
	(void)close(peer->fd); /* nobody uses it any more */
	memory_drop(&peer->memory);
	free(peer);
	l->peer = NULL;
}

static pid_t
pid_of(int fd)
{
	struct ucred ucred = { .pid = 0 };
	socklen_t len = sizeof(ucred);

	(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &ucred,
	    &len); /* 0 is not known */
	return ucred.pid;
}

/* Asks for HELLO; true if the peer is a slave now. */
static bool
greet(struct listen *l, struct peer *peer)
{
	struct port_call hello;
	int r;

	port_hello(&hello);
	offer(peer, &hello);
	r = peer_exchange(&peer->base, &hello, l->hello_ms);
	if (r == 0 && hello.reply.error != 0) {
		(void)snprintf(hello.why, sizeof(hello.why),
		    "it refuses HELLO"); /* fits */
		r = -EPROTO;
	}
	if (!hello.reply.shared)
		memory_drop(&peer->memory);
	if (r == 0)
		port_ready(l->port, &peer->base);
	else if (r == -EPROTO)
		port_throw_out(l->port, &peer->base, hello.why);
	else if (r == -ETIMEDOUT)
		port_throw_out(l->port, &peer->base, "no answer to HELLO");
	return r == 0;
}

static void
let_in(struct listen *l)
{
	int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
	struct pollfd stop = { .fd = l->wake_fd, .events = POLLIN };
	int size = SOCKET_BUFFER;
	struct peer *peer;

	if (fd < 0) {
		if (errno != EAGAIN && errno != ECONNABORTED)
			(void)poll(&stop, 1, AGAIN_MS); /* he waits */
		return; /* else he has gone again */
	}
	peer = calloc(1, sizeof(*peer));
	if (peer == NULL) {
		(void)close(fd); /* nothing was sent */
		return;
	}
	*peer = (struct peer){ .base.ops = &peer_ops,
		.fd = fd,
		.wake_fd = l->wake_fd,
		.memory = MEMORY_NONE };
	if (port_attach(l->port, &peer->base, pid_of(fd)) < 0) {
		(void)close(fd); /* as above: who comes second hears nothing */
		free(peer);
		return;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size,
		    sizeof(size)); /* as much as it may be */
	l->peer = peer;
	if (!greet(l, peer))
		drop_peer(l);
}

static bool
has_gone(const struct peer *peer, short revents)
{
	return atomic_load(&peer->cut) ||
	    (revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

static void *
listen_main(void *arg)
{
	struct listen *l = arg;
	uint64_t count;

	while (!atomic_load(&l->stopping)) {
		struct pollfd fds[] = {
			{ .fd = l->wake_fd, .events = POLLIN },
			{ .fd = l->fd, .events = POLLIN },
			{ .fd = l->peer != NULL ? l->peer->fd : -1,
			    .events = POLLRDHUP },
		};

		if (poll(fds, 3, -1) < 0)
			continue;
		if (fds[0].revents != 0)
			(void)!read(l->wake_fd, &count,
			    sizeof(count)); /* only to be empty */
		if (l->peer != NULL && has_gone(l->peer, fds[2].revents))
			drop_peer(l);
		if (fds[1].revents != 0 && !atomic_load(&l->stopping))
			let_in(l);
	}
	if (l->peer != NULL)
		drop_peer(l);
	return NULL;
}

/* ---- The socket ---------------------------------------------------------- */

/* Sees to it that nothing is in the way. */
static int
clear_path(const char *path, const struct sockaddr_un *name,
    struct spec_error *e)
{
	struct stat st;
	int fd, r = 0;

	if (lstat(path, &st) < 0)
		return 0; /* or bind(2) tells why not */
	if (!S_ISSOCK(st.st_mode))
		return spec_fail(e, EEXIST,
		    "pair:%s: there is something that is no socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return spec_fail(e, errno, "pair:%s: %s", path,
		    strerror(errno));
	if (connect(fd, (const struct sockaddr *)name, sizeof(*name)) == 0 ||
	    errno != ECONNREFUSED)
		r = spec_fail(e, EADDRINUSE,
		    "pair:%s: another program listens there", path);
	else if (unlink(path) < 0)
		r = spec_fail(e, errno, "pair:%s: %s", path, strerror(errno));
	(void)close(fd); /* nothing was sent */
	return r;
}

static int
make_socket(struct listen *l, mode_t mode, struct spec_error *e)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int r;

	memcpy(name.sun_path, l->path, sizeof(l->path));
	r = clear_path(l->path, &name, e);
	if (r < 0)
		return r;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	/* Its mode before it has a name, so that it is never too open. */
	if (l->fd < 0 || l->wake_fd < 0 || fchmod(l->fd, mode) < 0 ||
	    bind(l->fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		return spec_fail(e, errno, "pair:%s: %s", l->path,
		    strerror(errno));
	if (lstat(l->path, &l->made) < 0 || chmod(l->path, mode) < 0 ||
	    listen(l->fd, 8) < 0)
		return spec_fail(e, errno, "pair:%s: %s", l->path,
		    strerror(errno));
	return 0;
}

static int
start_thread(struct listen *l, struct spec_error *e)
{
	sigset_t all, before;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&l->thread, NULL, listen_main, l);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0)
		return spec_fail(e, r, "pair:%s: cannot start a thread: %s",
		    l->path, strerror(r));
	l->started = true;
	return 0;
}

int
listen_start(struct port *p, const char *path, mode_t mode,
    struct listen **ret_listen, struct spec_error *e)
{
	struct listen *l = calloc(1, sizeof(*l));
	int r;

	if (l == NULL)
		return spec_fail(e, ENOMEM, "pair: out of memory");
	l->port = p;
	l->fd = l->wake_fd = -1;
	l->hello_ms = LISTEN_HELLO_MS;
	if (strlen(path) >= sizeof(l->path)) {
		free(l);
		return spec_fail(e, ENAMETOOLONG,
		    "pair:%s: longer than the %zu bytes that a socket's name "
		    "may have",
		    path, sizeof(l->path) - 1);
	}
	memcpy(l->path, path, strlen(path));
	r = make_socket(l, mode, e);
	if (r == 0)
		r = start_thread(l, e);
	if (r < 0) {
		listen_stop(l);
		return r;
	}
	*ret_listen = l;
	return 0;
}

void
listen_set_patience(struct listen *l, unsigned ms)
{
	l->hello_ms = ms;
}

/* Only the file that we have made: another's may have taken its place. */
static void
remove_file(const struct listen *l)
{
	struct stat st;

	if (l->made.st_ino != 0 && lstat(l->path, &st) == 0 &&
	    st.st_ino == l->made.st_ino && st.st_dev == l->made.st_dev)
		(void)unlink(l->path); /* if we can */
}

void
listen_stop(struct listen *l)
{
	if (l == NULL)
		return;
	atomic_store(&l->stopping, true);
	if (l->started) {
		port_cut(l->port, NULL);
		wake(l->wake_fd);
		(void)pthread_join(l->thread, NULL); /* it was started */
	}
	remove_file(l);
	if (l->fd >= 0)
		(void)close(l->fd); /* it holds nothing */
	if (l->wake_fd >= 0)
		(void)close(l->wake_fd); /* nor does it */
	free(l);
}
