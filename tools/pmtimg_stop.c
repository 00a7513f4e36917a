/* SPDX-License-Identifier: BSD-2-Clause */
/* See pmtimg_stop.h. */
#include <signal.h>
#include <stddef.h>

#include "pmtimg_stop.h"

static const struct {
	int number;
	const char *name;
} signals[] = {
	{ SIGINT, "SIGINT" },
	{ SIGTERM, "SIGTERM" },
	{ SIGHUP, "SIGHUP" },
};

#define N_SIGNALS (sizeof(signals) / sizeof(signals[0]))

static volatile sig_atomic_t came;

static void
note(int number)
{
	came = number;
}

/* Calls to the disk go on: only a wait for a person is worth breaking off. */
static void
take(int flags)
{
	struct sigaction action = { .sa_handler = note,
		.sa_flags = (int)(SA_RESETHAND | (unsigned)flags) };

	(void)sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < N_SIGNALS; i++)
		(void)sigaction(signals[i].number, &action, NULL);
}

void
pmtimg_stop_arm(void)
{
	take(SA_RESTART);
	/* A file that is too large is the end of a tape, and no death. */
	(void)signal(SIGXFSZ, SIG_IGN);
}

int
pmtimg_stop_signal(void)
{
	return came;
}

const char *
pmtimg_stop_name(void)
{
	for (size_t i = 0; i < N_SIGNALS; i++)
		if (signals[i].number == came)
			return signals[i].name;
	return "no signal";
}

void
pmtimg_stop_interrupts(bool on)
{
	if (came == 0)
		take(on ? 0 : SA_RESTART);
}
