/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file tape: position, motion, limits and early warning over an image of
 * any format.  Owns where the tape stands; the bytes are the format's.
 *
 * Positions are counted from BOT as the tape moves forward, never by walking
 * the image at load.  Three things are known of it at any time:
 *
 *     here    where the tape stands
 *     trail   places passed before; motions begin at the best of them
 *     eod     where data ends, once it has been seen (eod_known)
 *
 * Every place in the trail, and here, is before or at eod.  Whoever cuts the
 * image makes here eod and cuts the trail (end_here()).
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "image.h"
#include "limit.h"
#include "tape.h"
#include "trail.h"

/* Early warning for a full host, where warn= doesn't say: bytes. */
#define HOST_WARN TAPE_MAX_RECORD

struct file_tape {
	struct tape base;
	char *path;
	char *key;
	const struct image_format *format; /* NULL: by content */
	struct image_options options;
	struct limit asked; /* by the spec */

	struct image *image;	/* NULL: not loaded */
	struct image_info info; /* of the image, while loaded */
	struct limit limit;	/* what holds: the spec's, then the image's */
	struct trail *trail;	/* while loaded */
	uint32_t partition;
	struct place here, eod;
	bool eod_known;
};

static struct file_tape *
file_of(struct tape *t)
{
	return (struct file_tape *)t;
}

static void
stand_at(struct file_tape *f, struct place place)
{
	f->here = place;
	f->base.pos = (struct tape_pos){ .object = place.object,
		.file = place.file,
		.partition = f->partition,
		.known = true };
}

static int
need_medium(struct file_tape *f)
{
	if (f->image == NULL)
		return tape_fail(&f->base, ENOMEDIUM, "no tape loaded");
	return 0;
}

static int
need_writable(struct file_tape *f)
{
	const char *why;
	int r = need_medium(f);

	if (r < 0)
		return r;
	why = image_protection(f->image);
	if (why != NULL)
		return tape_fail(&f->base, EROFS, "%s: write protected: %s",
		    f->image->name, why);
	return 0;
}

/* Damage, in words that the image has found; the tape has not moved. */
static int
stuck(struct file_tape *f, int r)
{
	char what[sizeof(f->base.why)];

	if (r != -EBADMSG)
		return r;
	memcpy(what, f->base.why, sizeof(what));
	return tape_fail(&f->base, EIO,
	    "%.180s; the tape stands before it; what precedes can be copied",
	    what);
}

/*
 * One object on, if there is one.  Failure and IMAGE_NONE leave the tape where
 * it was.
 */
static int
step_forward(struct file_tape *f, struct image_object *ret_object)
{
	struct place next = f->here;
	int r = image_next(f->image, f->here.offset, ret_object);

	if (r < 0)
		return stuck(f, r);
	if (ret_object->kind == IMAGE_NONE) {
		f->eod = f->here;
		f->eod_known = true;
		return 0;
	}
	next.offset = ret_object->end;
	next.object++;
	next.file += ret_object->kind == IMAGE_FILEMARK;
	stand_at(f, next);
	trail_note(f->trail, &next);
	return 0;
}

/* One object back; failure and IMAGE_NONE as for step_forward(). */
static int
step_back(struct file_tape *f, struct image_object *ret_object)
{
	struct place prev = f->here;
	int r;

	if (prev.object == 0) {
		*ret_object = (struct image_object){ .kind = IMAGE_NONE };
		return 0;
	}
	r = image_prev(f->image, f->here.offset, ret_object);
	if (r < 0)
		return stuck(f, r);
	prev.offset = ret_object->at;
	prev.object--;
	if (ret_object->kind == IMAGE_FILEMARK)
		prev.file--;
	/* The bytes were other ones when the tape went forward over them. */
	if (ret_object->kind == IMAGE_NONE || prev.file > prev.object)
		return tape_fail(&f->base, EIO,
		    "%s: offset %" PRIu64 ": the image has changed while in "
		    "use; unload and load it to go on",
		    f->image->name, f->here.offset);
	stand_at(f, prev);
	return 0;
}

static int
step(struct file_tape *f, bool forward, struct image_object *ret_object)
{
	return forward ? step_forward(f, ret_object) : step_back(f, ret_object);
}

/*
 * The best known place that has at most so many objects and filemarks before
 * it: one that was passed, the end of data, or what the image's index has.
 */
static struct place
best_up_to(struct file_tape *f, uint64_t object, uint64_t file)
{
	struct place best = *trail_up_to(f->trail, object, file);
	struct place found;

	if (f->eod_known && f->eod.object <= object && f->eod.file <= file)
		return f->eod;
	if (image_find(f->image, true, object, file, &found) &&
	    found.object > best.object)
		best = found;
	return best;
}

/* Goes forward to that place, if it is ahead. */
static void
leap_forward(struct file_tape *f, uint64_t object, uint64_t file)
{
	struct place best = best_up_to(f, object, file);

	if (best.object > f->here.object)
		stand_at(f, best);
}

/* Goes back to the best known place that has at least so many before it. */
static void
leap_back(struct file_tape *f, uint64_t object, uint64_t file)
{
	const struct place *best = trail_from(f->trail, object, file);
	struct place found;

	if (image_find(f->image, false, object, file, &found) &&
	    (best == NULL || found.object < best->object))
		best = &found;
	if (best != NULL && best->object < f->here.object)
		stand_at(f, *best);
}

static void
to_bot(struct file_tape *f)
{
	stand_at(f, (struct place){ .offset = f->image->bot });
}

/* What is true of the selected partition as long as nothing is written. */
static int
get_to_know(struct file_tape *f)
{
	uint64_t zone, most;

	trail_free(f->trail);
	f->trail = trail_new(f->image->bot);
	if (f->trail == NULL)
		return tape_fail(&f->base, ENOMEM, "out of memory");
	f->eod_known = false;
	image_describe(f->image, &f->info);
	f->limit = f->asked;
	if (f->asked.capacity == 0) {
		f->limit.capacity = f->info.capacity;
		if (f->info.capacity != 0)
			f->limit.warn = f->info.warn;
	}
	if (f->limit.max_record > f->info.max_record)
		f->limit.max_record = f->info.max_record;
	if (f->limit.min_record < f->info.min_record)
		f->limit.min_record = f->info.min_record;
	if (f->limit.min_record > f->limit.max_record)
		return tape_fail(&f->base, EINVAL,
		    "%s: min=%" PRIu32 ", but the format %s takes records of "
		    "%" PRIu32 " bytes at most",
		    f->image->name, f->limit.min_record, f->image->format->name,
		    f->info.max_record);
	zone = f->limit.warn > 0 ? f->limit.warn : HOST_WARN;
	most = f->limit.capacity > 0 ? f->limit.capacity : INT64_MAX;
	image_expect(f->image, zone, most);
	return 0;
}

static void
let_go(struct file_tape *f)
{
	f->image = NULL;
	trail_free(f->trail);
	f->trail = NULL;
	f->partition = 0;
	f->base.pos = (struct tape_pos){ .known = false };
}

static int
load_image(struct file_tape *f)
{
	int r =
	    image_open(&f->base, f->path, f->format, &f->options, &f->image);
	char why[sizeof(f->base.why)];

	if (r < 0)
		return r;
	r = get_to_know(f);
	if (r == 0)
		return 0;
	memcpy(why, tape_why(&f->base), sizeof(why));
	(void)image_close(f->image); /* nothing was written */
	memcpy(f->base.why, why, sizeof(why));
	let_go(f);
	return r;
}

/* On a loaded tape, too, this stands in the first partition. */
static int
select_partition(struct file_tape *f, uint32_t partition)
{
	int r;

	if (partition == f->partition)
		return 0;
	r = image_select(f->image, partition);
	if (r < 0)
		return r;
	f->partition = partition;
	r = get_to_know(f);
	to_bot(f);
	return r;
}

static int
file_load(struct tape *t)
{
	struct file_tape *f = file_of(t);
	int r = f->image == NULL ? load_image(f) : select_partition(f, 0);

	if (r == 0)
		to_bot(f);
	return r;
}

static int
file_unload(struct tape *t)
{
	struct file_tape *f = file_of(t);
	int r;

	if (f->image == NULL)
		return 0;
	r = image_close(f->image);
	let_go(f);
	return r;
}

static int
file_read(struct tape *t, void *buf, size_t size, size_t *ret_len,
    enum tape_cond *ret_cond)
{
	struct file_tape *f = file_of(t);
	struct place before = f->here;
	struct image_object object;
	int r = need_medium(f);

	if (r == 0)
		r = step_forward(f, &object);
	if (r < 0)
		return r;
	if (object.kind != IMAGE_RECORD) {
		*ret_len = 0;
		*ret_cond =
		    object.kind == IMAGE_FILEMARK ? TAPE_FILEMARK : TAPE_EOD;
		return 0;
	}
	if (object.bad)
		return tape_fail(t, EIO,
		    "%s: offset %" PRIu64 ": recorded as bad by whoever made "
		    "the image; the tape stands after it",
		    f->image->name, object.at);
	r = image_read(f->image, &object, buf, size, ret_len);
	if (r < 0) {
		stand_at(f, before);
		return stuck(f, r);
	}
	*ret_cond = TAPE_NONE;
	return 0;
}

/* Here is the end of data now, because what followed was cut away. */
static void
end_here(struct file_tape *f)
{
	f->eod = f->here;
	f->eod_known = true;
	trail_cut(f->trail, f->here.object);
}

/*
 * Makes ready for an object that ends at ${end}: the limits allow it, nothing
 * follows, the disk has room.  A filemark goes ahead without that room: it may
 * use what is kept for marks.
 */
static int
make_room(struct file_tape *f, uint64_t end, bool filemark,
    enum tape_cond *ret_cond)
{
	uint64_t objects = f->here.object + 1;
	enum hostfile_room room;
	int r;

	if (limit_exceeded(&f->limit, end, objects)) {
		*ret_cond = TAPE_EOM;
		return tape_fail(&f->base, ENOSPC,
		    "%s: end of the medium: no room at offset %" PRIu64,
		    f->image->name, f->here.offset);
	}
	r = image_cut(f->image, f->here.offset);
	if (r < 0)
		return r;
	end_here(f);
	room = image_reserve(f->image, end);
	if (room == HOSTFILE_FULL && !filemark) {
		*ret_cond = TAPE_EOM;
		return tape_fail(&f->base, ENOSPC,
		    "%s: end of the medium: the disk of the host is full at "
		    "offset %" PRIu64,
		    f->image->name, f->here.offset);
	}
	*ret_cond = room == HOSTFILE_ROOM ? limit_cond(&f->limit, end, objects)
					  : TAPE_EARLY_WARNING;
	return 0;
}

/* Stands after what was just written, which is the end of data. */
static void
advance_to(struct file_tape *f, uint64_t end, bool filemark)
{
	struct place next = { .offset = end,
		.object = f->here.object + 1,
		.file = f->here.file + filemark };

	stand_at(f, next);
	trail_note(f->trail, &next);
	f->eod = next;
}

static int
file_write(struct tape *t, const void *buf, size_t len,
    enum tape_cond *ret_cond)
{
	struct file_tape *f = file_of(t);
	uint64_t end;
	int r = need_writable(f);

	if (r < 0)
		return r;
	if (len < f->limit.min_record || len > f->limit.max_record)
		return tape_fail(t, EINVAL,
		    "%s: a record of %zu bytes; this tape (format %s) takes "
		    "%" PRIu32 " to %" PRIu32,
		    f->image->name, len, f->image->format->name,
		    f->limit.min_record, f->limit.max_record);
	end = f->here.offset + image_cost(f->image, len);
	r = make_room(f, end, false, ret_cond);
	if (r < 0)
		return r;
	r = image_put_record(f->image, f->here.offset, buf, len, &end);
	if (r == -ENOSPC)
		*ret_cond = TAPE_EOM;
	if (r == 0)
		advance_to(f, end, false);
	return r;
}

static int
write_one_filemark(struct file_tape *f, enum tape_cond *ret_cond)
{
	uint64_t end = f->here.offset + image_cost(f->image, 0);
	int r = make_room(f, end, true, ret_cond);

	if (r == 0)
		r = image_put_filemark(f->image, f->here.offset, &end);
	if (r == -ENOSPC)
		*ret_cond = TAPE_EOM;
	if (r == 0)
		advance_to(f, end, true);
	return r;
}

static int
file_write_filemarks(struct tape *t, uint32_t count, bool immediate,
    uint32_t *ret_done, enum tape_cond *ret_cond)
{
	struct file_tape *f = file_of(t);
	int r = count > 0 ? need_writable(f) : need_medium(f);

	*ret_done = 0;
	*ret_cond = TAPE_NONE;
	if (r < 0)
		return r;
	while (r == 0 && *ret_done < count) {
		r = write_one_filemark(f, ret_cond);
		if (r == 0)
			++*ret_done;
	}
	/* At the end of the medium, too: those that fit are to be durable. */
	if ((!immediate || count == 0) && (r == 0 || r == -ENOSPC)) {
		int synced = image_sync(f->image);

		if (synced < 0) {
			*ret_cond = TAPE_NONE;
			return synced;
		}
	}
	return r;
}

/*
 * Leaps as far as can be without passing over what the caller must see: the
 * ${want}th filemark, or for records the next filemark.
 */
static void
leap_units(struct file_tape *f, enum tape_unit unit, bool forward,
    uint64_t want)
{
	struct place at = f->here;

	if (unit == TAPE_RECORDS && forward)
		leap_forward(f, at.object + want, at.file);
	else if (unit == TAPE_RECORDS)
		leap_back(f, at.object > want ? at.object - want : 0, at.file);
	else if (forward)
		leap_forward(f, UINT64_MAX, at.file + want - 1);
	else
		leap_back(f, 0, at.file >= want ? at.file - want + 1 : 0);
}

static int
space_units(struct file_tape *f, enum tape_unit unit, bool forward,
    uint64_t want, uint64_t *ret_done, enum tape_cond *ret_cond)
{
	struct image_object object;
	uint64_t before = unit == TAPE_RECORDS ? f->here.object : f->here.file;
	uint64_t after;
	int r;

	leap_units(f, unit, forward, want);
	after = unit == TAPE_RECORDS ? f->here.object : f->here.file;
	*ret_done = forward ? after - before : before - after;
	while (*ret_done < want) {
		r = step(f, forward, &object);
		if (r < 0)
			return r;
		if (object.kind == IMAGE_NONE) {
			*ret_cond = forward ? TAPE_EOD : TAPE_BOT;
			break;
		}
		if (object.kind == IMAGE_FILEMARK && unit == TAPE_RECORDS) {
			*ret_cond = TAPE_FILEMARK;
			break;
		}
		*ret_done +=
		    unit == TAPE_RECORDS || object.kind == IMAGE_FILEMARK;
	}
	if (!forward && f->here.object == 0)
		to_bot(f); /* a gap at BOT is behind us as well */
	return 0;
}

static int
space_to_eod(struct file_tape *f, uint64_t *ret_done)
{
	uint64_t before = f->here.file;
	struct image_object object;
	int r;

	leap_forward(f, UINT64_MAX, UINT64_MAX);
	do {
		r = step_forward(f, &object);
	} while (r == 0 && object.kind != IMAGE_NONE);
	*ret_done = f->here.file - before;
	return r;
}

static int
file_space(struct tape *t, enum tape_unit unit, int64_t count,
    uint64_t *ret_done, enum tape_cond *ret_cond)
{
	struct file_tape *f = file_of(t);
	uint64_t want = count < 0 ? -(uint64_t)count : (uint64_t)count;
	int r = need_medium(f);

	*ret_done = 0;
	*ret_cond = TAPE_NONE;
	if (r < 0)
		return r;
	if (unit == TAPE_TO_EOD)
		return space_to_eod(f, ret_done);
	if (want == 0)
		return 0;
	return space_units(f, unit, count > 0, want, ret_done, ret_cond);
}

/* Walks to an object, from the nearest place that is known. */
static int
walk_to(struct file_tape *f, uint64_t object, enum tape_cond *ret_cond)
{
	struct image_object passed;
	struct place below;
	int r = 0;

	if (object < f->here.object) {
		below = best_up_to(f, object, UINT64_MAX);
		leap_back(f, object, 0);
		if (object - below.object < f->here.object - object)
			stand_at(f, below);
	} else {
		leap_forward(f, object, UINT64_MAX);
	}
	*ret_cond = TAPE_NONE;
	while (r == 0 && f->here.object != object) {
		r = step(f, f->here.object < object, &passed);
		if (r == 0 && passed.kind == IMAGE_NONE) {
			*ret_cond = TAPE_EOD;
			break;
		}
	}
	return r;
}

static int
file_locate(struct tape *t, uint32_t partition, uint64_t object,
    enum tape_cond *ret_cond)
{
	struct file_tape *f = file_of(t);
	int r = need_medium(f);

	if (r < 0)
		return r;
	if (partition >= f->info.partitions)
		return tape_fail(t, EINVAL,
		    "%s: no partition %" PRIu32 "; there are %" PRIu32,
		    f->image->name, partition, f->info.partitions);
	r = select_partition(f, partition);
	if (r < 0)
		return r;
	if (object == 0) {
		to_bot(f);
		*ret_cond = TAPE_NONE;
		return 0;
	}
	return walk_to(f, object, ret_cond);
}

static int
file_rewind(struct tape *t)
{
	int r = need_medium(file_of(t));

	if (r == 0)
		to_bot(file_of(t));
	return r;
}

/* Cutting gives the space back in either case. */
static int
file_erase(struct tape *t, bool whole)
{
	struct file_tape *f = file_of(t);
	int r = need_writable(f);

	(void)whole; /* see above */
	if (r == 0)
		r = image_cut(f->image, f->here.offset);
	if (r < 0)
		return r;
	end_here(f);
	return image_sync(f->image);
}

/* Whether a record of ${len} bytes would be taken here. */
static bool
fits(const struct file_tape *f, uint64_t top, uint32_t len)
{
	uint64_t end = f->here.offset + image_cost(f->image, len);

	return end <= top &&
	    !limit_exceeded(&f->limit, end, f->here.object + 1);
}

/* The largest record that fits: what it costs grows with its length. */
static uint32_t
room_here(struct file_tape *f)
{
	uint64_t top = image_top(f->image);
	uint32_t low = 0, high = f->limit.max_record;

	if (fits(f, top, high))
		return high;
	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (fits(f, top, mid))
			low = mid;
		else
			high = mid;
	}
	return low;
}

static void
file_describe(struct tape *t, struct tape_info *ret_info)
{
	struct file_tape *f = file_of(t);

	limit_describe(f->image != NULL ? &f->limit : &f->asked, ret_info);
	ret_info->loaded = f->image != NULL;
	if (f->image == NULL)
		return;
	ret_info->partitions = f->info.partitions;
	ret_info->max_partitions = f->info.max_partitions;
	ret_info->can_compress = f->info.can_compress;
	ret_info->used = f->here.offset - f->image->bot;
	ret_info->room = room_here(f);
	ret_info->write_protected = image_protection(f->image) != NULL;
	(void)snprintf(ret_info->medium, sizeof(ret_info->medium), "%s",
	    f->info.medium); /* both have the same size */
}

static int
file_set(struct tape *t, enum tape_param param, uint32_t value)
{
	struct file_tape *f = file_of(t);
	int r = need_medium(f);

	return r < 0 ? r : image_set(f->image, param, value);
}

static int
file_format(struct tape *t, uint32_t partitions, uint64_t size)
{
	struct file_tape *f = file_of(t);
	int r = need_writable(f);

	if (r < 0)
		return r;
	if (f->info.max_partitions == 1)
		return tape_fail(t, EOPNOTSUPP,
		    "%s: the format %s has no partitions", f->image->name,
		    f->image->format->name);
	if (partitions < 1 || partitions > f->info.max_partitions)
		return tape_fail(t, EINVAL,
		    "%s: %" PRIu32 " partitions; there can be 1 to %" PRIu32,
		    f->image->name, partitions, f->info.max_partitions);
	r = image_partition(f->image, partitions, size);
	if (r < 0)
		return r;
	f->partition = 0;
	r = get_to_know(f);
	to_bot(f);
	return r;
}

static void
file_free(struct tape *t)
{
	struct file_tape *f = file_of(t);

	trail_free(f->trail);
	free(f->path);
	free(f->key);
	free(f);
}

static const struct tape_ops file_ops = {
	.name = "file",
	.load = file_load,
	.unload = file_unload,
	.describe = file_describe,
	.set = file_set,
	.read = file_read,
	.write = file_write,
	.write_filemarks = file_write_filemarks,
	.space = file_space,
	.locate = file_locate,
	.rewind = file_rewind,
	.erase = file_erase,
	.tell = tape_tell_known,
	.format = file_format,
	.free = file_free,
};

static int
format_from_spec(const struct spec *spec,
    const struct image_format **ret_format, struct spec_error *e)
{
	const char *name = spec_text(spec, "format", NULL);
	char known[256];

	if (name == NULL)
		return 0;
	*ret_format = image_format_named(name);
	if (*ret_format != NULL)
		return 0;
	image_format_names(known, sizeof(known));
	return spec_fail(e, EINVAL, "file: no format \"%s\"; there are %s",
	    name, known);
}

static const struct {
	const char *name;
	enum image_compress compress;
} compressions[] = {
	{ "no", IMAGE_COMPRESS_NO },
	{ "zlib", IMAGE_COMPRESS_ZLIB },
	{ "bzip2", IMAGE_COMPRESS_BZIP2 },
	{ "zstd", IMAGE_COMPRESS_ZSTD },
};

static int
compress_from_spec(const struct spec *spec, enum image_compress *ret_compress,
    struct spec_error *e)
{
	const char *name = spec_text(spec, "compress", NULL);

	if (name == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(compressions) / sizeof(compressions[0]);
	     i++)
		if (strcmp(compressions[i].name, name) == 0) {
			*ret_compress = compressions[i].compress;
			return 0;
		}
	return spec_fail(e, EINVAL,
	    "file: compress=%s; there are no, zlib, bzip2 and zstd", name);
}

/* What the image is to be told; its strings are the tape's. */
static int
options_from_spec(struct file_tape *f, const struct spec *spec,
    struct spec_error *e)
{
	const char *key = spec_text(spec, "key", NULL);

	f->options = (struct image_options){
		.readonly = spec_bool(spec, "readonly", false),
		.create = spec_bool(spec, "create", true),
		.raw = spec_bool(spec, "raw", false),
		.level = (int)spec_number(spec, "level", 0),
		.block = (uint32_t)spec_number(spec, "block", 0),
		.capacity = f->asked.capacity,
		.warn = f->asked.warn,
	};
	f->path = strdup(spec->arg);
	f->key = key == NULL ? NULL : strdup(key);
	if (f->path == NULL || (key != NULL && f->key == NULL))
		return spec_fail(e, ENOMEM, "file: out of memory");
	f->options.key = f->key;
	return compress_from_spec(spec, &f->options.compress, e);
}

static int
file_open(const struct spec *spec, struct tape **ret_tape, struct spec_error *e)
{
	struct file_tape *f = calloc(1, sizeof(*f));
	int r;

	if (f == NULL)
		return spec_fail(e, ENOMEM, "file: out of memory");
	tape_init(&f->base, &file_ops);
	r = format_from_spec(spec, &f->format, e);
	if (r == 0)
		r = limit_from_spec(&f->asked, spec, e);
	if (r == 0)
		r = options_from_spec(f, spec, e);
	if (r < 0) {
		file_free(&f->base);
		return r;
	}
	*ret_tape = &f->base;
	return 0;
}

static const struct spec_key file_own_keys[] = {
	{ "format", SPEC_TEXT, 0, 0 },
	{ "readonly", SPEC_BOOL, 0, 0 },
	{ "create", SPEC_BOOL, 0, 0 },
	{ "compress", SPEC_TEXT, 0, 0 },
	{ "level", SPEC_NUMBER, 1, 22 },
	{ "key", SPEC_TEXT, 0, 0 },
	{ "block", SPEC_SIZE, 1, TAPE_MAX_RECORD },
	{ "raw", SPEC_BOOL, 0, 0 },
	{ NULL, SPEC_TEXT, 0, 0 },
};

static const struct spec_key *const file_keys[] = { file_own_keys, limit_keys,
	NULL };

const struct tape_type file_tape_type = {
	.name = "file",
	.arg_help = "IMAGE",
	.arg_required = true,
	.keys = file_keys,
	.open = file_open,
};
