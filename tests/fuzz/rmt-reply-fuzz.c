/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: replies of the remote magtape protocol, as a client gets them
 * from a server that means harm, and status of any bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../rmt/wire.c"

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
check(const struct rmt_reply *a)
{
	char buf[RMT_REPLY_MAX];
	struct rmt_reply again;
	ssize_t n;

	must(strlen(a->text) <= RMT_TEXT_MAX, "a text in its bounds");
	for (const char *p = a->text; *p != '\0'; p++)
		must(*p >= ' ' && *p <= '~', "a text that can be printed");
	for (size_t i = 0; i < RMT_DIALECTS; i++)
		must(rmt_wire_errno(&rmt_dialects[i], a) > 0, "an errno");
	n = rmt_wire_encode_reply(a, buf, sizeof(buf));
	must(n > 0, "the buffer is large enough");
	must(rmt_wire_decode_reply(buf, (size_t)n, &again) == n,
	    "what is encoded can be decoded");
	must(again.kind == a->kind && again.value == a->value &&
		strcmp(again.text, a->text) == 0,
	    "and is the same");
}

static void
check_status(const uint8_t *data)
{
	uint8_t out[RMT_MTGET_BYTES];
	struct rmt_status s, again;

	if (rmt_wire_decode_mtget(data, RMT_MTGET_BYTES, &s) < 0)
		return;
	rmt_wire_encode_mtget(&s, out);
	must(rmt_wire_decode_mtget(out, sizeof(out), &again) == 0 &&
		memcmp(&s, &again, sizeof(s)) == 0,
	    "a status is the same again");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rmt_reply a, alone;
	size_t at = 0;
	ssize_t n;

	if (size >= RMT_MTGET_BYTES)
		check_status(data + size - RMT_MTGET_BYTES);
	while (at < size) {
		n = rmt_wire_decode_reply(data + at, size - at, &a);
		if (n <= 0)
			break;
		must((size_t)n <= size - at, "ends in the bytes");
		for (ssize_t i = 0; i < n; i++)
			must(rmt_wire_decode_reply(data + at, (size_t)i,
				 &alone) <= 0,
			    "is none before its end");
		check(&a);
		at += (size_t)n;
	}
	if (at < size && n == 0)
		must(size - at < RMT_REPLY_MAX, "waits for a bound only");
	return 0;
}
