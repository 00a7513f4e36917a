#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The nodes of the drive's other modes: there only when asked for, one drive with
# the others, undefined until an option defines them, and with a block size of
# their own afterwards.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

block_size()
{
	mt -f "$1" status | sed -n 's/^Tape block size \([0-9]*\) bytes.*/\1/p'
}

start_drive
ok 'the nodes of other modes are not there unasked' [ ! -e "${ntape}l" ]
stop_pmtd
rm -f "$image"
start_pmtd --modes "file:$image"
for letter in l m a; do
	ok "--modes makes the nodes of mode $letter" \
		[ -e "$tape$letter" -a -e "$ntape$letter" ]
	fails "mode $letter is not defined at first" mt -f "$ntape$letter" status
	like 'No such device or address' "$(<"$scratch/output")" \
		'... which shows as ENXIO'
done
ok 'an option defines a mode' mt -f "${ntape}l" defblksize 512
is 512 "$(block_size "${ntape}l")" 'it has its own default block size'
is 512 "$(block_size "$ntape")" \
	'which stays with the drive: mode 0 has no default to put in its place'
ok 'mode 0 goes back to variable blocks' mt -f "$ntape" setblk 0
is 0 "$(block_size "$ntape")" 'which shows'
is 512 "$(block_size "${ntape}l")" 'and the node of mode l applies its default'
exec 7<"$ntape"
fails 'all nodes are one drive' mt -f "${ntape}l" status
like 'busy' "$(<"$scratch/output")" '... so the second open is EBUSY'
exec 7<&-
stop_pmtd
done_testing
