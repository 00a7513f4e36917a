/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The remote magtape protocol as bytes: what real clients and servers send,
 * byte by byte, in every dialect; and what nobody may send.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <linux/mtio.h>

#include "rmt/wire.h"
#include "tap.h"

#define DIALECT(id) (&rmt_dialects[RMT_DIALECT_##id])

static struct rmt_request q;
static struct rmt_reply a;

static ssize_t
ask(const char *text)
{
	return rmt_wire_decode_request(text, strlen(text), &q);
}

static ssize_t
answer(const char *text)
{
	return rmt_wire_decode_reply(text, strlen(text), &a);
}

/* ${text} is a request, whole; none of what it begins with is. */
static void
is_request(const char *text, enum rmt_request_kind kind)
{
	ssize_t n = (ssize_t)strlen(text);
	ssize_t early = 0;

	for (ssize_t i = 0; i < n; i++)
		if (rmt_wire_decode_request(text, (size_t)i, &q) != 0)
			early++;
	tap_is_int(0, early, "nothing shorter than \"%.10s...\" is a request",
	    text);
	tap_is_int(n, ask(text), "\"%.10s...\" is one", text);
	tap_is_int(kind, q.kind, "... of its kind");
}

static void
test_requests(void)
{
	is_request("O/dev/nst0\n2 O_RDWR|O_CREAT\n", RMT_OPEN);
	tap_is_str("/dev/nst0", q.device, "open: the device");
	tap_is_int(O_RDWR | O_CREAT, q.flags, "open: flags by name, as star");
	is_request("O/dev/nst0\n577 O_WRONLY|O_CREAT|O_TRUNC\n", RMT_OPEN);
	tap_is_int(O_WRONLY | O_CREAT | O_TRUNC, q.flags,
	    "open: number and name, as GNU tar");
	is_request("O/dev/nst0\n66\n", RMT_OPEN);
	tap_is_int(O_RDWR, q.flags, "open: of a number the access mode");
	is_request("O/dev/nst0\n1 O_WRONLY|O_CREAT|O_TRUNC\n", RMT_OPEN);
	is_request("Ofile:a,b=c\nO_RDONLY\n", RMT_OPEN);
	tap_is_int(O_RDONLY, q.flags, "open: a name alone");
	tap_ok(!q.bad_flag, "open: which is known");
	is_request("Ox\n0 O_RDONLY|O_FUTURE\n", RMT_OPEN);
	tap_ok(q.bad_flag, "open: a flag that nobody knows shows");
	is_request("C0\n", RMT_CLOSE);
	is_request("C\n", RMT_CLOSE);
	is_request("R65536\n", RMT_READ);
	tap_is_int(65536, q.bytes, "read: bytes");
	is_request("R3000000000\n", RMT_READ);
	tap_is_int(TAPE_MAX_RECORD, q.bytes, "read: no more than a record");
	tap_is_int(4, ask("W10\n0123456789"), "write: the data is not in it");
	tap_is_int(10, q.bytes, "write: but told");
	is_request("L0\n0\n", RMT_SEEK);
	is_request("L4096\n1\n", RMT_SEEK);
	tap_is_int(4096, q.offset, "seek: BSD has the offset first");
	tap_is_int(1, q.whence, "seek: and the whence behind it");
	is_request("L1\n-4096\n", RMT_SEEK);
	tap_is_int(-4096, q.offset, "seek: GNU has it the other way round");
	tap_is_int(1, q.whence, "seek: which shows");
	is_request("I6\n1\n", RMT_OP);
	tap_is_int(6, q.op, "ioctl: the op");
	tap_is_int(1, q.count, "ioctl: the count");
	is_request("I-1\n0\n", RMT_OP);
	tap_is_int(RMT_OP_NEGOTIATE, q.op, "ioctl: the request for version 1");
	is_request("i2\n1\n", RMT_OP_V1);
	is_request("S", RMT_STATUS);
	tap_is_int(1, ask("S\n"), "status: a newline is not in it");
	is_request("\n", RMT_EMPTY);
	is_request("sT", RMT_FIELD);
	tap_is_int('T', q.field, "field: its letter");
	is_request("V\n", RMT_VERSION);
	is_request("v\n", RMT_VERSION_OLD);
}

static void
is_none(const char *text, const char *what)
{
	tap_is_int(-EPROTO, ask(text), "no request: %s", what);
}

static void
test_bad_requests(void)
{
	char text[3000];
	struct rmt_request before = { .bytes = 77 };

	q = before;
	is_none("X\n", "a letter that nobody knows");
	is_none("Rabc\n", "a number of letters");
	is_none("R\n", "a number of nothing");
	is_none("R 1\n", "a blank in a number");
	is_none("R1 \n", "a blank behind one");
	is_none("R+1\n", "a plus");
	is_none("R-1\n", "less than nothing to read");
	is_none("R99999999999999999999\n", "a number beyond 64 bits");
	is_none("R1111111111111111111111111", "endless digits, without an end");
	is_none("W16777217\n", "a record longer than any");
	is_none("I99999999999\n", "an op beyond 32 bits");
	is_none("L7\n8\n", "no whence in a seek");
	is_none("sX", "a field that nobody knows");
	is_none("s\n", "a field that is a newline");
	is_none("O/dev/a\tb\n0\n", "a control character in a name");
	is_none("O/dev/nst0\n\n", "no flags");
	memset(text, 'x', sizeof(text));
	text[0] = 'O';
	tap_is_int(0, rmt_wire_decode_request(text, RMT_DEVICE_MAX, &q),
	    "a long name may go on");
	tap_is_int(-EPROTO, rmt_wire_decode_request(text, sizeof(text), &q),
	    "but not forever");
	tap_is_int(-EPROTO, rmt_wire_decode_request("O\0\n0\n", 5, &q),
	    "a 0 byte in a name");
	tap_is_int(77, q.bytes, "what is none leaves the result alone");
}

static void
says(const char *expected, const struct rmt_dialect *dialect,
    struct rmt_request request)
{
	char buf[RMT_REQUEST_MAX];
	ssize_t n =
	    rmt_wire_encode_request(dialect, &request, buf, sizeof(buf) - 1);

	buf[n < 0 ? 0 : n] = '\0';
	tap_is_str(expected, n < 0 ? "-" : buf, "%s says so", dialect->name);
}

static struct rmt_request
opening(const char *device)
{
	struct rmt_request open = { .kind = RMT_OPEN,
		.flags = O_RDWR | O_NONBLOCK };

	(void)snprintf(open.device, sizeof(open.device), "%s", device);
	return open;
}

static void
test_encoding(void)
{
	char name[RMT_DEVICE_MAX + 1];
	struct rmt_request seek = { .kind = RMT_SEEK,
		.offset = 10,
		.whence = 1 };
	struct rmt_request field = { .kind = RMT_FIELD, .field = 'F' };
	struct rmt_request v1 = { .kind = RMT_OP_V1, .op = 4, .count = 1 };
	struct rmt_request status = { .kind = RMT_STATUS };
	struct rmt_request data = { .kind = RMT_WRITE, .bytes = 65536 };
	char small[4];

	says("O/dev/nst0\n2 O_RDWR|O_NONBLOCK\n", DIALECT(GNU),
	    opening("/dev/nst0"));
	says("-", DIALECT(GNU), opening("/dev/a\nI6"));
	says("-", DIALECT(GNU), opening(""));
	memset(name, 'n', 64);
	name[64] = '\0';
	says("-", DIALECT(DUMP), opening(name)); /* it would lose step */
	name[63] = '\0';
	tap_ok(rmt_wire_encode_request(DIALECT(DUMP),
		   &(struct rmt_request){ .kind = RMT_CLOSE }, small,
		   sizeof(small)) == 2,
	    "a buffer of the right size is enough");
	tap_is_int(-ENOBUFS,
	    rmt_wire_encode_request(DIALECT(GNU), &data, small, sizeof(small)),
	    "one that is too small is told");
	says("L1\n10\n", DIALECT(GNU), seek);
	says("L10\n1\n", DIALECT(DUMP), seek);
	says("S\n", DIALECT(GNU), status);
	says("S", DIALECT(BSD), status);
	says("sF", DIALECT(SCHILY), field);
	says("-", DIALECT(GNU), field);
	says("i4\n1\n", DIALECT(DUMP), v1);
	says("-", DIALECT(LINUX), v1);
	says("W65536\n", DIALECT(GNU), data);
	data.bytes = TAPE_MAX_RECORD + 1;
	says("-", DIALECT(GNU), data);
}

static void
maps(const char *expected, const struct rmt_dialect *dialect, int op)
{
	struct rmt_request request;
	char seen[16] = "-";

	if (rmt_wire_map_op(dialect, op, 3, &request) == 0)
		(void)snprintf(seen, sizeof(seen), "%s%d",
		    request.kind == RMT_OP_V1 ? "i" : "I", (int)request.op);
	tap_is_str(expected, seen, "%s: op %d of Linux", dialect->name, op);
}

/* The numbers that differ rewind where they should write, or eject. */
static void
test_ops(void)
{
	int op = -1;

	for (size_t i = 0; i < RMT_DIALECTS; i++) {
		maps("I1", &rmt_dialects[i], MTFSF);
		maps("I2", &rmt_dialects[i], MTBSF);
		maps("I3", &rmt_dialects[i], MTFSR);
		maps("I4", &rmt_dialects[i], MTBSR);
	}
	maps("I5", DIALECT(GNU), MTWEOF);
	maps("I0", DIALECT(DUMP), MTWEOF);
	maps("I0", DIALECT(BSD), MTWEOF);
	maps("-", DIALECT(PLAIN), MTWEOF);
	maps("I6", DIALECT(LINUX), MTREW);
	maps("I5", DIALECT(SUN), MTREW);
	maps("-", DIALECT(PLAIN), MTREW);
	maps("I7", DIALECT(GNU), MTOFFL);
	maps("I6", DIALECT(BSD), MTOFFL);
	maps("i4", DIALECT(DUMP), MTEOM);
	maps("-", DIALECT(BSD), MTEOM);
	maps("i3", DIALECT(SCHILY), MTERASE);
	maps("I20", DIALECT(GNU), MTSETBLK);
	maps("-", DIALECT(DUMP), MTSETBLK);

	(void)ask("I5\n1\n");
	tap_is_int(0, rmt_wire_unmap_op(&q, false, &op), "5 is an op");
	tap_is_int(MTWEOF, op, "... of Linux, as it stands");
	tap_is_int(0, rmt_wire_unmap_op(&q, true, &op),
	    "5 is one of version 1");
	tap_is_int(MTREW, op, "... which rewinds");
	(void)ask("i3\n1\n");
	tap_is_int(0, rmt_wire_unmap_op(&q, true, &op), "i3 is an op");
	tap_is_int(MTERASE, op, "... that erases");
	(void)ask("i0\n1\n");
	tap_is_int(-EINVAL, rmt_wire_unmap_op(&q, true, &op),
	    "a cache that Linux has not");
	(void)ask("I-1\n1\n");
	tap_is_int(-EINVAL, rmt_wire_unmap_op(&q, false, &op),
	    "to ask for version 1 is no op");
}

static void
test_replies(void)
{
	char buf[RMT_REPLY_MAX];
	char long_text[1200];
	ssize_t n;

	tap_is_int(3, answer("A0\nA1\n"), "a reply ends at its newline");
	tap_is_int(RMT_DONE, a.kind, "A: it was done");
	tap_is_int(10, answer("A16777216\n"), "a large number");
	tap_is_int(16777216, a.value, "... is that");
	tap_is_int(4, answer("A-1\n"), "dump's status may be negative");
	tap_is_int(-1, a.value, "... and is");
	tap_is_int(0, answer("A12"), "a number may go on");
	tap_is_int(0, answer("E28\nNo space left"), "so may a text");
	tap_is_int(28, answer("E28\nNo space left on device\n"), "an error");
	tap_is_int(RMT_ERROR, a.kind, "... is one");
	tap_is_int(28, a.value, "... with its number");
	tap_is_str("No space left on device", a.text, "... and its words");
	tap_is_int(9, answer("F5\nGone\n") + 1, "a fatal one");
	tap_is_int(RMT_FATAL, a.kind, "... is that");
	tap_is_int(-EPROTO, answer("sh: rmt: not found\n"), "a shell's words");
	tap_is_int(-EPROTO, answer("Welcome\n"), "a banner");
	tap_is_int(-EPROTO, answer("A\n"), "no number");
	tap_is_int(-EPROTO, answer("A1 2\n"), "two numbers");
	tap_is_int(-EPROTO, answer("A00000000000000000000000000"),
	    "endless digits");
	tap_is_int(-EPROTO, answer("Ax\n"), "garbage behind A");
	memset(long_text, 'e', sizeof(long_text));
	memcpy(long_text, "E5\n", 3);
	tap_is_int(-EPROTO,
	    rmt_wire_decode_reply(long_text, sizeof(long_text), &a),
	    "an endless text");
	(void)answer("E5\n\033[2Jbad\n");
	tap_is_str("?[2Jbad", a.text, "no terminal is told anything");

	rmt_wire_error(ENOSPC, &a);
	n = rmt_wire_encode_reply(&a, buf, sizeof(buf));
	tap_is_int(28, n, "an error's length");
	tap_is_mem("E28\nNo space left on device\n", buf, 28, "its bytes");
	a = (struct rmt_reply){ .kind = RMT_DONE, .value = 512 };
	n = rmt_wire_encode_reply(&a, buf, sizeof(buf));
	tap_is_int(5, n, "a success's length");
	tap_is_mem("A512\n", buf, 5, "its bytes");
}

static int
means(const struct rmt_dialect *dialect, const char *text)
{
	(void)answer(text);
	return rmt_wire_errno(dialect, &a);
}

static void
test_errno(void)
{
	tap_is_int(ENOSPC, means(DIALECT(BSD), "E28\nx\n"), "28 anywhere");
	tap_is_int(EROFS, means(DIALECT(SUN), "E30\nx\n"), "30 anywhere");
	tap_is_int(EIO, means(DIALECT(GNU), "E0\nSuccess\n"),
	    "0 is no success");
	tap_is_int(ENOMEDIUM, means(DIALECT(GNU), "E123\nx\n"), "123 on Linux");
	tap_is_int(EIO, means(DIALECT(BSD), "E123\nx\n"), "123 elsewhere");
	tap_is_int(ENOMEDIUM, means(DIALECT(DUMP), "E123\nNo medium found\n"),
	    "the words tell as well");
	tap_is_int(EIO, means(DIALECT(GNU), "E-5\nx\n"), "less than nothing");
	tap_is_int(EIO, means(DIALECT(GNU), "E67\nx\n"), "one that is ours");
}

static void
test_status(void)
{
	/* What st shows after a filemark: file 1, block 0, EOF and ONLINE. */
	static const uint8_t real[48] = {
		0x72, [19] = 0x48, [27] = 0x81, [26] = 0x01, [40] = 1
	};
	uint8_t bytes[48];
	struct rmt_status s = { .file = 9 };

	tap_is_int(-EPROTO, rmt_wire_decode_mtget(real, 24, &s),
	    "another length is another system");
	tap_is_int(0, rmt_wire_decode_mtget(real, 48, &s), "that of st is one");
	tap_is_int(1, s.file, "its file");
	tap_is_int(0, s.block, "its block");
	tap_ok(GMT_EOF(s.gstat) && GMT_ONLINE(s.gstat), "its bits");
	rmt_wire_encode_mtget(&s, bytes);
	tap_is_mem(real, bytes, 48, "it makes the same bytes again");
	memcpy(bytes, real, 48);
	bytes[0] = 7;
	tap_is_int(-EPROTO, rmt_wire_decode_mtget(bytes, 48, &s),
	    "the right length of another type is none");
	memcpy(bytes, real, 48);
	bytes[2] = 1; /* where BSD has a second short */
	tap_is_int(-EPROTO, rmt_wire_decode_mtget(bytes, 48, &s),
	    "nor one with more behind the type");
	memcpy(bytes, real, 48);
	bytes[24] = 1;
	tap_is_int(-EPROTO, rmt_wire_decode_mtget(bytes, 48, &s),
	    "nor one with bits that st never sets");
	memcpy(bytes, real, 48);
	memset(bytes + 28, 0xff, 4);
	tap_is_int(0, rmt_wire_decode_mtget(bytes, 48, &s),
	    "the highest bit of a signed long is one bit");
	memset(bytes + 44, 0xff, 4);
	bytes[44] = 0xf7;
	tap_is_int(0, rmt_wire_decode_mtget(bytes, 48, &s),
	    "st counts on below -1");
	tap_is_int(-1, s.block, "which is no block");
}

int
main(void)
{
	test_requests();
	test_bad_requests();
	test_encoding();
	test_ops();
	test_replies();
	test_errno();
	test_status();
	tap_ok(rmt_dialect_named("gnu") == DIALECT(GNU), "a dialect by name");
	tap_ok(rmt_dialect_named("none") == NULL, "or none");
	return tap_done();
}
