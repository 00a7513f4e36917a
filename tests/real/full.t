#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Row 44 of the mirror's fault matrix: the disk below a drive of tgt is full long
# before its tape is, and no early warning comes.  tgt tells a medium error then,
# has moved on all the same, and takes a filemark for written that is not.  The
# leg leaves the mirror, and the other one has everything; what is told to be
# good on the lost one is there.  In lockstep, and with a ring.

kernel=new drives=tgt
# shellcheck source=drives.sh
. "$(dirname "$0")/drives.sh"
need dd

# The tape of drive 1 is on a disk of 2 MB, with room for 8 on the tape.
small_disk()
{
	mkdir -p "$scratch/small" &&
		mount -t tmpfs -o size=2m none "$scratch/small" &&
		mv "$scratch/tape.1" "$scratch/small/tape" &&
		ln -s small/tape "$scratch/tape.1"
}

start_tgt_on_small_disk()
{
	local i

	need tgtd tgtadm tgtimg iscsid iscsiadm
	mkdir -p /etc/iscsi
	echo 'InitiatorName=iqn.2026-11.pmt:lab' \
		>/etc/iscsi/initiatorname.iscsi
	iscsid -f >"$scratch/iscsid" 2>&1 &
	for i in 0 1; do
		tgt_tape $i 8
		[ $i = 0 ] || small_disk || bail 'no small disk'
		start_target $i
		await 10 log_in $i >"$scratch/iscsiadm" 2>&1 ||
			bail "no login to drive $i"
		await 10 [ -e "/dev/nst$i" ] || bail "no /dev/nst$i"
	done
}

# one OPTIONS
one()
{
	local what="row 44${1:+, $1}" good

	: >"$log"
	raw $a op 6 1 && raw $b op 6 1
	start_pmtd "mirror:{st:$a,st:$b}${1:+,$1}"
	ok "$what: a file is written, with its filemark" \
		dd if="$scratch/data" of="$ntape" bs=64k count=16
	ok "$what: one with which the disk gets full: the client sees nothing" \
		dd if="$scratch/data" of="$ntape" bs=64k
	mt -f "$ntape" rewind >"$scratch/rewind" 2>&1
	end_pmtd TERM
	like 'leg 2 .* is out of the mirror' "$(<"$log")" "$what: it is told"
	good=$(sed -n 's/.*leg 2 .*good on it: \([0-9]*\) objects.*/\1/p' "$log")
	raw $a ls >"$scratch/a"
	raw $b ls >"$scratch/b" 2>"$scratch/b.err"
	is "$((16 + 1 + 64 + 1))" "$(wc -l <"$scratch/a")" \
		"$what: the other drive has all records, and both filemarks"
	ok "$what: the first file is told to be good on the lost one" \
		[ "$good" -ge 17 ]
	is "$(head -n "$good" "$scratch/a")" "$(head -n "$good" "$scratch/b")" \
		"$what: the $good objects that are good on the lost one are there"
}

data $((64 * 65536)) 1 >"$scratch/data"
start_tgt_on_small_disk
one ''
one ack=ring
done_testing
