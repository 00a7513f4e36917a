/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the connection comes about: the remote shell is started as tar and dump
 * start it, the dialect is what the spec says or what the server shows, and the
 * device is opened.
 *
 * A server is found out with no device open, where nothing can be hurt: the
 * request for version 1 is an error to those that have it not; of these GNU's
 * ends after a close, and BSD's does not.  Whose op numbers a server has can't
 * be asked for, but a status that looks like that of 64-bit Linux in every bit
 * shows it; and where version 1 was agreed on, it is tried what that means.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <linux/mtio.h>

#include "client_state.h"

#define COUNT_MAX 0x7fffff  /* what a SPACE command can carry */
#define BUSY_MS 50	    /* the first pause before a node is tried again */
#define BUSY_LIMIT_MS 30000 /* that the last server may hold it */
#define BLOCK_SIZE(dsreg) ((dsreg)&MT_ST_BLKSIZE_MASK)

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
	return rmt_client_drop(c, EPROTO,
	    "the server does not speak the protocol");
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

/*
 * By the type, whose status the fields of version 1 are: Solaris, too, has
 * flags, but they mean something else than st's.
 */
static int
ask_type(struct rmt_client *c)
{
	const struct rmt_request q = { .kind = RMT_FIELD, .field = 'T' };
	struct rmt_reply reply;
	int r = rmt_client_call(c, &q, &reply);

	c->is_st = r == 0 && reply.kind == RMT_DONE &&
	    (reply.value == MT_ISSCSI1 || reply.value == MT_ISSCSI2);
	return r;
}

/* What is said to have the numbers of BSD must not be Linux: 5 would write. */
static int
no_linux(struct rmt_client *c)
{
	const struct rmt_request q = { .kind = RMT_STATUS };
	struct rmt_status s;
	int r = rmt_client_send(c, &q, NULL);

	if (r == 0)
		r = rmt_client_get_status(c, &s);
	if (r == -EOPNOTSUPP)
		return 0;
	return r < 0 ? r
		     : tape_fail(&c->base, EINVAL,
			   "%s: is a drive of Linux, for which dialect=%s has "
			   "the wrong op numbers",
			   c->name, c->dialect->name);
}

/* Whether that is a tape, and what its status is worth. */
static int
look_at_device(struct rmt_client *c, struct rmt_status *s)
{
	int r = 0;

	*s = (struct rmt_status){ .file = -1, .block = -1 };
	c->is_st = c->tells_file = c->tells_bits = false;
	if (c->dialect == &rmt_dialects[RMT_DIALECT_PLAIN] && c->asked == NULL)
		c->dialect = &rmt_dialects[RMT_DIALECT_LINUX];
	if (c->dialect->field_status)
		r = ask_type(c);
	if (r == 0 && (c->dialect->linux_status || c->dialect->field_status))
		r = rmt_client_status(c, s);
	if (c->dialect->numbers == RMT_NUMBERS_BSD)
		return no_linux(c);
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

/* Where the tape stands, as far as the status tells; false: it does not. */
static bool
is_off_bot(const struct rmt_status *s)
{
	return s->file > 0 || (s->file == 0 && s->block > 0);
}

/* One op by its number, whatever that means; its result does not matter. */
static int
try_op(struct rmt_client *c, int number, int64_t count)
{
	const struct rmt_request q = { .kind = RMT_OP,
		.op = number,
		.count = count };
	struct rmt_reply reply;

	return rmt_client_call(c, &q, &reply);
}

/* Off BOT, by ops that are the same everywhere; it may be a blank tape. */
static int
leave_bot(struct rmt_client *c, struct rmt_status *s)
{
	int r = 0;

	if (s->file < 0) {
		r = try_op(c, MTBSF, COUNT_MAX);
		if (r == 0)
			r = try_op(c, MTBSR, COUNT_MAX);
	}
	if (r == 0)
		r = try_op(c, MTFSR, 1);
	return r < 0 ? r : rmt_client_status(c, s);
}

/* On a blank tape: no filemarks are written, or there is no such op of st's. */
static int
ask_by_nothing(struct rmt_client *c, bool *ret_changed)
{
	const struct rmt_request q = { .kind = RMT_OP, .op = 0, .count = 0 };
	struct rmt_reply reply;
	int r = rmt_client_call(c, &q, &reply);

	if (r == 0 && reply.kind != RMT_DONE)
		r = rmt_client_errno(c, &reply);
	*ret_changed = r != -ENOSYS;
	if (r == 0 || r == -ENOSYS || r == -EACCES || r == -EROFS ||
	    r == -EBADF || r == -ENOLINK)
		return r == -ENOLINK ? r : 0;
	if (c->asked != NULL) {
		*ret_changed = c->dialect->numbers == RMT_NUMBERS_V1;
		return 0;
	}
	return tape_fail(&c->base, EOPNOTSUPP,
	    "%s: whose op numbers the server has can't be found out (%s); name "
	    "its dialect",
	    c->name, strerror(-r));
}

/*
 * Whether version 1 has changed the op numbers: dump's server of 2002 agrees to
 * it, and passes those of Linux on all the same, of which 5 is no rewind but a
 * filemark.  With a count of 0 it does no harm, and only a rewind moves.
 */
static int
check_numbers(struct rmt_client *c, struct rmt_status *s)
{
	struct rmt_status after;
	bool changed;
	int r = is_off_bot(s) ? 0 : leave_bot(c, s);

	if (r < 0)
		return r;
	if (is_off_bot(s)) {
		r = try_op(c, 5, 0);
		if (r == 0)
			r = rmt_client_status(c, &after);
		changed = r == 0 && !is_off_bot(&after);
	} else {
		r = ask_by_nothing(c, &changed);
	}
	if (r < 0)
		return r;
	if (!changed)
		c->dialect = &rmt_dialects[RMT_DIALECT_OLDDUMP];
	else if (c->dialect->numbers != RMT_NUMBERS_V1)
		c->dialect = &rmt_dialects[RMT_DIALECT_DUMP];
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
	if (r == 0 && c->dialect->negotiates)
		r = check_numbers(c, &s);
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
