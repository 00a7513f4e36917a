/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slave end as a node, from both sides: the test is the kernel at one end
 * of a socket, with the program that holds the node behind it, and a thread of
 * it is the tape that asks through the port.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "asker.h"
#include "caller.h"
#include "dev.h"
#include "pair/wire.h"
#include "port.h"
#include "slave.h"
#include "spec.h"
#include "tap.h"
#include "tape.h"
#include "unit.h"

#define CHUNK 126967
#define WAIT_MS 5000 /* for anything that has to happen */
#define CUSE_INIT_OPCODE 4096
#define BIG 300000 /* bytes of a record that takes three pieces */

static struct port *port;
static struct slave *slave;
static struct dev *dev;
static int kernel, ended_fd;
static uint64_t unique;
static atomic_uint alarms;
static char said[512]; /* the last alarm, once it is counted */
static uint8_t bytes[4 * CHUNK], message[4 * CHUNK];

static void
note_alarm(const char *line)
{
	(void)snprintf(said, sizeof(said), "%s", line); /* cut is fine */
	alarms++;
}

/* ---- The kernel ---------------------------------------------------------- */

struct heard {
	uint64_t unique; /* 0: a notification, or nothing */
	int error;	 /* of a notification its code */
	size_t size;
	uint8_t data[CHUNK + 100];
};

static uint64_t
ask(uint32_t opcode, const void *arg, size_t arg_size, const void *data,
    size_t size)
{
	struct fuse_in_header in = {
		.len = (uint32_t)(sizeof(in) + arg_size + size),
		.opcode = opcode,
		.unique = unique += 2,
		.nodeid = 1,
		.pid = 77,
	};
	const struct iovec iov[] = {
		{ &in, sizeof(in) },
		{ (void *)(uintptr_t)arg, arg_size },
		{ (void *)(uintptr_t)data, size },
	};

	if (writev(kernel, iov, 3) != (ssize_t)in.len)
		tap_bail("asking: %s", strerror(errno));
	return in.unique;
}

static const struct heard *
hear_within(int ms)
{
	static struct heard heard;
	struct fuse_out_header out = { 0 };
	const struct iovec iov[] = {
		{ &out, sizeof(out) },
		{ heard.data, sizeof(heard.data) },
	};
	struct pollfd ready = { .fd = kernel, .events = POLLIN };
	ssize_t n = 0;

	if (poll(&ready, 1, ms) == 1)
		n = readv(kernel, iov, 2);
	heard.unique = n > 0 ? out.unique : 0;
	heard.error = out.error;
	heard.size = n > 0 ? (size_t)n - sizeof(out) : 0;
	return &heard;
}

static const struct heard *
hear(void)
{
	return hear_within(WAIT_MS);
}

static bool
is_quiet(void)
{
	struct pollfd ready = { .fd = kernel, .events = POLLIN };

	return poll(&ready, 1, 50) == 0;
}

static uint64_t
open_as(uint32_t flags)
{
	const struct fuse_open_in arg = { .flags = flags };
	const struct heard *h;
	const struct fuse_open_out *out;

	(void)ask(FUSE_OPEN, &arg, sizeof(arg), NULL, 0);
	h = hear();
	out = (const void *)h->data;
	errno = -h->error;
	return h->error == 0 ? out->fh : 0;
}

static uint64_t
ask_read_as(uint64_t fh, size_t size, uint64_t offset, uint32_t flags)
{
	const struct fuse_read_in arg = {
		.fh = fh,
		.offset = offset,
		.size = (uint32_t)size,
		.flags = O_RDWR | flags,
	};

	return ask(FUSE_READ, &arg, sizeof(arg), NULL, 0);
}

static uint64_t
ask_read(uint64_t fh, size_t size, uint64_t offset)
{
	return ask_read_as(fh, size, offset, 0);
}

/* A fragment of write(2); its result. */
static int64_t
write_at(uint64_t fh, const void *data, size_t size, uint64_t offset)
{
	const struct fuse_write_in arg = {
		.fh = fh,
		.offset = offset,
		.size = (uint32_t)size,
		.flags = O_RDWR,
	};
	const struct fuse_write_out *out;
	const struct heard *h;

	(void)ask(FUSE_WRITE, &arg, sizeof(arg), data, size);
	h = hear();
	out = (const void *)h->data;
	return h->error != 0 ? (int64_t)h->error : (int64_t)out->size;
}

/* Its handle for the kernel is the file's. */
static unsigned
poll_as(uint64_t fh, bool notify)
{
	const struct fuse_poll_in arg = { .fh = fh,
		.kh = fh,
		.flags = notify ? FUSE_POLL_SCHEDULE_NOTIFY : 0 };
	const struct fuse_poll_out *out;

	(void)ask(FUSE_POLL, &arg, sizeof(arg), NULL, 0);
	out = (const void *)hear()->data;
	return out->revents;
}

static void
release(uint64_t fh)
{
	const struct fuse_release_in arg = { .fh = fh };

	(void)ask(FUSE_RELEASE, &arg, sizeof(arg), NULL, 0);
	(void)hear();
}

static void
start(void)
{
	const struct cuse_init_in arg = { .major = 7, .minor = 38 };
	const struct node *nodes[NODE_MAX];
	const size_t n = node_choose(false, true, nodes);
	struct dev_config config = { .base = "test", .ended_fd = ended_fd };
	struct spec_error e;
	int fds[2];

	port = port_new();
	slave = slave_new(port);
	if (slave == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) < 0)
		tap_bail("no slave");
	config.node = nodes[n - 1];
	config.slave = slave;
	kernel = fds[0];
	(void)ask(CUSE_INIT_OPCODE, &arg, sizeof(arg), NULL, 0);
	if (dev_make_on(&config, fds[1], &dev, &e) < 0)
		tap_bail("%s", e.text);
	(void)hear();
	if (dev_serve(dev, &e) < 0)
		tap_bail("%s", e.text);
	alarms = 0;
}

static void
stop(void)
{
	struct timespec deadline;

	(void)clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += 5;
	dev_stop(dev);
	tap_is_int(0, dev_join(dev, &deadline), "the node comes to rest");
	dev_free(dev, false);
	(void)close(kernel);
	slave_free(slave);
	port_free(port);
}

/* ---- The program at the node --------------------------------------------- */

/* What read(2) of a buffer of ${size} bytes gives, in pieces. */
static ssize_t
read_message(uint64_t fh, size_t size)
{
	size_t got = 0;

	while (got < size) {
		size_t want = size - got < CHUNK ? size - got : CHUNK;
		const struct heard *h;

		(void)ask_read(fh, want, got);
		h = hear();
		if (h->error != 0)
			return got > 0 ? (ssize_t)got : h->error;
		memcpy(message + got, h->data, h->size);
		got += h->size;
		if (h->size < want)
			break;
	}
	return (ssize_t)got;
}

/* The same for write(2). */
static ssize_t
write_message(uint64_t fh, const uint8_t *data, size_t size)
{
	size_t put = 0;

	while (put < size) {
		size_t want = size - put < CHUNK ? size - put : CHUNK;
		int64_t n = write_at(fh, data + put, want, put);

		if (n < 0)
			return put > 0 ? (ssize_t)put : n;
		put += (size_t)n;
	}
	return (ssize_t)put;
}

static struct pmt_request
request_in_message(void)
{
	struct pmt_request request;
	const char *why;

	if (pair_wire_get_request(message, &request, &why) < 0)
		tap_bail("no request: %s", why);
	return request;
}

/* A good reply to what was read last, in ${buf}; its bytes. */
static size_t
reply_to_message(uint8_t *buf)
{
	const struct pmt_request request = request_in_message();
	struct pmt_reply reply = { .op = request.op,
		.id = request.id,
		.at = { .known = true } };

	if (request.op == PMT_HELLO)
		reply.done = PMT_PAIR_VERSION;
	if (request.op == PMT_READ) {
		reply.done = reply.len = request.count;
		reply.at.object = 1;
	}
	if (request.op == PMT_WRITE)
		reply.at.object = 1;
	pair_wire_put_reply(buf, &reply);
	memcpy(buf + PMT_PAIR_HEADER, bytes, reply.len);
	return PMT_PAIR_HEADER + reply.len;
}

/* Opens the node, and is the slave. */
static uint64_t
be_slave(void)
{
	uint64_t fh = open_as(O_RDWR);
	static uint8_t reply[PMT_PAIR_HEADER];

	if (fh == 0 || read_message(fh, 4096) != PMT_PAIR_HEADER ||
	    request_in_message().op != PMT_HELLO)
		tap_bail("no HELLO");
	if (write_message(fh, reply, reply_to_message(reply)) !=
	    PMT_PAIR_HEADER)
		tap_bail("HELLO can't be answered");
	return fh;
}

/* ---- The tape ------------------------------------------------------------ */

static uint8_t record[4 * CHUNK];

static void
begin(struct asker *a, enum pmt_op op, size_t len)
{
	asker_begin(a, port, op, len, bytes, record);
}

/* ---- Tests --------------------------------------------------------------- */

static void
test_open(void)
{
	uint64_t fh;

	start();
	tap_is_int(0, (int64_t)open_as(O_RDONLY),
	    "the node is not for reading");
	tap_is_int(EINVAL, errno, "... only");
	tap_is_int(0, (int64_t)open_as(O_RDWR | O_APPEND),
	    "... nor for appending");
	fh = open_as(O_RDWR);
	tap_ok(fh != 0, "it is for both");
	tap_is_int(0, (int64_t)open_as(O_RDWR), "a second program");
	tap_is_int(EBUSY, errno, "... finds it busy");
	tap_is_int(0, (int64_t)port_generation(port),
	    "the first is no slave yet");
	release(fh);
	fh = be_slave();
	tap_is_int(1, (int64_t)port_generation(port),
	    "who answers HELLO is the slave");
	release(fh);
	tap_is_int(0, (int64_t)port_generation(port), "... until he closes");
	tap_is_int(0, alarms, "which is nothing to tell of");
	stop();
}

static void
test_exchange(void)
{
	static uint8_t reply[4 * CHUNK];
	struct asker a;
	uint64_t fh, asked;

	start();
	fh = be_slave();
	asked = ask_read(fh, 4096, 0);
	tap_ok(is_quiet(), "a read waits for a request");
	begin(&a, PMT_REWIND, 0);
	tap_is_int((int64_t)asked, (int64_t)hear()->unique,
	    "... and gets it when there is one");
	tap_is_int(-EPROTO, write_at(fh, bytes, 64, 0), "zeros are no answer");
	tap_is_int(-ENOLINK, asker_end(&a), "... and the tape hears of it");
	release(fh);
	fh = be_slave();
	begin(&a, PMT_WRITE, BIG);
	tap_is_int(PMT_PAIR_HEADER + BIG, read_message(fh, sizeof(message)),
	    "a large request comes in pieces");
	tap_is_mem(bytes, message + PMT_PAIR_HEADER, BIG, "... whole");
	tap_is_int(PMT_PAIR_HEADER,
	    write_message(fh, reply, reply_to_message(reply)),
	    "... and is answered");
	tap_is_int(0, asker_end(&a), "... which the tape gets");
	begin(&a, PMT_READ, BIG);
	(void)read_message(fh, 4096);
	tap_is_int(PMT_PAIR_HEADER + BIG,
	    write_message(fh, reply, reply_to_message(reply)),
	    "a large answer goes in pieces");
	tap_is_int(0, asker_end(&a), "... to the tape");
	tap_is_mem(bytes, record, BIG, "... whole");
	release(fh);
	stop();
}

static void
test_pieces(void)
{
	static uint8_t reply[PMT_PAIR_HEADER];
	struct asker a;
	uint64_t fh;

	start();
	fh = be_slave();
	begin(&a, PMT_WRITE, 2 * CHUNK - PMT_PAIR_HEADER);
	tap_is_int(2 * CHUNK, read_message(fh, sizeof(message)),
	    "a request that ends with a piece is followed by nothing");
	(void)write_message(fh, reply, reply_to_message(reply));
	(void)asker_end(&a);
	begin(&a, PMT_WRITE, 1000);
	tap_is_int(-EMSGSIZE, read_message(fh, 1000),
	    "too small a buffer is refused");
	tap_is_int(PMT_PAIR_HEADER + 1000, read_message(fh, 4096),
	    "... and the request is there still");
	(void)write_message(fh, reply, reply_to_message(reply));
	(void)asker_end(&a);
	begin(&a, PMT_WRITE, BIG);
	tap_is_int(CHUNK + 10, read_message(fh, CHUNK + 10),
	    "a buffer that is found to be too small later gets a part");
	tap_is_int(PMT_PAIR_HEADER + BIG, read_message(fh, sizeof(message)),
	    "... and the next read begins again");
	(void)write_message(fh, reply, reply_to_message(reply));
	tap_is_int(0, asker_end(&a), "... and the answer is one");
	release(fh);
	stop();
}

static void
test_waiting(void)
{
	struct fuse_interrupt_in arg;
	const struct heard *h;
	uint64_t fh, asked;

	start();
	fh = be_slave();
	(void)ask_read_as(fh, 4096, 0, O_NONBLOCK);
	tap_is_int(-EAGAIN, hear()->error, "with O_NONBLOCK no read waits");
	asked = ask_read(fh, 4096, 0);
	(void)ask_read(fh, 4096, 0);
	h = hear();
	tap_ok(h->error == -EBUSY && h->unique == asked + 2,
	    "two reads at once are one too many");
	arg.unique = asked;
	(void)ask(FUSE_INTERRUPT, &arg, sizeof(arg), NULL, 0);
	h = hear();
	tap_ok(h->unique == asked && h->error == -EINTR,
	    "a signal ends a read that waits");
	asked = ask_read(fh, 4096, 0);
	port_throw_out(port, (struct port_end *)slave, "a test");
	h = hear();
	tap_ok(h->unique == asked && h->error == 0 && h->size == 0,
	    "who is thrown out while he waits reads 0");
	release(fh);
	stop();
}

static void
test_poll(void)
{
	static uint8_t reply[PMT_PAIR_HEADER];
	const struct heard *h;
	struct asker a;
	uint64_t fh;

	start();
	fh = open_as(O_RDWR);
	tap_is_int(POLLIN | POLLRDNORM, poll_as(fh, false),
	    "HELLO can be read at once");
	release(fh);
	fh = be_slave();
	tap_is_int(0, poll_as(fh, true), "then there is nothing");
	begin(&a, PMT_REWIND, 0);
	h = hear();
	tap_ok(h->unique == 0 && h->error == FUSE_NOTIFY_POLL,
	    "a request wakes who polls");
	tap_is_int(POLLIN | POLLRDNORM, poll_as(fh, false),
	    "... and is to be read");
	(void)read_message(fh, 4096);
	tap_is_int(POLLOUT | POLLWRNORM, poll_as(fh, false),
	    "... then to be answered");
	(void)write_message(fh, reply, reply_to_message(reply));
	tap_is_int(0, poll_as(fh, true), "... and that is all");
	(void)asker_end(&a);
	port_throw_out(port, (struct port_end *)slave, "a test");
	h = hear();
	tap_ok(h->unique == 0 && h->error == FUSE_NOTIFY_POLL,
	    "who is thrown out is woken");
	tap_is_int(POLLHUP | POLLERR, poll_as(fh, false), "... for a hang-up");
	release(fh);
	stop();
}

/* Who is thrown out and polls on does not take the next one's wake-up. */
static void
test_poll_of_two(void)
{
	const struct fuse_notify_poll_wakeup_out *woken;
	const struct heard *h;
	struct asker a;
	uint64_t old, fh;

	start();
	old = be_slave();
	port_throw_out(port, (struct port_end *)slave, "a test");
	fh = be_slave();
	(void)poll_as(fh, true); /* as above */
	tap_is_int(POLLHUP | POLLERR, poll_as(old, true),
	    "one that was thrown out polls, too");
	begin(&a, PMT_REWIND, 0);
	h = hear();
	woken = (const void *)h->data;
	tap_ok(h->unique == 0 && h->error == FUSE_NOTIFY_POLL,
	    "a request wakes");
	tap_is_int((int64_t)fh, (int64_t)woken->kh, "... the slave");
	release(fh);
	(void)asker_end(&a); /* he has not answered */
	release(old);
	stop();
}

/* Does what ${misdeed} says to a reply of ${size} bytes; what write(2) gave. */
enum misdeed {
	UNREAD,
	SHORT,
	LONG,
	HEADLESS,
	JUMP,
	AGAIN,
	CUT,
};

static int64_t
misbehave(uint64_t fh, enum misdeed misdeed)
{
	static uint8_t reply[4 * CHUNK];
	size_t size;

	if (misdeed == UNREAD)
		return write_at(fh, bytes, PMT_PAIR_HEADER, 0);
	(void)read_message(fh, sizeof(message));
	size = reply_to_message(reply);
	switch (misdeed) {
	case SHORT:
		return write_at(fh, reply, PMT_PAIR_HEADER + 10, 0);
	case LONG:
		(void)write_at(fh, reply, CHUNK, 0);
		(void)write_at(fh, reply, CHUNK, CHUNK);
		return write_at(fh, reply, size - 2 * CHUNK + 1, 2 * CHUNK);
	case HEADLESS:
		return write_at(fh, reply, PMT_PAIR_HEADER - 1, 0);
	case JUMP:
		(void)write_at(fh, reply, CHUNK, 0);
		return write_at(fh, reply, CHUNK, CHUNK + 1);
	case AGAIN:
		(void)write_at(fh, reply, CHUNK, 0);
		return write_at(fh, reply, CHUNK, 0);
	case CUT:
		(void)write_at(fh, reply, CHUNK, 0);
		return write_at(fh, reply, CHUNK - 1, CHUNK);
	default:
		return 0;
	}
}

static void
test_misdeeds(void)
{
	static const struct {
		enum misdeed misdeed;
		const char *what, *words;
	} all[] = {
		{ UNREAD, "an answer before the question", "to nothing" },
		{ SHORT, "an answer of less bytes than it says", "less bytes" },
		{ LONG, "an answer of more bytes than it says", "more bytes" },
		{ HEADLESS, "less than a header", "less bytes" },
		{ JUMP, "a piece that leaves out a byte", "not its turn" },
		{ AGAIN, "an answer that begins again", "not its turn" },
		{ CUT, "an answer cut off at its second piece", "less bytes" },
	};

	start();
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		uint64_t fh = be_slave(), next;
		struct asker a;

		alarms = 0;
		begin(&a, PMT_READ, BIG);
		if (all[i].misdeed == UNREAD)
			while ((poll_as(fh, false) & POLLIN) == 0)
				continue;
		tap_is_int(-EPROTO, misbehave(fh, all[i].misdeed),
		    "%s is refused", all[i].what);
		tap_is_int(-ENOLINK, asker_end(&a), "... the tape hears of it");
		tap_ok(alarms == 1 && strstr(said, all[i].words) != NULL,
		    "... with one line: %s", said);
		tap_is_int(-EPIPE, write_at(fh, bytes, 64, 0),
		    "... he can't write any more");
		tap_is_int(0, read_message(fh, 4096), "... and reads 0");
		next = be_slave();
		tap_is_int(-EPIPE, write_at(fh, bytes, 64, 0),
		    "... which does no harm to the next one");
		release(fh);
		tap_ok(port_generation(port) != 0, "... nor does his close");
		release(next);
	}
	stop();
}

static void
test_unasked(void)
{
	uint64_t fh;

	start();
	fh = be_slave();
	alarms = 0;
	tap_is_int(-EPROTO, write_at(fh, bytes, 64, 0),
	    "an answer when nothing is asked is refused");
	tap_is_int(0, (int64_t)port_generation(port), "... and he is out");
	tap_is_int(1, alarms, "... with a line");
	release(fh);
	fh = open_as(O_RDWR);
	(void)read_message(fh, 4096);
	tap_is_int(-EPROTO, write_at(fh, bytes, 64, 0),
	    "what is no answer to HELLO is refused");
	tap_is_int(2, alarms, "... and he is out");
	release(fh);
	stop();
}

static void
test_gone(void)
{
	struct asker a;
	uint64_t fh;

	start();
	fh = be_slave();
	alarms = 0;
	begin(&a, PMT_READ, BIG);
	(void)read_message(fh, 4096);
	release(fh);
	tap_is_int(-ENOLINK, asker_end(&a),
	    "a slave that closes leaves the tape");
	tap_ok(alarms == 1 && strstr(said, "no answer to READ") != NULL,
	    "... with a line: %s", said);
	fh = be_slave();
	port_set_timeout(port, 100);
	begin(&a, PMT_REWIND, 0);
	(void)read_message(fh, 4096);
	tap_is_int(-ENOLINK, asker_end(&a),
	    "one that is late is no slave any more");
	tap_is_int(-EPIPE, write_at(fh, bytes, 64, 0),
	    "... when he answers at last");
	release(fh);
	stop();
}

/* A question for one who has left is not put to the next at the node. */
static void
test_next(void)
{
	struct port_end *e;
	struct port_call call = { .request = { .op = PMT_REWIND } };
	struct asker a;
	uint64_t fh;

	start();
	e = (struct port_end *)slave;
	fh = be_slave();
	call.arrival = e->arrival;
	release(fh);
	tap_is_int(-EPIPE, e->ops->exchange(e, &call, 200),
	    "a question comes to the node after its slave has left");
	fh = be_slave();
	tap_is_int(-EPIPE, e->ops->exchange(e, &call, 200),
	    "... and when another is there, it is not his");
	tap_is_int(0, poll_as(fh, false), "... who is not asked");
	begin(&a, PMT_REWIND, 0);
	(void)read_message(fh, 4096);
	(void)write_message(fh, message, reply_to_message(message));
	tap_is_int(0, asker_end(&a), "... but what is his he answers");
	release(fh);
	stop();
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	memset(bytes, 0, PMT_PAIR_HEADER); /* no header of any kind */
	tape_set_alarm(note_alarm);
	ended_fd = eventfd(0, EFD_NONBLOCK);
	test_open();
	test_exchange();
	test_pieces();
	test_waiting();
	test_poll();
	test_poll_of_two();
	test_misdeeds();
	test_unasked();
	test_gone();
	test_next();
	return tap_done();
}
