/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tape in memory, for tests.  It can do everything that struct tape asks for:
 * partitions, compression, density, an end that comes in objects or bytes,
 * write protection.  It can be made to keep what scsi_debug's tape keeps, so
 * that the two are a fair pair: the first 4 bytes of each record, the rest
 * being zeros.
 */
#ifndef PMT_MEMTAPE_H
#define PMT_MEMTAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "limit.h"
#include "tape.h"

struct memtape_config {
	struct limit limit; /* of the unpartitioned tape */
	size_t keeps;	    /* bytes of each record that are kept */
	/*
	 * Early warning comes only with the record that crosses the warning
	 * point and with the one that fills the medium; filemarks do not warn.
	 */
	bool warns_once;
	bool write_protected;
	unsigned max_partitions;
	int refused_density; /* density code, -1: none is refused */
};

/*
 * With objects in the limit, one "megabyte" of tape_format() is one object.
 * NULL: out of memory.
 */
struct tape *memtape_new(const struct memtape_config *config);

/* The configuration of scsi_debug's tape. */
struct memtape_config memtape_like_scsi_debug(void);

/* What lies at object ${object} of ${partition}. */
enum memtape_kind {
	MEMTAPE_RECORD,
	MEMTAPE_FILEMARK,
	MEMTAPE_EOD,
};
enum memtape_kind memtape_look(const struct tape *t, unsigned partition,
    uint64_t object);

/*
 * The first bytes of the record at object ${object}, as many as are kept, and
 * its length; NULL: there is no record.
 */
const uint8_t *memtape_record(const struct tape *t, unsigned partition,
    uint64_t object, uint32_t *ret_len);

/* The most objects that ${partition} can hold; 0: no such limit. */
uint64_t memtape_objects(const struct tape *t, unsigned partition);

#endif
