/* SPDX-License-Identifier: BSD-2-Clause */
/* See pmtimg_extent.h. */
#include <inttypes.h>
#include <stdio.h>

#include "pmtimg_extent.h"
#include "pmtimg_text.h"

void
pmtimg_extent_add(struct pmtimg_extent *e, const struct pmtimg_step *step)
{
	if (step->kind == PMTIMG_EOD)
		return;
	e->objects++;
	if (step->kind == PMTIMG_FILEMARK) {
		e->filemarks++;
		return;
	}
	e->records++;
	e->bytes += step->len;
}

const char *
pmtimg_extent_words(const struct pmtimg_extent *e,
    char buf[PMTIMG_EXTENT_WORDS])
{
	(void)snprintf(buf, PMTIMG_EXTENT_WORDS,
	    "%" PRIu64 " object%s: %" PRIu64 " record%s (%" PRIu64
	    " byte%s) and %" PRIu64 " filemark%s",
	    e->objects, pmtimg_text_s(e->objects), e->records,
	    pmtimg_text_s(e->records), e->bytes, pmtimg_text_s(e->bytes),
	    e->filemarks, pmtimg_text_s(e->filemarks));
	return buf;
}
