/* SPDX-License-Identifier: BSD-2-Clause */
/* The thread that has the tape; see pmtserve_loop.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
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

struct pmtserve_loop {
	struct pmtserve_parts parts;
	pthread_t thread;
	int stop_fd;  /* it is to end after this request */
	int wake_fd;  /* a report is wanted */
	int ended_fd; /* the thread has ended */
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

/* The next request, if it is there, and its answer; an errno as of libpmt. */
static int
serve_one(struct pmtserve_loop *l)
{
	struct pmt_pair *pair = l->parts.pair;
	struct pmt_request request;
	struct pmt_reply reply;
	int r = pmt_pair_next(pair, &request);

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
	l->end = r > 0 ? PMTSERVE_HANDED_OVER : PMTSERVE_FAILED;
	return false;
}

static void
run(struct pmtserve_loop *l)
{
	struct pollfd fds[] = {
		{ .fd = pmt_pair_fd(l->parts.pair), .events = POLLIN },
		{ .fd = l->wake_fd, .events = POLLIN },
		{ .fd = l->stop_fd, .events = POLLIN },
		{ .fd = pmtserve_hand_fd(l->parts.hand), .events = POLLIN },
	};
	bool on = true;

	while (on) {
		if (poll(fds, 4, -1) < 0)
			continue; /* a signal for nobody */
		if (fds[1].revents != 0)
			report(l);
		if (fds[2].revents != 0) {
			l->end = PMTSERVE_STOPPED;
			return;
		}
		if (fds[0].revents != 0)
			on = goes_on(l, serve_one(l));
		if (on && fds[3].revents != 0)
			on = hand_over(l);
	}
}

static void *
thread_main(void *arg)
{
	struct pmtserve_loop *l = arg;

	run(l);
	(void)eventfd_write(l->ended_fd, 1); /* it can't be full */
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
	free(l);
}

/* So that half a request never keeps the thread from what else there is. */
static int
make_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno
								       : 0;
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
	l->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = l->stop_fd < 0 || l->wake_fd < 0 || l->ended_fd < 0
	    ? -errno
	    : make_nonblocking(pmt_pair_fd(parts->pair));
	if (r == 0)
		r = -pthread_create(&l->thread, NULL, thread_main, l);
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

	(void)pthread_join(l->thread, NULL); /* it is there */
	end = l->end;
	free_loop(l);
	return end;
}
