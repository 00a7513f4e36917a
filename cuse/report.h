/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log lines of failed operations: one each, but a program that tries the
 * same thing again and again does not fill the log with it.
 */
#ifndef PMT_REPORT_H
#define PMT_REPORT_H

#include <stdint.h>

struct report {
	char last[512];	 /* the line as it was logged last */
	uint64_t at;	 /* when, seconds of CLOCK_MONOTONIC */
	unsigned unsaid; /* how often it was not logged since */
};

/*
 * Notes that ${op} on ${node} failed with ${err} (negative), for the reason
 * ${why} ("" if there is none to tell).  What a drive does as a matter of
 * course is only shown as a debugging message.
 */
void report_failure(struct report *r, const char *node, const char *op, int err,
    const char *why);

#endif
