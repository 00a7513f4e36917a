/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A directory as the backup program Amanda uses it in place of a tape ("vfs
 * device", "file:DIR"): one host file a tape file.  What of it lies in
 * DIR/data, if there is such a directory, as for Amanda; otherwise in DIR.
 *
 *     OFFSET  SIZE   DESCRIPTION, in a host file
 *     0       32768  header: text that begins with "AMANDA: ", then zeros
 *     32768          data, up to the end of the file; no boundaries
 *
 *     NAME                   DESCRIPTION
 *     00000.LABEL            the label of the tape, a header and no more
 *     00001.HOST.DISK.LEVEL  a dump; / and : and \ are _ in it
 *     00002-openBLOCK.REST   a file with no filemark yet, of blocks of that
 *                            size; what is less than a block does not count
 *     00002-last.REST        ... where all bytes count
 *
 * Host file N is tape file N: a record of 32768 bytes, records of block= bytes
 * (the last may be shorter), and a filemark.  Numbers that are left out are
 * tape files with nothing in them, so that Amanda's catalogue, which knows
 * files by number, fits a copy on another tape.  (Amanda itself, asked for such
 * a number, gives the next one that there is.)  After the last number data end.
 *
 * On the way from BOT a filemark counts as one byte.  With block=32768, a label
 * and a dump of 40000 bytes, where every other byte is of host files, is
 *
 *     0       32768  record, 00000.TAPE01 from 0 on
 *     32768   1      filemark
 *     32769   32768  record, 00001.host._usr.0 from 0 on
 *     65537   32768  record, ... from 32768 on
 *     98305   7232   record, ... from 65536 on
 *     105537  1      filemark
 *
 * There is redundancy only in the names and the beginnings of headers; they are
 * checked.  What boundaries do not keep is refused: a record that is not of
 * block= bytes, unless it is the last before a filemark; a tape file that does
 * not begin with a header, among them one with nothing in it; and a label that
 * is not the first file, or a first file that is not one.
 *
 * Order of writes, and what a kill leaves
 *
 *  1. A header goes into a new file called "-open".  Killed in it, the file is
 *     too short for a header; it does not count, and is removed before anything
 *     is written again.
 *  2. A record of block= bytes goes to its end.  Killed in it, there is less
 *     than a block at the end, which does not count.
 *  3. A shorter record goes there as well, and then the file is called "-last".
 *     With that it counts.
 *  4. A filemark: the host file is made durable, and then gets its name.
 *  5. To write before the end, the host files after that place are removed,
 * from the last to the first; then the one that is left in part is called
 *     "-last", cut, and called "-open".  Killed anywhere in this, the tape is
 *     shorter than it was, but not shorter than it was to be, and what is there
 *     is as it was.
 *
 * Amanda does not see a file before its filemark: names with "-" are none to it
 * but when it labels the tape anew, and removes them.  When the host dies, all
 * is there that was before a filemark that was synced.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amanda.h"
#include "amanda_dir.h"
#include "amanda_header.h"

#define BLOCK 32768 /* bytes, Amanda's default */

/* Bytes that a new host file may take besides what is in it. */
#define FILE_ROOM 65536

/* Of a small disk, the zone of early warning is this part at most. */
#define ZONE_SHARE 16

struct amanda {
	struct image base;
	struct amanda_dir dir;
	uint32_t block; /* bytes */
	/*
	 * The end of data.  It is after all files; with nothing but filemarks
	 * between them and it if the tape was cut there.
	 */
	uint64_t eod;
	struct hostfile *tail;	 /* the last file, for writing, or NULL */
	struct hostfile *reader; /* another one, for reading, or NULL */
	size_t reading;		 /* ... which */
	uint64_t zone, most;	 /* see image_expect() */
	bool sync_failed;
};

static struct amanda *
amanda_of(struct image *image)
{
	return (struct amanda *)image;
}

static struct amanda_file *
last_of(struct amanda *v)
{
	return v->dir.n == 0 ? NULL : &v->dir.files[v->dir.n - 1];
}

/* ---- Where things are --------------------------------------------------- */

/* Where files end of which there are ${n}. */
static struct place
end_of(const struct amanda *v, size_t n)
{
	const struct amanda_file *f = n == 0 ? NULL : &v->dir.files[n - 1];
	uint64_t data;

	if (f == NULL)
		return (struct place){ .offset = 0 };
	data = f->size > AMANDA_HEADER ? f->size - AMANDA_HEADER : 0;
	return (struct place){
		.offset = f->end,
		.object = f->object + 1 + data / v->block +
		    (data % v->block > 0) + (f->state == AMANDA_WHOLE),
		.file = f->number + UINT64_C(1),
	};
}

/* File ${i} begins after the one before it and the numbers left out. */
static void
place_file(struct amanda *v, size_t i)
{
	struct place before = end_of(v, i);
	struct amanda_file *f = &v->dir.files[i];
	uint64_t gap = f->number > before.file ? f->number - before.file : 0;

	f->at = before.offset + gap;
	f->object = before.object + gap;
	f->end = f->at + f->size + (f->state == AMANDA_WHOLE);
	if (f->end == f->at)
		f->end++; /* not even a header; every file is somewhere */
}

/* The last file has changed, and data end with it. */
static void
end_with_last(struct amanda *v)
{
	if (v->dir.n > 0)
		place_file(v, v->dir.n - 1);
	v->eod = end_of(v, v->dir.n).offset;
}

/* The first file that ends after ${at}, or past all. */
static size_t
file_after(const struct amanda *v, uint64_t at)
{
	size_t low = 0, high = v->dir.n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (v->dir.files[mid].end > at)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static int
check_file(const struct amanda *v, const struct amanda_file *f)
{
	if (f->wrong == NULL)
		return 0;
	return image_damaged(&v->base, f->at, "%s %s %s", f->name, f->wrong,
	    f->wrong_with);
}

/* ---- Host files --------------------------------------------------------- */

static int
open_file(struct amanda *v, size_t i, bool readonly, struct hostfile **ret_file)
{
	char *path = amanda_dir_path(&v->dir, v->dir.files[i].name);
	int r;

	if (path == NULL)
		return -ENOMEM;
	r = hostfile_open(v->base.owner, path, readonly, false, ret_file);
	free(path);
	return r;
}

static void
close_reader(struct amanda *v)
{
	if (v->reader != NULL)
		(void)hostfile_close(v->reader); /* only read */
	v->reader = NULL;
}

/* Until the next call. */
static int
file_to_read(struct amanda *v, size_t i, struct hostfile **ret_file)
{
	int r = 0;

	if (v->tail != NULL && i == v->dir.n - 1) {
		*ret_file = v->tail;
		return 0;
	}
	if (v->reader != NULL && v->reading != i)
		close_reader(v);
	if (v->reader == NULL)
		r = open_file(v, i, true, &v->reader);
	if (r < 0)
		return r == -ENOMEM ? r : -EIO;
	v->reading = i;
	*ret_file = v->reader;
	return 0;
}

static int
read_file(struct amanda *v, size_t i, uint64_t at, void *buf, size_t size)
{
	const struct amanda_file *f = &v->dir.files[i];
	struct hostfile *host;
	int r = file_to_read(v, i, &host);

	if (r == 0 && hostfile_size(host) < at + size)
		r = image_damaged(&v->base, f->at + at,
		    "%s was cut short while in use", f->name);
	return r < 0 ? r : hostfile_read(host, at, buf, size);
}

/* ---- Reading ------------------------------------------------------------ */

static int
record(uint64_t at, uint64_t size, struct image_object *ret_object)
{
	*ret_object = (struct image_object){ .kind = IMAGE_RECORD,
		.at = at,
		.end = at + size,
		.size = (uint32_t)size };
	return 0;
}

static int
amanda_next(struct image *image, uint64_t at, struct image_object *ret_object)
{
	struct amanda *v = amanda_of(image);
	size_t i = file_after(v, at);
	const struct amanda_file *f;
	uint64_t left;
	int r;

	if (i == v->dir.n && at >= v->eod)
		return image_nothing(at, ret_object);
	if (i == v->dir.n || at < v->dir.files[i].at)
		return image_filemark(at, at + 1, ret_object);
	f = &v->dir.files[i];
	r = check_file(v, f);
	if (r < 0)
		return r;
	left = f->size - (at - f->at);
	if (left == 0)
		return image_filemark(at, at + 1, ret_object);
	if (at == f->at)
		return record(at, AMANDA_HEADER, ret_object);
	return record(at, left < v->block ? left : v->block, ret_object);
}

static int
amanda_prev(struct image *image, uint64_t at, struct image_object *ret_object)
{
	struct amanda *v = amanda_of(image);
	uint64_t into, start = 0;
	const struct amanda_file *f;
	size_t i;
	int r;

	if (at == 0)
		return image_nothing(at, ret_object);
	i = file_after(v, at - 1);
	if (i == v->dir.n || at <= v->dir.files[i].at)
		return image_filemark(at - 1, at, ret_object);
	f = &v->dir.files[i];
	r = check_file(v, f);
	if (r < 0)
		return r;
	into = at - f->at;
	if (into > f->size)
		return image_filemark(at - 1, at, ret_object);
	if (into > AMANDA_HEADER)
		start = AMANDA_HEADER +
		    (into - AMANDA_HEADER - 1) / v->block * v->block;
	return record(f->at + start, into - start, ret_object);
}

static int
amanda_read(struct image *image, const struct image_object *object, void *buf,
    size_t size, size_t *ret_len)
{
	struct amanda *v = amanda_of(image);
	size_t i = file_after(v, object->at);
	int r = read_file(v, i, object->at - v->dir.files[i].at, buf,
	    size < object->size ? size : object->size);

	if (r == 0)
		*ret_len = object->size;
	return r;
}

/* How many files there are before the first that is known to be damaged. */
static size_t
sound_files(const struct amanda *v)
{
	size_t n = 0;

	while (n < v->dir.n && v->dir.files[n].wrong == NULL)
		n++;
	return n;
}

static struct place
start_of(const struct amanda_file *f)
{
	return (struct place){ .offset = f->at,
		.object = f->object,
		.file = f->number };
}

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
lack(uint64_t have, uint64_t want)
{
	return have < want ? want - have : 0;
}

/*
 * Files and the numbers left out before them are places that are known.  The
 * first file that is not before the place that is wanted; then back into what
 * lies between it and the file before it.
 */
static bool
amanda_find(struct image *image, bool forward, uint64_t object, uint64_t file,
    struct place *ret_place)
{
	struct amanda *v = amanda_of(image);
	size_t low = 0, high = sound_files(v), n = high;
	struct place from;
	uint64_t gap, step;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct amanda_file *f = &v->dir.files[mid];
		bool up_to = f->object <= object && f->number <= file;
		bool short_of = f->object < object || f->number < file;

		if (forward ? up_to : short_of)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == n && !forward)
		return false;
	from = end_of(v, low);
	gap = (low == n ? v->eod : v->dir.files[low].at) - from.offset;
	if (low == n && n < v->dir.n)
		gap = v->dir.files[n].at - from.offset;
	if (forward && low > 0 &&
	    (v->dir.files[low - 1].state != AMANDA_WHOLE ||
		from.object > object || from.file > file)) {
		*ret_place = start_of(&v->dir.files[low - 1]);
		return true;
	}
	step = forward ? least(object - from.object, file - from.file)
		       : lack(from.object, object);
	if (!forward && step < lack(from.file, file))
		step = lack(from.file, file);
	step = least(step, gap);
	*ret_place = (struct place){ .offset = from.offset + step,
		.object = from.object + step,
		.file = from.file + step };
	return true;
}

/* The next file that nothing is known against. */
static int
amanda_resync(struct image *image, uint64_t at, uint64_t *ret_at)
{
	struct amanda *v = amanda_of(image);

	for (size_t i = file_after(v, at); i < v->dir.n; i++)
		if (v->dir.files[i].at > at && v->dir.files[i].wrong == NULL) {
			*ret_at = v->dir.files[i].at;
			return 0;
		}
	return -ENODATA;
}

/* ---- Cutting ------------------------------------------------------------ */

/* Gives up the file that is being written; it stays what it is. */
static int
close_tail(struct amanda *v)
{
	int r = v->tail == NULL ? 0 : hostfile_close(v->tail);

	v->tail = NULL;
	if (r < 0)
		v->sync_failed = true;
	return r;
}

static int
open_tail(struct amanda *v)
{
	size_t last = v->dir.n - 1;
	struct hostfile *host;
	const char *why;
	int r;

	if (v->tail != NULL)
		return 0;
	if (v->reader != NULL && v->reading == last)
		close_reader(v); /* it has a lock on the file */
	r = open_file(v, last, false, &host);
	if (r < 0)
		return r == -ENOMEM ? r : -EIO;
	why = hostfile_protection(host);
	if (why != NULL || hostfile_size(host) < v->dir.files[last].size) {
		(void)hostfile_close(host); /* nothing was written */
		return tape_fail(v->base.owner, EIO, "%s: %s: %s", v->base.name,
		    v->dir.files[last].name,
		    why != NULL ? why : "was cut short while in use");
	}
	v->tail = host;
	hostfile_expect(host, v->zone,
	    v->most > v->dir.files[last].at ? v->most - v->dir.files[last].at
					    : 0);
	return 0;
}

/*
 * The end of step 5: of the last file ${size} bytes remain, and it has no
 * filemark.  Whatever it is called now, at every moment its name says of no
 * byte that it counts that does not, nor the other way round.
 */
static int
open_end(struct amanda *v, uint64_t size)
{
	struct amanda_file *f = last_of(v);
	bool blocks = (size - AMANDA_HEADER) % v->block == 0;
	int r;

	assert(f->wrong == NULL && size >= AMANDA_HEADER && size <= f->size);
	r = open_tail(v);
	if (r == 0) /* less than a block that does not count */
		r = hostfile_cut(v->tail, f->size);
	if (r == 0 && (f->state != AMANDA_OPEN || f->block != v->block))
		r = amanda_dir_change(&v->dir, AMANDA_LAST, 0);
	if (r == 0)
		r = hostfile_cut(v->tail, size);
	if (r == 0)
		f->size = size;
	if (r == 0 && blocks)
		r = amanda_dir_change(&v->dir, AMANDA_OPEN, v->block);
	end_with_last(v);
	return r;
}

static int
remove_last(struct amanda *v)
{
	int r = close_tail(v);

	close_reader(v);
	if (r == 0)
		r = amanda_dir_remove_last(&v->dir);
	v->eod = end_of(v, v->dir.n).offset;
	return r;
}

/* Step 5. */
static int
amanda_cut(struct image *image, uint64_t at)
{
	struct amanda *v = amanda_of(image);
	struct amanda_file *f;
	int r = amanda_dir_tidy(&v->dir);

	while (r == 0 && v->dir.n > 0 && last_of(v)->at >= at)
		r = remove_last(v);
	if (r < 0)
		return r;
	f = last_of(v);
	if (f != NULL &&
	    (at < f->end || (at == f->end && f->state != AMANDA_WHOLE)))
		r = open_end(v, at - f->at);
	if (r == 0)
		v->eod = at;
	return r;
}

/* ---- Writing ------------------------------------------------------------ */

static uint64_t
amanda_cost(const struct image *image, size_t len)
{
	(void)image; /* all are alike */
	return len == 0 ? 1 : len;
}

/* Whether the last file has no filemark yet. */
static bool
in_file(struct amanda *v)
{
	const struct amanda_file *f = last_of(v);

	return f != NULL && f->state != AMANDA_WHOLE && v->eod == f->end;
}

static int
refuse(struct amanda *v, const char *why)
{
	return tape_fail(v->base.owner, EINVAL, "%s: %s", v->base.name, why);
}

/* Steps 2 and 3. */
static int
put_data(struct amanda *v, const void *buf, size_t len)
{
	struct iovec piece = hostfile_piece(buf, len);
	struct amanda_file *f = last_of(v);
	int r;

	if (f->state == AMANDA_LAST)
		return refuse(v,
		    "the record before this was shorter than block=, and the "
		    "format amanda has that only before a filemark");
	if (len > v->block)
		return tape_fail(v->base.owner, EINVAL,
		    "%s: a record of %zu bytes, but the format amanda has them "
		    "of block=%" PRIu32 " bytes; give another block=",
		    v->base.name, len, v->block);
	r = open_tail(v);
	if (r == 0)
		r = hostfile_append(v->tail, &piece, 1);
	if (r < 0)
		return r;
	if (len < v->block) {
		r = amanda_dir_change(&v->dir, AMANDA_LAST, 0);
		if (r < 0) {
			(void)hostfile_cut(v->tail, f->size); /* has failed */
			return r;
		}
	}
	f->size += len;
	return 0;
}

/* Makes the host file of a new tape file, with its header; step 1. */
static int
make_file(struct amanda *v, uint32_t number, const void *header, char *name)
{
	struct iovec piece = hostfile_piece(header, AMANDA_HEADER);
	char *path = amanda_dir_path(&v->dir, name);
	struct hostfile *host;
	int r;

	if (path == NULL)
		return -ENOMEM;
	r = hostfile_open(v->base.owner, path, false, true, &host);
	free(path);
	if (r < 0)
		return r == -ENOSPC || r == -EDQUOT ? -ENOSPC : -EIO;
	if (hostfile_size(host) > 0) {
		(void)hostfile_close(host); /* nothing was written */
		return tape_fail(v->base.owner, EIO,
		    "%s: %s is there already; somebody else writes here",
		    v->base.name, name);
	}
	hostfile_expect(host, v->zone, lack(v->eod, v->most));
	r = hostfile_append(host, &piece, 1);
	if (r == 0)
		r = amanda_dir_add(&v->dir, number, v->block, AMANDA_HEADER,
		    name);
	if (r < 0) {
		char why[sizeof(v->base.owner->why)];

		memcpy(why, v->base.owner->why, sizeof(why));
		(void)hostfile_close(host);		/* it is removed */
		(void)amanda_dir_remove(&v->dir, name); /* does not count */
		memcpy(v->base.owner->why, why, sizeof(why));
		return r;
	}
	v->tail = host;
	return 0;
}

static int
put_header(struct amanda *v, const void *buf, size_t len)
{
	struct place end = end_of(v, v->dir.n);
	uint64_t number = end.file + (v->eod - end.offset);
	char rest[AMANDA_REST + 1];
	bool label = false;
	char *name;
	int r;

	if (len != AMANDA_HEADER || !amanda_header_name(buf, &label, rest))
		return tape_fail(v->base.owner, EINVAL,
		    "%s: a record of %zu bytes that is no header of Amanda's; "
		    "in the format amanda each tape file begins with one, of "
		    "32768 bytes, and only Amanda's tapes fit in",
		    v->base.name, len);
	if (label != (number == 0))
		return refuse(v,
		    label ? "a label of Amanda's can only be the first file"
			  : "the first file must be a label of Amanda's");
	if (number > INT32_MAX)
		return refuse(v, "more files than Amanda can count");
	name = amanda_dir_name(&v->dir, (uint32_t)number, AMANDA_OPEN, v->block,
	    rest);
	if (name == NULL)
		return -ENOMEM;
	r = make_file(v, (uint32_t)number, buf, name);
	if (r < 0)
		free(name);
	return r;
}

static int
amanda_put_record(struct image *image, uint64_t at, const void *buf, size_t len,
    uint64_t *ret_end)
{
	struct amanda *v = amanda_of(image);
	int r = in_file(v) ? put_data(v, buf, len) : put_header(v, buf, len);

	assert(at == v->eod);
	if (r < 0)
		return r;
	end_with_last(v);
	*ret_end = v->eod;
	assert(*ret_end == at + len);
	return 0;
}

/* Step 4. */
static int
amanda_put_filemark(struct image *image, uint64_t at, uint64_t *ret_end)
{
	struct amanda *v = amanda_of(image);
	int r;

	assert(at == v->eod);
	if (!in_file(v))
		return refuse(v,
		    "a tape file with nothing in it, not even a header of "
		    "Amanda's, can't be kept in the format amanda");
	r = close_tail(v);
	if (r == 0)
		r = amanda_dir_change(&v->dir, AMANDA_WHOLE, 0);
	if (r < 0)
		return r;
	end_with_last(v);
	*ret_end = v->eod;
	return 0;
}

static const char *
amanda_protection(const struct image *image)
{
	const struct amanda *v = (const struct amanda *)image;

	if (v->sync_failed)
		return "a sync has failed; unload and load it to go on";
	return v->dir.protection;
}

/* ---- Room --------------------------------------------------------------- */

static void
amanda_expect(struct image *image, uint64_t zone, uint64_t most)
{
	struct amanda *v = amanda_of(image);

	v->zone = least(zone, amanda_dir_room(&v->dir) / ZONE_SHARE);
	v->most = most;
}

/* A file that is being written reserves; a new one counts what is free. */
static enum hostfile_room
amanda_reserve(struct image *image, uint64_t end)
{
	struct amanda *v = amanda_of(image);
	uint64_t room, need;

	if (v->tail != NULL)
		return hostfile_reserve(v->tail, end - last_of(v)->at);
	room = amanda_dir_room(&v->dir);
	need = lack(v->eod, end) + FILE_ROOM;
	if (room < need)
		return HOSTFILE_FULL;
	return room - need < v->zone ? HOSTFILE_NEARLY : HOSTFILE_ROOM;
}

static uint64_t
amanda_top(struct image *image)
{
	struct amanda *v = amanda_of(image);
	uint64_t top = UINT64_MAX, room;

	if (v->tail != NULL) {
		top = hostfile_top(v->tail);
		return top == UINT64_MAX ? top : last_of(v)->at + top;
	}
	room = amanda_dir_room(&v->dir);
	if (room < v->zone + FILE_ROOM)
		top = v->eod + lack(FILE_ROOM, room);
	return top;
}

/* ---- Syncing and opening ------------------------------------------------ */

static int
amanda_sync(struct image *image)
{
	struct amanda *v = amanda_of(image);
	int r;

	if (v->sync_failed)
		return tape_fail(v->base.owner, EIO,
		    "%s: an earlier sync failed; "
		    "what was written since the one before may be lost",
		    v->base.name);
	r = v->tail == NULL ? 0 : hostfile_sync(v->tail);
	if (r == 0)
		r = amanda_dir_sync(&v->dir);
	if (r < 0)
		v->sync_failed = true;
	return r;
}

static int
amanda_close(struct image *image)
{
	struct amanda *v = amanda_of(image);
	int r, closed;

	close_reader(v);
	closed = close_tail(v);
	r = amanda_sync(image);
	amanda_dir_close(&v->dir);
	free(v);
	return closed < 0 ? closed : r;
}

static void
amanda_describe(struct image *image, struct image_info *info)
{
	struct amanda *v = amanda_of(image);
	const struct amanda_file *f = v->dir.files;

	info->max_record = v->block < AMANDA_HEADER ? AMANDA_HEADER : v->block;
	if (v->dir.n > 0 && f->number == 0 && f->state == AMANDA_WHOLE)
		(void)snprintf(info->medium, sizeof(info->medium), "%s",
		    strchr(f->name, '.') + 1); /* cut is fine */
}

static int
amanda_probe(const struct image_source *source)
{
	if (amanda_dir_looks_like_it(source->path))
		return 0;
	return tape_fail(source->owner, EMEDIUMTYPE,
	    "%.100s: no tape files of Amanda's in it", source->path);
}

static int
amanda_open(const struct image_source *source, struct image **ret_image)
{
	struct amanda *v = calloc(1, sizeof(*v));
	int r;

	if (v == NULL)
		return tape_fail(source->owner, ENOMEM, "out of memory");
	image_init(&v->base, &amanda_format, source);
	r = amanda_dir_open(&v->dir, source->owner, source->path,
	    source->options);
	if (r < 0) {
		free(v);
		return r;
	}
	v->base.name = v->dir.name;
	v->block = source->options->block > 0 ? source->options->block : BLOCK;
	v->most = INT64_MAX;
	for (size_t i = 0; i < v->dir.n; i++)
		place_file(v, i);
	v->eod = end_of(v, v->dir.n).offset;
	*ret_image = &v->base;
	return 0;
}

static const char *const amanda_suffixes[] = { NULL };

const struct image_format amanda_format = {
	.name = "amanda",
	.about = "directory of Amanda, a file a tape file",
	.suffixes = amanda_suffixes,
	.max_record = TAPE_MAX_RECORD,
	.directory = true,
	.probe = amanda_probe,
	.open = amanda_open,
	.close = amanda_close,
	.describe = amanda_describe,
	.next = amanda_next,
	.prev = amanda_prev,
	.find = amanda_find,
	.resync = amanda_resync,
	.flaws = image_no_flaws,
	.read = amanda_read,
	.cost = amanda_cost,
	.protection = amanda_protection,
	.expect = amanda_expect,
	.reserve = amanda_reserve,
	.top = amanda_top,
	.sync = amanda_sync,
	.cut = amanda_cut,
	.put_record = amanda_put_record,
	.put_filemark = amanda_put_filemark,
	.set = image_no_set,
	.select = image_one_select,
	.partition = image_one_partition,
};
