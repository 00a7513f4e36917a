/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port: where a tape that is another program meets that program.  The tape
 * asks, with port_exchange(); an end (a node, a socket) carries the question to
 * whoever holds it and brings the answer back.  The port owns who may be the
 * slave, and what is made of one that misbehaves: he is thrown out, with one
 * line that says why, and the tape gets an error.
 *
 *     attach          HELLO answered            ready: exchanges
 *     ------> HELLO ------------------> READY ---------------------+
 *               |                         |                        |
 *               | gone, or a wrong answer | gone, wrong, too late  |
 *               v                         v                        |
 *             empty <-----------------------------------------------
 *
 * A port has one slave at a time and one exchange at a time.  All calls may be
 * made from any thread; only port_exchange() and port_await_idle() block.
 */
#ifndef PMT_PORT_H
#define PMT_PORT_H

#include <pmt/pair.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct port;
struct tape_listener;

/* One question, and what came back. */
struct port_call {
	struct pmt_request request; /* with its data */
	void *buf;		    /* where the bytes of a record go: as ... */
	size_t size;		    /* ... many as PMT_READ asks for */
	struct pmt_reply reply;	    /* its data are in buf or in side */
	/*
	 * The rest is for the port and its ends: who is asked, the request's
	 * header as it is sent, data of a reply that are no record, and what is
	 * wrong with it.
	 */
	uint64_t arrival; /* whom it is put to, as in port_end */
	uint8_t header[PMT_PAIR_HEADER];
	uint8_t side[PMT_PAIR_MAX_WORDS + 1];
	char why[128];
};

/*
 * What carries exchanges: the first member of each kind of end.  The port calls
 * these; an end calls the port.
 */
struct port_end {
	const struct port_end_ops *ops;
	/*
	 * Of the slave who attached last, another number for each; set by
	 * port_attach().  An end that serves one slave after the other keeps it
	 * with what it knows of him.
	 */
	uint64_t arrival;
};
struct port_end_ops {
	const char *name; /* "node", for people */
	/*
	 * Sends ${call}, waits for the reply, and takes it in with
	 * port_take_header().  ${timeout_ms}: 0 is for ever.  -EPIPE: the slave
	 * of ${call->arrival} has gone, even if the next is here already, or
	 * the end was cut; -ETIMEDOUT: no answer in time; -EPROTO:
	 * no answer at all, ${call->why} has the words.
	 */
	int (*exchange)(struct port_end *end, struct port_call *call,
	    unsigned timeout_ms);
	/*
	 * The slave is to be let go: an exchange under way ends at once, and he
	 * gets nothing more.  Must not block, nor call the port.
	 */
	void (*cut)(struct port_end *end);
};

/* NULL: out of memory. */
struct port *port_new(void);

/* Nobody is attached any more.  NULL is fine. */
void port_free(struct port *p);

/* ---- For the tape -------------------------------------------------------- */

/* Which slave this is: another number for each; 0: there is none, or he has not
 * said HELLO yet. */
uint64_t port_generation(struct port *p);

/*
 * Asks the slave ${generation}, and waits for the reply, which is one that
 * pair_wire_check_reply() lets pass.  -ENOLINK: he is no more, or was not
 * worthy of it and is thrown out; ${call->why} has the words.
 */
int port_exchange(struct port *p, uint64_t generation, struct port_call *call);

/* How long the slave may take for one answer; 0, the default: for ever. */
void port_set_timeout(struct port *p, unsigned timeout_ms);

/*
 * Whoever is there is let go, for the reason ${why} (NULL: without a line about
 * it); nobody comes any more.
 */
void port_cut(struct port *p, const char *why);

/*
 * Calls ${changed}, which must not block, whenever a slave has become ready or
 * has gone; NULL: no more, and none is under way on return.
 */
void port_listen(struct port *p, void (*changed)(void *arg), void *arg);

/* Who holds the slave end, since when, what he has done, the last error. */
void port_report(struct port *p, const struct tape_listener *listener);

/* ---- For ends ------------------------------------------------------------ */

/*
 * A slave has come to ${end}, a process ${pid} (0: not known).  -EBUSY: there
 * is one already; -ENOTCONN: port_cut() was called.
 */
int port_attach(struct port *p, struct port_end *end, pid_t pid);

/*
 * Whether he who came to ${end} as ${arrival} is attached still: an end that
 * notes him only after port_attach() has missed a cut() before that.
 */
bool port_is_attached(struct port *p, const struct port_end *end,
    uint64_t arrival);

/* The question that he has to answer first. */
void port_hello(struct port_call *call);

/* He has. */
void port_ready(struct port *p, struct port_end *end);

/*
 * The slave at ${end} has left by himself: nothing, if he was thrown out
 * before.
 */
void port_detach(struct port *p, struct port_end *end);

/* He is thrown out, for the reason ${why}; nothing, if he is no more. */
void port_throw_out(struct port *p, struct port_end *end, const char *why);

/* Waits until no exchange is under way at ${end}. */
void port_await_idle(struct port *p, const struct port_end *end);

/*
 * Looks at the header of a reply.  0: ${call->reply} is set, and the
 * ${ret_len} bytes of data that follow go to ${ret_data}; those of one that is
 * shared are the end's to put where ${call->reply.data} points.  -EPROTO: no
 * answer to this question, as ${call->why} says.
 */
int port_take_header(struct port_call *call,
    const uint8_t header[PMT_PAIR_HEADER], void **ret_data, size_t *ret_len);

#endif
