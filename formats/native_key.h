/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Encryption of records: AES-256-GCM with a key for each epoch, which is
 * derived from the user's key.  What it takes in and gives out is in
 * native_key.c.
 */
#ifndef PMT_NATIVE_KEY_H
#define PMT_NATIVE_KEY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "native_disk.h"

#define NATIVE_KEY_BEFORE 16 /* bytes that encryption adds before the data */
#define NATIVE_KEY_AFTER 16  /* ... and after them */

struct native_key;
struct tape;

/*
 * Reads the key from a file: 32 bytes, or 64 hexadecimal digits and perhaps a
 * newline.  -EACCES: somebody else may read it, too; -EINVAL: it is no key;
 * what open(2) gives.
 */
int native_key_read(struct tape *owner, const char *path,
    struct native_key **ret_key);

/* Leaves nothing of it in memory. */
void native_key_free(struct native_key *key);

/* NATIVE_KEY_ID bytes. */
const uint8_t *native_key_id(const struct native_key *key);

/*
 * Encrypts ${n} pieces into ${out}, which has NATIVE_KEY_BEFORE and _AFTER
 * bytes more.  ${head} has everything but its CRCs.  ${random} is asked for the
 * salt of an epoch.  -EIO.
 */
int native_key_seal(struct native_key *key, const struct native_super *super,
    const struct native_head *head, const struct iovec *pieces, size_t n,
    int (*random)(void *buf, size_t len), uint8_t *out);

/*
 * Decrypts ${head->stored} bytes in place: the data are at
 * NATIVE_KEY_BEFORE.  -EBADMSG: not sealed by this key for this header; -EIO.
 */
int native_key_open(struct native_key *key, const struct native_super *super,
    const struct native_head *head, uint8_t *stored);

#endif
