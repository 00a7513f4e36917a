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

/* scsi/scsi_ioctl.h and scsi/sg.h have these, with much that nobody needs. */
#define SCSI_GET_IDLUN 0x5382
#define SCSI_GET_BUS_NUMBER 0x5386
#define SG_GET_VERSION_NUM 0x2282
#define SCSI_IDLUN_SIZE (2 * sizeof(uint32_t))
#define SG_VERSION 30527 /* what Linux answers: 3.5.27 */

#define SCSI_STOP_UNIT 6
#define SCSI_DOOR_LOCK 0x5380
#define SCSI_DOOR_UNLOCK 0x5381
#define SCSI_SEND_COMMAND 1
#define CDROM_SEND_PACKET 0x5393
#define SG_IO 0x2285

/* linux/capability.h */
#define CAP_SYS_RAWIO_BIT 17
#define CAP_SYS_ADMIN_BIT 21

/* Whether a thread has a capability in effect; false if it can't be told. */
static bool
thread_has_cap(pid_t tid, unsigned bit)
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
	return (caps >> bit & 1) != 0;
}

static bool
has_cap(const struct ioctl_caller *who, unsigned bit)
{
	return who->tid > 0 ? thread_has_cap(who->tid, bit) : who->uid == 0;
}

static int
call_op(struct drive *d, const struct ioctl_caller *who, const void *in,
    void *out)
{
	struct mtop op;

	(void)out; /* it has none */
	memcpy(&op, in, sizeof(op));
	return drive_mtop(d, &op,
	    op.mt_op == MTSETDRVBUFFER && has_cap(who, CAP_SYS_ADMIN_BIT));
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

/*
 * What programs ask of any SCSI device: st hands these on to the SCSI layer,
 * which knows a bus, a target and a unit; ours are all 0.
 */
static int
call_scsi(struct drive *d, const struct ioctl_caller *who, const void *in,
    void *out)
{
	int r = drive_check_mode(d); /* st: these do not even flush */

	(void)who; /* anybody may ask */
	(void)in;
	if (r == 0)
		memset(out, 0, SCSI_IDLUN_SIZE);
	return r;
}

static int
call_sg_version(struct drive *d, const struct ioctl_caller *who, const void *in,
    void *out)
{
	static const int32_t version = SG_VERSION;
	int r = drive_other_ioctl(d);

	(void)who; /* anybody may ask */
	(void)in;
	if (r == 0)
		memcpy(out, &version, sizeof(version));
	return r;
}

static int
call_stop(struct drive *d, const struct ioctl_caller *who, const void *in,
    void *out)
{
	(void)who; /* anybody may, as with MTUNLOAD */
	(void)in;
	(void)out;
	return drive_stop(d);
}

/* The door of a drive that is a program: there is none. */
static int
call_door(struct drive *d, const struct ioctl_caller *who, const void *in,
    void *out)
{
	(void)who; /* anybody may */
	(void)in;
	(void)out;
	return drive_other_ioctl(d);
}

/* SCSI commands are for the privileged, and we know none. */
static int
call_command(struct drive *d, const struct ioctl_caller *who, const void *in,
    void *out)
{
	int r = drive_check_mode(d);

	(void)in;
	(void)out;
	if (r == 0 && !has_cap(who, CAP_SYS_RAWIO_BIT))
		r = -EPERM;
	if (r == 0)
		r = drive_other_ioctl(d);
	return r < 0 ? r : -EINVAL;
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
	{ SCSI_GET_IDLUN, 0, SCSI_IDLUN_SIZE, call_scsi },
	{ SCSI_GET_BUS_NUMBER, 0, sizeof(int32_t), call_scsi },
	{ SG_GET_VERSION_NUM, 0, sizeof(int32_t), call_sg_version },
	{ SCSI_STOP_UNIT, 0, 0, call_stop },
	{ SCSI_DOOR_LOCK, 0, 0, call_door },
	{ SCSI_DOOR_UNLOCK, 0, 0, call_door },
	{ SCSI_SEND_COMMAND, 0, 0, call_command },
	{ CDROM_SEND_PACKET, 0, 0, call_command },
	{ SG_IO, 0, 0, call_command },
};

/*
 * st: 32-bit programs get their layout by either number, and others are not
 * served by the number of a 32-bit program.
 */
static uint32_t
number_for(const struct ioctl_caller *who, uint32_t cmd)
{
	if (__SIZEOF_LONG__ != 8)
		return cmd;
	if (who->compat && cmd == (uint32_t)MTIOCGET)
		return (uint32_t)MTIOCGET_32;
	if (who->compat && cmd == (uint32_t)MTIOCPOS)
		return (uint32_t)MTIOCPOS_32;
	if (!who->compat &&
	    (cmd == (uint32_t)MTIOCGET_32 || cmd == (uint32_t)MTIOCPOS_32))
		return 0; /* is no ioctl of ours */
	return cmd;
}

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
	const struct entry *e = find(number_for(who, cmd));
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
