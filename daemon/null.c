/* SPDX-License-Identifier: BSD-2-Clause */
/* The null tape; see null.h.  End of data is always where the tape stands. */
#include <errno.h>
#include <stdlib.h>

#include "limit.h"
#include "null.h"
#include "tape.h"

struct null_tape {
	struct tape base;
	struct limit limit;
	uint64_t bytes; /* payload before here */
	bool loaded;
};

static struct null_tape *
null_of(struct tape *t)
{
	return (struct null_tape *)t;
}

static int
need_medium(struct null_tape *n)
{
	return n->loaded ? 0 : tape_fail(&n->base, ENOMEDIUM, "no tape loaded");
}

static void
to_bot(struct null_tape *n)
{
	n->bytes = 0;
	n->base.pos = (struct tape_pos){ .known = true };
}

static int
null_load(struct tape *t)
{
	null_of(t)->loaded = true;
	to_bot(null_of(t));
	return 0;
}

static int
null_unload(struct tape *t)
{
	null_of(t)->loaded = false;
	return 0;
}

static void
null_describe(struct tape *t, struct tape_info *ret_info)
{
	struct null_tape *n = null_of(t);

	limit_describe(&n->limit, ret_info);
	ret_info->loaded = n->loaded;
	ret_info->used = n->bytes;
	ret_info->room = limit_room(&n->limit, n->bytes, n->base.pos.object);
}

static int
null_read(struct tape *t, void *buf, size_t size, size_t *ret_len,
    enum tape_cond *ret_cond)
{
	(void)buf; /* there is never a record */
	(void)size;
	*ret_len = 0;
	*ret_cond = TAPE_EOD;
	return need_medium(null_of(t));
}

/* Room for one more object of ${len} bytes, or -ENOSPC. */
static int
take(struct null_tape *n, size_t len, enum tape_cond *ret_cond)
{
	uint64_t bytes = n->bytes + len;
	uint64_t objects = n->base.pos.object + 1;

	if (limit_exceeded(&n->limit, bytes, objects)) {
		*ret_cond = TAPE_EOM;
		return tape_fail(&n->base, ENOSPC, "end of medium");
	}
	n->bytes = bytes;
	n->base.pos.object = objects;
	*ret_cond = limit_cond(&n->limit, bytes, objects);
	return 0;
}

static int
null_write(struct tape *t, const void *buf, size_t len,
    enum tape_cond *ret_cond)
{
	int r = need_medium(null_of(t));

	(void)buf; /* this is the point of it */
	return r < 0 ? r : take(null_of(t), len, ret_cond);
}

static int
null_write_filemarks(struct tape *t, uint32_t count, bool immediate,
    uint32_t *ret_done, enum tape_cond *ret_cond)
{
	struct null_tape *n = null_of(t);
	int r = need_medium(n);

	(void)immediate; /* nothing is ever pending */
	*ret_done = 0;
	while (r == 0 && *ret_done < count) {
		r = take(n, 0, ret_cond);
		if (r == 0) {
			n->base.pos.file++;
			++*ret_done;
		}
	}
	return r;
}

static int
null_space(struct tape *t, enum tape_unit unit, int64_t count,
    uint64_t *ret_done, enum tape_cond *ret_cond)
{
	int r = need_medium(null_of(t));

	*ret_done = 0;
	if (r < 0 || unit == TAPE_TO_EOD || count == 0)
		return r;
	*ret_cond = count > 0 ? TAPE_EOD : TAPE_BOT;
	if (count < 0)
		to_bot(null_of(t));
	return 0;
}

static int
null_locate(struct tape *t, uint32_t partition, uint64_t object,
    enum tape_cond *ret_cond)
{
	struct null_tape *n = null_of(t);
	int r = need_medium(n);

	if (r == 0 && partition != 0)
		r = tape_fail(t, EINVAL, "there is only partition 0");
	if (r < 0)
		return r;
	if (object < n->base.pos.object)
		to_bot(n);
	*ret_cond = object == n->base.pos.object ? TAPE_NONE : TAPE_EOD;
	return 0;
}

static int
null_rewind(struct tape *t)
{
	int r = need_medium(null_of(t));

	if (r == 0)
		to_bot(null_of(t));
	return r;
}

static int
null_erase(struct tape *t, bool whole)
{
	(void)whole; /* nothing follows either way */
	return need_medium(null_of(t));
}

static void
null_free(struct tape *t)
{
	free(null_of(t));
}

static const struct tape_ops null_ops = {
	.name = "null",
	.load = null_load,
	.unload = null_unload,
	.describe = null_describe,
	.set = tape_unsupported_set,
	.read = null_read,
	.write = null_write,
	.write_filemarks = null_write_filemarks,
	.space = null_space,
	.locate = null_locate,
	.rewind = null_rewind,
	.erase = null_erase,
	.tell = tape_tell_known,
	.format = tape_unsupported_format,
	.report = tape_plain_report,
	.free = null_free,
};

static int
null_open(const struct spec *spec, struct tape **ret_tape, struct spec_error *e)
{
	struct null_tape *n = calloc(1, sizeof(*n));
	int r;

	if (n == NULL)
		return spec_fail(e, ENOMEM, "null: out of memory");
	r = limit_from_spec(&n->limit, spec, e);
	if (r < 0) {
		free(n);
		return r;
	}
	tape_init(&n->base, &null_ops);
	*ret_tape = &n->base;
	return 0;
}

static const struct spec_key *const null_keys[] = { limit_keys, NULL };

const struct tape_type null_tape_type = {
	.name = "null",
	.arg_help = "",
	.keys = null_keys,
	.open = null_open,
};
