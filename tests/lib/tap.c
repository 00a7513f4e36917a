/* SPDX-License-Identifier: BSD-2-Clause */
/* TAP output.  Owns the count of results; leaves everything else to tests. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

static unsigned results;
static unsigned failures;

static bool result(bool passed, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static bool
result(bool passed, const char *fmt, va_list ap)
{
	results++;
	failures += !passed;
	printf("%sok %u - ", passed ? "" : "not ", results);
	vprintf(fmt, ap);
	putchar('\n');
	(void)fflush(stdout); /* a lost line shows as a bad plan */
	return passed;
}

bool
tap_ok(bool passed, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)result(passed, fmt, ap); /* returned below */
	va_end(ap);
	return passed;
}

bool
tap_is_int(int64_t expected, int64_t seen, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)result(expected == seen, fmt, ap); /* returned below */
	va_end(ap);
	if (expected != seen)
		tap_diag("expected %" PRId64 ", seen %" PRId64, expected, seen);
	return expected == seen;
}

bool
tap_is_str(const char *expected, const char *seen, const char *fmt, ...)
{
	bool same = strcmp(expected, seen) == 0;
	va_list ap;

	va_start(ap, fmt);
	(void)result(same, fmt, ap); /* returned below */
	va_end(ap);
	if (!same)
		tap_diag("expected \"%s\", seen \"%s\"", expected, seen);
	return same;
}

bool
tap_is_mem(const void *expected, const void *seen, size_t len, const char *fmt,
    ...)
{
	const unsigned char *e = expected;
	const unsigned char *s = seen;
	size_t at = 0;
	va_list ap;

	while (at < len && e[at] == s[at])
		at++;
	va_start(ap, fmt);
	(void)result(at == len, fmt, ap); /* returned below */
	va_end(ap);
	if (at < len)
		tap_diag("first difference at byte %zu: expected %02x, seen "
			 "%02x",
		    at, e[at], s[at]);
	return at == len;
}

void
tap_diag(const char *fmt, ...)
{
	va_list ap;

	fputs("# ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	(void)fflush(stdout); /* as above */
}

void
tap_bail(const char *fmt, ...)
{
	va_list ap;

	fputs("Bail out! ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	exit(255);
}

void
tap_skip_all(const char *fmt, ...)
{
	va_list ap;

	fputs("1..0 # SKIP ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	exit(0);
}

int
tap_done(void)
{
	printf("1..%u\n", results);
	return failures == 0 && results > 0 ? 0 : 1;
}
