/* SPDX-License-Identifier: BSD-2-Clause */
/* See pmtimg_text.h.  Knows nothing of tapes. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "pmtimg_text.h"

void *
pmtimg_text_need(void *p)
{
	if (p == NULL) {
		log_error("out of memory");
		exit(EXIT_FAILURE);
	}
	return p;
}

void
pmtimg_text_size(char *buf, size_t size, uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB",
		"PiB" };
	double n = (double)bytes / 1024;
	unsigned unit = 0;

	if (bytes < 1024) {
		(void)snprintf(buf, size, "%" PRIu64 " byte%s", bytes,
		    pmtimg_text_s(bytes));
		return;
	}
	while (n >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		n /= 1024;
		unit++;
	}
	(void)snprintf(buf, size, "%.1f %s", n, units[unit]);
}

const char *
pmtimg_text_s(uint64_t n)
{
	return n == 1 ? "" : "s";
}

char *
pmtimg_text_escape(const char *text)
{
	char *out = pmtimg_text_need(malloc(2 * strlen(text) + 1));
	char *p = out;

	for (; *text != '\0'; text++) {
		if (strchr(",{}\\", *text) != NULL)
			*p++ = '\\';
		*p++ = *text;
	}
	*p = '\0';
	return out;
}

char *
pmtimg_text_make(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	return pmtimg_text_need(n < 0 ? NULL : text);
}

json_t *
pmtimg_text_json(const char *text)
{
	json_t *value = json_string(text);
	char *copy;

	if (value != NULL)
		return value;
	copy = pmtimg_text_need(strdup(text));
	for (char *p = copy; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	value = json_string(copy);
	free(copy);
	return pmtimg_text_need(value);
}

json_t *
pmtimg_text_number(uint64_t n)
{
	return pmtimg_text_need(
	    json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n));
}

void
pmtimg_text_element(struct pmtimg_array *a, json_t *element)
{
	(void)fputs(a->begun ? ",\n " : "[", stdout);
	a->begun = true;
	/* Whether standard output has taken it is looked at in the end. */
	(void)json_dumpf(pmtimg_text_need(element), stdout, JSON_COMPACT);
	json_decref(element);
}

void
pmtimg_text_end_array(struct pmtimg_array *a)
{
	(void)fputs(a->begun ? "]\n" : "[]\n", stdout);
}

void
pmtimg_text_value(json_t *value)
{
	/* As above. */
	(void)json_dumpf(pmtimg_text_need(value), stdout, JSON_INDENT(2));
	(void)fputs("\n", stdout);
	json_decref(value);
}
