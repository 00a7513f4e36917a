/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A channel; see chan.h.
 *
 * What is wanted.  An operation on a tape can take hours.  Meanwhile the kernel
 * must be able to say that a signal has come, and others that they want to open
 * the drive, so somebody must go on reading the channel.  But handing each
 * request to another thread would cost more than the request itself.
 *
 * So there are two threads and one role.  The reader reads a request, carries
 * it out, answers it and reads the next, as if it were alone: one read(2), one
 * writev(2), no futex.  The other one, the relief, sleeps while nothing is
 * open, else it looks every CHAN_LOOK: if the reader has been inside one
 * request since the last look, and has entered that into the lane (lane.h), the
 * relief takes over its role.  The old reader finds out when it comes back, and
 * is the relief then.
 *
 *              takes over              a request
 *     RELIEF -------------> READING ----------------> INSIDE
 *        ^                     ^                       |  |
 *        |                     +-----------------------+  |
 *        |                      done, still the reader    |
 *        +------------------------------------------------+
 *                      done, but has been relieved
 *
 * An operation may wait for what another request of the same channel brings:
 * the answer of a program that is the tape (slave.h).  To wait until the relief
 * comes would take CHAN_LOOK each time, and to wake it two futexes; so the
 * reader itself reads on, inside the operation, with the role as if it had come
 * back:
 *
 *     INSIDE, IN_ORDER ---> READING ---> INSIDE ---> INSIDE, IN_ORDER
 *       the operation       chan_read_on(): one      the operation
 *       calls, by (d)       request, by (a)          goes on, by (e)
 *
 * What is read then is carried out as any request.  It finds the drive busy,
 * with the operation that waits, so by 2 it comes back soon, and nothing is
 * ever read on inside of it: the stack has two requests at most.
 *
 * All of that is one word, ${role}: whose the role is, whether that thread is
 * inside a request, whether that is in order, and how many there have been.  It
 * is changed
 *   (a) by the reader when it gets a request: INSIDE; and when that has entered
 *       the lane: IN_ORDER (stores, as by 1 nobody else changes it then);
 *   (b) by the reader when it comes back: neither, one more (compare and swap:
 *       fails if (c) was first, and the role is lost);
 *   (c) by the relief: its own, neither, one more (compare and swap: fails if
 *       (b) or (d) was first);
 *   (d) by the reader when it is to read on: as (b); if the role is lost, it
 *       does not read on;
 *   (e) by the reader when it has read on: INSIDE and IN_ORDER, one more
 *       (compare and swap: fails if the request was IN_ORDER and (c) was first;
 *       then the role is lost, as it may be in any operation).
 * As nobody but its owner gives a role away without taking it himself, a thread
 * that finds the role its own has had it all the time.
 *
 * Invariants:
 * 1. Only the reader reads, and only when not INSIDE; the role changes hands
 *    only while its owner is INSIDE and IN_ORDER.  So requests are read, and
 *    reach the lane, one by one in the order of the kernel.  One that does not
 *    go there takes no time, and nobody is relieved in it.
 * 2. The reader never waits for the drive in order to read: an operation that
 *    finds the drive busy leaves a job in the lane and returns.
 * 3. A buffer belongs to the thread that read into it until an operation keeps
 *    it; then to the operation; then to the pool.
 * 4. A thread that has ended, or been told to stop, reads nothing more.  The
 *    descriptor is closed after both threads are joined.
 * 5. Once ${stopping} is set, a reader that is not INSIDE carries out nothing
 *    more: it becomes INSIDE before it looks at ${stopping}.
 *
 * Stopping.  A reader in read(2) comes out by a signal whose handler does
 * nothing.  It may be about to enter read(2) when the signal comes, so the
 * signal is repeated until the thread has gone.  A thread that is inside an
 * operation gets none, as the signal would end some system call of the tape's.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "deadline.h"
#include "libfuse.h"
#include "log.h"
#include "spec.h"
#include "wire.h"

/* How long a reader may be inside a request before it is relieved, ms. */
#define CHAN_LOOK 50

/* How often a thread that is to end is called back, ms. */
#define CHAN_CALL_BACK 5

/* How long to wait for the kernel's first request, ms. */
#define CHAN_CONNECT_TIMEOUT 10000

/* Buffers kept by operations at one time, and free ones that are not freed. */
#define CHAN_MAX_KEPT 64
#define CHAN_MAX_POOL 2

/* The parts of the word ${role}. */
#define ROLE_OWNER 1u
#define ROLE_INSIDE 2u
#define ROLE_IN_ORDER 4u
#define ROLE_ONE 8u

/*
 * A request's buffer, on a page.  The data of a write begin at a multiple of
 * 512, which is what a drive below may need to reach them without a copy; and a
 * small request lies in one page, as the kernel pins each that it writes to.
 *
 *     0              432           512
 *     this struct    header        data ...
 */
#define BUF_DATA 512
#define BUF_HEADER (BUF_DATA - WIRE_WRITE_HEADER)

struct chan_buf {
	struct chan_buf *next; /* in the pool */
};
_Static_assert(sizeof(struct chan_buf) <= BUF_HEADER, "before the header");

/* Where the data of the next request are wanted. */
struct place {
	void *data; /* NULL: in its buffer */
	uint32_t tid;
	uint64_t handle;
	uint64_t offset;
};

struct thread {
	struct chan *chan;
	pthread_t id;
	unsigned number; /* 0 or 1: ROLE_OWNER */
	bool ended;
	struct chan_buf *buf;	/* being read into, or of the request inside */
	struct chan_buf *spare; /* for reading on; NULL: none yet */
	struct place place;	/* for the next request */
	const void *placed;	/* where the data came to; NULL: in buf */
	size_t size;		/* bytes of the request */
};

struct chan {
	struct chan_config config;
	struct fuse_session *se;
	int fd;
	size_t page;
	bool connecting;
	int connect_result; /* of the first answer; 1: not sent yet */

	_Atomic uint64_t role;
	atomic_uint opens;
	atomic_bool stopping;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t event; /* an open, a thread has ended, stop, end */
	bool gone;	      /* the kernel has ended the connection */
	struct chan_buf *pool;
	unsigned pooled;
	unsigned kept;

	unsigned started;
	struct thread threads[2];
};

/* The thread that we are in; NULL outside of a channel's threads. */
static _Thread_local struct thread *this_thread;

struct chan *
chan_new(const struct chan_config *config)
{
	struct chan *c = calloc(1, sizeof(*c));

	assert(config->chunk >= CHAN_MIN_CHUNK);
	if (c == NULL)
		return NULL;
	c->config = *config;
	c->fd = -1;
	c->page = (size_t)sysconf(_SC_PAGESIZE);
	(void)pthread_mutex_init(&c->lock, NULL); /* can't fail on Linux */
	deadline_cond_init(&c->event);
	return c;
}

void
chan_free(struct chan *c)
{
	struct chan_buf *buf;

	if (c == NULL)
		return;
	for (unsigned i = 0; i < 2; i++) {
		free(c->threads[i].buf);
		free(c->threads[i].spare);
	}
	while ((buf = c->pool) != NULL) {
		c->pool = buf->next;
		free(buf);
	}
	(void)pthread_cond_destroy(&c->event); /* nobody waits */
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

void *
chan_owner(const struct chan *c)
{
	return c->config.owner;
}

/* ---- Buffers ------------------------------------------------------------ */

/* Bytes to offer to read(2) on the channel. */
static size_t
request_size(const struct chan *c)
{
	_Static_assert(WIRE_WRITE_HEADER + CHAN_MIN_CHUNK >= WIRE_MIN_READ,
	    "what the kernel asks for");

	return WIRE_WRITE_HEADER + c->config.chunk;
}

static uint8_t *
request_in(struct chan_buf *buf)
{
	return (uint8_t *)buf + BUF_HEADER;
}

static struct chan_buf *
new_buf(const struct chan *c)
{
	size_t size = BUF_HEADER + request_size(c) + WIRE_PADDING;

	return aligned_alloc(c->page, (size + c->page - 1) / c->page * c->page);
}

static struct chan_buf *
get_buf(struct chan *c)
{
	struct chan_buf *buf;

	pthread_mutex_lock(&c->lock);
	buf = c->pool;
	if (buf != NULL) {
		c->pool = buf->next;
		c->pooled--;
	}
	pthread_mutex_unlock(&c->lock);
	return buf != NULL ? buf : new_buf(c);
}

/* The thread that is inside an operation of this channel. */
static struct thread *
thread_inside(const struct chan *c)
{
	struct thread *t = this_thread;

	assert(t != NULL && t->chan == c && t->buf != NULL);
	return t;
}

void
chan_place(struct chan *c, void *place, pid_t tid, uint64_t handle,
    uint64_t offset)
{
	thread_inside(c)->place = (struct place){
		.data = place,
		.tid = (uint32_t)tid,
		.handle = handle,
		.offset = offset,
	};
}

void
chan_in_order(struct chan *c)
{
	const struct thread *t = this_thread; /* its buffer may be kept */
	uint64_t role = atomic_load(&c->role);

	assert(t != NULL && t->chan == c);
	assert((role & ROLE_OWNER) == t->number);
	assert((role & (ROLE_INSIDE | ROLE_IN_ORDER)) == ROLE_INSIDE);
	atomic_store(&c->role, role | ROLE_IN_ORDER);
}

const void *
chan_data(struct chan *c, const void *data)
{
	const struct thread *t = thread_inside(c);

	return t->placed != NULL ? t->placed : data;
}

struct chan_buf *
chan_keep(struct chan *c, const void **ret_data)
{
	struct thread *t = thread_inside(c);
	struct chan_buf *buf = t->buf;
	uint8_t *data = request_in(buf) + WIRE_WRITE_HEADER;
	bool full;

	pthread_mutex_lock(&c->lock);
	full = c->kept == CHAN_MAX_KEPT;
	c->kept += !full;
	pthread_mutex_unlock(&c->lock);
	if (full)
		return NULL;
	if (t->placed != NULL)
		memcpy(data, t->placed, t->size - WIRE_WRITE_HEADER);
	*ret_data = data;
	t->buf = NULL;
	return buf;
}

void
chan_give_back(struct chan *c, struct chan_buf *buf)
{
	pthread_mutex_lock(&c->lock);
	c->kept--;
	if (c->pooled < CHAN_MAX_POOL) {
		buf->next = c->pool;
		c->pool = buf;
		c->pooled++;
		buf = NULL;
	}
	pthread_mutex_unlock(&c->lock);
	free(buf);
}

/* ---- The connection ----------------------------------------------------- */

/* Sends an answer for libfuse, which would write failures to stderr. */
static ssize_t
send_answer(int fd, struct iovec *iov, int count, void *userdata)
{
	struct chan *c = userdata;
	ssize_t n;

	if (c->connecting) {
		c->connect_result = c->config.finish_init(iov, count,
		    c->config.chunk, c->config.pages);
		if (c->connect_result < 0) {
			errno = ENOENT;
			return -1;
		}
	}
	n = writev(fd, iov, count);
	if (n >= 0)
		return n;
	if (c->connecting)
		c->connect_result = -errno;
	else if (errno != ENOENT && errno != ENODEV)
		log_error("%s: answering the kernel: %s", c->config.name,
		    strerror(errno));
	errno = ENOENT; /* nobody waits any more, which is no error */
	return n;
}

/* libfuse insists on one, but receive() does the reading. */
static ssize_t
receive_for_libfuse(int fd, void *buf, size_t size, void *userdata)
{
	(void)userdata;
	return read(fd, buf, size);
}

static void
process(struct chan *c, struct chan_buf *buf, size_t size)
{
	struct fuse_buf request = {
		.mem = request_in(buf),
		.size = size,
	};

	if (wire_is_sound(request.mem, size)) {
		fuse_session_process_buf(c->se, &request);
	} else {
		log_error("%s: refused a damaged request of %zu bytes",
		    c->config.name, size);
		wire_refuse(c->fd, request.mem, size);
	}
}

static int
serve_first(struct chan *c, struct spec_error *e)
{
	struct pollfd ready = { .fd = c->fd, .events = POLLIN };
	struct chan_buf *buf;
	ssize_t n;

	while ((n = poll(&ready, 1, CHAN_CONNECT_TIMEOUT)) < 0)
		if (errno != EINTR)
			break;
	if (n != 1)
		return spec_fail(e, ETIMEDOUT, "%s: the kernel does not answer",
		    c->config.name);
	buf = new_buf(c);
	if (buf == NULL)
		return spec_fail(e, ENOMEM, "%s: out of memory",
		    c->config.name);
	n = read(c->fd, request_in(buf), request_size(c));
	if (n < 0)
		n = spec_fail(e, errno, "%s: reading from the kernel: %s",
		    c->config.name, strerror(errno));
	else
		process(c, buf, (size_t)n);
	free(buf);
	return n < 0 ? (int)n : 0;
}

int
chan_connect(struct chan *c, struct fuse_session *se, int fd,
    struct spec_error *e)
{
	static const struct fuse_custom_io io = {
		.writev = send_answer,
		.read = receive_for_libfuse,
	};
	int r = fuse_session_custom_io(se, &io, fd);

	if (r < 0) {
		(void)close(fd); /* nothing was written to it */
		return spec_fail(e, -r, "%s: libfuse refuses its descriptor",
		    c->config.name);
	}
	c->se = se;
	c->fd = fd;
	c->connecting = true;
	c->connect_result = 1;
	r = serve_first(c, e);
	c->connecting = false;
	if (r < 0)
		return r;
	if (c->connect_result > 0)
		c->connect_result = -EPROTO;
	if (c->connect_result < 0)
		return spec_fail(e, -c->connect_result,
		    "%s: the kernel speaks another protocol: %s",
		    c->config.name, strerror(-c->connect_result));
	return 0;
}

/* ---- The reader --------------------------------------------------------- */

/* Wakes the other thread, and whoever waits for this channel. */
static void
end_connection(struct chan *c)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&c->lock);
	c->gone = true;
	pthread_cond_broadcast(&c->event);
	pthread_mutex_unlock(&c->lock);
	if (write(c->config.ended_fd, &one, sizeof(one)) < 0)
		log_error("%s: cannot tell that the kernel has left: %s",
		    c->config.name, strerror(errno));
}

/*
 * Reads a request that may have a part of it elsewhere: the data, if it is the
 * write that is expected.  Any other is put together in the buffer.
 */
static ssize_t
read_placed(struct chan *c, struct thread *t)
{
	const struct place place = t->place;
	uint8_t *request = request_in(t->buf);
	const struct iovec iov[] = {
		{ .iov_base = request, .iov_len = WIRE_WRITE_HEADER },
		{ .iov_base = place.data,
		    .iov_len = request_size(c) - WIRE_WRITE_HEADER },
	};
	ssize_t n = readv(c->fd, iov, 2);

	if (n < 0)
		return n;
	t->place.data = NULL;
	if (wire_is_write(request, (size_t)n, place.tid, place.handle,
		place.offset))
		t->placed = place.data;
	else if (n > WIRE_WRITE_HEADER)
		memcpy(request + WIRE_WRITE_HEADER, place.data,
		    (size_t)n - WIRE_WRITE_HEADER);
	return n;
}

/* Sees to it that the thread has a buffer. */
static void
need_buf(struct chan *c, struct thread *t)
{
	while (t->buf == NULL) {
		t->buf = get_buf(c);
		if (t->buf == NULL)
			(void)poll(NULL, 0, 10); /* memory may come back */
	}
}

/*
 * Tries once to read a request for the thread: 1 is read; 0: not this time; -1:
 * there is to be none, for whatever reason.
 */
static int
try_receive(struct chan *c, struct thread *t)
{
	ssize_t n = t->place.data != NULL
	    ? read_placed(c, t)
	    : read(c->fd, request_in(t->buf), request_size(c));

	if (n > 0) {
		t->size = (size_t)n;
		return 1;
	}
	/* ENOENT: the program that asked was killed meanwhile. */
	if (n < 0 && (errno == EINTR || errno == ENOENT))
		return 0;
	if (n < 0 && errno != ENODEV)
		log_error("%s: reading from the kernel: %s", c->config.name,
		    strerror(errno));
	end_connection(c);
	return -1;
}

/* Reads one request for the thread.  False: there is to be none. */
static bool
receive(struct chan *c, struct thread *t)
{
	int r = 0;

	need_buf(c, t);
	t->placed = NULL;
	while (
	    r == 0 && !atomic_load_explicit(&c->stopping, memory_order_relaxed))
		r = try_receive(c, t);
	return r > 0;
}

/* Carries out the request that the thread has read.  False: see 5. */
static bool
carry_out(struct chan *c, struct thread *t)
{
	uint64_t inside = atomic_load(&c->role) | ROLE_INSIDE;

	assert((inside & ROLE_OWNER) == t->number);
	atomic_store(&c->role, inside);
	if (atomic_load(&c->stopping))
		return false; /* by 5 it is too late for this request */
	process(c, t->buf, t->size);
	return true;
}

/* Out of a request: the rest of the word is ${next}.  False: the role is lost.
 */
static bool
come_back(struct chan *c, const struct thread *t, uint64_t next)
{
	uint64_t now = atomic_load(&c->role);

	return (now & ROLE_OWNER) == t->number &&
	    atomic_compare_exchange_strong(&c->role, &now,
		now / ROLE_ONE * ROLE_ONE + ROLE_ONE + t->number + next);
}

/* One request, as the reader.  False: no longer the reader, or at the end. */
static bool
serve_one(struct chan *c, struct thread *t)
{
	if (!receive(c, t) || !carry_out(c, t))
		return false;
	if (come_back(c, t, 0))
		return true;
	t->place.data = NULL; /* the next request is somebody else's */
	return false;
}

/* One request, if one comes, as the reader inside of another.  False: the end.
 */
static bool
serve_inside(struct chan *c, struct thread *t, int timeout_ms)
{
	struct pollfd ready = { .fd = c->fd, .events = POLLIN };
	int r;

	if (atomic_load(&c->stopping))
		return false;
	if (poll(&ready, 1, timeout_ms) < 1)
		return true;
	need_buf(c, t);
	r = try_receive(c, t);
	return r == 0 || (r > 0 && carry_out(c, t));
}

bool
chan_read_on(struct chan *c, int timeout_ms)
{
	struct thread *t = this_thread;
	struct chan_buf *buf;
	const void *placed;
	size_t size;
	bool more;

	if (t == NULL || t->chan != c || !come_back(c, t, 0))
		return false;
	buf = t->buf;
	placed = t->placed;
	size = t->size;
	t->buf = t->spare;
	t->placed = NULL;
	t->place.data = NULL; /* what is expected comes later */
	more = serve_inside(c, t, timeout_ms);
	(void)come_back(c, t,
	    ROLE_INSIDE | ROLE_IN_ORDER); /* or somebody else reads */
	t->spare = t->buf;
	t->buf = buf;
	t->placed = placed;
	t->size = size;
	t->place.data = NULL;
	return more;
}

/* ---- The relief --------------------------------------------------------- */

/* Waits for an event; ${look}: or until it is time to look again. */
static void
rest(struct chan *c, bool look)
{
	struct timespec until = deadline_in(CHAN_LOOK);

	if (look)
		(void)pthread_cond_timedwait(&c->event, &c->lock,
		    &until); /* either way it is time to look */
	else
		pthread_cond_wait(&c->event, &c->lock);
}

/* Takes the role, if the reader is still where ${seen} says. */
static bool
take_over(struct chan *c, struct thread *t, uint64_t seen)
{
	uint64_t next = seen / ROLE_ONE * ROLE_ONE + ROLE_ONE + t->number;

	return atomic_compare_exchange_strong(&c->role, &seen, next);
}

/* Waits until the role is ours.  False: this is the end. */
static bool
await_role(struct chan *c, struct thread *t)
{
	uint64_t seen = 0;
	bool mine = false;

	pthread_mutex_lock(&c->lock);
	while (!mine && !c->gone && !atomic_load(&c->stopping)) {
		uint64_t role = atomic_load(&c->role);
		bool inside = (role & ROLE_INSIDE) != 0;
		bool in_order = (role & ROLE_IN_ORDER) != 0;

		if ((role & ROLE_OWNER) == t->number) {
			mine = true;
		} else if (in_order && role == seen) {
			mine = take_over(c, t, role);
		} else {
			seen = role;
			rest(c, inside || atomic_load(&c->opens) > 0);
		}
	}
	pthread_mutex_unlock(&c->lock);
	return mine;
}

void
chan_count_open(struct chan *c, int change)
{
	atomic_fetch_add(&c->opens, (unsigned)change);
	if (change <= 0)
		return;
	pthread_mutex_lock(&c->lock);
	pthread_cond_broadcast(&c->event);
	pthread_mutex_unlock(&c->lock);
}

/* ---- The threads -------------------------------------------------------- */

static void *
thread_main(void *arg)
{
	struct thread *t = arg;
	struct chan *c = t->chan;

	this_thread = t;
	while (await_role(c, t))
		while (serve_one(c, t))
			continue;
	pthread_mutex_lock(&c->lock);
	t->ended = true;
	pthread_cond_broadcast(&c->event);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static void
do_nothing(int signal_number)
{
	(void)signal_number;
}

void
chan_stop(struct chan *c)
{
	pthread_mutex_lock(&c->lock);
	atomic_store(&c->stopping, true);
	pthread_cond_broadcast(&c->event);
	pthread_mutex_unlock(&c->lock);
}

static bool
have_ended(const struct chan *c)
{
	unsigned i;

	for (i = 0; i < c->started; i++)
		if (!c->threads[i].ended)
			return false;
	return true;
}

/* Gets the reader out of read(2), if that is where it is. */
static void
call_back(struct chan *c)
{
	uint64_t role = atomic_load(&c->role);
	struct thread *reader = &c->threads[role & ROLE_OWNER];

	if ((role & ROLE_INSIDE) == 0 && reader->number < c->started &&
	    !reader->ended)
		(void)pthread_kill(reader->id, SIGRTMIN); /* not joined yet */
}

int
chan_join(struct chan *c, const struct timespec *deadline)
{
	bool ended;

	pthread_mutex_lock(&c->lock);
	while (!(ended = have_ended(c)) && !deadline_is_past(deadline)) {
		struct timespec until = deadline_in(CHAN_CALL_BACK);

		call_back(c);
		(void)pthread_cond_timedwait(&c->event, &c->lock,
		    &until); /* have_ended() tells */
	}
	pthread_mutex_unlock(&c->lock);
	if (!ended)
		return -ETIMEDOUT;
	while (c->started > 0)
		(void)pthread_join(c->threads[--c->started].id, NULL);
	return 0;
}

/* Creates the threads, with the signals blocked that they inherit so. */
static int
create_threads(struct chan *c)
{
	int r = 0;

	while (c->started < 2 && r == 0) {
		struct thread *t = &c->threads[c->started];

		t->chan = c;
		t->number = c->started;
		r = pthread_create(&t->id, NULL, thread_main, t);
		if (r == 0)
			c->started++;
	}
	return r;
}

int
chan_start(struct chan *c, struct spec_error *e)
{
	const struct sigaction come_out = { .sa_handler = do_nothing };
	const struct timespec never = { .tv_sec = INT32_MAX };
	sigset_t others;
	sigset_t before;
	int r;

	(void)sigaction(SIGRTMIN, &come_out, NULL); /* can't fail */
	(void)sigfillset(&others);
	(void)sigdelset(&others, SIGRTMIN);
	(void)pthread_sigmask(SIG_SETMASK, &others, &before);
	r = create_threads(c);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0)
		return 0;
	chan_stop(c);
	(void)chan_join(c, &never); /* the one that runs is in read(2) */
	return spec_fail(e, r, "%s: cannot start a thread: %s", c->config.name,
	    strerror(r));
}
