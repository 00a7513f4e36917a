/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session.  Owns the order of things: one request, one reply, in turn, so
 * that a client may send any number of requests ahead.
 *
 * Invariants:
 * 1. A record goes to the tape only when all of it has come.  A connection that
 *    ends within one leaves the tape as if nothing of it had been sent.
 * 2. Whatever a request's outcome, the bytes that belong to it have been taken;
 *    what can't be taken, for it is no request, ends the session.
 * 3. Memory is taken once: a record's largest size.
 *
 * Clients differ.  How is told by what they send: version 1 by asking for it;
 * "S" with a newline or without, for an empty line is no request; flags by
 * name.  A client that does not ask for version 1 is taken to speak Linux's
 * numbers, as GNU tar, cpio and mt do.
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"
#include "wire.h"

/* What a reply to V, and to v, says: those are dump's, and Schily's, numbers.
 */
#define VERSION_DUMP 2
#define VERSION_SCHILY 1

/* Bytes before a record, for its reply; and st passes aligned records on. */
#define HEAD 4096

#define TEXT_BYTES 100 /* of an error; old clients have small buffers */

#define END_OF_LINK 1 /* no errno: the client has ended the session */

struct session {
	const struct rmt_link *link;
	const struct rmt_desk *desk;
	struct rmt_device *device; /* NULL: none is open */
	bool v1;		   /* version 1 has been agreed on */
	bool failed;		   /* the last request was a read that has */
	uint8_t *record;	   /* TAPE_MAX_RECORD bytes, HEAD before them */
	size_t in_at, in_len;
	uint8_t in[2 * RMT_REQUEST_MAX];
};

/* ---- Bytes in and out ---------------------------------------------------- */

/* More of a request; END_OF_LINK, or -EPIPE if it ended within one. */
static int
fill(struct session *s)
{
	size_t have = s->in_len - s->in_at;
	ssize_t n;

	memmove(s->in, s->in + s->in_at, have);
	s->in_at = 0;
	s->in_len = have;
	assert(have < sizeof(s->in));
	n = s->link->read(s->link->arg, s->in + have, sizeof(s->in) - have);
	if (n <= 0)
		return have == 0 ? END_OF_LINK : -EPIPE;
	s->in_len += (size_t)n;
	return 0;
}

static int
next_request(struct session *s, struct rmt_request *ret_request)
{
	ssize_t n;
	int r;

	for (;;) {
		n = rmt_wire_decode_request(s->in + s->in_at,
		    s->in_len - s->in_at, ret_request);
		if (n != 0)
			break;
		r = fill(s);
		if (r != 0)
			return r;
	}
	if (n < 0)
		return (int)n;
	s->in_at += (size_t)n;
	return 0;
}

/* The data of a write: all of them, or -EPIPE. */
static int
take_record(struct session *s, size_t bytes)
{
	size_t have = s->in_len - s->in_at;
	ssize_t n;

	if (have > bytes)
		have = bytes;
	memcpy(s->record, s->in + s->in_at, have);
	s->in_at += have;
	while (have < bytes) {
		n = s->link->read(s->link->arg, s->record + have, bytes - have);
		if (n <= 0)
			return -EPIPE;
		have += (size_t)n;
	}
	return 0;
}

/* The reply, and ${bytes} bytes of the record, in one piece. */
static int
send_reply(struct session *s, const struct rmt_reply *reply, size_t bytes)
{
	char line[RMT_REPLY_MAX];
	ssize_t n = rmt_wire_encode_reply(reply, line, sizeof(line));
	uint8_t *start = s->record - n;

	assert(n > 0 && n <= HEAD);
	memcpy(start, line, (size_t)n);
	return s->link->write(s->link->arg, start, (size_t)n + bytes);
}

static int
answer(struct session *s, int64_t value)
{
	return send_reply(s,
	    &(struct rmt_reply){ .kind = RMT_DONE, .value = value }, 0);
}

/*
 * Beyond 34 each system has its own numbers.  A client elsewhere would take
 * ours for something else, so it gets a number that is everywhere, and the
 * words. ENOMEDIUM has no like, and clients that do not know it fail all the
 * same.
 */
static int
portable(int err)
{
	switch (err) {
	case ENOMEDIUM:
		return err;
	case ENAMETOOLONG:
	case ENOSYS:
	case EOVERFLOW:
	case EOPNOTSUPP:
	case EMEDIUMTYPE:
		return EINVAL;
	default:
		return err <= ERANGE ? err : EIO;
	}
}

/* A reply is lines: what a file is called must not make another. */
static void
make_printable(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

/* The errno's own words first, for clients look at these; then ours. */
static int
refuse(struct session *s, int err, const char *why)
{
	struct rmt_reply reply;
	size_t n;

	rmt_wire_error(err < 0 ? -err : err, &reply);
	reply.value = portable((int)reply.value);
	n = strlen(reply.text);
	if (why != NULL && why[0] != '\0' && n < TEXT_BYTES)
		(void)snprintf(reply.text + n, TEXT_BYTES - n, ": %s",
		    why); /* cut short is fine */
	make_printable(reply.text);
	return send_reply(s, &reply, 0);
}

/* What a call on the device gave: a count, or a negative errno. */
static int
answer_result(struct session *s, int64_t r)
{
	if (r >= 0)
		return answer(s, r);
	return refuse(s, (int)r, s->device->ops->why(s->device));
}

static int
close_device(struct session *s)
{
	struct rmt_device *d = s->device;

	s->device = NULL;
	return d == NULL ? 0 : d->ops->close(d);
}

/* ---- Requests ------------------------------------------------------------ */

static int
no_request(struct session *s, const struct rmt_request *q)
{
	(void)s; /* it needs no answer: the newline of an S that had one */
	(void)q;
	return 0;
}

/* As every server does, an open closes what was open. */
static int
open_device(struct session *s, const struct rmt_request *q)
{
	char why[RMT_WHY_MAX] = "";
	int r = close_device(s);

	if (r < 0)
		return refuse(s, r, "closing the tape that was open");
	if (q->bad_flag)
		return refuse(s, EINVAL, "unknown open flag");
	r = s->desk->open(s->desk->arg, q->device, q->flags, &s->device, why);
	return r < 0 ? refuse(s, r, why) : answer(s, 0);
}

static int
close_request(struct session *s, const struct rmt_request *q)
{
	int r = close_device(s);

	(void)q; /* its argument says nothing */
	return r < 0 ? refuse(s, r, "closing the tape") : answer(s, 0);
}

static int
read_record(struct session *s, const struct rmt_request *q)
{
	ssize_t n;

	assert(q->bytes <= TAPE_MAX_RECORD);
	n = s->device->ops->read(s->device, s->record, q->bytes);
	s->failed = n < 0;
	if (n < 0)
		return answer_result(s, n);
	assert((size_t)n <= q->bytes);
	return send_reply(s,
	    &(struct rmt_reply){ .kind = RMT_DONE, .value = n }, (size_t)n);
}

static int
write_record(struct session *s, const struct rmt_request *q)
{
	return answer_result(s,
	    s->device->ops->write(s->device, s->record, q->bytes));
}

/*
 * Nothing moves.  st takes lseek(2) for nothing and says 0, which restore wants
 * to hear behind a record that it can't read; but tar 1.35 would believe that
 * members are skipped which it has to read.
 */
static int
seek_device(struct session *s, const struct rmt_request *q)
{
	if (q->offset == 0 || s->failed)
		return answer(s, 0);
	return refuse(s, ESPIPE, "a tape has no bytes to seek");
}

static int
run_op(struct session *s, const struct rmt_request *q)
{
	int op, r = rmt_wire_unmap_op(q, s->v1, &op);

	if (r < 0 || q->count < INT_MIN || q->count > INT_MAX)
		return refuse(s, EINVAL, "no such tape operation");
	r = s->device->ops->op(s->device, op, (int)q->count);
	/* A negative count is no failure, but would look like one. */
	return answer_result(s,
	    r < 0			? r
		: s->v1 && q->count > 0 ? q->count
					: 0);
}

static int
operate(struct session *s, const struct rmt_request *q)
{
	if (q->kind == RMT_OP && q->op == RMT_OP_NEGOTIATE) {
		s->v1 = true;
		return answer(s, 1);
	}
	if (s->device == NULL)
		return refuse(s, EBADF, "no tape is open");
	return run_op(s, q);
}

static int
send_status(struct session *s, const struct rmt_request *q)
{
	struct mtget m;
	struct rmt_status status;
	int r = s->device->ops->status(s->device, &m);

	(void)q; /* there is one status */
	if (r < 0)
		return answer_result(s, r);
	status = (struct rmt_status){ .type = m.mt_type,
		.resid = m.mt_resid,
		.dsreg = m.mt_dsreg,
		.gstat = m.mt_gstat,
		.erreg = m.mt_erreg,
		.file = (int32_t)m.mt_fileno,
		.block = (int32_t)m.mt_blkno };
	rmt_wire_encode_mtget(&status, s->record);
	return send_reply(s,
	    &(struct rmt_reply){ .kind = RMT_DONE, .value = RMT_MTGET_BYTES },
	    RMT_MTGET_BYTES);
}

static int
send_field(struct session *s, const struct rmt_request *q)
{
	struct mtget m;
	int r = s->device->ops->status(s->device, &m);

	if (r < 0)
		return answer_result(s, r);
	switch (q->field) {
	case 'T':
		return answer(s, m.mt_type);
	case 'D':
		return answer(s, m.mt_dsreg);
	case 'E':
		return answer(s, m.mt_erreg);
	case 'R':
		return answer(s, m.mt_resid);
	case 'F':
		return answer(s, m.mt_fileno);
	case 'B':
		return answer(s, m.mt_blkno);
	case 'f':
		return answer(s, m.mt_gstat);
	case 'b': /* the best blocking factor, which Linux does not tell */
		return answer(s, 0);
	default:
		return refuse(s, EINVAL, "no such field");
	}
}

static int
send_version(struct session *s, const struct rmt_request *q)
{
	return answer(s,
	    q->kind == RMT_VERSION ? VERSION_DUMP : VERSION_SCHILY);
}

static const struct {
	int (*handle)(struct session *s, const struct rmt_request *q);
	bool needs_device; /* EBADF without one */
} handlers[] = {
	[RMT_EMPTY] = { no_request, false },
	[RMT_OPEN] = { open_device, false },
	[RMT_CLOSE] = { close_request, true },
	[RMT_READ] = { read_record, true },
	[RMT_WRITE] = { write_record, true },
	[RMT_SEEK] = { seek_device, true },
	[RMT_OP] = { operate, false },
	[RMT_OP_V1] = { operate, false },
	[RMT_STATUS] = { send_status, true },
	[RMT_FIELD] = { send_field, true },
	[RMT_VERSION] = { send_version, false },
	[RMT_VERSION_OLD] = { send_version, false },
};

static int
serve_one(struct session *s)
{
	struct rmt_request q;
	int r = next_request(s, &q);

	if (r != 0)
		return r;
	assert(q.kind < sizeof(handlers) / sizeof(handlers[0]));
	if (q.kind == RMT_WRITE)
		r = take_record(s, q.bytes);
	if (r < 0)
		return r;
	if (handlers[q.kind].needs_device && s->device == NULL)
		return refuse(s, EBADF, "no tape is open");
	if (q.kind != RMT_SEEK && q.kind != RMT_READ)
		s->failed = false;
	return handlers[q.kind].handle(s, &q);
}

int
rmt_server_run(const struct rmt_link *link, const struct rmt_desk *desk)
{
	struct session *s = calloc(1, sizeof(*s));
	uint8_t *memory = aligned_alloc(HEAD, HEAD + TAPE_MAX_RECORD);
	int r = -ENOMEM, r2;

	if (s == NULL || memory == NULL)
		goto out;
	s->link = link;
	s->desk = desk;
	s->record = memory + HEAD;
	do {
		r = serve_one(s);
	} while (r == 0);
	/* The client may still listen; whether it does changes nothing. */
	if (r == -EPROTO)
		(void)refuse(s, EINVAL, "garbage command");
	r2 = close_device(s);
	if (r == END_OF_LINK)
		r = r2;
out:
	free(memory);
	free(s);
	return r;
}
