#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The tape "st:" over a drive that does all that drives can do, and tells where
# it is in the long form: it is what the contract of a tape says.

kernel=new drives=none
# shellcheck source=drives.sh
. "$(dirname "$0")/drives.sh"

# keeps_contract SPEC
keeps_contract()
{
	PMT_TAPE=$1 timeout 80 "$build/tests/contract/tape-t" &&
		grep -q '^ok .*4000 random operations' "$scratch/output"
}

start_obedient
ok "st: over a drive that does all is a tape as tape.h has it" \
	keeps_contract "st:$a"
done_testing
