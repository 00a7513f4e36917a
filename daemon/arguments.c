/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of a program; see arguments.h. */
#include <stdio.h>
#include <stdlib.h>

#include "arguments.h"
#include "log.h"
#include "tape.h"

static void
trace(const char *line)
{
	log_debug("%s", line);
}

static int
take_one(const struct arguments *a, void *settings, int option, const char *arg)
{
	switch (option) {
	case ARGUMENTS_DEBUG:
		log_set_debug(true);
		tape_set_trace(trace);
		return -1;
	case ARGUMENTS_HELP:
		(void)fputs(a->help, stdout);
		return EXIT_SUCCESS;
	case ARGUMENTS_VERSION:
		(void)printf("%s " PMT_VERSION "\n", a->program);
		return EXIT_SUCCESS;
	case '?':
	case ':':
		log_error("%s: %s; try %s --help", arg,
		    option == ':' ? "needs an argument" : "no such option",
		    a->program);
		return EXIT_USAGE;
	default:
		return a->take(settings, option, arg);
	}
}

int
arguments_take(const struct arguments *a, void *settings, int argc, char **argv)
{
	int option, status;

	/* The colon: a missing argument is told apart, and nothing printed. */
	while (
	    (option = getopt_long(argc, argv, ":", a->options, NULL)) != -1) {
		status = take_one(a, settings, option,
		    option == '?' || option == ':' ? argv[optind - 1] : optarg);
		if (status >= 0)
			return status;
	}
	return -1;
}
