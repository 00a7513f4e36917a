/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: requests of the remote magtape protocol, as a server gets them.
 * Any bytes are taken apart, as a stream and byte by byte.  What is a request
 * ends in the bytes, is in its bounds, does not depend on what follows, and in
 * every dialect that can say it comes out of its own bytes again.
 */
#include <fcntl.h>
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
check(const struct rmt_request *q)
{
	must(q->kind <= RMT_VERSION_OLD, "a kind there is");
	must(q->bytes <= TAPE_MAX_RECORD, "no record longer than any");
	must(strlen(q->device) <= RMT_DEVICE_MAX, "a name in its bounds");
	must((q->flags & O_ACCMODE) != O_ACCMODE, "an access mode");
	must(q->whence >= 0 && q->whence <= 2, "a whence");
}

/* What is said again means the same. */
static void
say_again(const struct rmt_dialect *dialect, const struct rmt_request *q)
{
	char buf[RMT_REQUEST_MAX];
	struct rmt_request again;
	ssize_t n = rmt_wire_encode_request(dialect, q, buf, sizeof(buf));

	if (n < 0) {
		must(n == -EINVAL, "the buffer is large enough");
		return;
	}
	must(rmt_wire_decode_request(buf, (size_t)n, &again) ==
		(q->kind == RMT_STATUS ? 1 : n),
	    "what is encoded can be decoded");
	must(again.kind == q->kind && again.bytes == q->bytes &&
		again.op == q->op && again.count == q->count &&
		again.field == q->field && again.flags == q->flags &&
		strcmp(again.device, q->device) == 0,
	    "and is the same");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rmt_request q, alone;
	size_t at = 0;
	ssize_t n;
	int op;

	while (at < size) {
		n = rmt_wire_decode_request(data + at, size - at, &q);
		if (n <= 0)
			break;
		must((size_t)n <= size - at, "ends in the bytes");
		must(rmt_wire_decode_request(data + at, (size_t)n, &alone) == n,
		    "does not depend on what follows");
		for (ssize_t i = 0; i < n; i++)
			must(rmt_wire_decode_request(data + at, (size_t)i,
				 &alone) <= 0,
			    "is none before its end");
		check(&q);
		for (size_t i = 0; i < RMT_DIALECTS; i++)
			say_again(&rmt_dialects[i], &q);
		(void)rmt_wire_unmap_op(&q, size % 2 == 0, &op);
		at += (size_t)n;
	}
	if (at < size && n == 0)
		must(size - at < RMT_REQUEST_MAX, "waits for a bound only");
	return 0;
}
