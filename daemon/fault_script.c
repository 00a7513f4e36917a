/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parser of fault scripts: tables of operations, of when, and of actions;
 * the grammar is in fault.h.  Knows nothing of what the actions do.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault_script.h"
#include "tape.h"

#define MAX_STALL 86400.0 /* seconds */

const char *const fault_op_names[FAULT_OPS] = {
	[FAULT_LOAD] = "load",
	[FAULT_UNLOAD] = "unload",
	[FAULT_READ] = "read",
	[FAULT_WRITE] = "write",
	[FAULT_FILEMARK] = "filemark",
	[FAULT_SPACE] = "space",
	[FAULT_LOCATE] = "locate",
	[FAULT_REWIND] = "rewind",
	[FAULT_ERASE] = "erase",
	[FAULT_SET] = "set",
	[FAULT_FORMAT] = "format",
	[FAULT_TELL] = "tell",
	[FAULT_ANY] = "any",
};

enum argument {
	ARG_NONE,
	ARG_COUNT,  /* 1 and more */
	ARG_SIGNED, /* objects, with its sign */
	ARG_SIZE,   /* bytes of a record */
	ARG_RATE,   /* bytes a second */
	ARG_SECONDS,
	ARG_PATH,
};

#define WRITING (FAULT_BIT(FAULT_WRITE) | FAULT_BIT(FAULT_FILEMARK))
#define DATA (FAULT_BIT(FAULT_READ) | FAULT_BIT(FAULT_WRITE))
#define ALL (~0U)

struct action {
	const char *name;
	enum fault_kind kind;
	int err;
	enum argument arg;
	unsigned ops; /* where it makes sense */
};

static const struct action actions[] = {
	{ "EIO", FAULT_FAIL, EIO, ARG_NONE, ALL },
	{ "ENOSPC", FAULT_FAIL, ENOSPC, ARG_NONE, ALL },
	{ "ENOMEDIUM", FAULT_FAIL, ENOMEDIUM, ARG_NONE, ALL },
	{ "EROFS", FAULT_FAIL, EROFS, ARG_NONE, ALL },
	{ "EBUSY", FAULT_FAIL, EBUSY, ARG_NONE, ALL },
	{ "EINVAL", FAULT_FAIL, EINVAL, ARG_NONE, ALL },
	{ "EOPNOTSUPP", FAULT_FAIL, EOPNOTSUPP, ARG_NONE, ALL },
	{ "refuse-early-warning", FAULT_REFUSE, ENOSPC, ARG_NONE, WRITING },
	{ "lost", FAULT_LOST, EIO, ARG_NONE, ALL },
	{ "lose", FAULT_LOSE, EIO, ARG_COUNT, WRITING },
	{ "lose-buffer", FAULT_LOSE_BUFFER, EIO, ARG_NONE, ALL },
	{ "power-off", FAULT_POWER_OFF, EIO, ARG_NONE, ALL },
	{ "unload", FAULT_UNLOADS, ENOMEDIUM, ARG_NONE, ALL },
	{ "early-warning", FAULT_WARN, 0, ARG_NONE, WRITING },
	{ "done-EIO", FAULT_DONE, EIO, ARG_NONE, ALL },
	{ "done-ENOSPC", FAULT_DONE, ENOSPC, ARG_NONE, WRITING },
	{ "unknown", FAULT_UNKNOWN, 0, ARG_NONE,
	    WRITING | FAULT_BIT(FAULT_READ) | FAULT_BIT(FAULT_SPACE) },
	{ "lie", FAULT_LIE, 0, ARG_NONE, WRITING },
	{ "drop", FAULT_DROP, 0, ARG_NONE, WRITING },
	{ "twice", FAULT_TWICE, 0, ARG_NONE, WRITING },
	{ "flip", FAULT_FLIP, 0, ARG_NONE, DATA },
	{ "shift", FAULT_SHIFT, 0, ARG_SIGNED, ALL },
	{ "stall", FAULT_STALL, 0, ARG_SECONDS, ALL },
	{ "hold", FAULT_HOLD, 0, ARG_PATH, ALL },
	{ "rate", FAULT_RATE, 0, ARG_RATE, DATA },
	{ "buffer", FAULT_BUFFER, 0, ARG_COUNT, ALL },
	{ "min", FAULT_MIN, 0, ARG_SIZE, ALL },
	{ "max", FAULT_MAX, 0, ARG_SIZE, ALL },
	{ "write-protect", FAULT_PROTECT, 0, ARG_NONE, ALL },
	{ "worm", FAULT_WORM, 0, ARG_NONE, ALL },
};

#define N_ACTIONS (sizeof(actions) / sizeof(actions[0]))

/* A rule while it is parsed: cut into words, for messages. */
struct text {
	char *words[5];
	size_t n; /* one more than a rule can have, if it is too long */
	const char *where; /* "script.txt: line" */
	unsigned number;
	struct spec_error *e;
};

static int
bad(const struct text *text, size_t word, const char *expected)
{
	if (word >= text->n)
		return spec_fail(text->e, EINVAL,
		    "fault: %s %u ends too soon; here goes %s", text->where,
		    text->number, expected);
	return spec_fail(text->e, EINVAL,
	    "fault: %s %u, at word %zu, \"%.60s\": here goes %s", text->where,
	    text->number, word + 1, text->words[word], expected);
}

/* Digits, to the first that is none. */
static bool
take_number(const char **text, uint64_t *ret_number)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return false;
	errno = 0;
	*ret_number = strtoull(*text, &end, 10);
	*text = end;
	return errno == 0;
}

/* "N", "N+" or "N-M". */
static bool
parse_range(const char *text, struct fault_rule *rule)
{
	if (!take_number(&text, &rule->first))
		return false;
	rule->last = rule->first;
	if (*text == '+') {
		rule->last = UINT64_MAX;
		text++;
	} else if (*text == '-') {
		text++;
		if (!take_number(&text, &rule->last))
			return false;
	}
	return *text == '\0' && rule->last >= rule->first;
}

/* A number of seconds, or a probability. */
static bool
parse_real(const char *text, double max, double *ret_real)
{
	char *end;

	*ret_real = strtod(text, &end);
	return end != text && *end == '\0' && isfinite(*ret_real) &&
	    *ret_real >= 0 && *ret_real <= max;
}

/* The words of WHEN; ${ret_word}: the one behind. */
static int
parse_when(const struct text *text, size_t *ret_word, struct fault_rule *rule)
{
	static const char *const units[] = {
		[FAULT_CALLS] = "",
		[FAULT_OBJECTS] = "object",
		[FAULT_BYTES] = "byte",
	};
	const char *word = text->n > 1 ? text->words[1] : "";

	*ret_word = 2;
	if (strncmp(word, "p=", 2) == 0) {
		rule->when = FAULT_CHANCE;
		return parse_real(word + 2, 1.0, &rule->chance)
		    ? 0
		    : bad(text, 1, "a probability from 0 to 1, as p=0.01");
	}
	for (int i = FAULT_OBJECTS; i <= FAULT_BYTES; i++)
		if (strcmp(units[i], word) == 0) {
			rule->when = (enum fault_when)i;
			*ret_word = 3;
			return text->n > 2 && parse_range(text->words[2], rule)
			    ? 0
			    : bad(text, 2, "N, N+ or N-M, from 0");
		}
	rule->when = FAULT_CALLS;
	return parse_range(word, rule) && rule->first > 0
	    ? 0
	    : bad(text, 1,
		  "when: N, N+ or N-M, from 1; the same behind \"object\" or "
		  "\"byte\", from 0; or p=P");
}

static bool
parse_size(const char *text, int64_t *ret_size)
{
	static const char units[] = "KMGT";
	const char *unit;
	unsigned shift;
	uint64_t n;

	if (!take_number(&text, &n) || n == 0)
		return false;
	unit = *text == '\0' ? NULL : strchr(units, *text);
	if (*text != '\0' && (unit == NULL || text[1] != '\0'))
		return false;
	shift = unit == NULL ? 0 : 10 * ((unsigned)(unit - units) + 1);
	if (n > (uint64_t)INT64_MAX >> shift)
		return false;
	*ret_size = (int64_t)(n << shift);
	return true;
}

static bool
parse_argument(enum argument kind, const char *text, struct fault_rule *rule)
{
	bool minus = text[0] == '-';
	uint64_t n;

	switch (kind) {
	case ARG_NONE:
		return text[0] == '\0';
	case ARG_SECONDS:
		return parse_real(text, MAX_STALL, &rule->seconds);
	case ARG_PATH:
		return text[0] != '\0';
	case ARG_SIZE:
		return parse_size(text, &rule->number) &&
		    rule->number <= TAPE_MAX_RECORD;
	case ARG_RATE:
		return parse_size(text, &rule->number);
	case ARG_SIGNED:
		text += minus || text[0] == '+';
		break;
	case ARG_COUNT:
		minus = false;
		break;
	}
	if (!take_number(&text, &n) || *text != '\0' || n == 0 || n > INT32_MAX)
		return false;
	rule->number = minus ? -(int64_t)n : (int64_t)n;
	return true;
}

static int
keep_path(const struct text *text, const char *path, struct fault_rule *rule)
{
	rule->path = strdup(path);
	if (rule->path == NULL)
		return spec_fail(text->e, ENOMEM, "fault: out of memory");
	return 0;
}

static int
parse_action(const struct text *text, size_t word, struct fault_rule *rule)
{
	static const char *const arguments[] = {
		[ARG_NONE] = "this action without \"=\"",
		[ARG_COUNT] = "this action with \"=\" and a number",
		[ARG_SIGNED] = "this action with \"=\" and a number, as -1",
		[ARG_SIZE] = "this action with \"=\" and bytes, 16M at most",
		[ARG_RATE] = "this action with \"=\" and bytes a second, as 1M",
		[ARG_SECONDS] = "this action with \"=\" and seconds, as 0.5",
		[ARG_PATH] = "this action with \"=\" and the path of a file",
	};
	const char *name = word < text->n ? text->words[word] : "";
	size_t len = strcspn(name, "=");

	for (size_t i = 0; i < N_ACTIONS; i++) {
		const struct action *a = &actions[i];

		if (strlen(a->name) != len || memcmp(a->name, name, len) != 0)
			continue;
		if (!parse_argument(a->arg, name + len + (name[len] == '='),
			rule) ||
		    (a->arg == ARG_NONE && name[len] == '='))
			return bad(text, word, arguments[a->arg]);
		if (rule->op != FAULT_ANY &&
		    (a->ops & FAULT_BIT(rule->op)) == 0)
			return bad(text, word,
			    "an action that makes sense for this operation");
		rule->ops =
		    rule->op == FAULT_ANY ? a->ops : FAULT_BIT(rule->op);
		rule->kind = a->kind;
		rule->err = a->err;
		return a->arg == ARG_PATH
		    ? keep_path(text, name + len + 1, rule)
		    : 0;
	}
	return bad(text, word,
	    "an action, as in \"write 3 EIO\"; pmtd(8) has them all");
}

static int
parse_rule(const struct text *text, struct fault_rule *ret_rule)
{
	struct fault_rule rule = { .op = FAULT_OPS };
	size_t word;
	int r;

	for (int i = 0; i < FAULT_OPS; i++)
		if (strcmp(fault_op_names[i], text->words[0]) == 0)
			rule.op = (enum fault_op)i;
	if (rule.op == FAULT_OPS)
		return bad(text, 0, "an operation, as write, or any");
	r = parse_when(text, &word, &rule);
	if (r == 0 && rule.when == FAULT_BYTES && rule.op != FAULT_WRITE)
		r = bad(text, 1, "for this operation no byte; write has them");
	if (r == 0)
		r = parse_action(text, word, &rule);
	if (r == 0 && text->n > word + 1)
		r = bad(text, word + 1, "nothing more");
	if (r == 0)
		*ret_rule = rule;
	else
		free(rule.path);
	return r;
}

/* One rule, or a comment, or nothing; ${line} is cut up. */
static int
add_rule(struct fault_script *s, char *line, const char *where, unsigned number,
    struct spec_error *e)
{
	struct text text = { .where = where, .number = number, .e = e };
	struct fault_rule *grown;
	char *save = NULL;
	int r;

	line[strcspn(line, "#\n")] = '\0';
	for (char *w = strtok_r(line, " \t\r", &save);
	     w != NULL && text.n < sizeof(text.words) / sizeof(text.words[0]);
	     w = strtok_r(NULL, " \t\r", &save))
		text.words[text.n++] = w;
	if (text.n == 0)
		return 0;
	grown = reallocarray(s->rules, s->n + 1, sizeof(*grown));
	if (grown == NULL)
		return spec_fail(e, ENOMEM, "fault: out of memory");
	s->rules = grown;
	r = parse_rule(&text, &s->rules[s->n]);
	s->n += r == 0;
	return r;
}

int
fault_script_add_text(struct fault_script *s, const char *rules,
    struct spec_error *e)
{
	char *copy = strdup(rules);
	char *save = NULL;
	unsigned number = 0;
	int r = 0;

	if (copy == NULL)
		return spec_fail(e, ENOMEM, "fault: out of memory");
	for (char *rule = strtok_r(copy, ";", &save); rule != NULL && r == 0;
	     rule = strtok_r(NULL, ";", &save))
		r = add_rule(s, rule, "do=: rule", ++number, e);
	free(copy);
	return r;
}

int
fault_script_add_file(struct fault_script *s, const char *path,
    struct spec_error *e)
{
	char where[200];
	char *line = NULL;
	size_t room = 0;
	unsigned number = 0;
	FILE *file = fopen(path, "re");
	int r = 0;

	if (file == NULL)
		return spec_fail(e, errno, "fault: script %s: %s", path,
		    strerror(errno));
	(void)snprintf(where, sizeof(where), "%s: line",
	    path); /* cut is fine */
	while (r == 0 && getline(&line, &room, file) >= 0)
		r = add_rule(s, line, where, ++number, e);
	if (r == 0 && ferror(file))
		r = spec_fail(e, EIO, "fault: script %s: can't be read", path);
	free(line);
	(void)fclose(file); /* only read from */
	return r;
}

void
fault_script_clear(struct fault_script *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->rules[i].path);
	free(s->rules);
	*s = (struct fault_script){ .n = 0 };
}
