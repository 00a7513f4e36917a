/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: a whole session of the rmt server, with the rules of a table.
 * The input is what a client sends.  It must end; the replies must be replies,
 * one a request and with the data that they announce; and what is granted must
 * be one of the tapes that the table names, whatever the client calls it.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "file.h"
#include "null.h"
#include "server.h"
#include "server_device.h"
#include "table.h"
#include "tape.h"
#include "rmt/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct tape_type *const types[] = { &file_tape_type,
	&null_tape_type, &fault_tape_type, NULL };

/* In memory: what is made durable here need not be. */
static char dir[] = "/dev/shm/rmt-fuzz.XXXXXX";
static struct rmt_table *table;

struct client {
	const uint8_t *in;
	size_t left;
};

static ssize_t
client_read(void *arg, void *buf, size_t size)
{
	struct client *c = arg;
	size_t n = size < c->left ? size : c->left;

	memcpy(buf, c->in, n);
	c->in += n;
	c->left -= n;
	return (ssize_t)n;
}

/* The session sends each reply in one piece. */
static int
client_write(void *arg, const void *buf, size_t len)
{
	struct rmt_reply reply;
	ssize_t n = rmt_wire_decode_reply(buf, len, &reply);

	(void)arg; /* nothing is kept */
	assert(n > 0);
	assert((size_t)n == len ||
	    (reply.kind == RMT_DONE &&
		(int64_t)(len - (size_t)n) == reply.value));
	return 0;
}

/* Neither a link nor a wrong path comes through; the options are ours. */
static void
check(const struct rmt_grant *g)
{
	assert(!g->is_node);
	assert(strstr(g->text, "/..") == NULL);
	assert(strstr(g->text, "secret") == NULL);
	assert(strstr(g->text, "script") == NULL);
	assert(g->trusted || strstr(g->text, "key") == NULL);
	for (const char *p = g->text; (p = strstr(p, "file:")) != NULL; p += 5)
		assert(strncmp(p + 5, dir, strlen(dir)) == 0);
}

static int
desk_open(void *arg, const char *name, int flags,
    struct rmt_device **ret_device, char why[RMT_WHY_MAX])
{
	const struct rmt_policy policy = { .user = "ann",
		.host = "10.0.0.1",
		.table = table,
		.types = types };
	char real[RMT_DEVICE_MAX + 64];
	const char *at = strchr(name, '@');
	struct rmt_grant g;
	struct spec_error e;
	int r;

	/* "@" saves the fuzzer from finding out the name of the directory. */
	if (at != NULL)
		(void)snprintf(real, sizeof(real), "%.*s%s%s", (int)(at - name),
		    name, dir, at + 1);
	else
		(void)snprintf(real, sizeof(real), "%s", name);
	r = rmt_table_decide(&policy, real, (flags & O_CREAT) != 0, &g, &e);
	if (r < 0)
		return r;
	check(&g);
	r = rmt_server_open_spec(&g, types, flags, arg, ret_device, why);
	rmt_table_free_grant(&g);
	return r;
}

static void
set_up(void)
{
	char text[512], path[128];
	struct spec_error e;
	int n;

	if (mkdtemp(dir) == NULL)
		abort();
	(void)snprintf(path, sizeof(path), "%s/secret", dir);
	if (symlink("/etc/passwd", path) < 0)
		abort();
	(void)snprintf(path, sizeof(path), "%s/t-x.tap", dir);
	if (symlink("secret", path) < 0)
		abort();
	n = snprintf(text, sizeof(text),
	    "alias a fault:{file:%s/t-a.tap,capacity=8K,warn=4K},do=any 9 EIO\n"
	    "alias b rewind null:\n"
	    "allow ann * create a\nallow * 10.* rw b\n"
	    "allow ann * ro null:\n"
	    "allow ann * create file:%s/t-?.tap\n",
	    dir, dir);
	if (rmt_table_parse(text, (size_t)n, "t", &table, &e) < 0)
		abort();
}

/* So that each input finds the same. */
static void
forget_tapes(void)
{
	char path[128];

	for (const char *p = "abcdefgh"; *p != '\0'; p++) {
		(void)snprintf(path, sizeof(path), "%s/t-%c.tap", dir, *p);
		(void)unlink(path); /* few are there */
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct client c = { .in = data, .left = size };
	struct rmt_places *places;
	const struct rmt_link link = { client_read, client_write, &c };
	struct rmt_desk desk = { desk_open, NULL };

	if (table == NULL)
		set_up();
	places = rmt_server_places_new();
	if (places == NULL)
		return 0;
	desk.arg = places;
	(void)rmt_server_run(&link, &desk); /* any result is fine */
	rmt_server_places_free(places);
	forget_tapes();
	return 0;
}
