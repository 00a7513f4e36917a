# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Tests with the drives of real Linux st.  Such a test runs in the lab: it
# sources this file first, which starts it again in there, with
#
#   $kernel      stable or new
#   $drives      debug: two drives of scsi_debug, with room for 4 bytes of each
#                record, that tell where they are; or tgt: two drives of tgt over
#                iSCSI, that keep everything and do not tell where they are; or
#                none, but with iSCSI
#
# They are /dev/nst0 and /dev/nst1.  The rest is that of the live tests.

# shellcheck disable=SC2154 # The test sets them.

real=$(dirname "$(realpath "${BASH_SOURCE[0]}")")

lab_options=(-k "$kernel" -t "${lab_seconds:-200}")
[ "$drives" != debug ] && lab_options+=(-x iscsi)
[ "$drives" = debug ] && lab_options+=(-s 'ptype=1 num_tgts=2 delay=0')
[ -n "${PMT_LAB-}" ] || exec "$real/../lab/lab" "${lab_options[@]}" -- "$0"

export PMT_LIVE=cuse
# shellcheck source=../live/lib.sh
. "$real/../live/lib.sh"

a=/dev/nst0 b=/dev/nst1
tgt_pid=() # of drive 0 and 1

# raw NODE ...: see there.
raw()
{
	"$real/rawst" "$@"
}

# ---- scsi_debug ------------------------------------------------------------

# debug_tape NODE OBJECTS: a blank tape; early warning is 20 objects before its
# end.  MT_ST_CAN_PARTITIONS, MTMKPART of so much for partition 0, and one.
debug_tape()
{
	raw "$1" op 24 $((0x30000400)) 34 "-$2" 6 1 20 0
}

# delete_drive NODE: as if it were unplugged.
delete_drive()
{
	echo 1 >"/sys/class/scsi_tape/${1#/dev/}/device/delete"
}

# ---- tgt -------------------------------------------------------------------

tgtd_answers()
{
	tgtadm -C "$1" --lld iscsi --mode sys --op show >"$scratch/tgt" 2>&1
}

# tgt_tape I MB: a blank tape in a file, $scratch/tape.I
tgt_tape()
{
	rm -f "$scratch/tape.$1"
	tgtimg --op new --device-type tape --barcode "T0000$1" --size "$2" \
		--type data --file "$scratch/tape.$1" >"$scratch/tgt" 2>&1
}

# start_target I: a tgtd of its own, so that it can be killed alone.
start_target()
{
	local i=$1 name=iqn.2026-11.pmt:drive$1

	tgtd -f -C "$i" --iscsi portal=127.0.0.1:$((3260 + i)) \
		>"$scratch/tgtd.$i" 2>&1 &
	# shellcheck disable=SC2034 # for who sources this
	tgt_pid[i]=$!
	await 10 tgtd_answers "$i" || bail "tgtd $i does not answer"
	tgtadm -C "$i" --lld iscsi --mode target --op new --tid 1 \
		--targetname "$name" &&
		tgtadm -C "$i" --lld iscsi --mode logicalunit --op new --tid 1 \
			--lun 1 --device-type tape --bstype ssc \
			-b "$scratch/tape.$i" &&
		tgtadm -C "$i" --lld iscsi --mode target --op bind --tid 1 \
			-I ALL || bail "tgtd $i has no drive"
}

log_in()
{
	local i=$1

	iscsiadm -m discovery -t st -p 127.0.0.1:$((3260 + i)) &&
		iscsiadm -m node -p 127.0.0.1:$((3260 + i)) -o update \
			-n node.session.timeo.replacement_timeout -v 5 &&
		iscsiadm -m node -p 127.0.0.1:$((3260 + i)) -o update \
			-n 'node.conn[0].timeo.noop_out_interval' \
			-v "${ping_seconds:-5}" &&
		iscsiadm -m node -p 127.0.0.1:$((3260 + i)) -o update \
			-n 'node.conn[0].timeo.noop_out_timeout' \
			-v "${ping_seconds:-5}" &&
		iscsiadm -m node -p 127.0.0.1:$((3260 + i)) -l
}

# start_tgt MB MB: the sizes of the tapes in the two drives.  $ping_seconds is how
# often the initiator asks whether tgtd is there; 0: it has all the time it wants.
start_tgt()
{
	local i

	need tgtd tgtadm tgtimg iscsid iscsiadm
	mkdir -p /etc/iscsi
	echo 'InitiatorName=iqn.2026-11.pmt:lab' \
		>/etc/iscsi/initiatorname.iscsi
	iscsid -f >"$scratch/iscsid" 2>&1 &
	for i in 0 1; do
		tgt_tape $i "$1" && start_target $i
		await 10 log_in $i >"$scratch/iscsiadm" 2>&1 ||
			bail "no login to drive $i"
		await 10 [ -e "/dev/nst$i" ] || bail "no /dev/nst$i"
		shift
	done
	raw $a op 6 1 && raw $b op 6 1
}

# ---- The drive that obeys ---------------------------------------------------

control=$scratch/control
name=iqn.2026-11.pmt:obedient

# start_obedient: as $a; see the file target.
start_obedient()
{
	need iscsid iscsiadm
	"$real/target" 3265 "$control" 2>"$scratch/target" &
	mkdir -p /etc/iscsi
	echo 'InitiatorName=iqn.2026-11.pmt:lab' \
		>/etc/iscsi/initiatorname.iscsi
	iscsid -f >"$scratch/iscsid" 2>&1 &
	await 10 iscsiadm -m node -o new -T $name -p 127.0.0.1:3265 \
		>"$scratch/iscsiadm" 2>&1
	await 20 iscsiadm -m node -T $name -p 127.0.0.1:3265 -l \
		>"$scratch/iscsiadm" 2>&1 || bail 'no login'
	await 10 [ -e $a ] || bail "no $a"
	raw $a op 6 1
}

# obey LINE...: before its next command.
obey()
{
	printf '%s\n' "$@" >"$control.new"
	mv "$control.new" "$control"
}

[ "$drives" != debug ] || { raw $a op 6 1 && raw $b op 6 1; }
