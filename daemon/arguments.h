/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options of a program: what pmtd, pmtserve and pmt-rmt do alike.  Only the
 * main file of a program uses it.
 */
#ifndef PMT_ARGUMENTS_H
#define PMT_ARGUMENTS_H

#include <getopt.h>

/* The exit status when what the user has typed is wrong. */
#define EXIT_USAGE 2

/* The values of options: a program's own begin behind those that all have. */
enum {
	ARGUMENTS_DEBUG = 256,
	ARGUMENTS_HELP,
	ARGUMENTS_VERSION,
	ARGUMENTS_OWN
};

/* What all have; the end of a program's list of options. */
#define ARGUMENTS_COMMON                                         \
	{ "debug", no_argument, NULL, ARGUMENTS_DEBUG },         \
	    { "help", no_argument, NULL, ARGUMENTS_HELP },       \
	    { "version", no_argument, NULL, ARGUMENTS_VERSION }, \
	{                                                        \
		NULL, 0, NULL, 0                                 \
	}

struct arguments {
	const char *program;
	const char *help; /* the text */
	const struct option *options;
	/* One of the program's own; as arguments_take(). */
	int (*take)(void *settings, int option, const char *arg);
};

/*
 * Takes all options.  -1 to go on, with optind at the first argument that is
 * none; else the exit status, after a message or what was asked for.
 */
int arguments_take(const struct arguments *a, void *settings, int argc,
    char **argv);

#endif
