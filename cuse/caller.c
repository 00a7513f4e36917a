/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What /proc knows of a caller; see caller.h.
 *
 * /proc/TID/syscall of a thread that sleeps in a system call is one line,
 *
 *     1 0x3 0x7ffe3dd2a000 0x493e0 0x0 0x0 0x0 0x7ffe3dd29c58 0x7f41c2a0
 *
 * the number of the call in decimal, six arguments, stack pointer and program
 * counter.  The word "running" says that the thread is not asleep: it has
 * handed in its request a moment ago and is on its way.  Reading it needs the
 * right to ptrace the thread.
 *
 * The flags of /proc/TID/stat, its ninth field, need no rights, nor do the sets
 * of signals in /proc/TID/status.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "caller.h"

/* From the kernel's sched.h, shown since Linux 2.6 and used by many programs.
 */
#define PF_SIGNALED 0x400u

/* How often, and how long apart in nanoseconds, to look at a running thread. */
#define QUICK_LOOKS 20
#define LOOKS 60
#define LOOK_INTERVAL 50000

/* Whether the kernel has an empty file for everybody: then it is not asked. */
static atomic_bool kernel_is_silent;

static int
open_proc(pid_t tid, const char *file)
{
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)tid,
	    file); /* always fits */
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Reads all of a file of /proc as a string; its length, or -1. */
static ssize_t
read_proc(int fd, char *buf, size_t size)
{
	ssize_t n = pread(fd, buf, size - 1, 0);

	if (n >= 0)
		buf[n] = '\0';
	return n;
}

void
caller_forget(struct caller_memo *memo)
{
	if (memo->fd >= 0)
		(void)close(memo->fd); /* it was only read */
	*memo = CALLER_MEMO_NONE;
}

/* The line of ${tid} now.  An open file is that of one thread for ever. */
static bool
read_call(struct caller_memo *memo, pid_t tid, char *line, size_t size)
{
	ssize_t n = -1;

	if (memo->fd >= 0 && memo->tid == tid)
		n = read_proc(memo->fd, line, size);
	if (n < 0) {
		caller_forget(memo);
		memo->tid = tid;
		memo->fd = open_proc(tid, "syscall");
		n = memo->fd < 0 ? -1 : read_proc(memo->fd, line, size);
	}
	if (n == 0)
		atomic_store(&kernel_is_silent, true);
	return n > 0;
}

/* The line of a thread that sleeps, waiting a little for it to do so. */
static bool
read_asleep(struct caller_memo *memo, pid_t tid, char *line, size_t size)
{
	const struct timespec interval = { .tv_nsec = LOOK_INTERVAL };
	int look;

	for (look = 0; look < LOOKS; look++) {
		if (!read_call(memo, tid, line, size))
			return false;
		if (strncmp(line, "running", 7) != 0)
			return true;
		if (look < QUICK_LOOKS)
			(void)sched_yield(); /* can't fail on Linux */
		else
			(void)nanosleep(&interval, NULL); /* shorter is fine */
	}
	return false;
}

static bool
is_call(long number, enum caller_direction direction)
{
	if (direction == CALLER_READS)
		return number == SYS_read || number == SYS_pread64;
	return number == SYS_write || number == SYS_pwrite64;
}

static bool
proc_count(struct caller_memo *memo, pid_t tid, enum caller_direction direction,
    size_t *ret_count)
{
	char line[256];
	uint64_t count;
	long number;

	if (tid <= 0 || atomic_load(&kernel_is_silent) ||
	    !read_asleep(memo, tid, line, sizeof(line)))
		return false;
	if (sscanf(line, "%ld %*x %*x %" SCNx64, &number, &count) != 2 ||
	    !is_call(number, direction))
		return false;
	*ret_count = (size_t)count;
	return true;
}

/* A whole file of /proc/TID as a string; false: the thread is gone. */
static bool
read_file(pid_t tid, const char *file, char *buf, size_t size)
{
	int fd = tid <= 0 ? -1 : open_proc(tid, file);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read_proc(fd, buf, size);
	(void)close(fd); /* it was only read */
	return n > 0;
}

static bool
read_stat(pid_t tid, char *ret_state, unsigned *ret_flags)
{
	char line[512];
	const char *after_name;

	if (!read_file(tid, "stat", line, sizeof(line)))
		return false;
	/* The name is in parentheses and may itself hold any character. */
	after_name = strrchr(line, ')');
	return after_name != NULL &&
	    sscanf(after_name + 1, " %c %*d %*d %*d %*d %*d %u", ret_state,
		ret_flags) == 2;
}

static bool
proc_killed(pid_t tid)
{
	unsigned flags;
	char state;

	return !read_stat(tid, &state, &flags) || (flags & PF_SIGNALED) != 0;
}

/* Whether a set of signals in /proc/TID/status, hexadecimal, has SIGKILL. */
static bool
has_sigkill(const char *status, const char *set)
{
	const char *at = strstr(status, set);

	return at != NULL &&
	    (strtoull(at + strlen(set), NULL, 16) >> (SIGKILL - 1) & 1) != 0;
}

static bool
proc_dying(pid_t tid)
{
	char status[4096];
	unsigned flags;
	char state;

	/* A zombie waits for its parent, not for us. */
	if (!read_stat(tid, &state, &flags) || state == 'Z' || state == 'X')
		return false;
	if ((flags & PF_SIGNALED) != 0)
		return true;
	return read_file(tid, "status", status, sizeof(status)) &&
	    (has_sigkill(status, "\nSigPnd:") ||
		has_sigkill(status, "\nShdPnd:"));
}

const struct caller_source caller_proc = {
	.count = proc_count,
	.killed = proc_killed,
	.dying = proc_dying,
};
