/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The E11 tape image, as the Ersatz-11 simulator writes it: the framing of SIMH
 * (see simh.c, which has the codec), but data is not padded to an even length.
 * Words are 32 bits, little-endian, at any offset:
 *
 *     OFFSET  SIZE      DESCRIPTION
 *     0       4         record: length N, 1 to 16,777,216, bit 31 set if the
 *                       data was read from a real tape with an error
 *     4       N         data
 *     4+N     4         the first word again
 *
 *     0       4         filemark: 00000000
 *     0       4         end of medium: FFFFFFFF; so is the end of the file
 *
 * Gaps, which only SIMH writes, are passed over as in its own format.
 *
 * A record of 3 bytes "abc", a filemark, and a record of 2 bytes "de":
 *
 *     00  03 00 00 00  61 62 63  03 00 00 00
 *     0b  00 00 00 00
 *     0f  02 00 00 00  64 65     02 00 00 00
 *
 * As long as no record has an odd length, an image is the same bytes in SIMH's
 * format; see simh_probe.c for how they are told apart.
 *
 * The order of writes and what a kill leaves is that of simh.c.  As a word can
 * begin at any offset, one that lies across two pages can be split at any of
 * three places; what a kill in the midst of it leaves is mended when reading.
 */
#include "e11.h"
#include "simh_state.h"

static int
e11_probe(const struct image_source *source)
{
	return simh_probe_as(source, &e11_format, SIMH_E11);
}

static int
e11_open(const struct image_source *source, struct image **ret_image)
{
	return simh_open_as(source, &e11_format, SIMH_E11, ret_image);
}

static const char *const e11_suffixes[] = { ".e11", NULL };

const struct image_format e11_format = {
	.name = "e11",
	.about = "Ersatz-11",
	.suffixes = e11_suffixes,
	.max_record = TAPE_MAX_RECORD,
	.probe = e11_probe,
	.open = e11_open,
	.close = image_host_close,
	.describe = image_plain_describe,
	.next = simh_next,
	.prev = simh_prev,
	.find = image_no_find,
	.resync = simh_resync,
	.flaws = image_no_flaws,
	.read = simh_read,
	.cost = simh_cost,
	.protection = image_host_protection,
	.expect = image_host_expect,
	.reserve = image_host_reserve,
	.top = image_host_top,
	.sync = image_host_sync,
	.cut = image_host_cut,
	.put_record = simh_put_record,
	.put_filemark = simh_put_filemark,
	.set = image_no_set,
	.select = image_one_select,
	.partition = image_one_partition,
};
