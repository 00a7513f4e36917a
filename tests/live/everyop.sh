#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A program that is stopped and continued, or killed, in each operation that can
# take its time.  When stopped it stops as soon as the operation is over, and the
# operation has its full effect and result; when killed it is gone at once, and
# the drive is free when the tape comes back.  hang.sh has more about a tape that
# hangs for long.
#
# kernel: stable

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

said=$scratch/said # what the client has said
client=''

# The operations: name | what the tape is held in | operations before it | the
# operation | its result | the tape after it was stopped, and then closed | and
# after it was killed.  "also" has a child in the drive, behind which the parent
# waits.
operations=(
'write|write 2|wo write:1024|write:1024|1024|1024*2 mark|1024*2 mark'
'write in pieces|write 2|wo write:1024|write:300000|300000|1024 300000 mark|1024 300000 mark'
'read|read 1|rw write:1024 rewind|read:1024|1024|1024 mark|1024 mark'
'read in pieces|read 1|rw write:300000 rewind|read:300000|300000|300000 mark|300000 mark'
'MTFSR|space 1|rw write:1024 weof rewind|fsr|ok|1024 mark|1024 mark'
'MTEOM|space 1|rw write:1024 weof rewind|eom|ok|1024 mark|1024 mark'
'MTREW|rewind 1|wo write:1024|rewind|ok|1024 mark|1024 mark'
'MTWEOF|filemark 1|wo write:1024|weof|ok|1024 mark|1024 mark'
'MTERASE|erase 1|rw write:1024 weof|erase|ok|1024 mark|1024 mark'
'MTIOCGET|write 2|wo write:1024 also:1024|place|0/2|1024*2 mark|1024*2 mark'
'MTIOCPOS|write 2|wo write:1024 also:1024|tell|2|1024*2 mark|1024*2 mark'
'close|filemark 1|wo write:1024|close|ok|1024 mark|1024 mark'
)

now_ms()
{
	echo $((${EPOCHREALTIME/./} / 1000))
}

# is_in STATE...: of the client, as in /proc/PID/stat.
is_in()
{
	local line

	read -r line <"/proc/$client/stat" || return 1
	line=${line##*) }
	[[ " $* " == *" ${line%% *} "* ]]
}

has_said()
{
	local words

	read -r -a words <"$said"
	[ ${#words[@]} -ge "$1" ]
}

# start_client OPERATION...: it waits in the kernel in the last but one of them, for
# a tape that is held.
start_client()
{
	: >"$said" # here, so that nobody sees what the last one said
	"$tapeop" "$ntape" "$@" >"$said" &
	client=$!
	await 10 has_said $(($# - 2)) || bail "the client hangs before $*"
	await 10 is_held || bail "the tape is not held in $*"
	await 10 is_in S D || bail "the client does not hang in $*"
}

# is_stopped NAME: after longer than pmtd has patience with one that dies.
is_stopped()
{
	kill -STOP "$client"
	pause 0.5
	ok "a program that is stopped in $1 is still in it" is_in S D
	let_go
	ok '... and stops when that is over' await 10 is_in T
}

goes_on()
{
	kill -CONT "$client"
	ok '... and goes on when it is continued' reap "$client"
}

stopped_in()
{
	local name=$1 rule=$2 op=$4 result=$5 after=$6 before

	read -r -a before <<<"$3"
	start_held "$rule"
	start_client "${before[@]}" "$op" nop
	is_stopped "$name"
	if [ "$op" = close ]; then
		ok '... the drive is free meanwhile' mt -f "$ntape" status
	else
		fails '... another finds the drive busy meanwhile' \
			mt -f "$ntape" status
		like busy "$(<"$scratch/output")" '... and is told so'
	fi
	goes_on
	is "$result" "$(cut -d ' ' -f $((${#before[@]} + 1)) "$said")" \
		"... $name has had its usual result"
	stop_pmtd
	is "$after" "$(layout)" '... and its usual effect'
}

# is_killed NAME
is_killed()
{
	local begin took status

	begin=$(now_ms)
	kill -KILL "$client"
	reap "$client"
	status=$?
	took=$(($(now_ms) - begin))
	is 137 "$status" "a program that is killed in $1 ends"
	ok "... within a second ($took ms)" [ "$took" -lt 1000 ]
}

comes_back()
{
	let_go
	ok '... the drive can be used when the tape is back' \
		await 20 mt -f "$ntape" rewind
}

killed_in()
{
	local name=$1 rule=$2 after=$7 before

	read -r -a before <<<"$3 $4"
	start_held "$rule"
	start_client "${before[@]}" nop
	is_killed "$name"
	comes_back
	stop_pmtd
	is "$after" "$(layout)" '... and the tape is closed as ever'
}

# An open waits for what one that was killed has left in the drive, for 2 seconds.
start_open()
{
	start_held write 2
	start_client wo write:1024 write:1024 nop
	kill -KILL "$client"
	reap "$client"
	start_client ro nop
}

stopped_in_open()
{
	start_open
	is_stopped open
	goes_on
	is 'ok ok' "$(<"$said")" '... open has had its usual result'
	stop_pmtd
	is '1024*2 mark' "$(layout)" '... and nothing is lost'
}

# What nobody waits for any more may succeed; it has to be closed then.
killed_in_open()
{
	start_open
	is_killed open
	comes_back
	ok '... and again' mt -f "$ntape" status
	stop_pmtd
	is '1024*2 mark' "$(layout)" '... and nothing is lost'
}

stopped_in_open
killed_in_open
for row in "${operations[@]}"; do
	IFS='|' read -r -a columns <<<"$row"
	stopped_in "${columns[@]}"
	killed_in "${columns[@]}"
done
done_testing
