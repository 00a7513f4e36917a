/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A drive offered as nodes; see nodes.h.  Owns the order in which things come
 * and go, and what they have in common; what is different over CUSE and FUSE is
 * in dev.c and fs.c.
 */
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "call.h"
#include "deadline.h"
#include "dev.h"
#include "fs.h"
#include "gate.h"
#include "libfuse.h"
#include "log.h"
#include "nodes.h"
#include "slave.h"
#include "spec.h"
#include "unit.h"

/* How long, in ms, a record may take at the end to come as a whole; and ... */
#define NODES_GRACE 500
#define NODES_LOOK 5 /* ... how often to look whether it has */

/* How long, in ms, an operation may take if other nodes can't be made. */
#define NODES_PATIENCE 1500

struct nodes {
	struct nodes_config config; /* its strings are the caller's */
	char *name;
	char *dir; /* absolute; NULL: CUSE */
	int ended_fd;
	bool stuck;
	bool stopped; /* the channels */
	struct unit unit;
	struct slave *slave; /* the tape's end; NULL: there is none */
	struct gate gate;    /* if there is one */
	const struct node *nodes[NODE_MAX];
	size_t n_nodes;
	struct fs *fs;
	struct dev *devs[NODE_MAX];
};

/* The messages of libfuse, without the newline. */
static void __attribute__((format(printf, 2, 0)))
log_libfuse(enum fuse_log_level level, const char *fmt, va_list ap)
{
	char text[256];

	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut short is fine */
	text[strcspn(text, "\n")] = '\0';
	if (level <= FUSE_LOG_ERR)
		log_error("libfuse: %s", text);
	else if (level <= FUSE_LOG_WARNING)
		log_warning("libfuse: %s", text);
	else
		log_debug("libfuse: %s", text);
}

static void
fill_defaults(struct nodes_config *config)
{
	bool root = geteuid() == 0;
	const struct group *tape = root ? getgrnam("tape") : NULL;

	if (config->mode == NODES_DEFAULT_MODE)
		config->mode = root ? 0660 : 0600;
	if (config->uid == NODES_DEFAULT_UID)
		config->uid = geteuid();
	if (config->gid == NODES_DEFAULT_GID)
		config->gid = tape != NULL ? tape->gr_gid : getegid();
	if (config->source == NULL)
		config->source = &caller_proc;
}

static int
check(const struct nodes_config *config, struct spec_error *e)
{
	const struct node *nodes[NODE_MAX];
	size_t n = node_choose(config->modes, config->port != NULL, nodes);
	size_t i;
	int r = 0;

	if (!node_base_is_good(config->name))
		return spec_fail(e, EINVAL,
		    "\"%s\" cannot name a drive: use up to %d letters, digits "
		    "and _ - .",
		    config->name, NODE_MAX_BASE);
	if (config->fuse_dir != NULL)
		return 0;
	for (i = 0; r == 0 && i < n; i++)
		r = dev_check(nodes[i], config->name, e);
	return r;
}

/* Nodes that are not there yet. */
static int
new_nodes(struct drive *d, const struct nodes_config *config,
    struct nodes **ret_nodes, struct spec_error *e)
{
	struct nodes *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return spec_fail(e, ENOMEM, "out of memory");
	n->config = *config;
	fill_defaults(&n->config);
	n->name = strdup(config->name);
	n->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	unit_init(&n->unit, d, n->name, n->config.source);
	n->n_nodes = node_choose(config->modes, config->port != NULL, n->nodes);
	gate_init(&n->gate, config->port, call_resume);
	*ret_nodes = n;
	if (n->name == NULL || n->ended_fd < 0)
		return spec_fail(e, errno, "%s: %s", config->name,
		    strerror(errno));
	return 0;
}

/*
 * The directory is put in a form that holds wherever the process goes; one that
 * can't be looked at is for fs_start() to explain.
 */
static int
start_fs(struct nodes *n, struct spec_error *e)
{
	struct fs_config config = {
		.base = n->name,
		.nodes = n->nodes,
		.n_nodes = n->n_nodes,
		.unit = &n->unit,
		.slave = n->slave,
		.ended_fd = n->ended_fd,
		.uid = n->config.uid,
		.gid = n->config.gid,
		.mode = n->config.mode,
	};

	n->dir = realpath(n->config.fuse_dir, NULL);
	if (n->dir == NULL)
		n->dir = strdup(n->config.fuse_dir);
	if (n->dir == NULL)
		return spec_fail(e, ENOMEM, "out of memory");
	config.dir = n->dir;
	return fs_start(&config, &n->fs, e);
}

/*
 * Makes all nodes, and then serves them: while one may still fail no program
 * gets an answer.  All get the major number that the kernel chooses for the
 * first.
 */
static int
start_devs(struct nodes *n, struct spec_error *e)
{
	struct dev_config config = {
		.base = n->name,
		.unit = &n->unit,
		.ended_fd = n->ended_fd,
		.uid = n->config.uid,
		.gid = n->config.gid,
		.mode = n->config.mode,
	};
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < n->n_nodes; i++) {
		config.node = n->nodes[i];
		config.slave = n->nodes[i]->slave ? n->slave : NULL;
		config.minor = (unsigned)i;
		r = dev_make(&config, &n->devs[i], e);
		if (r == 0)
			config.major = dev_major(n->devs[i]);
	}
	for (i = 0; r == 0 && i < n->n_nodes; i++)
		r = dev_serve(n->devs[i], e);
	return r;
}

/* What a drive with a slave end has beside its nodes. */
static int
start_pair(struct nodes *n, struct spec_error *e)
{
	int r;

	if (n->config.port == NULL)
		return 0;
	n->slave = slave_new(n->config.port);
	if (n->slave == NULL)
		return spec_fail(e, ENOMEM, "out of memory");
	if (!n->config.wait_for_slave)
		return 0;
	r = gate_start(&n->gate, e);
	if (r == 0)
		n->unit.gate = &n->gate;
	return r;
}

int
nodes_start(struct drive *d, const struct nodes_config *config,
    struct nodes **ret_nodes, struct spec_error *e)
{
	struct nodes *n = NULL;
	int r;

	fuse_set_log_func(log_libfuse);
	r = check(config, e);
	if (r == 0)
		r = new_nodes(d, config, &n, e);
	if (r == 0)
		r = watch_start(&n->unit.watch, e);
	if (r == 0)
		r = start_pair(n, e);
	if (r == 0)
		r = config->fuse_dir != NULL ? start_fs(n, e)
					     : start_devs(n, e);
	if (r < 0) {
		if (n != NULL)
			(void)nodes_stop(n, NODES_PATIENCE); /* remembered */
		nodes_free(n);
		return r;
	}
	*ret_nodes = n;
	return 0;
}

int
nodes_ended_fd(const struct nodes *n)
{
	return n->ended_fd;
}

/* A call that has to wait for its turn. */
struct waiting_call {
	struct lane_job job; /* first: lane_job is the base */
	void (*call)(void *arg);
	void *arg;
};

static void
run_waiting(struct lane_job *job)
{
	struct waiting_call *w = (struct waiting_call *)job;

	w->call(w->arg);
	free(w);
}

static void
drop_waiting(struct lane_job *job)
{
	free(job); /* nobody waits for it */
}

bool
nodes_call(struct nodes *n, void (*call)(void *arg), void *arg)
{
	struct lane *lane = &n->unit.lane;
	struct waiting_call *w;

	if (lane_try(lane)) {
		call(arg);
		lane_leave(lane);
		return true;
	}
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return false; /* without memory never comes soon enough */
	w->job = (struct lane_job){ .run = run_waiting, .drop = drop_waiting };
	w->call = call;
	w->arg = arg;
	if (lane_post(lane, &w->job))
		lane_leave(lane);
	return false;
}

/*
 * Nothing begins any more, but the readers still read: of a write(2) that has
 * been told that some of it is written, the kernel may hand over the rest.
 * Unless one is under way, this takes no time.
 */
static void
let_records_end(struct nodes *n, int timeout_ms)
{
	int grace = timeout_ms < NODES_GRACE ? timeout_ms : NODES_GRACE;
	int waited;

	unit_end(&n->unit);
	for (waited = 0; waited < grace; waited += NODES_LOOK) {
		if (unit_has_ended(&n->unit))
			return;
		(void)poll(NULL, 0, NODES_LOOK); /* no event tells */
	}
}

static void
stop_channels(struct nodes *n)
{
	size_t i;

	if (n->fs != NULL)
		fs_stop(n->fs);
	for (i = 0; i < NODE_MAX; i++)
		if (n->devs[i] != NULL)
			dev_stop(n->devs[i]);
	n->stopped = true;
}

static int
join_channels(struct nodes *n, const struct timespec *deadline)
{
	size_t i;
	int r = 0;

	if (n->fs != NULL)
		r = fs_join(n->fs, deadline);
	for (i = 0; i < NODE_MAX; i++)
		if (n->devs[i] != NULL && dev_join(n->devs[i], deadline) < 0)
			r = -ETIMEDOUT;
	return r;
}

/* The channels go on: without them no answer of the slave would come. */
static int
await_idle(struct nodes *n, int timeout_ms)
{
	int waited;

	for (waited = 0; lane_is_busy(&n->unit.lane); waited += NODES_LOOK) {
		if (waited >= timeout_ms)
			return -ETIMEDOUT;
		(void)poll(NULL, 0, NODES_LOOK); /* no event tells */
	}
	return 0;
}

static void
close_gate(struct nodes *n)
{
	void *item = n->unit.gate != NULL ? gate_close(&n->gate) : NULL;

	if (item != NULL)
		call_drop(item);
}

int
nodes_stop(struct nodes *n, int timeout_ms)
{
	const struct timespec deadline = deadline_in(timeout_ms);
	int r;

	let_records_end(n, timeout_ms);
	close_gate(n);
	if (n->slave == NULL)
		stop_channels(n);
	lane_close(&n->unit.lane);
	watch_stop(&n->unit.watch);
	r = n->slave != NULL ? await_idle(n, timeout_ms)
			     : join_channels(n, &deadline);
	n->stuck = r < 0;
	if (n->stuck)
		log_error("%s: an operation does not end", n->name);
	return r;
}

/* The channels of a drive with a slave end, after the drive. */
static void
stop_late(struct nodes *n)
{
	const struct timespec deadline = deadline_in(NODES_GRACE);

	if (n->stuck || n->stopped)
		return;
	stop_channels(n);
	n->stuck = join_channels(n, &deadline) < 0;
}

void
nodes_free(struct nodes *n)
{
	size_t i;

	if (n == NULL)
		return;
	stop_late(n);
	fs_free(n->fs, n->stuck);
	for (i = 0; i < NODE_MAX; i++)
		dev_free(n->devs[i], n->stuck);
	if (n->stuck)
		return; /* a thread uses all the rest */
	gate_join(&n->gate);
	gate_destroy(&n->gate);
	slave_free(n->slave);
	unit_fini(&n->unit);
	if (n->ended_fd >= 0)
		(void)close(n->ended_fd); /* it holds nothing */
	free(n->dir);
	free(n->name);
	free(n);
}
