#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# pmtd killed with SIGKILL at random moments while a program writes.  After each
# kill the image has to open and to end at an intact record, with all that was
# acknowledged, byte for byte, and nothing that was not written; and the tape has
# to be usable.  PMT_RUNS is the number of kills.
#
# A rule that a run breaks gets a line in a file of the rule's name; at the end
# there must be none.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need tar cmp

case $transport in
fuse) runs=${PMT_RUNS:-250} latest=20000 ;; # microseconds until a kill
cuse) runs=${PMT_RUNS:-20} latest=300000 ;;
esac
factors=(1 7 20 128 248 512 2048) # of tar -b
added=77 # bytes, the record that is added after each kill
met=0 # kills that have met a client while it wrote, and were examined
run='' # the words for this run
layout=$scratch/layout

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

# crash CLIENT: kills pmtd at a random moment.  The client has to end then.  False
# if it has not met the kill: it was done before, or came too late.
crash()
{
	local moment=$((SRANDOM % latest))

	run+=", killed after $moment us"
	sleep "$(printf '0.%06d' "$moment")"
	kill_pmtd
	await 10 ended_or_late "$1" || broken ends 'hangs'
	ended "$1" || kill -KILL "$1"
	reap "$1" && return 1
	[ ! -e "$ntape" ] || { rm "$ntape"; return 1; }
}

# examine OP...: lets a new pmtd have the image, do so, and add a record; then
# compares what is there with what pmtd said is there.  The result is in
# $scratch/examined.
examine()
{
	local objects said

	start_pmtd "file:$image"
	op rw "$@" eom tell "write:$added" close >"$scratch/examined"
	end_pmtd TERM
	read -r objects said < <(grep -o '[^ ]* [^ ]* [^ ]*$' "$scratch/examined")
	[ "$end_status $said" = "0 $added ok" ] ||
		broken opens "status $end_status, $(tail -c 99 "$scratch/examined")"
	layout >"$layout" 2>&1 || broken intact "$(tail -n 1 "$layout")"
	is_added "$((objects + 2))" || broken intact \
		"$objects objects were there, now there are $(tail -n 2 "$layout")"
}

# is_added N: the image holds N objects, and the last two are the added ones.
is_added()
{
	local count

	count=$(tr ' ' '\n' <"$layout" |
		awk -F '*' '{ n += $2 ? $2 : 1 } END { print n }')
	[ "$count" -eq "$1" ] &&
		[[ " $(tail -n 1 "$layout")" == *" $added mark" ]]
}

# ---- tar -------------------------------------------------------------------

# The first archive has been closed, so it is there.
check_first_archive()
{
	"$live/simh-ls" -x 0 "$image" >"$scratch/data"
	tar -df "$scratch/data" -C "$scratch/small" >"$scratch/output" 2>&1 ||
		broken synced "$(tail -n 1 "$scratch/output")"
}

# check_second_archive RECORD: tar says before each record how many that makes;
# so all but the last one said have been acknowledged.
check_second_archive()
{
	local said found=0

	said=$(grep -c checkpoint "$scratch/said")
	[[ $(sed -n 2p "$layout") =~ ^$1(\*([0-9]+))?' ' ]] &&
		found=${BASH_REMATCH[2]:-1}
	[ "$found" -ge $((said - 1)) ] ||
		broken acknowledged "$found records of $((said - 1))"
	[ "$found" -le "$said" ] || broken written "$found records of $said"
	"$live/simh-ls" -x 1 "$image" |
		cmp -s -n $((found * $1)) - "$scratch/archive" ||
		broken acknowledged 'other bytes'
}

tar_run()
{
	local factor=${factors[SRANDOM % ${#factors[@]}]}

	run="tar -b $factor"
	: >"$scratch/said" # here, so that a very early kill sees nothing old
	start_drive
	tar -b "$factor" -cf "$ntape" -C "$scratch/small" . ||
		broken synced 'no first archive'
	tar -b "$factor" --checkpoint=1 -cf "$ntape" -C "$scratch/large" . \
		2>"$scratch/said" &
	crash $! || return
	examine
	check_first_archive
	check_second_archive $((factor * 512))
	! grep -q checkpoint "$scratch/said" || met=$((met + 1))
}

# ---- Records of all sizes, and filemarks -----------------------------------

# tokens: the records and filemarks out of what tapeop says.
tokens()
{
	grep -oE '[0-9]+#[0-9a-z]+|mark' "$1" | tr '\n' ' '
}

flood_run()
{
	local acknowledged found next

	run='tapeop flood'
	: >"$scratch/said" # as above
	start_drive
	{ op wo "flood:$((SRANDOM >> 1))" >"$scratch/said"; false; } &
	crash $!
	examine rewind drain
	acknowledged=$(tokens "$scratch/said")
	found=$(tokens "$scratch/examined")
	next=$(grep -o '#' <<<"$acknowledged" | wc -l)
	[[ $found == "$acknowledged"* ]] ||
		broken acknowledged "of '$acknowledged' there is '$found'"
	[[ ${found#"$acknowledged"} =~ ^(([0-9]+#$next|mark)\ )?$ ]] ||
		broken written "after '$acknowledged' there is more: '$found'"
	[ -z "$acknowledged" ] || met=$((met + 1))
}

mkdir "$scratch/small" "$scratch/large"
data 30000 1 >"$scratch/small/file"
data $((64 << 20)) 2 >"$scratch/large/file"
# What tar writes, whatever the blocking factor: that is only how many zeros follow.
{ tar -cf - -C "$scratch/large" . && head -c 2M /dev/zero; } >"$scratch/archive"
for ((i = 0; met < runs && i < 3 * runs; i++)); do
	if [ $((i % 5)) -lt 4 ]; then tar_run; else flood_run; fi
done
is "$runs" "$met" 'so many kills have met a client that wrote'
unbroken ends 'every client has ended when pmtd was killed'
unbroken opens 'the image opens, and a record can be added'
unbroken intact 'the image ends at an intact record'
unbroken synced 'what came before the last sync point is there'
unbroken acknowledged 'every acknowledged record is there, byte for byte'
unbroken written 'nothing is there but what was written'
done_testing
