/* SPDX-License-Identifier: BSD-2-Clause */
/* The gate; see gate.h. */
#include <assert.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "gate.h"
#include "port.h"
#include "spec.h"

/* From the port, whoever calls that. */
static void
slave_changed(void *arg)
{
	struct gate *g = arg;

	pthread_mutex_lock(&g->lock);
	pthread_cond_signal(&g->event);
	pthread_mutex_unlock(&g->lock);
}

void
gate_init(struct gate *g, struct port *p, void (*go)(void *item))
{
	*g = (struct gate){ .port = p, .go = go };
	(void)pthread_mutex_init(&g->lock, NULL); /* can't fail on Linux */
	(void)pthread_cond_init(&g->event, NULL); /* nor can this */
}

void
gate_destroy(struct gate *g)
{
	assert(g->item == NULL && !g->running);
	(void)pthread_cond_destroy(&g->event); /* nobody waits */
	(void)pthread_mutex_destroy(&g->lock);
}

bool
gate_is_shut(struct gate *g)
{
	return port_generation(g->port) == 0;
}

/* With the lock: what waits goes, and is the caller's. */
static void *
take(struct gate *g)
{
	void *item = g->item;

	g->item = NULL;
	g->key = NULL;
	return item;
}

static void *
gate_main(void *arg)
{
	struct gate *g = arg;

	pthread_mutex_lock(&g->lock);
	while (!g->stopping) {
		void *item;

		if (g->item == NULL || gate_is_shut(g)) {
			pthread_cond_wait(&g->event, &g->lock);
			continue;
		}
		item = take(g);
		pthread_mutex_unlock(&g->lock);
		g->go(item);
		pthread_mutex_lock(&g->lock);
	}
	pthread_mutex_unlock(&g->lock);
	return NULL;
}

int
gate_start(struct gate *g, struct spec_error *e)
{
	sigset_t all, before;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&g->thread, NULL, gate_main, g);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0)
		return spec_fail(e, r, "cannot start a thread: %s",
		    strerror(r));
	g->running = true;
	port_listen(g->port, slave_changed, g);
	return 0;
}

void *
gate_close(struct gate *g)
{
	void *item;

	if (g->running)
		port_listen(g->port, NULL, NULL);
	pthread_mutex_lock(&g->lock);
	g->stopping = true;
	item = take(g);
	pthread_cond_signal(&g->event);
	pthread_mutex_unlock(&g->lock);
	return item;
}

void
gate_join(struct gate *g)
{
	if (g->running)
		(void)pthread_join(g->thread, NULL); /* it was started */
	g->running = false;
}

bool
gate_is_taken(struct gate *g)
{
	bool taken;

	pthread_mutex_lock(&g->lock);
	taken = g->item != NULL;
	pthread_mutex_unlock(&g->lock);
	return taken;
}

bool
gate_wait(struct gate *g, void *item, const void *key,
    bool (*unwanted)(void *item))
{
	bool waits;

	pthread_mutex_lock(&g->lock);
	waits = !g->stopping && g->item == NULL && !unwanted(item);
	if (waits) {
		g->item = item;
		g->key = key;
		pthread_cond_signal(&g->event); /* he may have come just now */
	}
	pthread_mutex_unlock(&g->lock);
	return waits;
}

void *
gate_take(struct gate *g, const void *key)
{
	void *item = NULL;

	pthread_mutex_lock(&g->lock);
	if (g->item != NULL && g->key == key)
		item = take(g);
	pthread_mutex_unlock(&g->lock);
	return item;
}
