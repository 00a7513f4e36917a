/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes records to a tape, or reads them back, by the functions of tape.h:
 * what a program above the rmt tape gets.
 *
 *     rmtwrite write|read SPEC MEGABYTES      records of 64 KiB
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rmt/client.h"
#include "tape.h"

#define RECORD 65536 /* bytes */

static const struct tape_type *const types[] = { &rmt_tape_type, NULL };

int
main(int argc, char **argv)
{
	static char buf[RECORD];
	enum tape_cond cond;
	struct spec_error e;
	struct spec *spec;
	struct tape *t;
	uint32_t done;
	size_t len;
	long n;
	int r;

	if (argc != 4) {
		fputs("usage: rmtwrite write|read SPEC MEGABYTES\n", stderr);
		return 2;
	}
	n = atol(argv[3]) * 16;
	if (spec_parse(argv[2], types, &spec, &e) < 0 ||
	    spec_open(spec, &t, &e) < 0) {
		fprintf(stderr, "rmtwrite: %s\n", e.text);
		return 2;
	}
	r = tape_load(t);
	for (long i = 0; r == 0 && i < n; i++) {
		memcpy(buf, &i, sizeof(i)); /* no two are alike */
		r = argv[1][0] == 'w'
		    ? tape_write(t, buf, sizeof(buf), &cond)
		    : tape_read(t, buf, sizeof(buf), &len, &cond);
	}
	if (r == 0 && argv[1][0] == 'w')
		r = tape_write_filemarks(t, 1, false, &done, &cond);
	if (r == 0)
		r = tape_unload(t);
	if (r < 0)
		fprintf(stderr, "rmtwrite: %s\n", tape_why(t));
	tape_free(t);
	spec_free(spec);
	return r < 0;
}
