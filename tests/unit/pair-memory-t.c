/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory that both sides of the socket see: what can be one, records in it
 * between the real socket of pmtd and the real libpmt, and either side when the
 * other one does not keep to the rules.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "asker.h"
#include "libpmt_pair.h"
#include "listen.h"
#include "memory.h"
#include "pair/wire.h"
#include "port.h"
#include "spec.h"
#include "stream.h"
#include "tap.h"
#include "tape.h"

#define WAIT_MS 5000 /* for anything that has to happen */
#define BIG PMT_PAIR_MAX_RECORD

static char path[108];
static struct port *port;
static struct listen *listening;
static struct pmt_pair *pair;
static struct pmt_request request;
static struct pmt_reply reply;
static uint8_t out[BIG], in[BIG];

/* ---- What can be one ----------------------------------------------------- */

/* A file in memory, of ${size} bytes, with ${seals}. */
static int
make_file(off_t size, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, size) < 0 ||
	    fcntl(fd, F_ADD_SEALS, seals) < 0)
		tap_bail("memfd: %s", strerror(errno));
	return fd;
}

static void
test_memory(void)
{
	struct memory mine = MEMORY_NONE, other = MEMORY_NONE;
	int fd;

	tap_is_int(0, memory_make(&mine), "memory is made");
	tap_ok(memory_back(&mine, BIG), "... all of it can be had");
	tap_is_int(0, memory_take(&other, dup(mine.fd)), "another takes it");
	memcpy(mine.bytes, out, BIG);
	tap_is_mem(out, other.bytes, BIG, "... and sees what is in it");
	tap_ok(ftruncate(other.fd, 0) < 0 && ftruncate(other.fd, 2 * BIG) < 0,
	    "nobody can change how large it is");
	memory_drop(&mine);
	tap_is_mem(out, other.bytes, BIG, "it is there while anybody has it");
	memory_drop(&other);
	tap_ok(other.bytes == NULL && other.fd < 0, "none is left");
	memory_drop(&other);

	fd = make_file(BIG, F_SEAL_GROW);
	tap_is_int(-EPROTO, memory_take(&other, fd),
	    "what can shrink is not taken");
	tap_ok(fcntl(fd, F_GETFD) < 0, "... and not kept open");
	fd = make_file(BIG - 1, F_SEAL_SHRINK | F_SEAL_GROW);
	tap_is_int(-EPROTO, memory_take(&other, fd),
	    "nor what is smaller than a record");
	fd = make_file(BIG, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	tap_is_int(-EPERM, memory_take(&other, fd),
	    "nor what can't be written to");
	fd = open("/dev/null", O_RDWR);
	tap_is_int(-EPROTO, memory_take(&other, fd), "nor what is no memory");
	tap_ok(other.bytes == NULL, "... and none is there then");
}

/* Whether all of the first ${n} bytes have pages. */
static bool
has_pages(const struct memory *m, size_t n)
{
	static unsigned char pages[BIG / 4096];
	size_t count = n / (size_t)sysconf(_SC_PAGESIZE), have = 0;

	if (mincore(m->bytes, n, pages) < 0)
		tap_bail("mincore: %s", strerror(errno));
	for (size_t i = 0; i < count; i++)
		have += pages[i] & 1;
	return have == count;
}

/* The other one may keep the file's lock for as long as he likes. */
static void
test_backing(void)
{
	struct memory m = MEMORY_NONE;
	int fd;

	(void)memory_make(&m); /* as above */
	fd = m.fd;
	m.fd = -1;
	tap_ok(memory_back(&m, 1), "pages are had without asking the file");
	tap_ok(has_pages(&m, m.backed) && !has_pages(&m, BIG),
	    "... as many as are said");
	tap_ok(memory_back(&m, BIG) && has_pages(&m, BIG), "... or all");
	m.fd = fd;
	memory_drop(&m);
}

/* ---- Both sides ---------------------------------------------------------- */

/* What is thrown out here is meant to be. */
static void
say_nothing(const char *line)
{
	(void)line;
}

static void
start(void)
{
	struct spec_error e;

	port = port_new();
	if (listen_start(port, path, 0600, &listening, &e) < 0)
		tap_bail("%s", e.text);
}

static void
stop(void)
{
	listen_stop(listening);
	port_free(port);
}

static bool
is_present(void)
{
	for (int tries = 0; tries < WAIT_MS && port_generation(port) == 0;
	     tries++)
		(void)poll(NULL, 0, 1);
	return port_generation(port) != 0;
}

static void
begin(struct asker *a, enum pmt_op op, size_t len)
{
	asker_begin(a, port, op, len, out, in);
}

/* The next request, which may need HELLO to be answered first. */
static void
next(void)
{
	if (pmt_pair_next(pair, &request) < 0)
		tap_bail("no request: %s", pmt_pair_why(pair));
	reply = pmt_reply_to(&request);
	reply.at.object++;
}

static void *
next_main(void *arg)
{
	(void)arg;
	next();
	return NULL;
}

static void
answer(const char *what)
{
	tap_is_int(0, pmt_pair_answer(pair, &reply), "%s", what);
}

/* libpmt at the socket; its first request is a rewind. */
static void
join_in(void)
{
	struct asker a;
	pthread_t thread;

	if (pmt_pair_open(path, &pair) < 0 ||
	    pthread_create(&thread, NULL, next_main, NULL) != 0 ||
	    !is_present())
		tap_bail("libpmt is not let in");
	begin(&a, PMT_REWIND, 0);
	(void)pthread_join(thread, NULL);
	reply.at.object = 0;
	answer("libpmt is the slave");
	tap_is_int(0, asker_end(&a), "... and answers");
}

static void
test_write(void)
{
	struct asker a;

	begin(&a, PMT_WRITE, BIG);
	next();
	tap_ok((request.flags & PMT_SHARED) != 0 &&
		request.data == pair->memory.bytes,
	    "a record of 16 MiB is in the memory");
	tap_is_int(BIG, (int64_t)request.len, "... as long as it is");
	tap_is_mem(out, request.data, BIG, "... byte for byte");
	answer("... answered");
	tap_is_int(0, asker_end(&a), "... and written");
	begin(&a, PMT_WRITE, 1);
	next();
	tap_ok(request.len == 1 && request.data == pair->memory.bytes &&
		*(const uint8_t *)request.data == out[0],
	    "one of a byte, too");
	pmt_reply_fail(&reply, EIO, "words for people");
	reply.at.object--;
	answer("... it fails");
	tap_is_int(0, asker_end(&a), "... which is an answer");
	tap_is_mem("words for people", a.call.side, 16, "... with its words");
}

static void
test_read(void)
{
	struct asker a;

	begin(&a, PMT_READ, BIG);
	next();
	reply.data = memcpy(pmt_pair_room(pair), out, BIG);
	reply.len = reply.done = BIG;
	tap_ok(reply.data == pair->memory.bytes, "a read goes there, too");
	answer("... is answered");
	tap_is_int(0, asker_end(&a), "... and has come");
	tap_is_mem(out, in, BIG, "... byte for byte");
	begin(&a, PMT_READ, 100);
	next();
	reply.data = out + 1000;
	reply.len = 100;
	reply.done = 5000;
	answer("a record may lie elsewhere, and be longer than what is wanted");
	tap_ok(asker_end(&a) == 0 && a.call.reply.done == 5000 &&
		a.call.reply.len == 100,
	    "... and its length is told");
	tap_is_mem(out + 1000, in, 100, "... with its first bytes");
	begin(&a, PMT_READ, 100);
	next();
	pmt_reply_fail(&reply, EIO, "unreadable");
	answer("a read fails");
	tap_ok(asker_end(&a) == 0 && a.call.reply.error == EIO &&
		memcmp(a.call.side, "unreadable", 10) == 0,
	    "... and has its words");
	begin(&a, PMT_READ, 100);
	next();
	reply.cond = PMT_FILEMARK;
	answer("a read meets a filemark");
	tap_ok(asker_end(&a) == 0 && a.call.reply.cond == PMT_FILEMARK,
	    "... which is told");
}

/* The heir has the memory, and nobody else needs to know. */
static void
test_hand_over(void)
{
	struct pmt_pair *heir = NULL;
	struct asker a;
	size_t len = 0;
	int via[2];

	(void)socketpair(AF_UNIX, SOCK_STREAM, 0, via);
	tap_is_int(0, pmt_pair_give(pair, via[0], NULL, 0),
	    "the pair is handed over");
	tap_is_int(0, pmt_pair_take(via[1], &heir, NULL, &len), "... taken");
	pmt_pair_close(pair);
	pair = heir;
	begin(&a, PMT_WRITE, 70000);
	next();
	tap_ok(request.data == pair->memory.bytes, "... with the memory");
	tap_is_mem(out, request.data, 70000, "... and what comes in it");
	answer("... is answered");
	tap_is_int(0, asker_end(&a), "... as if nothing had happened");
	(void)close(via[0]);
	(void)close(via[1]);
}

static void
test_both(void)
{
	start();
	join_in();
	test_write();
	test_read();
	test_hand_over();
	pmt_pair_close(pair);
	pair = NULL;
	stop();
}

/* ---- A slave that breaks the rules --------------------------------------- */

static uint8_t message[PMT_PAIR_HEADER];

static int
connect_slave(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(name.sun_path, path, sizeof(path));
	if (fd < 0 || connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		tap_bail("%s: %s", path, strerror(errno));
	return fd;
}

static void
get_request(int fd)
{
	const char *why;

	if (recv(fd, message, sizeof(message), MSG_WAITALL) !=
		sizeof(message) ||
	    pair_wire_get_request(message, &request, &why) < 0)
		tap_bail("no request");
	reply = pmt_reply_to(&request);
}

static void
put_reply(int fd)
{
	pair_wire_put_reply(message, &reply);
	(void)send(fd, message, sizeof(message), MSG_NOSIGNAL); /* it fits */
}

/* Is the slave, says that it has the memory, or not. */
static int
be_slave(bool takes)
{
	int fd = connect_slave();

	get_request(fd);
	reply.done = PMT_PAIR_VERSION;
	reply.shared = takes;
	put_reply(fd);
	if (!is_present())
		tap_bail("HELLO is not taken");
	return fd;
}

static void
test_plain_slave(void)
{
	struct asker a;
	int fd;

	start();
	fd = be_slave(false);
	begin(&a, PMT_WRITE, 1000);
	get_request(fd);
	tap_ok(request.flags == 0 && request.len == 1000,
	    "to one who does not take the memory records are sent");
	tap_ok(recv(fd, in, 1000, MSG_WAITALL) == 1000 &&
		memcmp(in, out, 1000) == 0,
	    "... byte for byte");
	reply.at.object++;
	put_reply(fd);
	tap_is_int(0, asker_end(&a), "... and written");
	begin(&a, PMT_READ, 1000);
	get_request(fd);
	reply.at.object++;
	reply.done = 1000;
	reply.shared = true;
	put_reply(fd);
	tap_is_int(-ENOLINK, asker_end(&a),
	    "who says then that a record is in it is thrown out");
	tap_ok(strstr(a.call.why, "shared, without memory") != NULL,
	    "... for that reason");
	(void)close(fd);
	stop();
}

/* What a slave says of the memory at the wrong time, or twice. */
static void
test_wrong_answers(void)
{
	struct asker a;
	int fd;

	start();
	fd = be_slave(true);
	begin(&a, PMT_WRITE, 1000);
	get_request(fd);
	reply.at.object++;
	reply.shared = true;
	put_reply(fd);
	tap_is_int(-ENOLINK, asker_end(&a), "no answer to WRITE is shared");
	(void)close(fd);
	stop();
	start();
	fd = be_slave(true);
	begin(&a, PMT_READ, 1000);
	get_request(fd);
	reply.at.object++;
	reply.done = reply.len = 1000;
	pair_wire_put_reply(message, &reply);
	message[60] = 1; /* and shared as well */
	(void)send(fd, message, sizeof(message), MSG_NOSIGNAL); /* it fits */
	tap_is_int(-ENOLINK, asker_end(&a),
	    "nor is a record that comes as well");
	(void)close(fd);
	stop();
}

/* ---- A master that does -------------------------------------------------- */

/* HELLO with ${file} along; libpmt's answer is in reply. */
static void
greet(int master, int file)
{
	struct iovec iov = { message, sizeof(message) };
	struct msghdr hello = { .msg_iov = &iov, .msg_iovlen = 1 };
	union stream_rights rights;
	const char *why;

	request = (struct pmt_request){ .op = PMT_HELLO,
		.flags = PMT_SHARED,
		.id = 1,
		.unit = PMT_PAIR_VERSION,
		.count = PMT_PAIR_VERSION };
	pair_wire_put_request(message, &request);
	if (file >= 0)
		stream_attach(&hello, &rights, &file, 1);
	(void)sendmsg(master, &hello, 0); /* it fits */
	if (pmt_pair_next(pair, &request) != -EAGAIN ||
	    recv(master, message, sizeof(message), MSG_DONTWAIT) !=
		sizeof(message) ||
	    pair_wire_get_reply(message, &reply, &why) < 0)
		tap_bail("no answer to HELLO");
}

/* A record that is said to be in the memory. */
static void
ask_to_write(int master)
{
	request = (struct pmt_request){ .op = PMT_WRITE,
		.flags = PMT_SHARED,
		.id = 2,
		.at.known = true,
		.count = 10,
		.len = 10 };
	pair_wire_put_request(message, &request);
	(void)send(master, message, sizeof(message), 0); /* it fits */
}

static void
test_bad_offers(void)
{
	const char *const what[] = { "nothing", "a device",
		"a file that can shrink" };
	const int files[] = { -1, open("/dev/null", O_RDWR | O_CLOEXEC),
		make_file(BIG, F_SEAL_GROW) };

	for (size_t i = 0; i < 3; i++) {
		int fds[2];

		(void)socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
		if (pair_adopt(fds[1], &pair) < 0)
			tap_bail("no pair");
		(void)fcntl(fds[1], F_SETFL, O_NONBLOCK);
		greet(fds[0], files[i]);
		tap_ok(reply.error == 0 && !reply.shared,
		    "%s is no memory, which libpmt says", what[i]);
		ask_to_write(fds[0]);
		tap_is_int(-EPROTO, pmt_pair_next(pair, &request),
		    "... and a record in it is none");
		pmt_pair_close(pair);
		(void)close(fds[0]);
		if (files[i] >= 0)
			(void)close(files[i]);
	}
}

int
main(void)
{
	char dir[] = "/tmp/pmt-memory.XXXXXX";

	tape_set_alarm(say_nothing);
	if (mkdtemp(dir) == NULL)
		tap_bail("mkdtemp: %s", strerror(errno));
	(void)snprintf(path, sizeof(path), "%s/socket", dir); /* fits */
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + i / 251);
	test_memory();
	test_backing();
	test_both();
	test_plain_slave();
	test_wrong_answers();
	test_bad_offers();
	(void)rmdir(dir);
	return tap_done();
}
