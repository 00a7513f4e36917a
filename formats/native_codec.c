/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The payload of records.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "native_codec.h"
#include "tape.h"

struct native_codec {
	struct tape *owner;
	const char *name;
	uint8_t *memory; /* for payload on its way */
	size_t size;
};

struct native_codec *
native_codec_new(struct tape *owner, const char *name)
{
	struct native_codec *codec = calloc(1, sizeof(*codec));

	if (codec == NULL)
		return NULL;
	codec->owner = owner;
	codec->name = name;
	return codec;
}

void
native_codec_free(struct native_codec *codec)
{
	if (codec == NULL)
		return;
	free(codec->memory);
	free(codec);
}

uint64_t
native_codec_most(const struct native_codec *codec, size_t len)
{
	(void)codec;
	return len;
}

static uint8_t *
memory_of(struct native_codec *codec, size_t size)
{
	if (codec->size >= size)
		return codec->memory;
	free(codec->memory);
	codec->memory = malloc(size);
	codec->size = codec->memory == NULL ? 0 : size;
	if (codec->memory == NULL)
		(void)tape_fail(codec->owner, ENOMEM, "out of memory");
	return codec->memory;
}

static bool
all_zero(const uint8_t *bytes, size_t len)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

int
native_codec_pack(struct native_codec *codec, const struct native_super *super,
    struct native_head *head, const void *buf, size_t len,
    struct iovec *ret_payload)
{
	(void)codec;
	(void)super;
	head->logical = (uint32_t)len;
	head->stored = 0;
	if (all_zero(buf, len)) {
		head->flags |= NATIVE_ZERO;
		return 0;
	}
	head->stored = head->logical;
	head->payload_crc = native_crc(0, buf, len);
	*ret_payload = (struct iovec){ .iov_base = (void *)(uintptr_t)buf,
		.iov_len = len };
	return 0;
}

void *
native_codec_room(struct native_codec *codec, const struct native_head *head,
    void *buf, size_t size)
{
	if (head->compression == NATIVE_PLAIN && head->cipher == NATIVE_CLEAR &&
	    size >= head->stored)
		return buf;
	return memory_of(codec, head->stored > 0 ? head->stored : 1);
}

int
native_codec_unpack(struct native_codec *codec,
    const struct native_super *super, const struct native_head *head,
    void *stored, void *buf, size_t size, const char **ret_what)
{
	(void)codec;
	(void)super;
	(void)ret_what;
	if (size > head->logical)
		size = head->logical;
	if (head->flags & NATIVE_ZERO)
		memset(buf, 0, size);
	else if (stored != buf)
		memcpy(buf, stored, size);
	return 0;
}
