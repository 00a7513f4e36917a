#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The tape "st:" over a drive of ours: it is what the contract of a tape says.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

contract=$build/tests/contract/tape-t

# keeps_contract RULE: so much of the contract that it includes this.
keeps_contract()
{
	timeout 200 "$contract" && grep -q "^ok .*$1" "$scratch/output"
}

start_pmtd "file:$image"
PMT_TAPE="st:$ntape" \
	ok 'st: over a drive of ours is a tape as tape.h has it' \
	keeps_contract '4000 random operations'
ok 'and lets go of the drive' mt -f "$ntape" rewind
stop_pmtd
done_testing
