/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FAKETAPE, the tape image of FLEX-ES.  A chain (see chain.c, also for the
 * order of writes) with headers of three numbers, each of four hexadecimal
 * digits in ASCII, the highest digit first:
 *
 *     OFFSET  SIZE  DESCRIPTION
 *     0       4     length of the data before it; 0 at BOT and after a filemark
 *     4       4     length of the data that follow; 0: a filemark
 *     8       4     the exclusive or of the two
 *
 * A record of 3 bytes "abc", a filemark, and a record of 2 bytes "de":
 *
 *     00  0000 0003 0003  abc
 *     0f  0003 0000 0003
 *     1b  0000 0002 0002  de
 *
 * Digits are written in upper case and read in either.  The blank of a header
 * that is not written yet is "--------A5C3".  Hercules does not check that
 * digits are digits, and can take a number without any for whatever it read
 * last; the last number makes it see that the check is wrong, also when the
 * first bytes of the header are there already.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chain.h"
#include "faketape.h"

#define HEADER 12 /* bytes */
#define DIGITS 4  /* of a number */

static bool
number_get(const uint8_t *p, uint32_t *ret_number)
{
	uint32_t number = 0;

	for (size_t i = 0; i < DIGITS; i++) {
		uint32_t digit;

		if (p[i] >= '0' && p[i] <= '9')
			digit = p[i] - (uint32_t)'0';
		else if (p[i] >= 'A' && p[i] <= 'F')
			digit = p[i] - (uint32_t)'A' + 10;
		else if (p[i] >= 'a' && p[i] <= 'f')
			digit = p[i] - (uint32_t)'a' + 10;
		else
			return false;
		number = number << 4 | digit;
	}
	*ret_number = number;
	return true;
}

static void
number_put(uint8_t *p, uint32_t number)
{
	for (size_t i = DIGITS; i-- > 0; number >>= 4)
		p[i] = (uint8_t) "0123456789ABCDEF"[number & 15];
}

static const char *
decode(const uint8_t *bytes, struct chain_link *ret)
{
	uint32_t before, length, check;

	*ret = (struct chain_link){ .before = UINT32_MAX };
	if (!number_get(bytes, &before))
		return "not three numbers of four hexadecimal digits";
	ret->before = before;
	if (!number_get(bytes + DIGITS, &length) ||
	    !number_get(bytes + 2 * DIGITS, &check))
		return "not three numbers of four hexadecimal digits";
	if (check != (before ^ length))
		return "its check, the last number, does not fit the others";
	*ret = (struct chain_link){ .length = length,
		.before = before,
		.mark = length == 0,
		.first = length != 0,
		.last = length != 0,
		.packing = IMAGE_COMPRESS_NO };
	return NULL;
}

static void
encode(const struct chain_link *link, uint8_t *bytes)
{
	number_put(bytes, link->before);
	number_put(bytes + DIGITS, link->length);
	number_put(bytes + 2 * DIGITS, link->before ^ link->length);
}

static void
blank(uint32_t before, uint8_t *bytes)
{
	(void)before; /* it is not in it */
	memcpy(bytes, "--------A5C3", HEADER);
}

static const struct chain_code code = {
	.header = HEADER,
	.decode = decode,
	.encode = encode,
	.blank = blank,
};

static int
faketape_probe(const struct image_source *source)
{
	return chain_probe(&code, &faketape_format, source, false);
}

static int
faketape_open(const struct image_source *source, struct image **ret_image)
{
	struct chain *chain;

	if (source->options->compress > IMAGE_COMPRESS_NO)
		return tape_fail(source->owner, EINVAL,
		    "%.100s: the format faketape has no compression",
		    source->path);
	chain = calloc(1, sizeof(*chain));
	if (chain == NULL)
		return tape_fail(source->owner, ENOMEM, "out of memory");
	chain_init(chain, &code, &faketape_format, source);
	*ret_image = &chain->base;
	return 0;
}

static const char *const faketape_suffixes[] = { ".fkt", ".faketape", NULL };

const struct image_format faketape_format = {
	.name = "faketape",
	.about = "FAKETAPE, of FLEX-ES",
	.suffixes = faketape_suffixes,
	.max_record = CHAIN_PIECE_MAX,
	.probe = faketape_probe,
	.open = faketape_open,
	.close = image_host_close,
	.describe = image_plain_describe,
	.next = chain_next,
	.prev = chain_prev,
	.find = image_no_find,
	.resync = chain_resync,
	.flaws = image_no_flaws,
	.read = chain_read,
	.cost = chain_cost,
	.protection = image_host_protection,
	.expect = image_host_expect,
	.reserve = image_host_reserve,
	.top = image_host_top,
	.sync = image_host_sync,
	.cut = chain_cut,
	.put_record = chain_put_record,
	.put_filemark = chain_put_filemark,
	.set = image_no_set,
	.select = image_one_select,
	.partition = image_one_partition,
};
