/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slave end as a node; see slave.h.
 *
 * One request at a time is before the holder, ${call}:
 *
 *             exchange()            read whole             written whole
 *     NONE -------------> ASKING -----------> ANSWERING -----------------> NONE
 *                           |                     |
 *                           +---------------------+--> NONE: gone, thrown out
 *
 * HELLO, the first one, is nobody's: it is there from the open on, and its
 * answer makes the holder a slave.  All others are somebody's who waits inside
 * exchange(); if that is the reader of the very channel that the answer comes
 * by (one channel serves all files, over FUSE), it goes on reading meanwhile
 * (chan_read_on()).
 *
 * A read(2) that finds no request is parked: kept, unanswered, until there is
 * one.  The request is then sent from where the tape has it, and a reply is
 * copied to where the tape wants it.
 *
 * Locks: that of a request of libfuse, which holds it in interrupted(); the
 * port's; ours; that of libfuse's session.  None is taken inside of a later
 * one.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "deadline.h"
#include "port.h"
#include "slave.h"
#include "wire.h"

/* How often who reads on looks whether there is a reason to stop, ms. */
#define SLAVE_LOOK_MS 50

enum stage {
	STAGE_NONE,
	STAGE_ASKING,
	STAGE_ANSWERING,
};

struct slave {
	struct port_end end; /* first: port_end is the base */
	struct port *port;
	struct chan *chan;
	size_t chunk;

	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t event; /* ${done} */
	uint64_t last_handle;
	uint64_t holder;  /* his handle; 0: nobody, or thrown out */
	uint64_t arrival; /* the port's number for him */
	enum stage stage;
	struct port_call *call; /* NULL in STAGE_NONE */
	struct port_call hello;
	size_t read_to;	 /* bytes of it that the read(2) under way has */
	size_t asked;	 /* bytes of the last request that was read */
	size_t came;	 /* bytes of its reply so far */
	size_t expected; /* bytes of the whole reply */
	uint8_t *data;	 /* where its data go */
	bool done;	 /* the exchange has ended, with ... */
	int result;
	fuse_req_t parked; /* a read(2) that waits; NULL: none */
	size_t parked_size;
	struct fuse_pollhandle *poll; /* NULL: nobody to be told */
};

static struct slave *
slave_of(struct port_end *end)
{
	return (struct slave *)end;
}

/* ---- Telling, with the lock ---------------------------------------------- */

static void
notify(struct slave *s)
{
	if (s->poll == NULL)
		return;
	(void)fuse_lowlevel_notify_poll(s->poll); /* he may be gone */
	fuse_pollhandle_destroy(s->poll);
	s->poll = NULL;
}

/* The exchange under way, if any, ends. */
static void
finish(struct slave *s, int result)
{
	if (s->call != NULL && s->call != &s->hello) {
		s->done = true;
		s->result = result;
		pthread_cond_broadcast(&s->event);
	}
	s->call = NULL;
	s->stage = STAGE_NONE;
}

/* The holder is none any more. */
static void
oust(struct slave *s, int result)
{
	s->holder = 0;
	finish(s, result);
	if (s->parked != NULL)
		(void)fuse_reply_buf(s->parked, NULL, 0); /* he may be gone */
	s->parked = NULL;
	notify(s);
}

/* ---- Requests to the holder, with the lock ------------------------------- */

/* The piece of the request from ${offset} on, as iovecs; their number. */
static int
piece_of(const struct port_call *call, size_t offset, size_t size,
    struct iovec iov[2])
{
	size_t head = offset < PMT_PAIR_HEADER ? PMT_PAIR_HEADER - offset : 0;
	size_t skip = offset + head - PMT_PAIR_HEADER;

	if (head > size)
		head = size;
	iov[0].iov_base = (uint8_t *)(uintptr_t)call->header + offset;
	iov[0].iov_len = head;
	if (head == size)
		return 1;
	iov[1].iov_base = (uint8_t *)(uintptr_t)call->request.data + skip;
	iov[1].iov_len = size - head;
	if (head > 0)
		return 2;
	iov[0] = iov[1];
	return 1;
}

/* Answers a fragment of read(2) with its part of the request. */
static void
give(struct slave *s, fuse_req_t req, size_t size, size_t offset)
{
	size_t total = PMT_PAIR_HEADER + s->call->request.len;
	size_t left = total - offset;
	struct iovec iov[2];

	if (size < left && size < s->chunk && offset == 0) {
		(void)fuse_reply_err(req, EMSGSIZE); /* he may be gone */
		return;
	}
	if (size > left)
		size = left;
	if (fuse_reply_iov(req, iov, piece_of(s->call, offset, size, iov)) < 0)
		return; /* he is gone: nobody has read it */
	s->read_to = offset + size;
	if (s->read_to < total)
		return;
	s->stage = STAGE_ANSWERING;
	s->asked = total;
	s->came = 0;
}

/*
 * Puts ${call} before the holder.  Who waits for it to be readable is told; who
 * is to write is told when he looks after having read.
 */
static void
put(struct slave *s, struct port_call *call)
{
	fuse_req_t parked = s->parked;

	assert(s->call == NULL);
	s->call = call;
	s->stage = STAGE_ASKING;
	s->read_to = 0;
	s->parked = NULL;
	if (parked != NULL)
		give(s, parked, s->parked_size, 0);
	notify(s);
}

/* ---- The end of the port ------------------------------------------------- */

/* With the lock, which it gives up meanwhile: until something has happened. */
static void
wait_on(struct slave *s, const struct timespec *deadline)
{
	bool read_on;

	pthread_mutex_unlock(&s->lock);
	read_on = chan_read_on(s->chan, SLAVE_LOOK_MS);
	pthread_mutex_lock(&s->lock);
	if (read_on || s->done)
		return;
	if (deadline == NULL)
		pthread_cond_wait(&s->event, &s->lock);
	else
		(void)pthread_cond_timedwait(&s->event, &s->lock,
		    deadline); /* the clock tells */
}

static int
slave_exchange(struct port_end *end, struct port_call *call,
    unsigned timeout_ms)
{
	struct slave *s = slave_of(end);
	struct timespec deadline = deadline_in(timeout_ms);
	int r;

	pthread_mutex_lock(&s->lock);
	/* Who was to be asked may have left, and another come, since. */
	if (s->holder == 0 || s->arrival != call->arrival) {
		pthread_mutex_unlock(&s->lock);
		return -EPIPE;
	}
	s->done = false;
	put(s, call);
	while (!s->done) {
		wait_on(s, timeout_ms > 0 ? &deadline : NULL);
		if (!s->done && timeout_ms > 0 && deadline_is_past(&deadline))
			finish(s, -ETIMEDOUT);
	}
	r = s->result;
	pthread_mutex_unlock(&s->lock);
	return r;
}

static void
slave_cut(struct port_end *end)
{
	struct slave *s = slave_of(end);

	pthread_mutex_lock(&s->lock);
	oust(s, -EPIPE);
	pthread_mutex_unlock(&s->lock);
}

static const struct port_end_ops slave_ops = {
	.name = "node",
	.exchange = slave_exchange,
	.cut = slave_cut,
};

struct slave *
slave_new(struct port *p)
{
	struct slave *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->end.ops = &slave_ops;
	s->port = p;
	(void)pthread_mutex_init(&s->lock, NULL); /* can't fail on Linux */
	deadline_cond_init(&s->event);
	return s;
}

void
slave_free(struct slave *s)
{
	if (s == NULL)
		return;
	port_detach(s->port, &s->end);
	if (s->poll != NULL)
		fuse_pollhandle_destroy(s->poll);
	(void)pthread_cond_destroy(&s->event); /* nobody waits */
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

void
slave_place(struct slave *s, struct chan *chan, size_t chunk)
{
	s->chan = chan;
	s->chunk = chunk;
}

/* ---- Open and close ------------------------------------------------------ */

/* The handle that ${fi} names leaves.  False: it held nothing. */
static bool
leave(struct slave *s, uint64_t handle)
{
	bool held;

	pthread_mutex_lock(&s->lock);
	held = s->holder == handle;
	if (held)
		oust(s, -EPIPE);
	pthread_mutex_unlock(&s->lock);
	if (held)
		port_detach(s->port, &s->end);
	return held;
}

void
slave_open(struct slave *s, fuse_req_t req, const struct fuse_file_info *fi)
{
	struct wire_open answer;
	int r = 0;

	/* Where a file is appended to, a write(2) does not begin at 0. */
	if ((fi->flags & O_ACCMODE) != O_RDWR || (fi->flags & O_APPEND) != 0)
		r = -EINVAL;
	if (r == 0)
		r = port_attach(s->port, &s->end, fuse_req_ctx(req)->pid);
	if (r < 0) {
		(void)fuse_reply_err(req, -r); /* chan.c tells of failures */
		return;
	}
	pthread_mutex_lock(&s->lock);
	s->holder = ++s->last_handle;
	s->arrival = s->end.arrival;
	port_hello(&s->hello);
	put(s, &s->hello);
	answer = wire_open(s->holder);
	pthread_mutex_unlock(&s->lock);
	/* Cut before he was the holder, when there was nobody to be ousted. */
	if (!port_is_attached(s->port, &s->end, s->end.arrival)) {
		(void)leave(s, answer.fh); /* or he was ousted after all */
		(void)fuse_reply_err(req, ENOTCONN); /* as above */
		return;
	}
	if (fuse_reply_buf(req, (const char *)&answer, sizeof(answer)) < 0)
		(void)leave(s, answer.fh); /* killed: no release will come */
}

void
slave_release(struct slave *s, fuse_req_t req, const struct fuse_file_info *fi)
{
	(void)leave(s, fi->fh);	      /* thrown out before, perhaps */
	(void)fuse_reply_err(req, 0); /* chan.c tells of failures */
}

/* ---- Read ---------------------------------------------------------------- */

/* A signal has come for a read(2), which waits if it is parked. */
static void
interrupted(fuse_req_t req, void *arg)
{
	struct slave *s = arg;

	pthread_mutex_lock(&s->lock);
	if (s->parked == req) {
		s->parked = NULL;
		(void)fuse_reply_err(req, EINTR); /* he may be gone */
	}
	pthread_mutex_unlock(&s->lock);
}

/* With the lock: answers a read(2) that need not wait.  False: it has to. */
static bool
read_now(struct slave *s, fuse_req_t req, uint64_t handle, size_t size,
    size_t offset)
{
	bool asking = s->stage == STAGE_ASKING;

	if (handle == s->holder && asking &&
	    (offset == 0 || offset == s->read_to))
		give(s, req, size, offset);
	else if (handle != s->holder || offset > 0)
		/* Thrown out; or the request is over, and so the read(2). */
		(void)fuse_reply_buf(req, NULL, 0); /* he may be gone */
	else
		return false;
	return true;
}

/* With the lock: keeps a read(2) until there is something to read. */
static void
park(struct slave *s, fuse_req_t req, size_t size, bool may_block)
{
	int err = 0;

	if (!may_block)
		err = EAGAIN;
	else if (s->parked != NULL)
		err = EBUSY; /* two at once: who would answer what? */
	else if (fuse_req_interrupted(req))
		err = EINTR;
	if (err != 0) {
		(void)fuse_reply_err(req, err); /* chan.c tells of failures */
		return;
	}
	s->parked = req;
	s->parked_size = size;
}

/*
 * interrupted() is set before the lock is taken, for it is called with one of
 * libfuse's that comes before ours; and as we are the reader, an interrupt is
 * either known already or comes when the request is parked.
 */
void
slave_read(struct slave *s, fuse_req_t req, size_t size, off_t offset,
    const struct fuse_file_info *fi)
{
	bool done;

	pthread_mutex_lock(&s->lock);
	done = read_now(s, req, fi->fh, size, (size_t)offset);
	pthread_mutex_unlock(&s->lock);
	if (done)
		return;
	fuse_req_interrupt_func(req, interrupted, s);
	pthread_mutex_lock(&s->lock);
	if (!read_now(s, req, fi->fh, size, (size_t)offset))
		park(s, req, size, (fi->flags & O_NONBLOCK) == 0);
	pthread_mutex_unlock(&s->lock);
}

/* ---- Write --------------------------------------------------------------- */

/* The first fragment of a reply; what is wrong with it, or NULL. */
static const char *
begin_reply(struct slave *s, const void *data, size_t size)
{
	void *place;
	size_t len;

	if (size < PMT_PAIR_HEADER)
		return "less bytes than a reply has";
	if (port_take_header(s->call, data, &place, &len) < 0)
		return s->call->why;
	s->expected = PMT_PAIR_HEADER + len;
	s->data = place;
	return NULL;
}

/* Any fragment of write(2); what is wrong with it, or NULL. */
static const char *
take_fragment(struct slave *s, const void *data, size_t size, size_t offset)
{
	const uint8_t *bytes = data;
	size_t skip = offset == 0 ? PMT_PAIR_HEADER : 0;
	const char *why = NULL;

	if (s->stage != STAGE_ANSWERING)
		return "an answer to nothing";
	if (offset != s->came)
		return "a piece of a reply that is not its turn";
	if (offset == 0)
		why = begin_reply(s, data, size);
	if (why != NULL)
		return why;
	if (size > s->expected - offset)
		return "more bytes than the reply has";
	if (size < s->expected - offset && size < s->chunk)
		return "less bytes than the reply has";
	if (size > skip)
		memcpy(s->data + offset + skip - PMT_PAIR_HEADER, bytes + skip,
		    size - skip);
	s->came = offset + size;
	return NULL;
}

/* What a fragment has brought about. */
enum outcome {
	OUTCOME_MORE,
	OUTCOME_READY, /* HELLO is answered */
	OUTCOME_WRONG, /* nobody waits who could tell the port */
};

/* With the lock; ${why}: what is wrong, or NULL; ${text}: room for it. */
static enum outcome
conclude(struct slave *s, const char *why, char text[128])
{
	bool hello = s->call == &s->hello;

	if (why == NULL && s->came < s->expected)
		return OUTCOME_MORE;
	if (why == NULL && hello && s->hello.reply.error != 0)
		why = "it refuses HELLO";
	if (why == NULL) {
		finish(s, 0);
		return hello ? OUTCOME_READY : OUTCOME_MORE;
	}
	(void)snprintf(text, 128, "%s", why); /* fits */
	if (s->call == NULL || hello)
		return OUTCOME_WRONG;
	if (why != s->call->why)
		(void)snprintf(s->call->why, sizeof(s->call->why), "%s",
		    why); /* fits */
	oust(s, -EPROTO);
	return OUTCOME_MORE;
}

void
slave_write(struct slave *s, fuse_req_t req, const char *data, size_t size,
    off_t offset, const struct fuse_file_info *fi)
{
	const void *bytes = chan_data(s->chan, data);
	enum outcome outcome = OUTCOME_MORE;
	const char *why;
	char text[128];
	int err = EPIPE;

	pthread_mutex_lock(&s->lock);
	if (fi->fh == s->holder) {
		why = take_fragment(s, bytes, size, (size_t)offset);
		err = why == NULL ? 0 : EPROTO;
		outcome = conclude(s, why, text);
	}
	pthread_mutex_unlock(&s->lock);
	if (outcome == OUTCOME_READY)
		port_ready(s->port, &s->end);
	else if (outcome == OUTCOME_WRONG)
		port_throw_out(s->port, &s->end, text);
	if (err == 0)
		(void)fuse_reply_write(req, size); /* he may be gone */
	else
		(void)fuse_reply_err(req, err); /* likewise */
}

/* ---- Poll ---------------------------------------------------------------- */

static unsigned
events_of(const struct slave *s, uint64_t handle)
{
	static const unsigned events[] = {
		[STAGE_NONE] = 0,
		[STAGE_ASKING] = POLLIN | POLLRDNORM,
		[STAGE_ANSWERING] = POLLOUT | POLLWRNORM,
	};

	return handle == s->holder ? events[s->stage] : POLLHUP | POLLERR;
}

void
slave_poll(struct slave *s, fuse_req_t req, const struct fuse_file_info *fi,
    struct fuse_pollhandle *handle)
{
	unsigned events;

	pthread_mutex_lock(&s->lock);
	events = events_of(s, fi->fh);
	/* One that is thrown out learns nothing more. */
	if (handle != NULL && fi->fh == s->holder) {
		if (s->poll != NULL)
			fuse_pollhandle_destroy(s->poll);
		s->poll = handle;
		handle = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	if (handle != NULL)
		fuse_pollhandle_destroy(handle);
	(void)fuse_reply_poll(req, events); /* chan.c tells of failures */
}
