/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client of the benchmark: writes records of one size and says how long it
 * took, open and close included, as both do work on a tape.
 *
 *     writer PATH RECORD-BYTES RECORDS [sync]
 *
 * "sync": PATH is a plain file, truncated first; fdatasync before close, as a
 * tape does by itself.  Prints seconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096

static int
fail(const char *what)
{
	(void)fprintf(stderr, "writer: %s: %s\n", what, strerror(errno));
	return EXIT_FAILURE;
}

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* every Linux has it */
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
write_all(const char *path, int flags, size_t size, unsigned long records)
{
	void *buf = aligned_alloc(PAGE, (size + PAGE - 1) / PAGE * PAGE);
	int fd = open(path, flags, 0600);

	if (buf == NULL || fd < 0)
		return fail(path);
	memset(buf, 'x', size);
	for (unsigned long i = 0; i < records; i++)
		if (write(fd, buf, size) != (ssize_t)size)
			return fail("write");
	if (flags & O_CREAT && fdatasync(fd) < 0)
		return fail("fdatasync");
	if (close(fd) < 0)
		return fail("close");
	free(buf);
	return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	int flags = O_WRONLY;
	double began = now();
	int status;

	if (argc != 4 && argc != 5) {
		(void)fputs("usage: writer PATH RECORD-BYTES RECORDS [sync]\n",
		    stderr);
		return 2;
	}
	if (argc == 5)
		flags |= O_CREAT | O_TRUNC;
	status = write_all(argv[1], flags, strtoul(argv[2], NULL, 10),
	    strtoul(argv[3], NULL, 10));
	if (status == EXIT_SUCCESS)
		(void)printf("%.6f\n", now() - began);
	return status;
}
