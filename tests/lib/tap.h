/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Test results as TAP lines on standard output, for prove.  Each check is a
 * sentence that states the rule; the expected value comes before the seen one.
 * A test program ends with "return tap_done();".
 */
#ifndef PMT_TAP_H
#define PMT_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One result line; returns ${passed}, so that a test can stop early. */
bool tap_ok(bool passed, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Also says both values when they differ. */
bool tap_is_int(int64_t expected, int64_t seen, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool tap_is_str(const char *expected, const char *seen, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool tap_is_mem(const void *expected, const void *seen, size_t len,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* A "# ..." line. */
void tap_diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Ends the program: the test can't go on, and that is a failure. */
void tap_bail(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* Ends the program as wholly skipped; call before the first result. */
void tap_skip_all(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/*
 * Runs ${body} for 0 to ${n} - 1, ${most} of them at the same time, each in a
 * process of its own: for tests that wait more than they work.  The lines come
 * at the end, as if one part had been run after the other, with a "# part ..."
 * before each.  One that dies, or has no results, has failed.  The program may
 * have no threads nor other children meanwhile.
 */
void tap_parts(size_t n, size_t most, void (*body)(size_t i));

/* Prints the plan; the exit status for main: 0 if all passed. */
int tap_done(void);

#endif
