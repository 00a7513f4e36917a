/* SPDX-License-Identifier: BSD-2-Clause */
/* Small pieces of text: sizes, names in specs, and JSON. */
#ifndef PMT_PMTIMG_TEXT_H
#define PMT_PMTIMG_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "80 bytes", "1.5 GiB" */
void pmtimg_text_size(char *buf, size_t size, uint64_t bytes);

/* "s" unless ${n} is 1 */
const char *pmtimg_text_s(uint64_t n);

/*
 * ${text} as one word of a spec, with backslashes where they are needed; to be
 * freed.  Ends the program if there is no memory, as everything here does.
 */
char *pmtimg_text_escape(const char *text);

/* As asprintf(3), to be freed. */
char *pmtimg_text_make(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/*
 * ${p}, or the end of the program if it is NULL: for the small allocations that
 * a program can't go on without.
 */
void *pmtimg_text_need(void *p);

/* A JSON string; bytes that are no UTF-8 become "?". */
json_t *pmtimg_text_json(const char *text);

json_t *pmtimg_text_number(uint64_t n);

/*
 * A JSON array on standard output, one element after the other, so that its
 * length does not matter.
 */
struct pmtimg_array {
	bool begun;
};

/* Prints ${element} and takes it over. */
void pmtimg_text_element(struct pmtimg_array *a, json_t *element);
void pmtimg_text_end_array(struct pmtimg_array *a);

/* One JSON value and a newline; takes it over. */
void pmtimg_text_value(json_t *value);

#endif
