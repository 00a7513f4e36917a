/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slave end as a Unix socket: the test asks through the port, and a thread
 * of it is the slave that has connected, well-behaved or not.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "asker.h"
#include "listen.h"
#include "pair/wire.h"
#include "port.h"
#include "spec.h"
#include "tap.h"
#include "tape.h"

#define WAIT_MS 5000 /* for anything that has to happen */
#define BIG ((size_t)16 << 20)

static struct port *port;
static struct listen *listening;
static char path[108];
static uint8_t message[PMT_PAIR_MAX_MESSAGE], reply[PMT_PAIR_MAX_MESSAGE];
static uint8_t record[BIG], bytes[BIG];
static atomic_uint alarms;
static char said[512]; /* the last alarm, once it is counted */

static void
note_alarm(const char *line)
{
	(void)snprintf(said, sizeof(said), "%s", line); /* cut is fine */
	alarms++;
}

static void
start(void)
{
	struct spec_error e;

	port = port_new();
	if (listen_start(port, path, 0640, &listening, &e) < 0)
		tap_bail("%s", e.text);
	alarms = 0;
}

static void
stop(void)
{
	listen_stop(listening);
	port_free(port);
}

/* Whether a line with ${words} comes; the slave may be let go before. */
static bool
is_told(const char *words)
{
	for (int tries = 0; tries < WAIT_MS && alarms == 0; tries++)
		(void)poll(NULL, 0, 1);
	return alarms > 0 && strstr(said, words) != NULL;
}

/* ---- The slave ----------------------------------------------------------- */

static int
join_in(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(name.sun_path, path, sizeof(path));
	if (fd < 0 || connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		tap_bail("%s: %s", path, strerror(errno));
	return fd;
}

/* All of it; false: that is not how it ends. */
static bool
get(int fd, void *buf, size_t len)
{
	return len == 0 || recv(fd, buf, len, MSG_WAITALL) == (ssize_t)len;
}

static bool
get_request(int fd, struct pmt_request *ret_request)
{
	const char *why;

	return get(fd, message, PMT_PAIR_HEADER) &&
	    pair_wire_get_request(message, ret_request, &why) == 0 &&
	    get(fd, message + PMT_PAIR_HEADER, ret_request->len);
}

/* The bytes of a good reply. */
static size_t
good_reply(const struct pmt_request *request)
{
	struct pmt_reply r = { .op = request->op,
		.id = request->id,
		.at = { .known = true } };

	if (request->op == PMT_HELLO)
		r.done = PMT_PAIR_VERSION;
	if (request->op == PMT_READ)
		r.done = r.len = request->count;
	r.at.object = request->op == PMT_READ || request->op == PMT_WRITE;
	pair_wire_put_reply(reply, &r);
	memcpy(reply + PMT_PAIR_HEADER, bytes, r.len);
	return PMT_PAIR_HEADER + r.len;
}

static void
put(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;
	ssize_t n = 0;

	for (; len > 0 && n >= 0; len -= (size_t)n, p += n) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n < 0)
			return; /* thrown out */
	}
}

static bool
is_present(void)
{
	for (int tries = 0; tries < WAIT_MS; tries++) {
		if (port_generation(port) != 0)
			return true;
		(void)poll(NULL, 0, 1);
	}
	return false;
}

static bool
is_absent(void)
{
	for (int tries = 0; tries < WAIT_MS; tries++) {
		if (port_generation(port) == 0)
			return true;
		(void)poll(NULL, 0, 1);
	}
	return false;
}

/* Connects, and is the slave. */
static int
be_slave(void)
{
	struct pmt_request request;
	int fd = join_in();

	if (!get_request(fd, &request) || request.op != PMT_HELLO)
		tap_bail("no HELLO");
	put(fd, reply, good_reply(&request));
	if (!is_present())
		tap_bail("HELLO is not taken");
	return fd;
}

/* Whether the other side has closed. */
static bool
is_closed(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	char byte;

	return poll(&ready, 1, WAIT_MS) == 1 && recv(fd, &byte, 1, 0) <= 0;
}

/* ---- The tape ------------------------------------------------------------ */

static void
begin(struct asker *a, enum pmt_op op, size_t len)
{
	asker_begin(a, port, op, len, bytes, record);
}

/* ---- Tests --------------------------------------------------------------- */

static void
test_coming(void)
{
	struct stat st;
	int first, second;

	start();
	tap_ok(stat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
		(st.st_mode & 0777) == 0640,
	    "the socket has its mode");
	first = be_slave();
	tap_is_int(1, (int64_t)port_generation(port),
	    "who answers HELLO is the slave");
	second = join_in();
	tap_ok(is_closed(second), "a second one is sent away");
	(void)close(second);
	(void)close(first);
	tap_ok(is_absent(), "he goes, and there is none");
	tap_is_int(0, alarms, "... which is nothing to tell of");
	first = be_slave();
	tap_is_int(2, (int64_t)port_generation(port), "the next is the second");
	stop();
	tap_ok(is_closed(first), "at the end he is let go");
	tap_ok(stat(path, &st) < 0, "... and the socket gone");
	(void)close(first);
}

static void
test_records(void)
{
	struct pmt_request request;
	struct asker a;
	int fd;

	start();
	fd = be_slave();
	begin(&a, PMT_WRITE, BIG);
	tap_ok(get_request(fd, &request) && request.len == BIG &&
		memcmp(message + PMT_PAIR_HEADER, bytes, BIG) == 0,
	    "a record of 16 MiB goes to the slave");
	put(fd, reply, good_reply(&request));
	tap_is_int(0, asker_end(&a), "... and is answered");
	begin(&a, PMT_READ, BIG);
	(void)get_request(fd, &request);
	put(fd, reply, good_reply(&request));
	tap_is_int(0, asker_end(&a), "one comes from him");
	tap_is_mem(bytes, record, BIG, "... whole");
	begin(&a, PMT_READ, 100);
	(void)get_request(fd, &request);
	(void)good_reply(&request);
	for (size_t i = 0; i < PMT_PAIR_HEADER + 100; i++)
		put(fd, reply + i, 1);
	tap_is_int(0, asker_end(&a), "an answer may come byte by byte");
	tap_is_mem(bytes, record, 100, "... and is whole");
	begin(&a, PMT_READ, 10);
	(void)get_request(fd, &request);
	pair_wire_put_reply(reply,
	    &(struct pmt_reply){ .op = PMT_READ,
		.id = request.id,
		.error = EIO,
		.len = 200 });
	memset(reply + PMT_PAIR_HEADER, 'w', 200);
	put(fd, reply, PMT_PAIR_HEADER + 200);
	tap_is_int(0, asker_end(&a),
	    "words may be longer than the record would be");
	tap_is_mem(reply + PMT_PAIR_HEADER, a.call.side, 200, "... whole");
	(void)close(fd);
	stop();
}

/* A reply of ${len} bytes, changed at ${at}, is none: -ENOLINK, and a line. */
static void
thrown_out(const char *what, size_t extra, size_t at, uint8_t value,
    const char *words)
{
	struct pmt_request request;
	struct asker a;
	size_t len;
	int fd;

	start();
	fd = be_slave();
	begin(&a, PMT_READ, 1000);
	(void)get_request(fd, &request);
	len = good_reply(&request);
	reply[at] ^= value;
	put(fd, reply, len + extra);
	tap_is_int(-ENOLINK, asker_end(&a), "an answer with %s is none", what);
	tap_ok(alarms == 1 && strstr(said, words) != NULL,
	    "... with one line: %s", said);
	tap_ok(is_closed(fd), "... and who gave it is let go");
	(void)close(fd);
	fd = be_slave();
	tap_ok(fd >= 0, "... for another");
	(void)close(fd);
	stop();
}

static void
test_death(void)
{
	struct pmt_request request;
	struct asker a;
	int fd;

	start();
	fd = be_slave();
	begin(&a, PMT_READ, 1000);
	(void)get_request(fd, &request);
	put(fd, reply, good_reply(&request) - 1);
	(void)close(fd);
	tap_is_int(-ENOLINK, asker_end(&a),
	    "a slave that dies before his last byte has not answered");
	tap_ok(alarms == 1 && strstr(said, "no answer to READ") != NULL,
	    "... with a line: %s", said);
	fd = be_slave();
	begin(&a, PMT_WRITE, BIG);
	tap_ok(get(fd, message, 100000), "one that takes a part of a record");
	(void)close(fd);
	tap_is_int(-ENOLINK, asker_end(&a), "... and dies, has it not");
	fd = be_slave();
	begin(&a, PMT_READ, 1000);
	(void)get_request(fd, &request);
	put(fd, reply, good_reply(&request));
	(void)close(fd);
	tap_is_int(0, asker_end(&a), "one that dies when he has answered, has");
	port_set_timeout(port, WAIT_MS);
	alarms = 0;
	fd = be_slave();
	begin(&a, PMT_WRITE, BIG);
	tap_ok(get(fd, message, 100000), "one that takes a part of a record");
	(void)shutdown(fd, SHUT_WR);
	tap_is_int(-ENOLINK, asker_end(&a),
	    "... and says nothing more, has not");
	tap_ok(strstr(said, "gone, with no answer to WRITE") != NULL,
	    "... which is seen before it is late: %s", said);
	(void)close(fd);
	stop();
}

static void
test_late(void)
{
	struct pmt_request request;
	struct asker a;
	int fd;

	start();
	port_set_timeout(port, 200);
	fd = be_slave();
	begin(&a, PMT_READ, 1000);
	(void)get_request(fd, &request);
	put(fd, reply, good_reply(&request) - 1);
	tap_is_int(-ENOLINK, asker_end(&a),
	    "an answer that is not whole in time");
	tap_ok(strstr(said, "no answer to READ in") != NULL,
	    "... is too late: %s", said);
	(void)close(fd);
	fd = be_slave();
	begin(&a, PMT_WRITE, BIG);
	tap_is_int(-ENOLINK, asker_end(&a), "nor is a question taken for ever");
	(void)close(fd);
	port_set_timeout(port, 0);
	fd = be_slave();
	begin(&a, PMT_WRITE, BIG);
	(void)get(fd, message, 10);
	port_cut(port, "a test");
	tap_is_int(-ENOLINK, asker_end(&a),
	    "port_cut() ends one that would take ever");
	(void)close(fd);
	stop();
}

/* Bytes of all kinds, after a good HELLO and instead of it. */
static void
test_noise(void)
{
	uint64_t seed = 1;
	unsigned rounds = 0, answered = 0;

	start();
	for (; rounds < 300; rounds++) {
		bool hello = rounds % 3 != 0;
		int fd = hello ? be_slave() : join_in();
		struct pmt_request request;
		struct asker a;
		size_t len = 64;

		if (hello)
			begin(&a, PMT_READ, 1000);
		if (get_request(fd, &request))
			len = good_reply(&request);
		for (unsigned i = 0; i < 1 + rounds % 5; i++) {
			seed = seed * UINT64_C(6364136223846793005) + 1;
			reply[(seed >> 33) % len] = (uint8_t)(seed >> 40);
		}
		put(fd, reply, len - rounds % 2);
		(void)shutdown(fd, SHUT_WR);
		if (hello)
			answered += asker_end(&a) == 0;
		(void)is_closed(fd);
		(void)close(fd);
		if (!is_absent())
			break;
	}
	tap_is_int(300, rounds, "noise from a slave harms nobody");
	tap_diag("%u of them were taken for an answer", answered);
	tap_ok(answered < 200, "... and most of it is seen to be some");
	(void)close(be_slave());
	stop();
}

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* can't fail */
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
test_silent(void)
{
	int64_t from, taken;
	int fd, other;

	tap_is_int(10000, LISTEN_HELLO_MS, "to say HELLO there are 10 s");
	start();
	listen_set_patience(listening, 1000);
	from = now_ms();
	fd = join_in();
	tap_ok(get(fd, message, PMT_PAIR_HEADER), "one hears HELLO");
	other = join_in();
	while (!is_closed(fd))
		continue;
	taken = now_ms() - from;
	tap_ok(taken >= 1000 && taken < 6000,
	    "... does not answer, and is let go when they, here 1 s, are over "
	    "(%" PRId64 " ms)",
	    taken);
	tap_ok(is_told("no answer to HELLO"), "... with a line");
	tap_ok(get(other, message, PMT_PAIR_HEADER),
	    "... and whoever waited is next");
	(void)close(fd);
	(void)close(other);
	stop();
}

static void
test_paths(void)
{
	struct listen *l;
	struct spec_error e;
	char longer[200];
	int fd;

	port = port_new();
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	tap_is_int(-ENAMETOOLONG, listen_start(port, longer, 0600, &l, &e),
	    "a socket's name has an end");
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	(void)close(fd);
	tap_is_int(-EEXIST, listen_start(port, path, 0600, &l, &e),
	    "a file in its place stays");
	(void)unlink(path);
	port_free(port);
}

int
main(void)
{
	char dir[] = "/tmp/pmt-test-XXXXXX";

	if (mkdtemp(dir) == NULL)
		tap_bail("no scratch directory");
	(void)snprintf(path, sizeof(path), "%s/socket", dir); /* fits */
	for (size_t i = 0; i < BIG; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	tape_set_alarm(note_alarm);
	test_coming();
	test_records();
	thrown_out("one byte too many", 1, 0, 0, "more bytes");
	thrown_out("another id", 0, 8, 1, "another request");
	thrown_out("another operation", 0, 4, 3, "another operation");
	thrown_out("a length that no message has", 0, 3, 0x7f, "length");
	thrown_out("a condition that READ does not have", 0, 6, 4,
	    "a wrong condition");
	thrown_out("a byte where zero is", 0, 61, 1, "not zero");
	test_death();
	test_late();
	test_noise();
	test_silent();
	test_paths();
	(void)rmdir(dir);
	return tap_done();
}
