/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How fast an image is, against a plain file written and read with the same
 * calls and synced at the same places:
 *
 *   image [DIRECTORY [ROUNDS [MEBIBYTES]]]
 *
 * Each figure is the best of the rounds, in which all are measured in turn, as
 * machines are noisy; the ratios are what counts.  All runs on one CPU.
 */
#include <fcntl.h>
#include <sched.h>

#include "native_disk.h"
#include "tapes.h"

#include <zstd.h>

enum {
	FILE_ITSELF,
	PMT,
	SIMH,
	PMT_ZSTD,
	SUBJECTS,
};

static const char *const names[SUBJECTS] = { "file", "pmt", "simh",
	"pmt,zstd" };
static const char *const options[SUBJECTS] = { NULL, "b.pmt", "b.tap",
	"z.pmt,compress=zstd" };
static const size_t sizes[] = { 512, 10240, 65536, 262144, 1 << 20 };

#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static const char *dir;
static unsigned rounds = 5;
static uint64_t total = (uint64_t)256 << 20; /* bytes a run */
static uint8_t *data, *text, *seen;
static enum tape_cond cond;

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* can't fail */
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t
records_of(size_t size)
{
	uint64_t n = total / size;

	return n < 100000 ? n : 100000;
}

/* ---- Writing and reading ---- */

static double
write_file(size_t size)
{
	int fd =
	    open(path_in(dir, "b.raw"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	double from = now();

	for (uint64_t i = 0; i < records_of(size); i++)
		if (write(fd, data, size) != (ssize_t)size)
			tap_bail("write: %s", strerror(errno));
	if (fdatasync(fd) < 0 || close(fd) < 0)
		tap_bail("sync: %s", strerror(errno));
	return now() - from;
}

static double
read_file(size_t size)
{
	int fd = open(path_in(dir, "b.raw"), O_RDONLY);
	double from = now();

	for (uint64_t i = 0; i < records_of(size); i++)
		if (read(fd, seen, size) != (ssize_t)size)
			tap_bail("read: %s", strerror(errno));
	(void)close(fd); /* only read */
	return now() - from;
}

static void
must(struct tape *t, int r)
{
	if (r < 0)
		tap_bail("%s", tape_why(t));
}

static double
write_tape(unsigned subject, size_t size)
{
	const uint8_t *from = subject == PMT_ZSTD ? text : data;
	struct tape *t = load_tape(spec_in(dir, options[subject]));
	uint32_t done;
	double begun;

	must(t, tape_erase(t, true));
	begun = now();
	for (uint64_t i = 0; i < records_of(size); i++)
		must(t, tape_write(t, from, size, &cond));
	must(t, tape_write_filemarks(t, 1, false, &done, &cond));
	begun = now() - begun;
	tape_free(t);
	return begun;
}

static double
read_tape(unsigned subject, size_t size)
{
	struct tape *t = load_tape(spec_in(dir, options[subject]));
	double begun = now();
	size_t len;

	for (uint64_t i = 0; i < records_of(size); i++) {
		must(t, tape_read(t, seen, size, &len, &cond));
		if (len != size)
			tap_bail("%zu bytes", len);
	}
	begun = now() - begun;
	tape_free(t);
	return begun;
}

static void
least(double *best, double seconds)
{
	if (*best == 0 || seconds < *best)
		*best = seconds;
}

static void
measure_size(size_t size)
{
	double wrote[SUBJECTS] = { 0 }, got[SUBJECTS] = { 0 };
	double mb = (double)(records_of(size) * size) / 1e6;

	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < SUBJECTS; i++)
			least(&wrote[i],
			    i == FILE_ITSELF ? write_file(size)
					     : write_tape(i, size));
		for (unsigned i = 0; i < SUBJECTS; i++)
			least(&got[i],
			    i == FILE_ITSELF ? read_file(size)
					     : read_tape(i, size));
	}
	for (unsigned i = 0; i < SUBJECTS; i++)
		printf("%8zu  %-9s %9.0f %7.2f %9.0f %7.2f\n", size, names[i],
		    mb / wrote[i], wrote[0] / wrote[i], mb / got[i],
		    got[0] / got[i]);
}

/* ---- A long tape ---- */

#define MANY 10000000 /* records */

static double
timed_locate(struct tape *t, uint64_t object)
{
	double from = now();

	must(t, tape_locate(t, 0, object, &cond));
	return now() - from;
}

/* Each place is located once, on a tape that was just loaded: no trail helps.
 */
static void
measure_long(const char *name)
{
	struct rng rng = { .state = 1 };
	double open_time, worst = 0, sum = 0, from;
	struct tape *t = load_tape(spec_in(dir, name));
	uint64_t done;

	if (strstr(name, ".tap") != NULL && access(dir, W_OK) < 0)
		return;
	must(t, tape_erase(t, true));
	for (uint64_t i = 0; i < MANY; i++)
		must(t, tape_write(t, data + i % 4096, 100, &cond));
	tape_free(t);
	from = now();
	t = load_tape(spec_in(dir, name));
	open_time = now() - from;
	for (int i = 0; i < 20; i++) {
		double took;

		(void)tape_unload(t); /* load tells */
		must(t, tape_load(t));
		took = timed_locate(t, rng_next(&rng) % MANY);
		sum += took;
		worst = took > worst ? took : worst;
	}
	(void)tape_unload(t); /* load tells */
	must(t, tape_load(t));
	from = now();
	must(t, tape_space(t, TAPE_TO_EOD, 0, &done, &cond));
	printf("%-6s open %7.3f ms, locate %7.3f ms, at most %7.3f ms; to EOD "
	       "%7.1f ms\n",
	    name, open_time * 1e3, sum / 20 * 1e3, worst * 1e3,
	    (now() - from) * 1e3);
	tape_free(t);
	(void)unlink(path_in(dir, name)); /* scratch */
}

/* ---- Parts ---- */

static void
measure_parts(void)
{
	size_t size = 1 << 20, bound = ZSTD_compressBound(size), n = 0;
	void *packed = malloc(bound);
	uint32_t crc = 0;
	double from = now(), crc_time, zstd_time;

	for (int i = 0; i < 2000; i++)
		crc = native_crc(crc, data, size);
	crc_time = now() - from;
	from = now();
	for (int i = 0; i < 200; i++)
		n = ZSTD_compress(packed, bound, text, size, 1);
	zstd_time = now() - from;
	free(packed);
	printf("CRC32C %.0f MB/s (%08x), zstd %.0f MB/s (1 : %.1f), a core\n",
	    2000 * (double)size / 1e6 / crc_time, crc,
	    200 * (double)size / 1e6 / zstd_time, (double)size / (double)n);
}

/* What an image has that is not data, for records of 64 KiB. */
static void
measure_overhead(void)
{
	struct tape *t = load_tape(spec_in(dir, "o.pmt"));
	uint64_t n = total / 65536, extra;
	struct stat st;

	for (uint64_t i = 0; i < n; i++)
		must(t, tape_write(t, data, 65536, &cond));
	tape_free(t);
	if (stat(path_in(dir, "o.pmt"), &st) < 0)
		tap_bail("%s", strerror(errno));
	extra = (uint64_t)st.st_size - n * 65536;
	printf("records of 64 KiB: headers %.4f %%, index %.4f %% of the "
	       "data\n",
	    100.0 * 64 / 65536,
	    100.0 * (double)(extra - n * 64 - 8192) / (double)(n * 65536));
}

/* Text of a kind that compresses about as programs' sources do. */
static void
make_data(size_t size)
{
	struct rng rng = { .state = 7 };
	static const char *const words[] = { "the ", "tape ", "record ", "of ",
		"file", "mark\n", "bytes ", "0x%x", "\t", "is ", "and ", ";\n",
		"return ", "int ", "static ", "not " };
	size_t n = 0;

	data = malloc(size);
	text = malloc(size);
	seen = malloc(size);
	if (data == NULL || text == NULL || seen == NULL)
		tap_bail("out of memory");
	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)rng_next(&rng);
	while (n < size) {
		const char *w = words[rng_below(&rng, 16)];

		for (; *w != '\0' && n < size; w++)
			text[n++] = (uint8_t)*w;
		if (n < size && rng_below(&rng, 4) == 0)
			text[n++] = (uint8_t)('a' + rng_below(&rng, 26));
	}
}

int
main(int argc, char **argv)
{
	cpu_set_t one;

	if (argc > 1)
		(void)setenv("TMPDIR", argv[1], 1); /* for make_scratch() */
	if (argc > 2)
		rounds = (unsigned)atoi(argv[2]);
	if (argc > 3)
		total = strtoull(argv[3], NULL, 0) << 20;
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	(void)sched_setaffinity(0, sizeof(one), &one); /* only for quiet */
	dir = make_scratch();
	make_data((size_t)1 << 20);
	printf("%8s  %-9s %9s %7s %9s %7s   best of %u\n", "record", "",
	    "write", "/file", "read", "/file", rounds);
	for (size_t i = 0; i < SIZES; i++)
		measure_size(sizes[i]);
	measure_parts();
	measure_overhead();
	if (argc <= 3) {
		measure_long("l.pmt");
		measure_long("l.tap");
	}
	remove_scratch(dir);
	return 0;
}
