/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bytes of the native format: superblocks and the headers of objects, both
 * ways between bytes and structures.  The layout is in native_disk.c, and in
 * pmt-native(5).  Knows no files and keeps no state.
 */
#ifndef PMT_NATIVE_DISK_H
#define PMT_NATIVE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NATIVE_VERSION 1
#define NATIVE_SLOT 4096  /* bytes from one superblock to the other */
#define NATIVE_SUPER 512  /* bytes of a superblock that mean something */
#define NATIVE_START 8192 /* where the first object begins: BOT */
#define NATIVE_HEAD 64	  /* bytes of the header of an object */
#define NATIVE_ALIGN 8	  /* objects begin at multiples of this */
#define NATIVE_UUID 16	  /* bytes */
#define NATIVE_KEY_ID 8	  /* bytes */
#define NATIVE_LABEL 64	  /* bytes, the final zero included */

enum native_type {
	NATIVE_RECORD = 1,
	NATIVE_FILEMARK = 2,
	NATIVE_INDEX = 3, /* not counted */
};

enum native_compression {
	NATIVE_PLAIN = 0,
	NATIVE_ZSTD = 1,
};

enum native_cipher {
	NATIVE_CLEAR = 0,
	NATIVE_AES_256_GCM = 1,
};

#define NATIVE_ZERO 1	/* flag: all bytes are 0, none is stored */
#define NATIVE_SYNCED 2 /* flag: all before it was durable before it began */

struct native_head {
	uint8_t type, compression, cipher, flags;
	uint32_t epoch;
	uint64_t object; /* objects before it */
	uint64_t files;	 /* filemarks before it */
	uint64_t wseq;	 /* greater than that of any object before it */
	uint64_t back;	 /* bytes back to the header before; 0: there is none */
	uint32_t logical, stored; /* bytes of data, and of what follows here */
	uint32_t payload_crc;	  /* of what follows here */
	uint32_t chain;		  /* CRC of the header before */
	uint32_t crc;		  /* of this header */
};

/* A place between two objects: all that the next header has to agree with. */
struct native_place {
	uint64_t offset; /* bytes of the file before here */
	uint64_t object, files;
	uint64_t wseq; /* of the object before */
	uint64_t prev; /* where the header of the object before is; 0: none */
	uint32_t chain;
};

/* A place that an index knows. */
struct native_point {
	uint64_t offset, object, files;
};

struct native_super {
	uint64_t incompatible, compatible; /* features, one a bit */
	uint8_t uuid[NATIVE_UUID];
	uint8_t generation[NATIVE_UUID]; /* the same in all partitions */
	uint32_t partition, partitions;
	uint32_t salt; /* of the CRCs of headers, new with each format */
	uint32_t epoch;
	uint64_t sequence;
	uint8_t compression, cipher; /* of records, unless told otherwise */
	uint8_t key_id[NATIVE_KEY_ID];
	uint64_t volume; /* capacity of all partitions, bytes; 0: no end */
	uint64_t capacity, warn;
	int64_t created; /* seconds since 1970 */
	char label[NATIVE_LABEL];
	struct native_place limit, checkpoint;
	struct native_point index; /* the last index object before checkpoint */
	uint64_t indexes;	   /* how many there are */
};

/* CRC32C of ${bytes} after what ${crc} is of; 0 to begin. */
uint32_t native_crc(uint32_t crc, const void *bytes, size_t len);

/* What all header CRCs of a log begin with. */
uint32_t native_seed(const struct native_super *super);

/* BOT of a log. */
struct native_place native_bot(const struct native_super *super);

/* Bytes from the beginning of an object with so much payload to its end. */
uint64_t native_extent(uint64_t stored);

/* NATIVE_SUPER bytes. */
void native_super_put(const struct native_super *super, uint8_t *bytes);

/*
 * -EBADMSG: not a superblock, or damaged; -ENOTSUP: one of a version, or with
 * features, that is not known here.
 */
int native_super_get(const uint8_t *bytes, struct native_super *ret_super);

/* Whether these bytes, at most 8 of them looked at, begin a superblock. */
bool native_super_begins(const uint8_t *bytes, size_t len);

/* NATIVE_HEAD bytes, for an object at ${at}; sets ${head->crc}. */
void native_head_put(struct native_head *head, uint32_t seed, uint64_t at,
    uint8_t *bytes);

/* False: these bytes are no header of that log at ${at}, or a damaged one. */
bool native_head_get(const uint8_t *bytes, uint32_t seed, uint64_t at,
    struct native_head *ret_head);

/* Whether a header could begin here, by its first four bytes. */
bool native_head_begins(const uint8_t *bytes);

/* Whether the contents of a header can be: lengths, kinds, flags. */
bool native_head_sane(const struct native_head *head);

/* The place behind an object that stands at ${place}. */
struct native_place native_after(const struct native_place *place,
    const struct native_head *head);

struct native_point native_point_of(const struct native_place *place);

#endif
