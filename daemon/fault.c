/* SPDX-License-Identifier: BSD-2-Clause */
/* The fault tape; see fault.h for the script.  Owns the tape below it. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fault.h"
#include "tape.h"

#define MAX_STALL 86400.0 /* seconds */

enum fault_op {
	OP_LOAD,
	OP_UNLOAD,
	OP_READ,
	OP_WRITE,
	OP_FILEMARK,
	OP_SPACE,
	OP_LOCATE,
	OP_REWIND,
	OP_ERASE,
	OP_SET,
	OP_FORMAT,
	OP_ANY,
	OPS
};

static const char *const op_names[OPS] = {
	[OP_LOAD] = "load",
	[OP_UNLOAD] = "unload",
	[OP_READ] = "read",
	[OP_WRITE] = "write",
	[OP_FILEMARK] = "filemark",
	[OP_SPACE] = "space",
	[OP_LOCATE] = "locate",
	[OP_REWIND] = "rewind",
	[OP_ERASE] = "erase",
	[OP_SET] = "set",
	[OP_FORMAT] = "format",
	[OP_ANY] = "any",
};

enum fault_kind {
	KIND_FAIL, /* with err, nothing done */
	KIND_WARN,
	KIND_LOST,
	KIND_DONE_EIO,
	KIND_STALL,
};

struct action {
	const char *name;
	enum fault_kind kind;
	int err;
};

static const struct action actions[] = {
	{ "EIO", KIND_FAIL, EIO },
	{ "ENOSPC", KIND_FAIL, ENOSPC },
	{ "ENOMEDIUM", KIND_FAIL, ENOMEDIUM },
	{ "EROFS", KIND_FAIL, EROFS },
	{ "early-warning", KIND_WARN, 0 },
	{ "lost", KIND_LOST, EIO },
	{ "done-EIO", KIND_DONE_EIO, EIO },
};

struct rule {
	enum fault_op op;
	uint64_t first, last; /* calls, counted from 1 */
	enum fault_kind kind;
	int err;
	double seconds;
};

struct fault_tape {
	struct tape base;
	struct tape *below;
	struct rule *rules;
	size_t n_rules;
	uint64_t calls[OPS];
};

static struct fault_tape *
fault_of(struct tape *t)
{
	return (struct fault_tape *)t;
}

static void
stall(double seconds)
{
	double whole = floor(seconds);
	struct timespec left = { .tv_sec = (time_t)whole,
		.tv_nsec = (long)((seconds - whole) * 1e9) };

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		continue;
}

/* The rule for this call, if there is one; counts the call. */
static const struct rule *
count_call(struct fault_tape *f, enum fault_op op)
{
	const struct rule *found = NULL;

	f->calls[op]++;
	f->calls[OP_ANY]++;
	for (size_t i = 0; i < f->n_rules && found == NULL; i++) {
		const struct rule *r = &f->rules[i];

		if ((r->op == op || r->op == OP_ANY) &&
		    f->calls[r->op] >= r->first && f->calls[r->op] <= r->last)
			found = r;
	}
	return found;
}

/*
 * Before an operation: 0 if it is to be done, and ${ret_rule} for finish();
 * else how it fails.
 */
static int
begin(struct fault_tape *f, enum fault_op op, const struct rule **ret_rule,
    enum tape_cond *ret_cond)
{
	const struct rule *r = count_call(f, op);

	*ret_rule = r;
	if (r == NULL)
		return 0;
	if (r->kind == KIND_STALL)
		stall(r->seconds);
	if (r->kind != KIND_FAIL && r->kind != KIND_LOST)
		return 0;
	if (r->kind == KIND_LOST)
		f->base.pos.known = false;
	if (r->err == ENOSPC && ret_cond != NULL)
		*ret_cond = TAPE_EOM;
	return tape_fail(&f->base, r->err,
	    "%s call %" PRIu64 " fails by script", op_names[op], f->calls[op]);
}

/* After an operation with the result ${r} of the tape below. */
static int
finish(struct fault_tape *f, const struct rule *rule, int r,
    enum tape_cond *ret_cond)
{
	f->base.pos = f->below->pos;
	if (r < 0)
		return tape_fail(&f->base, -r, "%s", tape_why(f->below));
	if (rule != NULL && rule->kind == KIND_WARN && ret_cond != NULL)
		*ret_cond = TAPE_EARLY_WARNING;
	if (rule != NULL && rule->kind == KIND_DONE_EIO)
		return tape_fail(&f->base, EIO, "done, but fails by script");
	return 0;
}

static int
fault_load(struct tape *t)
{
	struct fault_tape *f = fault_of(t);
	const struct rule *rule;
	int r = begin(f, OP_LOAD, &rule, NULL);

	return r < 0 ? r : finish(f, rule, tape_load(f->below), NULL);
}

static int
fault_unload(struct tape *t)
{
	struct fault_tape *f = fault_of(t);
	const struct rule *rule;
	int r = begin(f, OP_UNLOAD, &rule, NULL);

	return r < 0 ? r : finish(f, rule, tape_unload(f->below), NULL);
}

static void
fault_describe(struct tape *t, struct tape_info *ret_info)
{
	tape_describe(fault_of(t)->below, ret_info);
}

static int
fault_set(struct tape *t, enum tape_param param, uint32_t value)
{
	struct fault_tape *f = fault_of(t);
	const struct rule *rule;
	int r = begin(f, OP_SET, &rule, NULL);

	return r < 0 ? r
		     : finish(f, rule, tape_set(f->below, param, value), NULL);
}

static int
fault_read(struct tape *t, void *buf, size_t size, size_t *ret_len,
    enum tape_cond *ret_cond)
{
	struct fault_tape *f = fault_of(t);
	const struct rule *rule;
	int r = begin(f, OP_READ, &rule, NULL);

	if (r == 0)
		r = finish(f, rule,
		    tape_read(f->below, buf, size, ret_len, ret_cond), NULL);
	return r;
}

static int
fault_write(struct tape *t, const void *buf, size_t len,
    enum tape_cond *ret_cond)
{
	struct fault_tape *f = fault_of(t);
	const struct rule *rule;
	int r = begin(f, OP_WRITE, &rule, ret_cond);

	if (r == 0)
		r = finish(f, rule, tape_write(f->below, buf, len, ret_cond),
		    ret_cond);
	return r;
}

static int
fault_write_filemarks(struct tape *t, uint32_t count, bool immediate,
    uint32_t *ret_done, enum tape_cond *ret_cond)
{
	struct fault_tape *f = fault_of(t);
	const struct rule *rule;
	int r = begin(f, OP_FILEMARK, &rule, ret_cond);

	if (r == 0)
		r = finish(f, rule,
		    tape_write_filemarks(f->below, count, immediate, ret_done,
			ret_cond),
		    ret_cond);
	return r;
}

static int
fault_space(struct tape *t, enum tape_unit unit, int64_t count,
    uint64_t *ret_done, enum tape_cond *ret_cond)
{
	struct fault_tape *f = fault_of(t);
	const struct rule *rule;
	int r = begin(f, OP_SPACE, &rule, NULL);

	if (r == 0)
		r = finish(f, rule,
		    tape_space(f->below, unit, count, ret_done, ret_cond),
		    NULL);
	return r;
}

static int
fault_locate(struct tape *t, uint32_t partition, uint64_t object,
    enum tape_cond *ret_cond)
{
	struct fault_tape *f = fault_of(t);
	const struct rule *rule;
	int r = begin(f, OP_LOCATE, &rule, NULL);

	if (r == 0)
		r = finish(f, rule,
		    tape_locate(f->below, partition, object, ret_cond), NULL);
	return r;
}

static int
fault_rewind(struct tape *t)
{
	struct fault_tape *f = fault_of(t);
	const struct rule *rule;
	int r = begin(f, OP_REWIND, &rule, NULL);

	return r < 0 ? r : finish(f, rule, tape_rewind(f->below), NULL);
}

static int
fault_erase(struct tape *t, bool whole)
{
	struct fault_tape *f = fault_of(t);
	const struct rule *rule;
	int r = begin(f, OP_ERASE, &rule, NULL);

	return r < 0 ? r : finish(f, rule, tape_erase(f->below, whole), NULL);
}

static int
fault_tell(struct tape *t, struct tape_pos *ret_pos)
{
	struct fault_tape *f = fault_of(t);
	bool known = f->base.pos.known;
	int r = tape_tell(f->below, ret_pos);

	ret_pos->known = ret_pos->known && known;
	return r;
}

static int
fault_format(struct tape *t, uint32_t partitions, uint64_t size)
{
	struct fault_tape *f = fault_of(t);
	const struct rule *rule;
	int r = begin(f, OP_FORMAT, &rule, NULL);

	if (r == 0)
		r = finish(f, rule, tape_format(f->below, partitions, size),
		    NULL);
	return r;
}

static void
fault_report(struct tape *t, const struct tape_listener *listener)
{
	tape_report(fault_of(t)->below, listener);
}

static void
fault_free(struct tape *t)
{
	struct fault_tape *f = fault_of(t);

	tape_free(f->below);
	free(f->rules);
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

/* "N", "N+" or "N-M". */
static bool
parse_when(const char *text, struct rule *rule)
{
	char *end;

	rule->first = rule->last = strtoull(text, &end, 10);
	if (end == text || rule->first == 0)
		return false;
	if (*end == '+' && end[1] == '\0') {
		rule->last = UINT64_MAX;
		return true;
	}
	if (*end == '-') {
		text = end + 1;
		rule->last = strtoull(text, &end, 10);
		if (end == text || rule->last < rule->first)
			return false;
	}
	return *end == '\0';
}

static bool
parse_action(const char *text, struct rule *rule)
{
	char *end;

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].name, text) == 0) {
			rule->kind = actions[i].kind;
			rule->err = actions[i].err;
			return true;
		}
	if (strncmp(text, "stall=", 6) != 0)
		return false;
	rule->kind = KIND_STALL;
	rule->seconds = strtod(text + 6, &end);
	return end != text + 6 && *end == '\0' && rule->seconds >= 0 &&
	    rule->seconds <= MAX_STALL;
}

static bool
parse_op(const char *text, struct rule *rule)
{
	for (int i = 0; i < OPS; i++)
		if (strcmp(op_names[i], text) == 0) {
			rule->op = (enum fault_op)i;
			return true;
		}
	return false;
}

static int
add_rule(struct fault_tape *f, const char *text, const char *where,
    unsigned number, struct spec_error *e)
{
	char op[16], when[48], action[48], rest;
	struct rule *grown;
	int n = sscanf(text, "%15s %47s %47s %c", op, when, action, &rest);

	if (n <= 0 || op[0] == '#')
		return 0;
	grown = reallocarray(f->rules, f->n_rules + 1, sizeof(*grown));
	if (grown == NULL)
		return spec_fail(e, ENOMEM, "fault: out of memory");
	f->rules = grown;
	grown += f->n_rules;
	*grown = (struct rule){ .first = 0 };
	if (n != 3 || !parse_op(op, grown) || !parse_when(when, grown) ||
	    !parse_action(action, grown))
		return spec_fail(e, EINVAL,
		    "%s: rule %u \"%.60s\" is not OPERATION WHEN ACTION, "
		    "as \"write 3 EIO\"; see pmtd(8)",
		    where, number, text);
	f->n_rules++;
	return 0;
}

static int
add_rules_of_text(struct fault_tape *f, const char *rules, struct spec_error *e)
{
	char *copy = strdup(rules);
	char *save = NULL;
	unsigned number = 0;
	int r = 0;

	if (copy == NULL)
		return spec_fail(e, ENOMEM, "fault: out of memory");
	for (char *s = strtok_r(copy, ";", &save); s != NULL && r == 0;
	     s = strtok_r(NULL, ";", &save))
		r = add_rule(f, s, "fault: do=", ++number, e);
	free(copy);
	return r;
}

static int
add_rules_of_file(struct fault_tape *f, const char *path, struct spec_error *e)
{
	char line[256];
	unsigned number = 0;
	FILE *file = fopen(path, "re");
	int r = 0;

	if (file == NULL)
		return spec_fail(e, errno, "fault: script %s: %s", path,
		    strerror(errno));
	while (r == 0 && fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		r = add_rule(f, line, path, ++number, e);
	}
	if (r == 0 && ferror(file))
		r = spec_fail(e, EIO, "fault: script %s: can't be read", path);
	(void)fclose(file); /* only read from */
	return r;
}

static int
add_all_rules(struct fault_tape *f, const struct spec *spec,
    struct spec_error *e)
{
	const char *script = spec_text(spec, "script", NULL);
	const char *rules = spec_text(spec, "do", NULL);
	int r = 0;

	if (script == NULL && rules == NULL)
		return spec_fail(e, EINVAL,
		    "fault: needs script=FILE or do=RULES");
	if (script != NULL)
		r = add_rules_of_file(f, script, e);
	if (r == 0 && rules != NULL)
		r = add_rules_of_text(f, rules, e);
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
	r = add_all_rules(f, spec, e);
	if (r == 0)
		r = spec_open(spec->children[0], &f->below, e);
	if (r < 0) {
		free(f->rules);
		free(f);
		return r;
	}
	tape_init(&f->base, &fault_ops);
	*ret_tape = &f->base;
	return 0;
}

static const struct spec_key fault_keys[] = {
	{ "script", SPEC_TEXT, 0, 0 },
	{ "do", SPEC_TEXT, 0, 0 },
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
