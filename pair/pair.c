/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pair tape; see pair.h.
 *
 * ${generation} is the slave whose medium is loaded.  When the port has another
 * one, or none, every operation fails with EIO and the position is not known;
 * tape_load() goes to the slave that is there then.  A slave that was asked to
 * unload has no medium to offer by himself until he is asked to load again.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "listen.h"
#include "pair.h"
#include "port.h"
#include "tape.h"
#include "wire.h"

struct pair {
	struct tape base;
	struct port *port;
	struct listen *listen; /* NULL: no socket */
	uint64_t generation;   /* whose medium is loaded; 0: none is */
	uint64_t unloaded;     /* who was asked to unload last */
	bool dirty;	       /* written to since the last sync point */
	struct pmt_info info;
	uint64_t used;
	uint32_t room;
};

static struct pair *
pair_of(struct tape *t)
{
	return (struct pair *)t;
}

/* ---- Asking -------------------------------------------------------------- */

/* Words from the slave go to logs: nothing but printable characters. */
static void
make_printable(char *text)
{
	for (; *text != '\0'; text++)
		if (!isprint((unsigned char)*text))
			*text = '?';
}

static struct pmt_position
position_of(const struct tape_pos *pos)
{
	return (struct pmt_position){ .object = pos->object,
		.file = pos->file,
		.partition = pos->partition,
		.known = pos->known };
}

/* What each reply tells of the tape. */
static void
take_state(struct pair *p, const struct pmt_reply *reply)
{
	p->base.pos = (struct tape_pos){ .object = reply->at.object,
		.file = reply->at.file,
		.partition = reply->at.partition,
		.known = reply->at.known };
	p->used = reply->used;
	p->room = reply->room < TAPE_MAX_RECORD ? reply->room : TAPE_MAX_RECORD;
}

/*
 * st: to a program that has the drive open, a medium that has vanished is a
 * failure of the medium.
 */
static int
error_of(const struct port_call *call)
{
	bool transfers =
	    call->request.op == PMT_READ || call->request.op == PMT_WRITE;

	return transfers && call->reply.error == ENOMEDIUM ? EIO
							   : call->reply.error;
}

/* Puts ${call} to the slave ${generation}, whatever is loaded. */
static int
ask(struct pair *p, uint64_t generation, struct port_call *call)
{
	struct tape *t = &p->base;
	int r;

	call->request.at = position_of(&t->pos);
	r = port_exchange(p->port, generation, call);
	if (r < 0) {
		/* A header may have come, but not the answer: it is none. */
		call->reply = (struct pmt_reply){ 0 };
		t->pos.known = false;
		return tape_fail(t, EIO, "%s", call->why);
	}
	take_state(p, &call->reply);
	if (call->reply.error == 0)
		return 0;
	call->side[call->reply.len] = '\0';
	make_printable((char *)call->side);
	return tape_fail(t, error_of(call), "slave: %s",
	    call->side[0] != '\0' ? (const char *)call->side
				  : strerror(call->reply.error));
}

static int
need_medium(struct pair *p)
{
	return p->generation != 0
	    ? 0
	    : tape_fail(&p->base, ENOMEDIUM, "pair: no tape loaded");
}

/* The same of the medium that is loaded. */
static int
ask_loaded(struct pair *p, struct port_call *call)
{
	int r = need_medium(p);

	return r < 0 ? r : ask(p, p->generation, call);
}

/* And from a position that is known. */
static int
ask_here(struct pair *p, struct port_call *call)
{
	int r = need_medium(p);

	if (r == 0 && !p->base.pos.known)
		r = tape_fail(&p->base, EIO,
		    port_generation(p->port) == p->generation
			? "pair: the position is lost"
			: "pair: the slave has gone, and the tape with him");
	return r < 0 ? r : ask(p, p->generation, call);
}

static enum tape_cond
cond_of(const struct port_call *call)
{
	static const enum tape_cond conds[] = {
		[PMT_NONE] = TAPE_NONE,
		[PMT_FILEMARK] = TAPE_FILEMARK,
		[PMT_EOD] = TAPE_EOD,
		[PMT_BOT] = TAPE_BOT,
		[PMT_EARLY_WARNING] = TAPE_EARLY_WARNING,
		[PMT_EOM] = TAPE_EOM,
	};

	return conds[call->reply.cond]; /* wire.c knows no others */
}

/* ---- Loading ------------------------------------------------------------- */

static int
learn_info(struct pair *p, uint64_t generation)
{
	struct port_call call = { .request = { .op = PMT_DESCRIBE } };
	const char *why;
	int r = ask(p, generation, &call);

	if (r == 0 && pair_wire_get_info(call.side, &p->info, &why) < 0)
		r = tape_fail(&p->base, EIO, "slave: %s", why);
	if (r == 0)
		make_printable(p->info.medium);
	return r;
}

static void
forget(struct pair *p)
{
	p->generation = 0;
	p->dirty = false;
	p->base.pos = (struct tape_pos){ .known = false };
}

static int
pair_load(struct tape *t)
{
	struct port_call call = { .request = { .op = PMT_LOAD } };
	struct pair *p = pair_of(t);
	uint64_t generation = port_generation(p->port);
	int r;

	if (generation == 0 || generation != p->generation)
		forget(p);
	if (generation == 0)
		return tape_fail(t, ENOMEDIUM,
		    "pair: no program has the slave end");
	r = ask(p, generation, &call);
	if (r == 0)
		r = learn_info(p, generation);
	if (r < 0) {
		forget(p);
		return r;
	}
	p->generation = generation;
	p->unloaded = 0;
	return 0;
}

/* A slave that has gone takes nothing along that was not durable before. */
static int
pair_unload(struct tape *t)
{
	struct port_call call = { .request = { .op = PMT_UNLOAD } };
	struct pair *p = pair_of(t);
	int r = -EIO;

	if (p->generation == 0)
		return 0;
	if (port_generation(p->port) == p->generation)
		r = ask(p, p->generation, &call);
	if (r < 0 && port_generation(p->port) != p->generation)
		r = p->dirty ? tape_fail(t, EIO,
				   "pair: the slave has gone, with data that "
				   "may be lost")
			     : 0;
	p->unloaded = p->generation;
	forget(p);
	return r;
}

static void
pair_describe(struct tape *t, struct tape_info *ret_info)
{
	struct pair *p = pair_of(t);
	uint64_t generation = port_generation(p->port);

	ret_info->fresh = generation != 0 && generation != p->generation &&
	    generation != p->unloaded;
	if (p->generation == 0)
		return;
	if (generation != p->generation)
		t->pos.known = false; /* the medium went with the slave */
	ret_info->min_record = p->info.min_record;
	ret_info->max_record = p->info.max_record;
	ret_info->max_read = p->info.max_read;
	ret_info->granularity = p->info.granularity;
	ret_info->partitions = p->info.partitions;
	ret_info->max_partitions = p->info.max_partitions;
	ret_info->capacity = p->info.capacity;
	ret_info->used = p->used;
	ret_info->room = p->room;
	ret_info->loaded = generation == p->generation;
	ret_info->write_protected = p->info.write_protected;
	ret_info->can_compress = p->info.can_compress;
	ret_info->density = p->info.density;
	memcpy(ret_info->medium, p->info.medium, sizeof(ret_info->medium));
}

static int
pair_set(struct tape *t, enum tape_param param, uint32_t value)
{
	struct port_call call = { .request = { .op = PMT_SET,
				      .unit = param == TAPE_COMPRESSION
					  ? PMT_COMPRESSION
					  : PMT_DENSITY,
				      .count = value } };
	struct pair *p = pair_of(t);
	int r = ask_loaded(p, &call);

	if (r == 0 && param == TAPE_DENSITY)
		p->info.density = (uint8_t)value;
	return r;
}

/* ---- Data ---------------------------------------------------------------- */

static int
pair_read(struct tape *t, void *buf, size_t size, size_t *ret_len,
    enum tape_cond *ret_cond)
{
	size_t asked = size < TAPE_MAX_RECORD ? size : TAPE_MAX_RECORD;
	struct port_call call = {
		.request = { .op = PMT_READ, .count = asked },
		.buf = buf,
		.size = asked,
	};
	int r = ask_here(pair_of(t), &call);

	if (r < 0)
		return r;
	*ret_len = call.reply.done;
	*ret_cond = cond_of(&call);
	return 0;
}

static int
pair_write(struct tape *t, const void *buf, size_t len,
    enum tape_cond *ret_cond)
{
	struct port_call call = { .request = { .op = PMT_WRITE,
				      .count = len,
				      .data = buf,
				      .len = len } };
	struct pair *p = pair_of(t);
	int r = ask_here(p, &call);

	p->dirty = true;
	*ret_cond = cond_of(&call);
	return r;
}

static int
pair_write_filemarks(struct tape *t, uint32_t count, bool immediate,
    uint32_t *ret_done, enum tape_cond *ret_cond)
{
	struct port_call call = { .request = { .op = PMT_FILEMARKS,
				      .flags = immediate ? PMT_IMMEDIATE : 0,
				      .count = count } };
	struct pair *p = pair_of(t);
	int r = ask_here(p, &call);

	if (r < 0 || (immediate && count > 0))
		p->dirty = true;
	else
		p->dirty = false;
	*ret_done = (uint32_t)call.reply.done;
	*ret_cond = cond_of(&call);
	return r;
}

/* ---- Moving -------------------------------------------------------------- */

static int
pair_space(struct tape *t, enum tape_unit unit, int64_t count,
    uint64_t *ret_done, enum tape_cond *ret_cond)
{
	static const enum pmt_unit units[] = {
		[TAPE_RECORDS] = PMT_RECORDS,
		[TAPE_FILEMARKS] = PMT_MARKS,
		[TAPE_TO_EOD] = PMT_TO_EOD,
	};
	struct port_call call = { .request = { .op = PMT_SPACE,
				      .unit = units[unit],
				      .count = (uint64_t)count } };
	struct pair *p = pair_of(t);
	int r = unit == TAPE_TO_EOD ? ask_loaded(p, &call) : ask_here(p, &call);

	if (r < 0)
		return r;
	*ret_done = call.reply.done;
	*ret_cond = cond_of(&call);
	return 0;
}

static int
pair_locate(struct tape *t, uint32_t partition, uint64_t object,
    enum tape_cond *ret_cond)
{
	struct port_call call = { .request = { .op = PMT_LOCATE,
				      .unit = partition,
				      .count = object } };
	struct pair *p = pair_of(t);
	uint32_t before = t->pos.partition;
	int r = need_medium(p);

	if (r == 0 && partition >= p->info.partitions)
		r = tape_fail(t, EINVAL, "pair: there is no partition %" PRIu32,
		    partition);
	if (r == 0)
		r = ask(p, p->generation, &call);
	if (r < 0)
		return r;
	*ret_cond = cond_of(&call);
	/* Its capacity is another; where the tape stands is known already. */
	return partition == before ? 0 : learn_info(p, p->generation);
}

static int
pair_rewind(struct tape *t)
{
	struct port_call call = { .request = { .op = PMT_REWIND } };

	return ask_loaded(pair_of(t), &call);
}

static int
pair_erase(struct tape *t, bool whole)
{
	struct port_call call = { .request = { .op = PMT_ERASE,
				      .flags = whole ? PMT_WHOLE : 0 } };
	struct pair *p = pair_of(t);
	int r = ask_here(p, &call);

	p->dirty = true;
	return r;
}

static int
pair_format(struct tape *t, uint32_t partitions, uint64_t size)
{
	struct port_call call = { .request = { .op = PMT_FORMAT,
				      .unit = partitions,
				      .count = size } };
	struct pair *p = pair_of(t);
	int r = need_medium(p);

	if (r == 0 && partitions > p->info.max_partitions)
		r = tape_fail(t,
		    p->info.max_partitions > 1 ? EINVAL : EOPNOTSUPP,
		    "pair: not that many partitions");
	if (r == 0)
		r = ask(p, p->generation, &call);
	return r < 0 ? r : learn_info(p, p->generation);
}

static void
pair_report(struct tape *t, const struct tape_listener *listener)
{
	tape_plain_report(t, listener);
	port_report(pair_of(t)->port, listener);
}

static void
pair_free(struct tape *t)
{
	struct pair *p = pair_of(t);

	listen_stop(p->listen);
	port_free(p->port);
	free(p);
}

static const struct tape_ops pair_ops = {
	.name = "pair",
	.load = pair_load,
	.unload = pair_unload,
	.describe = pair_describe,
	.set = pair_set,
	.read = pair_read,
	.write = pair_write,
	.write_filemarks = pair_write_filemarks,
	.space = pair_space,
	.locate = pair_locate,
	.rewind = pair_rewind,
	.erase = pair_erase,
	.tell = tape_tell_known,
	.format = pair_format,
	.report = pair_report,
	.free = pair_free,
};

struct port *
pair_port(struct tape *t)
{
	return t->ops == &pair_ops ? pair_of(t)->port : NULL;
}

/* ---- The spec ------------------------------------------------------------ */

#define TIMEOUT_MAX 86400 /* seconds */

static int
take_mode(const struct spec *spec, mode_t *ret_mode, struct spec_error *e)
{
	const char *text = spec_text(spec, "mode", "0600");
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (end == text || *end != '\0' || mode > 0777)
		return spec_fail(e, EINVAL,
		    "pair: mode=%s: not an octal mode up to 0777", text);
	if (spec_has(spec, "mode") && spec->arg[0] == '\0')
		return spec_fail(e, EINVAL,
		    "pair: mode= is the socket's, and there is none");
	*ret_mode = (mode_t)mode;
	return 0;
}

static int
pair_open(const struct spec *spec, struct tape **ret_tape, struct spec_error *e)
{
	struct pair *p;
	mode_t mode = 0600;
	int r = take_mode(spec, &mode, e);

	if (r < 0)
		return r;
	p = calloc(1, sizeof(*p));
	if (p != NULL)
		p->port = port_new();
	if (p == NULL || p->port == NULL) {
		free(p);
		return spec_fail(e, ENOMEM, "pair: out of memory");
	}
	tape_init(&p->base, &pair_ops);
	port_set_timeout(p->port,
	    (unsigned)spec_number(spec, "timeout", 0) * 1000);
	if (spec->arg[0] != '\0')
		r = listen_start(p->port, spec->arg, mode, &p->listen, e);
	if (r < 0) {
		pair_free(&p->base);
		return r;
	}
	*ret_tape = &p->base;
	return 0;
}

static const struct spec_key pair_own_keys[] = {
	{ "timeout", SPEC_NUMBER, 0, TIMEOUT_MAX },
	{ "mode", SPEC_TEXT, 0, 0 },
	{ NULL, SPEC_TEXT, 0, 0 },
};

static const struct spec_key *const pair_keys[] = { pair_own_keys, NULL };

const struct tape_type pair_tape_type = {
	.name = "pair",
	.arg_help = "[SOCKET]",
	.keys = pair_keys,
	.open = pair_open,
};
