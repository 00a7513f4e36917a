#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Several processes write through one descriptor in turn, as dump has them, under
# a storm of signals: no count is short, and nothing is lost or out of order.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need dump restore mke2fs unshare setsid

turns=$build/tests/live/turns
need "$turns"
tree=$scratch/tree
fs=$scratch/fs.ext4

# What a reader is given: records that are numbered in order, and a filemark.
numbered()
{
	seq -s ' ' 0 $(($1 - 1)) | sed "s/[0-9]*/$2#&/g; s/\$/ mark end/"
}

# in_turns WHAT RECORDS SIZE STALL LEAST: with signals every half a millisecond.
# A write takes STALL seconds at least, so that signals come during it, at LEAST
# so many during all writes.
in_turns()
{
	local what=$1 records=$2 size=$3 struck

	rm -f "$image"
	start_pmtd "fault:{file:$image},do=write 1+ stall=$4"
	ok "three processes in turn under a storm get full counts ($what)" \
		timeout 60 "$turns" "$ntape" 3 "$records" "$size" 500
	struck=$(sed -n 's/.*records, \([0-9]*\) signals.*/\1/p' \
		"$scratch/output")
	ok "that was a storm ($what: ${struck:-no} signals during writes)" \
		[ "${struck:-0}" -ge "$5" ]
	is "$size*$records mark" "$(layout)" \
		"each write is one record, and there is one filemark ($what)"
	is "ok ok $(numbered "$records" "$size")" "$(op ro rewind drain)" \
		"the records are in order, as they were written ($what)"
	stop_pmtd
}

# stop_and_continue GROUP: all its processes, again and again, until $scratch/ended
# is there; before the group has a leader and when it is gone nobody is hit.
stop_and_continue()
{
	local times=0

	while [ ! -e "$scratch/ended" ]; do
		kill -STOP -- "-$1" && times=$((times + 1))
		kill -CONT -- "-$1"
		read -r -t 0.002 <>"$scratch/never"
	done 2>/dev/null
	echo "stopped $times times"
}

# stopped_and_continued COMMAND...: in a session of its own.
stopped_and_continued()
{
	local pid storm status=0

	rm -f "$scratch/ended"
	setsid "$@" &
	pid=$!
	stop_and_continue "$pid" &
	storm=$!
	wait "$pid" || status=$?
	touch "$scratch/ended"
	wait "$storm"
	return "$status"
}

dumps()
{
	dump_image "$fs" -b "$1" -f "$ntape"
}

# dump_in_a_storm KILOBYTES STALL: a write takes so many seconds.  dump's own
# SIGUSR2 fly as well.
dump_in_a_storm()
{
	local what="records of $1 KiB" calm stops

	start_drive
	dumps "$1" >"$scratch/output" 2>&1 || bail 'dump does not work at all'
	stop_pmtd
	calm=$(layout)
	rm -f "$image"
	start_pmtd "fault:{file:$image},do=write 1+ stall=$2"
	ok "dump succeeds while it is stopped and continued ($what)" \
		stopped_and_continued bash -c "$(declare -f dump_image dumps)
			fs=$fs ntape=$ntape; dumps $1"
	stops=$(sed -n 's/stopped \([0-9]*\) times/\1/p' "$scratch/output")
	ok "it was stopped all the time ($what: $stops times)" \
		[ "${stops:-0}" -ge 10 ]
	is "$calm" "$(layout)" "the tape has as many records as ever ($what)"
	ok "restore -r gives back the tree ($what)" \
		rewound restores_tree "$tree" -b "$1" -f "$ntape"
	stop_pmtd
}

mkfifo "$scratch/never"
in_turns 'small records' 200 10240 0.002 200
in_turns 'records of several requests' 100 300000 0.002 100
in_turns 'records of 1 MiB' 40 1048576 0.002 40
in_turns 'an odd length and no delay' 300 131071 0 5
make_tree "$tree"
make_fs "$tree" "$fs"
dump_in_a_storm 10 0.003
dump_in_a_storm 64 0.01
dump_in_a_storm 256 0.04
done_testing
