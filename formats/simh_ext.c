/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SIMH tape image, extended format ("SIMH Magtape Representation and
 * Handling", 2022).  The framing is that of simh.c, which has the codec; but
 * the upper 4 bits of a word are a class, and the lower 28 a length or a value:
 *
 *     CLASS  VALUE  SIZE         DESCRIPTION
 *     0      0      4            filemark
 *     0      N      8+N+(N & 1)  record
 *     1-6    N      8+N+(N & 1)  private record                passed over
 *     7      any    4            private marker                passed over
 *     8      N      8+N+(N & 1)  bad record; also with no data, then 2 words
 *     9-D    N      8+N+(N & 1)  reserved record               passed over
 *     E      N      8+N+(N & 1)  description of the tape       passed over
 *     F             4            reserved marker, to FFFDFFFF  passed over
 *     F             4            FFFE0000 on: as in the standard format
 *
 * What begins and ends with a word has the whole word, with its class, at both
 * ends.  The marker 73533250 is where SCSI2Pi ends its data; it leaves older
 * data after it, so it is taken for the end of the medium.
 *
 * A description of 2 bytes "hi", a private marker, and a record of 1 byte "a":
 *
 *     00  02 00 00 e0  68 69  02 00 00 e0
 *     0a  01 00 00 70
 *     0e  01 00 00 00  61 00  01 00 00 00
 *
 * Length has 28 bits, but a tape here holds records of 16 MiB at most: a larger
 * one is reported as damage.  What is passed over can be longer.
 *
 * What is passed over is not on the tape.  It stays in the image as long as
 * nothing is written before it; a write at BOT cuts a description away with all
 * the rest.  Only records and filemarks are written, in the same order and with
 * the same result of a kill as in simh.c.
 *
 * Nothing but format=simh-ext chooses this format: a marker says nothing of
 * itself, so a great many files would pass for it.
 */
#include "simh_ext.h"
#include "simh_state.h"

static int
simh_ext_probe(const struct image_source *source)
{
	return simh_probe_as(source, &simh_ext_format, SIMH_EXTENDED);
}

static int
simh_ext_open(const struct image_source *source, struct image **ret_image)
{
	return simh_open_as(source, &simh_ext_format, SIMH_EXTENDED, ret_image);
}

/* None: a suffix could not make it be chosen when the tape is loaded again. */
static const char *const simh_ext_suffixes[] = { NULL };

const struct image_format simh_ext_format = {
	.name = "simh-ext",
	.about = "SIMH extended format",
	.suffixes = simh_ext_suffixes,
	.max_record = TAPE_MAX_RECORD,
	.detect = IMAGE_BY_NAME,
	.probe = simh_ext_probe,
	.open = simh_ext_open,
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
