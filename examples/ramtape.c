/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ramtape: a tape in memory, which is gone when the program ends.
 *
 *     cc -o ramtape ramtape.c $(pkg-config --cflags --libs libpmt)
 *     pmtd pair: && ./ramtape /dev/pmts &
 *     tar -cf /dev/npmt . && mt -f /dev/npmt rewind && tar -tf /dev/npmt
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pmt/pair.h>

static struct object {
	size_t len; /* of a filemark it is 0 */
	char data[];
} * tape[1000000];
static size_t n, here; /* how many objects there are, and are before here */

/* Over one object, forward (1) or back (-1): what it is. */
static int
step(void *arg, int way)
{
	if (here == (way > 0 ? n : 0))
		return way > 0 ? PMT_EOD : PMT_BOT;
	return tape[way > 0 ? here++ : --here]->len ? PMT_NONE : PMT_FILEMARK;
}

/* A record, or filemarks, here, as far as there is room; the last there is. */
static void
put(const struct pmt_request *q)
{
	size_t more = q->op == PMT_WRITE ? 1 : q->count;

	while (more > 0 && n > here)
		free(tape[--n]);
	while (more-- > 0 && n < sizeof(tape) / sizeof(*tape) &&
	    (tape[n] = malloc(sizeof(**tape) + q->len)) != NULL) {
		tape[n]->len = q->len;
		memcpy(tape[n++]->data, q->len ? q->data : "", q->len);
	}
}

static void
answer(void *arg, const struct pmt_request *q, struct pmt_reply *r)
{
	if (q->op == PMT_WRITE || q->op == PMT_FILEMARKS)
		put(q);
	pmt_reply_walk(r, q, step, arg); /* also over what was put there */
	if (q->op == PMT_READ && r->cond == PMT_NONE) {
		r->data = tape[here - 1]->data;
		r->done = r->len = tape[here - 1]->len;
	}
}

int
main(int argc, char **argv)
{
	static const pmt_handler handlers[PMT_OPS] = { answer }; /* for all */
	struct pmt_pair *pair;
	int r = pmt_pair_open(argc > 1 ? argv[1] : "/dev/pmts", &pair);

	if (r < 0 || (r = pmt_pair_serve(pair, handlers, NULL)) < 0)
		fprintf(stderr, "ramtape: %s\n", strerror(-r));
	return r < 0;
}
