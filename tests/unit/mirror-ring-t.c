/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ring of a mirror and its bells: records go in and come out whole, in
 * order, and what is needed is not written over; who waits is woken.
 */
#include <pthread.h>

#include "bell.h"
#include "ring.h"
#include "tapes.h"

#define PAGE 4096

static uint8_t buf[16 * PAGE];

static bool
put(struct ring *r, size_t len, uint64_t needed)
{
	fill_record(buf, len, (uint32_t)ring_count(r) + 1);
	return ring_put(r, buf, len, needed);
}

static bool
is_there(const struct ring *r, uint64_t seq, size_t len)
{
	struct ring_record record = ring_record(r, seq);

	return record.len == len && (uintptr_t)record.data % PAGE == 0 &&
	    is_record_of(record.data, len, (uint32_t)seq + 1);
}

static void
test_fills(void)
{
	struct ring *r = ring_new(4 * PAGE);

	tap_is_int(4 * PAGE, (int64_t)ring_size(r), "a ring is whole pages");
	tap_ok(!put(r, 4 * PAGE + 1, 0), "what is larger than it has no room");
	tap_ok(put(r, 4 * PAGE, 0), "what is as large as it has");
	tap_ok(is_there(r, 0, 4 * PAGE), "... and is there");
	tap_ok(!put(r, 1, 0), "... and no other one, while it is needed");
	tap_ok(put(r, 1, 1), "... but when it is not");
	tap_ok(put(r, PAGE, 1), "a record has whole pages");
	tap_ok(put(r, PAGE, 1), "... as many as there are");
	tap_ok(put(r, 1, 1), "... to the last one");
	tap_ok(!put(r, 1, 1), "... and then there is no room");
	tap_ok(is_there(r, 1, 1) && is_there(r, 2, PAGE) &&
		is_there(r, 3, PAGE) && is_there(r, 4, 1),
	    "all of them are as they were put in");
	tap_is_int(5, (int64_t)ring_count(r), "they are counted");
	tap_is_int(6 * PAGE + 2, (int64_t)ring_total(r), "... and their bytes");
	tap_is_int(5 * PAGE + 1, (int64_t)ring_record(r, 3).before,
	    "... and those before a record");
	ring_unref(r);
}

static void
test_wraps(void)
{
	struct ring *r = ring_new(4 * PAGE);

	(void)put(r, PAGE, 0); /* record 0 */
	(void)put(r, PAGE, 0);
	(void)put(r, PAGE, 0);
	tap_ok(!put(r, 2 * PAGE, 0), "a record lies in one piece");
	tap_ok(!put(r, 2 * PAGE, 1), "... and not on what is needed");
	tap_ok(!put(r, 2 * PAGE, 2), "... nor close behind it");
	tap_ok(put(r, PAGE, 2), "what is smaller fits before the end");
	tap_ok(put(r, PAGE, 2), "... and then at the beginning");
	tap_ok(is_there(r, 2, PAGE) && is_there(r, 3, PAGE) &&
		is_there(r, 4, PAGE),
	    "all that are needed are there");
	ring_unref(r);
}

/* Against a plain list, with sizes as they come. */
static void
test_random(void)
{
	struct ring *r = ring_new(16 * PAGE);
	struct rng rng = { .state = 5 };
	static size_t lens[20000];
	uint64_t needed = 0, refused = 0;
	bool same = true;

	for (int i = 0; i < 20000 && same; i++) {
		size_t len = 1 + rng_below(&rng, 3 * PAGE);
		uint64_t count = ring_count(r);

		if (put(r, len, needed))
			lens[count] = len;
		else
			refused++;
		count = ring_count(r);
		for (uint64_t seq = needed; seq < count; seq++)
			same = same && is_there(r, seq, lens[seq]);
		if (count > needed && rng_below(&rng, 4) == 0)
			needed +=
			    rng_below(&rng, (uint32_t)(count - needed) + 1);
	}
	tap_ok(same, "what is needed is as it was put in, always");
	tap_ok(refused > 100 && ring_count(r) > 10000,
	    "... in a ring that is full now and then: %" PRIu64 " times",
	    refused);
	ring_unref(r);
}

static void
test_refs(void)
{
	struct ring *r = ring_new(1);
	struct ring *other = ring_ref(r);

	tap_ok(!ring_is_ours(r), "a ring that somebody else holds");
	(void)put(r, 100, 0);
	ring_unref(r);
	tap_ok(is_there(other, 0, 100), "... stays when we let it go");
	tap_ok(ring_is_ours(other), "... and is theirs alone");
	ring_unref(other);
	ring_unref(NULL);
	tap_ok(true, "no ring can be let go");
}

/* ---- Bells ---- */

#define RINGS 20000

static struct bell there, back;
static _Atomic unsigned sent, answered;

static void *
answer(void *arg)
{
	unsigned n = 0;

	while (n < RINGS) {
		uint32_t seen = bell_look(&there);

		if (atomic_load(&sent) == n) {
			(void)bell_wait(&there, seen, NULL);
			continue;
		}
		n++;
		atomic_store(&answered, n);
		bell_ring(&back);
	}
	return arg;
}

/* A ring that is lost would leave both asleep for ever; the test has a bound.
 */
static void
test_bells(void)
{
	pthread_t other;
	unsigned late = 0;

	bell_init(&there);
	bell_init(&back);
	if (pthread_create(&other, NULL, answer, NULL) != 0)
		tap_bail("no thread");
	(void)alarm(60);
	for (unsigned n = 1; n <= RINGS; n++) {
		atomic_store(&sent, n);
		bell_ring(&there);
		for (;;) {
			uint32_t seen = bell_look(&back);

			if (atomic_load(&answered) == n)
				break;
			late += !bell_wait(&back, seen, NULL);
		}
	}
	(void)pthread_join(other, NULL); /* it is ours */
	(void)alarm(0);
	tap_is_int(0, late, "no ring is lost in %d to and fro", RINGS);
}

static struct timespec
in_ms(long ms)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* can't fail */
	t.tv_nsec += ms * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

static void
test_deadline(void)
{
	struct timespec soon = in_ms(20), later = in_ms(60000);
	struct bell bell;
	uint32_t seen;

	bell_init(&bell);
	seen = bell_look(&bell);
	while (bell_wait(&bell, seen, &soon))
		continue;
	tap_ok(bell_look(&bell) == seen, "who is not woken waits until then");
	bell_ring(&bell);
	tap_ok(bell_wait(&bell, seen, &later),
	    "a bell that was rung since keeps nobody waiting");
}

static void *
ring_thrice(void *arg)
{
	for (int i = 0; i < 3; i++) {
		(void)usleep(10000); /* so that each could be heard alone */
		bell_ring(arg);
	}
	return NULL;
}

static void
test_muffled(void)
{
	struct timespec later = in_ms(60000);
	struct bell bell;
	pthread_t other;
	uint32_t seen;

	bell_init(&bell);
	bell_muffle(&bell, 3);
	seen = bell_look(&bell);
	if (pthread_create(&other, NULL, ring_thrice, &bell) != 0)
		tap_bail("no thread");
	tap_ok(bell_wait(&bell, seen, &later), "the last of three rings wakes");
	(void)pthread_join(other, NULL); /* it is ours */
	tap_is_int(3, bell_look(&bell) - seen, "... and all were counted");
	seen = bell_look(&bell);
	bell_ring(&bell);
	tap_ok(bell_wait(&bell, seen, &later), "then each is heard again");
}

/* ---- The spec ---- */

static void
refuses(const char *options, const char *rule)
{
	char text[100];
	struct spec_error e = { .text = "" };
	struct spec *spec = NULL;
	struct tape *t = NULL;
	int r;

	(void)snprintf(text, sizeof(text), "mirror:{null:,null:},%s", options);
	r = spec_parse(text, test_types, &spec, &e);
	if (r == 0)
		r = spec_open(spec, &t, &e);
	tap_is_int(-EINVAL, r, "%s: %s", rule, e.text);
	tape_free(t);
	spec_free(spec);
}

static void
test_spec(void)
{
	refuses("ack=never", "there is no other way to acknowledge");
	refuses("ring=1M", "a ring needs ack=ring");
	refuses("ack=ring,ring=1K", "a ring has a least size");
	refuses("ack=ring,ring=17G", "... and a largest");
	tape_free(load_tape("mirror:{null:,null:},ack=ring,ring=64K"));
	tape_free(load_tape("mirror:{null:,null:},ack=lockstep"));
	tap_ok(true, "both ways can be asked for");
}

int
main(void)
{
	test_fills();
	test_wraps();
	test_random();
	test_refs();
	test_bells();
	test_deadline();
	test_muffled();
	test_spec();
	return tap_done();
}
