/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages for people, to standard error or to syslog; owns only that choice.
 */
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

#include "log.h"

static const char *program = "pmt";
static bool use_syslog;
static bool debug_on;

void
log_name(const char *name)
{
	program = name;
}

void
log_to_syslog(void)
{
	openlog(program, LOG_PID, LOG_DAEMON);
	use_syslog = true;
}

void
log_set_debug(bool on)
{
	debug_on = on;
}

bool
log_shows_debug(void)
{
	return debug_on;
}

static void put_line(int priority, const char *prefix, const char *fmt,
    va_list ap) __attribute__((format(printf, 3, 0)));

/* One write a line, so that lines of several threads do not mix. */
static void
put_line(int priority, const char *prefix, const char *fmt, va_list ap)
{
	char text[900];

	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut short is fine */
	if (use_syslog)
		syslog(priority, "%s%s", prefix, text);
	else
		(void)fprintf(stderr, "%s: %s%s\n", program, prefix, text);
}

void
log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_line(LOG_ERR, "", fmt, ap);
	va_end(ap);
}

void
log_warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_line(LOG_WARNING, "warning: ", fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_line(LOG_INFO, "", fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	if (!debug_on)
		return;
	va_start(ap, fmt);
	put_line(LOG_DEBUG, "", fmt, ap);
	va_end(ap);
}
