/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of libpmt share, and no program sees. */
#ifndef PMT_LIBPMT_PAIR_H
#define PMT_LIBPMT_PAIR_H

#include <pmt/pair.h>

#include "memory.h"

#define USUAL_STEP ((size_t)4096)

/*
 * One buffer holds the request, then its answer.  The header's last byte is
 * just before a page, so that the record begins on one.
 */
struct pmt_pair {
	int fd;
	bool is_socket; /* a stream, in which headers frame; else a node */
	bool asked;	/* ${request} is not answered yet */
	bool shared;	/* its record is in ${memory}, or may be */
	bool ended;	/* nothing more can be read or written */
	struct pmt_request request;
	size_t have;	 /* bytes of a message that is not whole yet */
	size_t usual;	 /* bytes to offer to a node, steps of USUAL_STEP */
	uint8_t *header; /* PMT_PAIR_HEADER bytes, the record behind them */
	uint8_t *map;	 /* what is to be unmapped, of ${map_size} bytes */
	size_t map_size;
	struct memory memory; /* that pmtd has, too, at a socket */
	const char *why;
};

/* The pair at ${fd}, which is its own then; on failure it is closed. */
int pair_adopt(int fd, struct pmt_pair **ret_pair);

#endif
