/* SPDX-License-Identifier: BSD-2-Clause */
/* A unit; see unit.h. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "drive.h"
#include "unit.h"

struct unit_file {
	uint64_t handle;
	bool close_tells; /* the result of unit_flush() */
	int flushed;	  /* that result, of the last one */
	struct frag *frag;
	char node[NODE_MAX_NAME + 1];
};

void
unit_init(struct unit *u, struct drive *d, const char *name,
    const struct caller_source *source)
{
	*u = (struct unit){ .drive = d, .name = name, .source = source };
	lane_init(&u->lane);
	watch_init(&u->watch, name, source);
}

static void
forget_file(struct unit *u)
{
	if (u->file == NULL)
		return;
	frag_free(u->file->frag);
	free(u->file);
	u->file = NULL;
}

void
unit_fini(struct unit *u)
{
	forget_file(u);
	watch_destroy(&u->watch);
	lane_destroy(&u->lane);
}

void
unit_end(struct unit *u)
{
	atomic_store(&u->ending, true);
}

/*
 * Who is in the lane when ending is set tells in writing before he leaves what
 * he has begun; who comes later begins nothing.
 */
bool
unit_has_ended(struct unit *u)
{
	return !lane_is_busy(&u->lane) && !atomic_load(&u->writing);
}

/* Passes on a result, after a line about it if it is a failure. */
static ssize_t
reported(struct unit *u, const char *node, const char *op, ssize_t n)
{
	if (n < 0)
		report_failure(&u->report, node, op, (int)n,
		    drive_why(u->drive));
	return n;
}

static struct unit_file *
file_of(struct unit *u, uint64_t handle)
{
	if (u->file == NULL || u->file->handle != handle)
		return NULL;
	return u->file;
}

/* The same for what begins something: not at the end. */
static int
file_to_begin(struct unit *u, uint64_t handle, struct unit_file **ret_file)
{
	*ret_file = file_of(u, handle);
	if (*ret_file == NULL)
		return -EBADF;
	return atomic_load(&u->ending) ? -ENOTCONN : 0;
}

static void
note_writing(struct unit *u)
{
	atomic_store(&u->writing,
	    u->file != NULL && frag_is_writing(u->file->frag));
}

static struct unit_file *
new_file(struct unit *u, const struct unit_port *port, const struct node *node)
{
	struct unit_file *file = calloc(1, sizeof(*file));

	if (file == NULL)
		return NULL;
	node_name(node, u->name, file->node);
	file->close_tells = port->is_file;
	file->handle = ++u->last_handle;
	file->frag = frag_new(u->drive, port->chunk, file->node, u->source);
	if (file->frag == NULL) {
		free(file);
		return NULL;
	}
	return file;
}

bool
unit_is_open(const struct unit *u)
{
	return u->file != NULL;
}

int
unit_open(struct unit *u, const struct unit_port *port, const struct node *node,
    int flags, uint64_t *ret_handle)
{
	char name[NODE_MAX_NAME + 1];
	int r;

	if (atomic_load(&u->ending))
		return -ENOTCONN;
	r = drive_open(u->drive, flags, node->mode, node->rewinds);
	if (r < 0) {
		node_name(node, u->name, name);
		return (int)reported(u, name, "open", r);
	}
	assert(u->file == NULL);
	u->file = new_file(u, port, node);
	if (u->file == NULL) {
		(void)drive_close(u->drive); /* nothing has been done to it */
		return -ENOMEM;
	}
	*ret_handle = u->file->handle;
	return 0;
}

ssize_t
unit_read(struct unit *u, uint64_t handle, const struct frag_part *part,
    const void **ret_data)
{
	struct unit_file *file;
	ssize_t n = file_to_begin(u, handle, &file);

	if (n < 0)
		return n;
	n = frag_read(file->frag, part, ret_data);
	note_writing(u);
	return reported(u, file->node, "read", n);
}

ssize_t
unit_write(struct unit *u, uint64_t handle, const struct frag_part *part,
    const void *data)
{
	struct unit_file *file;
	ssize_t n = file_to_begin(u, handle, &file);

	if (n < 0 && (file == NULL || !frag_goes_on(file->frag, part)))
		return n;
	n = frag_write(file->frag, part, data);
	note_writing(u);
	return reported(u, file->node, "write", n);
}

struct frag_place
unit_place(struct unit *u, uint64_t handle, pid_t tid)
{
	struct unit_file *file = file_of(u, handle);

	if (file == NULL)
		return (struct frag_place){ .data = NULL };
	return frag_place(file->frag, tid);
}

int
unit_ioctl(struct unit *u, uint64_t handle, uint32_t cmd,
    const struct ioctl_caller *who, const void *in, void *out, size_t *ret_out)
{
	struct unit_file *file;
	int r = file_to_begin(u, handle, &file);

	if (r < 0)
		return r;
	r = frag_settle(file->frag, who->tid);
	note_writing(u);
	if (r == 0)
		r = ioctl_call(u->drive, cmd, who, in, out, ret_out);
	return (int)reported(u, file->node, "ioctl", r);
}

int
unit_flush(struct unit *u, uint64_t handle, pid_t tid)
{
	struct unit_file *file = file_of(u, handle);
	int late;
	int r;

	if (file == NULL)
		return -EBADF;
	late =
	    (int)reported(u, file->node, "write", frag_settle(file->frag, tid));
	note_writing(u);
	r = (int)reported(u, file->node, "close", drive_flush(u->drive));
	file->flushed = r < 0 ? r : late;
	return file->flushed;
}

bool
unit_release(struct unit *u, uint64_t handle)
{
	struct unit_file *file = file_of(u, handle);
	int late;
	int r;

	if (file == NULL)
		return false;
	late = (int)reported(u, file->node, "write", frag_finish(file->frag));
	r = (int)reported(u, file->node, "close", drive_close(u->drive));
	if (r == 0)
		r = late;
	/* An error that close(2) has returned is not told a second time. */
	if (r < 0 && (!file->close_tells || file->flushed == 0))
		drive_keep_error(u->drive, r);
	forget_file(u);
	note_writing(u);
	return true;
}
