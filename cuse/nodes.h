/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A drive offered to programs as nodes: /dev/NAME, which rewinds on close, and
 * /dev/nNAME, which does not; over CUSE as character devices, or as files in a
 * directory, over FUSE.  The only door to this folder, which alone uses
 * libfuse.
 *
 *     nodes_start()       the nodes are there, and served
 *         wait for a signal, or for nodes_ended_fd()
 *     nodes_stop()        no more requests, and none in the drive
 *     drive_shutdown()
 *     nodes_free()        the nodes are gone
 *
 * A drive whose tape is a pair has another node, for the tape: the slave end.
 *
 * Threads: from nodes_start() to the end of nodes_stop() the drive is used by
 * the threads of the nodes, and by nobody else.  All signals are blocked in
 * them except the first real-time signal, whose handler nodes_start() sets.
 */
#ifndef PMT_NODES_H
#define PMT_NODES_H

#include <stdbool.h>
#include <sys/types.h>

struct caller_source;
struct drive;
struct nodes;
struct port;
struct spec_error;

/* By default 0660 root:tape; for an ordinary user 0600 and his own. */
#define NODES_DEFAULT_MODE ((mode_t)-1)
#define NODES_DEFAULT_UID ((uid_t)-1)
#define NODES_DEFAULT_GID ((gid_t)-1)

struct nodes_config {
	const char *name;     /* of the drive: "pmt" makes pmt and npmt */
	const char *fuse_dir; /* where to mount; NULL: CUSE */
	bool modes; /* the nodes of st's other three modes, too: pmtl ... */
	/*
	 * If the tape is a pair: its port, for the slave end, a node "pmts",
	 * and for the master end another name, "pmtm".  Else NULL.
	 */
	struct port *port;
	bool wait_for_slave; /* an open(2) waits while there is none */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	const struct caller_source *source; /* NULL: /proc */
};

/*
 * Makes the nodes of ${d} and serves them: on return they are there, with owner
 * and mode, and can be opened.  Starts threads, so the process must have forked
 * before.  ${config} is copied; ${d} has to live until nodes_stop().  A failure
 * is a negative errno, with words that name the way out, and leaves nothing
 * behind.
 */
int nodes_start(struct drive *d, const struct nodes_config *config,
    struct nodes **ret_nodes, struct spec_error *e);

/*
 * Becomes readable when nodes have come to an end from outside: unmounted, or
 * aborted in /sys.  What is left to do is nodes_stop() and so on.
 */
int nodes_ended_fd(const struct nodes *n);

/*
 * Calls ${call} when the drive is in no operation: at once, in this thread, if
 * so it is now, and true is the result; else when the present one ends, in
 * another thread, or never if the nodes stop before that.
 */
bool nodes_call(struct nodes *n, void (*call)(void *arg), void *arg);

/*
 * Takes no more requests of the drive's, and waits up to ${timeout_ms} for the
 * operation that the drive is in to end; it is answered.  A record of which a
 * part has come is given half a second to become whole, or is dropped.  What
 * waits or begins meanwhile is answered with ENOTCONN.  -ETIMEDOUT: the
 * operation goes on; then the drive must not be touched, and the process must
 * end by _exit(2) soon after nodes_free().  A slave end is served until then,
 * so that the drive can be shut down.
 */
int nodes_stop(struct nodes *n, int timeout_ms);

/*
 * Takes the nodes away and frees all; programs that have one open get
 * ECONNABORTED or ENOTCONN from then on.  NULL is fine.
 */
void nodes_free(struct nodes *n);

#endif
