/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bytes of the native format.  All numbers are little-endian.
 *
 * A file is two superblocks, at 0 and 4096, and from 8192 on the log: objects
 * one after the other, each beginning at a multiple of 8.  Of each superblock
 * only the first 512 bytes mean anything, so that it lies in one sector:
 *
 *     OFFSET  SIZE  DESCRIPTION
 *     0       8     89 70 6D 74 0D 0A 1A 0A
 *     8       4     CRC32C of bytes 12 to 511
 *     12      4     version: 1
 *     16      8     features that a reader must know, one a bit: 0
 *     24      8     features that it need not know: 0
 *     32      16    UUID of the volume
 *     48      16    id of this formatting, the same in all partitions
 *     64      4     number of this partition
 *     68      4     partitions of the volume, 1 to 4
 *     72      8     sequence: of two valid superblocks the greater one counts
 *     80      4     epoch
 *     84      4     salt
 *     88      1     compression of new records: 0 none, 1 zstd
 *     89      1     cipher of all records: 0 none, 1 AES-256-GCM
 *     90      6     0
 *     96      8     id of the key; 0 if there is no cipher
 *     104     8     capacity of the volume, bytes; 0: no end
 *     112     8     capacity of this partition, bytes from BOT; 0: no end
 *     120     8     early warning: bytes before that end
 *     128     8     when it was made: seconds since 1970
 *     136     64    label, UTF-8, ended by zeros
 *     200     48    limit: the place where this epoch began
 *     248     48    checkpoint: a place up to which all was durable
 *     296     24    the last index object before it: offset (0: there is none),
 *                   objects and filemarks before it
 *     320     8     how many index objects there are up to that one
 *     328     184   0
 *
 * A place is:
 *
 *     0       8     offset in the file
 *     8       8     objects (records and filemarks) before it
 *     16      8     filemarks before it
 *     24      8     wseq of the object before it, 0 at BOT
 *     32      8     offset of the header before it, 0 at BOT
 *     40      4     CRC of the header before it, the seed at BOT
 *     44      4     0
 *
 * An object is a header, payload, and zeros to a multiple of 8:
 *
 *     0       4     70 6D 74 4F
 *     4       4     CRC32C of: the UUID, the partition (4 bytes), the salt (4),
 *                   the offset of this header in the file (8), bytes 8 to 63
 *     8       1     1 record, 2 filemark, 3 index
 *     9       1     compression: 0 none, 1 zstd
 *     10      1     cipher: 0 none, 1 AES-256-GCM
 *     11      1     flags: 1 all zeros and not stored; 2 synced (native.c)
 *     12      4     epoch
 *     16      8     objects before it; index objects are not counted
 *     24      8     filemarks before it
 *     32      8     wseq, which grows with each object and is never used again
 *     40      8     bytes back to the header before it, 0 for the first
 *     48      4     bytes of data
 *     52      4     bytes of payload
 *     56      4     CRC32C of the payload
 *     60      4     CRC (offset 4) of the header before it; for the first
 *                   object the seed: CRC32C of UUID, partition and salt
 *
 * The first object of the example in pmt-native(5), the record "abc", which
 * tests/data/native/example has whole (seed 0FFD650E):
 *
 *     2000  70 6D 74 4F BB B6 A5 DB  01 00 00 02 02 00 00 00
 *     2010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00
 *     2020  01 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00
 *     2030  03 00 00 00 03 00 00 00  B7 3F 4B 36 0E 65 FD 0F
 *     2040  61 62 63 00 00 00 00 00
 *
 * The CRC of a header knows the volume, the partition, the formatting and the
 * offset, so that a header is valid in one place only: not in a copy of the
 * image that is itself stored in a record, nor where a disk has misplaced it.
 */
#include <errno.h>
#include <isa-l/crc.h>
#include <limits.h>
#include <string.h>

#include "bytes.h"
#include "native_disk.h"
#include "tape.h"

static const uint8_t super_magic[8] = { 0x89, 'p', 'm', 't', '\r', '\n', 0x1a,
	'\n' };
static const uint8_t head_magic[4] = { 'p', 'm', 't', 'O' };

#define PLACE 48 /* bytes */

/* Where an index object ends at most: what native_index.c makes is smaller. */
#define INDEX_MAX ((uint32_t)1 << 20)

/* What a cipher adds: 16 bytes of salt, 4 of CRC, 16 of tag. */
#define STORED_MORE 36

uint32_t
native_crc(uint32_t crc, const void *bytes, size_t len)
{
	/* The library reads only, and takes an int. */
	uint8_t *p = (uint8_t *)(uintptr_t)bytes;

	crc = ~crc;
	for (; len > INT_MAX; len -= INT_MAX, p += INT_MAX)
		crc = crc32_iscsi(p, INT_MAX, crc);
	return ~crc32_iscsi(p, (int)len, crc);
}

uint32_t
native_seed(const struct native_super *super)
{
	uint8_t bytes[NATIVE_UUID + 8];

	memcpy(bytes, super->uuid, NATIVE_UUID);
	le32_put(bytes + NATIVE_UUID, super->partition);
	le32_put(bytes + NATIVE_UUID + 4, super->salt);
	return native_crc(0, bytes, sizeof(bytes));
}

struct native_place
native_bot(const struct native_super *super)
{
	return (struct native_place){ .offset = NATIVE_START,
		.chain = native_seed(super) };
}

uint64_t
native_extent(uint64_t stored)
{
	return NATIVE_HEAD +
	    (stored + NATIVE_ALIGN - 1) / NATIVE_ALIGN * NATIVE_ALIGN;
}

static void
place_put(const struct native_place *place, uint8_t *bytes)
{
	le64_put(bytes, place->offset);
	le64_put(bytes + 8, place->object);
	le64_put(bytes + 16, place->files);
	le64_put(bytes + 24, place->wseq);
	le64_put(bytes + 32, place->prev);
	le32_put(bytes + 40, place->chain);
}

static struct native_place
place_get(const uint8_t *bytes)
{
	return (struct native_place){ .offset = le64_get(bytes),
		.object = le64_get(bytes + 8),
		.files = le64_get(bytes + 16),
		.wseq = le64_get(bytes + 24),
		.prev = le64_get(bytes + 32),
		.chain = le32_get(bytes + 40) };
}

void
native_super_put(const struct native_super *super, uint8_t *bytes)
{
	memset(bytes, 0, NATIVE_SUPER);
	memcpy(bytes, super_magic, sizeof(super_magic));
	le32_put(bytes + 12, NATIVE_VERSION);
	le64_put(bytes + 16, super->incompatible);
	le64_put(bytes + 24, super->compatible);
	memcpy(bytes + 32, super->uuid, NATIVE_UUID);
	memcpy(bytes + 48, super->generation, NATIVE_UUID);
	le32_put(bytes + 64, super->partition);
	le32_put(bytes + 68, super->partitions);
	le64_put(bytes + 72, super->sequence);
	le32_put(bytes + 80, super->epoch);
	le32_put(bytes + 84, super->salt);
	bytes[88] = super->compression;
	bytes[89] = super->cipher;
	memcpy(bytes + 96, super->key_id, NATIVE_KEY_ID);
	le64_put(bytes + 104, super->volume);
	le64_put(bytes + 112, super->capacity);
	le64_put(bytes + 120, super->warn);
	le64_put(bytes + 128, (uint64_t)super->created);
	memcpy(bytes + 136, super->label, NATIVE_LABEL);
	place_put(&super->limit, bytes + 200);
	place_put(&super->checkpoint, bytes + 248);
	le64_put(bytes + 296, super->index.offset);
	le64_put(bytes + 304, super->index.object);
	le64_put(bytes + 312, super->index.files);
	le64_put(bytes + 320, super->indexes);
	le32_put(bytes + 8, native_crc(0, bytes + 12, NATIVE_SUPER - 12));
}

/* What a valid CRC does not say: somebody may have made it so. */
static bool
super_is_sane(const struct native_super *super)
{
	const struct native_place *limit = &super->limit,
				  *point = &super->checkpoint;

	return super->partitions >= 1 &&
	    super->partitions <= TAPE_MAX_PARTITIONS &&
	    super->partition < super->partitions &&
	    super->label[NATIVE_LABEL - 1] == '\0' && super->epoch > 0 &&
	    super->capacity <= INT64_MAX / 2 && limit->offset >= NATIVE_START &&
	    point->offset >= limit->offset && point->offset <= INT64_MAX / 2 &&
	    limit->offset % NATIVE_ALIGN == 0 &&
	    point->offset % NATIVE_ALIGN == 0 && limit->prev < limit->offset &&
	    point->prev < point->offset &&
	    super->index.offset < point->offset &&
	    point->files <= point->object;
}

int
native_super_get(const uint8_t *bytes, struct native_super *ret_super)
{
	struct native_super super = { 0 };

	if (memcmp(bytes, super_magic, sizeof(super_magic)) != 0 ||
	    le32_get(bytes + 8) != native_crc(0, bytes + 12, NATIVE_SUPER - 12))
		return -EBADMSG;
	super.incompatible = le64_get(bytes + 16);
	super.compatible = le64_get(bytes + 24);
	if (le32_get(bytes + 12) != NATIVE_VERSION || super.incompatible != 0 ||
	    bytes[88] > NATIVE_ZSTD || bytes[89] > NATIVE_AES_256_GCM)
		return -ENOTSUP;
	memcpy(super.uuid, bytes + 32, NATIVE_UUID);
	memcpy(super.generation, bytes + 48, NATIVE_UUID);
	super.partition = le32_get(bytes + 64);
	super.partitions = le32_get(bytes + 68);
	super.sequence = le64_get(bytes + 72);
	super.epoch = le32_get(bytes + 80);
	super.salt = le32_get(bytes + 84);
	super.compression = bytes[88];
	super.cipher = bytes[89];
	memcpy(super.key_id, bytes + 96, NATIVE_KEY_ID);
	super.volume = le64_get(bytes + 104);
	super.capacity = le64_get(bytes + 112);
	super.warn = le64_get(bytes + 120);
	super.created = (int64_t)le64_get(bytes + 128);
	memcpy(super.label, bytes + 136, NATIVE_LABEL);
	super.limit = place_get(bytes + 200);
	super.checkpoint = place_get(bytes + 248);
	super.index = (struct native_point){ .offset = le64_get(bytes + 296),
		.object = le64_get(bytes + 304),
		.files = le64_get(bytes + 312) };
	super.indexes = le64_get(bytes + 320);
	if (!super_is_sane(&super))
		return -EBADMSG;
	*ret_super = super;
	return 0;
}

bool
native_super_begins(const uint8_t *bytes, size_t len)
{
	if (len > sizeof(super_magic))
		len = sizeof(super_magic);
	return memcmp(bytes, super_magic, len) == 0;
}

static uint32_t
head_crc(const uint8_t *bytes, uint32_t seed, uint64_t at)
{
	uint8_t where[8];

	le64_put(where, at);
	seed = native_crc(seed, where, sizeof(where));
	return native_crc(seed, bytes + 8, NATIVE_HEAD - 8);
}

void
native_head_put(struct native_head *head, uint32_t seed, uint64_t at,
    uint8_t *bytes)
{
	memcpy(bytes, head_magic, sizeof(head_magic));
	bytes[8] = head->type;
	bytes[9] = head->compression;
	bytes[10] = head->cipher;
	bytes[11] = head->flags;
	le32_put(bytes + 12, head->epoch);
	le64_put(bytes + 16, head->object);
	le64_put(bytes + 24, head->files);
	le64_put(bytes + 32, head->wseq);
	le64_put(bytes + 40, head->back);
	le32_put(bytes + 48, head->logical);
	le32_put(bytes + 52, head->stored);
	le32_put(bytes + 56, head->payload_crc);
	le32_put(bytes + 60, head->chain);
	head->crc = head_crc(bytes, seed, at);
	le32_put(bytes + 4, head->crc);
}

bool
native_head_begins(const uint8_t *bytes)
{
	return memcmp(bytes, head_magic, sizeof(head_magic)) == 0;
}

bool
native_head_get(const uint8_t *bytes, uint32_t seed, uint64_t at,
    struct native_head *ret_head)
{
	if (!native_head_begins(bytes) ||
	    le32_get(bytes + 4) != head_crc(bytes, seed, at))
		return false;
	*ret_head = (struct native_head){ .type = bytes[8],
		.compression = bytes[9],
		.cipher = bytes[10],
		.flags = bytes[11],
		.epoch = le32_get(bytes + 12),
		.object = le64_get(bytes + 16),
		.files = le64_get(bytes + 24),
		.wseq = le64_get(bytes + 32),
		.back = le64_get(bytes + 40),
		.logical = le32_get(bytes + 48),
		.stored = le32_get(bytes + 52),
		.payload_crc = le32_get(bytes + 56),
		.chain = le32_get(bytes + 60),
		.crc = le32_get(bytes + 4) };
	return true;
}

static bool
record_is_sane(const struct native_head *head)
{
	if (head->logical == 0 || head->logical > TAPE_MAX_RECORD ||
	    head->compression > NATIVE_ZSTD ||
	    head->cipher > NATIVE_AES_256_GCM)
		return false;
	if (head->flags & NATIVE_ZERO)
		return head->stored == 0 && head->compression == NATIVE_PLAIN &&
		    head->cipher == NATIVE_CLEAR;
	if (head->cipher == NATIVE_CLEAR && head->compression == NATIVE_PLAIN)
		return head->stored == head->logical;
	return head->stored <= head->logical + STORED_MORE;
}

bool
native_head_sane(const struct native_head *head)
{
	if ((head->flags & ~(NATIVE_ZERO | NATIVE_SYNCED)) != 0 ||
	    head->back % NATIVE_ALIGN != 0 || head->files > head->object)
		return false;
	switch (head->type) {
	case NATIVE_RECORD:
		return record_is_sane(head);
	case NATIVE_FILEMARK:
		return head->logical == 0 && head->stored == 0;
	case NATIVE_INDEX:
		return head->logical == 0 && head->stored <= INDEX_MAX;
	default:
		return false;
	}
}

struct native_place
native_after(const struct native_place *place, const struct native_head *head)
{
	return (struct native_place){
		.offset = place->offset + native_extent(head->stored),
		.object = place->object + (head->type != NATIVE_INDEX),
		.files = place->files + (head->type == NATIVE_FILEMARK),
		.wseq = head->wseq,
		.prev = place->offset,
		.chain = head->crc,
	};
}

struct native_point
native_point_of(const struct native_place *place)
{
	return (struct native_point){ .offset = place->offset,
		.object = place->object,
		.files = place->files };
}
