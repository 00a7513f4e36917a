/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers for a plain tape, of which no more is known than how to step over one
 * object: how each request moves it, and where it stands then.  Of messages
 * this knows nothing, nor of data.
 */
#include <errno.h>
#include <string.h>

#include <pmt/pair.h>

static const struct pmt_info plain = { .min_record = 1,
	.max_record = PMT_PAIR_MAX_RECORD,
	.granularity = 1,
	.partitions = 1,
	.max_partitions = 1 };

struct walk {
	pmt_step step;
	void *arg;
	struct pmt_reply *reply; /* reply->at goes along with the tape */
};

/* Whether there was an object that way. */
static bool
has_moved(int met)
{
	return met == PMT_NONE || met == PMT_FILEMARK;
}

/* One object; what was met, or a negative errno. */
static int
step(const struct walk *w, int way)
{
	int met = w->step(w->arg, way);

	if (has_moved(met))
		w->reply->at.object += (uint64_t)(int64_t)way;
	if (met == PMT_FILEMARK)
		w->reply->at.file += (uint64_t)(int64_t)way;
	return met;
}

static int
go_to_bot(const struct walk *w)
{
	int met;

	do {
		met = step(w, -1);
	} while (has_moved(met));
	if (met < 0)
		return met;
	w->reply->at.object = w->reply->at.file = 0;
	w->reply->at.known = true;
	return PMT_NONE;
}

static int
locate(const struct walk *w, uint64_t object)
{
	const struct pmt_position *at = &w->reply->at;
	int met = at->known ? PMT_NONE : go_to_bot(w);

	while (has_moved(met) && at->object != object)
		met = step(w, at->object < object ? 1 : -1);
	return met == PMT_FILEMARK ? PMT_NONE : met;
}

/* Over ${asked} of ${unit}; reply->done is how many were passed. */
static int
space(const struct walk *w, uint32_t unit, uint64_t asked, int way)
{
	int met;

	for (w->reply->done = 0; w->reply->done < asked;) {
		met = step(w, way);
		if (!has_moved(met))
			return met;
		if ((met == PMT_NONE) == (unit == PMT_RECORDS))
			w->reply->done++;
		else if (unit == PMT_RECORDS)
			return PMT_FILEMARK;
	}
	return PMT_NONE;
}

static int
space_to_eod(const struct walk *w)
{
	int met = w->reply->at.known ? PMT_NONE : go_to_bot(w);

	if (met == PMT_NONE)
		met = space(w, PMT_TO_EOD, UINT64_MAX, 1);
	return met == PMT_EOD ? PMT_NONE : met;
}

/* Over what was put there. */
static int
pass_written(const struct walk *w, uint64_t count)
{
	int met = PMT_NONE;

	for (w->reply->done = 0; w->reply->done < count; w->reply->done++) {
		met = step(w, 1);
		if (!has_moved(met))
			return met == PMT_EOD ? -ENOSPC : met;
	}
	return PMT_NONE;
}

static int
walk(const struct walk *w, const struct pmt_request *q)
{
	bool is_back = (int64_t)q->count < 0;

	switch (q->op) {
	case PMT_LOAD:
	case PMT_REWIND:
		return go_to_bot(w);
	case PMT_LOCATE:
		return q->unit == 0 ? locate(w, q->count) : -EINVAL;
	case PMT_SPACE:
		if (q->unit == PMT_TO_EOD)
			return space_to_eod(w);
		return space(w, q->unit, is_back ? -q->count : q->count,
		    is_back ? -1 : 1);
	case PMT_READ:
		return step(w, 1);
	case PMT_WRITE:
		return pass_written(w, 1);
	case PMT_FILEMARKS:
		return pass_written(w, q->count);
	case PMT_DESCRIBE:
		w->reply->info = &plain;
		return PMT_NONE;
	case PMT_UNLOAD:
		return PMT_NONE;
	default:
		return -EOPNOTSUPP;
	}
}

/* How many were passed is told of a failure, too. */
static void
tell_failure(struct pmt_reply *reply, int error)
{
	bool writes = reply->op == PMT_WRITE || reply->op == PMT_FILEMARKS;
	uint64_t done = reply->done;

	pmt_reply_fail(reply, error, strerror(error));
	if (writes && error == ENOSPC)
		reply->cond = PMT_EOM;
	if (reply->op == PMT_SPACE || reply->op == PMT_FILEMARKS)
		reply->done = done;
}

void
pmt_reply_walk(struct pmt_reply *reply, const struct pmt_request *request,
    pmt_step step_over, void *arg)
{
	struct walk w = { step_over, arg, reply };
	int met = walk(&w, request);

	if (reply->op == PMT_WRITE)
		reply->done = 0; /* it has none */
	if (met < 0)
		tell_failure(reply, -met);
	else
		reply->cond = (enum pmt_cond)met;
}
