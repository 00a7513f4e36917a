/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the commands of pmtimg share: the options as they were given, and what a
 * command returns.
 */
#ifndef PMT_PMTIMG_H
#define PMT_PMTIMG_H

#include <stdbool.h>
#include <stdint.h>

#include "progress.h"
#include "spec.h"

/* Exit statuses; after a signal it is 128 and the signal's number. */
enum pmtimg_status {
	PMTIMG_DONE = 0,
	PMTIMG_FAILED = 1,
	PMTIMG_USAGE = 2,
	PMTIMG_DEGRADED = 3,  /* done, but a mirror has lost legs */
	PMTIMG_UNCHECKED = 2, /* of check and verify: it could not look */
};

/* What is NULL or false was not given. */
struct pmtimg_settings {
	const char *command;
	char **args;
	unsigned n_args;
	const char *format; /* --format and --to */
	const char *capacity, *warn, *compress, *level, *key, *block;
	const char *from;
	bool json, verbose, quiet;
	bool repair, lossy, keep, prompt, verify, overwrite, resume;
	bool has_file, has_record, has_partition;
	uint64_t file, record;
	uint32_t partition;
	enum progress_mode progress;
};

/* The kinds of tape that there are; NULL at the end. */
extern const struct tape_type *const pmtimg_types[];

/*
 * The commands: each does all, messages included, and returns the exit status.
 * The number of arguments and which options were given have been checked.
 */
int pmtimg_create(const struct pmtimg_settings *s);
int pmtimg_info(const struct pmtimg_settings *s);
int pmtimg_ls(const struct pmtimg_settings *s);
int pmtimg_check(const struct pmtimg_settings *s);
int pmtimg_convert(const struct pmtimg_settings *s);
int pmtimg_verify(const struct pmtimg_settings *s);
int pmtimg_copy(const struct pmtimg_settings *s);
int pmtimg_dump(const struct pmtimg_settings *s);
int pmtimg_cat(const struct pmtimg_settings *s);

#endif
