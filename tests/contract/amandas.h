/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of Amanda's directories share: records that such a tape can
 * hold, which tell by their bytes which they are.
 */
#ifndef PMT_TESTS_AMANDAS_H
#define PMT_TESTS_AMANDAS_H

#include "listing.h"

#define HEADER 32768 /* bytes */

/* Tags from here on are those of headers; the first is that of a label. */
#define LABEL_TAG 1000000
#define DUMP_TAG 1000001

static inline void
fill_header(uint8_t *buf, const char *text)
{
	memset(buf, 0, HEADER);
	(void)snprintf((char *)buf, HEADER, "AMANDA: %s\n\f\n",
	    text); /* fits */
}

/* As fill_record(). */
static inline void
fill_amanda(uint8_t *buf, size_t len, uint32_t tag)
{
	char text[128];

	if (tag < LABEL_TAG) {
		fill_record(buf, len, tag);
		return;
	}
	if (tag == LABEL_TAG)
		(void)snprintf(text, sizeof(text),
		    "TAPESTART DATE 20260102030405 TAPE TAPE01");
	else
		(void)snprintf(text, sizeof(text),
		    "FILE 20260102030405 host%" PRIu32
		    " /usr  lev 1 comp N program /bin/tar",
		    tag);
	fill_header(buf, text);
}

static inline void
remove_tree(const char *path)
{
	char command[600];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", path);
	if (system(command) != 0)
		tap_bail("%s: can't be removed", path);
}

static inline void
put_header(struct tape *t, const char *text)
{
	static uint8_t buf[HEADER];

	fill_header(buf, text);
	put_record(t, buf, HEADER);
}

static inline void
put_label(struct tape *t, const char *label)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "TAPESTART DATE X TAPE %s", label);
	put_header(t, text);
	put_mark(t);
}

#endif
