/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages for people.  Only main, cuse/ and the control path log: one line a
 * failure, lower case, naming drive, operation and position.  Libraries return.
 */
#ifndef PMT_LOG_H
#define PMT_LOG_H

#include <stdbool.h>

/* "NAME: " before each line; to standard error until log_to_syslog(). */
void log_name(const char *name);
void log_to_syslog(void);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Only shown after log_set_debug(true). */
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_set_debug(bool on);
bool log_shows_debug(void);

#endif
