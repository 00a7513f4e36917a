/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The drive over a mirror: what a program sees at the end of the tape that
 * comes first, in fixed block mode (row 7 of the mirror's fault matrix) and
 * when the leg that meets it is behind the other one; and that both images hold
 * the same then.
 */
#include <fcntl.h>

#include "drive.h"
#include "tapes.h"

#define BLOCK 10

static const char *scratch;
static uint8_t buf[100];

/* A drive, open, over images with options, and a mirror with some. */
static struct drive *
open_drive(const char *a, const char *b, const char *options)
{
	char spec[1000];
	struct drive *d;

	(void)unlink(path_in(scratch, "a.tap")); /* there may be none */
	(void)unlink(path_in(scratch, "b.tap"));
	(void)snprintf(spec, sizeof(spec),
	    "mirror:{fault:{file:%s/a.tap%s,fault:{file:%s/b.tap%s}%s", scratch,
	    a, scratch, b, options);
	d = drive_new(open_tape(spec));
	if (d == NULL || drive_open(d, O_RDWR, 0, false) < 0)
		tap_bail("%s can't be opened", spec);
	return d;
}

static void
operate(struct drive *d, short op, int count, const char *rule)
{
	const struct mtop mtop = { .mt_op = op, .mt_count = count };

	tap_is_int(0, drive_mtop(d, &mtop, true), "%s", rule);
}

static void
finish(struct drive *d)
{
	tap_is_int(0, drive_close(d), "the drive is closed");
	(void)drive_shutdown(d); /* the images tell */
	drive_free(d);
}

/* What an image has: a letter for each object, R and F. */
static const char *
contents(const char *name)
{
	static char text[2][100];
	static unsigned turn;
	char options[100], *out = text[turn++ % 2];
	enum tape_cond cond;
	struct tape *t;
	size_t n = 0, len;

	(void)snprintf(options, sizeof(options), "%s,readonly=yes", name);
	t = load_tape(spec_in(scratch, options));
	while (n + 1 < sizeof(text[0]) &&
	    tape_read(t, buf, sizeof(buf), &len, &cond) == 0 &&
	    cond != TAPE_EOD)
		out[n++] = cond == TAPE_FILEMARK ? 'F' : 'R';
	out[n] = '\0';
	tape_free(t);
	return out;
}

static void
both_hold(const char *expected, const char *rule)
{
	tap_is_str(expected, contents("a.tap"), "%s: on leg 1", rule);
	tap_is_str(expected, contents("b.tap"), "... and on leg 2");
}

/* With a ring leg 1 leads. */
static void
test_fixed(const char *options)
{
	struct drive *d = open_drive(",objects=14,warn_objects=8},do=# no",
	    "},do=write 1+ stall=0.03", options);

	operate(d, MTSETBLK, BLOCK, "row 7: fixed block mode");
	tap_is_int(40, drive_write(d, buf, 40), "blocks before early warning");
	tap_is_int(40, drive_write(d, buf, 40),
	    "a write that meets it in its middle is whole");
	tap_is_int(-ENOSPC, drive_write(d, buf, 40), "the next one is not");
	tap_is_int(20, drive_write(d, buf, 20), "the one after it is written");
	tap_is_int(-ENOSPC, drive_write(d, buf, 40), "and so on");
	finish(d);
	both_hold("RRRRRRRRRRF", "each block is a record");
}

/* At the physical end, which comes without a warning. */
static void
test_fixed_end(void)
{
	struct drive *d = open_drive(",objects=7},do=# no", "},do=# no", "");

	operate(d, MTSETBLK, BLOCK, "row 7: fixed block mode");
	tap_is_int(40, drive_write(d, buf, 40), "blocks before the end");
	tap_is_int(30, drive_write(d, buf, 40),
	    "a write that meets it is as long as there is room");
	(void)drive_close(d); /* no filemark fits */
	(void)drive_shutdown(d);
	drive_free(d);
	both_hold("RRRRRRR", "what there was room for");
}

static void
test_behind(void)
{
	struct drive *d = open_drive("},do=# no",
	    ",objects=20,warn_objects=14},do=write 2 stall=0.3",
	    ",ack=ring,ring=64K");

	for (int i = 0; i < 8; i++)
		tap_is_int(50, drive_write(d, buf, 50),
		    "a record, while leg 2 is behind");
	operate(d, MTWEOF, 1, "a filemark, which waits for it");
	tap_is_int(50, drive_write(d, buf, 50),
	    "leg 2 has met early warning meanwhile: this record is written");
	tap_is_int(-ENOSPC, drive_write(d, buf, 50), "... and the next is not");
	tap_is_int(50, drive_write(d, buf, 50), "... as of any tape");
	finish(d);
	both_hold("RRRRRRRRFRRF", "what was acknowledged");
}

int
main(void)
{
	scratch = make_scratch();
	test_fixed("");
	test_fixed(",ack=ring,ring=64K");
	test_fixed_end();
	test_behind();
	remove_scratch(scratch);
	return tap_done();
}
