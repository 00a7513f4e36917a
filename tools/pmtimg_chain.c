/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See pmtimg_chain.h.  On all volumes but the last a filemark is held back
 * until it is known what follows: if that is the end of data, the mark is the
 * closing one, and is dropped.
 */
#include <stddef.h>

#include "pmtimg.h"
#include "pmtimg_chain.h"

static int
open_volume(struct pmtimg_chain *c)
{
	int status = pmtimg_tape_open(&c->tape, c->names[c->i], PMTIMG_TO_READ);

	if (status != PMTIMG_DONE)
		return status;
	return pmtimg_chain_select(c, c->partition);
}

int
pmtimg_chain_open(struct pmtimg_chain *c, char *const *names, unsigned n,
    uint32_t partition, uint8_t *buf)
{
	*c = (struct pmtimg_chain){ .names = names,
		.n = n,
		.partition = partition,
		.buf = buf };
	return open_volume(c);
}

int
pmtimg_chain_select(struct pmtimg_chain *c, uint32_t partition)
{
	int status = pmtimg_walk_start(&c->walk, &c->tape, partition, c->buf);

	c->walk.want = TAPE_MAX_RECORD;
	c->held = c->ahead = false;
	return status;
}

/* The next object of this volume, or the next one's; marks as they come. */
static int
take(struct pmtimg_chain *c, struct pmtimg_step *step)
{
	int status;

	for (;;) {
		pmtimg_walk_next(&c->walk, step);
		if (step->kind != PMTIMG_EOD || c->i + 1 == c->n)
			return PMTIMG_DONE;
		c->held = false; /* it was the closing one */
		c->before += step->end;
		(void)pmtimg_tape_close(&c->tape); /* it was only read */
		c->i++;
		status = open_volume(c);
		if (status != PMTIMG_DONE)
			return status;
	}
}

int
pmtimg_chain_next(struct pmtimg_chain *c, struct pmtimg_step *ret_step)
{
	int status;

	if (c->ahead) {
		c->ahead = false;
		*ret_step = c->next;
	} else {
		status = take(c, ret_step);
		if (status != PMTIMG_DONE)
			return status;
	}
	/* Hold a mark, and look what follows it. */
	while (ret_step->kind == PMTIMG_FILEMARK && c->i + 1 < c->n) {
		c->mark = *ret_step;
		c->held = true;
		status = take(c, &c->next);
		if (status != PMTIMG_DONE)
			return status;
		if (c->held) {
			c->held = false;
			c->ahead = true;
			*ret_step = c->mark;
			return PMTIMG_DONE;
		}
		*ret_step = c->next;
	}
	return PMTIMG_DONE;
}

void
pmtimg_chain_again(struct pmtimg_chain *c, const struct pmtimg_step *last)
{
	c->ahead = true;
	c->next = *last;
}

uint64_t
pmtimg_chain_done(const struct pmtimg_chain *c)
{
	return c->before + c->walk.at;
}

void
pmtimg_chain_close(struct pmtimg_chain *c)
{
	(void)pmtimg_tape_close(&c->tape); /* it was only read */
}
