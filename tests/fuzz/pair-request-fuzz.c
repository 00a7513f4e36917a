/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: a random master against libpmt and serve.c.  The input is a list
 * of requests, most of them possible, some with a wrong position, some with
 * bytes changed, some cut in two; the tape is one in memory or an image.  Each
 * answer must be one that pmtd takes, and nothing may be harmed by what comes.
 *
 *   input, 8 bytes a request:
 *     0  op (4 bits), lies (bit 4), mutated (bit 5), cut (bit 6), tape (bit 7
 *        of the first)
 *     1  unit
 *     2  count, low byte         4  how count is scaled, flags
 *     3  count, high byte           (bit 7); of the first: memory to share
 *                                5  offset of the mutation or cut
 *     6  what is put there       7  the record's first byte
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "file.h"
#include "libpmt_pair.h"
#include "memory.h"
#include "memtape.h"
#include "pair/wire.h"
#include "serve.h"
#include "spec.h"
#include "tape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEP 8
#define MAX_STEPS 200
#define MAX_RECORD 60000u /* a record and its header fit into a socket */

static const struct tape_type *const types[] = { &file_tape_type, NULL };

static struct {
	int fd; /* the master's end */
	struct pmt_pair *pair;
	struct serve *serve;
	struct pmt_position at;
	uint64_t id;
	struct memory memory; /* none in some runs */
} m;

static uint8_t message[PMT_PAIR_HEADER + MAX_RECORD];
static uint8_t answer[PMT_PAIR_HEADER + (1u << 17)];

/* In memory: what is made durable here need not be. */
static struct tape *
image_tape(void)
{
	static char dir[] = "/dev/shm/pair-fuzz.XXXXXX";
	static char text[128];
	struct spec_error e;
	struct spec *spec;
	struct tape *t;

	if (text[0] == '\0') {
		assert(mkdtemp(dir) != NULL);
		(void)snprintf(text, sizeof(text),
		    "file:%s/t.tap,capacity=300K,warn=100K", dir);
	}
	assert(spec_parse(text, types, &spec, &e) == 0);
	assert(spec_open(spec, &t, &e) == 0);
	spec_free(spec);
	return t;
}

static struct tape *
new_tape(bool image)
{
	struct memtape_config config = memtape_like_scsi_debug();

	config.keeps = SIZE_MAX;
	config.limit.objects = 60;
	config.max_partitions = 3;
	return image ? image_tape() : memtape_new(&config);
}

static void
begin(struct tape *t, bool shares)
{
	int fds[2];

	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	m.fd = fds[0];
	m.serve = serve_new(t);
	m.at = (struct pmt_position){ .known = false };
	assert(pair_adopt(fds[1], &m.pair) == 0);
	m.memory = MEMORY_NONE;
	if (!shares)
		return;
	assert(memory_make(&m.memory) == 0);
	assert(memory_back(&m.memory, MAX_RECORD));
	assert(memory_take(&m.pair->memory, dup(m.memory.fd)) == 0);
}

/* The bytes of ${q}, or of a reply, that are in the message. */
static size_t
sent(size_t len, bool shared)
{
	return PMT_PAIR_HEADER + (shared ? 0 : len);
}

/* The flag that the operation has, or one that it has not. */
static unsigned
flag_of(unsigned op)
{
	return op == PMT_HELLO || op == PMT_READ || op == PMT_WRITE
	    ? PMT_SHARED
	    : PMT_IMMEDIATE;
}

/* A request as the step says; the result is its bytes. */
static size_t
compose(const uint8_t step[STEP], struct pmt_request *q)
{
	static const uint64_t scales[] = { 1, 1, 1, 64, UINT64_C(1) << 16,
		UINT64_MAX, UINT64_C(1) << 62, 1 };
	uint64_t n = (uint64_t)(step[2] | step[3] << 8);

	*q = (struct pmt_request){ .op = (enum pmt_op)(step[0] & 15),
		.flags = (step[4] & 128) != 0 ? flag_of(step[0] & 15) : 0,
		.id = ++m.id,
		.at = m.at,
		.unit = step[1] & 3,
		.count = n * scales[step[4] & 7] };
	if (step[0] & 16)
		q->at.object += step[5];
	if (q->op == PMT_READ)
		q->count = n % MAX_RECORD;
	if (q->op == PMT_FILEMARKS)
		q->count = n % 70;
	if (q->op == PMT_WRITE) {
		q->len = (size_t)(q->count = 1 + n % (MAX_RECORD - 1));
		memset(message + PMT_PAIR_HEADER, step[7], q->len);
		if (m.memory.bytes != NULL)
			memset(m.memory.bytes, step[7], q->len);
	}
	pair_wire_put_request(message, q);
	if (step[0] & 32)
		message[step[5] % PMT_PAIR_HEADER] = step[6];
	return sent(q->len, q->flags == PMT_SHARED);
}

/* The answer to ${q}, which pmtd would take. */
static void
check_answer(const struct pmt_request *q)
{
	ssize_t n = recv(m.fd, answer, sizeof(answer), 0);
	struct pmt_reply reply;
	const char *why = "";

	assert(n >= (ssize_t)PMT_PAIR_HEADER);
	assert(pair_wire_get_reply(answer, &reply, &why) == 0);
	assert((size_t)n == PMT_PAIR_HEADER + reply.len);
	if (reply.shared)
		reply.len = reply.done < q->count ? reply.done : q->count;
	if (pair_wire_check_reply(q, &reply, &why) < 0)
		(void)fprintf(stderr, "op %d: %s\n", (int)q->op, why);
	assert(pair_wire_check_reply(q, &reply, &why) == 0);
	m.at = reply.at;
}

/* What the slave makes of what has come; false: it is thrown out. */
static bool
let_it_answer(void)
{
	struct pmt_request got;
	struct pmt_reply reply;
	int r = pmt_pair_next(m.pair, &got);

	if (r == -EAGAIN)
		return true;
	assert(r == 0 || r == -EPROTO);
	assert(r == 0 || pmt_pair_why(m.pair)[0] != '\0');
	if (r < 0)
		return false;
	serve_request(m.serve, &got, pmt_pair_room(m.pair), &reply);
	assert(pmt_pair_answer(m.pair, &reply) == 0);
	check_answer(&got);
	return true;
}

static void
drain(void)
{
	while (recv(m.fd, answer, sizeof(answer), 0) > 0)
		continue; /* answers to HELLO */
}

static bool
take_step(const uint8_t step[STEP])
{
	struct pmt_request q;
	size_t len = compose(step, &q);
	size_t first = (step[0] & 64) ? step[5] % len : len;

	if (send(m.fd, message, first, 0) < 0 || !let_it_answer())
		return false;
	if (first < len &&
	    (send(m.fd, message + first, len - first, 0) < 0 ||
		!let_it_answer()))
		return false;
	drain();
	return true;
}

static void
end(struct tape *t)
{
	serve_free(m.serve);
	memory_drop(&m.memory);
	pmt_pair_close(m.pair);
	(void)close(m.fd);
	tape_free(t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n = size / STEP < MAX_STEPS ? size / STEP : MAX_STEPS;
	struct tape *t;

	if (n == 0)
		return 0;
	t = new_tape((data[0] & 128) != 0);
	begin(t, (data[4] & 128) != 0);
	for (size_t i = 0; i < n && take_step(data + i * STEP); i++)
		continue;
	end(t);
	return 0;
}
