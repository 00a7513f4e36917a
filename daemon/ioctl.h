/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ioctls of a tape node: which numbers there are, how large their arguments
 * are for 64- and 32-bit callers, and which call of the drive serves each.  The
 * drive behind them knows structs, not bytes; the transport above them knows
 * bytes, not tapes.
 */
#ifndef PMT_IOCTL_H
#define PMT_IOCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct drive;

/* Who calls: MTSETDRVBUFFER needs CAP_SYS_ADMIN. */
struct ioctl_caller {
	uid_t uid;
	pid_t tid;   /* thread id in our pid namespace, 0 if not visible */
	bool compat; /* a 32-bit program on a 64-bit machine */
};

/* The largest argument of any ioctl here, bytes, either way. */
#define IOCTL_MAX_ARG 64

/*
 * How many bytes ioctl ${cmd} reads from and writes to its argument.  -EINVAL:
 * not an ioctl of a tape (which is the answer for the caller, after
 * ioctl_call() has had it too).  An ioctl of 32-bit programs is known whoever
 * calls.
 */
int ioctl_sizes(uint32_t cmd, size_t *ret_in, size_t *ret_out);

/*
 * Carries out ${cmd}.  ${in} has the size that ioctl_sizes() tells, ${out} room
 * for IOCTL_MAX_ARG bytes; on success ${ret_out} tells how many of them count.
 * The result is the system call's: 0, or a negative errno; -EINVAL for an
 * unknown ${cmd}, as st answers.
 */
int ioctl_call(struct drive *d, uint32_t cmd, const struct ioctl_caller *who,
    const void *in, void *out, size_t *ret_out);

#endif
