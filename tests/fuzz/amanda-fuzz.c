/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: any bytes are a header of Amanda's, and what becomes of it is
 * none, or a name that a file can have.
 *
 *     clang -fsanitize=fuzzer,address,undefined ...   fuzzes
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amanda_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

static void
use_header(const uint8_t *header)
{
	char name[AMANDA_REST + 1];
	bool label;

	memset(name, 'x', sizeof(name));
	if (!amanda_header_name(header, &label, name))
		return;
	must(memchr(name, '\0', sizeof(name)) != NULL, "a name has an end");
	must(name[0] != '\0', "a name is not empty");
	must(strchr(name, '/') == NULL, "a name is one in a directory");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t header[AMANDA_HEADER];

	memset(header, 0, sizeof(header));
	memcpy(header, data, size < sizeof(header) ? size : sizeof(header));
	use_header(header);
	/* Most inputs don't begin as they should. */
	memcpy(header, "AMANDA: FILE X ", 15);
	use_header(header);
	return 0;
}
