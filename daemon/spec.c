/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parser of tape specs.  Owns the grammar and the checking of options; the
 * types themselves say what options they have and how they open.
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spec.h"

#define MAX_DEPTH 16

struct parser {
	const char *text;
	size_t at;
	const struct tape_type *const *types;
	unsigned depth;
	struct spec_error *e;
};

static int parse_spec(struct parser *p, struct spec **ret_spec);

int
spec_fail(struct spec_error *e, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	/* cppcheck-suppress ctuuninitvar ; it is written, not read */
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap); /* cut is fine */
	va_end(ap);
	return -err;
}

/* A failure at one place of the spec, which the message shows. */
static int fail_at(struct parser *p, size_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int
fail_at(struct parser *p, size_t at, const char *fmt, ...)
{
	char what[300];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap); /* cut is fine */
	va_end(ap);
	return spec_fail(p->e, EINVAL,
	    "tape spec: character %zu, at \"%.40s\": %s", at + 1, p->text + at,
	    what);
}

static bool
is_name_char(char c)
{
	return islower((unsigned char)c) || isdigit((unsigned char)c) ||
	    c == '_';
}

/* The length of a name at ${at}; 0 if there is none. */
static size_t
name_length(const struct parser *p, size_t at)
{
	size_t n = 0;

	while (is_name_char(p->text[at + n]))
		n++;
	return n;
}

/* Whether a comma at ${at} is followed by "TYPE:", the next child. */
static bool
child_follows(const struct parser *p, size_t at)
{
	size_t n = name_length(p, at + 1);

	return n > 0 && p->text[at + 1 + n] == ':';
}

/* Takes text up to an unescaped ",", "{", "}" or the end. */
static char *
take_text(struct parser *p)
{
	char *out = malloc(strlen(p->text + p->at) + 1);
	size_t n = 0;

	if (out == NULL)
		return NULL;
	while (
	    p->text[p->at] != '\0' && strchr(",{}", p->text[p->at]) == NULL) {
		if (p->text[p->at] == '\\' && p->text[p->at + 1] != '\0')
			p->at++;
		out[n++] = p->text[p->at++];
	}
	out[n] = '\0';
	return out;
}

static const struct tape_type *
find_type(const struct parser *p, const char *name, size_t len)
{
	for (size_t i = 0; p->types[i] != NULL; i++)
		if (strlen(p->types[i]->name) == len &&
		    memcmp(p->types[i]->name, name, len) == 0)
			return p->types[i];
	return NULL;
}

static int
fail_unknown_type(struct parser *p, size_t len)
{
	char known[200] = "";
	size_t n = 0;

	for (size_t i = 0; p->types[i] != NULL && n < sizeof(known); i++)
		n += (size_t)snprintf(known + n, sizeof(known) - n,
		    "%s%s:", i == 0 ? "" : ", ", p->types[i]->name);
	if (len == 0 || p->text[p->at + len] != ':')
		return fail_at(p, p->at,
		    "a tape spec begins with TYPE:, one of %s", known);
	return fail_at(p, p->at, "no tape type \"%.*s\"; there are %s",
	    (int)len, p->text + p->at, known);
}

static const struct spec_key *
find_key(const struct tape_type *type, const char *key)
{
	for (size_t i = 0; type->keys != NULL && type->keys[i] != NULL; i++)
		for (const struct spec_key *k = type->keys[i]; k->key; k++)
			if (strcmp(k->key, key) == 0)
				return k;
	return NULL;
}

/* Digits and at most one of K, M, G, T.  False: not that, or too large. */
static bool
number_of(const char *text, bool size, uint64_t *ret_number)
{
	static const char units[] = "KMGT";
	const char *unit;
	unsigned shift = 0;
	uint64_t v;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	v = strtoull(text, &end, size ? 10 : 0);
	if (errno != 0)
		return false;
	if (size && *end != '\0') {
		unit = strchr(units, toupper((unsigned char)*end));
		if (unit == NULL)
			return false;
		shift = 10 * ((unsigned)(unit - units) + 1);
		end++;
	}
	if (*end != '\0' || v > UINT64_MAX >> shift)
		return false;
	*ret_number = v << shift;
	return true;
}

static bool
bool_of(const char *text, bool *ret_bool)
{
	bool yes = strcmp(text, "yes") == 0;

	if (!yes && strcmp(text, "no") != 0)
		return false;
	*ret_bool = yes;
	return true;
}

static int
check_option(struct parser *p, const struct tape_type *type,
    const struct spec_option *o)
{
	const struct spec_key *k = find_key(type, o->key);
	uint64_t v;
	bool b;

	if (k == NULL)
		return fail_at(p, o->at, "%s: has no option \"%s\"", type->name,
		    o->key);
	switch (k->kind) {
	case SPEC_TEXT:
		return 0;
	case SPEC_BOOL:
		if (!bool_of(o->value, &b))
			return fail_at(p, o->at, "%s= takes yes or no", o->key);
		return 0;
	case SPEC_SIZE:
	case SPEC_NUMBER:
		break;
	}
	if (!number_of(o->value, k->kind == SPEC_SIZE, &v))
		return fail_at(p, o->at, "%s= takes %s", o->key,
		    k->kind == SPEC_SIZE
			? "a number of bytes, as 512, 64K, 20M, 1G or 2T"
			: "a number");
	if (v < k->min || v > k->max)
		return fail_at(p, o->at, "%s= must be %" PRIu64 " to %" PRIu64,
		    o->key, k->min, k->max);
	return 0;
}

/* ",key=value", standing on the comma. */
static int
parse_option(struct parser *p, struct spec *s)
{
	struct spec_option *grown;
	size_t len, at = p->at + 1;

	len = name_length(p, at);
	if (len == 0 || p->text[at + len] != '=')
		return fail_at(p, at, "expected KEY=VALUE");
	grown = reallocarray(s->options, s->n_options + 1, sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	s->options = grown;
	grown += s->n_options;
	*grown = (struct spec_option){ .at = at };
	s->n_options++;
	grown->key = strndup(p->text + at, len);
	p->at = at + len + 1;
	grown->value = take_text(p);
	if (grown->key == NULL || grown->value == NULL)
		return -ENOMEM;
	for (size_t i = 0; i + 1 < s->n_options; i++)
		if (strcmp(s->options[i].key, grown->key) == 0)
			return fail_at(p, at, "%s= is there twice", grown->key);
	return check_option(p, s->type, grown);
}

/* "{spec,spec...}", standing on the brace. */
static int
parse_children(struct parser *p, struct spec *s)
{
	struct spec **grown;
	int r;

	do {
		p->at++; /* the brace, or the comma between children */
		grown = reallocarray(s->children, s->n_children + 1,
		    sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		s->children = grown;
		r = parse_spec(p, &s->children[s->n_children]);
		if (r < 0)
			return r;
		s->n_children++;
	} while (p->text[p->at] == ',');
	if (p->text[p->at] != '}')
		return fail_at(p, p->at, "a \"}\" is missing");
	p->at++;
	return 0;
}

static int
fail_children(struct parser *p, size_t at, const struct tape_type *type)
{
	if (type->min_children != type->max_children)
		return fail_at(p, at, "%s: takes %u to %u tapes in braces",
		    type->name, type->min_children, type->max_children);
	return fail_at(p, at, "%s: takes %u %s in braces", type->name,
	    type->max_children, type->max_children == 1 ? "tape" : "tapes");
}

static int
parse_arg(struct parser *p, struct spec *s)
{
	size_t at = p->at;
	int r;

	if (p->text[p->at] == '{' && s->type->max_children > 0) {
		r = parse_children(p, s);
		if (r < 0)
			return r;
	}
	s->arg = take_text(p);
	if (s->arg == NULL)
		return -ENOMEM;
	if (s->n_children < s->type->min_children ||
	    s->n_children > s->type->max_children)
		return fail_children(p, at, s->type);
	if (s->type->max_children > 0 && s->arg[0] != '\0')
		return fail_at(p, at, "%s: takes nothing beside its braces",
		    s->type->name);
	if (s->type->arg_required && s->arg[0] == '\0')
		return fail_at(p, at, "%s: needs %s", s->type->name,
		    s->type->arg_help);
	if (s->type->arg_help[0] == '\0' && s->arg[0] != '\0')
		return fail_at(p, at, "%s: takes no argument", s->type->name);
	return 0;
}

static int
parse_body(struct parser *p, struct spec *s)
{
	size_t len = name_length(p, p->at);
	int r;

	s->at = p->at;
	if (len == 0 || p->text[p->at + len] != ':')
		return fail_unknown_type(p, len);
	s->type = find_type(p, p->text + p->at, len);
	if (s->type == NULL)
		return fail_unknown_type(p, len);
	p->at += len + 1;
	r = parse_arg(p, s);
	while (r == 0 && p->text[p->at] == ',' &&
	    (p->depth == 1 || !child_follows(p, p->at)))
		r = parse_option(p, s);
	return r;
}

static int
parse_spec(struct parser *p, struct spec **ret_spec)
{
	struct spec *s;
	int r;

	if (p->depth >= MAX_DEPTH)
		return fail_at(p, p->at, "more than %d braces deep", MAX_DEPTH);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	p->depth++;
	r = parse_body(p, s);
	p->depth--;
	if (r < 0) {
		spec_free(s);
		return r;
	}
	*ret_spec = s;
	return 0;
}

int
spec_parse(const char *text, const struct tape_type *const *types,
    struct spec **ret_spec, struct spec_error *e)
{
	struct parser p = { .text = text, .types = types, .e = e };
	struct spec *s;
	int r;

	(void)spec_fail(e, ENOMEM, "out of memory"); /* unless it is better */
	r = parse_spec(&p, &s);
	if (r < 0)
		return r;
	if (text[p.at] != '\0') {
		r = fail_at(&p, p.at, "unexpected here");
		spec_free(s);
		return r;
	}
	*ret_spec = s;
	return 0;
}

void
spec_free(struct spec *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n_children; i++)
		spec_free(s->children[i]);
	for (size_t i = 0; i < s->n_options; i++) {
		free(s->options[i].key);
		free(s->options[i].value);
	}
	free(s->children);
	free(s->options);
	free(s->arg);
	free(s);
}

int
spec_open(const struct spec *spec, struct tape **ret_tape, struct spec_error *e)
{
	(void)spec_fail(e, ENOMEM, "out of memory"); /* unless it is better */
	return spec->type->open(spec, ret_tape, e);
}

static const struct spec_option *
find_option(const struct spec *spec, const char *key)
{
	for (size_t i = 0; i < spec->n_options; i++)
		if (strcmp(spec->options[i].key, key) == 0)
			return &spec->options[i];
	return NULL;
}

bool
spec_has(const struct spec *spec, const char *key)
{
	return find_option(spec, key) != NULL;
}

const char *
spec_text(const struct spec *spec, const char *key, const char *otherwise)
{
	const struct spec_option *o = find_option(spec, key);

	return o == NULL ? otherwise : o->value;
}

uint64_t
spec_number(const struct spec *spec, const char *key, uint64_t otherwise)
{
	const struct spec_option *o = find_option(spec, key);
	uint64_t v = otherwise;
	bool parses = o == NULL ||
	    number_of(o->value, find_key(spec->type, key)->kind == SPEC_SIZE,
		&v);

	assert(parses); /* check_option() has tried it */
	return v;
}

bool
spec_bool(const struct spec *spec, const char *key, bool otherwise)
{
	const struct spec_option *o = find_option(spec, key);
	bool b = otherwise;
	bool parses = o == NULL || bool_of(o->value, &b);

	assert(parses); /* check_option() has tried it */
	return b;
}
