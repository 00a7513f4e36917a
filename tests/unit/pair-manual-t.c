/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The exchange in hexadecimal of pmt-pair(7), held against the codec: what is
 * printed there is what it writes, byte for byte, and what it takes for a
 * request and the answer to it.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pair/wire.h"
#include "tap.h"

#define PAGE "docs/pmt-pair.7"

static struct {
	uint8_t bytes[256];
	size_t n;
} messages[8];
static size_t n_messages;

/* The bytes at the beginning of a line, up to what explains them. */
static size_t
take_bytes(const char *line, uint8_t out[16])
{
	size_t n = 0;

	while (n < 16 && isxdigit((unsigned char)line[0]) &&
	    isxdigit((unsigned char)line[1]) &&
	    (line[2] == ' ' || line[2] == '\n')) {
		out[n++] = (uint8_t)strtoul(line, NULL, 16);
		line += n % 8 == 0 && line[2] == ' ' && line[3] == ' ' ? 4 : 3;
	}
	return n;
}

/* The messages of the example ${name}; an empty line is between two. */
static void
read_example(const char *name)
{
	char line[256], marker[64];
	FILE *page = fopen(PAGE, "re");
	bool here = false;
	size_t n;

	if (page == NULL)
		tap_bail(PAGE ": %s", strerror(errno));
	(void)snprintf(marker, sizeof(marker), ".\\\" hex: %s\n", name);
	memset(messages, 0, sizeof(messages));
	n_messages = 0;
	while (fgets(line, sizeof(line), page) != NULL &&
	    (!here || strcmp(line, ".Ed\n") != 0)) {
		here = here || strcmp(line, marker) == 0;
		if (!here || line[0] == '.')
			continue;
		if (line[0] == '\n' || n_messages == 0)
			n_messages++;
		if (n_messages > 8 || messages[n_messages - 1].n > 200)
			tap_bail("%s is too long", name);
		n = take_bytes(line,
		    messages[n_messages - 1].bytes +
			messages[n_messages - 1].n);
		messages[n_messages - 1].n += n;
	}
	(void)fclose(page); /* only read from */
}

/* ${header} and ${data} are message ${i}. */
static void
is_message(size_t i, const uint8_t *header, const void *data, size_t len,
    const char *what)
{
	uint8_t whole[256];

	memcpy(whole, header, PMT_PAIR_HEADER);
	if (len > 0)
		memcpy(whole + PMT_PAIR_HEADER, data, len);
	tap_is_int((int64_t)(PMT_PAIR_HEADER + len), (int64_t)messages[i].n,
	    "%s: its length", what);
	tap_is_mem(whole, messages[i].bytes, PMT_PAIR_HEADER + len,
	    "%s is as in the manual", what);
}

/* Messages ${i} and ${i} + 1. */
static void
is_exchange(size_t i, struct pmt_request q, struct pmt_reply a,
    const char *what)
{
	uint8_t header[PMT_PAIR_HEADER];
	struct pmt_request q2;
	struct pmt_reply a2;
	const char *why = "";
	char name[64];

	(void)snprintf(name, sizeof(name), "%s, the request", what);
	pair_wire_put_request(header, &q);
	is_message(i, header, q.data, q.len, name);
	(void)snprintf(name, sizeof(name), "%s, the reply", what);
	pair_wire_put_reply(header, &a);
	is_message(i + 1, header, a.data, a.len, name);
	tap_is_int(0, pair_wire_get_request(messages[i].bytes, &q2, &why),
	    "%s: the manual's request is one", what);
	tap_is_int(0, pair_wire_get_reply(messages[i + 1].bytes, &a2, &why),
	    "%s: the manual's reply is one", what);
	a2.data = messages[i + 1].bytes + PMT_PAIR_HEADER;
	tap_is_int(0, pair_wire_check_reply(&q2, &a2, &why),
	    "%s: ... to that request %s", what, why);
}

static const struct pmt_position object5 = { .object = 5,
	.file = 1,
	.known = true };
static const struct pmt_position object6 = { .object = 6,
	.file = 1,
	.known = true };

static void
test_hello(void)
{
	read_example("hello");
	is_exchange(0,
	    (struct pmt_request){ .op = PMT_HELLO,
		.id = 1,
		.unit = 1,
		.count = PMT_PAIR_VERSION },
	    (struct pmt_reply){ .op = PMT_HELLO,
		.id = 1,
		.done = PMT_PAIR_VERSION,
		.room = PMT_PAIR_MAX_RECORD },
	    "HELLO");
}

static void
test_write(void)
{
	read_example("write");
	is_exchange(0,
	    (struct pmt_request){ .op = PMT_WRITE,
		.id = 9,
		.at = object5,
		.count = 3,
		.data = "abc",
		.len = 3 },
	    (struct pmt_reply){ .op = PMT_WRITE,
		.id = 9,
		.at = object6,
		.used = 12288,
		.room = PMT_PAIR_MAX_RECORD },
	    "WRITE");
}

static void
test_read(void)
{
	read_example("read");
	is_exchange(0,
	    (struct pmt_request){ .op = PMT_READ,
		.id = 10,
		.at = object5,
		.count = 2 },
	    (struct pmt_reply){ .op = PMT_READ,
		.id = 10,
		.at = object6,
		.done = 3,
		.used = 12288,
		.room = PMT_PAIR_MAX_RECORD,
		.data = "ab",
		.len = 2 },
	    "READ");
	is_exchange(2,
	    (struct pmt_request){ .op = PMT_READ,
		.id = 11,
		.at = object6,
		.count = 2 },
	    (struct pmt_reply){ .op = PMT_READ,
		.id = 11,
		.error = EIO,
		.at = object6,
		.used = 12288,
		.room = PMT_PAIR_MAX_RECORD,
		.data = "bad",
		.len = 3 },
	    "a READ that fails");
}

int
main(void)
{
	test_hello();
	test_write();
	test_read();
	return tap_done();
}
