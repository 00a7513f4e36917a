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
need tar dump restore mke2fs debugfs unshare

# tar runs this after every 100 records; once is enough.  A signal to the program
# behind the drive, or DELETE: the kernel forgets the drive.
write_scripts()
{
	cat >"$scratch/hurt" <<-END
		#!/bin/bash
		[ -e "$scratch/hurt.done" ] && exit
		echo >"$scratch/hurt.done"
		signal=\$(<$scratch/signal)
		[ "\$signal" != DELETE ] ||
			exec tee /sys/class/scsi_tape/nst1/device/delete <<<1
		kill "-\$signal" "\$(<$scratch/victim)"
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
	dump_image "$scratch/fs" -a -f "$ntape" "$@" || status=$?
	[ -e "$scratch/hurt.done" ] && return $status
}

has_written()
{
	[ "$(</sys/class/scsi_tape/nst1/stats/write_cnt)" -gt $((writes + $1)) ]
}

# revive: the drive comes back, with the tape that was in it.
revive()
{
	case $(<"$scratch/signal") in
	STOP)
		kill -CONT "${tgt_pid[1]}" ;;
	KILL|DELETE)
		iscsiadm -m node -p 127.0.0.1:3261 -u >"$scratch/out.log" 2>&1
		[ "$(<"$scratch/signal")" = DELETE ] ||
			{ reap "${tgt_pid[1]}"; start_target 1; }
		await 20 log_in 1 >"$scratch/iscsiadm" 2>&1
		await 10 [ -e $b ] ;;
	esac
	await 20 raw $b op 6 1 2>"$scratch/revive"
}

# take_out: ends pmtd, and lists the tapes.
take_out()
{
	mt -f "$ntape" offline >"$scratch/offline" 2>&1 # May tell of the leg.
	[ "$(<"$scratch/signal")" != STOP ] || kill -CONT "${tgt_pid[1]}"
	end_pmtd TERM
	ok "$what: the drive comes back" revive
	raw $a ls >"$scratch/a" && raw $b ls >"$scratch/b"
}

# finish: after a leg was lost.
finish()
{
	take_out
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
mkdir "$scratch/tree2"
data 30000 2 >"$scratch/tree2/first" # It has the lower inode, so dump begins here.
make_fs "$scratch/tree2" "$scratch/fs"
cp "$scratch/tree/file" "$scratch/tree2"
debugfs -w -R "write $scratch/tree2/file file" "$scratch/fs" >"$scratch/output" 2>&1
write_scripts
start_tgt 20 20
