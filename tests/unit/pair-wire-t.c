/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The protocol of the pair as bytes: the example of wire.h, both ways; what can
 * be no message; and, one by one, the answers that a request can't have.
 */
#include <errno.h>
#include <string.h>

#include "pair/wire.h"
#include "tap.h"

/* The example of wire.h. */
static const uint8_t example_request[PMT_PAIR_HEADER] = { 0x43, 0, 0, 0, 6, 0,
	0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
static const uint8_t example_reply[PMT_PAIR_HEADER] = { 0x40, 0, 0, 0, 6, 0, 0,
	0, 9, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x30, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 1, 0, 0, 0, 0 };

static const struct pmt_position here = { .object = 5,
	.file = 1,
	.known = true };

static void
test_example(void)
{
	const struct pmt_request request = { .op = PMT_WRITE,
		.id = 9,
		.at = here,
		.count = 3,
		.len = 3 };
	const struct pmt_reply reply = {
		.op = PMT_WRITE,
		.id = 9,
		.at = { .object = 6, .file = 1, .known = true },
		.used = 12288,
		.room = PMT_PAIR_MAX_RECORD,
	};
	uint8_t header[PMT_PAIR_HEADER];
	struct pmt_request request_back;
	struct pmt_reply reply_back;
	const char *why;

	pair_wire_put_request(header, &request);
	tap_is_mem(example_request, header, sizeof(header),
	    "the request of the example, in bytes");
	pair_wire_put_reply(header, &reply);
	tap_is_mem(example_reply, header, sizeof(header),
	    "the reply of the example, in bytes");
	tap_is_int(0,
	    pair_wire_get_request(example_request, &request_back, &why),
	    "the bytes of the request are one");
	tap_ok(request_back.op == PMT_WRITE && request_back.id == 9 &&
		request_back.at.object == 5 && request_back.at.file == 1 &&
		request_back.at.known && request_back.count == 3 &&
		request_back.len == 3,
	    "... with what was put in");
	tap_is_int(0, pair_wire_get_reply(example_reply, &reply_back, &why),
	    "the bytes of the reply are one");
	tap_ok(reply_back.at.object == 6 && reply_back.used == 12288 &&
		reply_back.room == PMT_PAIR_MAX_RECORD && reply_back.len == 0,
	    "... with what was put in");
	tap_is_int(0, pair_wire_check_reply(&request_back, &reply_back, &why),
	    "... and an answer to it");
}

/* Messages without the data that they are about. */
static void
test_shared(void)
{
	struct pmt_request request = { .op = PMT_WRITE,
		.flags = PMT_SHARED,
		.count = 3,
		.len = 3 };
	struct pmt_reply reply = { .op = PMT_READ,
		.done = 3,
		.len = 3,
		.shared = true };
	uint8_t header[PMT_PAIR_HEADER];
	const char *why;

	pair_wire_put_request(header, &request);
	tap_is_int(PMT_PAIR_HEADER, header[0],
	    "a record that is shared is not in the message");
	tap_ok(pair_wire_get_request(header, &request, &why) == 0 &&
		request.len == 3 && request.flags == PMT_SHARED,
	    "... but of the request");
	pair_wire_put_reply(header, &reply);
	tap_is_int(PMT_PAIR_HEADER, header[0], "nor is one in a reply");
	tap_ok(pair_wire_get_reply(header, &reply, &why) == 0 && reply.shared &&
		reply.len == 0,
	    "... of which only the request says how much is wanted");
}

/* ---- Bytes that are no message ------------------------------------------- */

struct byte {
	const char *what;
	size_t at;
	uint8_t value;
};

static const struct byte bad_request_bytes[] = {
	{ "no length", 0, 0x3f },
	{ "a length beyond the largest record", 3, 0x02 },
	{ "no operation", 4, 0 },
	{ "an operation beyond the last", 4, PMT_OPS },
	{ "a flag that WRITE does not have", 6, 1 },
	{ "a record that is shared, and comes as well", 6, 2 },
	{ "a count that is not that of the data", 40, 4 },
	{ "a unit that WRITE does not have", 36, 1 },
	{ "a partition that can't be", 32, 4 },
	{ "a position half known", 48, 2 },
	{ "a byte where zero is", 60, 1 },
};

static const struct byte bad_reply_bytes[] = {
	{ "no length", 0, 0x3f },
	{ "no operation", 4, 0 },
	{ "no condition", 6, PMT_EOM + 1 },
	{ "a position half known", 36, 2 },
	{ "an error beyond 511", 39, 0x02 },
	{ "a byte where zero is", 61, 1 },
	{ "more than two ways to be shared", 60, 2 },
	{ "more filemarks than objects", 24, 7 },
	{ "a partition that can't be", 33, 1 },
};

static void
test_bytes(void)
{
	uint8_t header[PMT_PAIR_HEADER];
	struct pmt_request request;
	struct pmt_reply reply;
	const char *why;
	size_t i;

	for (i = 0; i < sizeof(bad_request_bytes) / sizeof(struct byte); i++) {
		memcpy(header, example_request, sizeof(header));
		header[bad_request_bytes[i].at] = bad_request_bytes[i].value;
		tap_is_int(-EPROTO,
		    pair_wire_get_request(header, &request, &why),
		    "no request has %s", bad_request_bytes[i].what);
	}
	for (i = 0; i < sizeof(bad_reply_bytes) / sizeof(struct byte); i++) {
		memcpy(header, example_reply, sizeof(header));
		header[bad_reply_bytes[i].at] = bad_reply_bytes[i].value;
		tap_is_int(-EPROTO, pair_wire_get_reply(header, &reply, &why),
		    "no reply has %s", bad_reply_bytes[i].what);
	}
}

/* ---- Answers ------------------------------------------------------------- */

struct answer {
	const char *what;
	struct pmt_request request; /* but for the position and the id */
	struct pmt_reply reply;	    /* but for the id; partition 0, known */
	bool good;
};

#define AT(o, f) .at = { .object = o, .file = f, .known = true }
#define Q(o, ...) .request = { .op = o, ##__VA_ARGS__ }
#define A(o, ...) .reply = { .op = o, ##__VA_ARGS__ }

/* All requests are made at object 5, file 1. */
static const struct answer answers[] = {
	{ "the version that was offered", Q(PMT_HELLO, .unit = 1, .count = 3),
	    A(PMT_HELLO, .done = 2), true },
	{ "the version, and the memory",
	    Q(PMT_HELLO, .flags = PMT_SHARED, .count = 3),
	    A(PMT_HELLO, .done = 2, .shared = true), true },
	{ "a memory that was not offered", Q(PMT_HELLO, .count = 3),
	    A(PMT_HELLO, .done = 2, .shared = true), false },
	{ "a record that is shared",
	    Q(PMT_READ, .flags = PMT_SHARED, .count = 9),
	    A(PMT_READ, .done = 9, .len = 9, .shared = true, AT(6, 1)), true },
	{ "one in memory that is not", Q(PMT_READ, .count = 9),
	    A(PMT_READ, .done = 9, .len = 9, .shared = true, AT(6, 1)), false },
	{ "words that are shared", Q(PMT_READ, .flags = PMT_SHARED, .count = 9),
	    A(PMT_READ, .error = EIO, .len = 9, .shared = true, AT(5, 1)),
	    false },
	{ "filemarks at leisure, and shared",
	    Q(PMT_FILEMARKS, .flags = PMT_IMMEDIATE, .count = 2),
	    A(PMT_FILEMARKS, .done = 2, .shared = true, AT(7, 3)), false },
	{ "a long erase, and shared", Q(PMT_ERASE, .flags = PMT_WHOLE),
	    A(PMT_ERASE, .shared = true, AT(5, 1)), false },
	{ "written, and shared",
	    Q(PMT_WRITE, .flags = PMT_SHARED, .count = 9, .len = 9),
	    A(PMT_WRITE, .shared = true, AT(6, 1)), false },
	{ "written, from the memory",
	    Q(PMT_WRITE, .flags = PMT_SHARED, .count = 9, .len = 9),
	    A(PMT_WRITE, AT(6, 1)), true },
	{ "a version that was not", Q(PMT_HELLO, .unit = 1, .count = 3),
	    A(PMT_HELLO, .done = 4), false },
	{ "loaded, at BOT", Q(PMT_LOAD), A(PMT_LOAD, AT(0, 0)), true },
	{ "loaded, elsewhere", Q(PMT_LOAD), A(PMT_LOAD, AT(5, 1)), false },
	{ "loaded, in another partition", Q(PMT_LOAD),
	    A(PMT_LOAD, .at = { .partition = 1, .known = true }), false },
	{ "not loaded, as there is none", Q(PMT_LOAD),
	    A(PMT_LOAD, .error = ENOMEDIUM), true },
	{ "rewound", Q(PMT_REWIND), A(PMT_REWIND, AT(0, 0)), true },
	{ "rewound to somewhere", Q(PMT_REWIND), A(PMT_REWIND, .done = 0),
	    false },
	{ "a record that fits", Q(PMT_READ, .count = 10),
	    A(PMT_READ, .done = 7, .len = 7, AT(6, 1)), true },
	{ "a record that does not fit, cut", Q(PMT_READ, .count = 10),
	    A(PMT_READ, .done = 70, .len = 10, AT(6, 1)), true },
	{ "a record that does not fit, whole", Q(PMT_READ, .count = 10),
	    A(PMT_READ, .done = 70, .len = 70, AT(6, 1)), false },
	{ "a record of less bytes than it has", Q(PMT_READ, .count = 10),
	    A(PMT_READ, .done = 7, .len = 6, AT(6, 1)), false },
	{ "a record of no bytes", Q(PMT_READ, .count = 10),
	    A(PMT_READ, .done = 0, .len = 0, AT(6, 1)), false },
	{ "a record larger than any", Q(PMT_READ, .count = 10),
	    A(PMT_READ, .done = PMT_PAIR_MAX_RECORD + 1, .len = 10, AT(6, 1)),
	    false },
	{ "a record, and the tape where it was", Q(PMT_READ, .count = 10),
	    A(PMT_READ, .done = 7, .len = 7, AT(5, 1)), false },
	{ "a filemark", Q(PMT_READ, .count = 10),
	    A(PMT_READ, .cond = PMT_FILEMARK, AT(6, 2)), true },
	{ "a filemark with data", Q(PMT_READ, .count = 10),
	    A(PMT_READ, .cond = PMT_FILEMARK, .done = 1, .len = 1, AT(6, 2)),
	    false },
	{ "end of data", Q(PMT_READ, .count = 10),
	    A(PMT_READ, .cond = PMT_EOD, AT(5, 1)), true },
	{ "end of data, and the tape moved", Q(PMT_READ, .count = 10),
	    A(PMT_READ, .cond = PMT_EOD, AT(6, 1)), false },
	{ "an early warning, for a read", Q(PMT_READ, .count = 10),
	    A(PMT_READ, .cond = PMT_EARLY_WARNING, .done = 1, .len = 1,
		AT(6, 1)),
	    false },
	{ "an end of the medium, for a read", Q(PMT_READ, .count = 10),
	    A(PMT_READ, .cond = PMT_EOM, .error = ENOSPC, AT(5, 1)), false },
	{ "a record written, with a warning",
	    Q(PMT_WRITE, .count = 3, .len = 3),
	    A(PMT_WRITE, .cond = PMT_EARLY_WARNING, AT(6, 1)), true },
	{ "a record written twice", Q(PMT_WRITE, .count = 3, .len = 3),
	    A(PMT_WRITE, AT(7, 1)), false },
	{ "a record written elsewhere", Q(PMT_WRITE, .count = 3, .len = 3),
	    A(PMT_WRITE,
		.at = { .object = 6, .file = 1, .partition = 1, .known = 1 }),
	    false },
	{ "a record written, with data", Q(PMT_WRITE, .count = 3, .len = 3),
	    A(PMT_WRITE, .len = 3, AT(6, 1)), false },
	{ "no room", Q(PMT_WRITE, .count = 3, .len = 3),
	    A(PMT_WRITE, .cond = PMT_EOM, .error = ENOSPC, AT(5, 1)), true },
	{ "no room, but it is written", Q(PMT_WRITE, .count = 3, .len = 3),
	    A(PMT_WRITE, .cond = PMT_EOM, .error = ENOSPC, AT(6, 1)), false },
	{ "no room, without an error", Q(PMT_WRITE, .count = 3, .len = 3),
	    A(PMT_WRITE, .cond = PMT_EOM, AT(5, 1)), false },
	{ "no room, and another error", Q(PMT_WRITE, .count = 3, .len = 3),
	    A(PMT_WRITE, .cond = PMT_EOM, .error = EIO, AT(5, 1)), false },
	{ "not written, in words", Q(PMT_WRITE, .count = 3, .len = 3),
	    A(PMT_WRITE, .error = EIO, .len = 255, AT(5, 1)), true },
	{ "not written, in too many words", Q(PMT_WRITE, .count = 3, .len = 3),
	    A(PMT_WRITE, .error = EIO, .len = 256, AT(5, 1)), false },
	{ "two filemarks", Q(PMT_FILEMARKS, .count = 2),
	    A(PMT_FILEMARKS, .done = 2, AT(7, 3)), true },
	{ "one filemark of two", Q(PMT_FILEMARKS, .count = 2),
	    A(PMT_FILEMARKS, .done = 1, AT(6, 2)), false },
	{ "one filemark of two, then no room", Q(PMT_FILEMARKS, .count = 2),
	    A(PMT_FILEMARKS, .done = 1, .error = ENOSPC, .cond = PMT_EOM,
		AT(6, 2)),
	    true },
	{ "three filemarks of two, then no room", Q(PMT_FILEMARKS, .count = 2),
	    A(PMT_FILEMARKS, .done = 3, .error = ENOSPC, .cond = PMT_EOM,
		AT(8, 4)),
	    false },
	{ "spaced over three", Q(PMT_SPACE, .count = 3),
	    A(PMT_SPACE, .done = 3, AT(8, 1)), true },
	{ "spaced back over three", Q(PMT_SPACE, .count = (uint64_t)-3),
	    A(PMT_SPACE, .done = 3, AT(2, 1)), true },
	{ "spaced over two of three, and nothing met", Q(PMT_SPACE, .count = 3),
	    A(PMT_SPACE, .done = 2, AT(7, 1)), false },
	{ "a filemark after two", Q(PMT_SPACE, .count = 3),
	    A(PMT_SPACE, .done = 2, .cond = PMT_FILEMARK, AT(8, 2)), true },
	{ "a filemark, when spacing filemarks",
	    Q(PMT_SPACE, .unit = PMT_MARKS, .count = 3),
	    A(PMT_SPACE, .done = 2, .cond = PMT_FILEMARK, AT(8, 2)), false },
	{ "four of three, and a filemark", Q(PMT_SPACE, .count = 3),
	    A(PMT_SPACE, .done = 4, .cond = PMT_FILEMARK, AT(9, 2)), false },
	{ "more than can be counted, and the end of data",
	    Q(PMT_SPACE, .count = 3),
	    A(PMT_SPACE, .done = UINT64_C(1) << 63, .cond = PMT_EOD, AT(9, 2)),
	    false },
	{ "two of three, then an error", Q(PMT_SPACE, .count = 3),
	    A(PMT_SPACE, .done = 2, .error = EIO, AT(7, 1)), true },
	{ "four of three, then an error", Q(PMT_SPACE, .count = 3),
	    A(PMT_SPACE, .done = 4, .error = EIO, AT(7, 1)), false },
	{ "end of data, after more filemarks than objects",
	    Q(PMT_SPACE, .unit = PMT_TO_EOD),
	    A(PMT_SPACE, .done = 51, AT(50, 9)), false },
	{ "end of data, after all filemarks", Q(PMT_SPACE, .unit = PMT_TO_EOD),
	    A(PMT_SPACE, .done = 50, AT(50, 50)), true },
	{ "end of data, when that was asked for",
	    Q(PMT_SPACE, .unit = PMT_TO_EOD), A(PMT_SPACE, AT(50, 9)), true },
	{ "end of data as a condition, when that was asked for",
	    Q(PMT_SPACE, .unit = PMT_TO_EOD),
	    A(PMT_SPACE, .cond = PMT_EOD, AT(50, 9)), false },
	{ "located", Q(PMT_LOCATE, .count = 3), A(PMT_LOCATE, AT(3, 0)), true },
	{ "located elsewhere", Q(PMT_LOCATE, .count = 3),
	    A(PMT_LOCATE, AT(4, 0)), false },
	{ "located at the end of data", Q(PMT_LOCATE, .count = 30),
	    A(PMT_LOCATE, .cond = PMT_EOD, AT(9, 0)), true },
	{ "located in another partition", Q(PMT_LOCATE, .unit = 1, .count = 3),
	    A(PMT_LOCATE, AT(3, 0)), false },
	{ "erased here", Q(PMT_ERASE), A(PMT_ERASE, AT(5, 1)), true },
	{ "erased, and moved", Q(PMT_ERASE), A(PMT_ERASE, AT(0, 0)), false },
	{ "a description", Q(PMT_DESCRIBE),
	    A(PMT_DESCRIBE, .len = PMT_PAIR_INFO, AT(5, 1)), true },
	{ "a description, and moved", Q(PMT_DESCRIBE),
	    A(PMT_DESCRIBE, .len = PMT_PAIR_INFO, AT(6, 1)), false },
	{ "a description, and moved to another partition", Q(PMT_DESCRIBE),
	    A(PMT_DESCRIBE, .len = PMT_PAIR_INFO,
		.at = { .object = 5, .partition = 1, .known = true }),
	    false },
	{ "a description, and lost", Q(PMT_DESCRIBE),
	    A(PMT_DESCRIBE, .len = PMT_PAIR_INFO, .at = { .object = 5 }),
	    false },
	{ "set", Q(PMT_SET), A(PMT_SET, AT(5, 1)), true },
	{ "set, and moved", Q(PMT_SET), A(PMT_SET, AT(0, 0)), false },
	{ "no description", Q(PMT_DESCRIBE), A(PMT_DESCRIBE, AT(5, 1)), false },
	{ "an answer to another operation", Q(PMT_UNLOAD), A(PMT_REWIND),
	    false },
};

static void
test_answers(void)
{
	const char *why = "";

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct pmt_request request = answers[i].request;
		struct pmt_reply reply = answers[i].reply;

		request.id = reply.id = 77;
		request.at = here;
		tap_is_int(answers[i].good ? 0 : -EPROTO,
		    pair_wire_check_reply(&request, &reply, &why),
		    "%s to %s: %s", answers[i].good ? "an answer" : "none",
		    pair_wire_op_name(request.op), answers[i].what);
		reply.id++;
		if (answers[i].good && i % 8 == 0)
			tap_is_int(-EPROTO,
			    pair_wire_check_reply(&request, &reply, &why),
			    "... but not to another request");
	}
}

/* ---- What the medium is -------------------------------------------------- */

static void
test_info(void)
{
	static const struct byte bad[] = {
		{ "records of no bytes", 0, 0 },
		{ "a largest record beyond the largest", 7, 2 },
		{ "a largest read beyond that", 11, 2 },
		{ "no granularity", 12, 0 },
		{ "no partition", 16, 0 },
		{ "five partitions", 16, 5 },
		{ "a flag that there is not", 32, 4 },
		{ "a name without an end", 127, 'x' },
	};
	const struct pmt_info info = { .min_record = 1,
		.max_record = PMT_PAIR_MAX_RECORD,
		.granularity = 1,
		.partitions = 1,
		.max_partitions = 2,
		.capacity = 1000000,
		.write_protected = true,
		.density = 0x5a,
		.medium = "T00001" };
	uint8_t buf[PMT_PAIR_INFO];
	struct pmt_info back;
	const char *why;

	pair_wire_put_info(buf, &info);
	tap_is_int(0, pair_wire_get_info(buf, &back, &why),
	    "a description is one");
	tap_ok(back.max_record == info.max_record &&
		back.capacity == info.capacity && back.write_protected &&
		!back.can_compress && back.density == 0x5a &&
		back.max_partitions == 2,
	    "... with what was put in");
	tap_is_str("T00001", back.medium, "... and its name");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		pair_wire_put_info(buf, &info);
		buf[bad[i].at] = bad[i].value;
		tap_is_int(-EPROTO, pair_wire_get_info(buf, &back, &why),
		    "no medium has %s", bad[i].what);
	}
}

int
main(void)
{
	test_example();
	test_shared();
	test_bytes();
	test_answers();
	test_info();
	return tap_done();
}
