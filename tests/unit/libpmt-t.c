/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libpmt, with this test in the place of pmtd: messages in pieces and large
 * ones, signals, ends, answers that pmtd would not take, and handing over.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "libpmt_pair.h"
#include "pair/wire.h"
#include "tap.h"

#define LARGE PMT_PAIR_MAX_RECORD

static struct pmt_pair *pair;
static int master = -1; /* pmtd's end */
static struct pmt_request request;
static struct pmt_reply reply, seen;
static uint8_t message[PMT_PAIR_MAX_MESSAGE], back[PMT_PAIR_MAX_MESSAGE];

/* A new pair; a node is as a socket that keeps messages apart. */
static void
begin(bool node)
{
	int fds[2];

	if (master >= 0)
		(void)close(master); /* the test before is over */
	pmt_pair_close(pair);
	if (socketpair(AF_UNIX, node ? SOCK_SEQPACKET : SOCK_STREAM, 0, fds) <
		0 ||
	    pair_adopt(fds[1], &pair) < 0)
		tap_bail("no pair: %s", strerror(errno));
	master = fds[0];
	pair->is_socket = !node;
}

static struct pmt_request
to_write(size_t len)
{
	return (struct pmt_request){ .op = PMT_WRITE,
		.id = 7,
		.at = { .object = 4, .known = true },
		.count = len,
		.len = len };
}

static struct pmt_request
to_read(size_t count)
{
	return (struct pmt_request){ .op = PMT_READ,
		.id = 8,
		.at = { .object = 4, .known = true },
		.count = count };
}

/* The message in message[]; its bytes. */
static size_t
compose(struct pmt_request q)
{
	pair_wire_put_request(message, &q);
	for (size_t i = 0; i < q.len; i++)
		message[PMT_PAIR_HEADER + i] = (uint8_t)(i * 7 + i / 251);
	return PMT_PAIR_HEADER + q.len;
}

static void
ask(struct pmt_request q)
{
	size_t len = compose(q);

	if (send(master, message, len, MSG_NOSIGNAL) != (ssize_t)len)
		tap_bail("send: %s", strerror(errno));
}

/* The reply in seen, its data behind the header in back[]; false: none. */
static bool
hear(void)
{
	ssize_t n = recv(master, back, sizeof(back), MSG_DONTWAIT);
	const char *why;

	return n >= (ssize_t)PMT_PAIR_HEADER &&
	    pair_wire_get_reply(back, &seen, &why) == 0 &&
	    (size_t)n == PMT_PAIR_HEADER + seen.len;
}

static void
test_requests(bool node)
{
	const char *what = node ? "node" : "socket";

	begin(node);
	ask(to_write(1000));
	tap_is_int(0, pmt_pair_next(pair, &request), "%s: a request comes",
	    what);
	tap_is_int(PMT_WRITE, request.op, "... with its op");
	tap_is_int(7, (int64_t)request.id, "... its id");
	tap_is_int(4, (int64_t)request.at.object, "... the position");
	tap_is_int(1000, (int64_t)request.len, "... the record's length");
	tap_is_mem(message + PMT_PAIR_HEADER, request.data, 1000,
	    "... and the record");
	tap_is_int(-EBUSY, pmt_pair_next(pair, &request),
	    "there is no next one before the answer");
	reply = pmt_reply_to(&request);
	tap_is_int(-EINVAL, pmt_pair_answer(pair, &reply),
	    "an answer with a wrong position is not sent");
	tap_is_str("a position that does not follow from the one before",
	    pmt_pair_why(pair), "... for that reason");
	reply.at.object = 5;
	tap_is_int(0, pmt_pair_answer(pair, &reply), "the right one is");
	tap_ok(hear() && seen.id == 7 && seen.at.object == 5,
	    "... and it arrives, alone");
	tap_is_int(-EINVAL, pmt_pair_answer(pair, &reply),
	    "it is not sent twice");
}

/* The flag of HELLO and of records means something else there. */
static void
test_other_flags(bool node)
{
	static const struct {
		enum pmt_op op;
		unsigned flag;
		uint64_t count;
	} flagged[] = {
		{ PMT_FILEMARKS, PMT_IMMEDIATE, 2 },
		{ PMT_ERASE, PMT_WHOLE, 0 },
	};

	for (size_t i = 0; i < sizeof(flagged) / sizeof(flagged[0]); i++) {
		begin(node);
		ask((struct pmt_request){ .op = flagged[i].op,
		    .id = 9,
		    .flags = flagged[i].flag,
		    .count = flagged[i].count,
		    .at.known = true });
		tap_is_int(0, pmt_pair_next(pair, &request),
		    "%s with its flag comes where no memory is shared",
		    pair_wire_op_name(flagged[i].op));
		tap_is_int((int)flagged[i].flag, (int)request.flags,
		    "... with the flag");
		reply = pmt_reply_to(&request);
		reply.at.object += flagged[i].count;
		reply.at.file += flagged[i].count;
		tap_is_int(0, pmt_pair_answer(pair, &reply), "... is answered");
		tap_ok(hear() && seen.error == 0, "... and done");
	}
}

/* What the bytes of a reply have no room for must not be made to fit. */
static void
test_refused_answers(void)
{
	static const struct {
		const char *what;
		int error;
		int cond;
		struct pmt_position at;
	} wrong[] = {
		{ "an error that there is not", 600, PMT_NONE,
		    { .object = 4 } },
		{ "one that would be none in 16 bits", 65536, PMT_NONE,
		    { .object = 4 } },
		{ "a negative one", -EIO, PMT_NONE, { .object = 4 } },
		{ "a condition that there is not", 0, 40,
		    { .object = 5, .known = true } },
		{ "a partition that there is not", EIO, PMT_NONE,
		    { .object = 4, .partition = 4, .known = true } },
		{ "more filemarks than objects", EIO, PMT_NONE,
		    { .object = 4, .file = 5, .known = true } },
	};

	begin(false);
	ask(to_write(10));
	(void)pmt_pair_next(pair, &request); /* as above */
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		reply = pmt_reply_to(&request);
		reply.error = wrong[i].error;
		reply.cond = (enum pmt_cond)wrong[i].cond;
		reply.at = wrong[i].at;
		tap_is_int(-EINVAL, pmt_pair_answer(pair, &reply),
		    "an answer with %s is refused", wrong[i].what);
	}
	tap_ok(!hear(), "... and nothing of it is sent");
	reply = pmt_reply_to(&request);
	reply.error = 511;
	tap_is_int(0, pmt_pair_answer(pair, &reply), "the last error is one");
}

/* The bytes offered to read(2) at a node grow with the requests. */
static void
test_usual(void)
{
	static const size_t lens[] = { 1, 10000, PMT_PAIR_MAX_RECORD };
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		size_t len = compose(to_write(lens[i]));
		FILE *file = tmpfile(); /* which can be read whole, too */

		if (file == NULL || fwrite(message, 1, len, file) != len ||
		    fflush(file) != 0 || lseek(fileno(file), 0, SEEK_SET) != 0)
			tap_bail("no file: %s", strerror(errno));
		pmt_pair_close(pair);
		if (pair_adopt(dup(fileno(file)), &pair) < 0)
			tap_bail("no pair");
		pair->usual = PMT_PAIR_MAX_MESSAGE;
		tap_is_int(0, pmt_pair_next(pair, &request),
		    "a request with a record of %zu bytes comes", lens[i]);
		tap_ok(pair->usual >= len &&
			pair->header + pair->usual <=
			    pair->map + pair->map_size,
		    "... as many are offered next, but no more than there are "
		    "(%zu)",
		    pair->usual);
		(void)fclose(file); /* it is no more */
	}
}

static void
test_reads(bool node)
{
	static const char record[] = "a record";

	begin(node);
	ask(to_read(100));
	(void)pmt_pair_next(pair, &request); /* as above */
	reply = pmt_reply_to(&request);
	reply.at.object++;
	reply.done = reply.len = sizeof(record);
	reply.data = record;
	tap_is_int(0, pmt_pair_answer(pair, &reply), "a record is sent");
	tap_ok(hear() && seen.len == sizeof(record) &&
		memcmp(back + PMT_PAIR_HEADER, record, seen.len) == 0,
	    "... and arrives behind its header");
	ask(to_read(100));
	(void)pmt_pair_next(pair, &request); /* as above */
	reply = pmt_reply_to(&request);
	reply.at.object++;
	reply.done = 5000;
	reply.len = 100;
	reply.data = memset(pmt_pair_room(pair), 'x', 100);
	tap_is_int(0, pmt_pair_answer(pair, &reply),
	    "a record in the pair's room, too, cut to what was asked for");
	tap_ok(hear() && seen.done == 5000 && seen.len == 100 &&
		back[PMT_PAIR_HEADER + 99] == 'x',
	    "... and arrives with its whole length told");
	ask(to_read(4));
	(void)pmt_pair_next(pair, &request); /* as above */
	reply = pmt_reply_to(&request);
	reply.at.object++;
	reply.done = reply.len = sizeof(record);
	reply.data = record;
	tap_is_int(0, pmt_pair_answer(pair, &reply),
	    "of a longer record than was asked for");
	tap_ok(hear() && seen.done == sizeof(record) && seen.len == 4 &&
		memcmp(back + PMT_PAIR_HEADER, record, 4) == 0,
	    "... comes what was, with its whole length told");
	ask(to_read(100));
	(void)pmt_pair_next(pair, &request); /* as above */
	reply = pmt_reply_to(&request);
	pmt_reply_fail(&reply, EIO, "no luck");
	tap_is_int(0, pmt_pair_answer(pair, &reply), "a failure is sent");
	tap_ok(hear() && seen.error == EIO && seen.len == 7 &&
		memcmp(back + PMT_PAIR_HEADER, "no luck", 7) == 0,
	    "... and arrives with its words");
}

static void
test_descriptions(void)
{
	const struct pmt_info info = { .min_record = 1,
		.max_record = 1000,
		.granularity = 1,
		.partitions = 1,
		.medium = "mine" };
	struct pmt_info told;
	const char *why;

	begin(false);
	ask((struct pmt_request){ .op = PMT_DESCRIBE, .id = 3 });
	(void)pmt_pair_next(pair, &request); /* as above */
	reply = pmt_reply_to(&request);
	tap_is_int(-EINVAL, pmt_pair_answer(pair, &reply),
	    "DESCRIBE is not answered with nothing");
	reply.info = &info;
	tap_is_int(0, pmt_pair_answer(pair, &reply),
	    "a description is sent as bytes");
	tap_ok(hear() && seen.len == PMT_PAIR_INFO &&
		pair_wire_get_info(back + PMT_PAIR_HEADER, &told, &why) == 0 &&
		told.max_record == 1000 && strcmp(told.medium, "mine") == 0,
	    "... and arrives");
	ask(to_write(10));
	(void)pmt_pair_next(pair, &request); /* as above */
	reply = pmt_reply_to(&request);
	reply.at.object++;
	reply.info = &info;
	tap_is_int(-EINVAL, pmt_pair_answer(pair, &reply),
	    "it is no answer to anything else");
	tap_is_mem(message + PMT_PAIR_HEADER, request.data, 10,
	    "... and the record of that is as it was");
	pmt_reply_fail(&reply, EIO, "no");
	tap_is_int(0, pmt_pair_answer(pair, &reply),
	    "... and a failure has none");
}

/* ---- Pieces -------------------------------------------------------------- */

static void
set_nonblocking(int fd)
{
	(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void
test_pieces(void)
{
	size_t len = compose(to_write(30)), early = 0;

	begin(false);
	set_nonblocking(pmt_pair_fd(pair));
	for (size_t i = 0; i < len; i++) {
		early += pmt_pair_next(pair, &request) == -EAGAIN;
		(void)send(master, message + i, 1, 0); /* it fits */
	}
	tap_is_int((int64_t)len, (int64_t)early,
	    "with any part of a request missing there is none yet");
	tap_is_int(-EBUSY, pmt_pair_give(pair, master, "", 0),
	    "half a request can't be handed over");
	tap_is_int(0, pmt_pair_next(pair, &request), "with all, there is");
	tap_is_mem(message + PMT_PAIR_HEADER, request.data, 30,
	    "... with its record");
}

static void
test_nonsense(void)
{
	static const struct {
		size_t at;
		uint8_t byte;
		const char *name;
	} wrong[] = {
		{ 0, 3, "a length shorter than a header" },
		{ 3, 2, "a length beyond all records" },
		{ 4, 99, "an operation that there is not" },
		{ 6, 4, "a flag that there is not" },
		{ 40, 9, "a count that is not the record's length" },
		{ 60, 1, "a byte that should be zero" },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		begin(false);
		(void)compose(to_write(30));
		message[wrong[i].at] = wrong[i].byte;
		(void)send(master, message, PMT_PAIR_HEADER + 30, 0);
		tap_is_int(-EPROTO, pmt_pair_next(pair, &request),
		    "%s is refused", wrong[i].name);
		tap_ok(pmt_pair_why(pair)[0] != '\0', "... in words: %s",
		    pmt_pair_why(pair));
		tap_is_int(-EPIPE, pmt_pair_next(pair, &request),
		    "... and is the end");
	}
	begin(false);
	(void)compose(to_read(1));
	(void)send(master, message, PMT_PAIR_HEADER, 0); /* it fits */
	(void)send(master, message, PMT_PAIR_HEADER, 0); /* likewise */
	tap_is_int(-EPROTO, pmt_pair_next(pair, &request),
	    "two requests at once are refused");
	begin(true);
	(void)send(master, message, PMT_PAIR_HEADER - 1, 0); /* it fits */
	tap_is_int(-EPROTO, pmt_pair_next(pair, &request),
	    "half a request from a node is refused");
}

/* Sends message[], then takes what comes, as slowly as the socket is. */
static void *
large_master(void *arg)
{
	size_t left = PMT_PAIR_HEADER + LARGE;
	uint8_t *p = message;
	ssize_t n = 1;

	for (; left > 0 && n > 0; left -= (size_t)n, p += n)
		n = send(master, p, left, MSG_NOSIGNAL);
	n = recv(master, back, PMT_PAIR_HEADER, MSG_WAITALL);
	(void)compose(to_read(LARGE));
	(void)send(master, message, PMT_PAIR_HEADER, 0); /* it fits */
	n = recv(master, back, PMT_PAIR_HEADER + LARGE, MSG_WAITALL);
	*(ssize_t *)arg = n;
	return NULL;
}

/* The largest record there is, written and read, through small buffers. */
static void
test_large(bool nonblocking)
{
	ssize_t came = 0;
	pthread_t thread;
	int r;

	begin(false);
	(void)compose(to_write(LARGE));
	if (nonblocking)
		set_nonblocking(pmt_pair_fd(pair));
	(void)pthread_create(&thread, NULL, large_master, &came);
	while ((r = pmt_pair_next(pair, &request)) == -EAGAIN)
		continue;
	tap_is_int(0, r, "a record of 16 MiB comes");
	tap_is_mem(message + PMT_PAIR_HEADER, request.data, LARGE, "... whole");
	reply = pmt_reply_to(&request);
	reply.at.object++;
	tap_is_int(0, pmt_pair_answer(pair, &reply), "it is answered");
	while ((r = pmt_pair_next(pair, &request)) == -EAGAIN)
		continue;
	tap_is_int(0, r, "it is asked for");
	reply = pmt_reply_to(&request);
	reply.at.object++;
	reply.done = reply.len = LARGE;
	reply.data = pmt_pair_room(pair);
	tap_is_int(0, pmt_pair_answer(pair, &reply), "it is sent");
	(void)pthread_join(thread, NULL);
	tap_is_int(PMT_PAIR_HEADER + LARGE, came, "... and comes, whole");
	tap_is_mem(message + PMT_PAIR_HEADER + 64, back + PMT_PAIR_HEADER + 64,
	    LARGE - 64, "... as it was, up to the last byte");
}

/* ---- Signals, ends, versions --------------------------------------------- */

static void
on_alarm(int number)
{
	(void)number; /* that it comes is all */
}

static void
test_signals(void)
{
	const struct itimerval often = { { 0, 20000 }, { 0, 20000 } };
	const struct itimerval never = { { 0, 0 }, { 0, 0 } };
	struct sigaction action = { .sa_handler = on_alarm };

	begin(false);
	(void)compose(to_write(30));
	(void)send(master, message, 70, 0); /* it fits */
	(void)sigaction(SIGALRM, &action, NULL);
	(void)setitimer(ITIMER_REAL, &often, NULL);
	tap_is_int(-EINTR, pmt_pair_next(pair, &request),
	    "a signal ends the wait");
	tap_is_int(-EINTR, pmt_pair_next(pair, &request), "... every time");
	(void)setitimer(ITIMER_REAL, &never, NULL);
	(void)send(master, message + 70, PMT_PAIR_HEADER + 30 - 70, 0);
	tap_is_int(0, pmt_pair_next(pair, &request),
	    "what had come before it is not lost");
	tap_is_mem(message + PMT_PAIR_HEADER, request.data, 30,
	    "... the request is whole");
}

static void
test_ends(void)
{
	begin(false);
	ask(to_read(10));
	(void)pmt_pair_next(pair, &request); /* as above */
	(void)close(master);
	reply = pmt_reply_to(&request);
	reply.cond = PMT_EOD;
	tap_is_int(-EPIPE, pmt_pair_answer(pair, &reply),
	    "an answer to a pmtd that has ended is an error, and no signal");
	tap_is_int(-EPIPE, pmt_pair_next(pair, &request),
	    "... and nothing comes any more");
	master = -1;
	begin(false);
	(void)shutdown(master, SHUT_WR);
	tap_is_int(-EPIPE, pmt_pair_next(pair, &request),
	    "who is thrown out is told");
}

static void
hello(uint32_t lowest, uint64_t highest)
{
	begin(false);
	ask((struct pmt_request){ .op = PMT_HELLO,
	    .id = 1,
	    .unit = lowest,
	    .count = highest });
}

static void
test_hello(void)
{
	hello(1, 9);
	ask(to_read(10));
	tap_is_int(-EPROTO, pmt_pair_next(pair, &request),
	    "nothing may come before HELLO is answered");
	hello(1, 9);
	set_nonblocking(pmt_pair_fd(pair));
	tap_is_int(-EAGAIN, pmt_pair_next(pair, &request), "HELLO is not seen");
	tap_ok(hear() && seen.op == PMT_HELLO && seen.error == 0 &&
		seen.done == 1,
	    "... but answered with our version");
	hello(2, 9);
	tap_is_int(-EPROTO, pmt_pair_next(pair, &request),
	    "a pmtd that is too new is not understood");
	tap_ok(hear() && seen.error == EPROTONOSUPPORT, "... and is told");
}

/* ---- Opening ------------------------------------------------------------- */

static char path[64] = "/tmp/pmt-libpmt-XXXXXX";

/* Turns the first away without a word, and greets the second. */
static void *
doorman(void *listener)
{
	int fd = accept(*(int *)listener, NULL, NULL);
	struct pmt_request q = { .op = PMT_HELLO, .id = 1, .count = 1 };
	uint8_t header[PMT_PAIR_HEADER];

	(void)close(fd); /* the first is one too many */
	fd = accept(*(int *)listener, NULL, NULL);
	q.unit = 1;
	pair_wire_put_request(header, &q);
	(void)send(fd, header, sizeof(header), 0); /* it fits */
	(void)recv(fd, header, sizeof(header), MSG_WAITALL);
	(void)close(fd); /* that was all */
	return NULL;
}

static void
test_open(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	char name[200];
	pthread_t thread;

	pmt_pair_close(pair);
	pair = NULL;
	if (mkdtemp(path) == NULL)
		tap_bail("no directory: %s", strerror(errno));
	(void)snprintf(name, sizeof(name), "%s/socket", path);
	tap_is_int(-ENOENT, pmt_pair_open(name, &pair),
	    "what is not there can't be opened");
	strcpy(address.sun_path, name); /* it fits */
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0)
		tap_bail("bind: %s", strerror(errno));
	tap_is_int(-ECONNREFUSED, pmt_pair_open(name, &pair),
	    "nor a socket at which nobody listens");
	if (listen(listener, 2) < 0 ||
	    pthread_create(&thread, NULL, doorman, &listener) != 0)
		tap_bail("listen: %s", strerror(errno));
	tap_is_int(-EBUSY, pmt_pair_open(name, &pair),
	    "at a pmtd that has a tape it is busy");
	tap_is_int(0, pmt_pair_open(name, &pair), "else it is opened");
	tap_is_int(0,
	    pmt_pair_serve(pair, (pmt_handler[PMT_OPS]){ NULL }, NULL),
	    "the loop ends well with the drive");
	(void)pthread_join(thread, NULL);
	(void)close(listener); /* it holds nothing */
	(void)unlink(name);
	(void)rmdir(path);
	begin(false);
}

/* ---- Handing over -------------------------------------------------------- */

static void
test_give(void)
{
	struct pmt_pair *heir = NULL;
	char state[100];
	size_t len = sizeof(state);
	int via[2];

	begin(false);
	(void)socketpair(AF_UNIX, SOCK_STREAM, 0, via);
	ask(to_read(10));
	(void)pmt_pair_next(pair, &request); /* as above */
	tap_is_int(-EBUSY, pmt_pair_give(pair, via[0], "x", 1),
	    "with a request unanswered nothing is handed over");
	reply = pmt_reply_to(&request);
	reply.cond = PMT_EOD;
	(void)pmt_pair_answer(pair, &reply); /* as above */
	(void)hear();
	tap_is_int(-EMSGSIZE, pmt_pair_give(pair, via[0], message, 4097),
	    "nor is more than 4096 bytes of state");
	ask(to_read(20));
	tap_is_int(0, pmt_pair_give(pair, via[0], "my state", 8),
	    "between two requests the pair is");
	tap_is_int(0, pmt_pair_take(via[1], &heir, state, &len),
	    "... and taken over");
	tap_ok(len == 8 && memcmp(state, "my state", 8) == 0,
	    "... with its state");
	pmt_pair_close(pair);
	pair = heir;
	tap_is_int(0, pmt_pair_next(pair, &request),
	    "the successor gets the request that came meanwhile");
	tap_is_int(20, (int64_t)request.count, "... that one");
	reply = pmt_reply_to(&request);
	reply.cond = PMT_EOD;
	tap_is_int(0, pmt_pair_answer(pair, &reply), "... and answers it");
	tap_ok(hear() && seen.cond == PMT_EOD, "... and pmtd hears it");
	(void)close(via[0]);
	(void)close(via[1]);
}

/* How many descriptors are open. */
static int
count_open(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
test_take_two(void)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(2 * sizeof(int))];
	} control = { 0 };
	char bytes[] = "pmtpair\1\0\0\0\0\0\0\0";
	struct iovec iov = { bytes, 16 };
	struct msghdr two = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&two);
	struct pmt_pair *heir = NULL;
	size_t len = 0;
	int via[2], before;

	(void)socketpair(AF_UNIX, SOCK_STREAM, 0, via);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(c), via, sizeof(via));
	before = count_open();
	(void)sendmsg(via[0], &two, 0); /* it fits */
	tap_is_int(-EPROTO, pmt_pair_take(via[1], &heir, NULL, &len),
	    "two descriptors are no pair");
	tap_is_int(before, count_open(), "... and neither stays open");
	(void)close(via[0]);
	(void)close(via[1]);
}

static void
test_take_nonsense(void)
{
	struct pmt_pair *heir = NULL;
	char state[4];
	size_t len = sizeof(state);
	int via[2];

	(void)socketpair(AF_UNIX, SOCK_STREAM, 0, via);
	(void)send(via[0], "pmtpair\1\0\0\0\0\0\0\0\0", 16, 0);
	tap_is_int(-EPROTO, pmt_pair_take(via[1], &heir, state, &len),
	    "a message without a descriptor is no pair");
	begin(false);
	(void)pmt_pair_give(pair, via[0], "12345", 5); /* as above */
	tap_is_int(-EMSGSIZE, pmt_pair_take(via[1], &heir, state, &len),
	    "state that does not fit is refused");
	(void)shutdown(via[0], SHUT_WR);
	(void)recv(via[1], state, 4, 0);
	(void)recv(via[1], state, 4, 0);
	tap_is_int(-EPIPE, pmt_pair_take(via[1], &heir, state, &len),
	    "who is given nothing is told");
	(void)close(via[0]);
	(void)close(via[1]);
}

/* ---- The loop ------------------------------------------------------------ */

static void
count_rewind(void *arg, const struct pmt_request *q, struct pmt_reply *r)
{
	(void)q;
	++*(int *)arg;
	r->at = (struct pmt_position){ .known = true };
}

static void
test_loop(void)
{
	static const pmt_handler handlers[PMT_OPS] = {
		[PMT_REWIND] = count_rewind,
	};
	static const pmt_handler for_all[PMT_OPS] = { count_rewind };
	int count = 0;

	begin(false);
	ask((struct pmt_request){ .op = PMT_REWIND, .id = 1 });
	(void)shutdown(master, SHUT_WR);
	tap_is_int(0, pmt_pair_serve(pair, handlers, &count),
	    "the loop goes on until the drive ends");
	tap_is_int(1, count, "... and calls the handlers");
	tap_ok(hear() && seen.op == PMT_REWIND && seen.at.known,
	    "... whose answers are sent");
	begin(false);
	ask(to_read(10));
	(void)shutdown(master, SHUT_WR);
	(void)pmt_pair_serve(pair, handlers, &count); /* as above */
	tap_ok(hear() && seen.error == EOPNOTSUPP,
	    "what has no handler is not supported");
	begin(false);
	ask((struct pmt_request){ .op = PMT_LOAD, .id = 1 });
	(void)shutdown(master, SHUT_WR);
	(void)pmt_pair_serve(pair, for_all, &count); /* as above */
	tap_ok(count == 2 && hear() && seen.error == 0,
	    "... unless there is one for all");
}

int
main(void)
{
	test_requests(false);
	test_requests(true);
	test_reads(false);
	test_reads(true);
	test_other_flags(false);
	test_other_flags(true);
	test_refused_answers();
	test_descriptions();
	test_usual();
	test_pieces();
	test_nonsense();
	test_large(false);
	test_large(true);
	test_signals();
	test_ends();
	test_hello();
	test_open();
	test_give();
	test_take_two();
	test_take_nonsense();
	test_loop();
	pmt_pair_close(pair);
	(void)close(master);
	return tap_done();
}
