/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request and its reply, in words, bytes and errnos; and the status, where
 * a server has one.  client_connect.c says how there comes to be a server.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client_state.h"

#define MOTION_FACTOR 16   /* times the timeout */
#define END_MS 3000	   /* that a server gets to close its tape */
#define PAYLOAD_LIMIT 1024 /* bytes of a status that are borne */

/* ---- Words --------------------------------------------------------------- */

int
rmt_client_fail(struct rmt_client *c, int err, const char *what)
{
	/* The record that it is about, which may be an earlier one. */
	return tape_fail(&c->base, err, "%s: object %" PRIu64 ": %s: %s",
	    c->name, c->sent_n > 0 && c->at_known ? c->at : c->base.pos.object,
	    what, strerror(err));
}

int
rmt_client_lose(struct rmt_client *c, const char *what)
{
	c->base.pos.known = false;
	return tape_fail(&c->base, EIO,
	    "%s: object %" PRIu64 ": %s%s%s; the position is lost: rewind",
	    c->name, c->base.pos.object, what,
	    c->link == NULL && c->broken_why[0] != '\0' ? ": " : "",
	    c->link == NULL ? c->broken_why : "");
}

int
rmt_client_errno(struct rmt_client *c, const struct rmt_reply *reply)
{
	int err = rmt_wire_errno(c->dialect, reply);

	return err == ENOLINK ? -EIO : -err;
}

/* ---- Requests ------------------------------------------------------------ */

int
rmt_client_drop(struct rmt_client *c, int reason, const char *why)
{
	const char *said;

	if (c->link == NULL)
		return -ENOLINK;
	c->broken = reason;
	said = rmt_link_said(c->link);
	(void)snprintf(c->broken_why, sizeof(c->broken_why), "%s%s%s", why,
	    said[0] == '\0' ? "" : ": ", said); /* cut is fine */
	rmt_link_close(c->link, reason == ENOLINK ? END_MS : 0);
	c->link = NULL;
	c->ahead_n = 0;
	c->at_known = false;
	return -ENOLINK;
}

/* What a link has told, as -ENOLINK; the words by kind. */
static int
dropped(struct rmt_client *c, int r)
{
	if (r == -ETIMEDOUT)
		return rmt_client_drop(c, ETIMEDOUT,
		    "the server does not answer in time");
	if (r == -EPROTO || r == -ENOBUFS)
		return rmt_client_drop(c, EPROTO,
		    "the server does not speak the protocol");
	return rmt_client_drop(c, ENOLINK, "the link to the server is lost");
}

static int64_t
deadline(struct rmt_client *c, enum rmt_patience patience)
{
	return rmt_link_now() +
	    c->timeout_ms *
	    (patience == RMT_PATIENCE_MOTION ? MOTION_FACTOR : 1);
}

int
rmt_client_send(struct rmt_client *c, const struct rmt_request *q,
    const void *data)
{
	char head[RMT_REQUEST_MAX];
	ssize_t n = rmt_wire_encode_request(c->dialect, q, head, sizeof(head));
	int r;

	if (c->link == NULL)
		return -ENOLINK;
	if (n < 0)
		return (int)n;
	r = rmt_link_send(c->link, head, (size_t)n, data,
	    data == NULL ? 0 : q->bytes, deadline(c, RMT_PATIENCE_DATA));
	return r < 0 ? dropped(c, r) : 0;
}

int
rmt_client_reply(struct rmt_client *c, enum rmt_patience patience,
    struct rmt_reply *ret_reply)
{
	int64_t end = deadline(c, patience);
	const void *ahead;
	size_t len;
	ssize_t n;
	int r = 0;

	if (c->link == NULL)
		return -ENOLINK;
	for (;;) {
		ahead = rmt_link_ahead(c->link, &len);
		n = rmt_wire_decode_reply(ahead, len, ret_reply);
		if (n > 0) {
			rmt_link_take(c->link, (size_t)n);
			if (ret_reply->kind == RMT_FATAL)
				return rmt_client_drop(c, ENOLINK,
				    "the server has closed the device");
			return 0;
		}
		r = n < 0 ? (int)n : rmt_link_receive(c->link, end);
		if (r < 0)
			return dropped(c, r);
	}
}

int
rmt_client_data(struct rmt_client *c, void *buf, size_t len)
{
	int r;

	if (c->link == NULL)
		return -ENOLINK;
	r = rmt_link_read(c->link, buf, len, deadline(c, RMT_PATIENCE_DATA));
	return r < 0 ? dropped(c, r) : 0;
}

/* Nothing else is under way, so that nothing may have come yet. */
static int
call(struct rmt_client *c, const struct rmt_request *q,
    enum rmt_patience patience, struct rmt_reply *ret_reply)
{
	size_t unasked = 0;
	int r;

	if (c->link != NULL)
		(void)rmt_link_ahead(c->link, &unasked);
	if (unasked > 0)
		return dropped(c, -EPROTO);
	r = rmt_client_send(c, q, NULL);
	return r < 0 ? r : rmt_client_reply(c, patience, ret_reply);
}

int
rmt_client_call(struct rmt_client *c, const struct rmt_request *q,
    struct rmt_reply *ret_reply)
{
	return call(c, q, RMT_PATIENCE_DATA, ret_reply);
}

int
rmt_client_op(struct rmt_client *c, int mt_op, int32_t count)
{
	struct rmt_request q;
	struct rmt_reply reply;
	int r;

	if (rmt_wire_map_op(c->dialect, mt_op, count, &q) < 0)
		return -EOPNOTSUPP;
	r = call(c, &q, RMT_PATIENCE_MOTION, &reply);
	if (r < 0)
		return r;
	return reply.kind == RMT_DONE ? 0 : rmt_client_errno(c, &reply);
}

/* ---- Status -------------------------------------------------------------- */

static const char asked_fields[] = { 'F', 'B', 'f', 'D' };

int
rmt_client_ask_status(struct rmt_client *c)
{
	struct rmt_request q = { .kind = RMT_STATUS };
	int r = 0;

	if (c->dialect->linux_status)
		return rmt_client_send(c, &q, NULL);
	if (!c->dialect->field_status)
		return -EOPNOTSUPP;
	q.kind = RMT_FIELD;
	for (size_t i = 0; r == 0 && i < sizeof(asked_fields); i++) {
		q.field = asked_fields[i];
		r = rmt_client_send(c, &q, NULL);
	}
	return r;
}

static int
get_fields(struct rmt_client *c, struct rmt_status *s)
{
	int64_t values[sizeof(asked_fields)];
	struct rmt_reply reply;
	int r;

	for (size_t i = 0; i < sizeof(asked_fields); i++) {
		r = rmt_client_reply(c, RMT_PATIENCE_DATA, &reply);
		if (r < 0)
			return r;
		values[i] = reply.kind == RMT_DONE ? reply.value : -1;
	}
	*s = (struct rmt_status){ .dsreg = values[3] };
	s->file =
	    values[0] < 0 || values[0] > INT32_MAX ? -1 : (int32_t)values[0];
	s->block =
	    values[1] < 0 || values[1] > INT32_MAX ? -1 : (int32_t)values[1];
	/* -1 may be all bits, where a long has 32, but never means that. */
	c->tells_bits = c->is_st && values[2] >= 0 && values[2] <= UINT32_MAX;
	c->tells_file = true;
	s->gstat = c->tells_bits ? values[2] : 0;
	return 0;
}

int
rmt_client_get_status(struct rmt_client *c, struct rmt_status *ret_status)
{
	uint8_t buf[PAYLOAD_LIMIT];
	struct rmt_reply reply;
	int r;

	if (c->dialect->field_status)
		return get_fields(c, ret_status);
	r = rmt_client_reply(c, RMT_PATIENCE_DATA, &reply);
	if (r < 0)
		return r;
	if (reply.kind != RMT_DONE)
		return -EOPNOTSUPP;
	if (reply.value < 0 || reply.value > PAYLOAD_LIMIT)
		return dropped(c, -EPROTO);
	r = rmt_client_data(c, buf, (size_t)reply.value);
	if (r < 0)
		return r;
	if (rmt_wire_decode_mtget(buf, (size_t)reply.value, ret_status) < 0)
		return -EOPNOTSUPP;
	c->is_st = c->tells_bits = c->tells_file = true;
	return 0;
}

int
rmt_client_status(struct rmt_client *c, struct rmt_status *ret_status)
{
	int r = rmt_client_ask_status(c);

	return r < 0 ? r : rmt_client_get_status(c, ret_status);
}
