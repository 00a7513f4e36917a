/* SPDX-License-Identifier: BSD-2-Clause */
/* The tape in memory; see memtape.h.  Objects lie in one array a partition. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memtape.h"

struct object {
	uint8_t *kept; /* NULL: a filemark, or nothing of the record is kept */
	uint32_t len;  /* bytes, 0: a filemark */
};

struct partition {
	struct object *objects;
	size_t n, room;
	uint64_t max_objects; /* 0: no limit */
};

struct memtape {
	struct tape base;
	struct memtape_config config;
	struct partition parts[TAPE_MAX_PARTITIONS];
	unsigned n_parts;
	uint8_t density;
	bool loaded;
};

static struct memtape *
mem_of(struct tape *t)
{
	return (struct memtape *)t;
}

static struct partition *
here(struct memtape *m)
{
	return &m->parts[m->base.pos.partition];
}

static int
need_medium(struct memtape *m)
{
	return m->loaded ? 0 : tape_fail(&m->base, ENOMEDIUM, "no tape loaded");
}

static int
need_writable(struct memtape *m)
{
	int r = need_medium(m);

	if (r == 0 && m->config.write_protected)
		r = tape_fail(&m->base, EROFS, "the tape is write protected");
	return r;
}

/* Stands before object ${object} of the current partition. */
static void
stand(struct memtape *m, uint64_t object)
{
	const struct partition *p = here(m);
	uint64_t file = 0;

	for (uint64_t i = 0; i < object; i++)
		file += p->objects[i].len == 0;
	m->base.pos.object = object;
	m->base.pos.file = file;
	m->base.pos.known = true;
}

/* Moves over the next or the previous object; whether it is a filemark. */
static bool
step_over(struct memtape *m, int direction)
{
	struct tape_pos *pos = &m->base.pos;
	uint64_t at = direction > 0 ? pos->object : pos->object - 1;
	bool filemark = here(m)->objects[at].len == 0;

	pos->object = direction > 0 ? at + 1 : at;
	if (filemark)
		pos->file = direction > 0 ? pos->file + 1 : pos->file - 1;
	return filemark;
}

static void
cut(struct partition *p, size_t n)
{
	while (p->n > n)
		free(p->objects[--p->n].kept);
}

static int
mem_load(struct tape *t)
{
	struct memtape *m = mem_of(t);

	m->loaded = true;
	t->pos = (struct tape_pos){ .known = true };
	return 0;
}

static int
mem_unload(struct tape *t)
{
	mem_of(t)->loaded = false;
	return 0;
}

/* Bytes that records before object ${n} hold. */
static uint64_t
bytes_before(const struct partition *p, size_t n)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += p->objects[i].len;
	return bytes;
}

/* The limit of the current partition. */
static struct limit
limit_here(struct memtape *m)
{
	struct limit l = m->config.limit;

	l.objects = here(m)->max_objects;
	return l;
}

static uint64_t
used(struct memtape *m)
{
	/* Counting is slow, and only a limit in bytes asks for it. */
	return m->config.limit.capacity == 0
	    ? 0
	    : bytes_before(here(m), (size_t)m->base.pos.object);
}

/* As scsi_debug: a partition has one more unit than objects, for EOD. */
static uint64_t
units(const struct memtape *m)
{
	return m->config.limit.objects + 1;
}

static void
mem_describe(struct tape *t, struct tape_info *ret_info)
{
	struct memtape *m = mem_of(t);
	struct limit l = limit_here(m);

	limit_describe(&l, ret_info);
	ret_info->used = used(m);
	ret_info->room = limit_room(&l, ret_info->used, t->pos.object);
	if (l.objects != 0)
		ret_info->capacity = units(m) * 1000000;
	ret_info->loaded = m->loaded;
	ret_info->write_protected = m->config.write_protected;
	ret_info->partitions = m->n_parts;
	ret_info->max_partitions = m->config.max_partitions;
	ret_info->can_compress = true;
	ret_info->density = m->density;
}

static int
mem_set(struct tape *t, enum tape_param param, uint32_t value)
{
	struct memtape *m = mem_of(t);
	int r = need_medium(m);

	if (r < 0 || param == TAPE_COMPRESSION)
		return r;
	if ((int)value == m->config.refused_density)
		return tape_fail(t, EINVAL, "density %#x", value);
	m->density = (uint8_t)value;
	return 0;
}

static int
mem_read(struct tape *t, void *buf, size_t size, size_t *ret_len,
    enum tape_cond *ret_cond)
{
	struct memtape *m = mem_of(t);
	const struct partition *p = here(m);
	const struct object *o;
	int r = need_medium(m);
	size_t n, kept;

	if (r < 0)
		return r;
	if (t->pos.object >= p->n) {
		*ret_cond = TAPE_EOD;
		return 0;
	}
	o = &p->objects[t->pos.object];
	*ret_len = o->len;
	*ret_cond = step_over(m, 1) ? TAPE_FILEMARK : TAPE_NONE;
	n = size < o->len ? size : o->len;
	kept = n < m->config.keeps ? n : m->config.keeps;
	if (n > 0)
		memset(buf, 0, n);
	if (kept > 0)
		memcpy(buf, o->kept, kept);
	return 0;
}

/* Makes ${o} the last object; on failure there is EOD where the tape stands. */
static int
append(struct memtape *m, struct object o)
{
	struct partition *p = here(m);
	struct object *grown;

	cut(p, (size_t)m->base.pos.object);
	if (p->n == p->room) {
		grown =
		    reallocarray(p->objects, p->room * 2 + 16, sizeof(*grown));
		if (grown == NULL)
			return tape_fail(&m->base, EIO, "out of memory");
		p->objects = grown;
		p->room = p->room * 2 + 16;
	}
	p->objects[p->n++] = o;
	m->base.pos.object++;
	m->base.pos.file += o.len == 0;
	return 0;
}

static bool
is_past_end(struct memtape *m, size_t len)
{
	struct limit l = limit_here(m);

	return limit_exceeded(&l, used(m) + len, m->base.pos.object + 1);
}

/* What a write that has just ended here reports. */
static enum tape_cond
warning(struct memtape *m, size_t len)
{
	struct limit l = limit_here(m);
	enum tape_cond now = limit_cond(&l, used(m), m->base.pos.object);

	if (!m->config.warns_once || now == TAPE_NONE)
		return now;
	if (len > 0 && m->base.pos.object == l.objects)
		return now;
	if (len == 0 ||
	    limit_cond(&l, used(m) - len, m->base.pos.object - 1) != TAPE_NONE)
		return TAPE_NONE;
	return now;
}

static int
mem_write(struct tape *t, const void *buf, size_t len, enum tape_cond *ret_cond)
{
	struct memtape *m = mem_of(t);
	struct object o = { .len = (uint32_t)len };
	size_t kept = len < m->config.keeps ? len : m->config.keeps;
	int r = need_writable(m);

	if (r < 0)
		return r;
	if (is_past_end(m, len)) {
		*ret_cond = TAPE_EOM;
		return tape_fail(t, ENOSPC, "end of medium");
	}
	o.kept = malloc(kept + 1);
	if (o.kept == NULL)
		return tape_fail(t, EIO, "out of memory");
	memcpy(o.kept, buf, kept);
	r = append(m, o);
	if (r < 0)
		free(o.kept);
	else
		*ret_cond = warning(m, len);
	return r;
}

static int
mem_write_filemarks(struct tape *t, uint32_t count, bool immediate,
    uint32_t *ret_done, enum tape_cond *ret_cond)
{
	struct memtape *m = mem_of(t);
	int r = need_writable(m);

	(void)immediate; /* nothing is ever pending */
	while (r == 0 && *ret_done < count) {
		if (is_past_end(m, 0)) {
			*ret_cond = TAPE_EOM;
			return tape_fail(t, ENOSPC, "end of medium");
		}
		r = append(m, (struct object){ .len = 0 });
		if (r == 0)
			++*ret_done;
	}
	if (r == 0 && count > 0)
		*ret_cond = warning(m, 0);
	return r;
}

/* One unit; TAPE_NONE if it was passed, else what stopped it. */
static enum tape_cond
space_unit(struct memtape *m, enum tape_unit unit, int direction)
{
	bool filemark;

	do {
		if (direction > 0 && m->base.pos.object == here(m)->n)
			return TAPE_EOD;
		if (direction < 0 && m->base.pos.object == 0)
			return TAPE_BOT;
		filemark = step_over(m, direction);
	} while (unit == TAPE_FILEMARKS && !filemark);
	return unit == TAPE_RECORDS && filemark ? TAPE_FILEMARK : TAPE_NONE;
}

static int
mem_space(struct tape *t, enum tape_unit unit, int64_t count,
    uint64_t *ret_done, enum tape_cond *ret_cond)
{
	struct memtape *m = mem_of(t);
	uint64_t asked = count < 0 ? -(uint64_t)count : (uint64_t)count;
	uint64_t file = t->pos.file;
	int r = need_medium(m);

	if (r < 0)
		return r;
	if (unit == TAPE_TO_EOD) {
		stand(m, here(m)->n);
		*ret_done = t->pos.file - file;
		return 0;
	}
	while (*ret_cond == TAPE_NONE && *ret_done < asked) {
		*ret_cond = space_unit(m, unit, count < 0 ? -1 : 1);
		if (*ret_cond == TAPE_NONE)
			++*ret_done;
	}
	return 0;
}

static int
mem_locate(struct tape *t, uint32_t partition, uint64_t object,
    enum tape_cond *ret_cond)
{
	struct memtape *m = mem_of(t);
	int r = need_medium(m);

	if (r < 0)
		return r;
	if (partition >= m->n_parts)
		return tape_fail(t, EINVAL, "no partition %u", partition);
	t->pos.partition = partition;
	*ret_cond = object > here(m)->n ? TAPE_EOD : TAPE_NONE;
	stand(m, object > here(m)->n ? here(m)->n : object);
	return 0;
}

static int
mem_rewind(struct tape *t)
{
	int r = need_medium(mem_of(t));

	if (r == 0)
		stand(mem_of(t), 0);
	return r;
}

static int
mem_erase(struct tape *t, bool whole)
{
	struct memtape *m = mem_of(t);
	int r = need_writable(m);

	(void)whole; /* space comes back either way */
	if (r == 0)
		cut(here(m), (size_t)t->pos.object);
	return r;
}

static int
mem_format(struct tape *t, uint32_t partitions, uint64_t size)
{
	struct memtape *m = mem_of(t);
	uint64_t all = units(m);
	uint64_t last = size / 1000000;
	int r = need_writable(m);

	if (r < 0)
		return r;
	if (partitions == 0 || partitions > m->config.max_partitions)
		return tape_fail(t, EINVAL, "%u partitions", partitions);
	if (partitions > 1 && last == 0)
		last = all / partitions;
	if (partitions > 1 && all > 1 && last >= all)
		return tape_fail(t, EINVAL, "a partition of %llu objects",
		    (unsigned long long)last);
	for (unsigned i = 0; i < TAPE_MAX_PARTITIONS; i++)
		cut(&m->parts[i], 0);
	for (unsigned i = 0; all > 1 && partitions > 1 && i < partitions; i++)
		m->parts[i].max_objects =
		    (i == partitions - 1 ? last
					 : (all - last) / (partitions - 1)) -
		    1;
	if (partitions == 1)
		m->parts[0].max_objects = all - 1;
	m->n_parts = partitions;
	t->pos = (struct tape_pos){ .known = true };
	return 0;
}

static void
mem_free(struct tape *t)
{
	struct memtape *m = mem_of(t);

	for (unsigned i = 0; i < TAPE_MAX_PARTITIONS; i++) {
		cut(&m->parts[i], 0);
		free(m->parts[i].objects);
	}
	free(m);
}

static const struct tape_ops mem_ops = {
	.name = "memory",
	.load = mem_load,
	.unload = mem_unload,
	.describe = mem_describe,
	.set = mem_set,
	.read = mem_read,
	.write = mem_write,
	.write_filemarks = mem_write_filemarks,
	.space = mem_space,
	.locate = mem_locate,
	.rewind = mem_rewind,
	.erase = mem_erase,
	.tell = tape_tell_known,
	.format = mem_format,
	.report = tape_plain_report,
	.free = mem_free,
};

struct tape *
memtape_new(const struct memtape_config *config)
{
	struct memtape *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	tape_init(&m->base, &mem_ops);
	m->config = *config;
	m->n_parts = 1;
	m->parts[0].max_objects = config->limit.objects;
	return &m->base;
}

struct memtape_config
memtape_like_scsi_debug(void)
{
	return (struct memtape_config){
		.limit = { .objects = 9999,
		    .warn_objects = 19,
		    .min_record = 512,
		    .max_record = 1 << 20,
		    .granularity = 4 },
		.keeps = 4,
		.warns_once = true,
		.max_partitions = 2,
		.refused_density = 0x65,
	};
}

enum memtape_kind
memtape_look(const struct tape *t, unsigned partition, uint64_t object)
{
	const struct memtape *m = (const struct memtape *)t;
	const struct partition *p = &m->parts[partition];

	if (object >= p->n)
		return MEMTAPE_EOD;
	return p->objects[object].len == 0 ? MEMTAPE_FILEMARK : MEMTAPE_RECORD;
}

const uint8_t *
memtape_record(const struct tape *t, unsigned partition, uint64_t object,
    uint32_t *ret_len)
{
	const struct memtape *m = (const struct memtape *)t;
	const struct partition *p = &m->parts[partition];

	if (memtape_look(t, partition, object) != MEMTAPE_RECORD)
		return NULL;
	*ret_len = p->objects[object].len;
	return p->objects[object].kept;
}

uint64_t
memtape_objects(const struct tape *t, unsigned partition)
{
	const struct memtape *m = (const struct memtape *)t;

	return m->parts[partition].max_objects;
}
