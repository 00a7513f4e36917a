#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Signals to a program do not disturb what it does to the tape: large records,
# which the kernel cuts in pieces, arrive and are delivered whole.
#
# kernel: stable

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

count=20
every=500 # microseconds between two signals
mega=1048576

# repeat OP: so often, as arguments.
repeat()
{
	yes "$1" | head -n $count
}

# results RESULT: what tapeop then prints.
results()
{
	repeat "$1" | paste -sd ' '
}

start_drive
mapfile -t writes < <(repeat "write:$mega")
is "ok ok $(results $mega) yes ok ok" \
	"$(op wo "alarm:$every" "${writes[@]}" alarmed alarm:0 close)" \
	"$count writes of 1 MiB under a storm of SIGALRM are counted in full"
is "$mega*$count mark" "$(layout)" 'and each is one record'

mapfile -t reads < <(repeat "read:$mega")
is "ok ok ok $(results $mega) yes ok" \
	"$(op ro rewind "alarm:$every" "${reads[@]}" alarmed close)" \
	"$count reads of 1 MiB under a storm are counted in full"
is "ok ok ok$(seq 0 $((count - 1)) | sed "s/.*/ $mega#&/" | tr -d '\n') mark end" \
	"$(op ro rewind "alarm:$every" drain)" \
	'and what they give is what was written'
stop_pmtd
done_testing
