/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way to a server; see client_link.h.  Owns the process and the bytes, and
 * knows nothing of what they mean.
 *
 * One socket carries both directions.  While it sends it also receives, so that
 * two sides that wait for each other's reading can't hang; what has been
 * received and not taken is bounded by a buffer that never grows.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client_link.h"

#define SAID_MAX 200	     /* bytes of standard error that are kept */
#define SOCKET_BYTES 1048576 /* asked of the kernel, each way */
#define REAP_MS 5	     /* between two looks whether it has ended */

struct rmt_link {
	pid_t pid;
	int fd;	    /* both ways, does not block */
	int err_fd; /* its standard error, does not block; -1: at its end */
	uint8_t in[RMT_LINK_AHEAD];
	size_t in_at, in_end; /* what has come and was not taken */
	char said[SAID_MAX + 1];
	size_t said_len;
	char line[SAID_MAX + 1]; /* the last whole line */
};

int64_t
rmt_link_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* can't fail */
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- The process --------------------------------------------------------- */

/* What the program starts with: signals as after login, its three files. */
static int
spawn(const char *const *argv, int fd, int err_fd, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, usual;
	char **args;
	int r;

	(void)sigemptyset(&none);
	(void)sigemptyset(&usual);
	(void)sigaddset(&usual, SIGPIPE);
	(void)sigaddset(&usual, SIGHUP);
	(void)sigaddset(&usual, SIGXFSZ);
	r = posix_spawn_file_actions_init(&actions);
	if (r != 0)
		return -r;
	r = posix_spawnattr_init(&attr);
	if (r != 0) {
		(void)posix_spawn_file_actions_destroy(&actions);
		return -r;
	}
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setsigdefault(&attr, &usual);
	(void)posix_spawnattr_setpgroup(&attr, 0);
	(void)posix_spawnattr_setflags(&attr,
	    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
		POSIX_SPAWN_SETPGROUP);
	r = posix_spawn_file_actions_adddup2(&actions, fd, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, fd, 1);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, err_fd, 2);
	/* posix_spawnp() takes no const, but changes nothing. */
	memcpy(&args, &argv, sizeof(args));
	if (r == 0)
		r = posix_spawnp(ret_pid, args[0], &actions, &attr, args,
		    environ);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* Above the three that the program gets, so that dup2() is always one. */
static int
lift(int *fd)
{
	int n;

	if (*fd > 2)
		return 0;
	n = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
	if (n < 0)
		return -errno;
	(void)close(*fd); /* there is a copy */
	*fd = n;
	return 0;
}

static void
close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]); /* nothing was written */
}

static void
prepare(int fd)
{
	int size = SOCKET_BYTES;

	(void)fcntl(fd, F_SETFL, O_NONBLOCK); /* can't fail */
	/* Less is fine. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

int
rmt_link_open(const char *const *argv, struct rmt_link **ret_link)
{
	int fds[4] = { -1, -1, -1, -1 }; /* ours, its; of err: ours, its */
	struct rmt_link *l = calloc(1, sizeof(*l));
	int r = l == NULL ? -ENOMEM : 0;

	if (r == 0 &&
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		r = -errno;
	if (r == 0 && pipe2(fds + 2, O_CLOEXEC) < 0)
		r = -errno;
	for (size_t i = 0; r == 0 && i < 4; i++)
		r = lift(&fds[i]);
	if (r == 0)
		r = spawn(argv, fds[1], fds[3], &l->pid);
	if (r < 0) {
		close_all(fds, 4);
		free(l);
		return r;
	}
	close_all(fds + 1, 1);
	close_all(fds + 3, 1);
	prepare(fds[0]);
	(void)fcntl(fds[2], F_SETFL, O_NONBLOCK); /* can't fail */
	l->fd = fds[0];
	l->err_fd = fds[2];
	*ret_link = l;
	return 0;
}

void
rmt_link_close(struct rmt_link *l, int wait_ms)
{
	int64_t end = rmt_link_now() + wait_ms;
	struct timespec pause = { .tv_nsec = REAP_MS * 1000000L };

	if (l == NULL)
		return;
	(void)close(l->fd); /* it sees the end of its input */
	while (waitpid(l->pid, NULL, WNOHANG) == 0) {
		if (rmt_link_now() < end) {
			(void)nanosleep(&pause, NULL); /* shorter is fine */
			continue;
		}
		(void)kill(-l->pid, SIGKILL); /* it is not reaped yet */
		(void)kill(l->pid, SIGKILL);
		(void)waitpid(l->pid, NULL, 0);
		break;
	}
	if (l->err_fd >= 0)
		(void)close(l->err_fd);
	free(l);
}

/* ---- What it says -------------------------------------------------------- */

static void
end_line(struct rmt_link *l)
{
	if (l->said_len == 0)
		return;
	memcpy(l->line, l->said, l->said_len);
	l->line[l->said_len] = '\0';
	l->said_len = 0;
}

static void
hear(struct rmt_link *l)
{
	char some[512];
	ssize_t n = read(l->err_fd, some, sizeof(some));

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		(void)close(l->err_fd);
		l->err_fd = -1;
	}
	for (ssize_t i = 0; i < n; i++) {
		char c = some[i];

		if (c == '\n')
			end_line(l);
		else if (l->said_len < SAID_MAX && c != '\r')
			l->said[l->said_len++] = c >= ' ' && c <= '~' ? c : '?';
	}
}

const char *
rmt_link_said(struct rmt_link *l)
{
	struct pollfd p = { .fd = l->err_fd, .events = POLLIN };

	while (l->err_fd >= 0 && poll(&p, 1, 0) > 0)
		hear(l);
	end_line(l);
	return l->line;
}

/* ---- Bytes --------------------------------------------------------------- */

/* Waits until one of ${events} is there on the socket; hears meanwhile. */
static int
wait_for(struct rmt_link *l, short events, int64_t deadline, short *ret_events)
{
	for (;;) {
		struct pollfd p[2] = { { .fd = l->fd, .events = events },
			{ .fd = l->err_fd, .events = POLLIN } };
		int64_t left = deadline - rmt_link_now();
		int n;

		if (left < 0)
			return -ETIMEDOUT;
		n = poll(p, 2, left < INT32_MAX ? (int)left : INT32_MAX);
		if (n < 0 && errno != EINTR)
			return -ENOLINK;
		if (n > 0 && p[1].revents != 0)
			hear(l);
		if (n > 0 && p[0].revents != 0) {
			*ret_events = p[0].revents;
			return 0;
		}
	}
}

static size_t
in_room(struct rmt_link *l)
{
	if (l->in_at == l->in_end) {
		l->in_at = l->in_end = 0;
	} else if (l->in_end == sizeof(l->in) && l->in_at > 0) {
		memmove(l->in, l->in + l->in_at, l->in_end - l->in_at);
		l->in_end -= l->in_at;
		l->in_at = 0;
	}
	return sizeof(l->in) - l->in_end;
}

/* One recv(2) into ${buf}: bytes; 0: nothing yet. */
static ssize_t
get_some(struct rmt_link *l, void *buf, size_t size)
{
	ssize_t n = recv(l->fd, buf, size, 0);

	if (n > 0)
		return n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return -ENOLINK;
}

/* Receives what is there, if it fits. */
static int
receive_some(struct rmt_link *l)
{
	size_t room = in_room(l);
	ssize_t n;

	if (room == 0)
		return 0;
	n = get_some(l, l->in + l->in_end, room);
	if (n < 0)
		return (int)n;
	l->in_end += (size_t)n;
	return 0;
}

/* One sendmsg(2): bytes; 0: not now. */
static ssize_t
put_some(struct rmt_link *l, struct iovec *iov)
{
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n = sendmsg(l->fd, &m, MSG_NOSIGNAL);

	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : -ENOLINK;
}

static void
skip(struct iovec *iov, size_t n)
{
	for (int i = 0; i < 2; i++) {
		size_t part = n < iov[i].iov_len ? n : iov[i].iov_len;

		iov[i].iov_base = (uint8_t *)iov[i].iov_base + part;
		iov[i].iov_len -= part;
		n -= part;
	}
}

int
rmt_link_send(struct rmt_link *l, const void *head, size_t head_len,
    const void *data, size_t data_len, int64_t deadline)
{
	struct iovec iov[2] = { { .iov_len = head_len },
		{ .iov_len = data_len } };
	short events;
	ssize_t n;
	int r;

	/* An iovec takes no const, but nothing is changed. */
	memcpy(&iov[0].iov_base, &head, sizeof(head));
	memcpy(&iov[1].iov_base, &data, sizeof(data));
	while (iov[0].iov_len + iov[1].iov_len > 0) {
		n = put_some(l, iov);
		if (n < 0)
			return (int)n;
		if (n > 0) {
			skip(iov, (size_t)n);
			continue;
		}
		events = (short)(POLLOUT | (in_room(l) > 0 ? POLLIN : 0));
		r = wait_for(l, events, deadline, &events);
		if (r == 0 && (events & (POLLIN | POLLHUP | POLLERR)) != 0)
			r = receive_some(l);
		if (r < 0)
			return r;
	}
	return 0;
}

int
rmt_link_receive(struct rmt_link *l, int64_t deadline)
{
	short events;
	int r;

	if (in_room(l) == 0)
		return -ENOBUFS;
	r = wait_for(l, POLLIN, deadline, &events);
	return r < 0 ? r : receive_some(l);
}

const void *
rmt_link_ahead(const struct rmt_link *l, size_t *ret_len)
{
	*ret_len = l->in_end - l->in_at;
	return l->in + l->in_at;
}

void
rmt_link_take(struct rmt_link *l, size_t len)
{
	assert(len <= l->in_end - l->in_at);
	l->in_at += len;
}

int
rmt_link_read(struct rmt_link *l, void *buf, size_t len, int64_t deadline)
{
	uint8_t *out = buf;
	short events;
	size_t have;
	ssize_t n;
	int r;

	while (len > 0) {
		have = l->in_end - l->in_at;
		have = have < len ? have : len;
		if (have > 0 && out != NULL)
			memcpy(out, l->in + l->in_at, have);
		l->in_at += have;
		len -= have;
		out = out == NULL ? NULL : out + have;
		if (len == 0)
			break;
		/* The buffer is empty: what is large goes past it. */
		n = 0;
		if (out != NULL)
			n = get_some(l, out, len);
		if (n < 0)
			return (int)n;
		if (n > 0) {
			out += n;
			len -= (size_t)n;
			continue;
		}
		r = wait_for(l, POLLIN, deadline, &events);
		if (r == 0 && out == NULL)
			r = receive_some(l);
		if (r < 0)
			return r;
	}
	return 0;
}
