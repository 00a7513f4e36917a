/* SPDX-License-Identifier: BSD-2-Clause */
/* See pmtimg_compare.h. */
#include <stdio.h>
#include <string.h>

#include "pmtimg_compare.h"
#include "pmtimg_text.h"

static size_t
first_other_byte(const uint8_t *x, const uint8_t *y, size_t len)
{
	size_t at = 0;

	if (memcmp(x, y, len) == 0)
		return len;
	while (x[at] == y[at])
		at++;
	return at;
}

enum pmtimg_difference
pmtimg_compare(const struct pmtimg_step *a, const uint8_t *x,
    const struct pmtimg_step *b, const uint8_t *y, size_t *ret_byte)
{
	size_t least = a->len < b->len ? a->len : b->len;

	if (a->kind != b->kind || pmtimg_compare_is_bad(a) ||
	    pmtimg_compare_is_bad(b))
		return PMTIMG_OTHER_KIND;
	if (a->kind != PMTIMG_RECORD)
		return PMTIMG_SAME;
	*ret_byte = first_other_byte(x, y, least);
	if (a->len != b->len)
		return PMTIMG_OTHER_LENGTH;
	return *ret_byte < least ? PMTIMG_OTHER_DATA : PMTIMG_SAME;
}

const char *
pmtimg_compare_kind(const struct pmtimg_step *step)
{
	static const char *const names[] = { [PMTIMG_RECORD] = "a record",
		[PMTIMG_FILEMARK] = "a filemark",
		[PMTIMG_EOD] = "end of data",
		[PMTIMG_DAMAGE] = "damage" };

	return names[step->kind];
}

const char *
pmtimg_compare_words(const struct pmtimg_step *step,
    char buf[PMTIMG_COMPARE_WORDS])
{
	if (step->kind == PMTIMG_RECORD && !step->bad)
		(void)snprintf(buf, PMTIMG_COMPARE_WORDS,
		    "a record of %zu byte%s", step->len,
		    pmtimg_text_s(step->len));
	else if (step->bad)
		(void)snprintf(buf, PMTIMG_COMPARE_WORDS, "a bad record");
	else
		(void)snprintf(buf, PMTIMG_COMPARE_WORDS, "%s",
		    pmtimg_compare_kind(step));
	return buf;
}

bool
pmtimg_compare_is_bad(const struct pmtimg_step *step)
{
	return step->kind == PMTIMG_DAMAGE || step->bad;
}
