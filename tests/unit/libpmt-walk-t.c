/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers for a tape that can step over one object.  The tape is a word, "r" a
 * record and "m" a filemark; each answer has to be one that pmtd takes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pair/wire.h"
#include "tap.h"

static const char *tape;
static size_t here;
static int broken; /* steps until they fail with EIO; -1: they do not */

static int
step(void *arg, int way)
{
	char met;

	if (arg != &here)
		tap_bail("a step with another argument");
	if (broken == 0)
		return -EIO;
	if (broken > 0)
		broken--;
	if (here == (way > 0 ? strlen(tape) : 0))
		return way > 0 ? PMT_EOD : PMT_BOT;
	met = tape[way > 0 ? here++ : --here];
	return met == 'r' ? PMT_NONE : PMT_FILEMARK;
}

static struct pmt_position
place(size_t object)
{
	struct pmt_position at = { .object = object, .known = true };

	for (size_t i = 0; i < object; i++)
		at.file += tape[i] == 'm';
	return at;
}

/* What is answered, as "condition done object/file", and the error. */
static const char *
answer(struct pmt_request q)
{
	static char told[128];
	struct pmt_reply r = pmt_reply_to(&q);
	const char *why = "";

	pmt_reply_walk(&r, &q, step, &here);
	if (q.op == PMT_READ && r.error == 0 && r.cond == PMT_NONE)
		r.done = r.len = 1; /* as its caller does */
	if (r.info == NULL && pair_wire_check_reply(&q, &r, &why) < 0)
		(void)snprintf(told, sizeof(told), "wrong: %s", why);
	else if (r.at.known && r.at.object != here)
		(void)snprintf(told, sizeof(told), "not where it stands");
	else
		(void)snprintf(told, sizeof(told), "%d %d %d/%d%s%s", r.cond,
		    (int)r.done, (int)r.at.object, (int)r.at.file,
		    r.error != 0 ? " " : "",
		    r.error != 0 ? strerrorname_np(r.error) : "");
	return told;
}

/* The same, of a tape that stands before object ${object}. */
static const char *
from(size_t object, enum pmt_op op, uint32_t unit, int64_t count)
{
	here = object;
	return answer((struct pmt_request){ .op = op,
	    .unit = unit,
	    .count = (uint64_t)count,
	    .at = place(object),
	    .len = op == PMT_WRITE ? (size_t)count : 0 });
}

/* And of one that pmtd takes to be lost. */
static const char *
lost(size_t object, enum pmt_op op, uint32_t unit, uint64_t count)
{
	here = object;
	return answer((struct pmt_request){ .op = op,
	    .unit = unit,
	    .count = count,
	    .at = { .object = 77, .file = 7 } });
}

static void
test_space(void)
{
	static const struct {
		size_t object;
		enum pmt_unit unit;
		int64_t count;
		const char *told, *rule;
	} cases[] = {
		{ 0, PMT_RECORDS, 2, "0 2 2/0", "over records" },
		{ 2, PMT_RECORDS, -2, "0 2 0/0", "... and back" },
		{ 1, PMT_RECORDS, 5, "1 1 3/1", "a filemark ends that" },
		{ 4, PMT_RECORDS, -5, "1 1 2/0", "... going back, too" },
		{ 6, PMT_RECORDS, 5, "2 1 7/3", "and so does EOD" },
		{ 1, PMT_RECORDS, -5, "3 1 0/0", "and BOT" },
		{ 0, PMT_MARKS, 1, "0 1 3/1", "behind a filemark" },
		{ 0, PMT_MARKS, 3, "0 3 6/3", "behind several" },
		{ 6, PMT_MARKS, -1, "0 1 5/2", "before one" },
		{ 7, PMT_MARKS, -3, "0 3 2/0", "before the third" },
		{ 4, PMT_MARKS, 9, "2 2 7/3", "EOD ends that" },
		{ 4, PMT_MARKS, -9, "3 1 0/0", "BOT ends that" },
		{ 3, PMT_RECORDS, 0, "0 0 3/1", "over no record" },
		{ 3, PMT_MARKS, 0, "0 0 3/1", "over no filemark" },
		{ 1, PMT_TO_EOD, 0, "0 3 7/3", "to EOD" },
		{ 7, PMT_TO_EOD, 0, "0 0 7/3", "... from there" },
		{ 1, PMT_TO_EOD, -3, "0 3 7/3", "... without regard to count" },
		{ 7, PMT_MARKS, INT64_MIN, "3 3 0/0", "as far as can be" },
	};

	tape = "rrmrmmr";
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tap_is_str(cases[i].told,
		    from(cases[i].object, PMT_SPACE, cases[i].unit,
			cases[i].count),
		    "SPACE %s", cases[i].rule);
	tap_is_str("0 3 7/3", lost(5, PMT_SPACE, PMT_TO_EOD, 0),
	    "SPACE to EOD finds the position again, of all there is");
}

static void
test_moves(void)
{
	tape = "rrmrmmr";
	tap_is_str("0 0 0/0", from(5, PMT_REWIND, 0, 0), "REWIND is to BOT");
	tap_is_str("0 0 0/0", from(0, PMT_REWIND, 0, 0), "... from there, too");
	tap_is_str("0 0 0/0", lost(6, PMT_LOAD, 0, 0),
	    "LOAD is, wherever that is");
	tap_is_str("0 0 4/1", from(1, PMT_LOCATE, 0, 4), "LOCATE forward");
	tap_is_str("0 0 3/1", from(7, PMT_LOCATE, 0, 3), "LOCATE back");
	tap_is_str("0 0 5/2", from(5, PMT_LOCATE, 0, 5), "LOCATE here");
	tap_is_str("0 0 7/3", from(2, PMT_LOCATE, 0, 7), "LOCATE at EOD");
	tap_is_str("2 0 7/3", from(2, PMT_LOCATE, 0, 8),
	    "LOCATE past EOD stands there, and says so");
	tap_is_str("0 0 3/1", lost(6, PMT_LOCATE, 0, 3),
	    "LOCATE finds the position again");
	tap_is_str("0 0 3/1 EINVAL", from(3, PMT_LOCATE, 1, 0),
	    "there is one partition");
	tap_is_str("0 0 3/1", from(3, PMT_UNLOAD, 0, 0), "UNLOAD is done");
	tap_is_str("0 0 3/1", from(3, PMT_DESCRIBE, 0, 0), "so is DESCRIBE");
	tap_is_str("0 0 3/1 EOPNOTSUPP", from(3, PMT_ERASE, 0, 0),
	    "ERASE is not for every tape");
	tap_is_str("0 0 3/1 EOPNOTSUPP", from(3, PMT_SET, 0, 1), "nor is SET");
	tap_is_str("0 0 3/1 EOPNOTSUPP", from(3, PMT_FORMAT, 1, 0),
	    "nor is FORMAT");
	tape = "";
	tap_is_str("0 0 0/0", lost(0, PMT_LOAD, 0, 0), "LOAD of an empty one");
	tap_is_str("0 0 0/0", from(0, PMT_SPACE, PMT_TO_EOD, 0), "and its EOD");
}

static void
test_data(void)
{
	tape = "rmrmm";
	tap_is_str("0 1 1/0", from(0, PMT_READ, 0, 10), "READ of a record");
	tap_is_str("1 0 2/1", from(1, PMT_READ, 0, 10), "READ of a filemark");
	tap_is_str("2 0 5/3", from(5, PMT_READ, 0, 10), "READ at EOD");
	tap_is_str("0 0 3/1", from(2, PMT_WRITE, 0, 10),
	    "WRITE is over what was put there");
	tap_is_str("5 0 5/3 ENOSPC", from(5, PMT_WRITE, 0, 10),
	    "... if nothing was, the medium is full");
	tap_is_str("0 2 5/3", from(3, PMT_FILEMARKS, 0, 2),
	    "FILEMARKS, likewise");
	tap_is_str("5 2 5/3 ENOSPC", from(3, PMT_FILEMARKS, 0, 3),
	    "... tell how many there was room for");
	tap_is_str("0 0 5/3", from(5, PMT_FILEMARKS, 0, 0),
	    "... none need no room");
}

static void
test_failures(void)
{
	tape = "rrmrmmr";
	broken = 2;
	tap_is_str("0 2 2/0 EIO", from(0, PMT_SPACE, PMT_RECORDS, 2 + 1),
	    "a step that fails ends SPACE, which tells how far it came");
	broken = 3;
	tap_is_str("0 1 3/1 EIO", from(0, PMT_SPACE, PMT_MARKS, 2),
	    "... of filemarks, too");
	broken = 1;
	tap_is_str("0 0 4/1 EIO", from(5, PMT_REWIND, 0, 0),
	    "it ends REWIND where it is");
	broken = 1;
	tap_is_str("0 0 4/1 EIO", from(3, PMT_LOCATE, 0, 6), "and LOCATE");
	broken = 0;
	tap_is_str("0 0 1/0 EIO", from(1, PMT_READ, 0, 10), "and READ");
	tap_is_str("0 0 1/0 EIO", from(1, PMT_WRITE, 0, 10), "and WRITE");
	broken = 1;
	tap_is_str("0 1 5/2 EIO", from(4, PMT_FILEMARKS, 0, 2),
	    "and FILEMARKS");
	broken = 2;
	here = 5;
	tap_ok(strstr(lost(5, PMT_LOAD, 0, 0), "EIO") != NULL && here == 3,
	    "a position that is not found stays lost");
	broken = -1;
}

int
main(void)
{
	broken = -1;
	test_space();
	test_moves();
	test_data();
	test_failures();
	return tap_done();
}
