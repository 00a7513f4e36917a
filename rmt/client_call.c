/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request and its reply, and how the connection comes about: the remote
 * shell is started as tar and dump start it, the dialect is what the spec says
 * or what the server shows, and the device is opened.
 *
 * A server is found out with no device open, where nothing can be hurt: the
 * request for version 1 is an error to those that have it not; of these GNU's
 * ends after a close, and BSD's does not.  Whose op numbers a server has can't
 * be asked for, but a status that looks like that of 64-bit Linux in every bit
 * shows it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/mtio.h>

#include "client_state.h"

#define MOTION_FACTOR 16    /* times the timeout */
#define END_MS 3000	    /* that a server gets to close its tape */
#define BUSY_MS 50	    /* the first pause before a node is tried again */
#define BUSY_LIMIT_MS 30000 /* that the last server may hold it */
#define PAYLOAD_LIMIT 1024  /* bytes of a status that are borne */
#define BLOCK_SIZE(dsreg) ((dsreg)&MT_ST_BLKSIZE_MASK)

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

static int
call(struct rmt_client *c, const struct rmt_request *q,
    enum rmt_patience patience, struct rmt_reply *ret_reply)
{
	int r = rmt_client_send(c, q, NULL);

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
	c->tells_bits = values[2] >= 0 && values[2] <= UINT32_MAX;
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
	c->tells_bits = c->tells_file = true;
	return 0;
}

int
rmt_client_status(struct rmt_client *c, struct rmt_status *ret_status)
{
	int r = rmt_client_ask_status(c);

	return r < 0 ? r : rmt_client_get_status(c, ret_status);
}

/* ---- Connecting ---------------------------------------------------------- */

/* The words for a connection that did not come about. */
static int
no_server(struct rmt_client *c, int r)
{
	if (r == -ENOLINK)
		return tape_fail(&c->base,
		    c->broken == ENOLINK ? EIO : c->broken,
		    "%s: no server: %s: %s", c->name, c->rsh, c->broken_why);
	return tape_fail(&c->base, -r, "%s: can't start %s: %s", c->name,
	    c->rsh, strerror(-r));
}

static bool
is_ssh(const char *program)
{
	const char *slash = strrchr(program, '/');

	return strcmp(slash == NULL ? program : slash + 1, "ssh") == 0;
}

/*
 * The remote shell, as tar and dump start it: RSH host [-l user] command.  ssh
 * gets what makes a dead network show.
 */
static int
start_server(struct rmt_client *c)
{
	static const char *const ssh_options[] = { "-T", "-o", "BatchMode=yes",
		"-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=8",
		"-o", "ControlPath=none", "-o", "ConnectTimeout=30" };
	const char *argv[24];
	size_t n = 0;

	argv[n++] = c->rsh;
	if (is_ssh(c->rsh))
		for (size_t i = 0;
		     i < sizeof(ssh_options) / sizeof(ssh_options[0]); i++)
			argv[n++] = ssh_options[i];
	argv[n++] = c->host;
	if (c->user != NULL) {
		argv[n++] = "-l";
		argv[n++] = c->user;
	}
	argv[n++] = c->rmt;
	argv[n] = NULL;
	return rmt_link_open(argv, &c->link);
}

/* 1: version 1 it is; 0: an error says that it is not. */
static int
ask_version(struct rmt_client *c)
{
	const struct rmt_request q = { .kind = RMT_OP, .op = RMT_OP_NEGOTIATE };
	struct rmt_reply reply;
	int r = rmt_client_call(c, &q, &reply);

	return r < 0 ? r : reply.kind == RMT_DONE;
}

/* A server without version 1: after two closes GNU's is not there any more. */
static int
tell_old_ones_apart(struct rmt_client *c)
{
	const struct rmt_request q = { .kind = RMT_CLOSE };
	struct rmt_reply reply;
	int r = rmt_client_send(c, &q, NULL);

	if (r == 0)
		r = rmt_client_reply(c, RMT_PATIENCE_DATA, &reply);
	if (r < 0)
		return r;
	r = rmt_client_send(c, &q, NULL);
	if (r == 0)
		r = rmt_client_reply(c, RMT_PATIENCE_DATA, &reply);
	if (r == 0 || c->broken != ENOLINK)
		return r;
	c->dialect = &rmt_dialects[RMT_DIALECT_GNU];
	return start_server(c);
}

static int
agree(struct rmt_client *c)
{
	int r;

	if (c->asked != NULL)
		c->dialect = c->asked;
	else if (c->dialect == NULL)
		c->dialect = &rmt_dialects[RMT_DIALECT_PLAIN];
	else if (!c->dialect->negotiates)
		return 0; /* found out already */
	if (c->asked != NULL && !c->asked->negotiates)
		return 0;
	r = ask_version(c);
	if (r < 0)
		return r;
	if (r == 1) {
		if (!c->dialect->negotiates)
			c->dialect = &rmt_dialects[RMT_DIALECT_DUMP];
		return 0;
	}
	if (c->asked == NULL && !c->dialect->negotiates)
		return tell_old_ones_apart(c);
	return dropped(c, -EPROTO);
}

static int
open_device(struct rmt_client *c, int mode)
{
	struct rmt_request q = { .kind = RMT_OPEN, .flags = mode | O_NONBLOCK };
	struct rmt_reply reply;
	int r;

	(void)snprintf(q.device, sizeof(q.device), "%s", c->device);
	r = rmt_client_call(c, &q, &reply);
	if (r == 0 && reply.kind != RMT_DONE)
		r = rmt_client_errno(c, &reply);
	return r;
}

/* O_NONBLOCK, always: st would wait two minutes for a tape. */
static int
open_either(struct rmt_client *c)
{
	int r = open_device(c, O_RDWR);

	c->protection = NULL;
	if (r == -EROFS || r == -EACCES) {
		c->protection = r == -EROFS
		    ? "the medium is"
		    : "no permission to write to the drive";
		r = open_device(c, O_RDONLY);
	}
	if (r < 0 && r != -ENOLINK)
		(void)tape_fail(&c->base, -r, "%s: can't be opened: %s%s",
		    c->name, strerror(-r),
		    r == -EINVAL      ? "; the name is too long for that server"
			: r == -EBUSY ? "; another program has the drive"
				      : "");
	return r;
}

/* Whether that is a tape, and what its status is worth. */
static int
look_at_device(struct rmt_client *c, struct rmt_status *s)
{
	int r = 0;

	*s = (struct rmt_status){ .file = -1, .block = -1 };
	c->tells_file = c->tells_bits = false;
	if (c->dialect == &rmt_dialects[RMT_DIALECT_PLAIN] && c->asked == NULL)
		c->dialect = &rmt_dialects[RMT_DIALECT_LINUX];
	if (c->dialect->linux_status || c->dialect->field_status)
		r = rmt_client_status(c, s);
	if (r != -EOPNOTSUPP)
		return r;
	if (c->dialect == &rmt_dialects[RMT_DIALECT_LINUX] &&
	    c->asked == NULL) {
		c->dialect = &rmt_dialects[RMT_DIALECT_PLAIN];
		return 0;
	}
	return tape_fail(&c->base, ENOTTY,
	    "%s: is no tape drive of Linux; if it is one of another system, "
	    "name its dialect",
	    c->name);
}

static int
make_ready(struct rmt_client *c, struct rmt_status *s)
{
	int r;

	if (!c->tells_bits)
		return 0;
	if (!GMT_ONLINE(s->gstat)) {
		r = rmt_client_op(c, MTLOAD, 1); /* the status tells */
		if (r != -ENOLINK)
			r = rmt_client_status(c, s);
		if (r < 0)
			return r;
		if (!GMT_ONLINE(s->gstat))
			return tape_fail(&c->base, ENOMEDIUM,
			    "%s: no tape in the drive", c->name);
	}
	if (GMT_WR_PROT(s->gstat))
		c->protection = "the medium is";
	c->density = (uint8_t)(s->dsreg >> MT_ST_DENSITY_SHIFT & 0xff);
	return 0;
}

/*
 * As for a drive of this machine: no buffering by st, where it allows that, and
 * variable block mode, which not every dialect can ask for.
 */
static int
set_up(struct rmt_client *c, const struct rmt_status *s)
{
	int r = 0;

	if (c->dialect->numbers == RMT_NUMBERS_LINUX) {
		r = rmt_client_op(c, MTSETDRVBUFFER, MT_ST_CLEARBOOLEANS | 0x7);
		if (r != -ENOLINK)
			r = rmt_client_op(c, MTSETBLK, 0);
		if (r < 0 && r != -ENOLINK)
			return tape_fail(&c->base, -r,
			    "%s: variable block mode can't be set: %s", c->name,
			    strerror(-r));
	} else if (c->tells_bits && s->dsreg >= 0 && BLOCK_SIZE(s->dsreg) != 0)
		return tape_fail(&c->base, EINVAL,
		    "%s: the drive is in fixed block mode; on its host say: "
		    "mt -f %s setblk 0",
		    c->name, c->device);
	return r < 0 ? r : rmt_client_to_bot(c);
}

static int
connect_once(struct rmt_client *c)
{
	struct rmt_status s;
	int r = start_server(c);

	if (r < 0)
		return no_server(c, r);
	r = agree(c);
	if (r < 0)
		return no_server(c, r);
	r = open_either(c);
	if (r == 0)
		r = look_at_device(c, &s);
	if (r == 0)
		r = make_ready(c, &s);
	if (r == 0)
		r = set_up(c, &s);
	if (r == -ENOLINK)
		return no_server(c, r);
	if (r < 0)
		(void)rmt_client_drop(c, ENOLINK, "given up");
	return r;
}

int
rmt_client_connect(struct rmt_client *c)
{
	c->at_known = c->writing = c->warned = false;
	return connect_once(c);
}

static void
pause_ms(int64_t ms)
{
	struct timespec t = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L };

	(void)nanosleep(&t, NULL); /* shorter is fine */
}

int
rmt_client_reconnect(struct rmt_client *c)
{
	int64_t pause = BUSY_MS;
	int64_t limit =
	    c->timeout_ms < BUSY_LIMIT_MS ? c->timeout_ms : BUSY_LIMIT_MS;
	int64_t end = rmt_link_now() + limit;
	int r;

	for (;;) {
		r = rmt_client_connect(c);
		/* The last server may still be at its end. */
		if ((r != -EBUSY && r != -EIO) || c->broken != ENOLINK ||
		    rmt_link_now() + pause > end)
			return r;
		pause_ms(pause);
		pause = pause < 1000 ? pause * 2 : pause;
	}
}
