/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What it costs at least to ask another process: messages of BYTES through a
 * Unix socket, each answered by 64 bytes before the next.  Prints the seconds.
 *
 *     hop BYTES MESSAGES
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REPLY 64
#define SOCKET_BUFFER (1 << 20)

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* can't fail */
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
get(int fd, char *buf, size_t len)
{
	while (len > 0) {
		ssize_t n = read(fd, buf, len);

		if (n <= 0)
			_exit(n < 0); /* the other one is done */
		len -= (size_t)n;
	}
}

static void
put(int fd, const char *buf, size_t len)
{
	if (write(fd, buf, len) != (ssize_t)len) {
		perror("hop");
		_exit(1);
	}
}

int
main(int argc, char **argv)
{
	size_t len = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	long count = argc == 3 ? atol(argv[2]) : 0;
	int size = SOCKET_BUFFER, fds[2];
	char *buf = malloc(len + REPLY);
	double begin;

	if (len == 0 || count < 1 || buf == NULL ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0) {
		(void)fputs("usage: hop BYTES MESSAGES\n", stderr);
		return 2;
	}
	(void)setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	memset(buf, 1, len + REPLY);
	if (fork() == 0) {
		(void)close(fds[0]);
		for (;;) {
			get(fds[1], buf, len);
			put(fds[1], buf, REPLY);
		}
	}
	(void)close(fds[1]);
	begin = now();
	for (long i = 0; i < count; i++) {
		put(fds[0], buf, len);
		get(fds[0], buf, REPLY);
	}
	printf("%.6f\n", now() - begin);
	return 0;
}
