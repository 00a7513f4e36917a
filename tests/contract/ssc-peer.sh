#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# ssc-peer.sh DIR: writes tapes with the real st through tgtd, in the lab, for
# ssc-peer-t.c.  Leaves in DIR
#
#     first.ssc   a tape as it was written, and first.expected, what is on it
#     second.ssc  the same, written anew after its first file; second.expected
#     N.data      what was written, one file a filemark
#
# A line of NAME.expected is "FILE SIZE COUNT", so many records of that size out
# of FILE and a filemark after them, or "marks 0 COUNT".
set -euo pipefail
cd "$1"
image=$1/tape.ssc
n=0

# try COMMAND...: until it succeeds, for at most 10 seconds.
try()
{
	local tries=100

	until "$@" >/dev/null 2>&1; do
		[ $((--tries)) -gt 0 ] || { "$@"; exit 1; }
		sleep 0.1
	done
}

start_drive()
{
	local lld=(tgtadm --lld iscsi)

	mkdir -p /etc/iscsi /var/lib/iscsi
	echo 'InitiatorName=iqn.2026-11.pmt:lab' >/etc/iscsi/initiatorname.iscsi
	tgtd -f >tgtd.log 2>&1 &
	try "${lld[@]}" --mode system --op show
	"${lld[@]}" --mode target --op new --tid 1 \
		--targetname iqn.2026-11.pmt:vtl
	tgtimg --op new --device-type tape --barcode PEER01 --size 64 \
		--type data --file "$image"
	"${lld[@]}" --mode logicalunit --op new --tid 1 --lun 1 \
		-b "$image" --device-type tape
	"${lld[@]}" --mode target --op bind --tid 1 -I ALL
	iscsid -f >iscsid.log 2>&1 &
	try iscsiadm -m discovery -t st -p 127.0.0.1
	iscsiadm -m node -l
	try test -c /dev/nst0
	mt -f /dev/nst0 rewind
}

# put SIZE COUNT [BLOCK]: dd's close writes the filemark.  With BLOCK the drive
# makes records of that size out of what it gets.
put()
{
	local size=$1 count=$2 block=${3:-0}

	n=$((n + 1))
	mt -f /dev/nst0 setblk "$block"
	head -c $((size * count)) /dev/urandom >"$n.data"
	if [ "$block" = 0 ]; then
		dd if="$n.data" of=/dev/nst0 bs="$size" status=none
	else
		dd if="$n.data" of=/dev/nst0 bs=$((size * count)) status=none
	fi
	echo "$n.data $size $count" >>expected
}

start_drive
put 80 3
put 65536 2
put 4 1
mt -f /dev/nst0 weof 2
echo 'marks 0 2' >>expected
put 100001 1
put 512 10 512
cp "$image" first.ssc
cp expected first.expected

mt -f /dev/nst0 rewind
mt -f /dev/nst0 fsf 1
head -n 1 first.expected >expected
put 33 2
cp "$image" second.ssc
cp expected second.expected
