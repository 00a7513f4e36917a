/* SPDX-License-Identifier: BSD-2-Clause */
/* A tape behind a pair; see served.h. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <pmt/pair.h>

#include "pair.h"
#include "port.h"
#include "serve.h"
#include "served.h"
#include "tap.h"
#include "tape.h"

#define PATIENCE 20 /* seconds */

/* The thread's own. */
struct slave {
	struct tape *tape;
	char dir[64], path[80]; /* of the socket */
};

/* Until the tape in front is no more. */
static void
serve(struct slave *s, struct pmt_pair *pair)
{
	struct serve *serve = serve_new(s->tape);
	struct pmt_request request;
	struct pmt_reply reply;
	int r;

	if (serve == NULL)
		tap_bail("out of memory");
	while ((r = pmt_pair_next(pair, &request)) == 0) {
		serve_request(serve, &request, pmt_pair_room(pair), &reply);
		r = pmt_pair_answer(pair, &reply);
		if (r == -EINVAL)
			tap_bail("op %d: the tape gives %s", (int)request.op,
			    pmt_pair_why(pair));
	}
	if (r != -EPIPE)
		tap_bail("the pair ends with %d: %s", r, pmt_pair_why(pair));
	serve_free(serve);
}

static void *
slave_main(void *arg)
{
	struct slave *s = arg;
	struct pmt_pair *pair;
	int r = pmt_pair_open(s->path, &pair);

	if (r < 0)
		tap_bail("%s: %s", s->path, strerror(-r));
	serve(s, pair);
	pmt_pair_close(pair);
	tape_free(s->tape);
	(void)rmdir(s->dir); /* the pair tape has removed what was there */
	free(s);
	return NULL;
}

static void
note_change(void *arg)
{
	(void)sem_post(arg); /* it is far from its limit */
}

static void
await_slave(struct port *port)
{
	struct timespec limit;
	sem_t changed;

	(void)sem_init(&changed, 0, 0);
	port_listen(port, note_change, &changed);
	(void)clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += PATIENCE;
	while (port_generation(port) == 0)
		if (sem_timedwait(&changed, &limit) < 0 && errno != EINTR)
			tap_bail("no slave comes");
	port_listen(port, NULL, NULL);
	(void)sem_destroy(&changed);
}

static struct slave *
new_slave(struct tape *below)
{
	struct slave *s = calloc(1, sizeof(*s));

	if (s == NULL)
		tap_bail("out of memory");
	s->tape = below;
	(void)snprintf(s->dir, sizeof(s->dir), "/tmp/pmt-served-XXXXXX");
	if (mkdtemp(s->dir) == NULL)
		tap_bail("no directory for a socket: %s", strerror(errno));
	(void)snprintf(s->path, sizeof(s->path), "%s/socket", s->dir);
	return s;
}

struct tape *
served_new(struct tape *below)
{
	struct slave *s = new_slave(below);
	const struct spec spec = { .type = &pair_tape_type, .arg = s->path };
	struct spec_error e;
	struct tape *front;
	pthread_t thread;

	if (pair_tape_type.open(&spec, &front, &e) < 0)
		tap_bail("%s", e.text);
	if (pthread_create(&thread, NULL, slave_main, s) != 0 ||
	    pthread_detach(thread) != 0)
		tap_bail("no thread for a tape");
	await_slave(pair_port(front));
	return front;
}

static int
served_open(const struct spec *spec, struct tape **ret_tape,
    struct spec_error *e)
{
	struct tape *below;
	int r = spec_open(spec->children[0], &below, e);

	if (r == 0)
		*ret_tape = served_new(below);
	return r;
}

static const struct spec_key *const no_keys[] = { NULL };

const struct tape_type served_tape_type = {
	.name = "served",
	.arg_help = "{SPEC}",
	.min_children = 1,
	.max_children = 1,
	.keys = no_keys,
	.open = served_open,
};
