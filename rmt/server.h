/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server's side of the remote magtape protocol: a session, which is one
 * connection from its first byte to its last.
 *
 * The session knows requests and replies; what a device name means, and what
 * tape is behind it, is its desk's (server_device.h has the real one).  Where
 * bytes come from is its link's.  So a session runs over buffers as well as
 * over a connection.
 */
#ifndef PMT_RMT_SERVER_H
#define PMT_RMT_SERVER_H

#include <linux/mtio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The bytes of a connection. */
struct rmt_link {
	/* As read(2), but never EINTR: 0 is the end, whatever caused it. */
	ssize_t (*read)(void *arg, void *buf, size_t size);
	/* All of it: 0 or a negative errno. */
	int (*write)(void *arg, const void *buf, size_t len);
	void *arg;
};

/* Room for the words of a failure to open. */
#define RMT_WHY_MAX 256

struct rmt_device;

/* An open tape; results are those of the system calls, or negative errnos. */
struct rmt_device_ops {
	ssize_t (*read)(struct rmt_device *d, void *buf, size_t size);
	ssize_t (*write)(struct rmt_device *d, const void *buf, size_t len);
	/* An op of Linux's MTIOCTOP. */
	int (*op)(struct rmt_device *d, int mt_op, int count);
	int (*status)(struct rmt_device *d, struct mtget *ret_status);
	/* Closes and frees, on failure too; the tape is free for others. */
	int (*close)(struct rmt_device *d);
	/* The last failure, close's apart, in words; "" if there are none. */
	const char *(*why)(struct rmt_device *d);
};

/* The first member of each implementation. */
struct rmt_device {
	const struct rmt_device_ops *ops;
};

struct rmt_desk {
	/*
	 * ${flags}: the access mode, O_CREAT, O_NONBLOCK and others.  0, or a
	 * negative errno with its words in ${why}.
	 */
	int (*open)(void *arg, const char *name, int flags,
	    struct rmt_device **ret_device, char why[RMT_WHY_MAX]);
	void *arg;
};

/*
 * Serves until the connection ends, and then closes what is open.  0; or
 * -EPROTO: what came is not the protocol; -EPIPE: the connection ended within a
 * request; -ENOMEM; or what the last close gave.
 */
int rmt_server_run(const struct rmt_link *link, const struct rmt_desk *desk);

#endif
