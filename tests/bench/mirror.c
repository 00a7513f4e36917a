/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How fast a mirror is, against the slower of its legs alone:
 *
 *   mirror [DIRECTORY [ROUNDS [MEBIBYTES [PAIR]]]]
 *
 * Legs that discard, image files, legs as fast as drives are, and one that is
 * slow for a while; or only one PAIR of them.  Each figure is the best of the
 * rounds, in which all are measured in turn, as machines are noisy; the ratios
 * are what counts.  No run is bound to one CPU: that the legs work at the same
 * time is the point.
 *
 * "apart" is what the machine can do: two tapes that know nothing of each
 * other, each written by a thread of its own.
 */
#include <pthread.h>

#include "tapes.h"

#define RINGS_MAX 3

static const size_t sizes[] = { 10240, 65536, 262144 };

#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

/* A pair of legs; "%c" is the letter of one, and all have an end far away. */
struct pair {
	const char *name, *leg;
	uint64_t rate; /* bytes a second of a leg; 0: as fast as it is */
};

static const struct pair pairs[] = {
	{ "null:", "null:,capacity=1T,warn=1G", 0 },
	{ "images", "file:%s/%c.pmt,capacity=1T,warn=1G", 0 },
	{ "160 MB/s", "fault:{null:,capacity=1T,warn=1G},do=write 1+ rate=160M",
	    UINT64_C(160) << 20 },
	{ "300 MB/s", "fault:{null:,capacity=1T,warn=1G},do=write 1+ rate=300M",
	    UINT64_C(300) << 20 },
};

#define PAIRS (sizeof(pairs) / sizeof(pairs[0]))

static const char *dir;
static unsigned rounds = 5;
static uint64_t total = (uint64_t)128 << 20; /* bytes a run */
static uint8_t *data;

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* can't fail */
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
must(struct tape *t, int r)
{
	if (r < 0)
		tap_bail("%s", tape_why(t));
}

/* Seconds for so many records and a filemark; the longest of the records. */
static double
write_all(const char *spec, size_t size, uint64_t records, double *ret_longest)
{
	struct tape *t = load_tape(spec);
	double begun, before, longest = 0;
	enum tape_cond cond;
	uint32_t done;

	must(t, tape_erase(t, true));
	begun = before = now();
	for (uint64_t i = 0; i < records; i++) {
		double after;

		must(t, tape_write(t, data, size, &cond));
		after = now();
		longest = after - before > longest ? after - before : longest;
		before = after;
	}
	must(t, tape_write_filemarks(t, 1, false, &done, &cond));
	begun = now() - begun;
	tape_free(t);
	if (ret_longest != NULL)
		*ret_longest = longest;
	return begun;
}

struct writer {
	const char *spec;
	size_t size;
	uint64_t records;
	double seconds;
};

static void *
write_one(void *arg)
{
	struct writer *w = arg;

	w->seconds = write_all(w->spec, w->size, w->records, NULL);
	return NULL;
}

/* Two tapes at once; the slower one counts. */
static double
write_apart(const char *a, const char *b, size_t size, uint64_t records)
{
	struct writer w[] = { { a, size, records, 0 },
		{ b, size, records, 0 } };
	pthread_t other;

	if (pthread_create(&other, NULL, write_one, &w[1]) != 0)
		tap_bail("no thread");
	(void)write_one(&w[0]);		 /* its result is in it */
	(void)pthread_join(other, NULL); /* it is ours */
	return w[0].seconds > w[1].seconds ? w[0].seconds : w[1].seconds;
}

static void
least(double *best, double seconds)
{
	if (*best == 0 || seconds < *best)
		*best = seconds;
}

static size_t
leg_text(char *text, size_t room, const char *leg, char letter)
{
	size_t n = 0;

	for (const char *p = leg; *p != '\0' && n < room; p++) {
		if (p[0] == '%' && p[1] == 's')
			n += (size_t)snprintf(text + n, room - n, "%s", dir);
		else if (p[0] == '%' && p[1] == 'c')
			text[n++] = letter;
		else
			text[n++] = *p;
		p += p[0] == '%';
	}
	text[n] = '\0';
	return n;
}

static const char *
mirror_text(const char *a, const char *b, const char *options)
{
	static char text[1024];
	size_t n = (size_t)snprintf(text, sizeof(text), "mirror:{");

	n += leg_text(text + n, sizeof(text) - n, a, 'a');
	text[n++] = ',';
	n += leg_text(text + n, sizeof(text) - n, b, 'b');
	(void)snprintf(text + n, sizeof(text) - n, "}%s", options);
	return text;
}

static const char *
alone_text(const char *leg, char letter)
{
	static char text[2][512];
	char *out = text[letter == 'b'];

	(void)leg_text(out, sizeof(text[0]), leg, letter);
	return out;
}

/* As many as take a moment. */
static uint64_t
records_of(const struct pair *pair, size_t size)
{
	uint64_t bytes = pair->rate > 0 ? pair->rate / 4 : total;

	return bytes / size;
}

static void
measure_pair(const struct pair *pair, size_t size)
{
	uint64_t records = records_of(pair, size);
	double one = 0, apart = 0, lockstep = 0, ring = 0;
	double us = 1e6 / (double)records;
	const char *leg = pair->leg;

	for (unsigned round = 0; round < rounds; round++) {
		least(&one,
		    write_all(alone_text(leg, 'a'), size, records, NULL));
		least(&apart,
		    write_apart(alone_text(leg, 'a'), alone_text(leg, 'b'),
			size, records));
		least(&lockstep,
		    write_all(mirror_text(leg, leg, ""), size, records, NULL));
		least(&ring,
		    write_all(mirror_text(leg, leg, ",ack=ring"), size, records,
			NULL));
	}
	printf("%-9s %7zu %8.0f %7.1f %7.1f %5.2f %7.1f %5.2f %7.1f %5.2f\n",
	    pair->name, size, (double)size / (one * us), one * us, apart * us,
	    one / apart, lockstep * us, one / lockstep, ring * us, one / ring);
	(void)fflush(stdout); /* who waits wants to see */
}

/*
 * A leg of 300 MB/s, and one of 400 that is at a tenth of that for a tenth of
 * the time.  For these 0.2 s it gets 8 MB, and is 52 MB behind afterwards.
 */
#define SLOW_SIZE 65536
#define SLOW_RECORDS (UINT64_C(600) * 1048576 / SLOW_SIZE)

static void
measure_slow(void)
{
	static const char steady[] =
	    "fault:{null:,capacity=1T,warn=1G},do=write 1+ rate=300M";
	static const char slowed[] =
	    "fault:{null:,capacity=1T,warn=1G},do=write 1+ rate=400M;"
	    "write 1000-1127 rate=40M";
	static const char *const options[] = { "", ",ack=ring,ring=8M",
		",ack=ring,ring=64M" };
	static const char *const names[] = { "lockstep", "ring=8M",
		"ring=64M" };
	double one = 0, took[RINGS_MAX] = { 0 }, longest[RINGS_MAX] = { 0 };

	for (unsigned round = 0; round < rounds; round++) {
		least(&one,
		    write_all(alone_text(steady, 'a'), SLOW_SIZE, SLOW_RECORDS,
			NULL));
		for (size_t i = 0; i < RINGS_MAX; i++) {
			double l;

			least(&took[i],
			    write_all(mirror_text(steady, slowed, options[i]),
				SLOW_SIZE, SLOW_RECORDS, &l));
			least(&longest[i], l);
		}
	}
	printf("a leg of 300 MB/s, one of 400 that is at 40 for a tenth of the "
	       "time:\n");
	for (size_t i = 0; i < RINGS_MAX; i++)
		printf("%-9s %5.2f of the 300 MB/s leg alone, the longest "
		       "write %6.2f ms\n",
		    names[i], one / took[i], longest[i] * 1e3);
}

int
main(int argc, char **argv)
{
	const char *only = argc > 4 ? argv[4] : NULL;

	if (argc > 1)
		(void)setenv("TMPDIR", argv[1], 1); /* for make_scratch() */
	if (argc > 2)
		rounds = (unsigned)atoi(argv[2]);
	if (argc > 3)
		total = strtoull(argv[3], NULL, 0) << 20;
	data = calloc(1, sizes[SIZES - 1]);
	if (data == NULL)
		tap_bail("out of memory");
	for (size_t i = 0; i < sizes[SIZES - 1]; i++)
		data[i] = (uint8_t)(i * 2654435761U >> 24);
	dir = make_scratch();
	printf("%-9s %7s %8s %7s %7s %5s %7s %5s %7s %5s   best of %u\n",
	    "two legs", "record", "one MB/s", "one us", "apart", "ratio",
	    "lockst.", "ratio", "ring", "ratio", rounds);
	for (size_t i = 0; i < PAIRS; i++)
		for (size_t k = 0; k < SIZES; k++)
			if (only == NULL || strcmp(only, pairs[i].name) == 0)
				measure_pair(&pairs[i], sizes[k]);
	if (only == NULL || strcmp(only, "slow") == 0)
		measure_slow();
	remove_scratch(dir);
	return 0;
}
