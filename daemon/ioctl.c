/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ioctls of a tape node, as bytes; see ioctl.h.  The layouts are those of
 * mtio.h for the machine's own programs and for 32-bit ones on a 64-bit
 * machine, which st serves too.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "drive.h"
#include "ioctl.h"

/* What a 32-bit program sees; all its longs are 32 bits. */
struct mtget_32 {
	int32_t type, resid, dsreg, gstat, erreg, fileno, blkno;
};
_Static_assert(sizeof(struct mtget_32) == 28, "the ABI of MTIOCGET32");
_Static_assert(sizeof(struct mtop) == 8, "the ABI of MTIOCTOP");
_Static_assert(sizeof(struct mtget) <= IOCTL_MAX_ARG, "room for MTIOCGET");

#define MTIOCGET_32 _IOR('m', 2, struct mtget_32)
#define MTIOCPOS_32 _IOR('m', 3, int32_t)

#define CAP_SYS_ADMIN_BIT 21

/* Whether a thread has CAP_SYS_ADMIN in effect; false if it can't be told. */
static bool
has_cap_admin(pid_t tid)
{
	char path[64], line[128];
	unsigned long long caps = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%ld/status", (long)tid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	(void)fclose(f); /* only read from */
	return (caps >> CAP_SYS_ADMIN_BIT & 1) != 0;
}

static bool
is_admin(const struct ioctl_caller *who)
{
	return who->tid > 0 ? has_cap_admin(who->tid) : who->uid == 0;
}

static int
call_op(struct drive *d, const struct ioctl_caller *who, const void *in,
    void *out)
{
	struct mtop op;

	(void)out; /* it has none */
	memcpy(&op, in, sizeof(op));
	return drive_mtop(d, &op,
	    op.mt_op == MTSETDRVBUFFER && is_admin(who));
}

static int
call_get(struct drive *d, const struct ioctl_caller *who, const void *in,
    void *out)
{
	struct mtget s;
	int r = drive_get(d, &s);

	(void)who; /* anybody may ask */
	(void)in;
	if (r == 0)
		memcpy(out, &s, sizeof(s));
	return r;
}

static int
call_get_32(struct drive *d, const struct ioctl_caller *who, const void *in,
    void *out)
{
	struct mtget_32 n;
	struct mtget s;
	int r = drive_get(d, &s);

	(void)who; /* anybody may ask */
	(void)in;
	if (r < 0)
		return r;
	n = (struct mtget_32){ (int32_t)s.mt_type, (int32_t)s.mt_resid,
		(int32_t)s.mt_dsreg, (int32_t)s.mt_gstat, (int32_t)s.mt_erreg,
		s.mt_fileno, s.mt_blkno };
	memcpy(out, &n, sizeof(n));
	return 0;
}

static int
call_pos(struct drive *d, const struct ioctl_caller *who, const void *in,
    void *out)
{
	struct mtpos pos;
	int r = drive_pos(d, &pos);

	(void)who; /* anybody may ask */
	(void)in;
	if (r == 0)
		memcpy(out, &pos, sizeof(pos));
	return r;
}

static int
call_pos_32(struct drive *d, const struct ioctl_caller *who, const void *in,
    void *out)
{
	struct mtpos pos;
	int r = drive_pos(d, &pos);
	int32_t n;

	(void)who; /* anybody may ask */
	(void)in;
	if (r < 0)
		return r;
	n = (int32_t)pos.mt_blkno;
	memcpy(out, &n, sizeof(n));
	return 0;
}

struct entry {
	uint32_t cmd;
	size_t in, out; /* bytes */
	int (*call)(struct drive *d, const struct ioctl_caller *who,
	    const void *in, void *out);
};

static const struct entry entries[] = {
	{ (uint32_t)MTIOCTOP, sizeof(struct mtop), 0, call_op },
	{ (uint32_t)MTIOCGET, 0, sizeof(struct mtget), call_get },
	{ (uint32_t)MTIOCPOS, 0, sizeof(struct mtpos), call_pos },
#if __SIZEOF_LONG__ == 8
	{ (uint32_t)MTIOCGET_32, 0, sizeof(struct mtget_32), call_get_32 },
	{ (uint32_t)MTIOCPOS_32, 0, sizeof(int32_t), call_pos_32 },
#endif
};

static const struct entry *
find(uint32_t cmd)
{
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		if (entries[i].cmd == cmd)
			return &entries[i];
	return NULL;
}

int
ioctl_sizes(uint32_t cmd, size_t *ret_in, size_t *ret_out)
{
	const struct entry *e = find(cmd);

	if (e == NULL)
		return -EINVAL;
	*ret_in = e->in;
	*ret_out = e->out;
	return 0;
}

int
ioctl_call(struct drive *d, uint32_t cmd, const struct ioctl_caller *who,
    const void *in, void *out, size_t *ret_out)
{
	const struct entry *e = find(cmd);
	int r;

	*ret_out = 0;
	if (e == NULL) {
		/* st flushes before it looks what the ioctl is. */
		r = drive_other_ioctl(d);
		return r < 0 ? r : -EINVAL;
	}
	r = e->call(d, who, in, out);
	if (r == 0)
		*ret_out = e->out;
	return r;
}
