/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port; see port.h.
 *
 * The lock is held for moments only, never during an exchange.  An end may lock
 * its own inside of it, in cut(), and so must not hold that when it calls here.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "port.h"
#include "tape.h"
#include "wire.h"

/* All else has a larger one. */
#define HELLO_ID 1

struct port {
	pthread_mutex_t lock;
	pthread_cond_t idle;
	struct port_end *end;	     /* who is attached; NULL: nobody */
	uint64_t arrivals;	     /* how many have been, with him */
	const struct port_end *busy; /* whose exchange is under way */
	enum pmt_op busy_op;	     /* what was asked there */
	bool ready;		     /* he has answered HELLO */
	bool closed;		     /* port_cut() */
	uint64_t generation;	     /* of the last who was ready */
	uint64_t next_id;
	unsigned timeout_ms;
	pid_t pid;
	time_t since;
	uint64_t served; /* requests that he has answered */
	char error[192]; /* the last that went wrong with a slave */

	pthread_mutex_t listener_lock; /* held during changed() */
	void (*changed)(void *arg);
	void *changed_arg;
};

struct port *
port_new(void)
{
	struct port *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->next_id = HELLO_ID;
	(void)pthread_mutex_init(&p->lock, NULL); /* can't fail on Linux */
	(void)pthread_mutex_init(&p->listener_lock, NULL); /* nor can these */
	(void)pthread_cond_init(&p->idle, NULL);
	return p;
}

void
port_free(struct port *p)
{
	if (p == NULL)
		return;
	assert(p->end == NULL && p->busy == NULL);
	(void)pthread_cond_destroy(&p->idle); /* nobody waits */
	(void)pthread_mutex_destroy(&p->listener_lock);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}

static void
tell_change(struct port *p)
{
	pthread_mutex_lock(&p->listener_lock);
	if (p->changed != NULL)
		p->changed(p->changed_arg);
	pthread_mutex_unlock(&p->listener_lock);
}

void
port_listen(struct port *p, void (*changed)(void *arg), void *arg)
{
	pthread_mutex_lock(&p->listener_lock);
	p->changed = changed;
	p->changed_arg = arg;
	pthread_mutex_unlock(&p->listener_lock);
}

uint64_t
port_generation(struct port *p)
{
	uint64_t generation;

	pthread_mutex_lock(&p->lock);
	generation = p->ready ? p->generation : 0;
	pthread_mutex_unlock(&p->lock);
	return generation;
}

void
port_set_timeout(struct port *p, unsigned timeout_ms)
{
	pthread_mutex_lock(&p->lock);
	p->timeout_ms = timeout_ms;
	pthread_mutex_unlock(&p->lock);
}

/* ---- Coming and going ---------------------------------------------------- */

int
port_attach(struct port *p, struct port_end *end, pid_t pid)
{
	int r = 0;

	pthread_mutex_lock(&p->lock);
	if (p->closed)
		r = -ENOTCONN;
	else if (p->end != NULL)
		r = -EBUSY;
	if (r == 0) {
		p->end = end;
		end->arrival = ++p->arrivals;
		p->ready = false;
		p->pid = pid;
		p->since = time(NULL);
		p->served = 0;
	}
	pthread_mutex_unlock(&p->lock);
	return r;
}

bool
port_is_attached(struct port *p, const struct port_end *end, uint64_t arrival)
{
	bool is;

	pthread_mutex_lock(&p->lock);
	is = p->end == end && p->arrivals == arrival;
	pthread_mutex_unlock(&p->lock);
	return is;
}

void
port_ready(struct port *p, struct port_end *end)
{
	bool new;

	pthread_mutex_lock(&p->lock);
	new = p->end == end && !p->ready;
	if (new) {
		p->ready = true;
		p->generation++;
	}
	pthread_mutex_unlock(&p->lock);
	if (new)
		tell_change(p);
}

/* With the lock: whether somebody left by it who was ready. */
static bool
vacate(struct port *p)
{
	bool was_ready = p->ready;

	p->end = NULL;
	p->ready = false;
	return was_ready;
}

/* With the lock: notes the line that is to be told about the slave. */
static void __attribute__((format(printf, 2, 3)))
note_error(struct port *p, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(p->error, sizeof(p->error),
	    "pair: process %ld: ", (long)p->pid); /* fits */

	va_start(ap, fmt);
	(void)vsnprintf(p->error + n, sizeof(p->error) - (size_t)n, fmt,
	    ap); /* cut is fine */
	va_end(ap);
}

/*
 * Whether it is worth a line that a slave has gone instead of answering: not if
 * he was to let the medium go, for what that means the tape tells.
 */
static bool
is_missed(enum pmt_op op)
{
	return op != PMT_UNLOAD;
}

void
port_detach(struct port *p, struct port_end *end)
{
	char line[sizeof(p->error)] = "";
	bool change = false;

	pthread_mutex_lock(&p->lock);
	if (p->end == end && p->busy == end && is_missed(p->busy_op)) {
		note_error(p, "gone, with no answer to %s",
		    pair_wire_op_name(p->busy_op));
		memcpy(line, p->error, sizeof(line));
	}
	if (p->end == end)
		change = vacate(p);
	pthread_mutex_unlock(&p->lock);
	if (line[0] != '\0')
		tape_alarm("%s", line);
	if (change)
		tell_change(p);
}

/* With the lock, which it gives back: lets the slave go; ${told}: with a line.
 */
static void
expel(struct port *p, bool told)
{
	struct port_end *end = p->end;
	char line[sizeof(p->error)];
	bool change;

	memcpy(line, p->error, sizeof(line));
	change = vacate(p);
	end->ops->cut(end);
	pthread_mutex_unlock(&p->lock);
	if (told)
		tape_alarm("%s", line);
	if (change)
		tell_change(p);
}

void
port_throw_out(struct port *p, struct port_end *end, const char *why)
{
	pthread_mutex_lock(&p->lock);
	if (p->end != end) {
		pthread_mutex_unlock(&p->lock);
		return;
	}
	note_error(p, "thrown out: %s", why);
	expel(p, true);
}

void
port_cut(struct port *p, const char *why)
{
	pthread_mutex_lock(&p->lock);
	p->closed = true;
	if (p->end == NULL) {
		pthread_mutex_unlock(&p->lock);
		return;
	}
	if (why != NULL)
		note_error(p, "let go: %s", why);
	expel(p, why != NULL);
}

void
port_await_idle(struct port *p, const struct port_end *end)
{
	pthread_mutex_lock(&p->lock);
	while (p->busy == end)
		pthread_cond_wait(&p->idle, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

/* ---- Exchanges ----------------------------------------------------------- */

void
port_hello(struct port_call *call)
{
	*call = (struct port_call){ .request = { .op = PMT_HELLO,
					.id = HELLO_ID,
					.unit = PMT_PAIR_VERSION,
					.count = PMT_PAIR_VERSION } };
	pair_wire_put_request(call->header, &call->request);
}

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

int
port_take_header(struct port_call *call, const uint8_t header[PMT_PAIR_HEADER],
    void **ret_data, size_t *ret_len)
{
	struct pmt_reply reply;
	const char *why;
	bool record;
	int r = pair_wire_get_reply(header, &reply, &why);

	if (r == 0 && reply.shared && reply.op == PMT_READ)
		reply.len = least(reply.done, call->request.count);
	if (r == 0)
		r = pair_wire_check_reply(&call->request, &reply, &why);
	if (r < 0) {
		(void)snprintf(call->why, sizeof(call->why), "%s to %s", why,
		    pair_wire_op_name(call->request.op)); /* fits */
		return r;
	}
	/* The check has seen to it that they fit in either. */
	record = reply.error == 0 && reply.op == PMT_READ;
	assert(reply.len <= (record ? call->size : PMT_PAIR_MAX_WORDS));
	reply.data = record ? call->buf : call->side;
	call->reply = reply;
	*ret_data = record ? call->buf : call->side;
	*ret_len = reply.shared ? 0 : reply.len;
	return 0;
}

/* With the lock: what a failed exchange says of the slave. */
static void
note_failure(struct port *p, int r, const struct port_call *call)
{
	const char *op = pair_wire_op_name(call->request.op);

	if (r == -EPROTO)
		note_error(p, "thrown out: %s", call->why);
	else if (r == -ETIMEDOUT)
		note_error(p, "thrown out: no answer to %s in %u s", op,
		    p->timeout_ms / 1000);
	else
		note_error(p, "gone, with no answer to %s", op);
}

/* Another than who was asked may be here by now. */
static void
end_exchange(struct port *p, int r, struct port_call *call)
{
	pthread_mutex_lock(&p->lock);
	p->busy = NULL;
	p->served += r == 0;
	pthread_cond_broadcast(&p->idle);
	if (r == 0) {
		pthread_mutex_unlock(&p->lock);
		return;
	}
	if (p->end != NULL && p->arrivals == call->arrival) {
		note_failure(p, r, call);
		(void)snprintf(call->why, sizeof(call->why), "%.*s",
		    (int)sizeof(call->why) - 1, p->error); /* cut is fine */
		expel(p, r != -EPIPE || is_missed(call->request.op));
		return;
	}
	pthread_mutex_unlock(&p->lock);
	(void)snprintf(call->why, sizeof(call->why),
	    "pair: the slave has gone"); /* fits */
}

/* Whom to ask; NULL: nobody. */
static struct port_end *
begin_exchange(struct port *p, uint64_t generation, struct port_call *call,
    unsigned *ret_timeout_ms)
{
	struct port_end *end = NULL;

	pthread_mutex_lock(&p->lock);
	assert(p->busy == NULL);
	if (p->ready && p->generation == generation) {
		end = p->end;
		p->busy = end;
		p->busy_op = call->request.op;
		call->request.id = ++p->next_id;
	}
	*ret_timeout_ms = p->timeout_ms;
	call->arrival = p->arrivals;
	pthread_mutex_unlock(&p->lock);
	return end;
}

int
port_exchange(struct port *p, uint64_t generation, struct port_call *call)
{
	unsigned timeout_ms;
	struct port_end *end = begin_exchange(p, generation, call, &timeout_ms);
	int r;

	if (end == NULL) {
		(void)snprintf(call->why, sizeof(call->why),
		    "pair: there is no slave"); /* fits */
		return -ENOLINK;
	}
	pair_wire_put_request(call->header, &call->request);
	r = end->ops->exchange(end, call, timeout_ms);
	end_exchange(p, r, call);
	return r < 0 ? -ENOLINK : 0;
}

/* ---- For people ---------------------------------------------------------- */

void
port_report(struct port *p, const struct tape_listener *listener)
{
	char error[sizeof(p->error)];
	char since[32] = "";
	char line[128];
	struct tm tm;

	pthread_mutex_lock(&p->lock);
	if (localtime_r(&p->since, &tm) != NULL)
		(void)strftime(since, sizeof(since), "%F %T", &tm); /* fits */
	if (p->end == NULL)
		(void)snprintf(line, sizeof(line),
		    "pair: nobody holds the slave end"); /* fits */
	else
		(void)snprintf(line, sizeof(line),
		    "pair: process %ld has the slave end, a %s, since %s, "
		    "%s%" PRIu64 " requests served",
		    (long)p->pid, p->end->ops->name, since,
		    p->ready ? "" : "no HELLO yet, ", p->served); /* fits */
	memcpy(error, p->error, sizeof(error));
	pthread_mutex_unlock(&p->lock);
	tape_tell_line(listener, "%s", line);
	if (error[0] != '\0')
		tape_tell_line(listener, "pair: the last error: %s", error);
}
