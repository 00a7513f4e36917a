/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: a random slave against the port, the pair tape and the drive
 * over it.  The input is a list of operations, each with what is done to the
 * answers to it: most are those of a tape in memory, some have bytes changed,
 * some are invented, sometimes the slave dies or another comes.  What tape.h
 * promises is asserted by tape.c, whatever comes; and a slave that is not
 * thrown out has answered what it can.
 *
 *   input, 8 bytes an operation:
 *     0  operation (4 bits), what the slave does (4 bits)
 *     1  count or unit
 *     2  count, scaled; bit 3: shared  5  where a byte is changed
 *     3  cond, error of an invention   6  to what
 *     4  done, position of one         7  length of its data; of the words
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drive.h"
#include "memtape.h"
#include "pair.h"
#include "pair/wire.h"
#include "port.h"
#include "serve.h"
#include "spec.h"
#include "tape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEP 8
#define MAX_STEPS 200
#define MAX_RECORD 60000u

static const struct tape_type *const types[] = { &pair_tape_type, NULL };

enum deed {
	DEED_GOOD, /* up to DEED_CHANGE: what the tape in memory says */
	DEED_CHANGE = 9,
	DEED_CHANGE_TWICE,
	DEED_INVENT,
	DEED_DIE,
	DEED_HANG,
	DEED_DIE_AND_COME,
	DEED_WORDS,
};

static struct {
	struct port_end base; /* first: port_end is the base */
	struct port *port;
	struct tape *tape;
	struct serve *serve;
	const uint8_t *step;
	bool out; /* cut, since it came last */
} slave;

static uint8_t room[PMT_PAIR_MAX_RECORD], buf[1 << 17];

/* ---- The slave ----------------------------------------------------------- */

static void
invent(const struct pmt_request *request, struct pmt_reply *reply)
{
	const uint8_t *s = slave.step;

	reply->cond = (enum pmt_cond)(s[3] % 7);
	reply->error = s[3] >> 4;
	reply->done = (s[4] & 1) != 0 ? s[4] : request->count + s[4] / 2;
	reply->at.object = request->at.object + s[4] % 8 - 2;
	reply->at.file = request->at.file + s[5] % 4;
	reply->at.partition = s[5] / 64;
	reply->at.known = (s[5] & 16) == 0;
	reply->len = (size_t)s[7] * ((s[6] & 1) != 0 ? 1 : 257);
	reply->data = room;
	reply->shared = (s[6] & 6) == 6;
	if (reply->len > sizeof(buf))
		reply->len = sizeof(buf);
}

static void
change(uint8_t header[PMT_PAIR_HEADER], enum deed deed)
{
	const uint8_t *s = slave.step;

	if (deed == DEED_CHANGE || deed == DEED_CHANGE_TWICE)
		header[s[5] % PMT_PAIR_HEADER] ^= s[6];
	if (deed == DEED_CHANGE_TWICE)
		header[s[7] % PMT_PAIR_HEADER] = s[3];
}

/* What a good slave would say, and what becomes of it. */
static int
answer(struct port_call *call, enum deed deed)
{
	uint8_t header[PMT_PAIR_HEADER];
	struct pmt_reply reply;
	size_t len;
	void *place;
	int r;

	serve_request(slave.serve, &call->request, room, &reply);
	if (reply.info != NULL) {
		pair_wire_put_info(room, reply.info);
		reply.data = room;
		reply.len = PMT_PAIR_INFO;
	}
	reply.op = call->request.op;
	reply.id = call->request.id;
	reply.shared = call->request.op == PMT_READ && reply.error == 0 &&
	    call->request.flags != 0;
	if (deed == DEED_INVENT)
		invent(&call->request, &reply);
	if (deed == DEED_WORDS) {
		reply.error = 1 + slave.step[3];
		reply.cond = PMT_NONE;
		reply.data = slave.step;
		reply.len = slave.step[7] % (STEP + 1);
		reply.shared = false;
	}
	pair_wire_put_reply(header, &reply);
	change(header, deed);
	r = port_take_header(call, header, &place, &len);
	/* What passes fits where it goes; more has the slave not to give. */
	if (r == 0 && len > 0)
		memset(place, slave.step[6], len);
	if (r == 0 && len == reply.len && len > 0)
		memcpy(place, reply.data, len);
	/* As if the room were the memory. */
	if (r == 0 && call->reply.shared)
		memcpy(call->buf, room, call->reply.len);
	return r;
}

static void
come(void)
{
	if (port_attach(slave.port, &slave.base, 1) < 0)
		return; /* one is there */
	slave.out = false;
	port_ready(slave.port, &slave.base);
}

static int
fuzz_exchange(struct port_end *end, struct port_call *call, unsigned timeout_ms)
{
	enum deed deed = (enum deed)(slave.step[0] >> 4);

	(void)timeout_ms;
	assert(!slave.out);
	if ((slave.step[2] & 8) != 0 &&
	    (call->request.op == PMT_READ || call->request.op == PMT_WRITE))
		call->request.flags |= PMT_SHARED;
	switch (deed) {
	case DEED_DIE:
		/* Before it answers, or after the header of what it invents. */
		return (slave.step[7] & 1) == 0		   ? -EPIPE
		    : answer(call, DEED_INVENT) == -EPROTO ? -EPROTO
							   : -EPIPE;
	case DEED_HANG:
		return -ETIMEDOUT;
	case DEED_DIE_AND_COME:
		port_detach(slave.port, end);
		come();
		return -EPIPE;
	default:
		return answer(call, deed);
	}
}

static void
fuzz_cut(struct port_end *end)
{
	(void)end;
	slave.out = true;
}

static const struct port_end_ops fuzz_ops = {
	.name = "fuzzer",
	.exchange = fuzz_exchange,
	.cut = fuzz_cut,
};

/* ---- The drive ----------------------------------------------------------- */

static void
do_mtop(struct drive *d, short op)
{
	const uint8_t *s = slave.step;
	int count = (int8_t)s[1] * ((s[2] & 1) != 0 ? 100 : 1);

	/* Filemarks are written one by one, and the tape is in memory. */
	if (op == MTWEOF || op == MTWEOFI)
		count = s[1] % 4;
	(void)drive_mtop(d, &(struct mtop){ .mt_op = op, .mt_count = count },
	    true);
}

static void
do_step(struct drive *d)
{
	static const short ops[] = { MTFSF, MTBSF, MTFSR, MTBSR, MTWEOF, MTREW,
		MTEOM, MTSEEK, MTERASE, MTLOAD, MTUNLOAD, MTSETBLK, MTNOP,
		MTCOMPRESSION, MTSETDENSITY, MTWEOFI, MTBSFM, MTFSFM };
	const uint8_t *s = slave.step;
	size_t len = 1 + (size_t)s[1] * s[2] % MAX_RECORD;
	struct mtget status;
	struct mtpos pos;

	if (!drive_is_open(d))
		(void)drive_open(d, O_RDWR | ((s[2] & 2) != 0 ? O_NONBLOCK : 0),
		    0, (s[2] & 4) != 0);
	switch (s[0] & 15) {
	case 0:
	case 1:
	case 2:
	case 3:
		memset(buf, s[6], len);
		(void)drive_write(d, buf, len);
		return;
	case 4:
	case 5:
	case 6:
		(void)drive_read(d, buf, len, 0);
		return;
	case 7:
		if (drive_is_open(d))
			(void)drive_close(d);
		return;
	case 8:
		(void)drive_get(d, &status);
		(void)drive_pos(d, &pos);
		return;
	case 9:
		come();
		return;
	default:
		do_mtop(d, ops[s[1] % (sizeof(ops) / sizeof(ops[0]))]);
		return;
	}
}

static struct tape *
new_pair(void)
{
	struct spec_error e;
	struct spec *spec;
	struct tape *t;

	assert(spec_parse("pair:", types, &spec, &e) == 0);
	assert(spec_open(spec, &t, &e) == 0);
	spec_free(spec);
	return t;
}

static void
silent(const char *line)
{
	assert(strlen(line) > 0 && strpbrk(line, "\n\033") == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct memtape_config config = {
		.limit = { .min_record = 1,
		    .max_record = MAX_RECORD,
		    .granularity = 1,
		    .objects = 60,
		    .warn_objects = 20 },
		.keeps = 64,
		.max_partitions = 2,
		.refused_density = 3,
	};
	static const uint8_t nothing[STEP];
	struct tape *t = new_pair();
	struct drive *d = drive_new(t);

	tape_set_alarm(silent);
	slave.base.ops = &fuzz_ops;
	slave.port = pair_port(t);
	slave.tape = memtape_new(&config);
	slave.serve = serve_new(slave.tape);
	slave.step = nothing;
	assert(d != NULL && slave.serve != NULL);
	come();
	for (size_t i = 0; i < MAX_STEPS && size >= STEP; i++) {
		slave.step = data;
		do_step(d);
		data += STEP;
		size -= STEP;
	}
	slave.step = nothing;
	(void)drive_shutdown(d);
	assert(port_generation(slave.port) == 0 || !slave.out);
	port_detach(slave.port, &slave.base);
	drive_free(d);
	serve_free(slave.serve);
	tape_free(slave.tape);
	return 0;
}
