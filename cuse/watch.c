/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The watch; see watch.h.
 *
 * The kernel tells once that a signal has come for a caller, and not which: a
 * harmless one may be followed by SIGKILL with no further word.  Nor does it
 * tell anything when a dying program's files are closed.  So the thread looks
 * at /proc every LOOK_INTERVAL_MS as long as somebody waits who was
 * interrupted, or whose item says so.  What ends sooner than that costs two
 * turns of a lock.
 */
#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "deadline.h"
#include "spec.h"
#include "watch.h"

#define LOOK_INTERVAL_MS 50

/*
 * How long somebody may be dying: most operations end in that time, and nobody
 * notices anything; but a killed program should be gone within a second.
 */
#define DYING_PATIENCE_MS 200

void
watch_init(struct watch *w, const char *name,
    const struct caller_source *source)
{
	*w = (struct watch){ .name = name, .source = source };
	(void)pthread_mutex_init(&w->lock, NULL); /* can't fail on Linux */
	deadline_cond_init(&w->event);
}

void
watch_destroy(struct watch *w)
{
	(void)pthread_cond_destroy(&w->event); /* nobody waits */
	(void)pthread_mutex_destroy(&w->lock);
}

void
watch_enter(struct watch *w, struct watch_item *item)
{
	item->given_up = false;
	item->waited_ms = item->dying_ms = 0;
	pthread_mutex_lock(&w->lock);
	item->next = w->items;
	item->link = &w->items;
	if (item->next != NULL)
		item->next->link = &item->next;
	w->items = item;
	if (item->look || item->patience_ms > 0)
		pthread_cond_signal(&w->event);
	pthread_mutex_unlock(&w->lock);
}

void
watch_leave(struct watch *w, struct watch_item *item)
{
	pthread_mutex_lock(&w->lock);
	if (item->link != NULL)
		*item->link = item->next;
	if (item->link != NULL && item->next != NULL)
		item->next->link = item->link;
	item->link = NULL;
	pthread_mutex_unlock(&w->lock);
}

bool
watch_flag(struct watch *w, struct watch_item *item, bool *flag)
{
	bool given_up;

	pthread_mutex_lock(&w->lock);
	*flag = true;
	given_up = item->given_up;
	pthread_mutex_unlock(&w->lock);
	return given_up;
}

void
watch_interrupted(struct watch *w, const void *key)
{
	struct watch_item *item;

	pthread_mutex_lock(&w->lock);
	for (item = w->items; item != NULL; item = item->next)
		if (item->key == key)
			item->look = true;
	pthread_cond_signal(&w->event);
	pthread_mutex_unlock(&w->lock);
}

static bool
anybody_to_look_at(const struct watch *w)
{
	const struct watch_item *item;

	for (item = w->items; item != NULL; item = item->next)
		if ((item->look || item->patience_ms > 0) && !item->given_up)
			return true;
	return false;
}

static void
look_at(const struct watch *w, struct watch_item *item)
{
	bool impatient;

	item->waited_ms += LOOK_INTERVAL_MS;
	impatient =
	    item->patience_ms > 0 && item->waited_ms >= item->patience_ms;
	if (item->look && item->tid > 0 && w->source->dying(item->tid))
		item->dying_ms += LOOK_INTERVAL_MS;
	if (item->dying_ms >= DYING_PATIENCE_MS)
		item->given_up = item->give_up(item, true);
	else if (impatient)
		item->given_up = item->give_up(item, false);
}

/* Reading /proc takes microseconds; nobody minds the lock for that long. */
static void
look(struct watch *w)
{
	struct watch_item *item;

	for (item = w->items; item != NULL; item = item->next)
		if (!item->given_up)
			look_at(w, item);
}

/* Waits for LOOK_INTERVAL_MS, or until the end. */
static void
rest(struct watch *w)
{
	struct timespec until = deadline_in(LOOK_INTERVAL_MS);
	int r = 0;

	while (r == 0 && !w->stopping)
		r = pthread_cond_timedwait(&w->event, &w->lock, &until);
}

static void *
thread_main(void *arg)
{
	struct watch *w = arg;

	pthread_mutex_lock(&w->lock);
	while (!w->stopping) {
		if (!anybody_to_look_at(w)) {
			pthread_cond_wait(&w->event, &w->lock);
			continue;
		}
		rest(w);
		if (!w->stopping)
			look(w);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int
watch_start(struct watch *w, struct spec_error *e)
{
	sigset_t all, before;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&w->thread, NULL, thread_main, w);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0)
		return spec_fail(e, r, "%s: cannot start a thread: %s", w->name,
		    strerror(r));
	w->running = true;
	return 0;
}

void
watch_stop(struct watch *w)
{
	if (!w->running)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_broadcast(&w->event);
	pthread_mutex_unlock(&w->lock);
	(void)pthread_join(w->thread, NULL); /* it never blocks for long */
	w->running = false;
}
