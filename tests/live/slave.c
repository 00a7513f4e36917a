/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A slave for tests, that is a tape in memory, or misbehaves on purpose.
 *
 *     slave PATH [WHAT[:OP]]...
 *
 * PATH is a slave end: a node, or a socket.  It says "ready" when HELLO is
 * answered, and "out" when it was thrown out or the drive has ended, and then
 * ends.  WHAT is done once, instead of the answer to the first OP (a name as in
 * wire.h):
 *
 *     die       ends at once             stall    never answers, reads no more
 *     garbage   64 bytes of nothing      id       answers another request
 *     op        answers another op       early    answers twice
 *     long      more bytes than it says  short    fewer, as one message
 *     cond      a condition it can't be  pos      a position that can't be
 *     error     fails, with EIO          slow     answers after 2 s
 *
 * and these always:
 *
 *     poll      waits in poll(2) only; never blocks in read(2)
 *     small     reads with a buffer of 32 bytes first
 *     mute      opens, and does not answer HELLO
 *     echo      says each request: its name
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "pair/wire.h"

#define OBJECTS 100000

struct object {
	uint8_t *data; /* NULL: a filemark */
	size_t len;
};

static struct object objects[OBJECTS];
static uint64_t n_objects, at;
static uint8_t message[PMT_PAIR_MAX_MESSAGE];
static uint8_t answer[PMT_PAIR_MAX_MESSAGE];
static bool is_socket, by_poll, small_first, mute, echo;

static struct {
	const char *what;
	char op[16]; /* "": any */
} misdeeds[8];
static unsigned n_misdeeds;

static _Noreturn void
out(const char *why)
{
	printf("out: %s\n", why);
	exit(EXIT_SUCCESS);
}

/* ---- Messages ------------------------------------------------------------ */

static int
take_end(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct stat st;
	int fd;

	if (stat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
		is_socket = true;
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s",
		    path); /* fits, in a test */
		if (fd >= 0 &&
		    connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0)
			fd = -1;
	} else {
		fd = open(path, O_RDWR | (by_poll ? O_NONBLOCK : 0));
	}
	if (fd < 0) {
		printf("%s: %s\n", path, strerror(errno));
		exit(EXIT_FAILURE);
	}
	return fd;
}

static void
await(int fd, short events)
{
	struct pollfd ready = { .fd = fd, .events = events };

	while (by_poll && poll(&ready, 1, -1) < 0 && errno == EINTR)
		continue;
	if (by_poll && (ready.revents & (POLLHUP | POLLERR)) != 0)
		out("hang-up");
}

/* Of a socket: exactly ${len} bytes. */
static void
receive_all(int fd, uint8_t *buf, size_t len)
{
	while (len > 0) {
		ssize_t n = recv(fd, buf, len, 0);

		if (n == 0)
			out("end");
		if (n < 0)
			out(strerror(errno));
		buf += n;
		len -= (size_t)n;
	}
}

static size_t
get_message(int fd)
{
	uint32_t len;
	ssize_t n;

	if (is_socket) {
		receive_all(fd, message, PMT_PAIR_HEADER);
		memcpy(&len, message, sizeof(len)); /* little-endian here */
		receive_all(fd, message + PMT_PAIR_HEADER,
		    len - PMT_PAIR_HEADER);
		return len;
	}
	await(fd, POLLIN);
	if (small_first && read(fd, message, 32) >= 0)
		out("a buffer of 32 bytes was not refused");
	if (small_first && errno != EMSGSIZE)
		out(strerror(errno));
	n = read(fd, message, sizeof(message));
	if (n == 0)
		out("end");
	if (n < 0)
		out(strerror(errno));
	return (size_t)n;
}

static void
put_message(int fd, const uint8_t *bytes, size_t len)
{
	await(fd, POLLOUT);
	while (len > 0) {
		ssize_t n = is_socket ? send(fd, bytes, len, MSG_NOSIGNAL)
				      : write(fd, bytes, len);

		if (n < 0)
			out(strerror(errno));
		if (!is_socket && (size_t)n != len)
			out("a reply was taken in part");
		bytes += n;
		len -= (size_t)n;
	}
}

/* ---- The tape ------------------------------------------------------------ */

static uint64_t
files_before(uint64_t object)
{
	static uint64_t known_at, known; /* most moves are short */

	while (known_at < object)
		known += objects[known_at++].data == NULL;
	while (known_at > object)
		known -= objects[--known_at].data == NULL;
	return known;
}

static void
append(const void *data, size_t len)
{
	(void)files_before(at); /* before what follows is gone */
	for (uint64_t i = at; i < n_objects; i++)
		free(objects[i].data);
	if (at == OBJECTS)
		out("full");
	objects[at] = (struct object){ .len = len };
	if (data != NULL) {
		objects[at].data = malloc(len);
		memcpy(objects[at].data, data, len);
	}
	n_objects = ++at;
}

static void
do_read(const struct pmt_request *request, struct pmt_reply *reply)
{
	const struct object *o = &objects[at];

	reply->done = 0;
	if (at == n_objects) {
		reply->cond = PMT_EOD;
		return;
	}
	at++;
	if (o->data == NULL) {
		reply->cond = PMT_FILEMARK;
		return;
	}
	reply->done = o->len;
	reply->data = o->data;
	reply->len = o->len < request->count ? o->len : request->count;
}

static bool
is_counted(const struct object *o, uint32_t unit)
{
	return unit == PMT_RECORDS || o->data == NULL;
}

static void
do_space(const struct pmt_request *request, struct pmt_reply *reply)
{
	int64_t left = (int64_t)request->count;

	reply->done = 0;
	if (request->unit == PMT_TO_EOD) {
		reply->done = files_before(n_objects) - files_before(at);
		at = n_objects;
		return;
	}
	while (left != 0) {
		bool forward = left > 0;
		const struct object *o;

		if (forward ? at == n_objects : at == 0) {
			reply->cond = forward ? PMT_EOD : PMT_BOT;
			return;
		}
		o = &objects[forward ? at++ : --at];
		if (request->unit == PMT_RECORDS && o->data == NULL) {
			reply->cond = PMT_FILEMARK;
			return;
		}
		if (!is_counted(o, request->unit))
			continue;
		reply->done++;
		left += forward ? -1 : 1;
	}
}

static void
do_describe(struct pmt_reply *reply)
{
	static uint8_t packed[PMT_PAIR_INFO];
	const struct pmt_info info = { .min_record = 1,
		.max_record = PMT_PAIR_MAX_RECORD,
		.granularity = 1,
		.partitions = 1,
		.max_partitions = 1,
		.medium = "in memory" };

	pair_wire_put_info(packed, &info);
	reply->data = packed;
	reply->len = sizeof(packed);
}

static void
do_request(const struct pmt_request *request, struct pmt_reply *reply)
{
	switch (request->op) {
	case PMT_HELLO:
		reply->done = PMT_PAIR_VERSION;
		return;
	case PMT_LOAD:
	case PMT_REWIND:
		at = 0;
		return;
	case PMT_DESCRIBE:
		do_describe(reply);
		return;
	case PMT_READ:
		do_read(request, reply);
		return;
	case PMT_WRITE:
		append(message + PMT_PAIR_HEADER, request->len);
		return;
	case PMT_FILEMARKS:
		for (uint64_t i = 0; i < request->count; i++)
			append(NULL, 0);
		reply->done = request->count;
		return;
	case PMT_SPACE:
		do_space(request, reply);
		return;
	case PMT_LOCATE:
		at = request->count < n_objects ? request->count : n_objects;
		if (at != request->count)
			reply->cond = PMT_EOD;
		return;
	case PMT_ERASE:
		n_objects = at;
		return;
	case PMT_UNLOAD:
		return;
	default:
		reply->error = EOPNOTSUPP;
		return;
	}
}

/* ---- Misdeeds ------------------------------------------------------------ */

/* What is to be done instead of an answer to ${op}; "" if nothing. */
static const char *
misdeed_for(const char *op)
{
	for (unsigned i = 0; i < n_misdeeds; i++) {
		const char *what = misdeeds[i].what;

		if (what == NULL ||
		    (misdeeds[i].op[0] != '\0' &&
			strcmp(misdeeds[i].op, op) != 0))
			continue;
		misdeeds[i].what = NULL;
		return what;
	}
	return "";
}

static bool
is(const char *what, const char *word)
{
	return strcmp(what, word) == 0;
}

/* Changes the reply, as far as that can be done to it. */
static void
spoil(const char *what, struct pmt_reply *reply)
{
	if (is(what, "id"))
		reply->id += 1000;
	if (is(what, "op"))
		reply->op = reply->op == PMT_READ ? PMT_WRITE : PMT_READ;
	if (is(what, "cond"))
		reply->cond = PMT_EOM;
	if (is(what, "pos"))
		reply->at.object += 5;
	if (is(what, "error"))
		reply->error = EIO;
	if (reply->error != 0)
		reply->len = 0;
	if (is(what, "slow"))
		(void)poll(NULL, 0, 2000);
}

static void
send_reply(int fd, const char *what, const struct pmt_reply *reply)
{
	size_t len = PMT_PAIR_HEADER + reply->len;

	pair_wire_put_reply(answer, reply);
	if (reply->len > 0)
		memcpy(answer + PMT_PAIR_HEADER, reply->data, reply->len);
	if (is(what, "garbage"))
		memset(answer, 0xa5, len);
	if (is(what, "long"))
		memset(answer + len, 0, 7);
	put_message(fd, answer,
	    len + (is(what, "long") ? 7 : 0) - (is(what, "short") ? 7 : 0));
	if (is(what, "early"))
		put_message(fd, answer, len);
}

/* One request and its answer. */
static void
serve(int fd)
{
	struct pmt_request request;
	struct pmt_reply reply;
	const char *what, *why;
	size_t len = get_message(fd);

	if (len < PMT_PAIR_HEADER ||
	    pair_wire_get_request(message, &request, &why) < 0 ||
	    request.len + PMT_PAIR_HEADER != len)
		out("this is no request");
	if (echo)
		printf("%s\n", pair_wire_op_name(request.op));
	what = misdeed_for(pair_wire_op_name(request.op));
	if (is(what, "die"))
		_exit(EXIT_SUCCESS);
	while (is(what, "stall") || mute)
		(void)pause();
	reply = (struct pmt_reply){ .op = request.op,
		.id = request.id,
		.room = PMT_PAIR_MAX_RECORD };
	do_request(&request, &reply);
	reply.at = (struct pmt_position){ .object = at,
		.file = files_before(at),
		.known = true };
	spoil(what, &reply);
	send_reply(fd, what, &reply);
	if (request.op == PMT_HELLO)
		printf("ready\n");
}

int
main(int argc, char **argv)
{
	int fd;

	if (argc < 2)
		return EXIT_FAILURE;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 2; i < argc; i++) {
		char *colon = strchr(argv[i], ':');

		by_poll |= is(argv[i], "poll");
		small_first |= is(argv[i], "small");
		mute |= is(argv[i], "mute");
		echo |= is(argv[i], "echo");
		if (colon == NULL || n_misdeeds == 8)
			continue;
		*colon = '\0';
		misdeeds[n_misdeeds].what = argv[i];
		(void)snprintf(misdeeds[n_misdeeds++].op,
		    sizeof(misdeeds[0].op), "%s", colon + 1); /* fits */
	}
	fd = take_end(argv[1]);
	for (;;)
		serve(fd);
}
