#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The tape "st:" over a drive that tells where it is, with its sg node and
# without: it is what the contract of a tape says.

kernel=new drives=debug
# shellcheck source=drives.sh
. "$(dirname "$0")/drives.sh"

# keeps_contract SPEC
keeps_contract()
{
	PMT_TAPE_KEEPS=4 PMT_TAPE=$1 timeout 80 "$build/tests/contract/tape-t" &&
		grep -q '^ok .*4000 random operations' "$scratch/output"
}

for option in '' ,sg=no; do
	ok "st:NODE$option over scsi_debug is a tape as tape.h has it" \
		keeps_contract "st:$a$option"
done
done_testing
