/* SPDX-License-Identifier: BSD-2-Clause */
/* Log lines of failed operations; see report.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "report.h"

/* A line that repeats is logged this often, in seconds. */
#define REPORT_INTERVAL 30

/*
 * Failures that are the normal way of a tape, or the program's own doing: the
 * end of the medium, a record larger than the buffer, a drive that is taken, an
 * ioctl that is not for tapes.
 */
static bool
is_normal(int err)
{
	switch (-err) {
	case ENOSPC:
	case ENOMEM:
	case EBUSY:
	case EINVAL:
	case EACCES:
	case EPERM:
	case ENXIO:
	case ENOSYS:
	case ENOMEDIUM:
		return true;
	default:
		return false;
	}
}

static uint64_t
seconds_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail */
	return (uint64_t)now.tv_sec;
}

static void
log_line(struct report *r, const char *line, uint64_t now)
{
	if (r->unsaid > 0)
		log_error("%s (%u more times)", r->last, r->unsaid);
	if (strcmp(line, r->last) != 0)
		log_error("%s", line);
	(void)snprintf(r->last, sizeof(r->last), "%s", line); /* same size */
	r->at = now;
	r->unsaid = 0;
}

void
report_failure(struct report *r, const char *node, const char *op, int err,
    const char *why)
{
	char line[sizeof(r->last)];
	uint64_t now;

	(void)snprintf(line, sizeof(line), "%s: %s: %s%s%s", node, op,
	    strerror(-err), why[0] != '\0' ? ": " : "",
	    why); /* cut short is fine */
	if (is_normal(err)) {
		log_debug("%s", line);
		return;
	}
	now = seconds_now();
	if (strcmp(line, r->last) == 0 && now - r->at < REPORT_INTERVAL)
		r->unsaid++;
	else
		log_line(r, line, now);
}
