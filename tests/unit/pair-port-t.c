/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The port, and the pair tape behind it, with an end that needs no descriptor:
 * it serves a tape in memory in the calling thread, or fails as it is told.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drive.h"
#include "memtape.h"
#include "pair/wire.h"
#include "pair.h"
#include "port.h"
#include "serve.h"
#include "spec.h"
#include "tap.h"
#include "tape.h"

static char said[512]; /* the last alarm */
static unsigned alarms, changes;

static void
note_alarm(const char *line)
{
	(void)snprintf(said, sizeof(said), "%s", line); /* cut is fine */
	alarms++;
}

static void
note_change(void *arg)
{
	(void)arg;
	changes++;
}

/* ---- An end -------------------------------------------------------------- */

struct loop_end {
	struct port_end base;
	struct port *port;
	struct serve *serve; /* the tape behind it */
	struct tape *tape;
	int fails;	     /* what exchange() returns; 0: what it should */
	bool leaves;	     /* detaches before it fails, and another comes */
	const char *garbage; /* words of an error, as they are */
	enum pmt_cond half;  /* of an answer of which only the header comes */
	bool parts;	     /* goes when he has answered */
	int error;	     /* that he answers with, if not 0 */
	unsigned cuts;
	unsigned asked;
	enum pmt_op last;
};

static uint8_t room[PMT_PAIR_MAX_RECORD];

static int
answer(struct loop_end *e, struct port_call *call)
{
	uint8_t header[PMT_PAIR_HEADER];
	struct pmt_reply reply;
	size_t len;
	void *data;
	int r;

	serve_request(e->serve, &call->request, room, &reply);
	if (reply.info != NULL) {
		pair_wire_put_info(room, reply.info);
		reply.data = room;
		reply.len = PMT_PAIR_INFO;
	}
	if (e->garbage != NULL) {
		reply.error = EIO;
		reply.cond = PMT_NONE;
		reply.data = e->garbage;
		reply.len = strlen(e->garbage);
	}
	if (e->half != PMT_NONE) {
		reply.error = ENOSPC;
		reply.cond = e->half;
		reply.done = 0;
		reply.at = call->request.at;
		reply.len = 10;
	}
	if (e->error != 0)
		pmt_reply_fail(&reply, e->error, "");
	reply.op = call->request.op;
	reply.id = call->request.id;
	pair_wire_put_reply(header, &reply);
	r = port_take_header(call, header, &data, &len);
	if (r == 0 && e->half != PMT_NONE)
		return -EPIPE;
	if (r == 0 && len > 0)
		memcpy(data, reply.data, len);
	return r;
}

static int
loop_exchange(struct port_end *end, struct port_call *call, unsigned timeout_ms)
{
	struct loop_end *e = (struct loop_end *)end;
	int r;

	(void)timeout_ms;
	e->asked++;
	e->last = call->request.op;
	if (e->leaves) {
		port_detach(e->port, end);
		(void)port_attach(e->port, end, 43); /* it is free */
		port_ready(e->port, end);
	}
	if (e->fails == -EPROTO)
		(void)snprintf(call->why, sizeof(call->why),
		    "nonsense"); /* fits */
	if (e->fails != 0)
		return e->fails;
	r = answer(e, call);
	if (e->parts)
		port_detach(e->port, end);
	return r;
}

static void
loop_cut(struct port_end *end)
{
	((struct loop_end *)end)->cuts++;
}

static const struct port_end_ops loop_ops = {
	.name = "loop",
	.exchange = loop_exchange,
	.cut = loop_cut,
};

static struct loop_end
new_end(struct port *p)
{
	const struct memtape_config config = {
		.limit = { .min_record = 1,
		    .max_record = 1 << 20,
		    .granularity = 1 },
		.keeps = 1 << 20,
		.max_partitions = 2,
		.refused_density = -1,
	};
	struct loop_end e = { .base.ops = &loop_ops, .port = p };

	e.tape = memtape_new(&config);
	if (e.tape != NULL)
		e.serve = serve_new(e.tape);
	if (e.serve == NULL)
		tap_bail("no tape behind the end");
	return e;
}

static void
free_end(struct loop_end *e)
{
	port_detach(e->port, &e->base);
	serve_free(e->serve);
	tape_free(e->tape);
}

static void
come(struct loop_end *e)
{
	if (port_attach(e->port, &e->base, 42) < 0)
		tap_bail("the port is taken");
	port_ready(e->port, &e->base);
}

/* ---- The port ------------------------------------------------------------ */

static int
ask(struct port *p, uint64_t generation, struct port_call *call)
{
	*call = (struct port_call){ .request = { .op = PMT_LOAD } };
	return port_exchange(p, generation, call);
}

static void
test_coming(void)
{
	struct port *p = port_new();
	struct loop_end e = new_end(p);
	struct loop_end other = new_end(p);
	struct port_call call;

	alarms = changes = 0;
	port_listen(p, note_change, NULL);
	tap_is_int(0, (int)port_generation(p), "a new port has no slave");
	tap_is_int(-ENOLINK, ask(p, 0, &call), "... whom one could ask");
	tap_is_int(0, port_attach(p, &e.base, 42), "one attaches");
	tap_is_int(-EBUSY, port_attach(p, &other.base, 43), "... and only one");
	tap_is_int(0, (int)port_generation(p), "he is none before HELLO");
	tap_is_int(0, (int)changes, "... which nobody is told");
	port_ready(p, &e.base);
	tap_is_int(1, (int)port_generation(p), "with HELLO he is the first");
	tap_is_int(1, (int)changes, "... and the listener knows");
	tap_is_int(0, ask(p, 1, &call), "he is asked");
	tap_ok(call.reply.op == PMT_LOAD && call.request.id > 0,
	    "... and has answered");
	port_detach(p, &e.base);
	tap_is_int(0, (int)port_generation(p), "he goes");
	tap_is_int(2, (int)changes, "... and the listener knows");
	tap_is_int(0, (int)alarms, "... but it is nothing to tell of");
	tap_is_int(-ENOLINK, ask(p, 1, &call), "he is not asked any more");
	come(&other);
	tap_is_int(2, (int)port_generation(p), "the next is the second");
	tap_is_int(-ENOLINK, ask(p, 1, &call), "... and not the first");
	tap_is_int(0, ask(p, 2, &call), "... as whom he is asked");
	port_listen(p, NULL, NULL);
	free_end(&e);
	free_end(&other);
	port_free(p);
}

static void
thrown_out(int failure, const char *words)
{
	struct port *p = port_new();
	struct loop_end e = new_end(p);
	struct port_call call;

	port_set_timeout(p, 7000);
	come(&e);
	alarms = 0;
	e.fails = failure;
	tap_is_int(-ENOLINK, ask(p, 1, &call), "an exchange fails: %s",
	    strerror(-failure));
	tap_is_int(1, (int)e.cuts, "... its slave is let go");
	tap_is_int(1, (int)alarms, "... with one line");
	tap_ok(strstr(said, words) != NULL, "... that has these words: %s",
	    said);
	tap_ok(strstr(call.why, words) != NULL,
	    "... as whoever has asked gets them");
	tap_is_int(0, port_attach(p, &e.base, 42), "... and the place is free");
	free_end(&e);
	port_free(p);
}

static void
test_leaving(void)
{
	struct port *p = port_new();
	struct loop_end e = new_end(p);
	struct port_call call;

	come(&e);
	alarms = 0;
	e.fails = -EPIPE;
	e.leaves = true;
	tap_is_int(-ENOLINK, ask(p, 1, &call),
	    "a slave leaves while he is asked, and another comes");
	tap_is_int(1, (int)alarms, "... which is told once");
	tap_is_int(0, (int)e.cuts, "... and the other one stays");
	tap_is_int(2, (int)port_generation(p), "... as the second");
	port_throw_out(p, &e.base, "a test");
	tap_is_int(1, (int)e.cuts, "he can be thrown out");
	port_throw_out(p, &e.base, "a test");
	tap_is_int(1, (int)e.cuts, "... once");
	come(&e);
	port_cut(p, "the end");
	tap_is_int(2, (int)e.cuts, "at the end whoever is there is let go");
	tap_is_int(-ENOTCONN, port_attach(p, &e.base, 42),
	    "... and nobody comes any more");
	free_end(&e);
	port_free(p);
}

/* ---- The tape ------------------------------------------------------------ */

static const struct tape_type *const types[] = { &pair_tape_type, NULL };

static struct tape *
new_tape(void)
{
	struct spec_error e;
	struct spec *spec;
	struct tape *t;

	if (spec_parse("pair:", types, &spec, &e) < 0 ||
	    spec_open(spec, &t, &e) < 0)
		tap_bail("%s", e.text);
	spec_free(spec);
	return t;
}

static bool
is_fresh(struct tape *t)
{
	struct tape_info info;

	tape_describe(t, &info);
	return info.fresh;
}

static bool
is_loaded(struct tape *t)
{
	struct tape_info info;

	tape_describe(t, &info);
	return info.loaded;
}

static void
test_life(void)
{
	struct tape *t = new_tape();
	struct loop_end e = new_end(pair_port(t));
	enum tape_cond cond;

	tap_is_int(-ENOMEDIUM, tape_load(t),
	    "without a slave there is no tape");
	tap_ok(!is_fresh(t), "... to be loaded");
	come(&e);
	tap_ok(is_fresh(t) && !is_loaded(t), "a slave is a tape to be loaded");
	tap_is_int(-ENOMEDIUM, tape_rewind(t), "... before it can be used");
	tap_is_int(0, (int)e.asked, "... and nobody asks him before");
	tap_is_int(0, tape_load(t), "it is loaded");
	tap_ok(!is_fresh(t) && is_loaded(t), "... and not fresh any more");
	tap_is_int(0, tape_write(t, "abc", 3, &cond), "a record is written");
	tap_is_int(1, (int)t->pos.object, "... and the position follows");
	tap_is_int(0, tape_unload(t), "it is unloaded");
	tap_is_int(PMT_UNLOAD, e.last, "... which the slave is told");
	tap_ok(!is_fresh(t), "... and is not offered again by itself");
	tap_is_int(0, tape_load(t), "... but can be loaded");
	free_end(&e);
	tape_free(t);
}

static void
test_loss(void)
{
	struct tape *t = new_tape();
	struct loop_end e = new_end(pair_port(t));
	enum tape_cond cond;
	uint32_t done;
	uint64_t passed;
	size_t len;
	char buf[8];

	come(&e);
	(void)tape_load(t);
	(void)tape_write(t, "abc", 3, &cond);
	e.fails = -EPIPE;
	tap_is_int(-EIO, tape_write(t, "def", 3, &cond), "the slave dies: EIO");
	tap_ok(!t->pos.known, "... and the position is lost");
	e.fails = 0;
	come(&e);
	tap_is_int(-EIO, tape_write(t, "def", 3, &cond),
	    "another one comes, and a write is EIO still");
	tap_is_int(-EIO, tape_read(t, buf, 8, &len, &cond), "... a read");
	tap_is_int(-EIO, tape_rewind(t), "... a rewind");
	tap_is_int(-EIO, tape_locate(t, 0, 0, &cond), "... a locate");
	tap_is_int(-EIO, tape_space(t, TAPE_TO_EOD, 0, &passed, &cond),
	    "... a space to the end of data");
	tap_is_int(-EIO, tape_write_filemarks(t, 0, false, &done, &cond),
	    "... a sync");
	tap_ok(is_fresh(t) && !is_loaded(t), "his tape is one to be loaded");
	tap_is_int(0, tape_load(t), "... and then");
	tap_ok(t->pos.known && t->pos.object == 0, "... stands at BOT");
	(void)tape_write(t, "abc", 3, &cond);
	port_detach(pair_port(t), &e.base);
	tap_is_int(-EIO, tape_unload(t),
	    "a slave that goes with what is not durable is no good unload");
	tap_is_int(0, tape_unload(t), "... but once is enough");
	come(&e);
	(void)tape_load(t);
	(void)tape_write(t, "abc", 3, &cond);
	(void)tape_write_filemarks(t, 0, false, &done, &cond);
	port_detach(pair_port(t), &e.base);
	tap_is_int(0, tape_unload(t), "what was durable is none the worse");
	free_end(&e);
	tape_free(t);
}

static void
test_vanished(void)
{
	struct tape *t = new_tape();
	struct loop_end e = new_end(pair_port(t));
	enum tape_cond cond;
	size_t len;
	char buf[8];

	come(&e);
	(void)tape_load(t);
	(void)tape_write(t, "abc", 3, &cond);
	e.error = ENOMEDIUM;
	tap_is_int(-EIO, tape_write(t, "abc", 3, &cond),
	    "a slave whose tape has vanished: EIO");
	tap_is_int(-EIO, tape_read(t, buf, 8, &len, &cond), "... to a read");
	e.error = 0;
	e.parts = true;
	tap_is_int(0, tape_unload(t),
	    "a slave that has unloaded may go at once");
	free_end(&e);
	tape_free(t);
}

/* The header says that the medium is full, but its words never come. */
static void
test_half(void)
{
	struct tape *t = new_tape();
	struct loop_end e = new_end(pair_port(t));
	enum tape_cond cond;
	uint32_t done;

	come(&e);
	(void)tape_load(t);
	e.half = PMT_EOM;
	tap_is_int(-EIO, tape_write(t, "abc", 3, &cond),
	    "a slave that dies in the middle of \"full\" has not said it");
	tap_is_int(TAPE_NONE, cond, "... to a write");
	e.half = PMT_NONE;
	come(&e);
	(void)tape_load(t);
	e.half = PMT_EOM;
	tap_is_int(-EIO, tape_write_filemarks(t, 2, false, &done, &cond),
	    "... to filemarks");
	tap_ok(cond == TAPE_NONE && done == 0, "... of which none is written");
	free_end(&e);
	tape_free(t);
}

static void
test_words(void)
{
	struct tape *t = new_tape();
	struct loop_end e = new_end(pair_port(t));

	come(&e);
	(void)tape_load(t);
	e.garbage = "no\nway\033[2J";
	tap_is_int(-EIO, tape_rewind(t), "an error of the slave's passes");
	tap_is_str("slave: no?way?[2J", tape_why(t),
	    "... with his words, as far as they are printable");
	free_end(&e);
	tape_free(t);
}

/* ---- The drive ----------------------------------------------------------- */

static void
test_drive(void)
{
	struct tape *t = new_tape();
	struct loop_end e = new_end(pair_port(t));
	struct drive *d = drive_new(t);

	if (d == NULL)
		tap_bail("no drive");
	tap_is_int(-ENOMEDIUM, drive_open(d, O_RDWR, 0, false),
	    "a drive without a slave has no tape");
	come(&e);
	tap_is_int(0, drive_open(d, O_RDWR, 0, false), "with one it has");
	tap_is_int(3, (int)drive_write(d, "abc", 3), "... to write on");
	e.fails = -EPROTO;
	tap_is_int(-EIO, (int)drive_write(d, "abc", 3), "he lies: EIO");
	e.fails = 0;
	come(&e);
	tap_is_int(-EIO, (int)drive_write(d, "abc", 3),
	    "another comes, but not to this open file");
	tap_is_int(-EIO, drive_close(d), "... whose close fails");
	tap_is_int(0, drive_open(d, O_RDWR, 0, false), "the next has him");
	tap_is_int(PMT_DESCRIBE, e.last, "... and has loaded him");
	tap_is_int(0, drive_close(d), "... and closes");
	port_detach(pair_port(t), &e.base);
	tap_is_int(-ENOMEDIUM, drive_open(d, O_RDWR, 0, false),
	    "he goes, and there is no tape");
	tap_is_int(0, drive_open(d, O_RDWR | O_NONBLOCK, 0, false),
	    "... as can be seen with O_NONBLOCK");
	tap_is_int(0, drive_close(d), "... and closed");
	free_end(&e);
	drive_free(d);
}

int
main(void)
{
	tape_set_alarm(note_alarm);
	test_coming();
	thrown_out(-EPROTO, "thrown out: nonsense");
	thrown_out(-ETIMEDOUT, "no answer to LOAD in 7 s");
	thrown_out(-EPIPE, "gone, with no answer to LOAD");
	test_leaving();
	test_life();
	test_loss();
	test_vanished();
	test_half();
	test_words();
	test_drive();
	return tap_done();
}
