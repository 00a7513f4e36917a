/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs steps on a subject and puts their outcomes into words; see step.h. */
#include <errno.h>
#include <inttypes.h>
#include <linux/mtio.h>
#include <stdlib.h>
#include <string.h>

#include "subject.h"
#include "tap.h"

#define PAGE 4096
#define MAX_PIECES 64
#define WORDS_SHOWN 4

static uint8_t *memory;
static size_t memory_size;

static void
format_int(char text[STEP_TEXT], int64_t r)
{
	const char *name = r < 0 ? strerrorname_np((int)-r) : NULL;

	if (name != NULL)
		(void)snprintf(text, STEP_TEXT, "%s", name);
	else
		(void)snprintf(text, STEP_TEXT, "%" PRId64, r);
}

/* A buffer of ${size} zeros, ${at} bytes past a page boundary. */
static uint8_t *
buffer(size_t size, unsigned at)
{
	if (memory_size < size + PAGE) {
		free(memory);
		memory_size = size + PAGE;
		memory =
		    aligned_alloc(PAGE, (memory_size + PAGE) / PAGE * PAGE);
		if (memory == NULL)
			tap_bail("out of memory");
	}
	memset(memory, 0, size + at);
	return memory + at;
}

/* Puts the words of ${step} at the start of every block, or of every piece. */
static void
fill(uint8_t *buf, const struct step *step, size_t block_size)
{
	size_t pieces = step->pieces == 0 ? 1 : step->pieces;
	size_t every = block_size == 0 ? step->bytes : block_size;
	uint32_t word = (uint32_t)step->tag << 16;

	for (size_t i = 0; i + 4 <= pieces * step->bytes; i += every) {
		memcpy(buf + i, &word, sizeof(word));
		word = (word & 0xffff0000) | ((word + 1) & 0xffff);
	}
}

/* "1024 7 7.1 7.2": the words that are not zero, and a sum if they are many. */
static void
format_data(char text[STEP_TEXT], const uint8_t *buf, size_t size)
{
	uint32_t word, sum = 0;
	unsigned words = 0;
	size_t len = strlen(text);

	for (size_t i = 0; i + 4 <= size; i += 4) {
		memcpy(&word, buf + i, sizeof(word));
		if (word == 0)
			continue;
		sum = (sum ^ word) * UINT32_C(16777619);
		if (words++ < WORDS_SHOWN)
			len += (size_t)snprintf(text + len, STEP_TEXT - len,
			    word & 0xffff ? " %u.%u" : " %u", word >> 16,
			    word & 0xffff);
	}
	if (words > WORDS_SHOWN)
		(void)snprintf(text + len, STEP_TEXT - len,
		    " ... %u words %08x", words, sum);
}

static void
run_data(struct subject *s, const struct step *step, char outcome[STEP_TEXT])
{
	bool writes = step->kind == STEP_WRITE || step->kind == STEP_WRITEV;
	unsigned pieces = step->pieces == 0 ? 1 : step->pieces;
	uint8_t *buf = buffer(pieces * step->bytes, step->at);
	struct iovec iov[MAX_PIECES];
	ssize_t n;

	for (unsigned i = 0; i < pieces; i++)
		iov[i] = (struct iovec){ buf + i * step->bytes, step->bytes };
	if (writes)
		fill(buf, step, s->block_size);
	if (writes)
		n = s->ops->writev(s, iov, (int)pieces);
	else
		n = s->ops->readv(s, iov, (int)pieces);
	format_int(outcome, n);
	if (!writes && n > 0)
		format_data(outcome, buf, (size_t)n);
}

static void
run_status(struct subject *s, char outcome[STEP_TEXT])
{
	struct mtget g;
	int r;

	memset(&g, 0, sizeof(g));
	r = s->ops->ioctl(s, (uint32_t)MTIOCGET, &g, false);
	if (r < 0) {
		format_int(outcome, r);
		return;
	}
	(void)snprintf(outcome, STEP_TEXT,
	    "file %d blk %d gstat %#lx dsreg %#lx resid %ld%s", g.mt_fileno,
	    g.mt_blkno, g.mt_gstat, g.mt_dsreg, g.mt_resid,
	    g.mt_type == MT_ISSCSI2 && g.mt_erreg == 0 ? "" : " odd");
}

static int
run_mt(struct subject *s, const struct step *step)
{
	struct mtop op = { .mt_op = (short)step->op, .mt_count = step->count };
	int r = s->ops->ioctl(s, (uint32_t)MTIOCTOP, &op, step->user);

	if (r == 0 && step->op == MTSETBLK)
		s->block_size = (uint32_t)step->count & 0xffffff;
	return r;
}

static void
run_other(struct subject *s, const struct step *step, char outcome[STEP_TEXT])
{
	union {
		long words[32];
		struct mtpos pos;
	} arg;
	int r;

	memset(&arg, 0, sizeof(arg));
	if (step->kind == STEP_POS)
		r = s->ops->ioctl(s, (uint32_t)MTIOCPOS, &arg, false);
	else
		r = s->ops->ioctl(s, step->cmd, &arg, step->user);
	format_int(outcome, r);
	if (step->kind == STEP_POS && r == 0)
		format_int(outcome, arg.pos.mt_blkno);
}

static void
run_open(struct subject *s, const struct step *step, char outcome[STEP_TEXT])
{
	int r;

	if (step->kind == STEP_SECOND) {
		r = s->ops->second(s, step->open, step->mode);
	} else {
		r = s->ops->open(s, step->open, step->mode);
		s->open = r >= 0;
	}
	format_int(outcome, r < 0 ? r : 0);
}

/* What needs an open file, and has none, is not done at all. */
static bool
makes_sense(const struct subject *s, const struct step *step)
{
	return s->open != (step->kind == STEP_OPEN);
}

static void
run_once(struct subject *s, const struct step *step, char outcome[STEP_TEXT])
{
	switch (step->kind) {
	case STEP_OPEN:
	case STEP_SECOND:
		run_open(s, step, outcome);
		break;
	case STEP_CLOSE:
		format_int(outcome, s->ops->close(s));
		s->open = false;
		break;
	case STEP_DUP:
		format_int(outcome, s->ops->dup(s));
		break;
	case STEP_MT:
		format_int(outcome, run_mt(s, step));
		break;
	case STEP_STATUS:
		run_status(s, outcome);
		break;
	case STEP_POS:
	case STEP_IOCTL:
		run_other(s, step, outcome);
		break;
	case STEP_CALL:
		format_int(outcome, s->ops->call(s, (enum step_call)step->op));
		break;
	default:
		run_data(s, step, outcome);
		break;
	}
}

static void
run_repeat(struct subject *s, const struct step *step, char outcome[STEP_TEXT])
{
	char first[STEP_TEXT], now[STEP_TEXT] = "";
	unsigned times = 1;

	run_once(s, step, first);
	while (times < step->times) {
		run_once(s, step, now);
		if (strcmp(first, now) != 0)
			break;
		times++;
	}
	(void)snprintf(outcome, STEP_TEXT, "%u times %.60s%s%.60s", times,
	    first, times < step->times ? ", then " : "",
	    times < step->times ? now : ""); /* outcomes are short here */
}

void
run_step(struct subject *s, const struct step *step, char outcome[STEP_TEXT])
{
	if (!makes_sense(s, step))
		(void)snprintf(outcome, STEP_TEXT, "-");
	else if (step->times != 0)
		run_repeat(s, step, outcome);
	else
		run_once(s, step, outcome);
}

void
run_begin(struct subject *s)
{
	static bool told;
	static const char *const steps[] = { "open rw nonblock", "mt nop 1",
		"mt load 1", "mt setdrvbuffer 0x10000507",
		"mt setdrvbuffer 0x5fffffff", "mt setdrvbuffer 0x601fffff",
		"mt setdrvbuffer 0x602fffff", "mt setdrvbuffer 0x603fffff",
		"mt mkpart 0", "mt setdrvbuffer 0x10000107",
		"mt setdrvbuffer 0", "mt setblk 0", "mt setdensity 0",
		"mt compression 0", "mt rew 1", "mt erase 1", "close" };
	char outcome[STEP_TEXT];
	struct step step;

	s->ops->renew(s);
	s->open = false;
	s->block_size = 0;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (!step_parse(steps[i], &step))
			tap_bail("%s: no step", steps[i]);
		run_step(s, &step, outcome);
		/* MTNOP may fail: a tape may be unloaded, an error kept. */
		if (i != 1 && strcmp(outcome, "0") != 0 && !told)
			tap_diag("preparing: %s: %s", steps[i], outcome);
	}
	told = true; /* what can't be done will show in each case */
}

void
run_end(struct subject *s)
{
	if (s->open)
		(void)s->ops->close(s); /* its result was not asked for */
	s->open = false;
}
