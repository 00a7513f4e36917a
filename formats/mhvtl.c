/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cartridge directory of mhvtl, the Linux virtual tape library, in both
 * versions that there are in the field.  It is only read here.
 *
 *     VERSION 3          VERSION 6          WHAT IT HAS
 *     data               data.0, data.1 ..  the records, back to back
 *     indx               indx.0, indx.1 ..  an entry for every object
 *     meta (from 1024)   meta.0, meta.1 ..  the map of the filemarks
 *     meta (0 to 1023)   mam, mhvtl_data    the medium auxiliary memory
 *
 * Version 6 has up to 4 partitions here.  Numbers are in the byte order of the
 * machine that wrote them; only little-endian ones are read.
 *
 *     OFFSET  SIZE  DESCRIPTION OF AN ENTRY OF indx, 512 BYTES
 *     0       8     where the data begins, in data
 *     8       4     type: 11 record, 3 filemark
 *     12      4     flags: 1 zlib, 2 encrypted, 4 LZO, 8 the checksum is valid
 *     16      4     number of the object, from 0
 *     20      4     bytes of the record
 *     24      4     bytes of it in data
 *     28      4     CRC-32C of the record before compression
 *     32      12    lengths of the key and of two descriptions of it
 *     48      96    the key, in clear, and the descriptions, 32 bytes each
 *     144     4     number of the partition (version 6; else unused)
 *
 *     OFFSET  SIZE  DESCRIPTION OF meta (of its last part in version 3)
 *     0       4     number of filemarks
 *     4       508   unused
 *     512     4     number of the object that the first filemark is; and so on
 *
 *     OFFSET  SIZE  DESCRIPTION OF mam, AND OF THE FIRST PART OF meta
 *     0       4     version: 3 or 6
 *
 * The end of data is the end of indx.  A filemark as object 1 after a record of
 * 3 bytes as it is, with its checksum, is these entries:
 *
 *     000  00 .. 00  0b 00 00 00  08 00 00 00  00 00 00 00  03 00 00 00
 *          03 00 00 00  xx xx xx xx  00 ..
 *     200  03 00 00 00 00 00 00 00  03 00 00 00  00 00 00 00  01 00 00 00  00
 * ..
 *
 * An offset of this image is one in indx, so what a tape is said to have used
 * are bytes of the index.
 *
 * Every entry is checked: its number and partition, its data against the end
 * of the data of the entry before it and against the size of the file, and the
 * map of the filemarks.  At the end of data all files must end, too.  So a
 * record whose data was written, but whose entry was not when mhvtl was killed,
 * is told as damage at the end of data, and everything before it can be read.
 *
 * A map that is not ascending, or shorter than it says, is taken as far as it
 * is good.  What it lacks shows at the first filemark that it does not have.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <isa-l/crc.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "mhvtl.h"
#include "mhvtl_unpack.h"

#define ENTRY 512      /* bytes */
#define ENTRY_USED 148 /* bytes of it that are looked at */
#define MAP_HEADER 512 /* bytes */
#define OLD_MAM 1024   /* bytes, version 3 */
#define OLD_VERSION 3
#define VERSION 6

#define TYPE_RECORD 11
#define TYPE_FILEMARK 3

#define FLAG_ZLIB 1
#define FLAG_ENCRYPTED 2
#define FLAG_LZO 4
#define FLAG_CRC 8
#define FLAGS_KNOWN (FLAG_ZLIB | FLAG_ENCRYPTED | FLAG_LZO | FLAG_CRC)

/* The files of one partition. */
struct part {
	struct hostfile *data, *indx, *meta;
	uint64_t map_at;  /* where the map begins in meta, header included */
	uint64_t map_bad; /* where meta is not as it should be; if ${map_why} */
	uint32_t map_said; /* filemarks, by the header of the map */
	uint32_t map_len;  /* filemarks that are there and ascending */
	const char *map_why;
};

struct mhvtl {
	struct image base;
	char *path;
	uint32_t version, partitions, selected;
	struct part part;
	uint32_t hint; /* where the map was looked up last */
};

struct entry {
	uint64_t data_at;
	uint32_t type, flags, number, size, stored, crc, partition;
};

static struct mhvtl *
mhvtl_of(struct image *image)
{
	return (struct mhvtl *)image;
}

/* ---- The files ---------------------------------------------------------- */

static void
path_of(char *buf, size_t size, const char *dir, const char *name)
{
	(void)snprintf(buf, size, "%s/%s", dir, name); /* open() tells if cut */
}

/* "indx.1", or "indx" in version 3. */
static void
name_of(char buf[16], uint32_t version, const char *what, uint32_t partition)
{
	if (version == OLD_VERSION)
		(void)snprintf(buf, 16, "%s", what); /* fits */
	else
		(void)snprintf(buf, 16, "%s.%" PRIu32, what, partition);
}

static bool
has_file(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	path_of(path, sizeof(path), dir, name);
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static int
open_one(struct tape *owner, const char *dir, const char *name,
    struct hostfile **ret_file)
{
	char path[PATH_MAX];

	path_of(path, sizeof(path), dir, name);
	return hostfile_open(owner, path, true, false, ret_file);
}

/* Files that are only read have nothing to lose when they are closed. */
static void
close_part(struct part *part)
{
	struct hostfile *files[] = { part->data, part->indx, part->meta };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (files[i] != NULL)
			(void)hostfile_close(files[i]); /* see above */
}

static int
map_get(const struct part *part, uint32_t i, uint32_t *ret_object)
{
	const uint8_t *p;
	int r = hostfile_peek(part->meta,
	    part->map_at + MAP_HEADER + 4 * (uint64_t)i, 4, &p);

	if (r == 0)
		*ret_object = le32_get(p);
	return r;
}

/* Keeps the map up to the first of its numbers that does not ascend. */
static int
check_ascent(struct part *part)
{
	uint32_t before = 0, object;
	int r;

	for (uint32_t i = 0; i < part->map_len; i++) {
		r = map_get(part, i, &object);
		if (r < 0)
			return r;
		if (i > 0 && object <= before) {
			part->map_bad =
			    part->map_at + MAP_HEADER + 4 * (uint64_t)i;
			part->map_why = "the filemarks do not ascend";
			part->map_len = i;
			break;
		}
		before = object;
	}
	return 0;
}

/* What the map has; what is wrong with it is told where it matters. */
static int
measure_map(struct part *part)
{
	uint64_t size = hostfile_size(part->meta);
	uint64_t there = 0;
	const uint8_t *p;
	int r;

	part->map_bad = size;
	if (size < part->map_at + MAP_HEADER) {
		part->map_why = "the file ends before its header does";
		return 0;
	}
	r = hostfile_peek(part->meta, part->map_at, 4, &p);
	if (r < 0)
		return r;
	part->map_said = le32_get(p);
	there = (size - part->map_at - MAP_HEADER) / 4;
	part->map_len =
	    there < part->map_said ? (uint32_t)there : part->map_said;
	if (size - part->map_at - MAP_HEADER != 4 * (uint64_t)part->map_said)
		part->map_why = "the file does not end where its number of "
				"filemarks does";
	return check_ascent(part);
}

static int
open_part(struct tape *owner, const char *dir, uint32_t version,
    uint32_t partition, struct part *ret_part)
{
	struct part part = { .map_at = version == OLD_VERSION ? OLD_MAM : 0 };
	char name[16];
	int r;

	name_of(name, version, "data", partition);
	r = open_one(owner, dir, name, &part.data);
	if (r == 0) {
		name_of(name, version, "indx", partition);
		r = open_one(owner, dir, name, &part.indx);
	}
	if (r == 0) {
		name_of(name, version, "meta", partition);
		r = open_one(owner, dir, name, &part.meta);
	}
	if (r == 0)
		r = measure_map(&part);
	if (r < 0) {
		close_part(&part);
		return r;
	}
	*ret_part = part;
	return 0;
}

/* ---- Objects ------------------------------------------------------------ */

/*
 * Narrows where an object would be in the map: mostly that is where the last
 * one was looked for, or next to it.
 */
static int
look_near(const struct mhvtl *m, uint32_t object, uint32_t *low, uint32_t *high)
{
	uint32_t hint = m->hint, found;
	int r;

	if (hint >= *high)
		return 0;
	r = map_get(&m->part, hint, &found);
	if (r < 0)
		return r;
	if (found >= object) {
		*high = hint;
		if (hint == 0)
			return 0;
		r = map_get(&m->part, hint - 1, &found);
		if (r == 0 && found < object)
			*low = hint;
		return r;
	}
	*low = hint + 1;
	if (*low == *high)
		return 0;
	r = map_get(&m->part, *low, &found);
	if (r == 0 && found >= object)
		*high = *low;
	return r;
}

/* Whether the map has an object as filemark. */
static int
look_up(struct mhvtl *m, uint32_t object, bool *ret_there)
{
	uint32_t low = 0, high = m->part.map_len, found = 0;
	int r = look_near(m, object, &low, &high);

	while (r == 0 && low < high) {
		uint32_t mid = low + (high - low) / 2;

		r = map_get(&m->part, mid, &found);
		if (found < object)
			low = mid + 1;
		else
			high = mid;
	}
	*ret_there = false;
	m->hint = low;
	if (r < 0 || low == m->part.map_len)
		return r;
	r = map_get(&m->part, low, &found);
	*ret_there = r == 0 && found == object;
	return r;
}

static int
entry_at(const struct part *part, uint64_t at, struct entry *ret_entry)
{
	uint8_t p[ENTRY_USED];
	int r = hostfile_read(part->indx, at, p, sizeof(p));

	if (r < 0)
		return r;
	*ret_entry = (struct entry){ .data_at = le64_get(p),
		.type = le32_get(p + 8),
		.flags = le32_get(p + 12),
		.number = le32_get(p + 16),
		.size = le32_get(p + 20),
		.stored = le32_get(p + 24),
		.crc = le32_get(p + 28),
		.partition = le32_get(p + 144) };
	return 0;
}

/* Where the data of what precedes ${at} ends: 0 at BOT. */
static int
data_before(const struct part *part, uint64_t at, uint64_t *ret_end)
{
	struct entry before;
	int r;

	*ret_end = 0;
	if (at == 0)
		return 0;
	r = entry_at(part, at - ENTRY, &before);
	if (r == 0)
		*ret_end = before.data_at + before.stored;
	return r;
}

/* Damage of the index; the words begin with the name of its file. */
#define bad_index(m, at, fmt, ...)                \
	image_damaged(&(m)->base, at, "%s: " fmt, \
	    hostfile_name((m)->part.indx), __VA_ARGS__)

/* Whether the entry is one that mhvtl writes, by itself. */
static int
check_entry(struct mhvtl *m, uint64_t at, const struct entry *e)
{
	bool filemark = e->type == TYPE_FILEMARK;

	if (e->number != at / ENTRY)
		return bad_index(m, at,
		    "number %" PRIu32 " in the entry of object %" PRIu64,
		    e->number, at / ENTRY);
	if (m->version != OLD_VERSION && e->partition != m->selected)
		return bad_index(m, at, "an object of partition %" PRIu32,
		    e->partition);
	if (!filemark && e->type != TYPE_RECORD)
		return bad_index(m, at,
		    "type %" PRIu32 "; 11 is a record and 3 a filemark",
		    e->type);
	if ((e->flags & ~(uint32_t)FLAGS_KNOWN) != 0 ||
	    (e->flags & (FLAG_ZLIB | FLAG_LZO)) == (FLAG_ZLIB | FLAG_LZO) ||
	    (filemark && e->flags != 0))
		return bad_index(m, at, "flags %" PRIX32 " of a %s", e->flags,
		    filemark ? "filemark" : "record");
	if (filemark && (e->size != 0 || e->stored != 0))
		return bad_index(m, at, "a filemark of %" PRIu32 " bytes",
		    e->size | e->stored);
	if (filemark)
		return 0;
	if (e->size == 0 || e->size > TAPE_MAX_RECORD || e->stored == 0 ||
	    e->stored > TAPE_MAX_RECORD)
		return bad_index(m, at,
		    "a record of %" PRIu32 " bytes in %" PRIu32
		    "; 1 to %" PRIu32 " can be read",
		    e->size, e->stored, TAPE_MAX_RECORD);
	if ((e->flags & (FLAG_ZLIB | FLAG_LZO)) == 0 && e->size != e->stored)
		return bad_index(m, at,
		    "a record of %" PRIu32 " bytes in %" PRIu32
		    " that is not compressed",
		    e->size, e->stored);
	return 0;
}

/* Whether it agrees with what is around it. */
static int
check_place(struct mhvtl *m, uint64_t at, const struct entry *e)
{
	uint64_t size = hostfile_size(m->part.data), begin;
	bool filemark = e->type == TYPE_FILEMARK, listed;
	int r = data_before(&m->part, at, &begin);

	if (r < 0)
		return r;
	if (e->data_at != begin)
		return bad_index(m, at,
		    "data at %" PRIu64 ", but what precedes ends at %" PRIu64,
		    e->data_at, begin);
	if (begin > size || e->stored > size - begin)
		return bad_index(m, at,
		    "a record up to %" PRIu64 " of %s, which ends at %" PRIu64,
		    begin + e->stored, hostfile_name(m->part.data), size);
	r = look_up(m, e->number, &listed);
	if (r < 0)
		return r;
	if (filemark && !listed)
		return bad_index(m, at,
		    "a filemark that %s does not have (%" PRIu32 " of %" PRIu32
		    " in it are good)",
		    hostfile_name(m->part.meta), m->part.map_len,
		    m->part.map_said);
	if (!filemark && listed)
		return bad_index(m, at, "a record that %s has as a filemark",
		    hostfile_name(m->part.meta));
	return 0;
}

static int
good_entry(struct mhvtl *m, uint64_t at, struct entry *ret_entry)
{
	int r = entry_at(&m->part, at, ret_entry);

	if (r == 0)
		r = check_entry(m, at, ret_entry);
	if (r == 0)
		r = check_place(m, at, ret_entry);
	return r;
}

/* The end of data, where everything has to end. */
static int
check_end(struct mhvtl *m, uint64_t at)
{
	const struct part *part = &m->part;
	uint64_t begin;
	uint32_t last;
	int r = data_before(part, at, &begin);

	if (r < 0)
		return r;
	if (hostfile_size(part->indx) != at)
		return bad_index(m, at,
		    "the file ends %" PRIu64 " bytes into an entry",
		    hostfile_size(part->indx) - at);
	if (hostfile_size(part->data) != begin)
		return bad_index(m, at,
		    "no more objects, but %s goes on from %" PRIu64
		    " to %" PRIu64,
		    hostfile_name(part->data), begin,
		    hostfile_size(part->data));
	if (part->map_why != NULL)
		return image_damaged(&m->base, at, "%s at %" PRIu64 ": %s",
		    hostfile_name(part->meta), part->map_bad, part->map_why);
	if (part->map_len == 0)
		return 0;
	r = map_get(part, part->map_len - 1, &last);
	if (r == 0 && last >= at / ENTRY)
		return bad_index(m, at,
		    "%" PRIu64 " objects, but %s has object %" PRIu32
		    " as a filemark",
		    at / ENTRY, hostfile_name(part->meta), last);
	return r;
}

static int
mhvtl_next(struct image *image, uint64_t at, struct image_object *ret_object)
{
	struct mhvtl *m = mhvtl_of(image);
	struct entry e;
	int r;

	if (hostfile_size(m->part.indx) - at < ENTRY) {
		r = check_end(m, at);
		return r < 0 ? r : image_nothing(at, ret_object);
	}
	r = good_entry(m, at, &e);
	if (r < 0)
		return r;
	if (e.type == TYPE_FILEMARK)
		return image_filemark(at, at + ENTRY, ret_object);
	*ret_object = (struct image_object){ .kind = IMAGE_RECORD,
		.at = at,
		.end = at + ENTRY,
		.size = e.size };
	return 0;
}

static int
mhvtl_prev(struct image *image, uint64_t at, struct image_object *ret_object)
{
	if (at == 0)
		return image_nothing(at, ret_object);
	return mhvtl_next(image, at - ENTRY, ret_object);
}

/* The next entry that is good; all are in their places. */
static int
mhvtl_resync(struct image *image, uint64_t at, uint64_t *ret_at)
{
	uint64_t size = hostfile_size(mhvtl_of(image)->part.indx);
	struct image_object object;
	int r;

	for (at += ENTRY; at < size && size - at >= ENTRY; at += ENTRY) {
		r = mhvtl_next(image, at, &object);
		if (r == 0)
			*ret_at = at;
		if (r != -EBADMSG)
			return r;
	}
	return -ENODATA;
}

/* ---- Data --------------------------------------------------------------- */

static int
bad_data(struct mhvtl *m, uint64_t at, const struct entry *e, const char *what)
{
	return image_damaged(&m->base, at,
	    "%s: the %" PRIu32 " bytes from %" PRIu64 " on %s",
	    hostfile_name(m->part.data), e->stored, e->data_at, what);
}

/* Decompresses what was stored. */
static int
unpack(struct mhvtl *m, uint64_t at, const struct entry *e,
    const uint8_t *stored, uint8_t *out)
{
	enum mhvtl_packing packing = e->flags & FLAG_ZLIB ? MHVTL_ZLIB
	    : e->flags & FLAG_LZO			  ? MHVTL_LZO
							  : MHVTL_PLAIN;
	int r = mhvtl_unpack(packing, stored, e->stored, out, e->size);

	if (r == -EBADMSG)
		return bad_data(m, at, e,
		    packing == MHVTL_LZO ? "are no LZO data of that record"
					 : "are no zlib data of that record");
	if (r == -EOPNOTSUPP)
		return tape_fail(m->base.owner, EIO,
		    "%s: offset %" PRIu64 ": a record that LZO compressed; "
		    "liblzo2 is needed to read it (Debian package liblzo2-2)",
		    m->base.name, at);
	if (r < 0)
		return tape_fail(m->base.owner, -r, "out of memory");
	return 0;
}

/* The whole record to ${out}, which has room for it. */
static int
get_whole(struct mhvtl *m, uint64_t at, const struct entry *e, uint8_t *out)
{
	bool packed = (e->flags & (FLAG_ZLIB | FLAG_LZO)) != 0;
	uint8_t *stored = packed ? malloc(e->stored) : out;
	int r;

	if (stored == NULL)
		return tape_fail(m->base.owner, ENOMEM, "out of memory");
	r = hostfile_read(m->part.data, e->data_at, stored, e->stored);
	if (packed) {
		if (r == 0)
			r = unpack(m, at, e, stored, out);
		free(stored);
	}
	if (r == 0 && (e->flags & FLAG_CRC) != 0 &&
	    ~crc32_iscsi(out, (int)e->size, UINT32_MAX) != e->crc)
		r = bad_data(m, at, e, "do not have the record's checksum");
	return r;
}

/*
 * The checksum is over the whole record, so all of it is read, also if only a
 * part is asked for.
 */
static int
mhvtl_read(struct image *image, const struct image_object *object, void *buf,
    size_t size, size_t *ret_len)
{
	struct mhvtl *m = mhvtl_of(image);
	struct entry e;
	uint8_t *whole;
	int r = good_entry(m, object->at, &e);

	if (r < 0)
		return r;
	if (e.type != TYPE_RECORD || e.size != object->size)
		return image_damaged(image, object->at,
		    "the index has changed while in use");
	if ((e.flags & FLAG_ENCRYPTED) != 0)
		return tape_fail(image->owner, EIO,
		    "%s: offset %" PRIu64 ": an encrypted record, which is not "
		    "read here; its key is in %s",
		    image->name, object->at, hostfile_name(m->part.indx));
	whole = e.size <= size ? buf : malloc(e.size);
	if (whole == NULL)
		return tape_fail(image->owner, ENOMEM, "out of memory");
	r = get_whole(m, object->at, &e, whole);
	if (whole != buf) {
		if (r == 0)
			memcpy(buf, whole, size);
		free(whole);
	}
	if (r == 0)
		*ret_len = e.size;
	return r;
}

/* ---- The directory ------------------------------------------------------ */

/* The files of either version; which it is exactly is told when it is opened.
 */
static int
mhvtl_probe(const struct image_source *source)
{
	const char *dir = source->path;

	if ((has_file(dir, "mam") && has_file(dir, "data.0")) ||
	    (has_file(dir, "data") && has_file(dir, "indx") &&
		has_file(dir, "meta")))
		return 0;
	return tape_fail(source->owner, EMEDIUMTYPE,
	    "%.100s: neither mam and data.0, nor data, indx and meta are "
	    "there; this is no mhvtl cartridge",
	    dir);
}

/* Both versions begin a file with the number of the version. */
static int
read_version(struct mhvtl *m, const char *name, uint32_t expected)
{
	struct hostfile *file;
	const uint8_t *p;
	int r = open_one(m->base.owner, m->path, name, &file);

	if (r < 0)
		return r;
	if (hostfile_size(file) < 4) {
		r = tape_fail(m->base.owner, EMEDIUMTYPE,
		    "%s: %s: %" PRIu64 " bytes, too few for a version",
		    m->base.name, name, hostfile_size(file));
	} else {
		r = hostfile_peek(file, 0, 4, &p);
		m->version = r == 0 ? le32_get(p) : 0;
	}
	(void)hostfile_close(file); /* only read */
	if (r < 0 || m->version == expected)
		return r;
	if (m->version == __builtin_bswap32(expected))
		return tape_fail(m->base.owner, EMEDIUMTYPE,
		    "%s: %s: written by mhvtl on a big-endian machine, which "
		    "is not supported",
		    m->base.name, name);
	return tape_fail(m->base.owner, EMEDIUMTYPE,
	    "%s: %s: version %" PRIu32 " of the format; %d with data, %d with "
	    "data.0 are supported",
	    m->base.name, name, m->version, OLD_VERSION, VERSION);
}

/* Partitions are numbered from 0 on without a hole. */
static int
count_partitions(struct mhvtl *m)
{
	char name[16];

	m->partitions = 1;
	if (m->version == OLD_VERSION)
		return 0;
	for (uint32_t i = 1; i <= TAPE_MAX_PARTITIONS; i++) {
		name_of(name, VERSION, "data", i);
		if (!has_file(m->path, name))
			continue;
		if (i == TAPE_MAX_PARTITIONS)
			return tape_fail(m->base.owner, EMEDIUMTYPE,
			    "%s: %s: more than %d partitions", m->base.name,
			    name, TAPE_MAX_PARTITIONS);
		if (i != m->partitions)
			return tape_fail(m->base.owner, EMEDIUMTYPE,
			    "%s: %s is there, but no data.%" PRIu32,
			    m->base.name, name, m->partitions);
		m->partitions++;
	}
	return 0;
}

static int
set_up(struct mhvtl *m)
{
	bool old = has_file(m->path, "meta") && !has_file(m->path, "mam");
	int r = old ? read_version(m, "meta", OLD_VERSION)
		    : read_version(m, "mam", VERSION);

	if (r == 0)
		r = count_partitions(m);
	if (r == 0)
		r = open_part(m->base.owner, m->path, m->version, 0, &m->part);
	return r;
}

static int
mhvtl_open(const struct image_source *source, struct image **ret_image)
{
	struct mhvtl *m = calloc(1, sizeof(*m));
	int r;

	if (m == NULL)
		return tape_fail(source->owner, ENOMEM, "out of memory");
	image_init(&m->base, &mhvtl_format, source);
	m->path = strdup(source->path);
	r = m->path == NULL ? tape_fail(source->owner, ENOMEM, "out of memory")
			    : set_up(m);
	if (r < 0) {
		free(m->path);
		free(m);
		return r;
	}
	*ret_image = &m->base;
	return 0;
}

static int
mhvtl_close(struct image *image)
{
	struct mhvtl *m = mhvtl_of(image);

	close_part(&m->part);
	free(m->path);
	free(m);
	return 0;
}

static void
mhvtl_describe(struct image *image, struct image_info *info)
{
	info->partitions = mhvtl_of(image)->partitions;
	info->max_partitions = info->partitions;
}

/* On failure the former one stays. */
static int
mhvtl_select(struct image *image, uint32_t partition)
{
	struct mhvtl *m = mhvtl_of(image);
	struct part part;
	int r;

	assert(partition < m->partitions);
	r = open_part(image->owner, m->path, m->version, partition, &part);
	if (r < 0)
		return r;
	close_part(&m->part);
	m->part = part;
	m->selected = partition;
	m->hint = 0;
	return 0;
}

static const char *const mhvtl_suffixes[] = { NULL };

const struct image_format mhvtl_format = {
	.name = "mhvtl",
	.about = "cartridge directory of mhvtl",
	.suffixes = mhvtl_suffixes,
	.max_record = TAPE_MAX_RECORD,
	.directory = true,
	.import_only = true,
	.probe = mhvtl_probe,
	.open = mhvtl_open,
	.close = mhvtl_close,
	.describe = mhvtl_describe,
	.next = mhvtl_next,
	.prev = mhvtl_prev,
	.find = image_no_find,
	.resync = mhvtl_resync,
	.flaws = image_no_flaws,
	.read = mhvtl_read,
	.cost = image_import_cost,
	.protection = image_import_protection,
	.expect = image_import_expect,
	.reserve = image_import_reserve,
	.top = image_import_top,
	.sync = image_import_sync,
	.cut = image_import_cut,
	.put_record = image_import_put_record,
	.put_filemark = image_import_put_filemark,
	.set = image_no_set,
	.select = mhvtl_select,
	.partition = image_one_partition,
};
