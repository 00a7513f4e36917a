/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: any bytes are a native image.  No fuzzer guesses a CRC, so the
 * image is tried as it is and with its CRCs made right, as somebody would who
 * wants to do harm.
 */
#include "bytes.h"
#include "native_disk.h"

#define FUZZ_FORMAT "pmt"
#define LLVMFuzzerTestOneInput fuzz_image
#include "image-fuzz.h"
#undef LLVMFuzzerTestOneInput

#define MOST ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Makes the superblocks right; the greater sequence tells what the log has. */
static bool
mend_supers(uint8_t *bytes, size_t size, struct native_super *ret_super)
{
	struct native_super super;
	bool found = false;

	for (size_t at = 0; at <= NATIVE_SLOT && size >= at + NATIVE_SUPER;
	     at += NATIVE_SLOT) {
		uint8_t *p = bytes + at;

		le32_put(p + 8, native_crc(0, p + 12, NATIVE_SUPER - 12));
		if (native_super_get(p, &super) < 0 ||
		    (found && super.sequence < ret_super->sequence))
			continue;
		*ret_super = super;
		found = true;
	}
	return found;
}

/* The same for the objects; ${how} says whether for chain and payload, too. */
static void
mend_log(uint8_t *bytes, size_t size, const struct native_super *super,
    uint8_t how)
{
	uint32_t seed = native_seed(super), chain = seed;
	size_t at = NATIVE_START;

	while (size >= at + NATIVE_HEAD && native_head_begins(bytes + at)) {
		struct native_head head = { 0 };
		uint8_t *p = bytes + at;
		uint64_t stored = le32_get(p + 52);

		if (how & 1)
			le32_put(p + 60, chain);
		if ((how & 2) && stored > 0 &&
		    stored <= size - at - NATIVE_HEAD)
			le32_put(p + 56,
			    native_crc(0, p + NATIVE_HEAD, stored));
		head = (struct native_head){ .type = p[8],
			.compression = p[9],
			.cipher = p[10],
			.flags = p[11],
			.epoch = le32_get(p + 12),
			.object = le64_get(p + 16),
			.files = le64_get(p + 24),
			.wseq = le64_get(p + 32),
			.back = le64_get(p + 40),
			.logical = le32_get(p + 48),
			.stored = le32_get(p + 52),
			.payload_crc = le32_get(p + 56),
			.chain = le32_get(p + 60) };
		native_head_put(&head, seed, at, p);
		chain = head.crc;
		if (native_extent(stored) > size - at)
			break;
		at += native_extent(stored);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t mended[MOST];
	struct native_super super;

	(void)fuzz_image(data, size); /* always 0 */
	if (size == 0 || size > MOST)
		return 0;
	memcpy(mended, data, size);
	if (!mend_supers(mended, size, &super))
		return 0;
	mend_log(mended, size, &super, data[size - 1]);
	return fuzz_image(mended, size);
}
