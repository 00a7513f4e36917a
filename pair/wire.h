/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The protocol of the pair, as bytes: pmt-pair(7) in code.  Pure: no
 * descriptors, no memory of its own.  Both ends use it; all that comes from the
 * other side is checked here against the tables below, and nothing else is.
 *
 * Every message is a header of PMT_PAIR_HEADER bytes and the data; integers are
 * little-endian; what is not used is zero.
 *
 *   REQUEST                              REPLY
 *   offset size                          offset size
 *    0      4   length, with the header   0      4   length
 *    4      2   op                        4      2   op
 *    6      2   flags                     6      2   cond
 *    8      8   id                        8      8   id
 *   16      8   object  } where the tape 16      8   object  } where the tape
 *   24      8   file    } stands         24      8   file    } stands now
 *   32      4   partition}               32      4   partition}
 *   36      4   unit                     36      2   position: 1 known, 0 lost
 *   40      8   count                    38      2   error, an errno or 0
 *   48      8   position: 1 known        40      8   done
 *   56      8   0                        48      8   used, bytes
 *                                        56      4   room, bytes
 *                                        60      4   1: shared, see below
 *   64     ...  data (WRITE)             64     ...  data
 *
 * A record may be in memory that both see (memory.h), instead of in the
 * message: a WRITE with the flag PMT_SHARED has no data, nor has the reply to
 * such a READ that says shared.  The bytes are the first of the memory, then.
 *
 * INFO, the data of the reply to DESCRIBE, PMT_PAIR_INFO bytes:
 *    0      4   min_record               24      8   capacity
 *    4      4   max_record               32      4   flags: 1 write protected,
 *    8      4   max_read                               2 can compress
 *   12      4   granularity              36      1   density
 *   16      4   partitions               37     27   0
 *   20      4   max_partitions           64     64   medium, zero at the end
 *
 * Example: WRITE of the three bytes "abc" as object 5, and its reply.
 *
 *   43 00 00 00 06 00 00 00  09 00 00 00 00 00 00 00   67 bytes, WRITE, id 9
 *   05 00 00 00 00 00 00 00  01 00 00 00 00 00 00 00   object 5, file 1
 *   00 00 00 00 00 00 00 00  03 00 00 00 00 00 00 00   count 3
 *   01 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00   position known
 *   61 62 63                                           the record
 *
 *   40 00 00 00 06 00 00 00  09 00 00 00 00 00 00 00   64 bytes, WRITE, id 9
 *   06 00 00 00 00 00 00 00  01 00 00 00 00 00 00 00   object 6, file 1
 *   00 00 00 00 01 00 00 00  00 00 00 00 00 00 00 00   known, no error
 *   00 30 00 00 00 00 00 00  00 00 00 01 00 00 00 00   used 12288, room 16 MiB
 */
#ifndef PMT_PAIR_WIRE_H
#define PMT_PAIR_WIRE_H

#include <pmt/pair.h>

/* The bytes of the header; ${request->len} bytes of data are in the message, or
 * in the memory. */
void pair_wire_put_request(uint8_t header[PMT_PAIR_HEADER],
    const struct pmt_request *request);
void pair_wire_put_reply(uint8_t header[PMT_PAIR_HEADER],
    const struct pmt_reply *reply);

/*
 * The message that ${header} begins, with ${data} NULL and ${len} the bytes of
 * its data, at most PMT_PAIR_MAX_RECORD, which follow unless they are shared.
 * Of a reply that is shared it is not known, and 0: as many as the request
 * wants of the record.  -EPROTO: no such message can be; ${ret_why} says in a
 * few words what is wrong with it.
 */
int pair_wire_get_request(const uint8_t header[PMT_PAIR_HEADER],
    struct pmt_request *ret_request, const char **ret_why);
int pair_wire_get_reply(const uint8_t header[PMT_PAIR_HEADER],
    struct pmt_reply *ret_reply, const char **ret_why);

/*
 * Whether ${reply} is an answer that ${request} can have: the same op and id, a
 * condition and a count that the operation can end with, a position that
 * follows from where the tape stood, and the data that belong to it.  On what
 * passes here tape.h's promises hold.  -EPROTO: no, for the reason in
 * ${ret_why}.
 */
int pair_wire_check_reply(const struct pmt_request *request,
    const struct pmt_reply *reply, const char **ret_why);

/* The data of an answer to PMT_DESCRIBE; -EPROTO: no medium can be so. */
void pair_wire_put_info(uint8_t buf[PMT_PAIR_INFO],
    const struct pmt_info *info);
int pair_wire_get_info(const uint8_t buf[PMT_PAIR_INFO],
    struct pmt_info *ret_info, const char **ret_why);

/* "READ" ...; "?" for a number that is none. */
const char *pair_wire_op_name(enum pmt_op op);

#endif
