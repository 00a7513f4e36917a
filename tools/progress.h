/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How far a long job is, for people: a bar on a terminal, else a line every few
 * seconds, on standard error.  Shows bytes, rate, and when the total is known
 * also the part done and the time left.
 */
#ifndef PMT_PROGRESS_H
#define PMT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum progress_mode {
	PROGRESS_AUTO, /* a bar on a terminal; else lines if it takes long */
	PROGRESS_BAR,
	PROGRESS_PLAIN, /* lines, also at the beginning and at the end */
	PROGRESS_NONE,
};

struct progress {
	const char *what;
	enum progress_mode mode; /* never PROGRESS_AUTO */
	uint64_t total;		 /* bytes; 0: not known */
	uint64_t done;		 /* bytes, as told last */
	struct timespec start, shown;
	bool ends;    /* lines at the beginning and at the end */
	bool visible; /* a bar is on the screen */
};

/* False: no such mode. */
bool progress_mode_named(const char *name, enum progress_mode *ret_mode);

/* ${what} is a word or two, "copy x.tap", and stays the caller's. */
void progress_start(struct progress *p, enum progress_mode mode,
    const char *what, uint64_t total);

/* ${done} bytes of the total are done now; shows it if it is time to. */
void progress_at(struct progress *p, uint64_t done);

/* Takes the bar off the screen, so that other lines can be printed. */
void progress_hide(struct progress *p);

void progress_end(struct progress *p);

#endif
