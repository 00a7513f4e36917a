/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checked way to every tape: what tape.h promises is asserted here, before
 * and after each call of a vtable, and each call leaves one trace line.  Owns
 * no data; the implementations do.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tape.h"

static void (*trace_line)(const char *line);

void
tape_set_trace(void (*trace)(const char *line))
{
	trace_line = trace;
}

const char *
tape_cond_name(enum tape_cond cond)
{
	static const char *const names[] = {
		[TAPE_NONE] = "none",
		[TAPE_FILEMARK] = "filemark",
		[TAPE_EOD] = "end of data",
		[TAPE_BOT] = "beginning of tape",
		[TAPE_EARLY_WARNING] = "early warning",
		[TAPE_EOM] = "end of medium",
	};

	return names[cond];
}

/* One line for an operation that has ended, in words of its own. */
static void trace(const struct tape *t, int r, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
trace(const struct tape *t, int r, const char *fmt, ...)
{
	char what[96];
	char line[512];
	va_list ap;

	if (trace_line == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap); /* cut short is fine */
	va_end(ap);
	(void)snprintf(line, sizeof(line),
	    "%s: %s: %s, at object %" PRIu64 " file %" PRIu64 "%s%s%s",
	    t->ops->name, what, r < 0 ? strerror(-r) : "ok", t->pos.object,
	    t->pos.file, t->pos.known ? "" : " (position lost)",
	    t->why[0] == '\0' ? "" : ": ", t->why); /* cut short is fine */
	trace_line(line);
}

/* What must hold of any result, whatever the operation. */
static void
check(const struct tape *t, int r)
{
	assert(r <= 0);
	assert(t->pos.partition < TAPE_MAX_PARTITIONS);
	assert(!t->pos.known || t->pos.file <= t->pos.object);
}

void
tape_init(struct tape *t, const struct tape_ops *ops)
{
	t->ops = ops;
	t->pos = (struct tape_pos){ .known = false };
	t->why[0] = '\0';
}

int
tape_fail(struct tape *t, int err, const char *fmt, ...)
{
	va_list ap;

	assert(err > 0);
	va_start(ap, fmt);
	(void)vsnprintf(t->why, sizeof(t->why), fmt, ap); /* cut is fine */
	va_end(ap);
	return -err;
}

const char *
tape_why(const struct tape *t)
{
	return t->why;
}

int
tape_load(struct tape *t)
{
	int r;

	t->why[0] = '\0';
	r = t->ops->load(t);
	check(t, r);
	assert(r < 0 || (t->pos.known && t->pos.object == 0));
	trace(t, r, "load");
	return r;
}

int
tape_unload(struct tape *t)
{
	int r;

	t->why[0] = '\0';
	r = t->ops->unload(t);
	check(t, r);
	trace(t, r, "unload");
	return r;
}

void
tape_describe(struct tape *t, struct tape_info *ret_info)
{
	*ret_info = (struct tape_info){ .min_record = 1,
		.max_record = TAPE_MAX_RECORD,
		.granularity = 1,
		.partitions = 1,
		.max_partitions = 1,
		.room = TAPE_MAX_RECORD };
	t->ops->describe(t, ret_info);
	if (ret_info->max_read < ret_info->max_record)
		ret_info->max_read = ret_info->max_record;
	assert(ret_info->min_record >= 1);
	assert(ret_info->min_record <= ret_info->max_record);
	assert(ret_info->max_record <= TAPE_MAX_RECORD);
	assert(ret_info->granularity >= 1);
	assert(ret_info->partitions >= 1);
}

int
tape_set(struct tape *t, enum tape_param param, uint32_t value)
{
	int r;

	t->why[0] = '\0';
	r = t->ops->set(t, param, value);
	check(t, r);
	trace(t, r, "set %d to %" PRIu32, (int)param, value);
	return r;
}

int
tape_read(struct tape *t, void *buf, size_t size, size_t *ret_len,
    enum tape_cond *ret_cond)
{
	struct tape_pos before = t->pos;
	enum tape_cond cond = TAPE_NONE;
	size_t len = 0;
	int r;

	t->why[0] = '\0';
	r = t->ops->read(t, buf, size, &len, &cond);
	check(t, r);
	if (r == 0) {
		assert(cond == TAPE_NONE || cond == TAPE_FILEMARK ||
		    cond == TAPE_EOD);
		assert((cond == TAPE_NONE) == (len > 0));
		assert(len <= TAPE_MAX_RECORD);
		assert(!before.known ||
		    t->pos.object == before.object + (cond != TAPE_EOD));
		*ret_len = len;
		*ret_cond = cond;
	}
	trace(t, r, "read %zu: %zu bytes, %s", size, len, tape_cond_name(cond));
	return r;
}

int
tape_write(struct tape *t, const void *buf, size_t len,
    enum tape_cond *ret_cond)
{
	struct tape_pos before = t->pos;
	enum tape_cond cond = TAPE_NONE;
	int r;

	assert(len > 0 && len <= TAPE_MAX_RECORD);
	t->why[0] = '\0';
	r = t->ops->write(t, buf, len, &cond);
	check(t, r);
	assert(r < 0 || cond == TAPE_NONE || cond == TAPE_EARLY_WARNING);
	assert(cond != TAPE_EOM || r == -ENOSPC);
	assert(r < 0 || !before.known || t->pos.object == before.object + 1);
	assert(cond != TAPE_EOM || t->pos.object == before.object);
	*ret_cond = cond;
	trace(t, r, "write %zu: %s", len, tape_cond_name(cond));
	return r;
}

int
tape_write_filemarks(struct tape *t, uint32_t count, bool immediate,
    uint32_t *ret_done, enum tape_cond *ret_cond)
{
	enum tape_cond cond = TAPE_NONE;
	uint32_t done = 0;
	int r;

	t->why[0] = '\0';
	r = t->ops->write_filemarks(t, count, immediate, &done, &cond);
	check(t, r);
	assert(done <= count);
	assert(r < 0 || done == count);
	*ret_done = done;
	*ret_cond = cond;
	trace(t, r, "write %" PRIu32 " filemarks: %" PRIu32 " done, %s", count,
	    done, tape_cond_name(cond));
	return r;
}

int
tape_space(struct tape *t, enum tape_unit unit, int64_t count,
    uint64_t *ret_done, enum tape_cond *ret_cond)
{
	enum tape_cond cond = TAPE_NONE;
	uint64_t done = 0;
	int r;

	t->why[0] = '\0';
	r = t->ops->space(t, unit, count, &done, &cond);
	check(t, r);
	if (r == 0 && unit != TAPE_TO_EOD) {
		uint64_t asked = count < 0 ? -(uint64_t)count : (uint64_t)count;

		assert((cond == TAPE_NONE) == (done == asked));
		assert(cond != TAPE_FILEMARK || unit == TAPE_RECORDS);
	}
	*ret_done = done;
	*ret_cond = cond;
	trace(t, r, "space %" PRId64 " of unit %d: %" PRIu64 " done, %s", count,
	    (int)unit, done, tape_cond_name(cond));
	return r;
}

int
tape_locate(struct tape *t, uint32_t partition, uint64_t object,
    enum tape_cond *ret_cond)
{
	enum tape_cond cond = TAPE_NONE;
	int r;

	t->why[0] = '\0';
	r = t->ops->locate(t, partition, object, &cond);
	check(t, r);
	if (r == 0) {
		assert(cond == TAPE_NONE || cond == TAPE_EOD);
		assert(t->pos.known && t->pos.partition == partition);
		assert((cond == TAPE_NONE) == (t->pos.object == object));
		*ret_cond = cond;
	}
	trace(t, r, "locate %" PRIu64 " in partition %" PRIu32 ": %s", object,
	    partition, tape_cond_name(cond));
	return r;
}

int
tape_rewind(struct tape *t)
{
	int r;

	t->why[0] = '\0';
	r = t->ops->rewind(t);
	check(t, r);
	assert(r < 0 || (t->pos.known && t->pos.object == 0));
	trace(t, r, "rewind");
	return r;
}

int
tape_erase(struct tape *t, bool whole)
{
	struct tape_pos before = t->pos;
	int r;

	t->why[0] = '\0';
	r = t->ops->erase(t, whole);
	check(t, r);
	assert(r < 0 || !before.known || t->pos.object == before.object);
	trace(t, r, "erase%s", whole ? " whole" : "");
	return r;
}

int
tape_tell(struct tape *t, struct tape_pos *ret_pos)
{
	int r;

	t->why[0] = '\0';
	r = t->ops->tell(t, ret_pos);
	check(t, r);
	return r;
}

int
tape_format(struct tape *t, uint32_t partitions, uint64_t size)
{
	int r;

	t->why[0] = '\0';
	r = t->ops->format(t, partitions, size);
	check(t, r);
	assert(r < 0 || t->pos.object == 0);
	trace(t, r, "format %" PRIu32 " partitions", partitions);
	return r;
}

void
tape_report(struct tape *t, const struct tape_listener *listener)
{
	t->ops->report(t, listener);
}

void
tape_tell_line(const struct tape_listener *listener, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut is fine */
	va_end(ap);
	listener->line(listener->arg, text);
}

void
tape_plain_report(struct tape *t, const struct tape_listener *listener)
{
	struct tape_info info;

	tape_describe(t, &info);
	if (!info.loaded) {
		tape_tell_line(listener, "%s: no tape", t->ops->name);
		return;
	}
	tape_tell_line(listener,
	    "%s: %s: %s%" PRIu64 " objects, %" PRIu64 " files before here%s",
	    t->ops->name, info.medium,
	    t->pos.known ? "" : "position lost: ", t->pos.object, t->pos.file,
	    info.write_protected ? ", write protected" : "");
}

static void
alarm_on_stderr(const char *line)
{
	(void)fprintf(stderr, "%s\n", line); /* where else? */
}

static void (*alarm_line)(const char *line) = alarm_on_stderr;

void
tape_set_alarm(void (*alarm)(const char *line))
{
	alarm_line = alarm == NULL ? alarm_on_stderr : alarm;
}

void
tape_alarm(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut is fine */
	va_end(ap);
	alarm_line(text);
}

void
tape_free(struct tape *t)
{
	if (t == NULL)
		return;
	/* Who cares about the result has called tape_unload() before. */
	(void)tape_unload(t);
	t->ops->free(t);
}

int
tape_unsupported_set(struct tape *t, enum tape_param param, uint32_t value)
{
	(void)param; /* none of them can be set */
	(void)value;
	return tape_fail(t, EOPNOTSUPP, "this tape has no parameters to set");
}

int
tape_unsupported_format(struct tape *t, uint32_t partitions, uint64_t size)
{
	(void)partitions; /* no number of them can be made */
	(void)size;
	return tape_fail(t, EOPNOTSUPP, "this tape has no partitions");
}

int
tape_tell_known(struct tape *t, struct tape_pos *ret_pos)
{
	*ret_pos = t->pos;
	return 0;
}
