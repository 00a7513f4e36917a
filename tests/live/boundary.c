/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Record boundaries on a real node, as TAP:
 *
 *     boundary NODE
 *
 * NODE does not rewind, holds a tape of at least 256 MiB that may be
 * overwritten, and is in variable block mode.  One write(2) must be one record,
 * and one read(2) must give it back whole, whatever its size and wherever the
 * buffer lies in its page: the kernel cuts both in pieces.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mtio.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define MIB ((size_t)1 << 20)
#define MAX_RECORD (16 * MIB)

/* What a writer writes that is killed: many pieces, over either transport. */
#define KILLED_RECORD (8 * MIB)

/* Around everything that a piece, a page and a power of two can be. */
static const size_t sizes[] = { 1, 2, 511, 512, 4095, 4096, 4097, 10240, 65536,
	126966, 126967, 126968, 131071, 131072, 131073, 253933, 253934, 253935,
	262144, 1044478, 1044479, 1044480, MIB, MIB + 1, 2 * 1044479, 4 * MIB,
	MAX_RECORD - 1, MAX_RECORD };
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static const size_t offsets[] = { 0, 1, 16, 4095 };
#define OFFSETS (sizeof(offsets) / sizeof(offsets[0]))

static const char *node;
static uint8_t *out; /* both begin on a page, with a page to spare */
static uint8_t *in;

static int
open_node(int flags)
{
	int fd = open(node, flags | O_CLOEXEC);

	if (fd < 0)
		tap_bail("%s: %s", node, strerror(errno));
	return fd;
}

static void
move(int fd, short op, int count)
{
	const struct mtop mt = { .mt_op = op, .mt_count = count };

	if (ioctl(fd, MTIOCTOP, &mt) < 0)
		tap_bail("%s: operation %d: %s", node, op, strerror(errno));
}

/* Bytes that tell one record from another, and places in it. */
static void
fill(uint8_t *buf, size_t size, uint64_t seed)
{
	uint64_t word = seed * 0x9e3779b97f4a7c15u + 1;
	size_t i;

	for (i = 0; i < size; i++) {
		if (i % 8 == 0) {
			word ^= word << 13;
			word ^= word >> 7;
			word ^= word << 17;
		}
		buf[i] = (uint8_t)(word >> (i % 8 * 8));
	}
}

/* Whether the next record has ${size} bytes, those of ${seed}. */
static bool
reads_back(int fd, uint8_t *buf, size_t count, size_t size, uint64_t seed)
{
	ssize_t n = read(fd, buf, count);

	if (n != (ssize_t)size) {
		tap_diag("read of %zu: expected %zu, seen %zd: %s", count, size,
		    n, n < 0 ? strerror(errno) : "");
		return false;
	}
	fill(out, size, seed);
	if (memcmp(out, buf, size) == 0)
		return true;
	tap_diag("a record of %zu bytes came back different", size);
	return false;
}

/* All sizes from one buffer offset: written, then read by larger reads. */
static void
test_offset(size_t offset)
{
	int fd = open_node(O_RDWR);
	size_t good = 0;
	size_t i;

	move(fd, MTREW, 1);
	for (i = 0; i < SIZES; i++) {
		ssize_t n;

		fill(out + offset, sizes[i], i + offset);
		n = write(fd, out + offset, sizes[i]);
		good += n == (ssize_t)sizes[i];
		if (n != (ssize_t)sizes[i])
			tap_diag("write of %zu: %zd", sizes[i], n);
	}
	tap_is_int(SIZES, (int64_t)good,
	    "at offset %zu in a page every write is whole", offset);
	move(fd, MTREW, 1); /* which writes a filemark */
	for (good = 0, i = 0; i < SIZES; i++)
		good += reads_back(fd, in + offset, MAX_RECORD, sizes[i],
		    i + offset);
	tap_is_int(SIZES, (int64_t)good,
	    "at offset %zu each is one record, read with room to spare",
	    offset);
	tap_is_int(0, read(fd, in, MAX_RECORD), "then comes the filemark");

	move(fd, MTREW, 1);
	for (good = 0, i = 0; i < SIZES; i++)
		good +=
		    reads_back(fd, in + offset, sizes[i], sizes[i], i + offset);
	tap_is_int(SIZES, (int64_t)good,
	    "at offset %zu each is one record, read with room for it alone",
	    offset);
	tap_is_int(0, read(fd, in, 1), "then comes the filemark");
	(void)close(fd);
}

/* Whether this kernel tells anybody how much a thread has asked for. */
static bool
kernel_tells_counts(void)
{
	char line[16];
	int fd = open("/proc/self/syscall", O_RDONLY | O_CLOEXEC);
	bool told = fd >= 0 && read(fd, line, sizeof(line)) > 0;

	if (fd >= 0)
		(void)close(fd);
	return told;
}

/* What test_offset() has left there, with one byte too little room. */
static void
test_too_small(void)
{
	int fd = open_node(O_RDONLY);
	bool told = kernel_tells_counts();
	size_t tried = 0;
	size_t good = 0;
	size_t i;

	move(fd, MTREW, 1);
	for (i = 0; i < SIZES; i++) {
		size_t count = sizes[i] - 1;
		ssize_t n;

		if (count == 0 || (!told && count >= 126967)) {
			move(fd, MTFSR, 1);
			continue;
		}
		n = read(fd, in, count);
		tried++;
		good += n < 0 && errno == ENOMEM;
		if (n >= 0 || errno != ENOMEM)
			tap_diag("read of %zu: %zd", count, n);
	}
	tap_is_int((int64_t)tried, (int64_t)good,
	    "a read one byte short of the record is ENOMEM%s",
	    told ? "" : ", as far as this kernel tells of counts");
	tap_is_int(0, read(fd, in, MAX_RECORD),
	    "and each has moved past its record");
	(void)close(fd);
}

/* Fixed block mode: a read or write is many blocks, however it is cut. */
static void
test_fixed(void)
{
	const size_t block = 1000;
	const size_t size = 1500 * block;
	const size_t reading = 217 * block;
	int fd = open_node(O_RDWR);
	size_t at;

	move(fd, MTREW, 1);
	move(fd, MTSETBLK, (int)block);
	fill(out, size, 7);
	tap_is_int((int64_t)size, write(fd, out, size),
	    "in fixed block mode a write is many blocks");
	move(fd, MTREW, 1);
	for (at = 0; at < size; at += reading) {
		size_t left = size - at < reading ? size - at : reading;

		if (read(fd, in + at, reading) != (ssize_t)left)
			break;
	}
	tap_ok(at >= size, "reads of any number of blocks give them back");
	tap_is_mem(out, in, size, "and in their order");
	tap_is_int(0, read(fd, in, reading), "then comes the filemark");
	move(fd, MTREW, 1);
	tap_is_int((int64_t)size, read(fd, in, MAX_RECORD),
	    "a read of all there is stops at the filemark");
	tap_is_int(0, read(fd, in, reading), "which is the next read");
	move(fd, MTSETBLK, 0);
	(void)close(fd);
}

static void
on_alarm(int signal_number)
{
	(void)signal_number;
}

/* A signal that comes at any time must not cut a record. */
static void
test_signals(void)
{
	const struct sigaction alarm_action = { .sa_handler = on_alarm };
	const struct itimerval often = { .it_interval = { .tv_usec = 1000 },
		.it_value = { .tv_usec = 1000 } };
	const struct itimerval never = { 0 };
	int fd = open_node(O_RDWR);
	size_t good = 0;
	size_t i;

	move(fd, MTREW, 1);
	(void)sigaction(SIGALRM, &alarm_action, NULL);
	(void)setitimer(ITIMER_REAL, &often, NULL);
	for (i = 0; i < 40; i++)
		good += write(fd, out, MIB + i) == (ssize_t)(MIB + i);
	(void)setitimer(ITIMER_REAL, &never, NULL);
	tap_is_int(40, (int64_t)good, "writes are whole in a storm of signals");
	move(fd, MTREW, 1);
	for (good = 0, i = 0; i < 40; i++)
		good += read(fd, in, 2 * MIB) == (ssize_t)(MIB + i);
	tap_is_int(40, (int64_t)good, "and so are their records");
	(void)close(fd);
}

/* A child that writes one large record after the other until it is killed. */
static pid_t
start_writer(void)
{
	pid_t pid = fork();
	int fd;

	if (pid < 0)
		tap_bail("fork: %s", strerror(errno));
	if (pid > 0)
		return pid;
	fd = open_node(O_WRONLY);
	move(fd, MTREW, 1);
	move(fd, MTWEOF, 1); /* nothing is left of what was there */
	move(fd, MTREW, 1);
	for (;;)
		if (write(fd, out, KILLED_RECORD) < 0)
			_exit(1);
}

/* Counts the records up to the filemark; ${ret_odd}: of another size. */
static size_t
count_records(size_t *ret_odd)
{
	int fd = open_node(O_RDONLY);
	size_t records = 0;
	ssize_t n;

	move(fd, MTREW, 1);
	while ((n = read(fd, in, MAX_RECORD)) > 0) {
		records++;
		*ret_odd += n != (ssize_t)KILLED_RECORD;
	}
	(void)close(fd);
	return records;
}

/* A program that is killed in the middle of a write leaves no part of it. */
static void
test_killed(void)
{
	size_t records = 0;
	size_t odd = 0;
	useconds_t delay;
	int i;

	for (i = 0, delay = 20000; i < 12; i++, delay += 7919) {
		pid_t pid = start_writer();
		int status;

		(void)usleep(delay); /* not an event: any moment will do */
		(void)kill(pid, SIGKILL);
		if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
			tap_bail("the writer was not killed");
		records += count_records(&odd);
	}
	tap_diag("%zu records were written by writers that were killed",
	    records);
	tap_is_int(0, (int64_t)odd,
	    "a killed writer leaves whole records only");
}

int
main(int argc, char **argv)
{
	size_t i;

	if (argc != 2)
		tap_bail("usage: boundary NODE");
	node = argv[1];
	out = aligned_alloc(4096, MAX_RECORD + 4096);
	in = aligned_alloc(4096, MAX_RECORD + 4096);
	if (out == NULL || in == NULL)
		tap_bail("out of memory");
	memset(out, 0, MAX_RECORD + 4096);
	for (i = 0; i < OFFSETS; i++)
		test_offset(offsets[i]);
	test_too_small();
	test_fixed();
	test_signals();
	test_killed();
	free(out);
	free(in);
	return tap_done();
}
