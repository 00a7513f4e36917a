/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ramtape: a tape in memory, which is gone when the program ends.
 *
 *     cc -o ramtape ramtape.c $(pkg-config --cflags --libs libpmt)
 *     pmtd pair: && ./ramtape /dev/pmts &
 *     tar -cf /dev/npmt . && mt -f /dev/npmt rewind && tar -tf /dev/npmt
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pmt/pair.h>

/* The tape: n objects, of which those of no bytes are filemarks. */
static struct object {
	void *data;
	size_t len;
} * objects;
static uint64_t n;
static struct pmt_position at = { .known = true };

/* Over one object, forward (1) or back (-1); what was met. */
static enum pmt_cond
step(int way)
{
	if (at.object == (way > 0 ? n : 0))
		return way > 0 ? PMT_EOD : PMT_BOT;
	at.object += (uint64_t)(int64_t)way;
	if (objects[at.object - (way > 0)].len > 0)
		return PMT_NONE;
	at.file += (uint64_t)(int64_t)way;
	return PMT_FILEMARK;
}

/* Puts an object here, as the last there is. */
static void
append(const void *data, size_t len)
{
	while (n > at.object)
		free(objects[--n].data);
	objects = realloc(objects, (n + 1) * sizeof(*objects));
	if (objects == NULL || (objects[n].data = malloc(len + 1)) == NULL)
		abort(); /* for the drive, the tape is gone */
	if (len > 0)
		memcpy(objects[n].data, data, len);
	objects[n++].len = len;
	(void)step(1);
}

/* Over ${r->done} of a unit; how many were passed is done, then. */
static void
space(const struct pmt_request *q, struct pmt_reply *r)
{
	uint64_t asked = q->unit == PMT_TO_EOD ? UINT64_MAX : r->done;
	enum pmt_cond met;

	for (r->done = 0; r->done < asked && r->cond == PMT_NONE;) {
		met = step((int64_t)q->count < 0 ? -1 : 1);
		if (met == PMT_NONE
			? q->unit == PMT_RECORDS
			: met == PMT_FILEMARK && q->unit != PMT_RECORDS)
			r->done++;
		else if (met != PMT_NONE)
			r->cond = met;
	}
	if (q->unit == PMT_TO_EOD)
		r->cond = PMT_NONE;
}

/* What ${q} asks for; r says so far that all was done. */
static void
answer(const struct pmt_request *q, struct pmt_reply *r)
{
	static const struct pmt_info info = { .min_record = 1,
		.max_record = PMT_PAIR_MAX_RECORD,
		.granularity = 1,
		.partitions = 1,
		.medium = "memory" };
	static uint8_t packed[PMT_PAIR_INFO];
	uint64_t to = q->op == PMT_LOCATE ? q->count : 0;

	if (q->op == PMT_LOCATE && q->unit > 0) {
		pmt_reply_fail(r, EINVAL, "there is only partition 0");
	} else if (q->op == PMT_LOAD || q->op == PMT_REWIND ||
	    q->op == PMT_LOCATE) {
		for (at.object = at.file = 0; at.object < to && r->cond == 0;)
			r->cond = step(1) == PMT_EOD ? PMT_EOD : PMT_NONE;
	} else if (q->op == PMT_DESCRIBE) {
		pmt_info_pack(&info, packed);
		r->data = packed;
		r->len = sizeof(packed);
	} else if (q->op == PMT_READ) {
		r->cond = step(1);
		if (r->cond == PMT_NONE) {
			r->data = objects[at.object - 1].data;
			r->done = objects[at.object - 1].len;
			r->len = r->done < q->count ? r->done : q->count;
		}
	} else if (q->op == PMT_WRITE) {
		append(q->data, q->len);
	} else if (q->op == PMT_FILEMARKS) {
		for (uint64_t i = 0; i < q->count; i++)
			append(NULL, 0);
	} else if (q->op == PMT_SPACE) {
		space(q, r);
	} else if (q->op != PMT_UNLOAD) {
		pmt_reply_fail(r, EOPNOTSUPP, "memory can't do that");
	}
	r->at = at;
}

int
main(int argc, char **argv)
{
	struct pmt_request request;
	struct pmt_reply reply;
	struct pmt_pair *pair;
	int r = pmt_pair_open(argc > 1 ? argv[1] : "/dev/pmts", &pair);

	while (r == 0 && (r = pmt_pair_next(pair, &request)) == 0) {
		reply = pmt_reply_to(&request);
		answer(&request, &reply);
		r = pmt_pair_answer(pair, &reply);
	}
	if (r == -EPIPE)
		return 0; /* the drive has ended */
	(void)fprintf(stderr, "ramtape: %s\n", strerror(-r));
	return 1;
}
