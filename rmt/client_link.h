/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way to a server: a program that has been started, its standard input and
 * output as a stream of bytes both ways, and the last of what it said on
 * standard error.  Every wait has an end; the program does not outlive its
 * link.
 */
#ifndef PMT_RMT_CLIENT_LINK_H
#define PMT_RMT_CLIENT_LINK_H

#include <stddef.h>
#include <stdint.h>

struct rmt_link;

/* Bytes that may lie received and not yet taken. */
#define RMT_LINK_AHEAD 65536

/*
 * Starts ${argv}, found by PATH, in a process group of its own.  -errno: it
 * can't be started.
 */
int rmt_link_open(const char *const *argv, struct rmt_link **ret_link);

/*
 * Lets go of the program, which sees the end of its input and gets ${wait_ms}
 * to end by itself; then it is killed, and in any case reaped.  NULL is fine.
 */
void rmt_link_close(struct rmt_link *l, int wait_ms);

/* The time on the clock of deadlines, milliseconds. */
int64_t rmt_link_now(void);

/*
 * The results of all of these: 0 or more; -ENOLINK: the program has ended or
 * has closed its side; -ETIMEDOUT: not by ${deadline}.
 */

/* Sends all of two pieces, and receives meanwhile what fits. */
int rmt_link_send(struct rmt_link *l, const void *head, size_t head_len,
    const void *data, size_t data_len, int64_t deadline);

/* Receives more.  -ENOBUFS: RMT_LINK_AHEAD bytes have not been taken. */
int rmt_link_receive(struct rmt_link *l, int64_t deadline);

/* What has come so far and was not taken: ${ret_len} bytes. */
const void *rmt_link_ahead(const struct rmt_link *l, size_t *ret_len);

/* Takes ${len} bytes of it. */
void rmt_link_take(struct rmt_link *l, size_t len);

/* Takes the next ${len} bytes, into ${buf}, or nowhere if that is NULL. */
int rmt_link_read(struct rmt_link *l, void *buf, size_t len, int64_t deadline);

/* The last line from standard error, printable; "" if there is none. */
const char *rmt_link_said(struct rmt_link *l);

#endif
