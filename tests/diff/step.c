/* SPDX-License-Identifier: BSD-2-Clause */
/* Steps as text; see step.h.  Running them is run.c's. */
#include <errno.h>
#include <linux/mtio.h>
#include <stdlib.h>
#include <string.h>

#include "step.h"
#include "tap.h"

#define MAX_WORDS 12

struct words {
	char text[STEP_TEXT];
	char *word[MAX_WORDS];
	unsigned n, at;
};

static const char *const op_names[] = {
	[MTRESET] = "reset",
	[MTFSF] = "fsf",
	[MTBSF] = "bsf",
	[MTFSR] = "fsr",
	[MTBSR] = "bsr",
	[MTWEOF] = "weof",
	[MTREW] = "rew",
	[MTOFFL] = "offl",
	[MTNOP] = "nop",
	[MTRETEN] = "reten",
	[MTBSFM] = "bsfm",
	[MTFSFM] = "fsfm",
	[MTEOM] = "eom",
	[MTERASE] = "erase",
	[MTRAS1] = "ras1",
	[MTRAS2] = "ras2",
	[MTRAS3] = "ras3",
	[MTSETBLK] = "setblk",
	[MTSETDENSITY] = "setdensity",
	[MTSEEK] = "seek",
	[MTTELL] = "tell",
	[MTSETDRVBUFFER] = "setdrvbuffer",
	[MTFSS] = "fss",
	[MTBSS] = "bss",
	[MTWSM] = "wsm",
	[MTLOCK] = "lock",
	[MTUNLOCK] = "unlock",
	[MTLOAD] = "load",
	[MTUNLOAD] = "unload",
	[MTCOMPRESSION] = "compression",
	[MTSETPART] = "setpart",
	[MTMKPART] = "mkpart",
	[MTWEOFI] = "weofi",
};

static const char *const kind_names[STEP_KINDS] = {
	[STEP_OPEN] = "open",
	[STEP_SECOND] = "second",
	[STEP_CLOSE] = "close",
	[STEP_DUP] = "dup",
	[STEP_READ] = "read",
	[STEP_WRITE] = "write",
	[STEP_READV] = "readv",
	[STEP_WRITEV] = "writev",
	[STEP_MT] = "mt",
	[STEP_STATUS] = "status",
	[STEP_POS] = "pos",
	[STEP_IOCTL] = "ioctl",
	[STEP_CALL] = "call",
};

static const char *const call_names[STEP_CALLS] = {
	[STEP_LSEEK] = "lseek",
	[STEP_PREAD] = "pread",
	[STEP_PWRITE] = "pwrite",
	[STEP_FSYNC] = "fsync",
	[STEP_TRUNCATE] = "truncate",
	[STEP_MMAP] = "mmap",
	[STEP_POLL] = "poll",
};

/* The index of ${word} in ${names}, or -1. */
static int
find(const char *const *names, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (names[i] != NULL && strcmp(names[i], word) == 0)
			return (int)i;
	return -1;
}

static void
split(struct words *w, const char *line)
{
	char *save = NULL;

	*w = (struct words){ .n = 0 };
	(void)snprintf(w->text, sizeof(w->text), "%s", line); /* lines fit */
	for (char *s = strtok_r(w->text, " \t\n", &save);
	     s != NULL && w->n < MAX_WORDS; s = strtok_r(NULL, " \t\n", &save))
		w->word[w->n++] = s;
}

static const char *
next(struct words *w)
{
	return w->at < w->n ? w->word[w->at++] : "";
}

static bool
take_word(struct words *w, const char *word)
{
	if (w->at == w->n || strcmp(w->word[w->at], word) != 0)
		return false;
	w->at++;
	return true;
}

static bool
take_number(struct words *w, long long *ret_number)
{
	const char *s = next(w);
	char *end;

	*ret_number = strtoll(s, &end, 0);
	return *s != '\0' && *end == '\0';
}

static bool
parse_open(struct words *w, struct step *s)
{
	static const struct {
		const char *word;
		unsigned flags;
	} flags[] = {
		{ "r", STEP_OPEN_R },
		{ "w", STEP_OPEN_W },
		{ "rw", STEP_OPEN_R | STEP_OPEN_W },
		{ "nonblock", STEP_OPEN_NONBLOCK },
		{ "rewind", STEP_OPEN_REWIND },
		{ "creat", STEP_OPEN_CREAT },
	};
	long long mode;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (take_word(w, flags[i].word))
			s->open |= flags[i].flags;
	if (take_word(w, "mode")) {
		if (!take_number(w, &mode) || mode < 0 || mode > 3)
			return false;
		s->mode = (unsigned)mode;
	}
	return (s->open & (STEP_OPEN_R | STEP_OPEN_W)) != 0;
}

static bool
parse_data(struct words *w, struct step *s)
{
	bool pieces = s->kind == STEP_READV || s->kind == STEP_WRITEV;
	bool writes = s->kind == STEP_WRITE || s->kind == STEP_WRITEV;
	long long bytes = 0, n = 0, tag = 1, at = 0;

	if ((pieces && (!take_number(w, &n) || n < 1 || n > 64)) ||
	    !take_number(w, &bytes) || bytes < 0 || bytes > 8 << 20)
		return false;
	if (writes && (!take_number(w, &tag) || tag < 1 || tag > UINT16_MAX))
		return false;
	if (take_word(w, "at") && (!take_number(w, &at) || at < 0 || at > 4095))
		return false;
	s->bytes = (size_t)bytes;
	s->pieces = (unsigned)n;
	s->tag = writes ? (uint16_t)tag : 0;
	s->at = (unsigned)at;
	return true;
}

static bool
parse_mt(struct words *w, struct step *s)
{
	const char *name = next(w);
	long long count;
	char *end;

	s->op = find(op_names, sizeof(op_names) / sizeof(op_names[0]), name);
	if (s->op < 0) {
		s->op = (int)strtol(name, &end, 0);
		if (*name == '\0' || *end != '\0')
			return false;
	}
	if (!take_number(w, &count))
		return false;
	s->count = (int)count; /* also 0x80000000 and more */
	return true;
}

static bool
parse_kind(struct words *w, struct step *s)
{
	long long number;

	switch (s->kind) {
	case STEP_OPEN:
	case STEP_SECOND:
		return parse_open(w, s);
	case STEP_READ:
	case STEP_WRITE:
	case STEP_READV:
	case STEP_WRITEV:
		return parse_data(w, s);
	case STEP_MT:
		return parse_mt(w, s);
	case STEP_IOCTL:
		if (!take_number(w, &number))
			return false;
		s->cmd = (uint32_t)number;
		return true;
	case STEP_CALL:
		s->op = find(call_names, STEP_CALLS, next(w));
		return s->op >= 0;
	default:
		return true;
	}
}

bool
step_parse(const char *line, struct step *ret_step)
{
	struct step s = { .times = 0 };
	long long times;
	struct words w;
	int kind;

	split(&w, line);
	if (take_word(&w, "repeat")) {
		if (!take_number(&w, &times) || times < 1)
			return false;
		s.times = (unsigned)times;
	}
	s.user = take_word(&w, "user");
	kind = find(kind_names, STEP_KINDS, next(&w));
	if (kind < 0)
		return false;
	s.kind = (enum step_kind)kind;
	if (!parse_kind(&w, &s) || w.at != w.n)
		return false;
	*ret_step = s;
	return true;
}

const char *
step_op_name(int op)
{
	if (op < 0 || (size_t)op >= sizeof(op_names) / sizeof(op_names[0]))
		return NULL;
	return op_names[op];
}

static void
format_open(FILE *f, const struct step *s)
{
	fputs(s->open & STEP_OPEN_R ? s->open & STEP_OPEN_W ? " rw" : " r"
				    : " w",
	    f);
	if (s->open & STEP_OPEN_NONBLOCK)
		fputs(" nonblock", f);
	if (s->open & STEP_OPEN_REWIND)
		fputs(" rewind", f);
	if (s->open & STEP_OPEN_CREAT)
		fputs(" creat", f);
	if (s->mode != 0)
		fprintf(f, " mode %u", s->mode);
}

static void
format_mt(FILE *f, const struct step *s)
{
	const char *name = step_op_name(s->op);

	if (name != NULL)
		fprintf(f, " %s", name);
	else
		fprintf(f, " %d", s->op);
	if (s->op == MTSETDRVBUFFER)
		fprintf(f, " %#x", (unsigned)s->count);
	else
		fprintf(f, " %d", s->count);
}

static void
format_kind(FILE *f, const struct step *s)
{
	switch (s->kind) {
	case STEP_OPEN:
	case STEP_SECOND:
		format_open(f, s);
		break;
	case STEP_MT:
		format_mt(f, s);
		break;
	case STEP_IOCTL:
		fprintf(f, " %#x", s->cmd);
		break;
	case STEP_CALL:
		fprintf(f, " %s", call_names[s->op]);
		break;
	case STEP_READV:
	case STEP_WRITEV:
		fprintf(f, " %u", s->pieces);
		/* fallthrough */
	case STEP_READ:
	case STEP_WRITE:
		fprintf(f, " %zu", s->bytes);
		if (s->tag != 0)
			fprintf(f, " %u", s->tag);
		if (s->at != 0)
			fprintf(f, " at %u", s->at);
		break;
	default:
		break;
	}
}

void
step_format(const struct step *s, char text[STEP_TEXT])
{
	FILE *f = fmemopen(text, STEP_TEXT, "w");

	if (f == NULL)
		tap_bail("fmemopen: %s", strerror(errno));
	if (s->times != 0)
		fprintf(f, "repeat %u ", s->times);
	if (s->user)
		fputs("user ", f);
	fputs(kind_names[s->kind], f);
	format_kind(f, s);
	if (fclose(f) != 0)
		tap_bail("a step of more than %d characters", STEP_TEXT);
}

struct step_line *
step_add(struct step_case *c, const struct step *s)
{
	c->lines = reallocarray(c->lines, c->n + 1, sizeof(*c->lines));
	if (c->lines == NULL)
		tap_bail("out of memory");
	c->lines[c->n] = (struct step_line){ .step = *s };
	return &c->lines[c->n++];
}

/* A line of a case, without its newline. */
static bool
read_line(struct step_case *c, char *text, unsigned line)
{
	char *outcome = strstr(text, "=>");
	struct step_line *l;
	struct step s;

	if (outcome != NULL) {
		*outcome = '\0';
		outcome += 2 + strspn(outcome + 2, " \t");
	}
	if (!step_parse(text, &s))
		return false;
	l = step_add(c, &s);
	l->line = line;
	if (outcome != NULL)
		(void)snprintf(l->outcome, sizeof(l->outcome), "%s", outcome);
	return true;
}

bool
step_read_case(FILE *f, const char *path, struct step_case *ret_case,
    unsigned *line)
{
	struct step_case c = { .n = 0 };
	char text[2 * STEP_TEXT];
	long start = ftell(f);

	while (fgets(text, sizeof(text), f) != NULL) {
		bool begins = strncmp(text, "case ", 5) == 0;

		if (begins && c.name[0] != '\0') {
			(void)fseek(f, start, SEEK_SET); /* it was there */
			break;
		}
		++*line;
		start = ftell(f);
		text[strcspn(text, "\n")] = '\0';
		if (begins)
			(void)snprintf(c.name, sizeof(c.name), "%.150s",
			    text + 5);
		else if (text[0] != '#' && text[strspn(text, " \t")] != '\0' &&
		    (c.name[0] == '\0' || !read_line(&c, text, *line)))
			tap_bail("%s:%u: no step: %s", path, *line, text);
	}
	*ret_case = c;
	return c.name[0] != '\0';
}

void
step_write_case(FILE *f, const struct step_case *c)
{
	char text[STEP_TEXT];

	fprintf(f, "case %s\n", c->name);
	for (size_t i = 0; i < c->n; i++) {
		step_format(&c->lines[i].step, text);
		fprintf(f, "%s", text);
		if (c->lines[i].outcome[0] != '\0')
			fprintf(f, " => %s", c->lines[i].outcome);
		fputc('\n', f);
	}
}

void
step_free_case(struct step_case *c)
{
	free(c->lines);
	*c = (struct step_case){ .n = 0 };
}
