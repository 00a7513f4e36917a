#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A close(2) whose filemark fails.  st tells it there, and so does a file over
# FUSE.  A device over CUSE can't, so the next operation after the next open does,
# once.  Either way the log has it, and the drive stands where st would: behind
# the record, with no filemark counted.
#
# kernel: stable

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

case $transport in
cuse) told_at_close=ok ;;
*) told_at_close=EIO ;;
esac

# failed_close DEVICE: leaves a drive in which that has happened.
failed_close()
{
	rm -f "$image" "$log"
	start_pmtd "fault:{file:$image},do=filemark 1 EIO"
	is "ok 1024 $told_at_close" "$("$tapeop" "$1" wo write:1024 close)" \
		"close gives $told_at_close when its filemark fails"
}

# then_once OP RESULT: what OP gives the second time.
then_once()
{
	local first=EIO

	failed_close "$ntape"
	[ "$transport" = cuse ] || first=$2
	is "ok $first ok" "$(op rw "$1" close)" "the next operation: $1"
	stop_pmtd
}

in_the_log()
{
	failed_close "$ntape"
	like 'npmt: close: Input/output error' "$(<"$log")" \
		'the log tells what has failed'
	if [ "$transport" = cuse ]; then
		is 'ok ok' "$(op ro close)" 'an open and a close can be without it'
		is 'ok EIO 0/1 ok' "$(op ro place place close)" \
			'the next operation fails, once'
	fi
	is 'ok 0/1 1 ok' "$(op ro place tell close)" \
		'the drive stands behind the record, in the same file'
	fails 'and does not claim to be behind a filemark' \
		grep -q ' EOF ' <<<"$(mt -f "$ntape" status)"
	is '1024' "$(layout)" 'nor is one on the image'
	is 'ok 512 ok' "$(op wo write:512 close)" 'writing can go on there'
	is '1024 512 mark' "$(layout)" 'and closes the file after all'
	is 1 "$(grep -c 'close: Input/output error' "$log")" \
		'the log has told it once'
	stop_pmtd
}

rewinding()
{
	failed_close "$tape"
	[ "$transport" = fuse ] || op ro place >"$scratch/output"
	is 'ok 0/0 1024 ok' "$(op ro place read:1024 close)" \
		'a rewinding node has rewound all the same'
	stop_pmtd
}

in_the_log
rewinding
then_once read:1024 EIO # The end of the data, not after a filemark.
then_once write:512 512
then_once nop ok
then_once rewind ok
then_once place 0/1
then_once tell 1
done_testing
