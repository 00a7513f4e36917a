# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# The program behind a drive dies, or hangs for longer than leg_timeout, in the
# middle of a tar or a dump on a mirror: for each policy the client ends as the
# policy says, the other drive's tape alone gives back what the client was told
# to be safe, and the lost one has the beginning of it.

kernel=new drives=tgt
# shellcheck disable=SC2034,SC2154 # This file is a part of two tests.
# shellcheck source=drives.sh
. "$(dirname "$0")/drives.sh"
need tar dump restore mke2fs unshare

# tar runs this after every 100 records; once is enough.
write_scripts()
{
	cat >"$scratch/hurt" <<-END
		#!/bin/bash
		[ -e "$scratch/hurt.done" ] && exit
		echo >"$scratch/hurt.done"
		kill "-\$(<$scratch/signal)" "\$(<$scratch/victim)"
	END
	cat >"$scratch/next" <<-END
		#!/bin/bash
		mt -f $ntape offline
		cp "$scratch/tape.0" "$scratch/volume.1"
		"$real/rawst" $a ls >"$scratch/a.1"
		mt -f $ntape load
	END
	chmod +x "$scratch/hurt" "$scratch/next"
}

# begin SIGNAL OPTIONS
begin()
{
	rm -f "$scratch/hurt.done"
	: >"$log"
	echo "$1" >"$scratch/signal"
	echo "${tgt_pid[1]}" >"$scratch/victim"
	start_pmtd "mirror:{st:$a,st:$b},$2"
}

tars()
{
	timeout 60 tar -c -b 20 -f "$ntape" --checkpoint=100 \
		--checkpoint-action="exec=$scratch/hurt" "$@" \
		-C "$scratch" tree
}

dumps()
{
	local status=0

	writes=$(</sys/class/scsi_tape/nst1/stats/write_cnt)
	(await 10 has_written 100 && "$scratch/hurt") &
	dump_image "$scratch/fs" -a -f "$ntape" || status=$?
	[ -e "$scratch/hurt.done" ] && return $status
}

has_written()
{
	[ "$(</sys/class/scsi_tape/nst1/stats/write_cnt)" -gt $((writes + $1)) ]
}

# revive: a dead target comes back, with the tape that was in it.
revive()
{
	case $(<"$scratch/signal") in
	STOP)
		kill -CONT "${tgt_pid[1]}" ;;
	KILL)
		reap "${tgt_pid[1]}"
		iscsiadm -m node -p 127.0.0.1:3261 -u >"$scratch/out.log" 2>&1
		start_target 1
		await 20 log_in 1 >"$scratch/iscsiadm" 2>&1
		await 10 [ -e $b ] ;;
	esac
	await 20 raw $b op 6 1 2>"$scratch/revive"
}

# finish: takes the tapes out, and lists them.
finish()
{
	mt -f "$ntape" offline >"$scratch/offline" 2>&1 # May tell of the leg.
	[ "$(<"$scratch/signal")" = KILL ] || kill -CONT "${tgt_pid[1]}"
	end_pmtd TERM
	ok "$what: the drive comes back" revive
	raw $a ls >"$scratch/a" && raw $b ls >"$scratch/b"
	like 'leg 2 .* is out of the mirror' "$(<"$log")" "$what: it is told"
}

# begins_like WHOLE PART: what tgt's tape had of an older one is behind.
begins_like()
{
	cmp -n $((80 * 40)) "$1" "$2"
}

restores_alone()
{
	rm -rf "$scratch/out"
	mkdir "$scratch/out"
	raw $a op 6 1 && timeout 60 tar -x -b 20 -f $a -C "$scratch/out" &&
		same_tree "$scratch/tree" "$scratch/out/tree"
}

restores_dump_alone()
{
	raw $a op 6 1 && restores_tree "$scratch/tree2" -f $a
}

lists_first_file()
{
	raw $a op 6 1
	timeout 60 tar -t -b 20 -f $a >"$scratch/list" 2>&1
	grep -q '^tree/' "$scratch/list"
}

one_degrade()
{
	what="tar, $1, degrade"
	begin "$1" on_leg_error=degrade,leg_timeout=5
	ok "$what: tar succeeds" tars
	finish
	ok "$what: the other tape alone gives back the tree" restores_alone
	ok "$what: the lost one has the beginning" \
		begins_like "$scratch/a" "$scratch/b"
}

mkdir "$scratch/tree"
data 3000000 1 >"$scratch/tree/file"
cp -r "$scratch/tree" "$scratch/tree2"
make_fs "$scratch/tree2" "$scratch/fs"
write_scripts
start_tgt 20 20
