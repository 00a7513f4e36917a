/* SPDX-License-Identifier: BSD-2-Clause */
/* The bytes of the protocol that libfuse does not reach, and what /proc tells.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "tap.h"
#include "wire.h"

#define PAGE 4096

static struct caller_memo memo = { .fd = -1 };
static uint64_t request[32]; /* aligned as requests are */

static bool
is_sound(uint32_t opcode, size_t size, size_t said, uint32_t data)
{
	struct fuse_in_header *in = (struct fuse_in_header *)request;
	struct fuse_write_in *write_in = (void *)(in + 1);
	struct fuse_ioctl_in *ioctl_in = (void *)(in + 1);

	memset(request, 0, sizeof(request));
	in->len = (uint32_t)said;
	in->opcode = opcode;
	if (opcode == FUSE_WRITE)
		write_in->size = data;
	else if (opcode == FUSE_IOCTL)
		ioctl_in->in_size = data;
	return wire_is_sound(request, size);
}

static void
test_chunk(void)
{
	if (sysconf(_SC_PAGESIZE) == PAGE)
		tap_is_int(126967, (int64_t)wire_chunk(32),
		    "a chunk of CUSE is the largest prime below 31 pages");
	tap_ok(wire_chunk(256) % 2 == 1 && wire_chunk(256) % 3 != 0,
	    "a chunk of FUSE is no multiple of a small number");
	tap_ok(wire_chunk(256) <= 255 * (size_t)sysconf(_SC_PAGESIZE),
	    "... and fits 256 pages wherever it begins");
}

static void
test_sound(void)
{
	tap_ok(is_sound(FUSE_OPEN, 48, 48, 0), "a request is sound");
	tap_ok(!is_sound(FUSE_OPEN, 48, 47, 0),
	    "... unless its length is another than was read");
	tap_ok(!is_sound(FUSE_OPEN, 39, 39, 0), "... or has no whole header");
	tap_ok(is_sound(FUSE_WRITE, 90, 90, 10), "a write is sound");
	tap_ok(!is_sound(FUSE_WRITE, 90, 90, 11),
	    "... unless data are missing");
	tap_ok(!is_sound(FUSE_WRITE, 60, 60, 0), "... or its second header is");
	tap_ok(!is_sound(FUSE_WRITE, 90, 90, UINT32_MAX),
	    "... or its length would overflow");
	tap_ok(is_sound(FUSE_IOCTL, 80, 80, 8), "an ioctl is sound");
	tap_ok(!is_sound(FUSE_IOCTL, 80, 80, 9),
	    "... unless its argument is cut");
}

static void
test_init(void)
{
	struct cuse_init_out cuse = { .max_read = 131072 };
	struct fuse_init_out fuse = { .max_write = 1 << 20 };
	struct iovec iov[2] = {
		{ .iov_base = request, .iov_len = 16 },
		{ .iov_base = &cuse, .iov_len = sizeof(cuse) },
	};

	tap_is_int(0, wire_finish_cuse_init(iov, 2, 126967, 32),
	    "the answer to CUSE_INIT is completed");
	tap_is_int(126967, cuse.max_read, "... with our largest read");
	tap_is_int(-EPROTO, wire_finish_cuse_init(iov, 1, 126967, 32),
	    "... unless it is an error");
	iov[1] = (struct iovec){ .iov_base = &fuse, .iov_len = sizeof(fuse) };
	tap_is_int(-EOPNOTSUPP, wire_finish_fuse_init(iov, 2, 1000003, 256),
	    "a kernel without FUSE_MAX_PAGES will not do");
	fuse.flags = FUSE_MAX_PAGES;
	tap_is_int(0, wire_finish_fuse_init(iov, 2, 1000003, 256),
	    "one with it will");
	tap_is_int(256, fuse.max_pages, "... and learns how many we take");
}

static void
test_expected(void)
{
	struct fuse_in_header *in = (struct fuse_in_header *)request;
	struct fuse_write_in *arg = (void *)(in + 1);

	(void)is_sound(FUSE_WRITE, 90, 90, 10); /* makes one */
	in->pid = 7;
	arg->fh = 3;
	arg->offset = 100;
	tap_ok(wire_is_write(request, 90, 7, 3, 100),
	    "a write is the one that is expected");
	tap_ok(!wire_is_write(request, 90, 8, 3, 100),
	    "... but not of another thread");
	tap_ok(!wire_is_write(request, 90, 7, 4, 100),
	    "... nor of another file");
	tap_ok(!wire_is_write(request, 90, 7, 3, 101),
	    "... nor at another offset");
	tap_ok(!wire_is_write(request, 79, 7, 3, 100), "... nor if it is cut");
}

/* User-Mode Linux has the file, but nothing in it. */
static bool
kernel_tells(void)
{
	char byte;
	int fd = open("/proc/self/syscall", O_RDONLY | O_CLOEXEC);
	bool tells = fd >= 0 && read(fd, &byte, 1) == 1;

	if (fd >= 0)
		(void)close(fd);
	return tells;
}

/* A child that waits in read(2) of 12345 bytes. */
static pid_t
start_reader(int fd)
{
	static char buf[12345];
	pid_t pid = fork();

	if (pid < 0)
		tap_bail("fork: %s", strerror(errno));
	if (pid == 0) {
		(void)!read(fd, buf, sizeof(buf));
		_exit(0);
	}
	return pid;
}

static void
test_count(pid_t pid)
{
	size_t count = 0;
	int tries;

	/* The child is on its way there. */
	for (tries = 0; tries < 1000 && count == 0; tries++)
		if (!caller_proc.count(&memo, pid, CALLER_READS, &count))
			(void)poll(NULL, 0, 5);
	tap_is_int(12345, (int64_t)count,
	    "/proc tells how much a thread wants to read");
	tap_ok(!caller_proc.count(&memo, pid, CALLER_WRITES, &count),
	    "... and that it does not write");
}

static void
test_caller(void)
{
	size_t count;
	int fds[2];
	pid_t pid;

	if (pipe(fds) < 0)
		tap_bail("pipe: %s", strerror(errno));
	pid = start_reader(fds[0]);
	if (kernel_tells())
		test_count(pid);
	else
		tap_ok(!caller_proc.count(&memo, pid, CALLER_READS, &count),
		    "a kernel that does not tell of counts leaves them "
		    "unknown");
	tap_ok(!caller_proc.count(&memo, 0, CALLER_READS, &count),
	    "nothing is known of a thread that is not visible");
	tap_ok(!caller_proc.killed(pid), "a thread that waits lives");
	(void)kill(pid, SIGKILL);
	(void)waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT);
	tap_ok(caller_proc.killed(pid), "one that a signal has ended does not");
	(void)waitpid(pid, NULL, 0);
	tap_ok(caller_proc.killed(pid), "... nor one that is gone");
	tap_ok(!caller_proc.count(&memo, pid, CALLER_READS, &count),
	    "... of which nothing more is known");
	caller_forget(&memo);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

int
main(void)
{
	test_chunk();
	test_sound();
	test_init();
	test_expected();
	test_caller();
	return tap_done();
}
