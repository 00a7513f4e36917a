/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the fault tape: its script, parsed.  The grammar is in fault.h. */
#ifndef PMT_FAULT_SCRIPT_H
#define PMT_FAULT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec.h"

enum fault_op {
	FAULT_LOAD,
	FAULT_UNLOAD,
	FAULT_READ,
	FAULT_WRITE,
	FAULT_FILEMARK,
	FAULT_SPACE,
	FAULT_LOCATE,
	FAULT_REWIND,
	FAULT_ERASE,
	FAULT_SET,
	FAULT_FORMAT,
	FAULT_TELL,
	FAULT_ANY,
	FAULT_OPS
};

#define FAULT_BIT(op) (1U << (op))

/* What a call does instead of, or besides, what it should. */
enum fault_kind {
	/* Of these the first that matches counts. */
	FAULT_FAIL, /* with err */
	FAULT_REFUSE,
	FAULT_LOST,
	FAULT_LOSE,
	FAULT_LOSE_BUFFER,
	FAULT_POWER_OFF,
	FAULT_UNLOADS,
	FAULT_WARN,
	FAULT_DONE, /* and fails with err */
	FAULT_UNKNOWN,
	FAULT_LIE,
	FAULT_DROP,
	FAULT_TWICE,
	FAULT_FLIP,
	/* Of these all do. */
	FAULT_SHIFT,
	FAULT_STALL,
	FAULT_HOLD,
	FAULT_RATE,
	FAULT_BUFFER,
	FAULT_MIN,
	FAULT_MAX,
	FAULT_PROTECT,
	FAULT_WORM,
};

#define FAULT_FIRST_MODE FAULT_SHIFT

enum fault_when {
	FAULT_CALLS,
	FAULT_OBJECTS,
	FAULT_BYTES,
	FAULT_CHANCE,
};

struct fault_rule {
	enum fault_op op; /* whose calls are counted */
	unsigned ops;	  /* the calls that it applies to, as bits */
	enum fault_when when;
	uint64_t first, last; /* calls from 1, objects or bytes from 0 */
	double chance;	      /* 0 to 1 */
	enum fault_kind kind;
	int err;
	int64_t number; /* objects, or bytes */
	double seconds;
	char *path; /* FAULT_HOLD: the file; else NULL */
	bool spent; /* FAULT_REFUSE: it has */
};

struct fault_script {
	struct fault_rule *rules;
	size_t n;
};

extern const char *const fault_op_names[FAULT_OPS];

/*
 * Adds the rules of a text, or of a file.  A bad rule is -EINVAL, and ${e}
 * names its place.
 */
int fault_script_add_text(struct fault_script *s, const char *rules,
    struct spec_error *e);
int fault_script_add_file(struct fault_script *s, const char *path,
    struct spec_error *e);

void fault_script_clear(struct fault_script *s);

#endif
