/* SPDX-License-Identifier: BSD-2-Clause */
/* TAP output.  Owns the count of results; leaves everything else to tests. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* ---- Parts --------------------------------------------------------------- */

#define PARTS_MAX 256

struct part {
	FILE *output;
	pid_t pid;
	int status;
};

static void
start_part(struct part *part, size_t i, void (*body)(size_t i))
{
	part->output = tmpfile();
	part->status = -1;
	(void)fflush(stdout); /* the part has none of what is there */
	part->pid = part->output == NULL ? -1 : fork();
	if (part->pid < 0)
		tap_bail("part %zu can't be started", i);
	if (part->pid > 0)
		return;
	results = failures = 0;
	if (dup2(fileno(part->output), 1) < 0)
		tap_bail("part %zu has no output", i);
	body(i);
	(void)tap_done(); /* failures show in the lines */
	exit(0);
}

/* The lines of a part, with numbers of ours; whether the last is its plan. */
static bool
tell_part(FILE *output)
{
	char *line = NULL;
	size_t room = 0;
	bool ended = false;

	rewind(output);
	while (getline(&line, &room, output) > 0) {
		bool failed = strncmp(line, "not ok ", 7) == 0;
		const char *words = strstr(line, " - ");

		/* One that has no results, or is skipped, is none. */
		ended = strncmp(line, "1..", 3) == 0 && line[3] != '0';
		if ((failed || strncmp(line, "ok ", 3) == 0) && words != NULL) {
			failures += failed;
			printf("%sok %u%s", failed ? "not " : "", ++results,
			    words);
		} else if (!ended) {
			fputs(line, stdout);
		}
	}
	free(line);
	(void)fflush(stdout); /* as above */
	return ended;
}

/* Waits for one to end, whichever it is. */
static void
end_part(struct part *parts, size_t n)
{
	int status;
	pid_t pid = wait(&status);

	for (size_t i = 0; i < n; i++)
		if (parts[i].pid == pid)
			parts[i].status = status;
}

static void
tell_parts(struct part *parts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		tap_diag("part %zu", i + 1);
		if (!tell_part(parts[i].output) || parts[i].status != 0)
			tap_ok(false, "part %zu comes to its end: status %#x",
			    i + 1, (unsigned)parts[i].status);
		(void)fclose(parts[i].output); /* only read */
	}
}

void
tap_parts(size_t n, size_t most, void (*body)(size_t i))
{
	struct part parts[PARTS_MAX];

	if (n > PARTS_MAX)
		tap_bail("%zu parts", n);
	for (size_t i = 0; i < n; i++) {
		if (i >= most)
			end_part(parts, i);
		start_part(&parts[i], i, body);
	}
	for (size_t i = n < most ? 0 : n - most; i < n; i++)
		end_part(parts, n);
	tell_parts(parts, n);
}

int
tap_done(void)
{
	printf("1..%u\n", results);
	return failures == 0 && results > 0 ? 0 : 1;
}
