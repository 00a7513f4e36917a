#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The tape "st:" over a drive that does not tell where it is, that spaces over
# filemarks as over records, that can't locate and can't erase, and that tells
# the end of data as success: it is what the contract of a tape says.

kernel=${PMT_KERNEL:-new} drives=tgt
# shellcheck source=drives.sh
. "$(dirname "$0")/drives.sh"

# keeps_contract SPEC
keeps_contract()
{
	PMT_TAPE_STEPS=1000 PMT_TAPE_CANT=erase PMT_TAPE=$1 \
		timeout 80 "$build/tests/contract/tape-t" &&
		grep -q '^ok .*1000 random operations' "$scratch/output"
}

# More than the random operations fill: the medium ends for tgt's st there.
start_tgt 40 40
ok "st: over tgt is a tape as tape.h has it" keeps_contract "st:$a"
done_testing
