#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# pmtd with a mirror of two images, killed with SIGKILL at random moments while a
# program writes records of all sizes and filemarks.  What both images hold is at
# least all that was synced; by ack=lockstep also all that was acknowledged, by
# ack=ring one of them holds that.  Neither holds what was not written.  Opened
# again, the mirror gives what is on both, and nothing of what is only on one.
# PMT_RUNS is the number of kills.
#
# A rule that a run breaks gets a line in a file of the rule's name; at the end
# there must be none.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

pmtimg=$build/pmtimg
need "$pmtimg"
case $transport in
fuse) runs=${PMT_RUNS:-30} latest=60000 ;; # microseconds until a kill
cuse) runs=${PMT_RUNS:-5} latest=150000 ;;
esac
acks=(lockstep ring)
images=("$scratch/a.pmt" "$scratch/b.tap") # of two formats
met=0 # kills that have met a client while it wrote, and were examined
unequal=0 # ... and of them, those after which one image held more
run='' # the words for this run

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

# A client that came too late has made a file in the place of the node.
ended_or_late()
{
	ended "$1" || [ -e "$ntape" ]
}

# crash CLIENT: kills pmtd at a random moment; the client has to end then.
crash()
{
	local moment=$((SRANDOM % latest))

	run+=", killed after $moment us"
	sleep "$(printf '0.%06d' "$moment")"
	kill_pmtd
	await 10 ended_or_late "$1" || broken ends 'hangs'
	ended "$1" || kill -KILL "$1"
	reap "$1"
	rm -f "$ntape"
}

# tokens FILE: the records and filemarks out of what tapeop says.
tokens()
{
	grep -oE '[0-9]+#[0-9a-z]+|mark' "$1" | tr '\n' ' '
}

# holds IMAGE: all that is there, read without pmtd; tokens are in $held.
holds()
{
	rm -f "$scratch/plain.tap"
	"$pmtimg" convert -q --lossy --to simh "$1" "$scratch/plain.tap" \
		>"$scratch/converted" 2>&1
	"$live/simh-ls" -k "$scratch/plain.tap" >"$scratch/examined" 2>&1
	held=$(tokens "$scratch/examined")
}

# gives SPEC: all that a pmtd of its own gives; tokens are in $held, and what ended
# it in $end.
gives()
{
	start_pmtd "$1"
	op rw rewind drain >"$scratch/examined"
	end_pmtd TERM
	held=$(tokens "$scratch/examined")
	end=$(grep -oE '[^ ]+$' "$scratch/examined")
}

# common A B: the longest beginning of both, in whole tokens.
common()
{
	paste <(tr ' ' '\n' <<<"$1") <(tr ' ' '\n' <<<"$2") |
		awk '$1 == "" || $1 != $2 { exit } { printf "%s ", $1 }'
}

# synced ACKNOWLEDGED: what a filemark has made durable.
synced()
{
	[[ $1 != *mark* ]] || echo "${1%mark *}mark "
}

# check_written HELD: nothing but what was acknowledged, and, if all of that is
# there, the object that was under way.
check_written()
{
	local next

	next=$(grep -o '#' <<<"$acknowledged" | wc -l)
	[[ $acknowledged == "$1"* ]] ||
		[[ ${1#"$acknowledged"} =~ ^(([0-9]+#$next|mark)\ )?$ ]] ||
		broken written "of '$acknowledged' it holds '$1'"
}

check_acknowledged()
{
	case $ack in
	lockstep)
		[[ $both == "$acknowledged"* ]] || broken acknowledged \
			"of '$acknowledged' both hold '$both'" ;;
	ring)
		[[ $a == "$acknowledged"* || $b == "$acknowledged"* ]] ||
			broken acknowledged \
			"of '$acknowledged' one holds '$a', the other '$b'" ;;
	esac
}

# Opened again: what both hold, and then an error if one holds more.
check_mirror()
{
	gives "mirror:{file:${images[0]},file:${images[1]}}$1"
	[[ $both == "$held"* ]] ||
		broken presented "$1: '$both' is on both, but given is '$held'"
	if [ "$a" = "$b" ]; then
		[ "$held" = "$both" ] || broken presented \
			"$1: all of '$both' is on both, but given is '$held'"
	else
		[ "$end" = EIO ] || broken presented "$1: ends with '$end'"
	fi
}

one_run()
{
	local acknowledged a b both

	run="ack=$ack"
	rm -f "${images[@]}"
	: >"$scratch/said" # here, so that a very early kill sees nothing old
	start_pmtd "mirror:{file:${images[0]},file:${images[1]}}$options_of_ack"
	op wo "flood:$((SRANDOM >> 1))" >"$scratch/said" &
	crash $!
	acknowledged=$(tokens "$scratch/said")
	holds "${images[0]}"
	a=$held
	holds "${images[1]}"
	b=$held
	both=$(common "$a" "$b")
	[[ $both == "$(synced "$acknowledged")"* ]] ||
		broken synced "of '$acknowledged' both hold '$both'"
	check_written "$a"
	check_written "$b"
	check_acknowledged
	check_mirror ''
	[ $((i % 4)) -ne 0 ] || check_mirror ,verify=yes
	[ -z "$acknowledged" ] || met=$((met + 1))
	[ "$a" = "$b" ] || unequal=$((unequal + 1))
}

for ack in "${acks[@]}"; do
	options_of_ack=
	[ "$ack" = lockstep ] || options_of_ack=,ack=$ack
	met=0 unequal=0
	for ((i = 0; met < runs && i < 3 * runs; i++)); do
		one_run
	done
	is "$runs" "$met" "ack=$ack: so many kills have met a client that wrote"
	echo "# after $unequal of them one image held more than the other"
done
unbroken ends 'every client has ended when pmtd was killed'
unbroken synced 'what came before the last sync point is on both'
unbroken acknowledged 'every acknowledged record is where it should be'
unbroken written 'nothing is there but what was written'
unbroken presented 'the mirror gives what is on both, and nothing else'
done_testing
