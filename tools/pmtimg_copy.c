/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmtimg copy: tape to tape, over as many volumes as it takes, and, if asked
 * to, a second look: both sides are read again and compared, object by object.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "pmtimg.h"
#include "pmtimg_compare.h"
#include "pmtimg_engine.h"
#include "pmtimg_resume.h"
#include "pmtimg_stop.h"
#include "pmtimg_text.h"

struct copy {
	struct pmtimg_engine engine;
	char *list;			   /* --from, split */
	char *sources[PMTIMG_MAX_VOLUMES]; /* in it, or an argument */
	unsigned n_sources;
	uint64_t total; /* bytes of the sources, 0: unknown */
};

/* ---- Verifying ---------------------------------------------------------- */

/* One object of both. */
static int
compare_next(struct pmtimg_chain *a, struct pmtimg_chain *b, bool *ret_end)
{
	static const char *const words[] = { [PMTIMG_OTHER_KIND] = "",
		[PMTIMG_OTHER_LENGTH] = " of another length",
		[PMTIMG_OTHER_DATA] = " with other data" };
	enum pmtimg_difference how;
	struct pmtimg_step x, y;
	int status = pmtimg_chain_next(a, &x);
	size_t byte;

	if (status == PMTIMG_DONE)
		status = pmtimg_chain_next(b, &y);
	if (status != PMTIMG_DONE)
		return status;
	*ret_end = x.kind == PMTIMG_EOD;
	how = pmtimg_compare(&x, a->buf, &y, b->buf, &byte);
	if (how == PMTIMG_SAME)
		return PMTIMG_DONE;
	log_error("verify: %s: object %" PRIu64 " (offset %" PRIu64
		  ") is %s, but %s: object %" PRIu64 " (offset %" PRIu64
		  ") is %s%s",
	    a->tape.name, x.object, x.at, pmtimg_compare_kind(&x), b->tape.name,
	    y.object, y.at, pmtimg_compare_kind(&y), words[how]);
	return PMTIMG_FAILED;
}

static int
compare(struct copy *c, struct pmtimg_chain *a, struct pmtimg_chain *b)
{
	struct progress *p = &c->engine.progress;
	int status = PMTIMG_DONE;
	bool end = false;

	progress_start(p, c->engine.s->progress, "verify", c->total);
	while (status == PMTIMG_DONE && !end) {
		if (pmtimg_stop_signal() != 0) {
			progress_hide(p);
			log_error("verify: stopped by %s; the copy itself is "
				  "complete",
			    pmtimg_stop_name());
			return 128 + pmtimg_stop_signal();
		}
		status = compare_next(a, b, &end);
		progress_at(p, pmtimg_chain_done(a));
	}
	progress_end(p);
	if (status == PMTIMG_DONE && !c->engine.s->quiet)
		(void)puts("verified: the copy is the same as the source");
	return status;
}

static int
verify(struct copy *c)
{
	uint8_t *x = pmtimg_walk_buffer(), *y = pmtimg_walk_buffer();
	uint32_t partition = c->engine.s->partition;
	struct pmtimg_chain a, b;
	int status =
	    pmtimg_chain_open(&a, c->sources, c->n_sources, partition, x);

	if (status == PMTIMG_DONE) {
		status = pmtimg_chain_open(&b, c->engine.written,
		    c->engine.n_written, 0, y);
		if (status == PMTIMG_DONE)
			status = compare(c, &a, &b);
		pmtimg_chain_close(&b);
	}
	pmtimg_chain_close(&a);
	free(x);
	free(y);
	return status;
}

/* ---- Copying ------------------------------------------------------------ */

static int
choose_sources(struct copy *c, const struct pmtimg_settings *s)
{
	struct pmtimg_engine *e = &c->engine;
	bool list = s->from != NULL;
	uint64_t unused;
	int status;

	if (list) {
		c->list = pmtimg_text_need(strdup(s->from));
		c->n_sources =
		    pmtimg_tape_split(c->list, c->sources, PMTIMG_MAX_VOLUMES);
	} else {
		c->sources[0] = s->args[0];
		c->n_sources = 1;
	}
	e->names = (char *const *)s->args + !list;
	e->n_names = s->n_args - !list;
	if (e->n_names == 0) {
		log_error("copy: no tape to copy to; see pmtimg --help");
		return PMTIMG_USAGE;
	}
	if (c->n_sources > PMTIMG_MAX_VOLUMES) {
		log_error("--from: %u volumes; %d are the most", c->n_sources,
		    PMTIMG_MAX_VOLUMES);
		return PMTIMG_USAGE;
	}
	/* Only for what is mistyped: nothing is to be written then. */
	status = pmtimg_tape_sizes(e->names, e->n_names, &unused);
	if (status != PMTIMG_DONE)
		return status;
	return pmtimg_tape_sizes(c->sources, c->n_sources, &c->total);
}

/* What copy can't carry over without being told which part is meant. */
static int
check_source(const struct pmtimg_engine *e)
{
	const struct pmtimg_tape *t = &e->from.tape;

	if (t->partitions == 1 || e->s->has_partition)
		return PMTIMG_DONE;
	log_error("%s: has %" PRIu32 " partitions; choose one with "
		  "--partition, or keep all of them with pmtimg convert",
	    t->name, t->partitions);
	return PMTIMG_FAILED;
}

static void
tell_result(const struct copy *c)
{
	const struct pmtimg_engine *e = &c->engine;
	struct pmtimg_extent all = pmtimg_engine_extent(e);
	char words[PMTIMG_EXTENT_WORDS];

	if (!e->s->quiet)
		(void)printf("%s%" PRIu64 " record%s (%" PRIu64
			     " bytes) and %" PRIu64
			     " filemark%s on %u volume%s\n",
		    "copied: ", e->records, pmtimg_text_s(e->records), e->bytes,
		    e->filemarks, pmtimg_text_s(e->filemarks), e->n_written,
		    pmtimg_text_s(e->n_written));
	pmtimg_engine_tell_loss(e);
	if (e->resumes && !e->s->quiet)
		(void)printf("%s now holds the same as %s: %s\n", e->written[0],
		    c->sources[0], pmtimg_extent_words(&all, words));
	if (e->n_written < 2 || e->s->quiet)
		return;
	(void)printf("to have it back on one tape: pmtimg copy --from ");
	for (unsigned i = 0; i < e->n_written; i++)
		(void)printf("%s'%s'", i == 0 ? "" : ",", e->written[i]);
	(void)puts(" TAPE");
}

/* Opens the first volume; of one that is resumed, finds where. */
static int
begin(struct copy *c)
{
	struct pmtimg_engine *e = &c->engine;
	int status;

	if (!e->resumes)
		return pmtimg_engine_open(e, e->names[0]);
	status = pmtimg_engine_attach(e, e->names[0]);
	if (status != PMTIMG_DONE)
		return status;
	progress_start(&e->progress, e->s->progress, "compare", c->total);
	status = pmtimg_resume_find(e);
	progress_end(&e->progress);
	return status;
}

static int
run(struct copy *c)
{
	struct pmtimg_engine *e = &c->engine;
	int status = begin(c), closed;

	if (status == PMTIMG_DONE) {
		progress_start(&e->progress, e->s->progress, "copy", c->total);
		status = pmtimg_engine_run(e);
		progress_end(&e->progress);
	}
	closed = pmtimg_engine_close(e);
	return status == PMTIMG_DONE ? closed : status;
}

static int
copy_with(struct copy *c, uint8_t *buf)
{
	struct pmtimg_engine *e = &c->engine;
	int status = pmtimg_chain_open(&e->from, c->sources, c->n_sources,
	    e->s->partition, buf);

	if (status == PMTIMG_DONE)
		status = check_source(e);
	if (status == PMTIMG_DONE)
		status = run(c);
	pmtimg_chain_close(&e->from);
	if (status == PMTIMG_DONE)
		tell_result(c);
	return status;
}

int
pmtimg_copy(const struct pmtimg_settings *s)
{
	struct copy *c = pmtimg_text_need(calloc(1, sizeof(*c)));
	uint8_t *buf = pmtimg_walk_buffer();
	int status;

	c->engine.s = s;
	c->engine.resumes = s->resume;
	c->engine.spans = !s->resume;
	c->engine.loses = s->lossy;
	pmtimg_stop_arm();
	status = choose_sources(c, s);
	if (status == PMTIMG_DONE)
		status = copy_with(c, buf);
	if (status == PMTIMG_DONE && s->verify)
		status = verify(c);
	pmtimg_engine_free(&c->engine);
	free(c->list);
	free(buf);
	free(c);
	return status;
}
