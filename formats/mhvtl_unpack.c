/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decompression of mhvtl's records; see mhvtl_unpack.h.
 *
 * liblzo2 is under the GPL and few tapes need it, so it is neither linked nor
 * required: it is loaded when there is something to do for it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "mhvtl_unpack.h"

#define LZO_LIBRARY "liblzo2.so.2"
#define LZO_FUNCTION "lzo1x_decompress_safe"

/* As in lzo1x.h; the last argument is not used, 0 is success. */
typedef int lzo_decompress(const unsigned char *in, unsigned long in_len,
    unsigned char *out, unsigned long *out_len, void *work);

static int
unpack_zlib(const uint8_t *in, size_t stored, uint8_t *out, size_t size)
{
	uLongf out_len = size;
	uLong in_len = stored;
	int r = uncompress2(out, &out_len, in, &in_len);

	if (r == Z_MEM_ERROR)
		return -ENOMEM;
	return r == Z_OK && in_len == stored && out_len == size ? 0 : -EBADMSG;
}

/*
 * The function, or NULL.  The library is never let go; to ask for it again is
 * cheap, and leaves nothing to be guarded between the threads of two drives.
 */
static lzo_decompress *
find_lzo(void)
{
	void *library = dlopen(LZO_LIBRARY, RTLD_NOW | RTLD_LOCAL);
	lzo_decompress *found = NULL;
	void *symbol;

	if (library == NULL)
		return NULL;
	symbol = dlsym(library, LZO_FUNCTION);
	/* C has no cast from an object to a function. */
	memcpy(&found, &symbol, sizeof(found));
	return found;
}

static int
unpack_lzo(const uint8_t *in, size_t stored, uint8_t *out, size_t size)
{
	lzo_decompress *decompress = find_lzo();
	unsigned long out_len = size;

	if (decompress == NULL)
		return -EOPNOTSUPP;
	if (decompress(in, stored, out, &out_len, NULL) != 0)
		return -EBADMSG;
	return out_len == size ? 0 : -EBADMSG;
}

int
mhvtl_unpack(enum mhvtl_packing packing, const uint8_t *in, size_t stored,
    uint8_t *out, size_t size)
{
	switch (packing) {
	case MHVTL_ZLIB:
		return unpack_zlib(in, stored, out, size);
	case MHVTL_LZO:
		return unpack_lzo(in, stored, out, size);
	case MHVTL_PLAIN:
		break;
	}
	if (stored != size)
		return -EBADMSG;
	memcpy(out, in, size);
	return 0;
}
