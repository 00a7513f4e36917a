/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions of the rmt server, over buffers: what each kind of client sends, and
 * what it gets.  All of them run twice, with the bytes coming at once and one
 * by one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "file.h"
#include "null.h"
#include "server.h"
#include "server_device.h"
#include "table.h"
#include "tap.h"
#include "tape.h"

static const struct tape_type *const types[] = { &file_tape_type,
	&null_tape_type, &fault_tape_type, NULL };

static char dir[64];
static size_t chunk; /* bytes that a read from the client gives at most */

/* ---- A client ------------------------------------------------------------ */

struct client {
	const uint8_t *in;
	size_t left;
	uint8_t *out;
	size_t out_len;
	size_t deaf_after; /* bytes of replies; then it has gone */
};

static ssize_t
client_read(void *arg, void *buf, size_t size)
{
	struct client *c = arg;
	size_t n = size < c->left ? size : c->left;

	if (n > chunk)
		n = chunk;
	memcpy(buf, c->in, n);
	c->in += n;
	c->left -= n;
	return (ssize_t)n;
}

static int
client_write(void *arg, const void *buf, size_t len)
{
	struct client *c = arg;

	if (c->out_len + len > c->deaf_after)
		return -EPIPE;
	c->out = realloc(c->out, c->out_len + len + 1);
	if (c->out == NULL)
		tap_bail("no memory");
	memcpy(c->out + c->out_len, buf, len);
	c->out_len += len;
	c->out[c->out_len] = '\0';
	return 0;
}

struct desk {
	struct rmt_places *places;
	bool read_only;
};

/* Everything is granted. */
static int
desk_open(void *arg, const char *name, int flags,
    struct rmt_device **ret_device, char why[RMT_WHY_MAX])
{
	struct desk *d = arg;
	bool rewinds = strncmp(name, "rewind:", 7) == 0;
	struct rmt_grant g = { .name = (char *)(uintptr_t)name,
		.text = (char *)(uintptr_t)(rewinds ? name + 7 : name),
		.rewinds = rewinds,
		.read_only = d->read_only,
		.is_node = name[0] == '/' };

	if (g.is_node)
		return rmt_server_open_node(&g, flags, ret_device, why);
	return rmt_server_open_spec(&g, types, flags, d->places, ret_device,
	    why);
}

static bool read_only; /* what is granted from here on */

/* Runs a session; its replies are ${c->out}. */
static int
run(struct client *c, const void *in, size_t len)
{
	struct desk d = { rmt_server_places_new(), read_only };
	const struct rmt_link link = { client_read, client_write, c };
	const struct rmt_desk desk = { desk_open, &d };
	int r;

	c->in = in;
	c->left = len;
	c->out = calloc(1, 1);
	if (c->deaf_after == 0)
		c->deaf_after = SIZE_MAX;
	r = rmt_server_run(&link, &desk);
	rmt_server_places_free(d.places);
	return r;
}

/* "@" is ${dir}. */
static size_t
expand(const char *from, char *to)
{
	char *begin = to;

	for (; *from != '\0'; from++) {
		if (*from == '@')
			to = stpcpy(to, dir);
		else
			*to++ = *from;
	}
	*to = '\0';
	return (size_t)(to - begin);
}

/* The session of a text: it gives that result, and those replies. */
static void
session(const char *in, int result, const char *replies, const char *sentence)
{
	struct client c = { .left = 0 };
	char sent[4096];
	size_t n = expand(in, sent);
	int r = run(&c, sent, n);

	tap_is_str(replies, (const char *)c.out, "%s", sentence);
	if (r != result)
		tap_is_int(result, r, "... and the session's result");
	free(c.out);
}

/* A blank tape in the image NAME. */
static void
blank(const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	(void)unlink(path); /* it need not be there */
}

#define NO_SEEK "E29\nIllegal seek: a tape has no bytes to seek\n"
#define OPEN_W "Ofile:@/t.tap\n65 O_WRONLY|O_CREAT\n"
#define OPEN_R "Ofile:@/t.tap\n0 O_RDONLY\n"
#define OPEN_RW "Ofile:@/t.tap\n2 O_RDWR\n"

/* ---- What clients do ----------------------------------------------------- */

static void
test_tar(void)
{
	blank("t.tap");
	session(OPEN_W "W5\nhelloW3\nyouC\n", 0, "A0\nA5\nA3\nA0\n",
	    "GNU tar writes: each record is acknowledged with its length");
	session(OPEN_R "R10240\nR10240\nR10240\nR10240\nC\n", 0,
	    "A0\nA5\nhelloA3\nyouA0\nA0\nA0\n",
	    "GNU tar reads: records, the filemark of close, the end of data");
	session("Ofile:@/t.tap\n0\nL0\n0\nL5000000000\n0\nL1\n5000000000\nC\n",
	    0, "A0\nA0\n" NO_SEEK NO_SEEK "A0\n",
	    "no seek, with whence first or last, moves anything");
	session("Ofault:{file:@/t.tap},do=read 2 EIO\n0\nR9\nL1\n20480\n"
		"R9\nL1\n20480\nR9\nL1\n20480\nC\n",
	    0,
	    "A0\nA5\nhello" NO_SEEK
	    "E5\nInput/output error: read call 2 fails by script\n"
	    "A0\nA3\nyou" NO_SEEK "A0\n",
	    "one behind an unreadable record succeeds, as with st");
	session(OPEN_R "I3\n1\nR100\nC\n", 0, "A0\nA0\nA3\nyouA0\n",
	    "GNU mt spaces with Linux's numbers");
	session(OPEN_RW "I12\n1\nW3\nendI6\n1\nI1\n1\nR10\nC\n", 0,
	    "A0\nA0\nA3\nA0\nA0\nA3\nendA0\n",
	    "MTEOM, a write, MTREW and MTFSF go by these numbers");
	session(OPEN_R "I22\n1\nR9\nI20\n3\nsDI6\n1\nI20\n0\nsDC\n", 0,
	    "A0\nA0\nA3\nyouA0\nA3\nA0\nA0\nA0\nA0\n",
	    "so do MTSEEK and MTSETBLK");
}

static void
test_dump(void)
{
	blank("t.tap");
	session("Ofile:@/t.tap\n577 O_WRONLY|O_CREAT|O_TRUNC\nW4\nonceC\n"
		"Ofile:@/t.tap\n0 O_RDONLY\nC\n"
		"Ofile:@/t.tap\n577 O_WRONLY|O_CREAT|O_TRUNC\nW5\ntwiceC\n",
	    0, "A0\nA4\nA0\nA0\nA0\nA0\nA5\nA0\n",
	    "dump closes, and opens again on the same connection");
	session(OPEN_R "R9\nR9\nR9\nR9\nR9\nC\n", 0,
	    "A0\nA4\nonceA0\nA5\ntwiceA0\nA0\nA0\n",
	    "the tape stood where it was left: both files are there");
	session("Orewind:file:@/t.tap\n1\nW1\naC\nOrewind:file:@/"
		"t.tap\n1\nW1\nbC\n",
	    0, "A0\nA1\nA0\nA0\nA1\nA0\n", "a tape that rewinds ...");
	session(OPEN_R "R9\nR9\nR9\nC\n", 0, "A0\nA1\nbA0\nA0\nA0\n",
	    "... was written over by the second open");
	session(OPEN_R "R9\nsFsBC\n" OPEN_R "sFsBC\n", 0,
	    "A0\nA1\nbA0\nA1\nA0\nA0\nA0\nA1\nA0\n",
	    "file and block number survive close and open");
	session(OPEN_R "I20\n1\nC\n" OPEN_R "R5\nC\n", 0,
	    "A0\nA0\nA0\nA0\nA1\nbA0\n", "and so does the block size");
	session(OPEN_R "R9\nC\nOfile:@/u.tap\n1 O_WRONLY|O_CREAT\nC\n" OPEN_R
		       "sBC\n",
	    0, "A0\nA1\nbA0\nA0\nA0\nA0\nA1\nA0\n",
	    "also if another tape was open in between");
}

static void
test_ejected(void)
{
	blank("t.tap");
	session(OPEN_W "W1\naI7\n1\nC\n" OPEN_W, 0,
	    "A0\nA1\nA0\nA0\nE123\nNo medium found: no tape loaded; mt load "
	    "brings it back\n",
	    "after MTOFFL the tape is not there for the next open");
	session(OPEN_W
	    "W1\naI7\n1\nC\n"
	    "Ofile:@/t.tap\n2 O_RDWR|O_NONBLOCK\nR1\nI30\n1\nR1\nC\n",
	    0,
	    "A0\nA1\nA0\nA0\nA0\nE123\nNo medium found: no tape loaded; mt load"
	    " brings it back\nA0\nA1\naA0\n",
	    "until MTLOAD brings it back, on an open with O_NONBLOCK");
}

static void
test_v1(void)
{
	blank("t.tap");
	session("I-1\n0\nVfoo\nv\n", 0, "A1\nA2\nA1\n",
	    "version 1 is agreed on before a tape is open, too");
	session(OPEN_W "I-1\n0\nW1\naI0\n2\nW1\nbI0\n1\nC\n", 0,
	    "A0\nA1\nA1\nA2\nA1\nA1\nA0\n",
	    "I0 writes filemarks then, and tells the count");
	session(OPEN_RW "I-1\n0\nR9\nI5\n1\nR9\nI1\n2\nR9\ni4\n1\nsFI7\n1\nC\n",
	    0, "A0\nA1\nA1\naA1\nA1\naA2\nA1\nbA1\nA3\nA1\nA0\n",
	    "I5 rewinds, I7 does nothing, i4 goes to the end of data");
	session(OPEN_RW "I-1\n0\ni0\n1\ni5\n1\ni2\n1\nC\n", 0,
	    "A0\nA1\n"
	    "E22\nInvalid argument: no such tape operation\n"
	    "E22\nInvalid argument: no such tape operation\nA1\nA0\n",
	    "what Linux has not, or no number guarantees, is EINVAL");
	session(OPEN_R "sTsEsRsFsBsbC\n", 0,
	    "A0\nA114\nA0\nA0\nA0\nA0\nA0\nA0\n",
	    "each field of the status can be asked for");
	session(OPEN_R "I12\n1\nsFsBC\n", 0, "A0\nA0\nA3\nA-1\nA0\n",
	    "a block number that is not known is -1");
}

static void
test_status(void)
{
	struct client c = { .left = 0 };
	char sent[256];
	size_t n = expand(OPEN_R "SS\nsFS", sent);
	int r = run(&c, sent, n);

	tap_is_int(0, r, "a session with S and S\\n");
	tap_is_int(3 + 4 + 48 + 4 + 48 + 3 + 4 + 48, (int64_t)c.out_len,
	    "each gives 48 bytes, and the newline nothing more");
	tap_is_mem("A0\nA48\n\x72", c.out, 8, "these begin with the type");
	free(c.out);
}

static void
test_errors(void)
{
	blank("t.tap");
	session("R5\nW3\nabcC\nI6\n1\nSL0\n0\nsF", 0,
	    "E9\nBad file descriptor: no tape is open\n"
	    "E9\nBad file descriptor: no tape is open\n"
	    "E9\nBad file descriptor: no tape is open\n"
	    "E9\nBad file descriptor: no tape is open\n"
	    "E9\nBad file descriptor: no tape is open\n"
	    "E9\nBad file descriptor: no tape is open\n"
	    "E9\nBad file descriptor: no tape is open\n",
	    "with no tape open all is EBADF, and the data of W are taken");
	session(OPEN_W "I99\n1\nI-2\n1\n", -EPROTO,
	    "A0\nE22\nFunction not implemented: no such tape operation\n"
	    "E22\nInvalid argument: garbage command\n",
	    "numbers beyond 34 are sent as one that is known everywhere");
	session("Ofile:@/none,create=no\n0\n", 0,
	    "E2\nNo such file or directory: none: can't be opened: No such "
	    "file or directory\n",
	    "what is not there is ENOENT");
	session("Ofile:@/t.tap\n2 O_RDWR|O_FUNNY\n", 0,
	    "E22\nInvalid argument: unknown open flag\n",
	    "an unknown flag is EINVAL");
	session(OPEN_W "W5\nhelloW1\nxI6\n1\nC\n", 0, "A0\nA5\nA1\nA0\nA0\n",
	    "(a tape with two records)");
	session(OPEN_R "R3\nR9\nC\n", 0,
	    "A0\nE12\nCannot allocate memory: a record of 5 bytes does not fit "
	    "a read of 3\nA1\nxA0\n",
	    "a record larger than asked for is ENOMEM, and is passed");
	session(OPEN_R "W1\naI5\n1\nC\n", 0,
	    "A0\nE13\nPermission denied: opened for reading\n"
	    "E13\nPermission denied: opened for reading\nA0\n",
	    "on a tape that was opened to be read nothing is written");
	session(OPEN_RW "R9999999999\nW0\nC\n", 0, "A0\nA5\nhelloA0\nA0\n",
	    "any size may be asked for; a write of nothing is one");
	session("O/dev/null\n2\nO/dev/zero\n0\nO@\n0\nO@/t.tap\n0\n", 0,
	    "E13\nPermission denied: not a tape node\n"
	    "E13\nPermission denied: not a tape node\n"
	    "E13\nPermission denied: not a tape node\n"
	    "E13\nPermission denied: not a tape node\n",
	    "devices that are no tapes, directories and files are not opened");
}

static void
test_garbage(void)
{
	static const char *const bad[] = { "X", "Rabc\n", "W-1\n",
		"W16777217\n", "W99999999999999999999\n", "sX", "I1\nfoo\n",
		"Oa\tb\n0\n", "R111111111111111111111111111111111\n" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		session(bad[i], -EPROTO,
		    "E22\nInvalid argument: garbage command\n",
		    "what is no request ends the session");
	session("O", -EPIPE, "", "so does an end within a request");
}

static void
test_read_only(void)
{
	blank("t.tap");
	session(OPEN_W "W1\naC\n", 0, "A0\nA1\nA0\n", "(a tape)");
	read_only = true;
	session(OPEN_W OPEN_RW, 0,
	    "E13\nPermission denied: granted to be read\n"
	    "E13\nPermission denied: granted to be read\n",
	    "what is granted to be read is not opened to be written");
	session(OPEN_R "R9\nI13\n1\nI34\n1\nI24\n5\nI6\n1\nR9\nC\n", 0,
	    "A0\nA1\naE13\nPermission denied: granted to be read\n"
	    "E13\nPermission denied: granted to be read\n"
	    "E13\nPermission denied: granted to be read\nA0\nA1\naA0\n",
	    "and of the ops there are those that move the tape");
	read_only = false;
}

/* ---- Links that break ---------------------------------------------------- */

static void
test_broken(void)
{
	struct client c = { .deaf_after = 6 };
	char sent[256];
	size_t n;

	blank("t.tap");
	session(OPEN_W "W5\nhelloW5\nhe", -EPIPE, "A0\nA5\n",
	    "a link that breaks within a record");
	session(OPEN_R "R9\nR9\nR9\nsF", 0, "A0\nA5\nhelloA0\nA0\nA1\n",
	    "leaves the records before it, and the filemark of close");
	session(OPEN_W "W5\nhello", 0, "A0\nA5\n",
	    "a link that ends with a tape open");
	session(OPEN_R "R9\nR9\nR9\nsF", 0, "A0\nA5\nhelloA0\nA0\nA1\n",
	    "closes the tape as any close");
	session(OPEN_W "W1\naX", -EPROTO,
	    "A0\nA1\nE22\nInvalid argument: garbage command\n",
	    "garbage behind a record");
	session(OPEN_R "R9\nR9\nR9\nsF", 0, "A0\nA1\naA0\nA0\nA1\n",
	    "closes it, too");
	n = expand(OPEN_W "W1\naW1\nbW1\nc", sent);
	tap_is_int(-EPIPE, run(&c, sent, n),
	    "a client that hears no more ends the session");
	free(c.out);
	session(OPEN_R "R9\nR9\nR9\nC\n", 0, "A0\nA1\naA1\nbA0\nA0\n",
	    "and what it sent after that is not written");
}

/* ---- The tape's own ------------------------------------------------------ */

static void
test_full(void)
{
	static uint8_t sent[4096];
	struct client c = { .left = 0 };
	size_t n;

	blank("t.tap");
	n = expand("Ofile:@/t.tap,capacity=4K,warn=2K\n1 O_WRONLY|O_CREAT\n",
	    (char *)sent);
	for (unsigned i = 0; i < 3; i++) {
		memcpy(sent + n, "W1000\n", 6);
		n += 6 + 1000;
	}
	memcpy(sent + n, "C\n", 2);
	tap_is_int(0, run(&c, sent, n + 2), "a tape with early warning");
	tap_is_str("A0\nA1000\nA1000\nA1000\nA0\n", (char *)c.out,
	    "has room until it comes");
	free(c.out);
	n = expand("Ofile:@/t.tap,capacity=4K,warn=2K\n1\n", (char *)sent);
	for (unsigned i = 0; i < 3; i++) {
		memcpy(sent + n, "W1200\n", 6);
		n += 6 + 1200;
	}
	memcpy(sent + n, "C\n", 2);
	c = (struct client){ .left = 0 };
	tap_is_int(0, run(&c, sent, n + 2), "larger records");
	tap_ok(strncmp((char *)c.out,
		   "A0\nA1200\nA1200\nE28\nNo space left on device", 38) == 0,
	    "past it a record is refused with ENOSPC, as st does");
	free(c.out);
}

static void
test_busy(void)
{
	struct desk d = { rmt_server_places_new(), false };
	struct rmt_device *device;
	char why[RMT_WHY_MAX], name[128];

	blank("t.tap");
	(void)snprintf(name, sizeof(name), "file:%s/t.tap", dir);
	if (desk_open(&d, name, O_RDWR, &device, why) < 0)
		tap_bail("%s", why);
	session(OPEN_W "Onull:\n1\n", 0,
	    "E16\nDevice or resource busy: t.tap: in use by another "
	    "process\nA0\n",
	    "a tape that another session has is EBUSY");
	tap_is_int(0, device->ops->close(device), "the other closes it");
	session(OPEN_W, 0, "A0\n",
	    "then it is there, even before the other "
	    "session ends");
	session(OPEN_W OPEN_W "Onull:\n1\nC\n", 0, "A0\nA0\nA0\nA0\n",
	    "an open closes what the same session had open");
	rmt_server_places_free(d.places);
}

static void
test_large(void)
{
	size_t head, n;
	uint8_t *sent = malloc(1024 + TAPE_MAX_RECORD);
	struct client c = { .left = 0 };

	if (sent == NULL)
		tap_bail("no memory");
	blank("t.tap");
	head = expand(OPEN_W "W16777216\n", (char *)sent);
	for (n = 0; n < TAPE_MAX_RECORD; n++)
		sent[head + n] = (uint8_t)(n * 7 >> 3);
	memcpy(sent + head + n, "I6\n1\nC\n", 7);
	tap_is_int(0, run(&c, sent, head + n + 7), "a record of 16 MiB");
	tap_is_str("A0\nA16777216\nA0\nA0\n", (char *)c.out, "is written");
	free(c.out);
	c = (struct client){ .left = 0 };
	head = expand(OPEN_R "R99999999\nR1\nC\n", (char *)sent);
	tap_is_int(0, run(&c, sent, head), "and a read of any size");
	tap_ok(c.out_len == 3 + 10 + TAPE_MAX_RECORD + 6 &&
		memcmp(c.out, "A0\nA16777216\n", 13) == 0,
	    "gives it back whole");
	for (n = 0; n < TAPE_MAX_RECORD && c.out_len > 13 + n; n++)
		if (c.out[13 + n] != (uint8_t)(n * 7 >> 3))
			break;
	tap_is_int(TAPE_MAX_RECORD, (int64_t)n, "with all its bytes");
	free(c.out);
	free(sent);
}

/* A failure of the last flush is the answer of the close that caused it. */
static void
test_failing_close(void)
{
	blank("t.tap");
	session("Ofault:{file:@/t.tap},do=filemark 1 EIO\n"
		"65 O_WRONLY|O_CREAT\nW1\naC\nC\n",
	    0,
	    "A0\nA1\nE5\nInput/output error: closing the tape\n"
	    "E9\nBad file descriptor: no tape is open\n",
	    "a filemark of close that fails is told, and the tape closed");
	session("Ofault:{file:@/t.tap},do=unload 1 EIO\n"
		"65 O_WRONLY|O_CREAT\nW1\naC\n",
	    0, "A0\nA1\nE5\nInput/output error: closing the tape\n",
	    "so is what the tape has to say when it is given back");
	session("Ofault:{file:@/t.tap},do=write 1 EIO\n1\nW1\naW1\nbC\n", 0,
	    "A0\nE5\nInput/output error: write call 1 fails by script\n"
	    "A1\nA0\n",
	    "a write that fails says why");
}

static void
all(void)
{
	test_tar();
	test_dump();
	test_ejected();
	test_v1();
	test_status();
	test_errors();
	test_garbage();
	test_read_only();
	test_broken();
	test_full();
	test_busy();
	test_failing_close();
}

int
main(void)
{
	char made[] = "/tmp/rmt-server.XXXXXX";
	char path[128];

	if (mkdtemp(made) == NULL)
		tap_bail("mkdtemp: %s", strerror(errno));
	(void)snprintf(dir, sizeof(dir), "%s", made);
	for (chunk = 1; chunk <= 65536; chunk *= 65536) {
		tap_diag("%zu bytes at a time", chunk);
		all();
	}
	test_large();
	(void)snprintf(path, sizeof(path), "%s/u.tap", dir);
	(void)unlink(path); /* what is left does no harm */
	blank("t.tap");
	(void)rmdir(dir); /* likewise */
	return tap_done();
}
