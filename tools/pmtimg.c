/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmtimg: looks at tape images and other tapes, and makes, checks, converts and
 * copies them.  This file knows the commands, their options, and the kinds of
 * tape there are; each command is a file of its own.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "fault.h"
#include "file.h"
#include "log.h"
#include "mirror.h"
#include "null.h"
#include "pmtimg.h"
#include "pmtimg_tape.h"
#include "st.h"

const struct tape_type *const pmtimg_types[] = {
	&file_tape_type,
	&null_tape_type,
	&fault_tape_type,
	&st_tape_type,
	&mirror_tape_type,
	&rmt_tape_type,
	NULL,
};

enum option_id {
	OPT_FORMAT = 256,
	OPT_TO,
	OPT_CAPACITY,
	OPT_WARN,
	OPT_COMPRESS,
	OPT_LEVEL,
	OPT_KEY,
	OPT_BLOCK,
	OPT_JSON,
	OPT_REPAIR,
	OPT_LOSSY,
	OPT_KEEP,
	OPT_FROM,
	OPT_PROMPT,
	OPT_VERIFY,
	OPT_OVERWRITE,
	OPT_RESUME,
	OPT_FILE,
	OPT_RECORD,
	OPT_PARTITION,
	OPT_PROGRESS,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "to", required_argument, NULL, OPT_TO },
	{ "capacity", required_argument, NULL, OPT_CAPACITY },
	{ "warn", required_argument, NULL, OPT_WARN },
	{ "compress", required_argument, NULL, OPT_COMPRESS },
	{ "level", required_argument, NULL, OPT_LEVEL },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "block", required_argument, NULL, OPT_BLOCK },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "verbose", no_argument, NULL, 'v' },
	{ "repair", no_argument, NULL, OPT_REPAIR },
	{ "lossy", no_argument, NULL, OPT_LOSSY },
	{ "keep", no_argument, NULL, OPT_KEEP },
	{ "from", required_argument, NULL, OPT_FROM },
	{ "prompt", no_argument, NULL, OPT_PROMPT },
	{ "verify", no_argument, NULL, OPT_VERIFY },
	{ "overwrite", no_argument, NULL, OPT_OVERWRITE },
	{ "resume", no_argument, NULL, OPT_RESUME },
	{ "file", required_argument, NULL, OPT_FILE },
	{ "record", required_argument, NULL, OPT_RECORD },
	{ "partition", required_argument, NULL, OPT_PARTITION },
	{ "progress", required_argument, NULL, OPT_PROGRESS },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

#define MAX_OPTIONS 12

/* Every command takes --progress, -q, --help and --version, too. */
static const struct command {
	const char *name;
	int (*run)(const struct pmtimg_settings *s);
	const char *args; /* for people */
	unsigned min_args, max_args;
	int options[MAX_OPTIONS]; /* 0 ends */
} commands[] = {
	{ "create", pmtimg_create, "PATH", 1, 1,
	    { OPT_FORMAT, OPT_CAPACITY, OPT_WARN, OPT_COMPRESS, OPT_LEVEL,
		OPT_KEY, OPT_BLOCK } },
	{ "info", pmtimg_info, "TAPE", 1, 1, { OPT_JSON } },
	{ "ls", pmtimg_ls, "TAPE", 1, 1, { OPT_JSON, 'v', OPT_PARTITION } },
	{ "check", pmtimg_check, "TAPE", 1, 1, { OPT_JSON, OPT_REPAIR } },
	{ "convert", pmtimg_convert, "SOURCE TARGET", 2, 2,
	    { OPT_TO, OPT_COMPRESS, OPT_LEVEL, OPT_KEY, OPT_BLOCK, OPT_LOSSY,
		OPT_KEEP } },
	{ "copy", pmtimg_copy, "SOURCE TARGET...", 1, 1000,
	    { OPT_FROM, OPT_PROMPT, OPT_VERIFY, OPT_OVERWRITE, OPT_LOSSY,
		OPT_PARTITION, OPT_RESUME } },
	{ "verify", pmtimg_verify, "TAPE TAPE...", 1, 1000,
	    { OPT_JSON, OPT_PARTITION } },
	{ "dump", pmtimg_dump, "TAPE", 1, 1,
	    { OPT_FILE, OPT_RECORD, OPT_PARTITION } },
	{ "cat", pmtimg_cat, "TAPE FILE", 2, 2, { OPT_PARTITION } },
};

/* For options before a command: --help and --version only. */
static const struct command no_command = { "COMMAND", NULL, "...", 1, 0,
	{ 0 } };

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const char help_text[] =
    "usage: pmtimg COMMAND [OPTION...] ARGUMENT...\n"
    "\n"
    "  create PATH            makes a blank image\n"
    "      --format NAME, --capacity SIZE, --warn SIZE, --compress METHOD,\n"
    "      --level N, --key FILE, --block SIZE\n"
    "  info TAPE              what there is to know of a tape\n"
    "      --json\n"
    "  ls TAPE                what is on it, a line for each tape file\n"
    "      -v each object, --json, --partition N\n"
    "  check TAPE             reads all of it, and tells of all damage\n"
    "      --json, --repair cuts off a torn tail, nothing else\n"
    "  convert SOURCE TARGET  makes a new image, of another format\n"
    "      --to FORMAT, --compress METHOD, --level N, --key FILE,\n"
    "      --block SIZE, --lossy, --keep\n"
    "  copy SOURCE TARGET...  record for record, over several volumes\n"
    "      --from TAPE,TAPE... for SOURCE, --prompt, --verify, --overwrite,\n"
    "      --lossy, --partition N;\n"
    "      --resume goes on with a copy that is not complete\n"
    "  verify TAPE TAPE...    whether they hold the same, or where they "
    "differ\n"
    "      --json, --partition N\n"
    "  dump TAPE              records in hexadecimal\n"
    "      --file N, --record N, --partition N\n"
    "  cat TAPE FILE          the data of a tape file, to a pipe or a file\n"
    "      --partition N\n"
    "\n"
    "  --progress auto|bar|plain|none, -q (no progress, no summary),\n"
    "  --help, --version\n"
    "\n"
    "TAPE is the path of an image, or TYPE:ARG[,KEY=VALUE...] as in pmtd(8).\n"
    "Files, records, objects and partitions count from 0.  See pmtimg(1).\n";

static const struct command *
command_named(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static bool
takes(const struct command *c, int option)
{
	if (option == OPT_PROGRESS || option == 'q')
		return true;
	for (size_t i = 0; i < MAX_OPTIONS && c->options[i] != 0; i++)
		if (c->options[i] == option)
			return true;
	return false;
}

static const char *
option_name(int option)
{
	for (const struct option *o = long_options; o->name != NULL; o++)
		if (o->val == option)
			return o->name;
	return "";
}

static bool
parse_number(const char *text, uint64_t most, uint64_t *ret_n)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || text[0] == '-' ||
	    n > most)
		return false;
	*ret_n = n;
	return true;
}

/* Options that are just kept.  False: it is another one. */
static bool
take_text(struct pmtimg_settings *s, int option, const char *arg)
{
	const struct {
		int option;
		const char **where;
	} texts[] = {
		{ OPT_FORMAT, &s->format },
		{ OPT_TO, &s->format },
		{ OPT_CAPACITY, &s->capacity },
		{ OPT_WARN, &s->warn },
		{ OPT_COMPRESS, &s->compress },
		{ OPT_LEVEL, &s->level },
		{ OPT_KEY, &s->key },
		{ OPT_BLOCK, &s->block },
		{ OPT_FROM, &s->from },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].option == option) {
			*texts[i].where = arg;
			return true;
		}
	return false;
}

static bool
take_flag(struct pmtimg_settings *s, int option)
{
	const struct {
		int option;
		bool *where;
	} flags[] = {
		{ OPT_JSON, &s->json },
		{ 'v', &s->verbose },
		{ OPT_REPAIR, &s->repair },
		{ OPT_LOSSY, &s->lossy },
		{ OPT_KEEP, &s->keep },
		{ OPT_PROMPT, &s->prompt },
		{ OPT_VERIFY, &s->verify },
		{ OPT_OVERWRITE, &s->overwrite },
		{ OPT_RESUME, &s->resume },
		{ 'q', &s->quiet },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].option == option) {
			*flags[i].where = true;
			return true;
		}
	return false;
}

/* Those with a value that can be wrong.  False: it is. */
static bool
take_value(struct pmtimg_settings *s, int option, const char *arg)
{
	uint64_t n;

	switch (option) {
	case OPT_FILE:
		s->has_file = true;
		return parse_number(arg, INT64_MAX, &s->file);
	case OPT_RECORD:
		s->has_record = true;
		return parse_number(arg, INT64_MAX, &s->record);
	case OPT_PARTITION:
		s->has_partition = true;
		if (!parse_number(arg, UINT32_MAX, &n))
			return false;
		s->partition = (uint32_t)n;
		return true;
	case OPT_PROGRESS:
	default:
		return progress_mode_named(arg, &s->progress);
	}
}

/* -1 to go on, else the exit status. */
static int
take_option(struct pmtimg_settings *s, const struct command *c, int option,
    const char *arg, const char *typed)
{
	if (option == '?' || option == ':') {
		log_error("%s: %s; try pmtimg --help", typed,
		    option == ':' ? "needs an argument" : "no such option");
		return PMTIMG_USAGE;
	}
	if (option == OPT_HELP) {
		(void)fputs(help_text, stdout);
		return PMTIMG_DONE;
	}
	if (option == OPT_VERSION) {
		(void)puts("pmtimg " PMT_VERSION);
		return PMTIMG_DONE;
	}
	if (!takes(c, option)) {
		log_error("%s does not take --%s; try pmtimg --help", c->name,
		    option_name(option));
		return PMTIMG_USAGE;
	}
	if (take_text(s, option, arg) || take_flag(s, option))
		return -1;
	if (take_value(s, option, arg))
		return -1;
	log_error("--%s %s: %s; try pmtimg --help", option_name(option), arg,
	    option == OPT_PROGRESS ? "there are auto, bar, plain and none"
				   : "not a number from 0 on");
	return PMTIMG_USAGE;
}

/* What no single option can tell.  As above. */
static int
check_arguments(const struct pmtimg_settings *s, const struct command *c)
{
	if (s->n_args < c->min_args || s->n_args > c->max_args) {
		log_error("usage: pmtimg %s %s; try pmtimg --help", c->name,
		    c->args);
		return PMTIMG_USAGE;
	}
	if (s->verify && s->lossy) {
		log_error("--verify can't compare what --lossy leaves out; "
			  "give one of them");
		return PMTIMG_USAGE;
	}
	if (s->resume &&
	    (s->n_args != 2 || s->from != NULL || s->prompt || s->lossy)) {
		log_error("--resume makes one tape the same as another one: "
			  "copy --resume SOURCE TARGET, without --from, "
			  "--prompt and --lossy");
		return PMTIMG_USAGE;
	}
	return -1;
}

/* -1 to go on, else the exit status. */
static int
take_arguments(struct pmtimg_settings *s, const struct command *c, int argc,
    char **argv)
{
	int option, status;

	/* The colon: a missing argument is told apart, and nothing printed. */
	while ((option = getopt_long(argc, argv, ":vq", long_options, NULL)) !=
	    -1) {
		status = take_option(s, c, option, optarg, argv[optind - 1]);
		if (status >= 0)
			return status;
	}
	s->args = argv + optind;
	s->n_args = (unsigned)(argc - optind);
	if (s->quiet)
		s->progress = PROGRESS_NONE;
	return check_arguments(s, c);
}

int
main(int argc, char **argv)
{
	struct pmtimg_settings s = { .progress = PROGRESS_AUTO };
	const struct command *c;
	int status, skip;

	log_name("pmtimg");
	if (argc < 2) {
		log_error("no command; try pmtimg --help");
		return PMTIMG_USAGE;
	}
	c = argv[1][0] == '-' ? &no_command : command_named(argv[1]);
	if (c == NULL) {
		log_error("%s: no such command; try pmtimg --help", argv[1]);
		return PMTIMG_USAGE;
	}
	skip = c != &no_command;
	s.command = c->name;
	status = take_arguments(&s, c, argc - skip, argv + skip);
	/* What is said comes in order with the errors; a dump is too long. */
	if (c->run != pmtimg_dump)
		(void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	if (status < 0)
		status = c->run(&s);
	if (status == PMTIMG_DONE && pmtimg_tape_lost())
		status = PMTIMG_DEGRADED;
	/* What did not get out was not said. */
	if ((fflush(stdout) != 0 || ferror(stdout) != 0) &&
	    (status == PMTIMG_DONE || status == PMTIMG_DEGRADED)) {
		log_error("standard output: %s", strerror(errno));
		status = PMTIMG_FAILED;
	}
	return status;
}
