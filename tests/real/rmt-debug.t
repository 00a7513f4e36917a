#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The tape "rmt:" over servers whose drive is one of real Linux st, that tells
# where it is: it is what the contract of a tape says.

kernel=new drives=debug lab_seconds=300
# shellcheck source=drives.sh
. "$(dirname "$0")/drives.sh"
need /usr/sbin/rmt-tar /usr/sbin/rmt-dump "$build/pmt-rmt"
rsh=$scratch/rsh
printf '#!/bin/sh\nshift\nexec "$@"\n' >"$rsh"
chmod +x "$rsh"

# keeps_contract SERVER WINDOW
keeps_contract()
{
	PMT_TAPE_STEPS=500 PMT_TAPE_KEEPS=4 PMT_TAPE_MIN=512 \
		PMT_TAPE="rmt:here:$a,rsh=$rsh,rmt=$1,timeout=20,window=$2" \
		timeout 80 "$build/tests/contract/tape-t" &&
		grep -q '^ok .*500 random operations' "$scratch/output"
}

debug_tape $a 1000
for server in /usr/sbin/rmt-tar /usr/sbin/rmt-dump "$build/pmt-rmt"; do
	for window in 0 64K; do
		ok "${server##*/} over st, window=$window: it is a tape" \
			keeps_contract "$server" $window
	done
done
done_testing
