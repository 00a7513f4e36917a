/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The native format, pmt: an append-only log of objects behind two superblocks,
 * in one host file a partition.  This file is the format as image.h wants it:
 * partitions, options, parameters.  native_disk.c has the bytes, native_log.c
 * recovery and walking, native_append.c the writes, native_index.c the index,
 * native_codec.c the payload.
 *
 * What must hold whenever the process is killed, and whatever subset of the
 * sectors that were not synced yet a power cut loses:
 *
 *  1. A record or filemark is one append of header, payload and padding.  The
 *     header has a CRC of its own and one of the payload, so that an object
 *     that is there in part is not there.
 *  2. A superblock calls durable (checkpoint, limit) only what a sync has
 *     covered before the superblock was written.
 *  3. Between two writes of superblocks there is a sync, and they take turns
 *     with the slots: at most one of the slots is not durable at any time, the
 *     other one is whole, and it is the newest but one.
 *  4. An epoch begins at a limit, with a superblock that is durable before the
 *     log is cut there and before an object of that epoch is written.  So every
 *     object from the limit on is of the superblock's epoch or is stale.
 *  5. Objects are chained: each has the CRC of the header before it, a number
 *     one greater, and a greater wseq, which is never used twice in an epoch.
 *  6. The first object after a sync says so (flag "synced"), if that sync has
 *     made all before it durable.
 *  7. When the first object of an epoch is written both slots know the epoch.
 *
 * Recovery takes the newest valid superblock and goes forward from its
 * checkpoint over objects that are valid in header and payload, of its epoch,
 * and chained.  Where that ends, at E:
 *
 *     a later object has the flag "synced",    E was durable, by 6: damage,
 *     or there is one of a greater epoch       which is told when the walk gets
 *                                              there, and is never EOD
 *     anything else, or nothing                data ends at E
 *
 * Nothing that was synced is lost so: if the last checkpoint is there, what was
 * synced lies below it, where nothing is ever taken for the end; if it was lost
 * itself, by 3 the one before is there, what was synced since is whole, and the
 * walk passes over it.  Nothing torn is kept, by 1.  Nothing stale comes back:
 * before the limit there is none, by 2 and 4; from the limit on a stale object
 * has a smaller epoch.  That a truncation was lost shows in nothing but this.
 * What was not synced may be cut at any object, as if it had been absent.
 * After a kill nothing is lost at all: the page cache has it whole.
 *
 * Damage is found below the checkpoint always.  Above it, which is the case
 * only if the host died before the tape was unloaded and has not been written
 * since, it is found up to the last object that has the flag.  Unloading leaves
 * the checkpoint at EOD.
 *
 * Order of writes
 *
 *     first load   two superblocks in one append; sync
 *     record       [index object,] header, payload, padding in one append
 *     filemark     header
 *     sync         fdatasync; superblock with checkpoint = EOD, not synced: if
 *                  it is lost the one before does as well
 *     first write  fdatasync; superblock with epoch + 1, limit and checkpoint =
 *     of a session here; fdatasync; the same in the other slot, not synced;
 *     or a write   truncation to here, if anything follows; then the record
 *     before EOD
 *     unload       index object, if it is worth it; as sync; fdatasync
 *
 * Killed between the superblock of a new epoch and the truncation, the tape
 * ends at the limit: what follows is of an older epoch.
 *
 * A file of up to 8192 bytes without a valid superblock is blank if all of them
 * are 0, or if they are fewer than 512 and begin as a superblock does: that is
 * what may be left of the first load.  Loading changes nothing otherwise, and
 * readers never do: a torn tail stays until the first write cuts it away.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "native.h"
#include "native_log.h"

struct native_image {
	struct image base;
	struct native_codec *codec;
	struct native_log logs[TAPE_MAX_PARTITIONS];
	unsigned n_logs;
	unsigned selected;
};

static int
system_random(void *buf, size_t len)
{
	return getrandom(buf, len, 0) == (ssize_t)len ? 0 : -EIO;
}

static int64_t
system_now(void)
{
	return (int64_t)time(NULL);
}

static const struct native_world system_world = { system_random, system_now };
static const struct native_world *world = &system_world;

void
native_set_world(const struct native_world *other)
{
	world = other == NULL ? &system_world : other;
}

static struct native_image *
native_of(struct image *image)
{
	return (struct native_image *)image;
}

static struct native_log *
log_of(const struct image *image)
{
	struct native_image *n = (struct native_image *)(uintptr_t)image;

	return &n->logs[n->selected];
}

/* ---- Opening ------------------------------------------------------------ */

/* What a new image is to be like; its log is made of it. */
static int
invent(struct native_image *n, const struct image_options *options)
{
	struct native_super *super = &n->logs[0].super;

	*super = (struct native_super){
		.partitions = 1,
		.capacity = options->capacity,
		.volume = options->capacity,
		.warn = options->capacity > 0 ? options->warn : 0,
		.created = world->now(),
		.compression = options->compress == IMAGE_COMPRESS_ZSTD
		    ? NATIVE_ZSTD
		    : NATIVE_PLAIN,
	};
	if (world->random(super->uuid, sizeof(super->uuid)) < 0 ||
	    world->random(super->generation, sizeof(super->generation)) < 0 ||
	    world->random(&super->salt, sizeof(super->salt)) < 0)
		return tape_fail(n->base.owner, EIO, "no random bytes");
	return 0;
}

static int
make_image(struct native_image *n, const struct image_options *options)
{
	int r = invent(n, options);

	if (r == 0)
		r = native_log_make(&n->logs[0]);
	return r;
}

/* A blank tape that can't be written, nor made an image of. */
static void
pretend_blank(struct native_log *log)
{
	log->blank = true;
	log->super.partitions = 1;
	log->end.offset = log->tail = NATIVE_START;
}

static int
open_first(struct native_image *n, const struct image_options *options)
{
	struct native_log *log = &n->logs[0];
	bool blank = hostfile_size(log->host) == 0;
	int r = 0;

	if (!blank)
		r = native_log_read_super(log, NULL, &blank);
	if (blank && hostfile_protection(log->host) != NULL) {
		pretend_blank(log);
		return 0;
	}
	if (blank)
		return make_image(n, options);
	return r < 0 ? r : native_log_open(log, NULL);
}

static void
init_log(struct native_image *n, unsigned i, struct hostfile *host)
{
	n->logs[i].image = &n->base;
	n->logs[i].host = host;
	n->logs[i].codec = n->codec;
}

static int
native_open(const struct image_source *source, struct image **ret_image)
{
	struct native_image *n = calloc(1, sizeof(*n));
	int r;

	if (n == NULL)
		return tape_fail(source->owner, ENOMEM, "out of memory");
	image_init(&n->base, &native_format, source);
	n->codec = native_codec_new(source->owner, n->base.name);
	n->n_logs = 1;
	init_log(n, 0, source->host);
	r = n->codec == NULL ? tape_fail(source->owner, ENOMEM, "out of memory")
			     : open_first(n, source->options);
	if (r < 0) {
		native_codec_free(n->codec);
		free(n);
		return r;
	}
	*ret_image = &n->base;
	return 0;
}

static int
native_close(struct image *image)
{
	struct native_image *n = native_of(image);
	int r = 0, s;

	for (unsigned i = 0; i < n->n_logs; i++) {
		s = native_append_finish(&n->logs[i]);
		if (s < 0)
			r = s;
		s = hostfile_close(n->logs[i].host);
		if (s < 0)
			r = s;
	}
	native_codec_free(n->codec);
	free(n);
	return r;
}

static bool
has_suffix(const char *path)
{
	size_t n = strlen(path);

	return n >= 4 && strcasecmp(path + n - 4, ".pmt") == 0;
}

/*
 * Whether it is one: a valid superblock says so.  What a crash has left of the
 * first load can be a blank tape of other formats, too; there the name decides.
 */
static int
native_probe(const struct image_source *source)
{
	struct native_image n = { .n_logs = 1 };
	bool blank;
	int r;

	image_init(&n.base, &native_format, source);
	init_log(&n, 0, source->host);
	r = native_log_read_super(&n.logs[0], NULL, &blank);
	return blank && has_suffix(source->path) ? 0 : r;
}

static void
native_describe(struct image *image, struct image_info *info)
{
	const struct native_super *super = &log_of(image)->super;

	info->capacity = super->capacity;
	info->warn = super->warn;
	info->partitions = super->partitions;
	info->can_compress = false;
	info->encrypted = super->cipher != NATIVE_CLEAR;
	if (super->label[0] != '\0')
		(void)snprintf(info->medium, sizeof(info->medium), "%s",
		    super->label); /* cut is fine */
}

/* ---- Offsets: from BOT outside, in the file inside ---------------------- */

static void
outside(struct image_object *object)
{
	object->at -= NATIVE_START;
	object->end -= NATIVE_START;
}

static int
native_next(struct image *image, uint64_t at, struct image_object *ret_object)
{
	int r = native_log_next(log_of(image), at + NATIVE_START, ret_object);

	if (r == 0)
		outside(ret_object);
	return r;
}

static int
native_prev(struct image *image, uint64_t at, struct image_object *ret_object)
{
	int r = native_log_prev(log_of(image), at + NATIVE_START, ret_object);

	if (r == 0)
		outside(ret_object);
	return r;
}

static bool
native_find(struct image *image, bool forward, uint64_t object, uint64_t file,
    struct place *ret_place)
{
	struct native_point key = { .offset = forward ? UINT64_MAX : 0,
		.object = object,
		.files = file };
	struct native_point found;

	if (forward ? !native_index_up_to(log_of(image), &key, &found)
		    : !native_index_from(log_of(image), &key, &found))
		return false;
	*ret_place = (struct place){ .offset = found.offset - NATIVE_START,
		.object = found.object,
		.file = found.files };
	return true;
}

static int
native_resync(struct image *image, uint64_t at, uint64_t *ret_at)
{
	int r = native_log_resync(log_of(image), at + NATIVE_START, ret_at);

	if (r == 0)
		*ret_at -= NATIVE_START;
	return r;
}

static int
native_read(struct image *image, const struct image_object *object, void *buf,
    size_t size, size_t *ret_len)
{
	struct image_object inside = *object;

	inside.at += NATIVE_START;
	inside.end += NATIVE_START;
	return native_log_read(log_of(image), &inside, buf, size, ret_len);
}

static uint64_t
native_cost(const struct image *image, size_t len)
{
	return native_append_cost(log_of(image), len);
}

static const char *
native_protection(const struct image *image)
{
	return hostfile_protection(log_of(image)->host);
}

static void
native_expect(struct image *image, uint64_t zone, uint64_t most)
{
	if (most < INT64_MAX - NATIVE_START)
		most += NATIVE_START;
	hostfile_expect(log_of(image)->host, zone, most);
}

static enum hostfile_room
native_reserve(struct image *image, uint64_t end)
{
	return hostfile_reserve(log_of(image)->host, end + NATIVE_START);
}

static uint64_t
native_top(struct image *image)
{
	uint64_t top = hostfile_top(log_of(image)->host);

	if (top == UINT64_MAX)
		return top;
	return top > NATIVE_START ? top - NATIVE_START : 0;
}

static int
native_sync(struct image *image)
{
	return native_append_sync(log_of(image));
}

static int
native_cut(struct image *image, uint64_t at)
{
	return native_append_cut(log_of(image), at + NATIVE_START);
}

static int
native_put_record(struct image *image, uint64_t at, const void *buf, size_t len,
    uint64_t *ret_end)
{
	struct native_log *log = log_of(image);
	int r;

	assert(at + NATIVE_START >= log->tail &&
	    at + NATIVE_START <= log->end.offset);
	r = native_append_record(log, buf, len, ret_end);
	if (r == 0)
		*ret_end -= NATIVE_START;
	return r;
}

static int
native_put_filemark(struct image *image, uint64_t at, uint64_t *ret_end)
{
	struct native_log *log = log_of(image);
	int r;

	assert(at + NATIVE_START >= log->tail &&
	    at + NATIVE_START <= log->end.offset);
	r = native_append_filemark(log, ret_end);
	if (r == 0)
		*ret_end -= NATIVE_START;
	return r;
}

static const char *const native_suffixes[] = { ".pmt", NULL };

const struct image_format native_format = {
	.name = "pmt",
	.about = "native format: checksums, index, compression, encryption",
	.suffixes = native_suffixes,
	.max_record = TAPE_MAX_RECORD,
	.probe = native_probe,
	.open = native_open,
	.close = native_close,
	.describe = native_describe,
	.next = native_next,
	.prev = native_prev,
	.find = native_find,
	.resync = native_resync,
	.read = native_read,
	.cost = native_cost,
	.protection = native_protection,
	.expect = native_expect,
	.reserve = native_reserve,
	.top = native_top,
	.sync = native_sync,
	.cut = native_cut,
	.put_record = native_put_record,
	.put_filemark = native_put_filemark,
	.set = image_no_set,
	.select = image_one_select,
	.partition = image_one_partition,
};
