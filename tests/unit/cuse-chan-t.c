/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A node and its channel, from the kernel's side: the test is the kernel at the
 * other end of a socket, which keeps requests apart as /dev/cuse does.  Below
 * is the real drive, over a tape whose writes and filemarks can be held up.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "dev.h"
#include "drive.h"
#include "memtape.h"
#include "spec.h"
#include "tap.h"
#include "unit.h"

#define CHUNK 126967
#define WAIT_MS 5000 /* for anything that has to happen */
#define CUSE_INIT_OPCODE 4096

/* ---- The tape ----------------------------------------------------------- */

/* A tape in memory with a gate: closed, it holds up writes and filemarks. */
struct gate {
	const struct tape_ops *below; /* the tape's own operations */
	struct tape_ops ops;
	pthread_mutex_t lock;
	pthread_cond_t event;
	bool closed;
	int waiting; /* threads at the gate */
};

static struct gate gate;
static struct tape *tape;

static void
close_gate(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.closed = true;
	pthread_mutex_unlock(&gate.lock);
}

static void
open_gate(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.closed = false;
	pthread_cond_broadcast(&gate.event);
	pthread_mutex_unlock(&gate.lock);
}

static void
pass_gate(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.waiting++;
	pthread_cond_broadcast(&gate.event);
	while (gate.closed)
		pthread_cond_wait(&gate.event, &gate.lock);
	gate.waiting--;
	pthread_mutex_unlock(&gate.lock);
}

/* Waits until the drive is held up. */
static void
await_waiting(void)
{
	pthread_mutex_lock(&gate.lock);
	while (gate.waiting == 0)
		pthread_cond_wait(&gate.event, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
}

static int
gate_write(struct tape *t, const void *buf, size_t len,
    enum tape_cond *ret_cond)
{
	pass_gate();
	return gate.below->write(t, buf, len, ret_cond);
}

static int
gate_write_filemarks(struct tape *t, uint32_t count, bool immediate,
    uint32_t *ret_done, enum tape_cond *ret_cond)
{
	pass_gate();
	return gate.below->write_filemarks(t, count, immediate, ret_done,
	    ret_cond);
}

static struct drive *
new_drive(void)
{
	const struct memtape_config config = {
		.limit = { .min_record = 1,
		    .max_record = 4 << 20,
		    .granularity = 1 },
		.keeps = 4 << 20,
		.max_partitions = 1,
		.refused_density = -1,
	};
	struct drive *d;

	tape = memtape_new(&config);
	if (tape == NULL)
		tap_bail("no tape");
	gate = (struct gate){
		.below = tape->ops,
		.ops = *tape->ops,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.event = PTHREAD_COND_INITIALIZER,
	};
	gate.ops.write = gate_write;
	gate.ops.write_filemarks = gate_write_filemarks;
	tape->ops = &gate.ops;
	d = drive_new(tape);
	if (d == NULL)
		tap_bail("no drive");
	return d;
}

/* ---- What /proc would say ----------------------------------------------- */

static size_t caller_asks; /* bytes; 0: not known */

static bool
tell_count(struct caller_memo *memo, pid_t tid, enum caller_direction direction,
    size_t *ret_count)
{
	(void)memo;
	(void)tid;
	(void)direction;
	*ret_count = caller_asks;
	return caller_asks != 0;
}

static bool
tell_dying(pid_t tid)
{
	(void)tid; /* nobody here is */
	return false;
}

static bool
tell_killed(pid_t tid)
{
	(void)tid;
	return false;
}

static const struct caller_source source = {
	.count = tell_count,
	.killed = tell_killed,
	.dying = tell_dying,
};

/* ---- The kernel --------------------------------------------------------- */

/* One channel to a node, and the node at its end. */
struct kernel {
	int fd;
	uint64_t unique; /* of the last request */
	struct dev *dev;
};

struct answer {
	uint64_t unique;
	int error; /* 0 or negative */
	size_t size;
	uint8_t data[CHUNK + 100];
};

static struct drive *drive;
static struct unit unit;
static int ended_fd;
static uint8_t bytes[3 * CHUNK];

/* Sends a request of ${arg} and ${data}; its number. */
static uint64_t
ask(struct kernel *k, uint32_t opcode, uint32_t pid, const void *arg,
    size_t arg_size, const void *data, size_t size)
{
	struct fuse_in_header in = {
		.len = (uint32_t)(sizeof(in) + arg_size + size),
		.opcode = opcode,
		.unique = k->unique += 2,
		.nodeid = 1,
		.pid = pid,
	};
	const struct iovec iov[] = {
		{ &in, sizeof(in) },
		{ (void *)(uintptr_t)arg, arg_size },
		{ (void *)(uintptr_t)data, size },
	};

	if (writev(k->fd, iov, 3) != (ssize_t)in.len)
		tap_bail("asking: %s", strerror(errno));
	return in.unique;
}

/* The next answer, or one with unique 0 if none comes. */
static const struct answer *
hear_within(struct kernel *k, int ms)
{
	static _Thread_local struct answer answer;
	struct fuse_out_header out = { 0 };
	const struct iovec iov[] = {
		{ &out, sizeof(out) },
		{ answer.data, sizeof(answer.data) },
	};
	struct pollfd ready = { .fd = k->fd, .events = POLLIN };
	ssize_t n = 0;

	if (poll(&ready, 1, ms) == 1)
		n = readv(k->fd, iov, 2);
	answer.unique = n > 0 ? out.unique : 0;
	answer.error = out.error;
	answer.size = n > 0 ? (size_t)n - sizeof(out) : 0;
	if (n > 0 && out.len != (size_t)n)
		tap_bail("an answer of %zd bytes says %u", n, out.len);
	return &answer;
}

static const struct answer *
hear(struct kernel *k)
{
	return hear_within(k, WAIT_MS);
}

/* Waits until the node has read all that it was asked. */
static bool
await_read(struct kernel *k)
{
	int tries;
	int unread = 1;

	for (tries = 0; tries < WAIT_MS; tries++) {
		if (ioctl(k->fd, SIOCOUTQ, &unread) < 0)
			tap_bail("SIOCOUTQ: %s", strerror(errno));
		if (unread == 0)
			break;
		(void)poll(NULL, 0, 1);
	}
	return unread == 0;
}

static uint64_t
ask_open(struct kernel *k)
{
	const struct fuse_open_in arg = { .flags = O_RDWR };

	return ask(k, FUSE_OPEN, 1, &arg, sizeof(arg), NULL, 0);
}

static uint64_t
ask_write(struct kernel *k, uint64_t fh, uint32_t tid, uint64_t offset,
    size_t size)
{
	const struct fuse_write_in arg = {
		.fh = fh,
		.offset = offset,
		.size = (uint32_t)size,
		.flags = O_RDWR,
	};

	return ask(k, FUSE_WRITE, tid, &arg, sizeof(arg), bytes + offset, size);
}

static uint64_t
ask_read(struct kernel *k, uint64_t fh, uint64_t offset, uint32_t size)
{
	const struct fuse_read_in arg = {
		.fh = fh,
		.offset = offset,
		.size = size,
		.flags = O_RDWR,
	};

	return ask(k, FUSE_READ, 1, &arg, sizeof(arg), NULL, 0);
}

static uint64_t
ask_release(struct kernel *k, uint64_t fh)
{
	const struct fuse_release_in arg = { .fh = fh };

	return ask(k, FUSE_RELEASE, 1, &arg, sizeof(arg), NULL, 0);
}

static uint64_t
ask_mtop(struct kernel *k, uint64_t fh, short op)
{
	struct mtop mt;
	const struct fuse_ioctl_in arg = {
		.fh = fh,
		.cmd = MTIOCTOP,
		.in_size = sizeof(mt),
	};

	memset(&mt, 0, sizeof(mt)); /* the padding, too */
	mt.mt_op = op;
	mt.mt_count = 1;
	return ask(k, FUSE_IOCTL, 1, &arg, sizeof(arg), &mt, sizeof(mt));
}

/* The bytes that the answer says were written, or its error. */
static int64_t
written(const struct answer *a)
{
	const struct fuse_write_out *out = (const void *)a->data;

	if (a->error != 0 || a->size < sizeof(*out))
		return a->error;
	return out->size;
}

/* The handle in the answer to an open, or 0. */
static uint64_t
opened(const struct answer *a)
{
	const struct fuse_open_out *out = (const void *)a->data;

	return a->error != 0 || a->size < sizeof(*out) ? 0 : out->fh;
}

static uint64_t
open_node(struct kernel *k)
{
	uint64_t fh;

	(void)ask_open(k);
	fh = opened(hear(k));
	if (fh == 0)
		tap_bail("the node can't be opened");
	return fh;
}

/* ---- Start and end ------------------------------------------------------ */

static void
start_unit(void)
{
	caller_asks = 0;
	drive = new_drive();
	unit_init(&unit, drive, "test", &source);
	ended_fd = eventfd(0, EFD_NONBLOCK);
}

static void
start_kernel(struct kernel *k, unsigned minor)
{
	const struct cuse_init_in arg = { .major = 7, .minor = 38 };
	const struct node *nodes[NODE_MAX];
	const size_t n_nodes = node_choose(false, false, nodes);
	const struct dev_config config = {
		.node = nodes[n_nodes - 1],
		.base = "test",
		.unit = &unit,
		.ended_fd = ended_fd,
		.minor = minor,
	};
	struct spec_error e;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) < 0)
		tap_bail("socketpair: %s", strerror(errno));
	*k = (struct kernel){ .fd = fds[0], .unique = 1000 };
	(void)ask(k, CUSE_INIT_OPCODE, 0, &arg, sizeof(arg), NULL, 0);
	if (dev_make_on(&config, fds[1], &k->dev, &e) < 0)
		tap_bail("%s", e.text);
}

static void
serve(struct kernel *k)
{
	struct spec_error e;

	if (hear(k)->unique == 0 || dev_serve(k->dev, &e) < 0)
		tap_bail("the node is not served");
}

static struct timespec
in_ms(int ms)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000L;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	return t;
}

static int
join_within(struct kernel *k, int ms)
{
	const struct timespec deadline = in_ms(ms);

	return dev_join(k->dev, &deadline);
}

/* All end before one is freed, as one may be at the work of another. */
static void
stop_kernels(struct kernel *k, int n)
{
	int i;

	for (i = 0; i < n; i++)
		dev_stop(k[i].dev);
	for (i = 0; i < n; i++)
		if (join_within(&k[i], WAIT_MS) < 0)
			tap_bail("the node does not end");
	for (i = 0; i < n; i++) {
		dev_free(k[i].dev, false);
		(void)close(k[i].fd);
	}
}

static void
stop_kernel(struct kernel *k)
{
	stop_kernels(k, 1);
}

static void
stop_unit(void)
{
	unit_fini(&unit);
	(void)drive_shutdown(drive); /* its result is not the test */
	drive_free(drive);
	(void)close(ended_fd);
}

/* ---- Tests -------------------------------------------------------------- */

static void
test_init(void)
{
	const struct cuse_init_out *out;
	const struct answer *a;
	struct kernel k;

	start_unit();
	start_kernel(&k, 1);
	a = hear(&k);
	out = (const void *)a->data;
	tap_ok(a->unique != 0 && a->error == 0, "CUSE_INIT is answered");
	tap_is_int(CHUNK, out->max_write, "... with the largest write");
	tap_is_int(CHUNK, out->max_read, "... and the same for reads");
	tap_is_int(CUSE_UNRESTRICTED_IOCTL, (int64_t)out->flags,
	    "... with unrestricted ioctls");
	tap_is_int(1, out->dev_minor, "... with the minor number");
	tap_is_str("DEVNAME=ntest", (const char *)(out + 1),
	    "... and the name of the node");
	dev_free(k.dev, false);
	(void)close(k.fd);
	stop_unit();
}

/* What test_life() has written, from the beginning. */
static void
read_back(struct kernel *k, uint64_t fh)
{
	const struct answer *a;

	(void)ask_read(k, fh, 0, 4096);
	a = hear(k);
	tap_is_int(512, (int64_t)a->size, "the first record is read back");
	tap_is_mem(bytes, a->data, 512, "... as it was written");
	(void)ask_read(k, fh, 0, CHUNK);
	a = hear(k);
	tap_is_int(CHUNK, (int64_t)a->size, "the second comes in pieces");
	(void)ask_read(k, fh, CHUNK, CHUNK);
	a = hear(k);
	tap_is_mem(bytes + CHUNK, a->data, CHUNK, "... as it was written");
	(void)ask_read(k, fh, 2 * CHUNK, 7);
	a = hear(k);
	tap_is_int(7, (int64_t)a->size, "... to its end");
}

static void
test_life(void)
{
	struct kernel k;
	uint64_t fh;

	start_unit();
	start_kernel(&k, 0);
	serve(&k);
	fh = open_node(&k);
	tap_ok(fh != 0, "a node can be opened");
	(void)ask_open(&k);
	tap_is_int(-EBUSY, hear(&k)->error, "... once at a time");
	(void)ask_write(&k, fh, 1, 0, 512);
	tap_is_int(512, written(hear(&k)), "a small write is a record");
	caller_asks = 2 * CHUNK + 7;
	(void)ask_write(&k, fh, 1, 0, CHUNK);
	tap_is_int(CHUNK, written(hear(&k)), "a large one comes in pieces");
	(void)ask_write(&k, fh, 1, CHUNK, CHUNK);
	tap_is_int(CHUNK, written(hear(&k)), "... and each is answered");
	(void)ask_write(&k, fh, 1, 2 * CHUNK, 7);
	tap_is_int(7, written(hear(&k)), "... up to the last");
	(void)ask_mtop(&k, fh, MTREW);
	tap_is_int(0, hear(&k)->error, "MTREW works");
	read_back(&k, fh);
	(void)ask_release(&k, fh);
	tap_is_int(0, hear(&k)->error, "the file can be closed");
	tap_ok(!drive_is_open(drive), "... which frees the drive");
	tap_ok(open_node(&k) != fh, "... for another open file");
	stop_kernel(&k);
	stop_unit();
}

/* Whether the next record is the first ${size} bytes, read in pieces. */
static bool
next_is(struct kernel *k, uint64_t fh, size_t size)
{
	const struct answer *a;
	size_t got;

	caller_asks = CHUNK + 100;
	(void)ask_read(k, fh, 0, CHUNK);
	a = hear(k);
	got = a->size;
	if (memcmp(bytes, a->data, got) != 0)
		return false;
	if (got == CHUNK) {
		(void)ask_read(k, fh, CHUNK, 100);
		a = hear(k);
		if (memcmp(bytes + CHUNK, a->data, a->size) != 0)
			return false;
		got += a->size;
	}
	return got == size;
}

/* Many records from one thread, each in pieces, with something in between. */
static void
test_stream(void)
{
	struct kernel k;
	uint64_t fh;
	int good = 0;
	int i;

	start_unit();
	start_kernel(&k, 0);
	serve(&k);
	fh = open_node(&k);
	caller_asks = CHUNK + 100;
	for (i = 0; i < 8; i++) {
		(void)ask_write(&k, fh, 1, 0, CHUNK);
		good += written(hear(&k)) == CHUNK;
		if (i % 2 == 1) { /* another thread gets in between */
			(void)ask_write(&k, fh, 2, 0, 333);
			good += written(hear(&k)) == 333;
		}
		(void)ask_write(&k, fh, 1, CHUNK, 100);
		good += written(hear(&k)) == 100;
	}
	tap_is_int(20, good, "records in pieces and others mix");
	(void)ask_mtop(&k, fh, MTREW);
	(void)hear(&k);
	for (good = 0, i = 0; i < 12; i++)
		good += next_is(&k, fh, i % 3 == 1 ? 333 : CHUNK + 100);
	tap_is_int(12, good, "... and all are whole on the tape");
	stop_kernel(&k);
	stop_unit();
}

/* The role of the reader changes hands while records come in pieces. */
static void
test_takeovers(void)
{
	struct kernel k;
	uint64_t fh;
	int good = 0;
	int i;

	start_unit();
	start_kernel(&k, 0);
	serve(&k);
	fh = open_node(&k);
	caller_asks = CHUNK + 100;
	for (i = 0; i < 5; i++) {
		(void)ask_write(&k, fh, 1, 0, CHUNK);
		good += written(hear(&k)) == CHUNK;
		close_gate();
		(void)ask_write(&k, fh, 2, 0, 333); /* is held up */
		await_waiting();
		(void)ask_write(&k, fh, 1, CHUNK, 100);
		good += await_read(&k);
		open_gate();
		good += written(hear(&k)) == 333;
		good += written(hear(&k)) == 100;
	}
	tap_is_int(20, good, "the relief reads whenever the tape hangs");
	(void)ask_mtop(&k, fh, MTREW);
	(void)hear(&k);
	for (good = 0, i = 0; i < 10; i++)
		good += next_is(&k, fh, i % 2 == 0 ? 333 : CHUNK + 100);
	tap_is_int(10, good, "... and all records are whole");
	stop_kernel(&k);
	stop_unit();
}

static void
start_stalled(struct kernel *k, uint64_t *ret_fh, uint64_t *ret_first)
{
	start_unit();
	start_kernel(k, 0);
	serve(k);
	*ret_fh = open_node(k);
	close_gate();
	*ret_first = ask_write(k, *ret_fh, 1, 0, 512);
	await_waiting();
}

static void
test_stalled(void)
{
	struct kernel k;
	struct fuse_interrupt_in interrupt = { 0 };
	uint64_t fh;
	uint64_t first;
	uint64_t second;
	uint64_t third;

	start_stalled(&k, &fh, &first);
	interrupt.unique = first;
	(void)ask(&k, FUSE_INTERRUPT, 1, &interrupt, sizeof(interrupt), NULL,
	    0);
	tap_ok(await_read(&k), "an interrupt is read while the tape hangs");
	second = ask_write(&k, fh, 2, 0, 600);
	third = ask_open(&k);
	tap_ok(await_read(&k), "... and so are other requests");
	tap_is_int(0, (int64_t)hear_within(&k, 20)->unique,
	    "... but none is answered");
	open_gate();
	tap_is_int((int64_t)first, (int64_t)hear(&k)->unique,
	    "when the tape goes on, the first is answered first");
	tap_is_int((int64_t)second, (int64_t)hear(&k)->unique,
	    "... then the second");
	tap_is_int((int64_t)third, (int64_t)hear(&k)->unique,
	    "... then the third");
	(void)ask_mtop(&k, fh, MTREW);
	(void)hear(&k);
	(void)ask_read(&k, fh, 0, 4096);
	tap_is_int(512, (int64_t)hear(&k)->size,
	    "the record that was held up is on the tape");
	(void)ask_read(&k, fh, 0, 4096);
	tap_is_int(600, (int64_t)hear(&k)->size, "... and the one that waited");
	tap_is_mem(bytes, hear_within(&k, 0)->data, 600, "... with its bytes");
	stop_kernel(&k);
	stop_unit();
}

/* close(2) over FUSE returns before RELEASE is answered; open(2) follows. */
static void
test_reopen(void)
{
	struct kernel k;
	uint64_t fh;
	uint64_t release;

	start_unit();
	start_kernel(&k, 0);
	serve(&k);
	fh = open_node(&k);
	(void)ask_write(&k, fh, 1, 0, 512);
	(void)hear(&k);
	close_gate();
	release = ask_release(&k, fh);
	await_waiting();
	(void)ask_open(&k);
	tap_ok(await_read(&k), "an open is read while the close goes on");
	open_gate();
	tap_is_int((int64_t)release, (int64_t)hear(&k)->unique,
	    "the close is answered first");
	tap_ok(opened(hear(&k)) != 0, "... and the open is not too early");
	stop_kernel(&k);
	stop_unit();
}

/*
 * A reader that the machine keeps from entering its request into the lane: here
 * by a lock that it needs on its way there.
 */
static void
test_overtaking(void)
{
	struct kernel k[2];
	uint64_t fh;
	int unread = 0;

	start_unit();
	start_kernel(&k[0], 0);
	start_kernel(&k[1], 1);
	serve(&k[0]);
	serve(&k[1]);
	fh = open_node(&k[0]);
	close_gate();
	(void)ask_write(&k[1], fh, 1, 0, 100);
	await_waiting(); /* the lane is taken */
	pthread_mutex_lock(&unit.watch.lock);
	(void)ask_write(&k[0], fh, 2, 0, 200);
	(void)await_read(&k[0]);
	(void)ask_write(&k[0], fh, 3, 0, 300);
	(void)poll(NULL, 0, 500); /* the relief looks every 50 */
	if (ioctl(k[0].fd, SIOCOUTQ, &unread) < 0)
		tap_bail("SIOCOUTQ: %s", strerror(errno));
	tap_ok(unread > 0, "no reader is overtaken on its way to the lane");
	pthread_mutex_unlock(&unit.watch.lock);
	tap_ok(await_read(&k[0]), "... but it is relieved once it is there");
	open_gate();
	tap_is_int(200, written(hear(&k[0])), "so the order is that of the");
	tap_is_int(300, written(hear(&k[0])), "... kernel");
	stop_kernels(k, 2);
	stop_unit();
}

static void
test_stop(void)
{
	struct kernel k;
	const struct answer *a;
	uint64_t fh;
	uint64_t first;
	uint64_t second;

	start_stalled(&k, &fh, &first);
	second = ask_write(&k, fh, 2, 0, 600);
	(void)await_read(&k); /* it waits in the lane now */
	dev_stop(k.dev);
	lane_close(&unit.lane);
	a = hear(&k);
	tap_is_int((int64_t)second, (int64_t)a->unique,
	    "what waits when the lane is closed is answered at once");
	tap_is_int(-ENOTCONN, a->error, "... with ENOTCONN");
	tap_is_int(-ETIMEDOUT, join_within(&k, 50),
	    "a stop waits no longer than it is told");
	open_gate();
	tap_is_int(0, join_within(&k, WAIT_MS),
	    "... and ends when the operation does");
	tap_is_int((int64_t)first, (int64_t)hear(&k)->unique,
	    "the operation in flight is answered");
	(void)ask_write(&k, fh, 1, 0, 512);
	tap_ok(hear_within(&k, 20)->unique == 0, "... but no later one");
	tap_ok(drive_is_open(drive), "the drive is left as it was");
	dev_free(k.dev, false);
	(void)close(k.fd);
	stop_unit();
}

static uint64_t
ask_ioctl(struct kernel *k, uint64_t fh, uint32_t cmd, uint32_t flags,
    uint32_t out_size)
{
	const struct fuse_ioctl_in arg = {
		.fh = fh,
		.flags = FUSE_IOCTL_UNRESTRICTED | flags,
		.cmd = cmd,
		.arg = 0x1000,
		.out_size = out_size,
	};

	return ask(k, FUSE_IOCTL, 1, &arg, sizeof(arg), NULL, 0);
}

/* Whether the kernel is asked to come again with ${in} and ${out} bytes. */
static bool
is_retry(const struct answer *a, uint64_t in, uint64_t out)
{
	const struct fuse_ioctl_out *head = (const void *)a->data;
	const struct fuse_ioctl_iovec *iov = (const void *)(head + 1);

	return a->error == 0 && (head->flags & FUSE_IOCTL_RETRY) != 0 &&
	    head->in_iovs == (in > 0) && head->out_iovs == (out > 0) &&
	    iov->base == 0x1000 && iov->len == in + out;
}

/* Bytes of data in the answer to an ioctl, or its error. */
static int64_t
ioctl_bytes(const struct answer *a)
{
	return a->error != 0
	    ? a->error
	    : (int64_t)(a->size - sizeof(struct fuse_ioctl_out));
}

/* The kernel does not know how large an argument is. */
static void
test_unrestricted(void)
{
	struct kernel k;
	uint64_t fh;
	uint64_t first;

	start_unit();
	start_kernel(&k, 0);
	serve(&k);
	fh = open_node(&k);
	(void)ask_ioctl(&k, fh, 0x5382, 0, 0);
	tap_ok(is_retry(hear(&k), 0, 8), "SCSI_IOCTL_GET_IDLUN wants 8 bytes");
	(void)ask_ioctl(&k, fh, 0x5382, 0, 8);
	tap_is_int(8, ioctl_bytes(hear(&k)), "... and gets them");
	(void)ask_ioctl(&k, fh, (uint32_t)MTIOCTOP, 0, 0);
	tap_ok(is_retry(hear(&k), sizeof(struct mtop), 0),
	    "MTIOCTOP wants its struct");
	(void)ask_ioctl(&k, fh, 0x5401, 0, 0);
	tap_is_int(-EINVAL, hear(&k)->error, "what is unknown wants nothing");
	(void)ask_ioctl(&k, fh, 0x801c6d02, 0, 28);
	tap_is_int(-EINVAL, ioctl_bytes(hear(&k)),
	    "the MTIOCGET of 32-bit programs is not for others");
	(void)ask_ioctl(&k, fh, 0x801c6d02, FUSE_IOCTL_COMPAT, 28);
	tap_is_int(28, ioctl_bytes(hear(&k)), "... but for them");
	close_gate();
	first = ask_write(&k, fh, 2, 0, 512);
	await_waiting();
	(void)ask_ioctl(&k, fh, (uint32_t)MTIOCGET, 0, 0);
	tap_ok(is_retry(hear(&k), 0, sizeof(struct mtget)),
	    "to tell what is wanted needs no drive");
	(void)ask_ioctl(&k, fh, (uint32_t)MTIOCGET, 0, sizeof(struct mtget));
	tap_ok(await_read(&k), "... but to do it does");
	tap_is_int(0, (int64_t)hear_within(&k, 20)->unique, "... and waits");
	open_gate();
	tap_is_int((int64_t)first, (int64_t)hear(&k)->unique,
	    "... for what came before");
	tap_is_int(sizeof(struct mtget), ioctl_bytes(hear(&k)), "... then");
	stop_kernel(&k);
	stop_unit();
}

/* At the end a write(2) that has begun may come to its own. */
static void
test_end(void)
{
	struct kernel k;
	uint64_t fh;
	int tries;

	start_unit();
	start_kernel(&k, 0);
	serve(&k);
	fh = open_node(&k);
	caller_asks = CHUNK + 100;
	(void)ask_write(&k, fh, 1, 0, CHUNK);
	tap_is_int(CHUNK, written(hear(&k)), "a record has come in part");
	unit_end(&unit);
	tap_ok(!unit_has_ended(&unit), "then the end has to wait");
	(void)ask_write(&k, fh, 2, 0, 512);
	tap_is_int(-ENOTCONN, hear(&k)->error, "... other writes are refused");
	(void)ask_write(&k, fh, 2, 0, CHUNK);
	tap_is_int(-ENOTCONN, hear(&k)->error, "... large ones, too");
	(void)ask_read(&k, fh, 0, 512);
	tap_is_int(-ENOTCONN, hear(&k)->error, "... and reads");
	(void)ask_mtop(&k, fh, MTNOP);
	tap_is_int(-ENOTCONN, hear(&k)->error, "... and ioctls");
	(void)ask_open(&k);
	tap_is_int(-ENOTCONN, hear(&k)->error, "... and opens");
	(void)ask_write(&k, fh, 1, CHUNK, 100);
	tap_is_int(100, written(hear(&k)), "the record's rest is taken");
	for (tries = 0; tries < WAIT_MS && !unit_has_ended(&unit); tries++)
		(void)poll(NULL, 0, 1);
	tap_ok(unit_has_ended(&unit), "... and that is the end");
	tap_is_int(1, (int64_t)tape->pos.object, "the tape has the record");
	(void)ask_write(&k, fh, 1, 0, CHUNK);
	tap_is_int(-ENOTCONN, hear(&k)->error, "the next one is refused");
	(void)ask_release(&k, fh);
	tap_is_int(0, hear(&k)->error, "but the file can be closed");
	tap_is_int(1, (int64_t)tape->pos.file, "... with its filemark");
	stop_kernel(&k);
	stop_unit();
}

static void
test_abort(void)
{
	struct pollfd ended = { .events = POLLIN };
	struct kernel k;

	start_unit();
	ended.fd = ended_fd;
	start_kernel(&k, 0);
	serve(&k);
	(void)open_node(&k);
	tap_is_int(0, poll(&ended, 1, 0),
	    "a node that is served has not ended");
	(void)close(k.fd);
	k.fd = -1;
	tap_is_int(1, poll(&ended, 1, WAIT_MS),
	    "when the kernel leaves, that is told");
	stop_kernel(&k);
	stop_unit();
}

/* Requests that no kernel sends. */
static void
test_garbage(void)
{
	struct fuse_write_in lie = { .size = 5000 };
	const struct fuse_ioctl_in odd = { .cmd = MTIOCTOP, .in_size = 3 };
	struct kernel k;
	uint64_t fh;

	start_unit();
	start_kernel(&k, 0);
	serve(&k);
	fh = open_node(&k);
	(void)!write(k.fd, bytes, 10);
	(void)ask(&k, 999, 1, bytes, 100, NULL, 0);
	tap_is_int(-ENOSYS, hear(&k)->error, "an unknown operation is refused");
	lie.fh = fh;
	(void)ask(&k, FUSE_WRITE, 1, &lie, sizeof(lie), bytes, 100);
	tap_is_int(-EIO, hear(&k)->error,
	    "a write without its data is refused");
	(void)ask(&k, FUSE_WRITE, 1, &lie, 12, NULL, 0);
	tap_is_int(-EIO, hear(&k)->error, "... and one that is cut");
	(void)ask(&k, FUSE_IOCTL, 1, &odd, sizeof(odd), bytes, 3);
	tap_is_int(-EINVAL, hear(&k)->error,
	    "an ioctl with too small an argument is refused");
	(void)ask_read(&k, fh, 0, CHUNK + 1);
	tap_is_int(-EIO, hear(&k)->error, "a read of too much is refused");
	(void)ask_write(&k, fh + 1, 1, 0, 512);
	tap_is_int(-EBADF, hear(&k)->error,
	    "a write to what is not open is refused");
	(void)ask_write(&k, fh, 1, 77, 512);
	tap_is_int(-EIO, hear(&k)->error,
	    "a write from the middle on is refused");
	(void)ask_release(&k, fh + 1);
	tap_is_int(0, hear(&k)->error, "closing what is not open does nothing");
	(void)ask_write(&k, fh, 1, 0, 512);
	tap_is_int(512, written(hear(&k)), "and then all is as before");
	stop_kernel(&k);
	stop_unit();
}

/* Requests of any kind with random arguments. */
static void
test_random(void)
{
	struct kernel k;
	uint32_t noise = 12345;
	int i;

	start_unit();
	start_kernel(&k, 0);
	serve(&k);
	for (i = 0; i < 5000; i++) {
		uint8_t arg[120];
		size_t j;

		for (j = 0; j < sizeof(arg); j++) {
			noise = noise * 1664525 + 1013904223;
			arg[j] = (uint8_t)(noise >> 24 & noise >> 16);
		}
		(void)ask(&k, noise >> 8 & 63, noise & 3, arg,
		    (noise >> 20) % sizeof(arg), NULL, 0);
		while (hear_within(&k, 0)->unique != 0)
			continue;
	}
	tap_ok(await_read(&k), "random requests are all taken");
	while (hear_within(&k, 20)->unique != 0)
		continue;
	(void)ask_open(&k);
	tap_ok(hear(&k)->unique != 0, "... and the node still answers");
	stop_kernel(&k);
	stop_unit();
}

/* ---- Two nodes of one drive --------------------------------------------- */

#define ROUNDS 300

/* Opens, writes and closes as fast as it can; the rounds that worked. */
static void *
use_node(void *arg)
{
	struct kernel *k = arg;
	static atomic_int good;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		uint64_t fh;

		(void)ask_open(k);
		fh = opened(hear(k));
		if (fh == 0)
			continue;
		(void)ask_write(k, fh, 1, 0, 100);
		if (written(hear(k)) == 100)
			good++;
		(void)ask_release(k, fh);
		if (hear(k)->error != 0)
			good -= 2 * ROUNDS;
	}
	return &good;
}

static void
test_two_nodes(void)
{
	struct kernel k[2];
	pthread_t ids[2];
	void *good = NULL;
	int i;

	start_unit();
	for (i = 0; i < 2; i++) {
		start_kernel(&k[i], (unsigned)i);
		serve(&k[i]);
	}
	for (i = 0; i < 2; i++)
		if (pthread_create(&ids[i], NULL, use_node, &k[i]) != 0)
			tap_bail("no thread");
	for (i = 0; i < 2; i++)
		(void)pthread_join(ids[i], &good);
	tap_ok(good != NULL && *(atomic_int *)good > 0,
	    "two nodes share a drive, and no open file is disturbed");
	tap_is_int(*(atomic_int *)good, (int64_t)tape->pos.file,
	    "... and each that was written to left its filemark");
	stop_kernels(k, 2);
	stop_unit();
}

int
main(void)
{
	size_t i;

	(void)signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 11 + i / 253);
	test_init();
	test_life();
	test_stream();
	test_takeovers();
	test_stalled();
	test_reopen();
	test_overtaking();
	test_stop();
	test_end();
	test_unrestricted();
	test_abort();
	test_garbage();
	test_random();
	test_two_nodes();
	return tap_done();
}
