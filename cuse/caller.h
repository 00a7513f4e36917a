/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What /proc knows of the thread that waits in a system call on a node: how
 * many bytes it asked for, which no request says once the kernel has cut the
 * call into fragments, and whether a signal has killed it meanwhile.
 */
#ifndef PMT_CALLER_H
#define PMT_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum caller_direction {
	CALLER_READS,
	CALLER_WRITES,
};

/* The caller that was asked about last, as most are the one before again. */
struct caller_memo {
	pid_t tid;
	int fd; /* its file in /proc, or -1 */
};
#define CALLER_MEMO_NONE ((struct caller_memo){ .fd = -1 })

/* Where the facts come from: caller_proc, or a test. */
struct caller_source {
	/*
	 * True: thread ${tid} waits in a read(2) or write(2), as
	 * ${direction} says, of ${ret_count} bytes.  False: that can't be
	 * told, for want of rights, because the kernel does not show it
	 * (User-Mode Linux), or because the call is another one (readv(2),
	 * io_uring ...). May take a few milliseconds.  ${memo}: see
	 * caller_forget().
	 */
	bool (*count)(struct caller_memo *memo, pid_t tid,
	    enum caller_direction direction, size_t *ret_count);

	/*
	 * Whether ${tid} has been killed by a signal, or is gone, which
	 * looks the same.
	 */
	bool (*killed)(pid_t tid);

	/*
	 * Whether ${tid} is there and will never run its program again: SIGKILL
	 * waits for it, or a signal has killed it and it is being cleared away.
	 */
	bool (*dying)(pid_t tid);
};

/* ${tid} is a thread id in our own pid namespace, 0 if not visible from it. */
extern const struct caller_source caller_proc;

/* Lets go of what ${memo} holds: after its last use, or before another's. */
void caller_forget(struct caller_memo *memo);

#endif
