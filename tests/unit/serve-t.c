/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What serve.c adds to a tape: requests that no drive of ours sends, positions
 * that do not agree, failures with their words, and leaving a tape for another
 * process.  (That a tape is the same behind it is in tests/contract/tape-t.c.)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memtape.h"
#include "serve.h"
#include "tap.h"
#include "tape.h"

static struct tape *tape;
static struct serve *serve;
static struct pmt_request request;
static struct pmt_reply reply;
static uint8_t room[PMT_PAIR_MAX_RECORD];

static struct pmt_position
here(void)
{
	return (struct pmt_position){ .object = tape->pos.object,
		.file = tape->pos.file,
		.partition = tape->pos.partition,
		.known = tape->pos.known };
}

static void
ask(enum pmt_op op, uint32_t unit, uint64_t count)
{
	request = (struct pmt_request){ .op = op,
		.at = here(),
		.unit = unit,
		.count = count,
		.data = op == PMT_WRITE ? room : NULL,
		.len = op == PMT_WRITE ? (size_t)count : 0 };
	serve_request(serve, &request, room, &reply);
}

static void
begin(void)
{
	struct memtape_config config = memtape_like_scsi_debug();

	serve_free(serve);
	tape_free(tape);
	config.limit.objects = 6;
	config.max_partitions = 2;
	tape = memtape_new(&config);
	serve = serve_new(tape);
	if (tape == NULL || serve == NULL)
		tap_bail("out of memory");
	ask(PMT_LOAD, 0, 0);
}

static void
test_refusals(void)
{
	static const struct {
		enum pmt_op op;
		uint32_t unit;
		uint64_t count;
		const char *name;
	} odd[] = {
		{ PMT_SET, 2, 1, "a parameter that there is not" },
		{ PMT_SET, PMT_COMPRESSION, 2, "a compression of 2" },
		{ PMT_SET, PMT_DENSITY, 256, "a density of 256" },
		{ PMT_FORMAT, 0, 0, "no partition at all" },
	};

	begin();
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		ask(odd[i].op, odd[i].unit, odd[i].count);
		tap_is_int(EINVAL, reply.error, "%s is refused", odd[i].name);
		tap_ok(reply.len > 0, "... in words");
	}
}

static void
test_positions(void)
{
	begin();
	ask(PMT_WRITE, 0, 1000);
	tap_is_int(0, reply.error, "a record is written");
	tap_is_int(1, (int64_t)reply.at.object, "... and the tape moves");
	request.at.object = 0;
	serve_request(serve, &request, room, &reply);
	tap_is_int(EIO, reply.error,
	    "nothing is written if the drive takes the tape to stand "
	    "elsewhere");
	tap_ok(strstr(reply.data, "object 1") != NULL,
	    "... and the words tell where it stands");
	request =
	    (struct pmt_request){ .op = PMT_DESCRIBE, .at = { .known = true } };
	serve_request(serve, &request, room, &reply);
	tap_is_int(EIO, reply.error, "it is not described there, either");
	request.op = PMT_SET;
	serve_request(serve, &request, room, &reply);
	tap_is_int(EIO, reply.error, "... nor set up");
	tap_is_int(1, (int64_t)reply.at.object, "... as does the position");
	request.at.known = false;
	serve_request(serve, &request, room, &reply);
	tap_is_int(0, reply.error, "a drive that does not know may write");
	ask(PMT_READ, 0, 100);
	tap_is_int(PMT_EOD, reply.cond, "the end of the data is told");
	ask(PMT_REWIND, 0, 0);
	ask(PMT_READ, 0, 100);
	tap_is_int(1000, (int64_t)reply.done,
	    "a record's whole length is told");
	tap_is_int(100, (int64_t)reply.len, "... but sent what was asked for");
	ask(PMT_FILEMARKS, 0, 9);
	tap_ok(reply.error == ENOSPC && reply.cond == PMT_EOM,
	    "a full tape is told from a failure");
	tap_is_int(5, (int64_t)reply.done, "... with the filemarks that fit");
}

static void
test_places(void)
{
	struct serve_place place, other;
	char text[SERVE_PLACE_TEXT];

	begin();
	ask(PMT_FORMAT, 2, 3);
	ask(PMT_SET, PMT_COMPRESSION, 1);
	ask(PMT_SET, PMT_DENSITY, 0x40);
	ask(PMT_LOCATE, 1, 0);
	ask(PMT_WRITE, 0, 10);
	tap_is_int(0, serve_leave(serve, &place), "a tape can be left");
	ask(PMT_REWIND, 0, 0);
	tap_is_int(ENOMEDIUM, reply.error, "... and is unloaded then");
	serve_place_put(&place, text);
	tap_ok(serve_place_get(text, &other), "its place is a text, as \"%s\"",
	    text);
	tap_is_int(0, serve_return(serve, &other), "it can be had back");
	tap_ok(tape->pos.partition == 1 && tape->pos.object == 1,
	    "... and stands where it stood, partition and all");
	tap_ok(other.compression == 1 && other.density == 0x40,
	    "... with what was set");
	tap_is_int(0, serve_leave(serve, &place), "and left again");
	tap_ok(place.compression == 1 && place.density == 0x40 &&
		place.object == 1,
	    "... with the same place");
	other.object = 3;
	tap_is_int(-EIO, serve_return(serve, &other),
	    "another tape, which ends before the place, is refused");
	tap_ok(strstr(serve_why(serve), "the same tape") != NULL,
	    "... in words: %s", serve_why(serve));
	other = (struct serve_place){ .loaded = false };
	tap_is_int(0, serve_return(serve, &other),
	    "one that was left unloaded");
	ask(PMT_REWIND, 0, 0);
	tap_is_int(ENOMEDIUM, reply.error, "... stays so");
	tap_ok(!serve_place_get("loaded 1 partition 9 object 0 compression -1 "
				"density -1",
		   &other),
	    "a place in no partition is none");
	tap_ok(!serve_place_get("hello", &other), "nor is any other text");
}

static void
test_lost(void)
{
	struct serve_place place;

	begin();
	tape->pos.known = false;
	tap_is_int(-EAGAIN, serve_leave(serve, &place),
	    "a tape that has lost its position is not left");
	tap_ok(serve_why(serve)[0] != '\0', "... in words");
	ask(PMT_REWIND, 0, 0);
	tap_ok(reply.error == 0 && reply.at.known,
	    "the drive can find it again");
	tap_is_int(0, serve_leave(serve, &place), "... and then it is");
}

int
main(void)
{
	test_refusals();
	test_positions();
	test_places();
	test_lost();
	serve_free(serve);
	tape_free(tape);
	return tap_done();
}
