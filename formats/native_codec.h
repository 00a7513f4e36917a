/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The payload of records: from data to what is stored, and back.  Owns
 * compression, encryption and their memory; an object's header says what was
 * done to it.  Knows no files.
 */
#ifndef PMT_NATIVE_CODEC_H
#define PMT_NATIVE_CODEC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "native_disk.h"

struct native_codec;
struct native_key;
struct tape;

/*
 * Explains failures to ${owner}.  ${random} is where salts come from, ${level}
 * the level of compression, 0 for the default.
 */
struct native_codec *native_codec_new(struct tape *owner, int level,
    int (*random)(void *buf, size_t len));
void native_codec_free(struct native_codec *codec);

/* Whether records are compressed from now on. */
void native_codec_compress(struct native_codec *codec, bool compress);
bool native_codec_compresses(const struct native_codec *codec);

/* Takes over a key, with which records are encrypted from now on. */
void native_codec_encrypt(struct native_codec *codec, struct native_key *key);

/* The most bytes of payload that a record of ${len} bytes takes. */
uint64_t native_codec_most(const struct native_codec *codec, size_t len);

/*
 * Makes the payload of a record.  ${head} has everything but what this sets:
 * compression, cipher, flags (added to), both lengths and the CRC.
 * ${ret_payload} is valid until the next call, as long as ${buf} is.  -ENOMEM,
 * -EIO.
 */
int native_codec_pack(struct native_codec *codec,
    const struct native_super *super, struct native_head *head, const void *buf,
    size_t len, struct iovec *ret_payload);

/*
 * Where the payload is to be read to, ${head->stored} bytes, if ${size} bytes
 * of the record are wanted in ${buf}: there, or memory of the codec's own.
 * NULL: out of memory, explained.
 */
void *native_codec_room(struct native_codec *codec,
    const struct native_head *head, void *buf, size_t size);

/*
 * The other way: the first ${size} bytes of the record into ${buf}, out of the
 * payload in ${stored}, which native_codec_room() has given.  -EBADMSG: it is
 * damaged, and ${*ret_what} says how; -ENOMEM, -EIO.
 */
int native_codec_unpack(struct native_codec *codec,
    const struct native_super *super, const struct native_head *head,
    void *stored, void *buf, size_t size, const char **ret_what);

#endif
