/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the server's tape stands, and motion.
 *
 * What is known of the tape (client_map.h) is walked in filemarks and records,
 * whose op numbers are the same everywhere.  Beyond the edge it is walked
 * record by record, because no server says how many it has passed.  A motion
 * that does not end as the map says is done once more from BOT; if that fails,
 * too, the position is lost.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <linux/mtio.h>

#include "client_state.h"

#define COUNT_MAX 0x7fffff /* what a SPACE command can carry */
#define BATCH 64	   /* records spaced over in one go, if not strict */

void
rmt_client_stand(struct rmt_client *c, uint64_t object)
{
	c->base.pos = (struct tape_pos){ .object = object,
		.file = rmt_map_files(&c->map, object),
		.known = true };
}

/* ---- Being ready --------------------------------------------------------- */

int
rmt_client_idle(struct rmt_client *c)
{
	int r;

	if (!c->writing)
		return 0;
	r = rmt_client_op(c, MTWEOF, 0);
	if (r == -ENOLINK)
		return r;
	if (c->dialect->numbers == RMT_NUMBERS_BSD ||
	    c->dialect->numbers == RMT_NUMBERS_UNKNOWN) {
		/*
		 * Old drives do not take it, and have no buffer.  Nobody says
		 * what they write at the next motion.
		 */
		c->map.ends = false;
		c->writing = c->warned = false;
		return 0;
	}
	if (r < 0)
		return rmt_client_fail(c, EIO,
		    "the drive can't write out its buffer");
	c->writing = c->warned = false;
	return 0;
}

int
rmt_client_to_bot(struct rmt_client *c)
{
	int r = rmt_client_idle(c);

	if (r < 0)
		return r;
	c->at_known = false;
	r = rmt_client_op(c, MTREW, 1);
	if (r == -EOPNOTSUPP) {
		/* This stops at BOT, with an error or not. */
		r = rmt_client_op(c, MTBSF, COUNT_MAX);
		if (r == 0)
			r = rmt_client_op(c, MTBSR, COUNT_MAX);
		r = r == -ENOLINK ? r : 0;
	}
	if (r == -ENOLINK)
		return r;
	if (r < 0)
		return rmt_client_lose(c, "can't be rewound");
	c->at = 0;
	c->at_known = true;
	return 0;
}

int
rmt_client_clear_leftover(struct rmt_client *c)
{
	uint64_t edge = c->map.edge;
	enum tape_cond met;
	uint8_t byte;
	size_t len;
	int r = rmt_client_go(c, edge);

	if (r < 0)
		return r;
	c->map.ends = false;
	r = rmt_client_read_one(c, &byte, 1, &len, &met);
	if (r < 0 || met == TAPE_EOD)
		return r;
	if (met == TAPE_NONE)
		return rmt_client_lose(c, "there is a record of another's");
	r = rmt_client_go(c, edge);
	if (r < 0)
		return r;
	r = c->protection == NULL ? rmt_client_op(c, MTERASE, 0) : -EROFS;
	if (r == -ENOLINK)
		return r;
	if (r == 0) {
		rmt_map_cut(&c->map, edge);
		c->map.ends = true;
		return 0;
	}
	tape_alarm("%s: the link was lost; object %" PRIu64
		   " is a filemark that nobody has asked for",
	    c->name, edge);
	return 0;
}

int
rmt_client_ready(struct rmt_client *c)
{
	bool was_writing = c->writing;
	int r;

	if (!c->loaded)
		return tape_fail(&c->base, ENOMEDIUM, "no tape loaded");
	if (c->link != NULL)
		return 0;
	r = rmt_client_reconnect(c);
	if (r == 0 && was_writing && c->sent_n == 0 && c->base.pos.known)
		r = rmt_client_clear_leftover(c);
	if (r < 0)
		c->writing = was_writing;
	return r;
}

int
rmt_client_again(struct rmt_client *c, int r, unsigned *losses)
{
	if (r != -ENOLINK)
		return r;
	for (;;) {
		if (c->broken != ENOLINK || ++*losses > RMT_CLIENT_LOSSES) {
			rmt_client_forget(c);
			return rmt_client_lose(c, "given up");
		}
		r = rmt_client_ready(c);
		if (r == 0)
			return 0;
		if (r != -ENOLINK) {
			rmt_client_forget(c);
			c->base.pos.known = false;
			return r; /* the words are set */
		}
	}
}

int
rmt_client_settle(struct rmt_client *c)
{
	enum tape_cond cond;
	unsigned losses = 0;
	int r;

	do {
		r = rmt_client_ready(c);
		if (r == 0)
			r = rmt_client_flush(c, &cond);
		if (r == 0)
			r = rmt_client_end_ahead(c);
		if (r == 0 && c->base.pos.known)
			r = rmt_client_go(c, c->base.pos.object);
		if (r != -ENOLINK)
			return r;
		r = rmt_client_again(c, r, &losses);
	} while (r == 0);
	return r;
}

/* ---- Motion where the tape is known -------------------------------------- */

/*
 * An op as often as it takes; all of it is done, or it fails.  Back over
 * filemarks it goes one by one: there are drives that miscount those in a row.
 */
static int
repeat(struct rmt_client *c, int mt_op, uint64_t count)
{
	uint64_t most = mt_op == MTBSF ? 1 : COUNT_MAX;
	int r = 0;

	while (r == 0 && count > 0) {
		int32_t some = (int32_t)(count < most ? count : most);

		r = rmt_client_op(c, mt_op, some);
		count -= (uint64_t)some;
	}
	return r;
}

/* From the start of a file on. */
static int
into_file(struct rmt_client *c, uint64_t object)
{
	return repeat(c, MTFSR, object - rmt_map_start(&c->map, object));
}

static int
go_forward(struct rmt_client *c, uint64_t object)
{
	uint64_t from = rmt_map_files(&c->map, c->at);
	uint64_t to = rmt_map_files(&c->map, object);
	int r;

	if (from == to)
		return repeat(c, MTFSR, object - c->at);
	r = repeat(c, MTFSF, to - from);
	return r < 0 ? r : into_file(c, object);
}

/* To the same file from behind, or to an earlier one by its end or start. */
static int
go_back(struct rmt_client *c, uint64_t object)
{
	uint64_t from = rmt_map_files(&c->map, c->at);
	uint64_t to = rmt_map_files(&c->map, object);
	uint64_t end = rmt_map_mark(&c->map, object);
	int r;

	if (from == to)
		return repeat(c, MTBSR, c->at - object);
	if (end - object <= object - rmt_map_start(&c->map, object)) {
		r = repeat(c, MTBSF, from - to);
		return r < 0 ? r : repeat(c, MTBSR, end - object);
	}
	if (to == 0) {
		r = rmt_client_to_bot(c);
	} else {
		r = repeat(c, MTBSF, from - to + 1);
		if (r == 0)
			r = repeat(c, MTFSF, 1);
	}
	return r < 0 ? r : into_file(c, object);
}

int
rmt_client_go(struct rmt_client *c, uint64_t object)
{
	int r = 0;

	if (c->at_known && c->at == object)
		return 0;
	r = rmt_client_idle(c);
	if (r < 0)
		return r;
	for (int attempt = 0; attempt < 2; attempt++) {
		if (!c->at_known)
			r = rmt_client_to_bot(c);
		if (r < 0)
			return r;
		c->at_known = false;
		r = object >= c->at ? go_forward(c, object)
				    : go_back(c, object);
		if (r == -ENOLINK)
			return r;
		if (r == 0) {
			c->at = object;
			c->at_known = true;
			return 0;
		}
		r = 0; /* from BOT, then */
	}
	return rmt_client_lose(c, "is not where it was");
}

/* ---- Where nothing is known ---------------------------------------------- */

/* Notes one object that was passed; what the map knows must not differ. */
static int
note(struct rmt_client *c, bool is_filemark)
{
	if (c->at < c->map.edge) {
		bool known = rmt_map_mark(&c->map, c->at) == c->at;

		if (known != is_filemark) {
			c->at_known = false;
			return rmt_client_lose(c, "is not what it was");
		}
	} else if (rmt_map_add(&c->map, is_filemark) < 0)
		return rmt_client_fail(c, ENOMEM, "too many filemarks");
	c->at++;
	return 0;
}

/*
 * What was no record is a filemark or EOD; how many filemarks there were, the
 * file number says, and EOD is what comes last.
 */
int
rmt_client_resolve(struct rmt_client *c, const bool *passed, size_t n,
    bool *ret_end)
{
	int64_t file = (int64_t)rmt_map_files(&c->map, c->at);
	size_t others = 0, marks;
	struct rmt_status s;
	int r;

	*ret_end = false;
	for (size_t i = 0; i < n; i++)
		others += !passed[i];
	marks = others;
	if (others > 0 && c->at + n > c->map.edge) {
		r = rmt_client_status(c, &s);
		if (r == -ENOLINK)
			return r;
		if (r < 0 || s.file < file || s.file > file + (int64_t)others) {
			c->at_known = false;
			return rmt_client_lose(c, "can't be spaced over");
		}
		marks = (size_t)(s.file - file);
		*ret_end =
		    marks < others && (!c->tells_bits || GMT_EOD(s.gstat) != 0);
		if (marks < others && !*ret_end) {
			c->at_known = false;
			return rmt_client_fail(c, EIO, "can't be spaced over");
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (!passed[i] && marks-- == 0)
			break;
		r = note(c, !passed[i]);
		if (r < 0)
			return r;
	}
	if (*ret_end)
		c->map.ends = true;
	return 0;
}

/* Some objects on, where the server tells no file number: by reading. */
static int
feel(struct rmt_client *c, bool *ret_end)
{
	enum tape_cond met;
	uint8_t byte;
	size_t len;
	int r = rmt_client_read_one(c, &byte, 1, &len, &met);

	*ret_end = r == 0 && met == TAPE_EOD;
	return r;
}

/*
 * From the edge on, over what may be records, filemarks or EOD; not over much
 * more than ${want} of them.
 */
static int
explore(struct rmt_client *c, uint64_t want, bool *ret_end)
{
	size_t n = c->window == 0 ? 1 : want < BATCH ? (size_t)want : BATCH;
	bool passed[BATCH] = { false };
	struct rmt_request q;
	struct rmt_reply reply;
	int r = 0;

	*ret_end = c->map.ends;
	if (*ret_end)
		return 0;
	if (!c->tells_file)
		return feel(c, ret_end);
	(void)rmt_wire_map_op(c->dialect, MTFSR, 1, &q); /* always there */
	for (size_t i = 0; r == 0 && i < n; i++)
		r = rmt_client_send(c, &q, NULL);
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = rmt_client_reply(c, RMT_PATIENCE_MOTION, &reply);
		passed[i] = r == 0 && reply.kind == RMT_DONE;
	}
	return r < 0 ? r : rmt_client_resolve(c, passed, n, ret_end);
}

/* Sees to it that the edge lies beyond ${object}, or at EOD. */
static int
know(struct rmt_client *c, uint64_t object, bool *ret_end)
{
	int r = 0;

	*ret_end = false;
	while (r == 0 && c->map.edge <= object && !*ret_end) {
		r = rmt_client_go(c, c->map.edge);
		if (r == 0)
			r = explore(c, object + 1 - c->map.edge, ret_end);
	}
	return r;
}

/* ---- Spacing ------------------------------------------------------------- */

/* On, and the position with it. */
static int
move_to(struct rmt_client *c, uint64_t object)
{
	int r = rmt_client_go(c, object);

	if (r == 0)
		rmt_client_stand(c, object);
	return r;
}

static int
records_forward(struct rmt_client *c, uint64_t want, uint64_t *ret_done,
    enum tape_cond *ret_cond)
{
	uint64_t here, mark, left, some;
	bool end;
	int r;

	while (*ret_done < want) {
		here = c->base.pos.object;
		left = want - *ret_done;
		mark = rmt_map_mark(&c->map, here);
		if (mark == here && here < c->map.edge) {
			*ret_cond = TAPE_FILEMARK;
			return move_to(c, here + 1);
		}
		if (mark == here) {
			r = know(c, here + (left < BATCH ? left : BATCH) - 1,
			    &end);
			if (r < 0)
				return r;
			if (c->map.edge > here)
				continue;
			*ret_cond = TAPE_EOD;
			return move_to(c, here);
		}
		some = mark - here < left ? mark - here : left;
		r = move_to(c, here + some);
		if (r < 0)
			return r;
		*ret_done += some;
	}
	return 0;
}

static int
records_back(struct rmt_client *c, uint64_t want, uint64_t *ret_done,
    enum tape_cond *ret_cond)
{
	uint64_t here = c->base.pos.object;
	uint64_t start = rmt_map_start(&c->map, here);
	uint64_t some = here - start < want ? here - start : want;
	int r = move_to(c, here - some);

	if (r < 0)
		return r;
	*ret_done += some;
	if (*ret_done == want)
		return 0;
	*ret_cond = start == 0 ? TAPE_BOT : TAPE_FILEMARK;
	return start == 0 ? 0 : move_to(c, start - 1);
}

static int
marks_forward(struct rmt_client *c, uint64_t want, uint64_t *ret_done,
    enum tape_cond *ret_cond)
{
	uint64_t mark;
	bool end;
	int r;

	while (*ret_done < want) {
		mark = rmt_map_mark(&c->map, c->base.pos.object);
		if (mark < c->map.edge) {
			/* Of those that are known, all at once. */
			uint64_t file = c->base.pos.file;
			uint64_t some = c->map.n - file;

			if (some > want - *ret_done)
				some = want - *ret_done;
			r = move_to(c, c->map.marks[file + some - 1] + 1);
			if (r < 0)
				return r;
			*ret_done += some;
			continue;
		}
		r = know(c, c->map.edge + BATCH - 1, &end);
		if (r < 0)
			return r;
		mark = rmt_map_mark(&c->map, c->base.pos.object);
		if (end && mark == c->map.edge) {
			*ret_cond = TAPE_EOD;
			return move_to(c, c->map.edge);
		}
	}
	return 0;
}

static int
marks_back(struct rmt_client *c, uint64_t want, uint64_t *ret_done,
    enum tape_cond *ret_cond)
{
	uint64_t file = c->base.pos.file;
	uint64_t some = file < want ? file : want;
	int r;

	if (some == want) {
		if (want == 0)
			return 0;
		r = move_to(c, c->map.marks[file - some]);
		*ret_done += r == 0 ? some : 0;
		return r;
	}
	r = move_to(c, 0);
	if (r < 0)
		return r;
	*ret_done += some;
	*ret_cond = TAPE_BOT;
	return 0;
}

static int
space_once(struct rmt_client *c, enum tape_unit unit, int64_t count,
    uint64_t *ret_done, enum tape_cond *ret_cond)
{
	uint64_t want = count < 0 ? -(uint64_t)count : (uint64_t)count;

	if (!c->base.pos.known && unit != TAPE_TO_EOD)
		return rmt_client_lose(c, "can't be spaced over");
	if (!c->base.pos.known)
		rmt_client_stand(c, 0);
	if (unit == TAPE_RECORDS)
		return count > 0 ? records_forward(c, want, ret_done, ret_cond)
				 : records_back(c, want, ret_done, ret_cond);
	if (unit == TAPE_FILEMARKS)
		return count > 0 ? marks_forward(c, want, ret_done, ret_cond)
				 : marks_back(c, want, ret_done, ret_cond);
	return marks_forward(c, UINT64_MAX, ret_done, ret_cond);
}

int
rmt_client_space(struct tape *t, enum tape_unit unit, int64_t count,
    uint64_t *ret_done, enum tape_cond *ret_cond)
{
	struct rmt_client *c = rmt_client_of(t);
	unsigned losses = 0;
	uint64_t done = 0;
	int r = rmt_client_settle(c);

	*ret_done = 0;
	*ret_cond = TAPE_NONE;
	while (r == 0) {
		int64_t left =
		    count < 0 ? count + (int64_t)done : count - (int64_t)done;
		uint64_t some = 0;

		r = space_once(c, unit, left, &some, ret_cond);
		done += some;
		if (r != -ENOLINK)
			break;
		r = rmt_client_again(c, r, &losses);
	}
	*ret_done = done;
	if (r < 0)
		*ret_cond = TAPE_NONE;
	if (unit == TAPE_TO_EOD)
		*ret_cond = TAPE_NONE; /* EOD is what was asked for */
	return r;
}

static int
locate_once(struct rmt_client *c, uint64_t object, enum tape_cond *ret_cond)
{
	bool end;
	int r;

	*ret_cond = TAPE_NONE;
	r = object <= c->map.edge ? 0 : know(c, object - 1, &end);
	if (r < 0)
		return r;
	if (object > c->map.edge) {
		*ret_cond = TAPE_EOD;
		object = c->map.edge;
	}
	return move_to(c, object);
}

int
rmt_client_locate(struct tape *t, uint32_t partition, uint64_t object,
    enum tape_cond *ret_cond)
{
	struct rmt_client *c = rmt_client_of(t);
	unsigned losses = 0;
	int r = rmt_client_settle(c);

	if (r < 0)
		return r;
	if (partition != 0)
		return tape_fail(t, EINVAL, "%s: there is only partition 0",
		    c->name);
	do {
		r = locate_once(c, object, ret_cond);
		if (r != -ENOLINK)
			break;
		r = rmt_client_again(c, r, &losses);
	} while (r == 0);
	return r;
}

int
rmt_client_rewind(struct tape *t)
{
	struct rmt_client *c = rmt_client_of(t);
	unsigned losses = 0;
	int r;

	/* What was acknowledged ahead, and is not there, has to be told. */
	r = rmt_client_settle(c);
	if (r < 0 && (c->link == NULL || !c->loaded))
		return r;
	if (r < 0 && t->pos.known)
		return r;
	do {
		r = rmt_client_to_bot(c);
		if (r != -ENOLINK)
			break;
		r = rmt_client_again(c, r, &losses);
	} while (r == 0);
	if (r < 0)
		return r;
	rmt_client_stand(c, 0);
	return 0;
}
