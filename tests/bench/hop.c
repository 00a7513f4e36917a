/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What it costs at least to ask another process: a record of BYTES is copied to
 * memory that both see, 64 bytes go through a Unix socket, and 64 come back
 * before the next.  Prints the seconds.
 *
 *     hop BYTES RECORDS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE 64

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* can't fail */
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
get(int fd, char buf[MESSAGE])
{
	ssize_t n = read(fd, buf, MESSAGE);

	if (n != MESSAGE)
		_exit(n != 0); /* the other one is done */
}

static void
put(int fd, const char buf[MESSAGE])
{
	if (write(fd, buf, MESSAGE) != MESSAGE) {
		perror("hop");
		_exit(1);
	}
}

int
main(int argc, char **argv)
{
	size_t len = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	long count = argc == 3 ? atol(argv[2]) : 0;
	char *record = calloc(1, len), *shared;
	char buf[MESSAGE] = { 0 };
	int fds[2];
	double begin;

	shared = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (len == 0 || count < 1 || record == NULL || shared == MAP_FAILED ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0) {
		(void)fputs("usage: hop BYTES RECORDS\n", stderr);
		return 2;
	}
	if (fork() == 0) {
		(void)close(fds[0]);
		for (;;) {
			get(fds[1], buf);
			put(fds[1], buf);
		}
	}
	(void)close(fds[1]);
	begin = now();
	for (long i = 0; i < count; i++) {
		memcpy(shared, record, len);
		put(fds[0], buf);
		get(fds[0], buf);
	}
	printf("%.6f\n", now() - begin);
	return 0;
}
