/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A channel: one connection to the kernel (a CUSE device or a FUSE file system)
 * and the two threads that serve it.  Owns the descriptor's reading side, the
 * request buffers and the threads; libfuse takes requests apart and calls the
 * operations of the session, which belongs to the transport (dev.h, fs.h).
 */
#ifndef PMT_CHAN_H
#define PMT_CHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

struct chan;
struct chan_buf;
struct fuse_session;
struct spec_error;

/* So that whatever the kernel sends fits where a chunk does. */
#define CHAN_MIN_CHUNK 8112

struct chan_config {
	const char *name; /* for messages; not copied */
	void *owner;	  /* chan_owner() gives it back */
	size_t chunk;	  /* bytes, the largest read or write; not less
			     than CHAN_MIN_CHUNK */
	size_t pages;	  /* that a request can carry */
	/* wire_finish_cuse_init() or wire_finish_fuse_init() */
	int (*finish_init)(const struct iovec *iov, int count, size_t chunk,
	    size_t pages);
	int ended_fd; /* an eventfd that counts when the channel has ended */
};

/* NULL: out of memory. */
struct chan *chan_new(const struct chan_config *config);

/*
 * Frees it; chan_join() comes first, if chan_start() was called.  The session
 * and the descriptor are the transport's.  NULL is fine.
 */
void chan_free(struct chan *c);

/* The userdata of a session on a channel is the channel; its owner is this. */
void *chan_owner(const struct chan *c);

/*
 * Puts the channel between ${se} and ${fd}, which the session owns from then
 * on, and serves the kernel's first request, in the calling thread: afterwards
 * the two sides know each other.  Waits a few seconds at most.  A failure is a
 * negative errno, with words.
 */
int chan_connect(struct chan *c, struct fuse_session *se, int fd,
    struct spec_error *e);

/*
 * Starts the threads.  All signals are blocked in them but the first real-time
 * signal, which is theirs: chan_join() uses it to call them back.  On failure,
 * a negative errno with words, none runs.
 */
int chan_start(struct chan *c, struct spec_error *e);

/* Asks the threads to end when they have done what they are doing. */
void chan_stop(struct chan *c);

/*
 * Waits until the threads have ended, up to ${deadline} of CLOCK_MONOTONIC.
 * -ETIMEDOUT: one is still inside the drive; then the channel, and all that its
 * operations use, must never be freed.
 */
int chan_join(struct chan *c, const struct timespec *deadline);

/*
 * To be told of opens and closes, the open before it is tried: with none open
 * nothing wakes up.
 */
void chan_count_open(struct chan *c, int change);

/*
 * The rest is for operations, while a thread of the channel is inside one.
 *
 * chan_place(): if the thread's next request is a write of thread ${tid} to the
 * file ${handle} from ${offset} on, its data shall come to ${place}, where
 * there must be room for a chunk until then.
 */
void chan_place(struct chan *c, void *place, pid_t tid, uint64_t handle,
    uint64_t offset);

/*
 * The request has its place among the others, so the thread may be relieved:
 * the next one may be read, by another thread.  Before the operation does
 * anything that takes time.
 */
void chan_in_order(struct chan *c);

/*
 * The operation waits for what another request of this channel will bring:
 * reads on, for up to ${timeout_ms}, and carries out one request, if one comes,
 * inside the operation.  After chan_in_order(); such a request must not wait
 * for anything.  False, at once: the calling thread is not the reader, another
 * one sees to that.
 */
bool chan_read_on(struct chan *c, int timeout_ms);

/* Where the data of a write are, which libfuse takes to be at ${data}. */
const void *chan_data(struct chan *c, const void *data);

/*
 * Keeps the request's buffer until chan_give_back(); its data are at
 * ${ret_data} then, wherever they were.  NULL: that many are kept already.
 */
struct chan_buf *chan_keep(struct chan *c, const void **ret_data);
void chan_give_back(struct chan *c, struct chan_buf *buf);

#endif
