#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A tape that hangs: a program that waits for it can be killed, whatever it waits
# in; meanwhile others find the drive busy; and when the tape comes back the
# drive goes on as if nothing had been.
#
# kernel: stable

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

client=''
alarms=() # operations that make the client be interrupted all the time
said=$scratch/said # what the client has said

now_ms()
{
	echo $((${EPOCHREALTIME/./} / 1000))
}

# The client waits in the kernel, so that a signal finds it there.
sleeps_in_the_drive()
{
	local line

	read -r line <"/proc/$client/stat"
	[[ ${line##*) } == [SD]* ]]
}

# begin OPERATION OP...: a client, and a tape that will be held.
begin()
{
	local rule=$1

	shift
	start_held "$rule"
	: >"$said" # here, so that nobody sees what the last one said
	"$tapeop" "$ntape" "${alarms[@]}" "$@" >"$said" &
	client=$!
	await 10 contains "$said" ok || bail 'the client hangs too early'
	await 10 sleeps_in_the_drive || bail 'the client does not hang'
}

# hang OPERATION OP...: it hangs in its last operation, which pmtd has got.
hang()
{
	begin "$@"
	await 10 is_held || bail 'the tape is not held'
}

# killed_in WHAT FIRST: FIRST is a signal that comes before, or "none".
killed_in()
{
	local what=$1 first=$2 begin took status

	[ "$first" = none ] || kill "-$first" "$client"
	begin=$(now_ms)
	kill -KILL "$client"
	reap "$client"
	status=$?
	took=$(($(now_ms) - begin))
	is 137 "$status" "SIGKILL ends a program in $what, $first signal before"
	ok "... within a second ($took ms)" [ "$took" -lt 1000 ]
}

busy()
{
	fails 'another program finds the drive busy meanwhile' \
		mt -f "$ntape" status
	like 'busy' "$(<"$scratch/output")" '... and is told so'
}

comes_back()
{
	let_go
	ok 'the drive can be used when the tape is back' \
		await 20 mt -f "$ntape" rewind
}

in_write()
{
	hang 'write 3' wo write:1024 write:1024 write:1024 close
	killed_in write "$1"
	busy
	comes_back
	stop_pmtd 'pmtd ends as ever'
	is '1024*3 mark' "$(layout)" \
		'what was acknowledged is on the tape, what hung, and the filemark'
}

in_read()
{
	hang 'read 2' rw write:1024 write:1024 rewind read:1024 read:1024
	killed_in read "$1"
	busy
	comes_back
	stop_pmtd 'pmtd ends as ever'
}

in_ioctl()
{
	hang 'rewind 1' wo write:1024 rewind
	killed_in ioctl "$1"
	busy
	comes_back
	stop_pmtd 'pmtd ends as ever'
}

in_close()
{
	hang 'filemark 1' wo write:1024 close
	killed_in close "$1"
	busy
	comes_back
	stop_pmtd 'pmtd ends as ever'
	is '1024 mark' "$(layout)" 'the filemark has been written in the end'
}

# With no close: it is the kernel that closes while the program ends.
in_exit()
{
	begin 'filemark 1' wo write:1024 wait:"$scratch/never"
	killed_in "what ends it" none
	busy
	comes_back
	stop_pmtd 'pmtd ends as ever'
	is '1024 mark' "$(layout)" 'the filemark has been written in the end'
}

# pmtd goes when it is told to, after a program was given up as well.
then_sigterm()
{
	hang 'write 3' wo write:1024 write:1024 write:1024
	killed_in write none
	end_pmtd TERM
	ok 'SIGTERM ends pmtd within 2 s all the same' [ "$end_ms" -lt 2000 ]
	ok 'with no node left' nodes_are_gone
	is '1024*2' "$(layout)" 'what was acknowledged is there'
}

mkfifo "$scratch/never"
for first in none STOP; do
	[ $first = none ] || alarms=(alarm:100000)
	in_write $first
	in_read $first
	in_ioctl $first
	in_close $first
done
alarms=()
in_exit
then_sigterm
done_testing
