#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The slave, the client, or pmtd killed with SIGKILL at random moments while a
# program writes to a pair with pmtserve behind it.  After each kill nobody may
# hang, the image must hold whole records only, all that was acknowledged before
# the last sync point and, as pmtserve was not killed with the machine, all that
# was acknowledged at all; and the pair has to be usable.  PMT_RUNS is the number
# of kills of each.
#
# A rule that a run breaks gets a line in a file of the rule's name; at the end
# there must be none.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=pairlib.sh
. "$(dirname "$0")/pairlib.sh"
need "$build/pmtserve"

case $transport in
fuse) runs=${PMT_RUNS:-20} latest=40000 ;; # microseconds until a kill
cuse) runs=${PMT_RUNS:-7} latest=400000 ;;
esac
run='' # the words for this run
server='' client=''
pair_socket=$scratch/socket

# broken RULE WHAT
broken()
{
	echo "$run: $2" >>"$scratch/broken.$1"
}

# unbroken RULE SENTENCE
unbroken()
{
	touch "$scratch/broken.$1"
	is '' "$(<"$scratch/broken.$1")" "$2"
}

# gone PID RULE WHAT: it ends soon, or the rule is broken.
gone()
{
	{ await 10 ended "$1"; } 2>/dev/null || broken "$2" "$3"
	reap "$1" || : # which kills it, if need be
}

start_server()
{
	local tries

	# Who was killed may not have let go yet.
	for ((tries = 0; tries < 500; tries++)); do
		"$build/pmtserve" --foreground --pidfile "$scratch/served" \
			"$end" "file:$image" 2>>"$scratch/server.log" &
		server=$!
		await 10 serving_or_ended
		ended "$server" || return
		reap "$server" || :
	done
	bail "pmtserve does not start"
}

serving_or_ended()
{
	[ -s "$scratch/served" ] || ended "$server"
}

# What tapeop says of records: "64000#0 64000#1 mark ...".
tokens()
{
	grep -oE '[0-9]+#[0-9a-z]+|mark' "$1" | tr '\n' ' '
}

without_last()
{
	sed -E 's/[^ ]+ $//' <<<"$1" | tr -d '\n'
}

# examine WHAT: reads the image in a process of its own: whole records, as they were written.
examine()
{
	local acknowledged found more

	acknowledged=$(tokens "$scratch/said")
	# What a client that was killed said last may not all have been said.
	[ "$1" != client ] || acknowledged=$(without_last "$acknowledged")
	"$tapeop" "$ntape" rw rewind drain eom write:77 weof:1 close \
		>"$scratch/examined" 2>&1
	found=$(tokens "$scratch/examined")
	[[ $(<"$scratch/examined") == *' ok 77 ok ok' ]] ||
		broken usable "$(tail -c 99 "$scratch/examined")"
	[[ $found == "$acknowledged"* ]] ||
		broken acknowledged "of '${acknowledged: -99}' there is '${found: -99}'"
	more=2 # the record under way, and a filemark when its file is closed
	[ "$1" != client ] || more=
	[[ ${found#"$acknowledged"} =~ ^(([0-9]+#[0-9]+|mark)\ ){0,$more}$ ]] ||
		broken torn "after '${acknowledged: -99}' there is more: '${found: -99}'"
}

# What is killed; the others have to cope.
kill_slave()
{
	kill -KILL "$server"
	reap "$server" || :
	gone "$client" hang 'the client, when the slave is killed'
	rm -f "$scratch/served"
	start_server
}

kill_client()
{
	kill -KILL "$client"
	gone "$client" hang 'the client itself'
	await 10 is_free || broken hang 'the drive, when the client is killed'
}

kill_master()
{
	kill_pmtd
	gone "$client" hang 'the client, when pmtd is killed'
	gone "$server" hang 'the slave, when pmtd is killed'
	rm -f "$scratch/served"
	start_pmtd "pair:$pair_socket"
	start_server
}

is_free()
{
	mt -f "$ntape" status >"$scratch/output" 2>&1
}

# one_run WHAT
one_run()
{
	local moment=$((SRANDOM % latest))

	run="kill of the $1 after $moment us at $(basename "$end")"
	: >"$scratch/said"
	rm -f "$image" "$scratch/served"
	start_pmtd "pair:$pair_socket"
	start_server
	"$tapeop" "$ntape" wo "flood:$((SRANDOM >> 1))" >"$scratch/said" &
	client=$!
	await 10 contains "$scratch/said" ok || bail 'the client does not open'
	sleep "$(printf '0.%06d' "$moment")"
	"kill_$1"
	examine "$1"
	end_pmtd TERM
	[ "$end_status" -eq 0 ] || broken ends "pmtd ends with $end_status"
	gone "$server" hang 'the slave, at the end'
	[ -z "$(tokens "$scratch/said")" ] || met=$((met + 1))
}

met=0
image=$scratch/image.pmt
for ((i = 0; i < runs; i++)); do
	end=$slave
	[ $((i % 2)) -eq 0 ] || end=$pair_socket
	for what in slave client master; do
		one_run "$what"
	done
done
ok "most kills have met a client that had written ($met of $((3 * runs)))" \
	[ "$met" -ge $((2 * runs)) ]
unbroken hang 'nobody hangs'
unbroken acknowledged 'every acknowledged record is there, byte for byte'
unbroken torn 'nothing is there but what was written, whole'
unbroken usable 'the pair can be used on'
unbroken ends 'pmtd ends well when it is told to'
done_testing
