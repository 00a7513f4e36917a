/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The drive where st can't be asked: failures of the tape, early warning told
 * by position, write protection, no tape, and what only our transports do.  The
 * rest is tests/diff/.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mtio.h>
#include <stdio.h>
#include <string.h>

#include "drive.h"
#include "fault.h"
#include "ioctl.h"
#include "memtape.h"
#include "null.h"
#include "spec.h"
#include "tap.h"
#include "tape.h"

#define R 1024 /* bytes of the usual record */

static const struct tape_type *const types[] = { &fault_tape_type,
	&null_tape_type, NULL };

static uint8_t data[64 * R];

static struct drive *
drive_over(struct tape *t)
{
	struct drive *d = t == NULL ? NULL : drive_new(t);

	if (d == NULL)
		tap_bail("out of memory");
	return d;
}

static struct drive *
new_memory(const struct memtape_config *config)
{
	return drive_over(memtape_new(config));
}

static struct drive *
new_plain(void)
{
	struct memtape_config config = { .limit = { .min_record = 1,
					     .max_record = TAPE_MAX_RECORD,
					     .granularity = 1 },
		.keeps = SIZE_MAX,
		.max_partitions = 1,
		.refused_density = -1 };

	return new_memory(&config);
}

/* A drive over a tape that fails by the rules of fault.h. */
static struct drive *
new_faulty(const char *rules)
{
	struct spec_error e;
	struct tape *t = NULL;
	struct spec *s;
	char text[128];

	(void)snprintf(text, sizeof(text), "fault:{null:},do=%s", rules);
	if (spec_parse(text, types, &s, &e) < 0 || spec_open(s, &t, &e) < 0)
		tap_bail("%s: %s", text, e.text);
	spec_free(s);
	return drive_over(t);
}

static void
finish(struct drive *d)
{
	(void)drive_shutdown(d); /* where that matters, the test asks */
	drive_free(d);
}

static void
open_rw(struct drive *d)
{
	if (drive_open(d, O_RDWR, 0, false) < 0)
		tap_bail("open: %s", drive_why(d));
}

static int
mt(struct drive *d, int op, int count)
{
	struct mtop m = { .mt_op = (short)op, .mt_count = count };

	return drive_mtop(d, &m, true);
}

static struct mtget
status(struct drive *d)
{
	struct mtget s = { .mt_type = 0 };

	if (drive_get(d, &s) < 0)
		tap_diag("MTIOCGET: %s", drive_why(d));
	return s;
}

static int64_t
position(struct drive *d)
{
	struct mtpos p;
	int r = drive_pos(d, &p);

	return r < 0 ? r : p.mt_blkno;
}

static int64_t
put(struct drive *d)
{
	return drive_write(d, data, R);
}

static int64_t
take(struct drive *d)
{
	return drive_read(d, data, sizeof(data), 0);
}

static void
test_flush(void)
{
	struct drive *d = new_plain();

	open_rw(d);
	tap_is_int(0, drive_flush(d),
	    "a flush with nothing written is nothing");
	tap_is_int(0, position(d), "... and moves nothing");
	(void)put(d);
	tap_is_int(0, drive_flush(d), "a flush after a write works");
	tap_is_int(0, drive_flush(d), "... also twice");
	tap_is_int(R, put(d), "a write after a flush goes on");
	tap_is_int(2, position(d), "... without the filemark of the flush");
	tap_is_int(2, status(d).mt_blkno, "... in the same file");
	(void)drive_flush(d); /* tested above */
	tap_is_int(0, drive_close(d), "a close after a flush works");
	open_rw(d);
	tap_is_int(3, position(d), "... with one filemark in all");
	tap_is_int(1, status(d).mt_fileno, "... that is counted once");
	finish(d);
}

static void
test_flush_then_status(void)
{
	struct drive *d = new_plain();

	open_rw(d);
	(void)mt(d, MTSETDRVBUFFER,
	    (int)(MT_ST_SETBOOLEANS | MT_ST_TWO_FM)); /* always works */
	(void)put(d);
	(void)drive_flush(d); /* tested above */
	tap_is_int(1, status(d).mt_blkno,
	    "with two filemarks, too, MTIOCGET takes the flush back");
	tap_is_int(1, position(d), "... on the tape as well");
	tap_is_int(0, drive_close(d), "... and the close writes them again");
	open_rw(d);
	(void)mt(d, MTREW, 1); /* the reads tell */
	tap_is_int(R, take(d), "... after the record");
	tap_is_int(0, take(d), "... one");
	tap_is_int(0, take(d), "... two");
	finish(d);
}

static void
test_kept_error(void)
{
	struct drive *d = new_plain();
	struct mtget s;

	drive_keep_error(d, -EIO);
	open_rw(d);
	tap_is_int(-EIO, drive_get(d, &s),
	    "an error that close could not tell fails the next operation");
	tap_ok(drive_why(d)[0] != '\0', "... and says why");
	tap_is_int(0, drive_get(d, &s), "... once");
	finish(d);
}

static void
test_lost(void)
{
	struct drive *d = new_faulty("write 2 lost");
	struct mtget s;

	open_rw(d);
	(void)put(d);
	tap_is_int(-EIO, put(d), "a write that loses the position is EIO");
	tap_is_int(-EIO, put(d), "then nothing can be written");
	tap_is_int(-EIO, take(d), "... nor read");
	tap_is_int(-EIO, position(d), "... and MTIOCPOS fails");
	tap_is_int(-EIO, mt(d, MTFSF, 1), "... and so does MTFSF");
	tap_is_int(-EIO, mt(d, MTERASE, 1), "... and MTERASE");
	s = status(d);
	tap_is_int(-1, s.mt_fileno, "MTIOCGET tells that the file is unknown");
	tap_is_int(-1, s.mt_blkno, "... and the block");
	tap_is_int(-EIO, drive_close(d), "a close can't write its filemark");
	open_rw(d);
	tap_is_int(-EIO, take(d), "another open finds it lost still");
	tap_is_int(0, mt(d, MTREW, 1), "a rewind finds it again");
	tap_is_int(0, status(d).mt_fileno, "... at the beginning");
	tap_is_int(R, put(d), "... and writing works");
	finish(d);
}

static void
test_write_error(void)
{
	struct drive *d = new_faulty("write 2 EIO");

	open_rw(d);
	(void)put(d);
	tap_is_int(-EIO, put(d), "a write that fails is EIO");
	tap_is_int(-1, status(d).mt_blkno, "... and the block is unknown");
	tap_is_int(R, put(d), "the next one tries again");
	tap_is_int(0, drive_close(d), "close writes its filemark");
	open_rw(d);
	tap_is_int(3, position(d), "... behind the two records");
	finish(d);
}

static void
test_close_error(void)
{
	struct drive *d = new_faulty("filemark 1 EIO");

	open_rw(d);
	(void)put(d);
	tap_is_int(-EIO, drive_close(d), "a close that fails says so");
	tap_ok(!drive_is_open(d), "... and the drive is free all the same");
	tap_is_int(0, drive_open(d, O_RDWR, 0, false), "... for the next open");
	finish(d);
}

/* 30 objects, a warning with the 21st. */
static struct drive *
new_small(void)
{
	struct memtape_config config = { .limit = { .objects = 30,
					     .warn_objects = 10,
					     .min_record = 1,
					     .max_record = 65536,
					     .granularity = 1 },
		.keeps = 4,
		.max_partitions = 1,
		.refused_density = -1 };
	struct drive *d = new_memory(&config);

	open_rw(d);
	for (int i = 0; i < 20; i++)
		if (put(d) != R)
			tap_bail("write %d: %s", i, drive_why(d));
	return d;
}

static void
test_early_warning(void)
{
	struct drive *d = new_small();

	tap_is_int(R, put(d), "the write that meets early warning is whole");
	tap_ok(GMT_EOT(status(d).mt_gstat), "... and MTIOCGET shows EOT");
	tap_is_int(-ENOSPC, put(d), "the next one is refused");
	tap_ok(GMT_EOD(status(d).mt_gstat), "... and MTIOCGET shows EOD");
	tap_is_int(21, status(d).mt_blkno, "... nothing having been written");
	tap_is_int(R, put(d), "then they alternate: success");
	tap_is_int(-ENOSPC, put(d), "... and ENOSPC");
	tap_is_int(0, mt(d, MTWEOF, 1), "a filemark past it is written");
	tap_ok(!GMT_EOT(status(d).mt_gstat), "... and clears the state");
	tap_is_int(R, put(d), "the next write is let through");
	tap_is_int(-ENOSPC, put(d), "... and has met early warning again");
	finish(d);
}

static void
test_end_of_medium(void)
{
	struct drive *d = new_small();
	int64_t n = 0;

	for (int i = 0; i < 40; i++)
		n += put(d) == R;
	tap_is_int(10, n, "the last record that fits is written");
	tap_is_int(30, position(d), "... which is the 30th");
	tap_is_int(-ENOSPC, put(d), "from then on it is ENOSPC");
	tap_is_int(-ENOSPC, put(d), "... every time, never EIO");
	tap_is_int(30, status(d).mt_blkno, "... and nothing is counted");
	tap_is_int(-EIO, mt(d, MTWEOF, 1),
	    "a filemark that does not fit is EIO");
	finish(d);
}

static void
test_check_write(void)
{
	struct drive *d = new_small();

	tap_is_int(R, drive_check_write(d, R, true),
	    "a record that would be taken is announced as taken");
	tap_is_int(20, position(d), "... and nothing is written");
	tap_is_int(R, put(d), "... until it is");
	tap_is_int(-ENOSPC, drive_check_write(d, R, true),
	    "a refusal is the answer of that write");
	tap_is_int(R, drive_check_write(d, R, true),
	    "... so the next one is let through");
	tap_is_int(R, put(d), "... and written");
	for (int i = 0; i < 40; i++)
		(void)put(d); /* to the end, whatever each one says */
	(void)drive_check_write(d, R, true); /* either way: in step again */
	tap_is_int(-ENOSPC, drive_check_write(d, R, true),
	    "where there is no room it is ENOSPC, before the data");
	finish(d);
}

static void
test_check_write_fixed(void)
{
	struct memtape_config config = { .limit = { .capacity = 10 * 512,
					     .warn = 5 * 512,
					     .min_record = 1,
					     .max_record = 65536,
					     .granularity = 1 },
		.keeps = 4,
		.max_partitions = 1,
		.refused_density = -1 };
	struct drive *d = new_memory(&config);

	open_rw(d);
	(void)mt(d, MTSETBLK, 512); /* the writes tell */
	tap_is_int(-EINVAL, drive_check_write(d, 700, true),
	    "what is not whole blocks is refused");
	tap_is_int(700, drive_check_write(d, 700, false),
	    "... unless it is only a part");
	tap_is_int(8 * 512, drive_write(d, data, 8 * 512),
	    "fixed blocks go past early warning in one write");
	tap_is_int(-ENOSPC, drive_check_write(d, 2048, true),
	    "the next write is refused before its data comes");
	tap_is_int(1024, drive_check_write(d, 2048, true),
	    "fixed blocks that fit are announced as a short count");
	tap_is_int(1024, drive_write(d, data, 1024), "... and are written");
	finish(d);
}

static void
test_dropped_record(void)
{
	struct drive *d = new_plain();

	open_rw(d);
	(void)put(d);
	(void)put(d);
	(void)mt(d, MTREW, 1); /* the reads tell */
	tap_is_int(R, take(d), "a program reads");
	tap_is_int(R, drive_check_write(d, R, true), "... and begins to write");
	tap_is_int(0, drive_close(d), "... and is killed");
	open_rw(d);
	tap_is_int(1, position(d), "then close has written no filemark");
	tap_is_int(R, take(d), "... and the next record is there");
	finish(d);
}

static struct drive *
new_blocks(void)
{
	struct drive *d = new_plain();

	open_rw(d);
	(void)mt(d, MTSETBLK, 512); /* the reads tell */
	for (size_t i = 0; i < 4 * 512; i++)
		data[i] = (uint8_t)(i / 7);
	(void)drive_write(d, data, 4 * 512);
	(void)mt(d, MTWEOF, 1);
	(void)mt(d, MTREW, 1);
	return d;
}

static void
test_read_parts(void)
{
	struct drive *d = new_blocks();
	uint8_t got[4 * 512];

	tap_is_int(700, drive_read(d, got, 700, DRIVE_PART),
	    "a part of a fixed read may have any size");
	tap_is_int(824, drive_read(d, got + 700, 824, DRIVE_PART | DRIVE_LATER),
	    "... and so may the next one");
	tap_is_int(524,
	    drive_read(d, got + 1524, 2048, DRIVE_PART | DRIVE_LATER),
	    "... and the filemark ends it");
	tap_is_mem(data, got, sizeof(got), "together they are the blocks");
	tap_is_int(0, drive_read(d, got, 512, DRIVE_PART | DRIVE_LATER),
	    "a later part at the filemark is empty");
	tap_is_int(0, status(d).mt_fileno, "... and leaves it to be told");
	tap_is_int(0, drive_read(d, got, 512, 0), "... by the next read");
	tap_is_int(1, status(d).mt_fileno, "... which counts the file");
	finish(d);
}

static struct drive *
new_protected(void)
{
	struct memtape_config config = { .limit = { .min_record = 1,
					     .max_record = 65536,
					     .granularity = 1 },
		.keeps = 4,
		.write_protected = true,
		.max_partitions = 1,
		.refused_density = -1 };

	return new_memory(&config);
}

static void
test_write_protected(void)
{
	struct drive *d = new_protected();

	tap_is_int(-EROFS, drive_open(d, O_RDWR, 0, false),
	    "a protected tape can't be opened for writing");
	tap_is_int(-EROFS, drive_open(d, O_WRONLY, 0, false), "... only");
	tap_is_int(0, drive_open(d, O_RDONLY, 0, false), "... but for reading");
	tap_ok(GMT_WR_PROT(status(d).mt_gstat), "MTIOCGET shows it");
	(void)drive_close(d); /* nothing was done */
	tap_is_int(0, drive_open(d, O_RDWR | O_NONBLOCK, 0, false),
	    "with O_NONBLOCK the open succeeds");
	tap_is_int(-EACCES, put(d), "... and a write is EACCES");
	tap_is_int(-EACCES, mt(d, MTWEOF, 1), "... and a filemark");
	tap_is_int(-EACCES, mt(d, MTERASE, 1), "... and MTERASE");
	tap_is_int(0, drive_close(d), "... and close writes nothing");
	finish(d);
}

static void
test_no_tape(void)
{
	struct drive *d = new_faulty("load 1-2 ENOMEDIUM");
	struct mtget s;

	tap_is_int(-ENOMEDIUM, drive_open(d, O_RDWR, 0, false),
	    "without a tape an open fails");
	tap_ok(!drive_is_open(d), "... and the drive is free");
	tap_is_int(0, drive_open(d, O_RDWR | O_NONBLOCK, 0, false),
	    "with O_NONBLOCK it succeeds");
	s = status(d);
	tap_is_int(0x50000, s.mt_gstat, "MTIOCGET shows an open door");
	tap_is_int(-1, s.mt_fileno, "... and no file");
	tap_is_int(-ENOMEDIUM, take(d), "a read finds no medium");
	tap_is_int(-ENOMEDIUM, drive_write(d, data, 0), "... nor does nothing");
	tap_is_int(-EIO, position(d), "MTIOCPOS is EIO");
	tap_is_int(0, mt(d, MTLOAD, 1), "MTLOAD with nothing there works");
	tap_is_int(0x50000, status(d).mt_gstat, "... and there is none still");
	tap_is_int(0, mt(d, MTLOAD, 1), "MTLOAD with a tape there");
	tap_is_int(0x41010000, status(d).mt_gstat,
	    "... stands at the beginning");
	finish(d);
}

static void
test_unloaded(void)
{
	struct drive *d = new_plain();

	open_rw(d);
	(void)put(d);
	tap_is_int(0, mt(d, MTOFFL, 1), "a tape is unloaded");
	tap_is_int(0, drive_close(d), "... and stays so over a close");
	tap_is_int(-ENOMEDIUM, drive_open(d, O_RDONLY, 0, false),
	    "the next open finds none");
	tap_is_int(0, drive_open(d, O_RDONLY | O_NONBLOCK, 0, false),
	    "... until somebody");
	tap_is_int(0, mt(d, MTLOAD, 1), "... loads it");
	tap_is_int(R, take(d), "... and reads what was written");
	tap_is_int(0, take(d), "... with the filemark of MTOFFL");
	finish(d);
}

static void
test_shutdown(void)
{
	struct drive *d = new_plain();
	struct mtget s;

	open_rw(d);
	(void)put(d);
	tap_is_int(0, drive_shutdown(d), "the end of the process closes");
	tap_is_int(-EIO, drive_get(d, &s), "then nothing works any more");
	tap_is_int(-EIO, put(d), "... no write");
	tap_is_int(-EIO, drive_open(d, O_RDONLY, 0, false), "... and no open");
	tap_is_int(0, drive_shutdown(d), "... but another end");
	drive_free(d);
}

static void
test_four_partitions(void)
{
	struct memtape_config config = { .limit = { .min_record = 1,
					     .max_record = 65536,
					     .granularity = 1 },
		.keeps = SIZE_MAX,
		.max_partitions = 4,
		.refused_density = -1 };
	struct tape *t = memtape_new(&config);
	struct drive *d = drive_over(t);

	if (tape_format(t, 4, 0) < 0)
		tap_bail("format: %s", tape_why(t));
	open_rw(d);
	tap_is_int(-EINVAL, mt(d, MTSETPART, 3), "partitions are off at first");
	(void)mt(d, MTSETDRVBUFFER,
	    (int)(MT_ST_SETBOOLEANS | MT_ST_CAN_PARTITIONS)); /* works */
	for (int i = 0; i < 4; i++) {
		data[0] = (uint8_t)(100 + i);
		tap_is_int(0, mt(d, MTSETPART, i), "partition %d is there", i);
		tap_is_int(R, put(d), "... and can be written");
		tap_is_int(i, status(d).mt_resid, "... and is in mt_resid");
		tap_is_int(0, mt(d, MTREW, 1), "... and rewound");
	}
	tap_is_int(-EINVAL, mt(d, MTSETPART, 4), "there is no fifth");
	for (int i = 3; i >= 0; i--) {
		(void)mt(d, MTSETPART, i); /* the read tells */
		(void)take(d);
		tap_is_int(100 + i, data[0], "partition %d kept its data", i);
	}
	finish(d);
}

static void
test_stop(void)
{
	struct drive *d = new_plain();

	open_rw(d);
	(void)put(d);
	tap_is_int(0, drive_stop(d), "SCSI_IOCTL_STOP_UNIT unloads");
	tap_is_int(-ENOMEDIUM, take(d), "... so that there is no tape");
	tap_is_int(0, drive_stop(d), "... and nothing to unload again");
	tap_is_int(-EIO, drive_close(d), "then close can't write a filemark");
	finish(d);
}

static void
test_32_bit_callers(void)
{
	static const int32_t expected[] = { 0x72, 0, 0, 0x1010000, 0, 0, 1 };
	struct ioctl_caller who = { .uid = 1000 };
	const struct ioctl_caller who_32 = { .uid = 1000, .compat = true };
	uint8_t out[IOCTL_MAX_ARG];
	struct drive *d = new_plain();
	size_t in_size, out_size, len;
	int32_t object;

	open_rw(d);
	(void)put(d);
	tap_is_int(0, ioctl_sizes(0x801c6d02, &in_size, &out_size),
	    "the MTIOCGET of 32-bit programs is known");
	tap_is_int(28, (int64_t)out_size, "... and has 28 bytes");
	tap_is_int(-EINVAL, ioctl_call(d, 0x801c6d02, &who, NULL, out, &len),
	    "... but not for others");
	tap_is_int(0, ioctl_call(d, 0x801c6d02, &who_32, NULL, out, &len),
	    "... and works");
	tap_is_mem(expected, out, sizeof(expected),
	    "... as seven 32-bit words");
	tap_is_int(0, ioctl_call(d, MTIOCGET, &who_32, NULL, out, &len),
	    "the number of others works for them");
	tap_is_int(28, (int64_t)len, "... in their layout");
	tap_is_int(0, ioctl_call(d, 0x80046d03, &who_32, NULL, out, &len),
	    "so does their MTIOCPOS");
	memcpy(&object, out, sizeof(object));
	tap_is_int(4, (int64_t)len, "... with 4 bytes");
	tap_is_int(1, object, "... that tell the object");
	tap_is_int(-EINVAL, ioctl_sizes(0x5401, &in_size, &out_size),
	    "an ioctl of terminals is unknown");
	tap_is_int(-EINVAL, ioctl_call(d, 0x5401, &who, NULL, out, &len),
	    "... and is EINVAL");
	finish(d);
}

int
main(void)
{
	test_flush();
	test_flush_then_status();
	test_kept_error();
	test_lost();
	test_write_error();
	test_close_error();
	test_early_warning();
	test_end_of_medium();
	test_check_write();
	test_check_write_fixed();
	test_dropped_record();
	test_read_parts();
	test_write_protected();
	test_no_tape();
	test_unloaded();
	test_shutdown();
	test_four_partitions();
	test_stop();
	test_32_bit_callers();
	return tap_done();
}
