/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The format vtape under mortal.h: a writer dies in all places, with each
 * number of the format lying across two pages in each way.
 */
#include "mortal.h"

/* A record such that the next object begins ${k} bytes before a page does. */
static void
put_up_to(struct tape *t, uint32_t tag, uint32_t k)
{
	struct tape_info info;
	uint64_t at;

	tape_describe(t, &info);
	at = 20 + info.used + 4 + k;
	put(t, tag, PAGE + PAGE - (uint32_t)(at % PAGE));
}

/* Offsets past 65536, so that links have three bytes that are not 0. */
static void
work(struct tape *t)
{
	put(t, 1000, 66000);
	for (uint32_t k = 1; k < 20; k++) {
		put_up_to(t, k, k);
		if (k < 4)
			put(t, 50 + k, 5000);
		put_up_to(t, 100 + k, k);
		put_marks(t, 1);
		put(t, 200 + k, 300 * k);
		put_marks(t, 2);
		if (k % 4 == 0)
			go_to(t, k);
	}
	/* Each of the links is taken back, going down. */
	for (uint64_t object = witness_acked(witness)->n; object > 8;) {
		object -= 3;
		go_to(t, object);
		if (object % 2 == 0)
			witness_erase(witness, t);
		else
			put(t, 400, 100);
	}
	go_to(t, 0);
	put_marks(t, 1);
}

/* All links are taken back, with filemarks behind them. */
static void
work_back(struct tape *t)
{
	put(t, 1000, 66000);
	for (uint32_t k = 12; k < 20; k++) {
		put_up_to(t, k, k);
		put_marks(t, 1);
		put(t, k, 1000);
	}
	put_marks(t, 1);
	for (uint64_t object = 24; object > 2; object -= 3) {
		go_to(t, object);
		witness_erase(witness, t);
	}
}

static void
go_on(struct tape *t)
{
	put_record(t, "new", 3);
	put_mark(t);
}

int
main(void)
{
	const char *dir = make_scratch();
	struct mortal subject = {
		.spec = spec_in(dir, "crash.vtape"),
		.image = path_in(dir, "crash.vtape"),
		.work = work,
		.fill = fill_record,
		.go_on = go_on,
	};

	die_everywhere(&subject, 300);
	subject.work = work_back;
	die_everywhere(&subject, 60);
	remove_scratch(dir);
	return tap_done();
}
