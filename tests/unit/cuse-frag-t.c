/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole records out of fragments: the kernel is played by cutting system calls,
 * /proc by a table, and the drive is the real one over a tape in memory. Chunks
 * are small here, so that every size around them can be tried.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "drive.h"
#include "frag.h"
#include "memtape.h"
#include "tap.h"

#define CHUNK 97
#define ROOM 1000 /* bytes, the largest record of the tape */

static struct tape *tape; /* the drive has it */
static struct drive *drive;
static struct frag *frag;
static uint8_t data[2 * ROOM];

/* ---- What /proc would say ----------------------------------------------- */

static bool counts_known;
static size_t caller_asks; /* bytes, of whoever is asked about */
static pid_t dead;	   /* the one thread that was killed */
static int fails_at;	   /* the write to the tape that gives EIO, from 1 */
static struct tape_ops failing;
static const struct tape_ops *sound;

static bool
tell_count(struct caller_memo *memo, pid_t tid, enum caller_direction direction,
    size_t *ret_count)
{
	(void)memo;
	(void)tid;
	(void)direction;
	*ret_count = caller_asks;
	return counts_known;
}

static bool
tell_dying(pid_t tid)
{
	(void)tid; /* nobody here is */
	return false;
}

static bool
tell_killed(pid_t tid)
{
	return tid == dead;
}

static const struct caller_source source = {
	.count = tell_count,
	.killed = tell_killed,
	.dying = tell_dying,
};

/* ---- The drive ---------------------------------------------------------- */

static int
write_or_fail(struct tape *t, const void *buf, size_t len,
    enum tape_cond *ret_cond)
{
	return fails_at > 0 && --fails_at == 0
	    ? tape_fail(t, EIO, "this write fails")
	    : sound->write(t, buf, len, ret_cond);
}

static void
start_on(const struct memtape_config *config)
{
	struct tape *t = tape = memtape_new(config);
	size_t i;

	fails_at = 0;
	if (t != NULL) {
		sound = t->ops;
		failing = *sound;
		failing.write = write_or_fail;
		t->ops = &failing;
	}

	drive = t == NULL ? NULL : drive_new(t);
	if (drive == NULL || drive_open(drive, O_RDWR, 0, false) < 0)
		tap_bail("no drive");
	frag = frag_new(drive, CHUNK, "test", &source);
	if (frag == NULL)
		tap_bail("out of memory");
	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 251);
	dead = 0;
}

static void
start(void)
{
	const struct memtape_config config = {
		.limit = { .min_record = 1,
		    .max_record = ROOM,
		    .granularity = 1 },
		.keeps = ROOM,
		.max_partitions = 1,
		.refused_density = -1,
	};

	start_on(&config);
}

static void
stop(void)
{
	frag_free(frag);
	(void)drive_shutdown(drive); /* its result is not the test */
	drive_free(drive);
}

static void
operate(short op, int count)
{
	const struct mtop mt = { .mt_op = op, .mt_count = count };

	if (drive_mtop(drive, &mt, true) < 0)
		tap_bail("operation %d: %s", op, drive_why(drive));
}

/* The length of the next record on the tape, past what frag knows. */
static ssize_t
next_on_tape(uint8_t *buf)
{
	return drive_read(drive, buf, ROOM, 0);
}

/* ---- System calls, as the kernel cuts them ------------------------------ */

static ssize_t
write_part(pid_t tid, size_t offset, size_t size)
{
	const struct frag_part part = {
		.tid = tid,
		.offset = offset,
		.size = size,
	};

	return frag_write(frag, &part, data + offset);
}

/* write(2), result included. */
static ssize_t
write_all(pid_t tid, size_t count)
{
	size_t done = 0;

	caller_asks = count;
	while (done < count) {
		size_t left = count - done;
		size_t size = left < CHUNK ? left : CHUNK;
		ssize_t n = write_part(tid, done, size);

		if (n < 0)
			return done > 0 ? (ssize_t)done : n;
		done += (size_t)n;
		if ((size_t)n < size)
			break;
	}
	return (ssize_t)done;
}

/* read(2), result included. */
static ssize_t
read_all(pid_t tid, uint8_t *buf, size_t count)
{
	size_t done = 0;

	caller_asks = count;
	while (done < count) {
		size_t left = count - done;
		const struct frag_part part = {
			.tid = tid,
			.offset = done,
			.size = left < CHUNK ? left : CHUNK,
		};
		const void *got;
		ssize_t n = frag_read(frag, &part, &got);

		if (n < 0)
			return done > 0 ? (ssize_t)done : n;
		if (n > 0)
			memcpy(buf + done, got, (size_t)n);
		done += (size_t)n;
		if ((size_t)n < part.size)
			break;
	}
	return (ssize_t)done;
}

static const char *
told(void)
{
	return counts_known ? "with the count" : "without the count";
}

/* ---- Tests -------------------------------------------------------------- */

static void
test_sizes(void)
{
	uint8_t buf[ROOM];
	size_t whole = 0;
	size_t records = 0;
	size_t size;

	start();
	for (size = 1; size <= ROOM; size++)
		whole += write_all(1, size) == (ssize_t)size;
	tap_is_int(ROOM, (int64_t)whole, "%s, a write of any size is whole",
	    told());
	tap_is_int(0, frag_settle(frag, 1), "... and the last one is on tape");
	operate(MTREW, 1);
	for (size = 1; size <= ROOM; size++)
		records += next_on_tape(buf) == (ssize_t)size &&
		    memcmp(buf, data, size) == 0;
	tap_is_int(ROOM, (int64_t)records, "... and each is one record");

	operate(MTREW, 1);
	for (whole = 0, size = 1; size <= ROOM; size++)
		whole += read_all(1, buf, ROOM) == (ssize_t)size &&
		    memcmp(buf, data, size) == 0;
	tap_is_int(ROOM, (int64_t)whole,
	    "%s, a read with room to spare gives each back", told());
	operate(MTREW, 1);
	for (whole = 0, size = 1; size <= ROOM; size++)
		whole += read_all(1, buf, size) == (ssize_t)size &&
		    memcmp(buf, data, size) == 0;
	tap_is_int(ROOM, (int64_t)whole,
	    "... and so does a read with room for it alone");
	tap_is_int(0, read_all(1, buf, ROOM), "... and then comes a filemark");
	stop();
}

static void
test_too_small(void)
{
	uint8_t buf[ROOM];

	start();
	(void)write_all(1, 300); /* tested above */
	(void)write_all(1, 301);
	operate(MTREW, 1);
	counts_known = true;
	tap_is_int(-ENOMEM, read_all(1, buf, 299),
	    "with the count, a record larger than the buffer is ENOMEM");
	tap_is_int(301, read_all(1, buf, ROOM), "... and has been passed");
	operate(MTREW, 1);
	counts_known = false;
	tap_is_int(299, read_all(1, buf, 299),
	    "without the count, the beginning of the record is given out");
	tap_is_int(301, read_all(1, buf, ROOM), "... and the rest dropped");
	operate(MTREW, 1);
	tap_is_int(-ENOMEM, read_all(1, buf, CHUNK - 1),
	    "a read of less than a chunk needs no count for ENOMEM");
	stop();
}

static void
test_interleaved(void)
{
	uint8_t buf[ROOM];

	start();
	caller_asks = CHUNK + 5;
	tap_is_int(CHUNK, write_part(1, 0, CHUNK),
	    "%s, thread 1 begins a record", told());
	tap_is_int(CHUNK, write_part(2, 0, CHUNK), "... and so does thread 2");
	tap_is_int(3, write_part(3, 0, 3),
	    "... and thread 3 writes a small one");
	tap_is_int(5, write_part(2, CHUNK, 5), "... thread 2 ends");
	tap_is_int(5, write_part(1, CHUNK, 5), "... thread 1 ends");
	operate(MTREW, 1);
	tap_is_int(3, next_on_tape(buf),
	    "the records are in order of their ends");
	tap_is_int(CHUNK + 5, next_on_tape(buf), "... of thread 2");
	tap_is_mem(data, buf, CHUNK + 5, "... whole");
	tap_is_int(CHUNK + 5, next_on_tape(buf), "... and of thread 1");
	tap_is_mem(data, buf, CHUNK + 5, "... whole");
	stop();
}

static void
test_too_many(void)
{
	pid_t tid;

	start();
	caller_asks = 2 * CHUNK;
	for (tid = 1; tid <= 4; tid++)
		(void)write_part(tid, 0, CHUNK); /* tested above */
	tap_is_int(-EBUSY, write_part(5, 0, CHUNK),
	    "a fifth thread with a record in pieces is refused");
	tap_is_int(CHUNK, write_part(3, CHUNK, CHUNK),
	    "... and the others are not disturbed");
	stop();
}

/* Unknown counts: what shows that a record of whole chunks was complete. */
static void
test_held(void)
{
	uint8_t buf[ROOM];

	counts_known = false;
	start();
	tap_is_int(2 * CHUNK, write_all(1, 2 * CHUNK),
	    "without the count, a record of two chunks is taken");
	tap_is_int(10, write_all(1, 10),
	    "... and the thread's next write commits it first");
	tap_is_int(CHUNK, write_all(1, CHUNK),
	    "a record of one chunk is taken");
	tap_is_int(0, frag_settle(frag, 2),
	    "... and any other request of any thread commits it");
	tap_is_int(CHUNK, write_all(1, CHUNK), "another one is taken");
	tap_is_int(0, frag_finish(frag),
	    "... and the end of the file commits it");
	operate(MTREW, 1);
	tap_is_int(2 * CHUNK, next_on_tape(buf), "the tape has the first");
	tap_is_int(10, next_on_tape(buf), "... the small one");
	tap_is_int(CHUNK, next_on_tape(buf), "... the third");
	tap_is_int(CHUNK, next_on_tape(buf), "... and the last");
	stop();
}

static void
test_killed(void)
{
	uint8_t buf[ROOM];

	start();
	(void)write_all(1, 10); /* tested above */
	caller_asks = 3 * CHUNK;
	(void)write_part(1, 0, CHUNK);
	(void)write_part(1, CHUNK, CHUNK);
	dead = 1;
	tap_is_int(0, frag_settle(frag, 2),
	    "%s, another thread goes on after the writer was killed", told());
	tap_is_int(0, frag_finish(frag), "... and closes the file");
	operate(MTREW, 1);
	tap_is_int(10, next_on_tape(buf), "what was whole is there");
	tap_is_int(0, next_on_tape(buf), "... and nothing of the other record");
	stop();
}

/* The program is told of an early end by an error on the first fragment. */
static void
test_refused(void)
{
	struct memtape_config config = {
		.limit = { .min_record = 1,
		    .max_record = ROOM,
		    .granularity = 1,
		    .objects = 8,
		    .warn_objects = 5 },
		.keeps = ROOM,
		.max_partitions = 1,
		.refused_density = -1,
	};

	counts_known = true;
	start_on(&config);
	tap_is_int(-EINVAL, write_all(1, ROOM + 1),
	    "a record larger than the tape takes is refused whole");
	counts_known = false;
	tap_is_int(10 * CHUNK, write_all(1, ROOM + 1),
	    "... or, without the count, as soon as that shows");
	tap_is_int(-EINVAL, write_all(1, 1),
	    "... and then the next write fails, too");
	(void)write_all(1, 200);
	(void)write_all(1, 200);
	(void)write_all(1, 200);
	tap_is_int(200, write_all(1, 200), "a record meets early warning");
	tap_is_int(-ENOSPC, write_all(1, 200),
	    "... and the next is refused on its first fragment");
	tap_is_int(200, write_all(1, 200), "... and the next let through");
	stop();
}

static void
test_fixed(void)
{
	uint8_t buf[2 * ROOM];
	size_t at = 0;
	ssize_t n = 1;

	start();
	operate(MTSETBLK, 10);
	tap_is_int(500, write_all(1, 500),
	    "%s, in fixed block mode a write is whole", told());
	tap_is_int(-EINVAL, write_all(1, 95), "... unless blocks are not");
	operate(MTREW, 1);
	memset(buf, 0, sizeof(buf));
	while (at < 500 && n > 0) {
		n = read_all(1, buf + at, 210);
		at += n > 0 ? (size_t)n : 0;
	}
	tap_is_int(500, (int64_t)at, "... and so are reads");
	tap_is_mem(data, buf, 500, "... of the same bytes");
	tap_is_int(0, read_all(1, buf, 210), "... up to the filemark");
	operate(MTREW, 1);
	tap_is_int(500, read_all(1, buf, 2 * ROOM),
	    "... and a read of more stops there");
	operate(MTREW, 1);
	operate(MTSETBLK, 0);
	tap_is_int(10, next_on_tape(buf), "on the tape they are blocks");
	stop();
}

/* ---- No byte that is acknowledged is missing ---------------------------- */

/*
 * Bytes of the records on the tape up to the first filemark, past the drive,
 * which is of no use from then on; ${wrong}: those that are not as in data.
 */
static size_t
bytes_on_tape(size_t *wrong)
{
	enum tape_cond cond = TAPE_NONE;
	uint8_t buf[ROOM];
	size_t sum = 0;
	size_t len;

	*wrong = 0;
	if (tape_rewind(tape) < 0)
		tap_bail("rewind");
	while (
	    tape_read(tape, buf, ROOM, &len, &cond) == 0 && cond == TAPE_NONE) {
		if (sum + len > sizeof(data) ||
		    memcmp(buf, data + sum, len) != 0)
			*wrong += len;
		sum += len;
	}
	return sum;
}

/* One write(2) in blocks; whether all is there that it has told of. */
static bool
tells_the_truth(const struct memtape_config *config, int block, size_t count,
    int failing_write)
{
	size_t wrong;
	ssize_t n;
	int late;
	bool good;

	start_on(config);
	operate(MTSETBLK, block);
	fails_at = failing_write;
	n = write_all(1, count);
	fails_at = 0;
	late = frag_settle(frag, 1);
	good = n < 0 || (bytes_on_tape(&wrong) >= (size_t)n && wrong == 0);
	/* The write that fails may be the one that keeps the promise. */
	if (!good)
		good = failing_write > 0 && late == -EIO;
	else if (failing_write > 0 && failing_write <= (int)count / block)
		good = n == -EIO || (n < (ssize_t)count && late == -EIO) ||
		    (int)count % block != 0;
	else if ((int)count % block != 0)
		good = n < (ssize_t)count || late == -EINVAL;
	else if (config->limit.objects == 0 && config->limit.capacity == 0)
		good = n == (ssize_t)count && late == 0;
	if (!good)
		tap_diag("%zu bytes in blocks of %d, failing %d: %zd, then %d",
		    count, block, failing_write, n, late);
	stop();
	return good;
}

static int
lies(const struct memtape_config *config, int failing_write)
{
	static const int blocks[] = { 1, 7, 10, 96, 97, 98, 250 };
	static const size_t counts[] = { 97, 98, 194, 197, 198, 200, 291, 292,
		500, 679, 690, 750, 970, 980, 1000 };
	int n = 0;
	size_t i, j;

	for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		for (j = 0; j < sizeof(counts) / sizeof(counts[0]); j++)
			n += !tells_the_truth(config, blocks[i], counts[j],
			    failing_write);
	return n;
}

static void
test_truth(void)
{
	struct memtape_config config = {
		.limit = { .min_record = 1,
		    .max_record = ROOM,
		    .granularity = 1 },
		.keeps = ROOM,
		.max_partitions = 1,
		.refused_density = -1,
	};
	uint64_t end;
	int n = 0;
	int i;

	tap_is_int(0, lies(&config, 0),
	    "%s, in blocks, all that is acknowledged is on the tape", told());
	for (end = 1; end <= 110; end += end < 20 ? 1 : 7) {
		config.limit.objects = end;
		config.limit.warn_objects = end / 2;
		n += lies(&config, 0);
	}
	tap_is_int(0, n, "... wherever the medium ends, in objects");
	config.limit.objects = config.limit.warn_objects = 0;
	for (end = 10, n = 0; end < 1100; end += 37) {
		config.limit.capacity = end;
		config.limit.warn = end / 2;
		n += lies(&config, 0);
	}
	tap_is_int(0, n, "... or in bytes");
	config.limit.capacity = config.limit.warn = 0;
	for (i = 1, n = 0; i < 60; i += i < 12 ? 1 : 11)
		n += lies(&config, i);
	tap_is_int(0, n, "... and whichever write fails");
}

/* However many parts it comes in, a write(2) is one to the drive. */
static void
test_fixed_warning(void)
{
	size_t wrong;
	const struct memtape_config config = {
		.limit = { .min_record = 1,
		    .max_record = ROOM,
		    .granularity = 1,
		    .objects = 200,
		    .warn_objects = 195 },
		.keeps = ROOM,
		.max_partitions = 1,
		.refused_density = -1,
	};

	start_on(&config);
	operate(MTSETBLK, 10);
	tap_is_int(500, write_all(1, 500),
	    "%s, early warning does not end the write that meets it", told());
	tap_is_int(-ENOSPC, write_all(1, 500), "... the next one is refused");
	tap_is_int(500, write_all(1, 500), "... the next is let through");
	tap_is_int(-ENOSPC, write_all(1, 500), "... and so on");
	tap_is_int(1000, (int64_t)bytes_on_tape(&wrong),
	    "... and the tape has both");
	stop();
}

/* What is not whole blocks can be seen too late; then nothing is hidden. */
static void
test_fixed_odd(void)
{
	uint8_t buf[ROOM];
	size_t wrong;

	counts_known = false;
	start();
	operate(MTSETBLK, 10);
	tap_is_int(2 * CHUNK, write_all(1, 2 * CHUNK),
	    "without the count, two chunks that are not whole blocks pass");
	tap_is_int(-EINVAL, write_all(1, 10), "... but the next write fails");
	tap_is_int(10, write_all(1, 10), "... once");
	operate(MTREW, 1);
	operate(MTSETBLK, 0);
	tap_is_int(10, next_on_tape(buf), "the tape has the blocks");
	operate(MTFSR, 2 * CHUNK / 10 - 1);
	tap_is_int(2 * CHUNK % 10, next_on_tape(buf), "... then the rest");
	tap_is_mem(data + 2 * CHUNK / 10 * 10, buf, 2 * CHUNK % 10,
	    "... as it was");
	tap_is_int(10, next_on_tape(buf), "... then the next write");
	stop();

	start();
	operate(MTSETBLK, 10);
	caller_asks = 2 * CHUNK;
	(void)write_part(1, 0, CHUNK); /* tested above */
	dead = 1;
	tap_is_int(0, frag_finish(frag), "of a writer that was killed");
	tap_is_int(CHUNK / 10 * 10, (int64_t)bytes_on_tape(&wrong),
	    "... only whole blocks are left");
	stop();

	counts_known = true;
	start();
	operate(MTSETBLK, 10);
	tap_is_int(-EINVAL, write_all(1, 2 * CHUNK),
	    "with the count, what is not whole blocks is refused");
	tap_is_int(0, frag_settle(frag, 1), "... and that is all");
	tap_is_int(0, (int64_t)bytes_on_tape(&wrong), "... nothing is written");
	stop();
}

/* The kernel ends a call early: the buffer's next page is not there. */
static void
test_ended_early(void)
{
	uint8_t buf[ROOM];

	counts_known = true;
	start();
	caller_asks = 3 * CHUNK;
	tap_is_int(CHUNK, write_part(1, 0, CHUNK), "a write(2) begins");
	tap_is_int(10, write_all(1, 10), "... ends there, and another is made");
	operate(MTREW, 1);
	tap_is_int(CHUNK, next_on_tape(buf),
	    "then the record is what the program was told");
	tap_is_int(10, next_on_tape(buf), "... and the other one follows");
	stop();
}

/* A scattered write(2) is cut anywhere; the program gets a short count. */
static void
test_scattered(void)
{
	uint8_t buf[ROOM];

	start();
	tap_is_int(60, write_part(1, 0, 60), "a first fragment is a record");
	tap_is_int(-EIO, write_part(1, 60, 30), "... and the rest is refused");
	operate(MTREW, 1);
	tap_is_int(60, next_on_tape(buf), "the tape has what was answered for");
	stop();
}

/* Over FUSE, O_APPEND writes begin where the kernel thinks the file ends. */
static void
test_append(void)
{
	uint8_t buf[ROOM];
	struct frag_part part = {
		.tid = 1,
		.offset = 5000,
		.size = CHUNK,
		.append = true,
	};

	start();
	counts_known = true;
	caller_asks = CHUNK + 3;
	tap_is_int(CHUNK, frag_write(frag, &part, data),
	    "an appending write may begin at any offset");
	part.offset += CHUNK;
	part.size = 3;
	tap_is_int(3, frag_write(frag, &part, data + CHUNK),
	    "... and goes on from there");
	operate(MTREW, 1);
	tap_is_int(CHUNK + 3, next_on_tape(buf), "... as one record");
	stop();
}

/* Data that come to the place where they are wanted. */
static void
test_place(void)
{
	uint8_t buf[ROOM];
	struct frag_part part = { .tid = 1, .size = CHUNK };
	struct frag_place place;
	int i;

	start();
	counts_known = true;
	caller_asks = CHUNK + 9;
	tap_ok(frag_place(frag, 1).data == NULL,
	    "nothing is wanted anywhere at first");
	for (i = 0; i < 3; i++) {
		part.offset = 0;
		part.size = CHUNK;
		place = frag_place(frag, 1);
		if (place.data != NULL)
			memcpy(place.data, data, CHUNK);
		(void)frag_write(frag, &part,
		    place.data != NULL ? place.data : data);
		place = frag_place(frag, 1);
		tap_is_int(CHUNK, (int64_t)place.offset,
		    "after a chunk, the next fragment is wanted");
		part.offset = CHUNK;
		part.size = 9;
		memcpy(place.data, data + CHUNK, 9);
		tap_is_int(9, frag_write(frag, &part, place.data),
		    "... and is taken from its place");
		place = frag_place(frag, 1);
		tap_ok(place.data != NULL && place.offset == 0,
		    "... and after it the beginning of the next record");
		tap_ok(frag_place(frag, 2).data == NULL,
		    "... but not of another thread's");
	}
	operate(MTREW, 1);
	for (i = 0; i < 3; i++) {
		tap_is_int(CHUNK + 9, next_on_tape(buf), "record %d", i);
		tap_is_mem(data, buf, CHUNK + 9, "... is whole");
	}
	stop();
}

/* Two threads read; neither gets the other's bytes. */
static void
test_two_readers(void)
{
	const struct frag_part first = { .tid = 1, .size = CHUNK };
	const struct frag_part second = { .tid = 2, .size = CHUNK };
	const struct frag_part rest = { .tid = 1, .offset = CHUNK, .size = 3 };
	const void *got;

	start();
	(void)write_all(1, CHUNK + 3);
	(void)write_all(1, CHUNK + 4);
	operate(MTREW, 1);
	caller_asks = 2 * CHUNK;
	tap_is_int(CHUNK, frag_read(frag, &first, &got),
	    "%s, thread 1 begins to read", told());
	tap_is_int(CHUNK, frag_read(frag, &second, &got),
	    "... and thread 2 reads the next record");
	tap_is_int(3, frag_read(frag, &rest, &got),
	    "... and thread 1 gets the rest of its own");
	tap_is_mem(data + CHUNK, got, 3, "... with the right bytes");
	stop();
}

int
main(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		counts_known = i == 0;
		test_sizes();
		test_interleaved();
		test_killed();
		test_two_readers();
		test_fixed();
		test_truth();
		test_fixed_warning();
	}
	counts_known = true;
	test_too_many();
	test_too_small();
	test_held();
	test_fixed_odd();
	test_ended_early();
	test_refused();
	test_scattered();
	test_append();
	test_place();
	return tap_done();
}
