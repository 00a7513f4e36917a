/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread that has the tape; see pmtserve_loop.h.
 *
 * It waits in read(2), not in poll(2), which at a node is a round trip through
 * the kernel to pmtd and back for each request.  So there is a herald, a thread
 * that waits for all else there is to do; it sets ${wanted}, and gets the other
 * one out of read(2) by a signal whose handler does nothing.  That one may be
 * about to enter read(2) when the signal comes, so it is repeated until
 * ${wanted} is seen.  It is only sent while ${in_read}, so that it ends no
 * system call of the tape's; to block it around the read would cost two system
 * calls a request.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "log.h"
#include "pair/wire.h"
#include "pmtserve_hand.h"
#include "pmtserve_loop.h"
#include "serve.h"
#include "tape.h"

/* How often the thread is called out of read(2), ms. */
#define CALL_MS 5

struct pmtserve_loop {
	struct pmtserve_parts parts;
	pthread_t thread, herald;
	pthread_mutex_t lock;
	bool in_read;	    /* under the lock: the thread may be called */
	atomic_bool wanted; /* there is something else to do */
	atomic_bool ended;  /* the thread does nothing more */
	int seen_fd;	    /* ${wanted} has been seen, or it has ended */
	int stop_fd;	    /* it is to end after this request */
	int wake_fd;	    /* a report is wanted */
	int ended_fd;	    /* the thread has ended */
	atomic_bool report, busy;
	enum pmtserve_end end;
};

/* ---- In the thread ------------------------------------------------------- */

/* What the answer to a request is, if the tape failed, as a line of the log. */
static void
log_failure(const struct pmt_request *request, const struct pmt_reply *reply)
{
	if (reply->error == 0 || reply->error == EOPNOTSUPP ||
	    reply->cond == PMT_EOM)
		return;
	log_error("%s at object %" PRIu64 ": %.*s",
	    pair_wire_op_name(request->op), request->at.object, (int)reply->len,
	    (const char *)reply->data);
}

/* A tape that answers nonsense must not cost the drive its slave end. */
static int
answer(struct pmt_pair *pair, struct pmt_reply *reply)
{
	int r = pmt_pair_answer(pair, reply);

	if (r != -EINVAL)
		return r;
	log_error("%s: the tape gives %s", pair_wire_op_name(reply->op),
	    pmt_pair_why(pair));
	pmt_reply_fail(reply, EIO, "the tape gives a wrong answer");
	return pmt_pair_answer(pair, reply);
}

static void
set_in_read(struct pmtserve_loop *l, bool in_read)
{
	pthread_mutex_lock(&l->lock);
	l->in_read = in_read;
	pthread_mutex_unlock(&l->lock);
}

/* The next request; -EINTR: something else is to be done. */
static int
next_request(struct pmtserve_loop *l, struct pmt_request *ret_request)
{
	int r;

	set_in_read(l, true);
	r = pmt_pair_next(l->parts.pair, ret_request);
	set_in_read(l, false);
	return r;
}

/* The next request, and its answer; an errno as of libpmt. */
static int
serve_one(struct pmtserve_loop *l)
{
	struct pmt_pair *pair = l->parts.pair;
	struct pmt_request request;
	struct pmt_reply reply;
	int r = next_request(l, &request);

	if (r < 0)
		return r;
	l->busy = true;
	serve_request(l->parts.serve, &request, pmt_pair_room(pair), &reply);
	log_failure(&request, &reply);
	r = answer(pair, &reply);
	l->busy = false;
	return r;
}

static void
line_to_log(void *arg, const char *text)
{
	(void)arg; /* there is one log */
	log_info("%s", text);
}

static void
report(struct pmtserve_loop *l)
{
	const struct tape_listener listener = { .line = line_to_log };
	uint64_t times;

	(void)!read(l->wake_fd, &times, sizeof(times)); /* the flag tells */
	if (atomic_exchange(&l->report, false))
		tape_report(l->parts.tape, &listener);
}

/* Whether to go on after ${r}; else ${l->end} says how it ends. */
static bool
goes_on(struct pmtserve_loop *l, int r)
{
	if (r == 0 || r == -EAGAIN || r == -EINTR)
		return true;
	l->end = r == -EPIPE ? PMTSERVE_GONE : PMTSERVE_FAILED;
	if (r != -EPIPE)
		log_error("what pmtd says is not understood: %s",
		    pmt_pair_why(l->parts.pair));
	return false;
}

/* Somebody wants to be the tape; whether we still are, as above. */
static bool
hand_over(struct pmtserve_loop *l)
{
	int r = pmtserve_hand_over(l->parts.hand, l->parts.pair, l->parts.serve,
	    l->stop_fd);

	if (r == 0)
		return true;
	l->end = r > 0	      ? PMTSERVE_HANDED_OVER
	    : r == -ECANCELED ? PMTSERVE_STOPPED
			      : PMTSERVE_FAILED;
	return false;
}

/* What there is to do but requests; whether to go on. */
static bool
do_wanted(struct pmtserve_loop *l)
{
	struct pollfd fds[] = {
		{ .fd = l->wake_fd, .events = POLLIN },
		{ .fd = l->stop_fd, .events = POLLIN },
		{ .fd = pmtserve_hand_fd(l->parts.hand), .events = POLLIN },
	};

	(void)poll(fds, 3, 0); /* what it does not say is for another time */
	if (fds[0].revents != 0)
		report(l);
	if (fds[1].revents != 0) {
		l->end = PMTSERVE_STOPPED;
		return false;
	}
	return fds[2].revents == 0 || hand_over(l);
}

static void
run(struct pmtserve_loop *l)
{
	bool on = true;

	while (on) {
		if (!atomic_load(&l->wanted)) {
			on = goes_on(l, serve_one(l));
			continue;
		}
		on = do_wanted(l);
		atomic_store(&l->wanted, false);
		(void)eventfd_write(l->seen_fd, 1); /* it can't be full */
	}
}

static void *
thread_main(void *arg)
{
	struct pmtserve_loop *l = arg;

	run(l);
	atomic_store(&l->ended, true);
	(void)eventfd_write(l->seen_fd, 1); /* likewise */
	(void)eventfd_write(l->ended_fd, 1);
	return NULL;
}

/* ---- The herald ---------------------------------------------------------- */

/* Until there is something to do, or the end. */
static void
await_want(struct pmtserve_loop *l)
{
	struct pollfd fds[] = {
		{ .fd = l->wake_fd, .events = POLLIN },
		{ .fd = l->stop_fd, .events = POLLIN },
		{ .fd = pmtserve_hand_fd(l->parts.hand), .events = POLLIN },
		{ .fd = l->ended_fd, .events = POLLIN },
	};

	while (poll(fds, 4, -1) < 0)
		continue; /* a signal for nobody */
}

/* Gets the thread, which is not joined yet, out of read(2). */
static void
call_out(struct pmtserve_loop *l)
{
	pthread_mutex_lock(&l->lock);
	if (l->in_read)
		(void)pthread_kill(l->thread, SIGRTMIN); /* it is there */
	pthread_mutex_unlock(&l->lock);
}

static void *
herald_main(void *arg)
{
	struct pmtserve_loop *l = arg;
	struct pollfd seen = { .fd = l->seen_fd, .events = POLLIN };
	uint64_t times;

	while (!atomic_load(&l->ended)) {
		await_want(l);
		atomic_store(&l->wanted, true);
		while (atomic_load(&l->wanted) && !atomic_load(&l->ended)) {
			call_out(l);
			(void)poll(&seen, 1, CALL_MS); /* or look again */
			(void)!read(l->seen_fd, &times, sizeof(times));
		}
	}
	return NULL;
}

/* ---- From outside -------------------------------------------------------- */

static void
free_loop(struct pmtserve_loop *l)
{
	if (l->stop_fd >= 0)
		(void)close(l->stop_fd); /* it holds nothing */
	if (l->wake_fd >= 0)
		(void)close(l->wake_fd); /* it holds nothing */
	if (l->ended_fd >= 0)
		(void)close(l->ended_fd); /* likewise */
	if (l->seen_fd >= 0)
		(void)close(l->seen_fd);       /* likewise */
	(void)pthread_mutex_destroy(&l->lock); /* nobody has it */
	free(l);
}

static void
do_nothing(int signal_number)
{
	(void)signal_number;
}

/* Both threads. */
static int
start_threads(struct pmtserve_loop *l)
{
	const struct sigaction come_out = { .sa_handler = do_nothing };
	int r;

	(void)sigaction(SIGRTMIN, &come_out, NULL); /* can't fail */
	r = pthread_create(&l->thread, NULL, thread_main, l);
	if (r != 0)
		return -r;
	r = pthread_create(&l->herald, NULL, herald_main, l);
	if (r == 0)
		return 0;
	(void)eventfd_write(l->stop_fd, 1); /* nobody reads it */
	atomic_store(&l->wanted, true);
	while (!atomic_load(&l->ended)) {
		call_out(l);
		(void)poll(NULL, 0, CALL_MS); /* as the herald */
	}
	(void)pthread_join(l->thread, NULL);
	return -r;
}

int
pmtserve_loop_start(const struct pmtserve_parts *parts,
    struct pmtserve_loop **ret_loop)
{
	struct pmtserve_loop *l = calloc(1, sizeof(*l));
	int r;

	if (l == NULL)
		return -ENOMEM;
	l->parts = *parts;
	(void)pthread_mutex_init(&l->lock, NULL); /* can't fail on Linux */
	l->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->seen_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = l->stop_fd < 0 || l->wake_fd < 0 || l->ended_fd < 0 ||
		l->seen_fd < 0
	    ? -errno
	    : start_threads(l);
	if (r < 0) {
		free_loop(l);
		return r;
	}
	*ret_loop = l;
	return 0;
}

int
pmtserve_loop_ended_fd(const struct pmtserve_loop *l)
{
	return l->ended_fd;
}

void
pmtserve_loop_stop(struct pmtserve_loop *l)
{
	(void)eventfd_write(l->stop_fd, 1); /* nobody reads it */
}

bool
pmtserve_loop_report(struct pmtserve_loop *l)
{
	l->report = true;
	(void)eventfd_write(l->wake_fd, 1); /* if full, it wakes as well */
	return !l->busy;
}

enum pmtserve_end
pmtserve_loop_join(struct pmtserve_loop *l)
{
	enum pmtserve_end end;

	(void)pthread_join(l->herald, NULL); /* it kills the other one */
	(void)pthread_join(l->thread, NULL); /* both are there */
	end = l->end;
	free_loop(l);
	return end;
}
