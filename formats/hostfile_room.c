/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disk space for a host file, reserved ahead of its end
 *
 *     0 ............ size ............... reserved
 *     | the image    | blocks that are ours already, past the end of the file
 *                    | (FALLOC_FL_KEEP_SIZE), so that a full disk is learnt of
 *                    | before it hurts:
 *                    |
 *                    |<---- zone ---->|   all of it reserved: ROOM
 *                    |<- some ->|         the disk has no more: NEARLY
 *                          |mark|         records stop here: FULL; marks don't
 *
 * Some file systems have no fallocate(), and on those that never write a block
 * in place what it reserves is of no use.  There the free space that statfs()
 * tells counts as reserved, for the next STEP_UNSURE bytes.  Others may use it
 * up meanwhile, which shows as FULL with no NEARLY before it; so more is left
 * for marks.  (A mark made with hostfile_extend() is a hole and takes no block
 * at all, but the file system may want one to note it.)
 *
 * The reservation outlives a kill: the blocks stay with the file, past its end,
 * until a tape that has written to it is unloaded.
 */
#include <errno.h>
#include <linux/magic.h>
#include <sys/resource.h>

#include "hostfile.h"
#include "hostfile_state.h"

/* Few records should pay for a fallocate() call: bytes asked for at once. */
#define STEP_FIRST ((uint64_t)1 << 20)
#define STEP_MAX ((uint64_t)64 << 20)
#define STEP_UNSURE ((uint64_t)1 << 20) /* where nothing is really reserved */

#define GRAIN 4096     /* less than this is not worth asking for */
#define MARK_ROOM 4096 /* bytes that records leave to marks */
#define MARK_ROOM_UNSURE ((uint64_t)1 << 20)
#define ZONE_SHARE 16 /* of a small disk, the zone is this part at most */

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What the file system says of itself: endless, if it says nothing. */
static struct statfs
look_at_disk(const struct hostfile *h)
{
	struct statfs fs;

	if (hostfile_sys->fstatfs(h->fd, &fs) < 0)
		fs = (struct statfs){ .f_bavail = INT64_MAX, .f_frsize = 1 };
	return fs;
}

static uint64_t
free_space(const struct hostfile *h)
{
	struct statfs fs = look_at_disk(h);

	return (uint64_t)fs.f_bavail * (uint64_t)fs.f_frsize;
}

/*
 * Whether statfs() tells of so much free space.  It may not know yet of what
 * was written lately, nor of what was freed; when that matters it is told.
 */
static bool
disk_has(struct hostfile *h, uint64_t bytes)
{
	if (h->unsettled > 0 && free_space(h) < bytes + h->unsettled) {
		/* It is for the count; what can't be synced shows later. */
		(void)hostfile_sys->syncfs(h->fd);
		h->unsettled = 0;
	}
	return free_space(h) >= bytes + h->unsettled;
}

void
hostfile_expect(struct hostfile *h, uint64_t zone, uint64_t most)
{
	/* It copies on write: the block that an append begins in moves. */
	h->unsure = look_at_disk(h).f_type == BTRFS_SUPER_MAGIC;
	h->unsettled = 1; /* somebody may have freed space just now */
	zone = least(zone, INT64_MAX / ZONE_SHARE);
	if (h->unsure)
		(void)disk_has(h, zone * ZONE_SHARE); /* settles the count */
	h->zone = least(zone, (h->size + free_space(h)) / ZONE_SHARE);
	if (h->zone < GRAIN)
		h->zone = GRAIN;
	h->most = least(most, INT64_MAX);
	h->step = STEP_FIRST / 2;
}

static uint64_t
mark_room(const struct hostfile *h)
{
	return h->unsure ? MARK_ROOM_UNSURE : MARK_ROOM;
}

/* The largest file that this process may make, bytes. */
static uint64_t
size_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) < 0 ||
	    limit.rlim_cur == RLIM_INFINITY)
		return INT64_MAX;
	return limit.rlim_cur;
}

/* Whether the blocks up to ${end} are, or count as, ours now. */
static bool
reserve_up_to(struct hostfile *h, uint64_t end)
{
	int r = -1;

	while (!h->unsure && r < 0) {
		r = hostfile_sys->fallocate(h->fd, FALLOC_FL_KEEP_SIZE,
		    (off_t)h->reserved, (off_t)(end - h->reserved));
		if (r < 0 && (errno == EOPNOTSUPP || errno == ENOSYS))
			h->unsure = true;
		else if (r < 0 && errno != EINTR)
			return false;
	}
	if (r < 0 && !disk_has(h, end - h->size))
		return false;
	h->reserved = end;
	return true;
}

/*
 * Reserves up to ${goal}, and a step more so that the next records need not
 * ask.  The step is as large as the disk gave last time, or twice that.
 */
static bool
reserve_ahead(struct hostfile *h, uint64_t goal, uint64_t limit)
{
	uint64_t most = h->unsure ? STEP_UNSURE : least(h->size, STEP_MAX);

	h->step = least(2 * h->step, most > STEP_FIRST ? most : STEP_FIRST);
	for (; h->step >= GRAIN; h->step /= 2) {
		uint64_t end = least(goal + h->step, limit);

		if (end < goal)
			return false;
		if (reserve_up_to(h, end))
			return true;
	}
	h->step = GRAIN;
	return false;
}

/* Reserves up to ${goal} or, which is false, as much as there is. */
static bool
reserve_more(struct hostfile *h, uint64_t goal)
{
	uint64_t limit = least(h->most + mark_room(h), size_limit());
	uint64_t end = least(goal, limit);
	uint64_t part;

	h->ahead = true; /* even a call that fails may have got some */
	if (reserve_ahead(h, goal, limit))
		return true;
	part = end > h->reserved ? end - h->reserved : 0;
	for (; part >= GRAIN; part /= 2)
		if (end - h->reserved >= part)
			(void)reserve_up_to(h, h->reserved + part); /* if so */
	return h->reserved >= goal;
}

enum hostfile_room
hostfile_reserve(struct hostfile *h, uint64_t end)
{
	uint64_t need = end + mark_room(h);
	uint64_t goal = least(need + h->zone, h->most + mark_room(h));

	if (goal < need)
		goal = need;
	/* While the disk is full, don't ask again for what it has refused. */
	if (h->reserved < goal && (!h->tight || h->reserved < need))
		h->tight = !reserve_more(h, goal);
	if (h->reserved < need)
		return HOSTFILE_FULL;
	return h->reserved < goal ? HOSTFILE_NEARLY : HOSTFILE_ROOM;
}

uint64_t
hostfile_top(struct hostfile *h)
{
	/* Somebody may have made room since the disk was found full. */
	if (h->tight)
		h->tight = !reserve_more(h,
		    least(h->reserved + h->zone, h->most + mark_room(h)));
	if (!h->tight)
		return UINT64_MAX;
	return h->reserved > mark_room(h) ? h->reserved - mark_room(h) : 0;
}
