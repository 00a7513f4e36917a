#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The drive against the real st over scsi_debug, side by side in the lab: first
# the scripts on st, so that what they expect is true, then random cases, new
# ones with every run.  SEED and OPERATIONS repeat or prolong them.

exec tests/lab/lab -s 'ptype=1 delay=0' -t 600 -- \
	"${BUILD:-build}/tests/diff/difftest" compare -n /dev/nst0 \
	${SEED:+-s "$SEED"} -c "${OPERATIONS:-100000}" \
	tests/diff/scripts/*.tape tests/diff/recorded.tape
