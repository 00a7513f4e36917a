/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fault tape; see fault.h for the script.  Owns the tape below it.
 *
 * There are three positions.  Where the tape below stands is the truth.  What
 * tell says is that and ${told}.  What the calls pretend, and base.pos has, is
 * that and ${claimed}, until the next tell.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "fault_script.h"
#include "tape.h"

/* Nothing is in the buffer. */
#define ALL_DURABLE UINT64_MAX

/* What a drive of rate= takes without waiting, seconds of its work. */
#define RATE_BUFFER 0.01

/* How often to look whether the file of hold= is still there, seconds. */
#define HOLD_LOOK 0.01

/* How far a position is from the truth. */
struct drift {
	int64_t objects, files;
};

struct fault_tape {
	struct tape base;
	struct tape *below;
	struct fault_script script;
	uint64_t calls[FAULT_OPS];
	uint64_t bytes; /* written since the load */
	uint64_t dice;

	struct drift told, claimed;
	bool lost; /* the position */
	bool gone; /* until the next load */

	uint64_t buffer;  /* objects that it takes; 0: all is durable */
	uint64_t pending; /* the first object that is only in the buffer */
	uint32_t min_record, max_record;
	bool protected, worm;
	double busy_until; /* seconds of CLOCK_MONOTONIC: at the rate= of the
			      script it will have written all by then */
};

/* One call. */
struct call {
	enum fault_op op;
	size_t len;	/* bytes that it writes */
	uint32_t count; /* filemarks that it writes */
	enum tape_cond *ret_cond;
	int64_t rate;		 /* bytes a second, 0: no limit */
	struct fault_rule *rule; /* what is special about it; NULL: nothing */
	struct tape_pos before;	 /* the truth */
};

static struct fault_tape *
fault_of(struct tape *t)
{
	return (struct fault_tape *)t;
}

/* ---- Where it stands ---------------------------------------------------- */

static uint64_t
drifted(uint64_t n, int64_t a, int64_t b)
{
	int64_t at = (int64_t)n + a + b;

	return at < 0 ? 0 : (uint64_t)at;
}

/* base.pos from the truth and what is pretended. */
static void
stand(struct fault_tape *f)
{
	struct tape_pos pos = f->below->pos;

	pos.object = drifted(pos.object, f->told.objects, f->claimed.objects);
	pos.file = drifted(pos.file, f->told.files, f->claimed.files);
	if (pos.file > pos.object)
		pos.file = pos.object;
	pos.known = pos.known && !f->lost && !f->gone;
	f->base.pos = pos;
}

static void
find_position(struct fault_tape *f)
{
	f->told = f->claimed = (struct drift){ 0 };
	f->lost = false;
}

/* What an object that is claimed, but not there, adds. */
static void
drift_by(struct drift *d, const struct call *c, int64_t sign)
{
	d->objects += sign * (c->op == FAULT_WRITE ? 1 : (int64_t)c->count);
	d->files += sign * (int64_t)c->count;
}

/* ---- Before a call ------------------------------------------------------ */

static void
wait_for(double seconds)
{
	double whole = floor(seconds);
	struct timespec left = { .tv_sec = (time_t)whole,
		.tv_nsec = (long)((seconds - whole) * 1e9) };

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		continue;
}

/* Whoever has made the file removes it; nobody else knows when. */
static void
wait_while_there(const char *path)
{
	while (access(path, F_OK) == 0)
		wait_for(HOLD_LOOK);
}

/* Who has made the file may want to know that it has come to this. */
static void
hold(const struct fault_tape *f, const struct fault_rule *r,
    const struct call *c)
{
	if (access(r->path, F_OK) < 0)
		return;
	tape_alarm("fault: %s call %" PRIu64 " is held by %s",
	    fault_op_names[c->op], f->calls[c->op], r->path);
	wait_while_there(r->path);
}

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* can't fail */
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What was written at a rate and is still in the buffer goes to the medium. */
static void
settle(struct fault_tape *f)
{
	double left = f->busy_until - now();

	if (left > 0)
		wait_for(left);
}

/*
 * As long as it takes at the rate of the script.  As drives do, it goes on
 * while the host thinks, and the host waits only when what it has sent would
 * take longer than that of RATE_BUFFER.
 */
static void
take_time(struct fault_tape *f, const struct call *c, size_t bytes)
{
	double at = now();

	if (c->rate <= 0)
		return;
	if (f->busy_until < at)
		f->busy_until = at;
	f->busy_until += (double)bytes / (double)c->rate;
	if (f->busy_until - at > RATE_BUFFER)
		wait_for(f->busy_until - at - RATE_BUFFER);
}

static uint32_t
throw_dice(struct fault_tape *f)
{
	f->dice = f->dice * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return (uint32_t)(f->dice >> 32);
}

/* Whether first .. first + n - 1 has any of what the rule names. */
static bool
meets(const struct fault_rule *r, uint64_t first, uint64_t n)
{
	return n > 0 && first <= r->last && first + n - 1 >= r->first;
}

static bool
matches(struct fault_tape *f, const struct fault_rule *r, const struct call *c)
{
	if ((r->ops & FAULT_BIT(c->op)) == 0)
		return false;
	switch (r->when) {
	case FAULT_CALLS:
		return meets(r, f->calls[r->op], 1);
	case FAULT_OBJECTS:
		return meets(r, c->before.object, c->count > 1 ? c->count : 1);
	case FAULT_BYTES:
		return meets(r, f->bytes, c->len);
	case FAULT_CHANCE:
		return throw_dice(f) < r->chance * 0x1p32;
	}
	return false;
}

/* What lasts, or happens besides. */
static void
apply_mode(struct fault_tape *f, const struct fault_rule *r, struct call *c)
{
	switch (r->kind) {
	case FAULT_SHIFT:
		f->told.objects += r->number;
		f->claimed.objects -= r->number;
		break;
	case FAULT_STALL:
		wait_for(r->seconds);
		break;
	case FAULT_HOLD:
		hold(f, r, c);
		break;
	case FAULT_RATE:
		c->rate = r->number;
		break;
	case FAULT_BUFFER:
		f->buffer = (uint64_t)r->number;
		break;
	case FAULT_MIN:
		f->min_record = (uint32_t)r->number;
		break;
	case FAULT_MAX:
		f->max_record = (uint32_t)r->number;
		break;
	case FAULT_PROTECT:
		f->protected = true;
		break;
	case FAULT_WORM:
		f->worm = true;
		break;
	default:
		assert(false); /* a kind that is no mode */
	}
}

static void
apply_rules(struct fault_tape *f, struct call *c)
{
	f->calls[c->op]++;
	f->calls[FAULT_ANY]++;
	for (size_t i = 0; i < f->script.n; i++) {
		struct fault_rule *r = &f->script.rules[i];

		if (!matches(f, r, c))
			continue;
		if (r->kind >= FAULT_FIRST_MODE)
			apply_mode(f, r, c);
		else if (c->rule == NULL)
			c->rule = r;
	}
}

/* Whether data follow here; the tape below stands where it stood. */
static bool
is_before_data(struct fault_tape *f)
{
	struct tape_pos here = f->below->pos;
	enum tape_cond cond;
	uint64_t done;

	if (tape_space(f->below, TAPE_RECORDS, 1, &done, &cond) == 0 &&
	    cond == TAPE_EOD)
		return false;
	(void)tape_locate(f->below, here.partition, here.object, &cond);
	return true; /* whatever came of that, it can't be written */
}

/* What the modes forbid; they do not care for the rule. */
static int
check_modes(struct fault_tape *f, const struct call *c)
{
	bool changes = c->op == FAULT_WRITE || c->op == FAULT_ERASE ||
	    c->op == FAULT_FORMAT || c->count > 0;

	if (f->gone && c->op != FAULT_LOAD && c->op != FAULT_UNLOAD)
		return tape_fail(&f->base, ENOMEDIUM,
		    "the power is off by script");
	if (changes && f->protected)
		return tape_fail(&f->base, EROFS, "write protected by script");
	if (changes && f->worm && is_before_data(f))
		return tape_fail(&f->base, EIO,
		    "data follow here, and the tape is WORM by script");
	if (c->op == FAULT_WRITE &&
	    (c->len < f->min_record || c->len > f->max_record))
		return tape_fail(&f->base, EINVAL,
		    "a record of %zu bytes; by script there are %" PRIu32
		    " to %" PRIu32,
		    c->len, f->min_record, f->max_record);
	return 0;
}

/* What is on the tape from object ${object} on is gone. */
static void
cut(struct fault_tape *f, uint64_t object)
{
	enum tape_cond cond;

	if (object < f->below->pos.object &&
	    tape_locate(f->below, f->below->pos.partition, object, &cond) == 0)
		(void)tape_erase(f->below, false); /* as good as it can */
	f->pending = ALL_DURABLE;
}

static int
fail_by_script(struct fault_tape *f, const struct call *c, int err)
{
	bool writes = c->op == FAULT_WRITE || c->op == FAULT_FILEMARK;

	if (err == ENOSPC && writes)
		*c->ret_cond = TAPE_EOM;
	stand(f);
	return tape_fail(&f->base, err, "%s call %" PRIu64 " fails by script",
	    fault_op_names[c->op], f->calls[c->op]);
}

/* Failures with nothing done, 0 for all others. */
static int
fail_before(struct fault_tape *f, struct call *c)
{
	uint64_t here = f->below->pos.object;

	if (c->rule == NULL)
		return 0;
	switch (c->rule->kind) {
	case FAULT_REFUSE:
		if (c->rule->spent)
			return 0;
		c->rule->spent = true;
		break;
	case FAULT_LOST:
		f->lost = true;
		break;
	case FAULT_LOSE:
		here = drifted(here, -c->rule->number, 0);
		if (f->buffer > 0 && here < f->pending)
			here = f->pending; /* what is synced is safe */
		cut(f, here);
		break;
	case FAULT_POWER_OFF:
		f->gone = true;
		cut(f, f->pending);
		break;
	case FAULT_LOSE_BUFFER:
		cut(f, f->pending);
		break;
	case FAULT_UNLOADS:
		(void)tape_unload(f->below); /* there is no way to say more */
		break;
	case FAULT_FAIL:
		break;
	default:
		return 0;
	}
	return fail_by_script(f, c, c->rule->err);
}

/* 0 if the call is to be done; else how it fails. */
static int
begin(struct fault_tape *f, struct call *c)
{
	int r;

	c->before = f->below->pos;
	if (c->op != FAULT_WRITE && c->op != FAULT_READ && c->op != FAULT_TELL)
		settle(f);
	apply_rules(f, c);
	r = check_modes(f, c);
	if (r == 0)
		r = fail_before(f, c);
	return r;
}

static bool
is_kind(const struct call *c, enum fault_kind kind)
{
	return c->rule != NULL && c->rule->kind == kind;
}

/* Whether the call is not to be done, though it succeeds. */
static bool
is_skipped(struct fault_tape *f, const struct call *c)
{
	if (is_kind(c, FAULT_LIE))
		drift_by(&f->claimed, c, 1);
	else if (is_kind(c, FAULT_DROP))
		drift_by(&f->told, c, 1);
	else
		return false;
	return true;
}

/* ---- After a call ------------------------------------------------------- */

/* Objects go into the buffer, or all that is there goes to the medium. */
static void
note_buffer(struct fault_tape *f, const struct call *c, bool sync)
{
	uint64_t here = f->below->pos.object;

	if (sync || f->buffer == 0) {
		f->pending = ALL_DURABLE;
		return;
	}
	if (here > c->before.object && f->pending > c->before.object)
		f->pending = c->before.object;
	if (f->pending < here && here - f->pending > f->buffer)
		f->pending = here - f->buffer;
}

/* After a call with the result ${r} of the tape below. */
static int
finish(struct fault_tape *f, const struct call *c, int r)
{
	int err;

	if (r < 0) {
		stand(f);
		return tape_fail(&f->base, -r, "%s", tape_why(f->below));
	}
	if (is_kind(c, FAULT_UNKNOWN))
		f->lost = true;
	if (is_kind(c, FAULT_WARN) || is_kind(c, FAULT_REFUSE))
		*c->ret_cond = TAPE_EARLY_WARNING;
	if (is_kind(c, FAULT_TWICE))
		drift_by(&f->told, c, -1);
	if (!is_kind(c, FAULT_DONE)) {
		stand(f);
		return 0;
	}
	err = c->rule->err;
	if (err == ENOSPC)
		drift_by(&f->claimed, c, -1);
	r = fail_by_script(f, c, err);
	(void)tape_fail(&f->base, err, "done, but fails by script");
	return r;
}

/* The same after a motion. */
static int
finish_motion(struct fault_tape *f, const struct call *c, int r, bool finds)
{
	note_buffer(f, c, true);
	if (r == 0 && finds)
		find_position(f);
	return finish(f, c, r);
}

/* ---- The calls ---------------------------------------------------------- */

static int
fault_load(struct tape *t)
{
	struct fault_tape *f = fault_of(t);
	struct call c = { .op = FAULT_LOAD };
	int r = begin(f, &c);

	if (r < 0)
		return r;
	r = tape_load(f->below);
	if (r == 0) {
		f->gone = false;
		f->bytes = 0;
	}
	return finish_motion(f, &c, r, true);
}

static int
fault_unload(struct tape *t)
{
	struct fault_tape *f = fault_of(t);
	struct call c = { .op = FAULT_UNLOAD };
	int r = begin(f, &c);

	if (r < 0) {
		(void)tape_unload(f->below); /* as tape.h says: it goes */
		stand(f);
		return r;
	}
	return finish_motion(f, &c, tape_unload(f->below), false);
}

static void
fault_describe(struct tape *t, struct tape_info *ret_info)
{
	struct fault_tape *f = fault_of(t);

	tape_describe(f->below, ret_info);
	if (f->min_record > ret_info->min_record)
		ret_info->min_record = f->min_record;
	if (f->max_record < ret_info->max_record)
		ret_info->max_record = f->max_record;
	if (ret_info->min_record > ret_info->max_record)
		ret_info->min_record = ret_info->max_record;
	ret_info->write_protected = ret_info->write_protected || f->protected;
	ret_info->loaded = ret_info->loaded && !f->gone;
}

static int
fault_set(struct tape *t, enum tape_param param, uint32_t value)
{
	struct fault_tape *f = fault_of(t);
	struct call c = { .op = FAULT_SET };
	int r = begin(f, &c);

	return r < 0 ? r : finish(f, &c, tape_set(f->below, param, value));
}

static int
fault_read(struct tape *t, void *buf, size_t size, size_t *ret_len,
    enum tape_cond *ret_cond)
{
	struct fault_tape *f = fault_of(t);
	struct call c = { .op = FAULT_READ };
	int r = begin(f, &c);

	if (r < 0)
		return r;
	r = tape_read(f->below, buf, size, ret_len, ret_cond);
	if (r == 0 && is_kind(&c, FAULT_FLIP) && *ret_len > 0 && size > 0) {
		size_t n = *ret_len < size ? *ret_len : size;

		((uint8_t *)buf)[throw_dice(f) % n] ^= 1;
	}
	note_buffer(f, &c, true);
	take_time(f, &c, r == 0 ? *ret_len : 0);
	return finish(f, &c, r);
}

/* A record with one bit that is not as it should be. */
static int
write_flipped(struct fault_tape *f, const void *buf, size_t len,
    enum tape_cond *ret_cond)
{
	uint8_t *copy = malloc(len);
	int r;

	if (copy == NULL)
		return tape_fail(f->below, ENOMEM, "out of memory");
	memcpy(copy, buf, len);
	copy[throw_dice(f) % len] ^= 1;
	r = tape_write(f->below, copy, len, ret_cond);
	free(copy);
	return r;
}

static int
fault_write(struct tape *t, const void *buf, size_t len,
    enum tape_cond *ret_cond)
{
	struct fault_tape *f = fault_of(t);
	struct call c = { .op = FAULT_WRITE, .len = len, .ret_cond = ret_cond };
	int r = begin(f, &c);

	if (r < 0)
		return r;
	if (!is_skipped(f, &c)) {
		r = is_kind(&c, FAULT_FLIP)
		    ? write_flipped(f, buf, len, ret_cond)
		    : tape_write(f->below, buf, len, ret_cond);
		if (r == 0 && is_kind(&c, FAULT_TWICE))
			r = tape_write(f->below, buf, len, ret_cond);
		note_buffer(f, &c, false);
	}
	if (r == 0)
		f->bytes += len;
	take_time(f, &c, len);
	return finish(f, &c, r);
}

static int
fault_write_filemarks(struct tape *t, uint32_t count, bool immediate,
    uint32_t *ret_done, enum tape_cond *ret_cond)
{
	struct fault_tape *f = fault_of(t);
	struct call c = { .op = FAULT_FILEMARK,
		.count = count,
		.ret_cond = ret_cond };
	uint32_t again;
	int r = begin(f, &c);

	if (r < 0)
		return r;
	*ret_done = count;
	if (!is_skipped(f, &c)) {
		r = tape_write_filemarks(f->below, count, immediate, ret_done,
		    ret_cond);
		if (r == 0 && is_kind(&c, FAULT_TWICE))
			r = tape_write_filemarks(f->below, count, immediate,
			    &again, ret_cond);
		note_buffer(f, &c, r == 0 && (!immediate || count == 0));
	}
	return finish(f, &c, r);
}

static int
fault_space(struct tape *t, enum tape_unit unit, int64_t count,
    uint64_t *ret_done, enum tape_cond *ret_cond)
{
	struct fault_tape *f = fault_of(t);
	struct call c = { .op = FAULT_SPACE };
	int r = begin(f, &c);

	if (r < 0)
		return r;
	return finish_motion(f, &c,
	    tape_space(f->below, unit, count, ret_done, ret_cond),
	    unit == TAPE_TO_EOD);
}

static int
fault_locate(struct tape *t, uint32_t partition, uint64_t object,
    enum tape_cond *ret_cond)
{
	struct fault_tape *f = fault_of(t);
	struct call c = { .op = FAULT_LOCATE };
	int r = begin(f, &c);

	if (r < 0)
		return r;
	return finish_motion(f, &c,
	    tape_locate(f->below, partition, object, ret_cond), true);
}

static int
fault_rewind(struct tape *t)
{
	struct fault_tape *f = fault_of(t);
	struct call c = { .op = FAULT_REWIND };
	int r = begin(f, &c);

	if (r < 0)
		return r;
	return finish_motion(f, &c, tape_rewind(f->below), true);
}

static int
fault_erase(struct tape *t, bool whole)
{
	struct fault_tape *f = fault_of(t);
	struct call c = { .op = FAULT_ERASE };
	int r = begin(f, &c);

	if (r < 0)
		return r;
	return finish_motion(f, &c, tape_erase(f->below, whole), false);
}

static int
fault_tell(struct tape *t, struct tape_pos *ret_pos)
{
	struct fault_tape *f = fault_of(t);
	struct call c = { .op = FAULT_TELL };
	struct tape_pos pos;
	int r = begin(f, &c);

	if (r == 0) {
		r = tape_tell(f->below, &pos);
		if (r == 0)
			f->claimed = (struct drift){ 0 };
		r = finish(f, &c, r);
	}
	*ret_pos = f->base.pos;
	return r;
}

static int
fault_format(struct tape *t, uint32_t partitions, uint64_t size)
{
	struct fault_tape *f = fault_of(t);
	struct call c = { .op = FAULT_FORMAT };
	int r = begin(f, &c);

	if (r < 0)
		return r;
	return finish_motion(f, &c, tape_format(f->below, partitions, size),
	    true);
}

static void
fault_report(struct tape *t, const struct tape_listener *listener)
{
	struct fault_tape *f = fault_of(t);

	tape_tell_line(listener, "fault: %" PRIu64 " calls, %zu rules%s%s",
	    f->calls[FAULT_ANY], f->script.n, f->lost ? ", position lost" : "",
	    f->gone ? ", power off" : "");
	tape_report(f->below, listener);
}

static void
fault_free(struct tape *t)
{
	struct fault_tape *f = fault_of(t);

	tape_free(f->below);
	fault_script_clear(&f->script);
	free(f);
}

static const struct tape_ops fault_ops = {
	.name = "fault",
	.load = fault_load,
	.unload = fault_unload,
	.describe = fault_describe,
	.set = fault_set,
	.read = fault_read,
	.write = fault_write,
	.write_filemarks = fault_write_filemarks,
	.space = fault_space,
	.locate = fault_locate,
	.rewind = fault_rewind,
	.erase = fault_erase,
	.tell = fault_tell,
	.format = fault_format,
	.report = fault_report,
	.free = fault_free,
};

static int
add_rules(struct fault_script *script, const struct spec *spec,
    struct spec_error *e)
{
	const char *file = spec_text(spec, "script", NULL);
	const char *rules = spec_text(spec, "do", NULL);
	int r = 0;

	if (file == NULL && rules == NULL)
		return spec_fail(e, EINVAL,
		    "fault: needs script=FILE or do=RULES");
	if (file != NULL)
		r = fault_script_add_file(script, file, e);
	if (r == 0 && rules != NULL)
		r = fault_script_add_text(script, rules, e);
	return r;
}

static int
fault_open(const struct spec *spec, struct tape **ret_tape,
    struct spec_error *e)
{
	struct fault_tape *f = calloc(1, sizeof(*f));
	int r;

	if (f == NULL)
		return spec_fail(e, ENOMEM, "fault: out of memory");
	r = add_rules(&f->script, spec, e);
	if (r == 0)
		r = spec_open(spec->children[0], &f->below, e);
	if (r < 0) {
		fault_script_clear(&f->script);
		free(f);
		return r;
	}
	tape_init(&f->base, &fault_ops);
	f->dice = spec_number(spec, "seed", 1);
	f->pending = ALL_DURABLE;
	f->min_record = 1;
	f->max_record = TAPE_MAX_RECORD;
	*ret_tape = &f->base;
	return 0;
}

static const struct spec_key fault_keys[] = {
	{ "script", SPEC_TEXT, 0, 0 },
	{ "do", SPEC_TEXT, 0, 0 },
	{ "seed", SPEC_NUMBER, 0, UINT64_MAX },
	{ NULL, SPEC_TEXT, 0, 0 },
};
static const struct spec_key *const fault_key_tables[] = { fault_keys, NULL };

const struct tape_type fault_tape_type = {
	.name = "fault",
	.arg_help = "a tape in braces",
	.min_children = 1,
	.max_children = 1,
	.keys = fault_key_tables,
	.open = fault_open,
};
