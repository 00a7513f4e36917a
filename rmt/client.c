/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rmt tape, as a type; see client.h, and client_state.h for the other
 * parts. Owns what the spec says, loading, and what needs no motion.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/mtio.h>

#include "client.h"
#include "client_state.h"

#define TIMEOUT_DEFAULT 900 /* seconds */
#define END_MS 5000	    /* that a server gets to end after its close */
#define HOST_MAX 255
#define PATH_LIMIT 1023

/* ---- Loading ------------------------------------------------------------- */

static void
blank(struct rmt_client *c)
{
	rmt_client_forget(c);
	rmt_map_clear(&c->map);
	c->limit = TAPE_MAX_RECORD;
	c->seen = 0;
	c->ahead_n = 0;
	c->streak = 0;
	c->narrow_from = UINT64_MAX;
}

static int
rmt_load(struct tape *t)
{
	struct rmt_client *c = rmt_client_of(t);
	int r;

	if (c->loaded)
		return rmt_client_rewind(t);
	blank(c);
	r = rmt_client_connect(c);
	if (r < 0)
		return r;
	c->loaded = true;
	rmt_client_stand(c, 0);
	return 0;
}

static void
let_go(struct rmt_client *c)
{
	rmt_link_close(c->link, END_MS);
	c->link = NULL;
	blank(c);
	c->loaded = c->writing = c->at_known = false;
	c->base.pos = (struct tape_pos){ .known = false };
}

/*
 * The close of the device is waited for: it may fail, and it tells.  Nothing
 * was left to write, so that nothing is lost with the link.
 */
static int
close_device(struct rmt_client *c)
{
	const struct rmt_request q = { .kind = RMT_CLOSE };
	struct rmt_reply reply;
	int r = rmt_client_call(c, &q, &reply);

	if (r == 0 && reply.kind != RMT_DONE)
		r = rmt_client_errno(c, &reply);
	if (r < 0 && r != -ENOLINK)
		return rmt_client_fail(c, EIO, "can't be closed");
	return 0;
}

static int
rmt_unload(struct tape *t)
{
	struct rmt_client *c = rmt_client_of(t);
	unsigned losses = 0;
	int r = 0;

	if (!c->loaded)
		return 0;
	/* A link that is gone, with nothing on its way, is let be. */
	while (r == 0 && (c->link != NULL || c->writing || c->sent_n > 0)) {
		r = rmt_client_settle(c);
		if (r == 0)
			r = rmt_client_idle(c);
		if (r == 0) {
			r = close_device(c);
			break;
		}
		if (r == -ENOLINK) /* what is left of it is looked at */
			r = rmt_client_again(c, r, &losses);
	}
	let_go(c);
	return r;
}

static void
rmt_free(struct tape *t)
{
	struct rmt_client *c = rmt_client_of(t);

	if (c->loaded)
		(void)rmt_unload(t); /* whoever cares has unloaded it */
	rmt_map_free(&c->map);
	free(c->name);
	free(c->user);
	free(c->host);
	free(c->device);
	free(c->rsh);
	free(c->rmt);
	free(c);
}

static void
rmt_describe(struct tape *t, struct tape_info *ret_info)
{
	struct rmt_client *c = rmt_client_of(t);

	*ret_info = (struct tape_info){
		.min_record = 1,
		.max_record = c->limit,
		.granularity = 1,
		.partitions = 1,
		.max_partitions = 1,
		.room = c->limit,
		.loaded = c->loaded,
		.write_protected = c->protection != NULL,
		.can_compress =
		    c->loaded && c->dialect->numbers == RMT_NUMBERS_LINUX,
		.density = c->density,
	};
	(void)snprintf(ret_info->medium, sizeof(ret_info->medium), "%s",
	    c->name); /* cut is fine */
}

static int
rmt_set(struct tape *t, enum tape_param param, uint32_t value)
{
	struct rmt_client *c = rmt_client_of(t);
	int r = rmt_client_settle(c);

	if (r < 0)
		return r;
	if (value > (param == TAPE_COMPRESSION ? 1 : UINT8_MAX))
		return tape_fail(t, EINVAL, "there is no such value");
	r = rmt_client_op(c,
	    param == TAPE_COMPRESSION ? MTCOMPRESSION : MTSETDENSITY,
	    (int32_t)value);
	if (r == -ENOLINK)
		return rmt_client_lose(c, "can't be set");
	if (r < 0)
		return tape_fail(t, EOPNOTSUPP, "%s: the drive refuses: %s",
		    c->name, strerror(-r));
	if (param == TAPE_DENSITY)
		c->density = (uint8_t)value;
	return 0;
}

static int
rmt_erase(struct tape *t, bool whole)
{
	struct rmt_client *c = rmt_client_of(t);
	unsigned losses = 0;
	int r = rmt_client_settle(c);

	if (r < 0)
		return r;
	if (c->protection != NULL)
		return tape_fail(t, EROFS, "%s: write protected: %s", c->name,
		    c->protection);
	if (!t->pos.known)
		return rmt_client_lose(c, "can't be erased");
	do {
		r = rmt_client_go(c, t->pos.object);
		if (r == 0)
			r = rmt_client_idle(c);
		if (r == 0)
			r = rmt_client_op(c, MTERASE, whole);
		if (r != -ENOLINK)
			break;
		r = rmt_client_again(c, r, &losses);
		if (r < 0)
			return r;
	} while (true);
	if (r < 0)
		return rmt_client_fail(c, -r, "can't be erased");
	rmt_map_cut(&c->map, t->pos.object);
	c->map.ends = true;
	return 0;
}

static void
rmt_report(struct tape *t, const struct tape_listener *listener)
{
	struct rmt_client *c = rmt_client_of(t);

	tape_plain_report(t, listener);
	if (!c->loaded)
		return;
	if (c->link == NULL)
		tape_tell_line(listener, "rmt: %s: no link: %s", c->name,
		    c->broken_why);
	else
		tape_tell_line(listener,
		    "rmt: %s: dialect %s, %zu records (%" PRIu64
		    " bytes) on their way",
		    c->name, c->dialect->name, c->sent_n, c->sent_bytes);
}

static const struct tape_ops rmt_ops = {
	.name = "rmt",
	.load = rmt_load,
	.unload = rmt_unload,
	.describe = rmt_describe,
	.set = rmt_set,
	.read = rmt_client_read,
	.write = rmt_client_write,
	.write_filemarks = rmt_client_write_filemarks,
	.space = rmt_client_space,
	.locate = rmt_client_locate,
	.rewind = rmt_client_rewind,
	.erase = rmt_erase,
	.tell = tape_tell_known,
	.format = tape_unsupported_format,
	.report = rmt_report,
	.free = rmt_free,
};

/* ---- The spec ------------------------------------------------------------ */

/* What neither a shell nor a program takes for anything but a word. */
static bool
is_word(const char *text, const char *also, size_t max)
{
	size_t len = strlen(text);

	if (len == 0 || len > max || text[0] == '-')
		return false;
	for (const char *p = text; *p != '\0'; p++)
		if (!isascii((unsigned char)*p) ||
		    (!isalnum((unsigned char)*p) && strchr(also, *p) == NULL))
			return false;
	return true;
}

static bool
is_device(const char *text)
{
	size_t len = strlen(text);

	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	return len > 0 && len <= RMT_DEVICE_MAX;
}

/* "[user@]host:device"; a host may be an IPv6 address in brackets. */
static int
take_name(struct rmt_client *c, const char *arg, struct spec_error *e)
{
	char *at, *colon;
	char *host = strdup(arg);

	c->name = strdup(arg);
	if (host == NULL || c->name == NULL) {
		free(host);
		return spec_fail(e, ENOMEM, "rmt: out of memory");
	}
	at = strchr(host, '@');
	colon = strchr(host, ':');
	if (at != NULL && (colon == NULL || at < colon)) {
		*at = '\0';
		c->user = strdup(host);
		memmove(host, at + 1, strlen(at + 1) + 1);
	}
	at = host[0] == '[' ? strchr(host, ']') : host;
	colon = at == NULL ? NULL : strchr(at, ':');
	if (colon != NULL && colon > host) {
		*colon = '\0';
		c->device = strdup(colon + 1);
		if (host[0] == '[' && colon == at + 1) {
			*at = '\0'; /* ssh wants no brackets */
			memmove(host, host + 1, strlen(host + 1) + 1);
		}
	}
	c->host = host;
	if (c->device == NULL || !is_device(c->device) ||
	    !is_word(c->host, "._-:%", HOST_MAX) ||
	    (c->user != NULL && !is_word(c->user, "._-+", HOST_MAX)))
		return spec_fail(e, EINVAL,
		    "rmt:%s: is not [USER@]HOST:DEVICE, with names of plain "
		    "characters",
		    arg);
	return 0;
}

/* Option, environment, default: the first there is. */
static char *
program(const struct spec *spec, const char *key, const char *variable,
    const char *otherwise)
{
	const char *env = getenv(variable);

	if (env == NULL || env[0] == '\0')
		env = otherwise;
	return strdup(spec_text(spec, key, env));
}

static int
take_options(struct rmt_client *c, const struct spec *spec,
    struct spec_error *e)
{
	const char *dialect = spec_text(spec, "dialect", "auto");

	c->rsh = program(spec, "rsh", "RSH", "ssh");
	c->rmt = program(spec, "rmt", "RMT", "/usr/sbin/rmt");
	if (c->rsh == NULL || c->rmt == NULL)
		return spec_fail(e, ENOMEM, "rmt: out of memory");
	if (c->rsh[0] == '\0' || strlen(c->rsh) > PATH_LIMIT)
		return spec_fail(e, EINVAL, "rmt: rsh: no program");
	if (!is_word(c->rmt, "/._-+", PATH_LIMIT))
		return spec_fail(e, EINVAL,
		    "rmt: rmt=%s: a shell would take that apart; name a "
		    "program by plain characters",
		    c->rmt);
	c->timeout_ms =
	    (int64_t)spec_number(spec, "timeout", TIMEOUT_DEFAULT) * 1000;
	c->window = (uint32_t)spec_number(spec, "window", 0);
	c->asked = rmt_dialect_named(dialect);
	if (c->asked == NULL && strcmp(dialect, "auto") != 0)
		return spec_fail(e, EINVAL,
		    "rmt: dialect=%s: none of auto, gnu, dump, olddump, "
		    "schily, sun, bsd, linux, plain",
		    dialect);
	return 0;
}

static int
rmt_open(const struct spec *spec, struct tape **ret_tape, struct spec_error *e)
{
	struct rmt_client *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL)
		return spec_fail(e, ENOMEM, "rmt: out of memory");
	tape_init(&c->base, &rmt_ops);
	blank(c);
	r = take_name(c, spec->arg, e);
	if (r == 0)
		r = take_options(c, spec, e);
	if (r < 0) {
		rmt_free(&c->base);
		return r;
	}
	*ret_tape = &c->base;
	return 0;
}

#define WINDOW_MAX (UINT64_C(64) << 20)

static const struct spec_key rmt_own_keys[] = {
	{ "rsh", SPEC_TEXT, 0, 0 },
	{ "rmt", SPEC_TEXT, 0, 0 },
	{ "timeout", SPEC_NUMBER, 1, 86400 },
	{ "window", SPEC_SIZE, 0, WINDOW_MAX },
	{ "dialect", SPEC_TEXT, 0, 0 },
	{ NULL, SPEC_TEXT, 0, 0 },
};

static const struct spec_key *const rmt_keys[] = { rmt_own_keys, NULL };

const struct tape_type rmt_tape_type = {
	.name = "rmt",
	.arg_help = "[USER@]HOST:DEVICE",
	.arg_required = true,
	.keys = rmt_keys,
	.open = rmt_open,
};
