/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A call; see call.h.
 *
 *     begin          lane free
 *     ------> FRESH -----------------------> RUNNING ------> ANSWERED
 *               |                               ^
 *               | lane taken                    | its turn
 *               +------------> WAITING ---------+
 *                                 |
 *                                 +---> dropped: the nodes vanish, ENOTCONN
 *
 * A FRESH call is on the stack of the thread that read the request, and points
 * into the request's buffer.  One that has to wait is a copy on the heap that
 * keeps the buffer if it is a write (its data can be a mebibyte); what other
 * calls need is small and in the copy.
 *
 * Whoever wins ${answered} answers; anybody else's answer is dropped.  The
 * other one is the watch (watch.h), which answers a call whose program is
 * dying.  If that call was RUNNING, the drive is ABANDONED until it ends:
 *
 *     release   answered at once, so that the program can end; the drive is
 *               closed when its turn comes
 *     flush     -EIO at once: nobody knows what will be on the tape
 *     others    wait, and can be killed
 *
 * An open for which there is no slave yet (gate.h) leaves the lane, as a copy
 * that waits at the gate: RUNNING -> WAITING.  A signal takes it away from
 * there.
 *
 * A WAITING call that was given up is not carried out.  An open that has waited
 * for OPEN_PATIENCE_MS is given up too: the drive is busy.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "chan.h"
#include "gate.h"
#include "log.h"
#include "wire.h"

/* As long as a tape may take before others are told that it is busy. */
#define OPEN_PATIENCE_MS 2000

struct call {
	struct lane_job job; /* first: lane_job is the base */
	const struct call_source *from;
	fuse_req_t req;
	struct watch_item item;
	atomic_bool answered;
	bool running; /* in the lane; set by watch_flag() */
	bool resumed; /* has been at the gate */
	void (*serve)(struct call *c);

	struct ioctl_caller who;
	uint64_t handle;
	int flags; /* of open(2) */
	union {
		const struct node *node; /* open */
		struct {		 /* read, write */
			struct frag_part part;
			const void *data;
			struct chan_buf *kept; /* that data is in, if it is */
		};
		struct { /* ioctl */
			uint32_t cmd;
			size_t in_size;
			size_t out_size;
			uint8_t in[IOCTL_MAX_ARG];
		};
	};
};

/* ---- Answers ------------------------------------------------------------ */

/* Whether the caller of this is the one to answer. */
static bool
may_answer(struct call *c)
{
	return !atomic_exchange_explicit(&c->answered, true,
	    memory_order_acq_rel);
}

/* ${r}: 0 or a negative errno.  The kernel takes no error beyond 511. */
static void
answer_error(struct call *c, int r)
{
	assert(r <= 0);
	if (r < -511)
		r = -EIO;
	if (may_answer(c))
		(void)fuse_reply_err(c->req, -r); /* chan.c tells of failures */
}

/* ---- Operations, in the lane -------------------------------------------- */

static bool waits_at_gate(struct call *c);

static void
serve_open(struct call *c)
{
	struct unit *u = c->from->unit;
	struct wire_open answer;
	uint64_t handle;
	int r;

	if (waits_at_gate(c))
		return;
	r = unit_open(u, &c->from->port, c->node, c->flags, &handle);
	if (r == -ENOMEDIUM && waits_at_gate(c))
		return; /* the slave has gone again */
	if (r < 0) {
		chan_count_open(c->from->chan, -1);
		answer_error(c, r);
		return;
	}
	answer = wire_open(handle);
	/* If the program has been killed there will be no release. */
	if (!may_answer(c) ||
	    fuse_reply_buf(c->req, (const char *)&answer, sizeof(answer)) < 0) {
		(void)unit_release(u, handle); /* it is open */
		chan_count_open(c->from->chan, -1);
	}
}

static void
serve_read(struct call *c)
{
	const void *data;
	ssize_t n = unit_read(c->from->unit, c->handle, &c->part, &data);

	if (n < 0)
		answer_error(c, (int)n);
	else if (may_answer(c))
		(void)fuse_reply_buf(c->req, data,
		    (size_t)n); /* chan.c tells of failures */
}

/*
 * Tells the channel where the data of the next request are wanted.  In the
 * thread that has read this one and will read that one, the place can't change
 * in between: by 1 of chan.c no other request for this file can be carried out.
 */
static void
place_next(struct call *c)
{
	struct frag_place place =
	    unit_place(c->from->unit, c->handle, c->who.tid);

	if (place.data != NULL)
		chan_place(c->from->chan, place.data, c->who.tid, c->handle,
		    place.offset);
}

static void
serve_write(struct call *c)
{
	ssize_t n = unit_write(c->from->unit, c->handle, &c->part, c->data);

	if (n < 0)
		answer_error(c, (int)n);
	else if (may_answer(c))
		(void)fuse_reply_write(c->req,
		    (size_t)n); /* chan.c tells of failures */
	if (c->kept == NULL)
		place_next(c);
}

static void
serve_ioctl(struct call *c)
{
	uint8_t out[IOCTL_MAX_ARG];
	size_t want_in = 0;
	size_t want_out = 0;
	size_t len = 0;
	int r = ioctl_sizes(c->cmd, &want_in, &want_out);

	/* An unknown one is also refused, but the drive may do things first. */
	if (r == 0 && (want_in > c->in_size || want_out > c->out_size))
		r = -EINVAL; /* this way it can't carry its argument */
	else
		r = unit_ioctl(c->from->unit, c->handle, c->cmd, &c->who, c->in,
		    out, &len);
	if (r < 0)
		answer_error(c, r);
	else if (may_answer(c))
		(void)fuse_reply_ioctl(c->req, r, out,
		    len); /* chan.c tells of failures */
}

static void
serve_flush(struct call *c)
{
	answer_error(c, unit_flush(c->from->unit, c->handle, c->who.tid));
}

static void
serve_release(struct call *c)
{
	if (unit_release(c->from->unit, c->handle))
		chan_count_open(c->from->chan, -1);
	answer_error(c, 0);
}

/* ---- Giving up ---------------------------------------------------------- */

static struct call *
call_of(struct watch_item *item)
{
	return (struct call *)((char *)item - offsetof(struct call, item));
}

/* By the watch, while the call can't go away. */
static bool
give_up(struct watch_item *item, bool dying)
{
	struct call *c = call_of(item);

	if (!dying && c->running)
		return false; /* its turn has come just now */
	if (c->running) {
		atomic_store(&c->from->unit->abandoned, true);
		log_warning("%s: thread %ld was killed during an operation; "
			    "the drive is busy until that ends",
		    c->from->unit->name, (long)item->tid);
	}
	if (c->serve == serve_release)
		answer_error(c, 0);
	else
		answer_error(c, dying ? -EINTR : -EBUSY);
	return true;
}

/* libfuse has read an INTERRUPT for a request that is not answered yet. */
static void
interrupted(fuse_req_t req, void *unit)
{
	struct unit *u = unit;

	watch_interrupted(&u->watch, req);
}

/* Whether the program waits for it while it exits, when nothing interrupts it.
 */
static bool
is_of_exit(const struct call *c)
{
	if (c->serve == serve_release)
		return !c->from->port.is_file; /* there nobody waits */
	return c->serve == serve_flush;
}

/*
 * From here on ${c} must not move.  An INTERRUPT for it can only be read by
 * this thread, later, or have been read already, so none is missed; once it is
 * entered the request may be answered at any time.  Only an open that was at
 * the gate is here in another thread; it is looked at anyway.
 */
static void
be_watched(struct call *c)
{
	struct unit *u = c->from->unit;

	if (c->who.tid > 0)
		atomic_store(&u->last_tid, c->who.tid);
	if (atomic_load(&c->answered))
		return; /* nobody waits for it */
	fuse_req_interrupt_func(c->req, interrupted, u);
	c->item = (struct watch_item){
		.key = c->req,
		/* Some kernels do not say who closes. */
		.tid = c->who.tid > 0 ? c->who.tid : atomic_load(&u->last_tid),
		.look =
		    c->resumed || is_of_exit(c) || fuse_req_interrupted(c->req),
		.patience_ms = c->serve == serve_open ? OPEN_PATIENCE_MS : 0,
		.give_up = give_up,
	};
	watch_enter(&u->watch, &c->item);
}

/* In the lane: the call itself, unless nobody wants it any more. */
static void
carry_out(struct call *c)
{
	struct unit *u = c->from->unit;
	bool wanted = !watch_flag(&u->watch, &c->item, &c->running) ||
	    c->serve == serve_release;

	if (wanted && atomic_load(&c->answered))
		atomic_store(&u->abandoned, true);
	if (wanted)
		c->serve(c);
	else if (c->serve == serve_open)
		chan_count_open(c->from->chan, -1);
	watch_leave(&u->watch, &c->item);
	atomic_store(&u->abandoned, false);
}

/* ---- Taking turns ------------------------------------------------------- */

static struct call
fresh(const struct call_source *from, fuse_req_t req,
    const struct fuse_file_info *fi, void (*serve)(struct call *c))
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	return (struct call){
		.from = from,
		.req = req,
		.serve = serve,
		.who = { .uid = ctx->uid, .tid = ctx->pid },
		.handle = fi->fh,
		.flags = fi->flags,
	};
}

static void
free_waiting(struct call *c)
{
	if (c->serve == serve_write)
		chan_give_back(c->from->chan, c->kept);
	free(c);
}

static void
run_waiting(struct lane_job *job)
{
	struct call *c = (struct call *)job;

	carry_out(c);
	free_waiting(c);
}

/* The nodes vanish; a close that is not carried out is the drive's affair. */
static void
drop_waiting(struct lane_job *job)
{
	struct call *c = (struct call *)job;

	watch_leave(&c->from->unit->watch, &c->item);
	if (c->serve == serve_open)
		chan_count_open(c->from->chan, -1);
	answer_error(c, c->serve == serve_release ? 0 : -ENOTCONN);
	free_waiting(c);
}

/* A copy of the call that outlasts the reading of the request. */
static struct call *
copy_to_wait(const struct call *c)
{
	struct call *copy;

	/* A release must not get lost, and this is the place to wait. */
	while ((copy = malloc(sizeof(*copy))) == NULL)
		(void)poll(NULL, 0, 10); /* memory may come back */
	*copy = *c;
	copy->job.run = run_waiting;
	copy->job.drop = drop_waiting;
	return copy;
}

static void
submit(struct call *c)
{
	struct lane *lane = &c->from->unit->lane;
	struct chan *chan = c->from->chan;
	struct call *copy;
	bool inside;

	if (lane_try(lane)) {
		chan_in_order(chan);
		be_watched(c);
		carry_out(c);
		lane_leave(lane);
		return;
	}
	if (c->serve == serve_write) {
		c->kept = chan_keep(c->from->chan, &c->data);
		if (c->kept == NULL) {
			answer_error(c, -ENOMEM);
			return;
		}
	}
	copy = copy_to_wait(c);
	be_watched(copy);
	inside = lane_post(lane, &copy->job);
	chan_in_order(chan);
	if (inside)
		lane_leave(lane);
}

/* ---- The gate ----------------------------------------------------------- */

static void
let_open_go(struct call *c, int r)
{
	chan_count_open(c->from->chan, -1);
	answer_error(c, r);
	free(c);
}

/* A signal has come for an open, which waits at the gate if it is there. */
static void
interrupted_at_gate(fuse_req_t req, void *gate)
{
	struct call *c = gate_take(gate, req);

	if (c != NULL)
		let_open_go(c, -EINTR);
}

/* With the gate's lock, so that it is known or comes later. */
static bool
is_interrupted(void *item)
{
	struct call *c = item;

	return fuse_req_interrupted(c->req) != 0;
}

/*
 * In the lane, which it leaves in the one or other way.  The watch lets go of
 * it first, so that nobody but the gate answers.
 */
static void
wait_at_gate(struct call *c)
{
	struct unit *u = c->from->unit;
	struct call *copy;

	watch_leave(&u->watch, &c->item);
	if (atomic_load(&c->answered)) {
		chan_count_open(c->from->chan, -1);
		return; /* by the watch: the program is dying */
	}
	copy = copy_to_wait(c);
	copy->item = (struct watch_item){ .key = c->req };
	copy->running = false;
	atomic_store(&c->answered, true); /* the copy is to be answered */
	fuse_req_interrupt_func(copy->req, interrupted_at_gate, u->gate);
	if (!gate_wait(u->gate, copy, copy->req, is_interrupted))
		let_open_go(copy,
		    fuse_req_interrupted(copy->req) ? -EINTR : -ENOTCONN);
}

/* As with st an open that waits for a tape has the drive. */
static bool
waits_at_gate(struct call *c)
{
	struct unit *u = c->from->unit;

	if (u->gate == NULL || atomic_load(&u->ending) || unit_is_open(u))
		return false;
	if (gate_is_taken(u->gate)) {
		chan_count_open(c->from->chan, -1);
		answer_error(c, -EBUSY);
		return true;
	}
	if ((c->flags & O_NONBLOCK) != 0 || !gate_is_shut(u->gate))
		return false;
	wait_at_gate(c);
	return true;
}

void
call_resume(void *item)
{
	struct call *c = item;
	struct lane *lane = &c->from->unit->lane;

	c->resumed = true;
	be_watched(c);
	if (lane_post(lane, &c->job))
		lane_leave(lane);
}

void
call_drop(void *item)
{
	let_open_go(item, -ENOTCONN);
}

/* ---- Requests ----------------------------------------------------------- */

void
call_open(const struct call_source *from, const struct node *node,
    fuse_req_t req, const struct fuse_file_info *fi)
{
	struct call c = fresh(from, req, fi, serve_open);

	c.node = node;
	chan_count_open(from->chan, 1);
	submit(&c);
}

static struct frag_part
part_of(const struct call *c, size_t size, off_t offset)
{
	return (struct frag_part){
		.tid = c->who.tid,
		.offset = (uint64_t)offset,
		.size = size,
		.append = c->from->port.is_file && (c->flags & O_APPEND) != 0,
	};
}

void
call_read(const struct call_source *from, fuse_req_t req, size_t size,
    off_t offset, const struct fuse_file_info *fi)
{
	struct call c = fresh(from, req, fi, serve_read);

	if (size > from->port.chunk) {
		answer_error(&c, -EIO); /* not what was agreed on */
		return;
	}
	c.part = part_of(&c, size, offset);
	submit(&c);
}

void
call_write(const struct call_source *from, fuse_req_t req, const char *data,
    size_t size, off_t offset, const struct fuse_file_info *fi)
{
	struct call c = fresh(from, req, fi, serve_write);

	if (size > from->port.chunk) {
		answer_error(&c, -EIO); /* not what was agreed on */
		return;
	}
	c.part = part_of(&c, size, offset);
	c.data = chan_data(from->chan, data);
	submit(&c);
}

/*
 * Where ioctls are unrestricted the kernel fetches nothing by itself, as most
 * numbers of the SCSI layer do not tell the size of their argument; it wants to
 * be told, and then asks again.  That is no business of the drive's, so it does
 * not wait for it.  True: told.
 */
static bool
ask_for_argument(fuse_req_t req, const struct call_ioctl *io)
{
	struct iovec in = { .iov_base = io->arg };
	struct iovec out = { .iov_base = io->arg };

	if ((io->flags & FUSE_IOCTL_UNRESTRICTED) == 0 || io->in_size > 0 ||
	    io->out_size > 0 ||
	    ioctl_sizes(io->cmd, &in.iov_len, &out.iov_len) < 0 ||
	    (in.iov_len == 0 && out.iov_len == 0))
		return false;
	(void)fuse_reply_ioctl_retry(req, &in, in.iov_len > 0, &out,
	    out.iov_len > 0); /* chan.c tells of failures */
	return true;
}

void
call_ioctl(const struct call_source *from, fuse_req_t req,
    const struct call_ioctl *io, const struct fuse_file_info *fi)
{
	struct call c = fresh(from, req, fi, serve_ioctl);

	if (ask_for_argument(req, io))
		return;
	c.who.compat = (io->flags & FUSE_IOCTL_COMPAT) != 0;
	c.cmd = io->cmd;
	c.in_size = io->in_size < sizeof(c.in) ? io->in_size : sizeof(c.in);
	c.out_size = io->out_size;
	if (c.in_size > 0)
		memcpy(c.in, io->in, c.in_size);
	submit(&c);
}

void
call_flush(const struct call_source *from, fuse_req_t req,
    const struct fuse_file_info *fi)
{
	struct call c = fresh(from, req, fi, serve_flush);

	if (atomic_load(&from->unit->abandoned)) {
		answer_error(&c, -EIO);
		return;
	}
	submit(&c);
}

void
call_release(const struct call_source *from, fuse_req_t req,
    const struct fuse_file_info *fi)
{
	struct call c = fresh(from, req, fi, serve_release);

	if (atomic_load(&from->unit->abandoned))
		answer_error(&c, 0);
	submit(&c);
}
