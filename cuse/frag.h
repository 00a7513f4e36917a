/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole records out of fragments.  The kernel cuts a large read(2) or write(2)
 * into requests of at most a chunk, and says neither that there is more to come
 * nor that there is not.  This module finds that out, sees to it that one
 * system call is one to the drive, that no part of a record is ever written,
 * and that no byte which write(2) has told is written is missing from the tape
 * without an error.  It belongs to one open file; it knows the drive, but not
 * where requests come from.  See frag.c for how.
 *
 * Not for two threads at once.  Any call may take as long as the tape does.
 */
#ifndef PMT_FRAG_H
#define PMT_FRAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "caller.h"

struct drive;
struct frag;

/* One request: a part, perhaps all, of a system call. */
struct frag_part {
	pid_t tid;	 /* whose system call; 0: not visible from here */
	uint64_t offset; /* bytes; see ${append} */
	size_t size;	 /* bytes, at most a chunk */
	/*
	 * Offsets begin at 0 with each system call; but with ${append} (an
	 * O_APPEND write to a regular file) at an arbitrary number.
	 */
	bool append;
};

/*
 * For one open file of ${d}.  ${chunk}: the size, in bytes, of every fragment
 * but the last of a system call.  ${name}: of the node, for messages.  Neither
 * is copied.  NULL: out of memory.
 */
struct frag *frag_new(struct drive *d, size_t chunk, const char *name,
    const struct caller_source *source);

/* Frees it; an unfinished record is gone, with a message.  NULL is fine. */
void frag_free(struct frag *f);

/*
 * A fragment of write(2).  Returns the bytes of it that count as written, or a
 * negative errno.  ${data} is where frag_place() says, or anywhere else.  A
 * record is refused on its first fragment, as the kernel turns an error on a
 * later one into a short count; where that can't be helped the next call fails
 * with the error, too.  In fixed block mode what counts as written is on the
 * tape, except for less than a block that the next fragment completes.
 */
ssize_t frag_write(struct frag *f, const struct frag_part *part,
    const void *data);

/* Whether that fragment goes on with a write(2) that has begun already. */
bool frag_goes_on(struct frag *f, const struct frag_part *part);

/* Whether a write(2) has begun of which more is to come, as far as is known. */
bool frag_is_writing(const struct frag *f);

/*
 * Where the data of the next write request of thread ${tid} are wanted, if it
 * begins at ${offset}: there they need not be copied.  There is room for a
 * chunk.  ${data} NULL: nowhere.  Good until the next call; to be asked right
 * after frag_write().
 */
struct frag_place {
	void *data;
	uint64_t offset;
};
struct frag_place frag_place(struct frag *f, pid_t tid);

/*
 * A fragment of read(2).  Returns the bytes read, fewer than asked or 0 at the
 * end of the system call, or a negative errno.  ${ret_data} is good until the
 * next call.
 */
ssize_t frag_read(struct frag *f, const struct frag_part *part,
    const void **ret_data);

/*
 * To be called before anything else is done to the drive on behalf of thread
 * ${tid}: a record that could have had another fragment is now known to be
 * complete, and is written.  0, or a negative errno that the drive gave after
 * the write(2) it belongs to had ended; then that is the answer.
 */
int frag_settle(struct frag *f, pid_t tid);

/*
 * The same before the file is closed, when no thread is in a system call on it
 * any more: a record that was cut off by the death of its writer is dropped.
 * Returns an error that nobody has been told yet.
 */
int frag_finish(struct frag *f);

#endif
