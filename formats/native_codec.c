/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The payload of records:
 *
 *     all zeros            nothing, but for a flag; not if it is encrypted, as
 *                          that would tell of the data
 *     plain                the data
 *     compressed           zstd frame, CRC32C of the data (4 bytes)
 *     encrypted            as native_key.c says: the data, compressed or not,
 *                          and their CRC32C
 *
 * Compressed is what gets smaller by that, each record alone.  The CRC of the
 * data is for what goes wrong in memory between the steps.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "bytes.h"
#include "native_codec.h"
#include "native_key.h"
#include "tape.h"

#define LEVEL                                                              \
	1     /* of zstd: the higher ones gain little on blocks this small \
	       */
#define CRC 4 /* bytes of it behind the data */

/* Memory that grows to what is needed. */
struct memory {
	uint8_t *bytes;
	size_t size;
};

struct native_codec {
	struct tape *owner;
	int (*random)(void *buf, size_t len);
	int level;
	bool compress;
	struct native_key *key; /* NULL: no encryption */
	ZSTD_CCtx *packer;
	ZSTD_DCtx *unpacker;
	struct memory packed, stored;
};

struct native_codec *
native_codec_new(struct tape *owner, int level,
    int (*random)(void *buf, size_t len))
{
	struct native_codec *codec = calloc(1, sizeof(*codec));

	if (codec == NULL)
		return NULL;
	codec->owner = owner;
	codec->random = random;
	codec->level = level > 0 ? level : LEVEL;
	return codec;
}

void
native_codec_free(struct native_codec *codec)
{
	if (codec == NULL)
		return;
	native_key_free(codec->key);
	(void)ZSTD_freeCCtx(codec->packer); /* can't fail */
	(void)ZSTD_freeDCtx(codec->unpacker);
	free(codec->packed.bytes);
	free(codec->stored.bytes);
	free(codec);
}

void
native_codec_compress(struct native_codec *codec, bool compress)
{
	codec->compress = compress;
}

bool
native_codec_compresses(const struct native_codec *codec)
{
	return codec->compress;
}

void
native_codec_encrypt(struct native_codec *codec, struct native_key *key)
{
	native_key_free(codec->key);
	codec->key = key;
}

uint64_t
native_codec_most(const struct native_codec *codec, size_t len)
{
	if (codec->key == NULL)
		return len;
	return NATIVE_KEY_BEFORE + (uint64_t)len + CRC + NATIVE_KEY_AFTER;
}

static int
no_memory(struct native_codec *codec)
{
	return tape_fail(codec->owner, ENOMEM, "out of memory");
}

static uint8_t *
memory_of(struct memory *memory, size_t size)
{
	if (memory->size >= size)
		return memory->bytes;
	free(memory->bytes);
	memory->bytes = malloc(size);
	memory->size = memory->bytes == NULL ? 0 : size;
	return memory->bytes;
}

/* ---- To what is stored -------------------------------------------------- */

static bool
all_zero(const uint8_t *bytes, size_t len)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

/* Compresses into ${codec->packed}, with room for a CRC; 0: not worth it. */
static size_t
compress(struct native_codec *codec, const void *buf, size_t len)
{
	size_t n;

	if (!codec->compress || len <= CRC + 1 ||
	    memory_of(&codec->packed, len) == NULL)
		return 0;
	if (codec->packer == NULL)
		codec->packer = ZSTD_createCCtx();
	if (codec->packer == NULL)
		return 0;
	n = ZSTD_compressCCtx(codec->packer, codec->packed.bytes, len - CRC - 1,
	    buf, len, codec->level);
	return ZSTD_isError(n) ? 0 : n; /* most likely there is no room */
}

static int
encrypt(struct native_codec *codec, const struct native_super *super,
    struct native_head *head, const struct iovec *pieces,
    struct iovec *ret_payload)
{
	size_t len = NATIVE_KEY_BEFORE + pieces[0].iov_len + pieces[1].iov_len +
	    NATIVE_KEY_AFTER;
	uint8_t *out = memory_of(&codec->stored, len);
	int r;

	if (out == NULL)
		return no_memory(codec);
	head->cipher = NATIVE_AES_256_GCM;
	head->stored = (uint32_t)len;
	r = native_key_seal(codec->key, super, head, pieces, 2, codec->random,
	    out);
	if (r < 0)
		return tape_fail(codec->owner, EIO,
		    "a record can't be encrypted");
	*ret_payload = (struct iovec){ .iov_base = out, .iov_len = len };
	return 0;
}

int
native_codec_pack(struct native_codec *codec, const struct native_super *super,
    struct native_head *head, const void *buf, size_t len,
    struct iovec *ret_payload)
{
	struct iovec data = { .iov_base = (void *)(uintptr_t)buf,
		.iov_len = len };
	uint8_t crc[CRC];
	size_t packed;
	int r = 0;

	head->logical = (uint32_t)len;
	if (codec->key == NULL && all_zero(buf, len)) {
		head->flags |= NATIVE_ZERO;
		return 0;
	}
	packed = compress(codec, buf, len);
	if (packed > 0) {
		head->compression = NATIVE_ZSTD;
		data.iov_base = codec->packed.bytes;
		data.iov_len = packed;
	}
	if (packed > 0 || codec->key != NULL)
		le32_put(crc, native_crc(0, buf, len));
	*ret_payload = data;
	if (codec->key != NULL) {
		struct iovec pieces[2] = { data,
			{ .iov_base = crc, .iov_len = CRC } };

		r = encrypt(codec, super, head, pieces, ret_payload);
	} else if (packed > 0) {
		memcpy(codec->packed.bytes + packed, crc, CRC);
		ret_payload->iov_len += CRC;
	}
	if (r < 0)
		return r;
	head->stored = (uint32_t)ret_payload->iov_len;
	head->payload_crc = native_crc(0, ret_payload->iov_base, head->stored);
	return 0;
}

/* ---- And back ----------------------------------------------------------- */

void *
native_codec_room(struct native_codec *codec, const struct native_head *head,
    void *buf, size_t size)
{
	static uint8_t nothing;
	void *room;

	if (head->stored == 0)
		return &nothing;
	if (head->compression == NATIVE_PLAIN && head->cipher == NATIVE_CLEAR &&
	    size >= head->stored)
		return buf;
	room = memory_of(&codec->stored, head->stored);
	if (room == NULL)
		(void)no_memory(codec);
	return room;
}

static int
decrypt(struct native_codec *codec, const struct native_super *super,
    const struct native_head *head, uint8_t *stored, const char **ret_what)
{
	int r = -EBADMSG;

	*ret_what = "it is encrypted, as the image is not";
	if (codec->key == NULL)
		return r;
	*ret_what = "it is too short";
	if (head->stored <= NATIVE_KEY_BEFORE + CRC + NATIVE_KEY_AFTER)
		return r;
	r = native_key_open(codec->key, super, head, stored);
	*ret_what = "it was not written so with this key";
	if (r == -EIO)
		return tape_fail(codec->owner, EIO,
		    "a record can't be decrypted");
	return r;
}

/* The data of the record, all of it, at ${ret_data}. */
static int
decompress(struct native_codec *codec, const struct native_head *head,
    const uint8_t *packed, size_t len, void *buf, size_t size,
    const uint8_t **ret_data)
{
	void *to = buf;
	size_t n;

	if (size < head->logical)
		to = memory_of(&codec->packed, head->logical);
	if (codec->unpacker == NULL)
		codec->unpacker = ZSTD_createDCtx();
	if (to == NULL || codec->unpacker == NULL)
		return no_memory(codec);
	n = ZSTD_decompressDCtx(codec->unpacker, to, head->logical, packed,
	    len);
	if (ZSTD_isError(n) || n != head->logical)
		return -EBADMSG;
	*ret_data = to;
	return 0;
}

int
native_codec_unpack(struct native_codec *codec,
    const struct native_super *super, const struct native_head *head,
    void *stored, void *buf, size_t size, const char **ret_what)
{
	const uint8_t *data = stored, *crc;
	size_t len = head->stored;
	size_t want = size < head->logical ? size : head->logical;
	int r = 0;

	if (head->flags & NATIVE_ZERO) {
		memset(buf, 0, want);
		return 0;
	}
	if (head->cipher != NATIVE_CLEAR) {
		r = decrypt(codec, super, head, stored, ret_what);
		if (r < 0)
			return r;
		data += NATIVE_KEY_BEFORE;
		len -= NATIVE_KEY_BEFORE + NATIVE_KEY_AFTER;
	}
	*ret_what = "it is too short";
	if (head->cipher != NATIVE_CLEAR || head->compression != NATIVE_PLAIN) {
		if (len <= CRC)
			return -EBADMSG;
		len -= CRC;
		crc = data + len;
	} else {
		crc = NULL;
	}
	*ret_what = "it does not decompress to its length";
	if (head->compression == NATIVE_ZSTD)
		r = decompress(codec, head, data, len, buf, size, &data);
	else if (len != head->logical)
		r = -EBADMSG;
	if (r < 0)
		return r;
	*ret_what = "the checksum of the data is another one";
	if (crc != NULL && le32_get(crc) != native_crc(0, data, head->logical))
		return -EBADMSG;
	if (data != buf)
		memcpy(buf, data, want);
	return 0;
}
