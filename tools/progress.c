/* SPDX-License-Identifier: BSD-2-Clause */
/* See progress.h.  Owns the last line of the terminal while a bar is there. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pmtimg_text.h"
#include "progress.h"

#define BAR_MS 200    /* between two states of a bar, milliseconds */
#define PLAIN_MS 5000 /* between two lines, milliseconds */
#define BAR_WIDTH 24  /* characters */

bool
progress_mode_named(const char *name, enum progress_mode *ret_mode)
{
	static const char *const names[] = { [PROGRESS_AUTO] = "auto",
		[PROGRESS_BAR] = "bar",
		[PROGRESS_PLAIN] = "plain",
		[PROGRESS_NONE] = "none" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0) {
			*ret_mode = (enum progress_mode)i;
			return true;
		}
	return false;
}

static struct timespec
now(void)
{
	struct timespec t;

	/* Cheap enough to look at after every record; can't fail. */
	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return t;
}

static double
seconds_between(struct timespec from, struct timespec to)
{
	return (double)(to.tv_sec - from.tv_sec) +
	    (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/* "45%, 123.4 MiB of 1.0 GiB, 56.7 MiB/s, 0:12 left" */
static void
describe(const struct progress *p, char *buf, size_t size)
{
	double elapsed = seconds_between(p->start, now());
	double rate = elapsed > 0 ? (double)p->done / elapsed : 0;
	char done[32], total[32], per_second[32], left[48] = "";

	pmtimg_text_size(done, sizeof(done), p->done);
	pmtimg_text_size(per_second, sizeof(per_second), (uint64_t)rate);
	if (p->total == 0 || p->done > p->total) {
		(void)snprintf(buf, size, "%s, %s/s", done, per_second);
		return;
	}
	pmtimg_text_size(total, sizeof(total), p->total);
	if (rate > 0) {
		double rest = (double)(p->total - p->done) / rate;

		(void)snprintf(left, sizeof(left), ", %.0f:%02.0f left",
		    (double)(uint64_t)(rest / 60),
		    rest - 60 * (double)(uint64_t)(rest / 60));
	}
	(void)snprintf(buf, size, "%.0f%%, %s of %s, %s/s%s",
	    100.0 * (double)p->done / (double)p->total, done, total, per_second,
	    left);
}

static void
show_bar(struct progress *p)
{
	char bar[BAR_WIDTH + 1], text[160];
	unsigned full = 0;

	describe(p, text, sizeof(text));
	if (p->total > 0 && p->done <= p->total)
		full = (unsigned)((double)BAR_WIDTH * (double)p->done /
		    (double)p->total);
	for (unsigned i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < full ? '#' : '-';
	bar[BAR_WIDTH] = '\0';
	if (p->total > 0)
		(void)fprintf(stderr, "\r\033[K%.10s [%s] %s", p->what, bar,
		    text);
	else
		(void)fprintf(stderr, "\r\033[K%.10s %s", p->what, text);
	p->visible = true;
}

static void
show(struct progress *p)
{
	char text[160];

	p->shown = now();
	if (p->mode == PROGRESS_BAR) {
		show_bar(p);
		return;
	}
	describe(p, text, sizeof(text));
	(void)fprintf(stderr, "%s: %s\n", p->what, text);
}

void
progress_start(struct progress *p, enum progress_mode mode, const char *what,
    uint64_t total)
{
	*p = (struct progress){ .what = what,
		.mode = mode,
		.total = total,
		.start = now(),
		.ends = mode == PROGRESS_PLAIN };
	p->shown = p->start;
	if (mode == PROGRESS_AUTO)
		p->mode =
		    isatty(STDERR_FILENO) == 1 ? PROGRESS_BAR : PROGRESS_PLAIN;
	if (p->ends)
		show(p);
}

void
progress_at(struct progress *p, uint64_t done)
{
	double ms;

	p->done = done;
	if (p->mode == PROGRESS_NONE)
		return;
	ms = seconds_between(p->shown, now()) * 1000;
	if (ms >= (p->mode == PROGRESS_BAR ? BAR_MS : PLAIN_MS))
		show(p);
}

void
progress_hide(struct progress *p)
{
	if (p->visible)
		(void)fputs("\r\033[K", stderr);
	p->visible = false;
}

void
progress_end(struct progress *p)
{
	if (p->mode == PROGRESS_PLAIN && p->ends)
		show(p);
	progress_hide(p);
	p->mode = PROGRESS_NONE;
}
