/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header that begins every tape file of Amanda's: text, and zeros up to
 * 32768 bytes.  Understood as far as a name for the file takes it.
 */
#ifndef PMT_AMANDA_HEADER_H
#define PMT_AMANDA_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AMANDA_HEADER 32768 /* bytes */
#define AMANDA_MAGIC 8	    /* bytes that all headers begin with */
#define AMANDA_REST 200	    /* bytes, the most of amanda_header_name() */

/* Whether the first AMANDA_MAGIC bytes are a header's. */
bool amanda_header_is(const uint8_t *bytes);

/*
 * What follows the number in the name of a host file with this header, as
 * Amanda has it: "LABEL", or "HOST.DISK.LEVEL"; cut short if it is longer than
 * AMANDA_REST.  ${ret_label}: whether it is the label of a tape.  False: it is
 * neither that nor the header of a dump.
 */
bool amanda_header_name(const uint8_t header[AMANDA_HEADER], bool *ret_label,
    char ret_name[AMANDA_REST + 1]);

#endif
