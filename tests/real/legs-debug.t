#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A drive is unplugged in the middle of a tar or a dump on a mirror: for each
# policy the program ends as the policy says, and the other drive has all that was
# acknowledged.  What is on the lost drive's tape scsi_debug forgets; see
# legs-tgt.t for that.

kernel=new drives=debug
# shellcheck source=drives.sh
. "$(dirname "$0")/drives.sh"
need tar dump mke2fs unshare

# The bus finds the drive again, with a blank tape.
plug_in()
{
	local host

	for host in /sys/class/scsi_host/host*/scan; do
		echo '- - -' >"$host"
	done
	await 10 [ -e $b ]
}

unplug()
{
	echo 1 >/sys/class/scsi_tape/nst1/device/delete
}

# tar runs this after every 100 records; once is enough.
write_scripts()
{
	cat >"$scratch/unplug" <<-END
		#!/bin/bash
		[ -e "$scratch/unplugged" ] && exit
		echo >"$scratch/unplugged"
		echo 1 >/sys/class/scsi_tape/nst1/device/delete
	END
	cat >"$scratch/next" <<-END
		#!/bin/bash
		exec >>"$scratch/change.log" 2>&1
		set -ex
		mt -f $ntape offline
		"$real/rawst" $a ls 8 >"$scratch/a.1"
		for host in /sys/class/scsi_host/host*/scan; do
			echo '- - -' >"\$host"
		done
		mt -f $ntape load
	END
	chmod +x "$scratch/unplug" "$scratch/next"
}

# begin POLICY
begin()
{
	rm -f "$scratch"/[ab].* "$scratch/unplugged"
	: >"$log"
	await 10 debug_tape $a 9000 && debug_tape $b 9000 ||
		bail 'the drives are not there'
	start_pmtd "mirror:{st:$a,st:$b},on_leg_error=$1,leg_timeout=20"
}

tars()
{
	timeout 60 tar -c -b 20 -f "$ntape" --checkpoint=100 \
		--checkpoint-action="exec=$scratch/unplug" "$@" \
		-C "$scratch" tree
}

# The dump is slowed down: 1 jiffy, 10 ms, a record.
dumps()
{
	local status=0

	echo 1 >/sys/bus/pseudo/drivers/scsi_debug/delay
	await 10 has_written 100 && unplug &
	dump_image "$scratch/fs" -a -f "$ntape" || status=$?
	echo 0 >/sys/bus/pseudo/drivers/scsi_debug/delay
	return "$status"
}

has_written()
{
	[ "$(</sys/class/scsi_tape/nst1/stats/write_cnt)" -gt $((writes + $1)) ]
}

# finish: takes the tapes out, and lists them.
finish()
{
	mt -f "$ntape" offline >"$scratch/offline" 2>&1 # May tell of the leg.
	stop_pmtd
	plug_in
	raw $a ls 8 >"$scratch/a.${1:-1}" && raw $b ls 8 >"$scratch/b.${1:-1}"
}

lost_leg_is_told()
{
	like 'leg 2 .* is out of the mirror' "$(<"$log")" "$1: it is told"
}

# What tar writes: 3 MB of data, and blocks of its own.
mkdir "$scratch/tree"
data 3000000 1 >"$scratch/tree/file"
cp -r "$scratch/tree" "$scratch/tree2"
make_fs "$scratch/tree2" "$scratch/fs"
expected=$(($(tar -c -b 20 -f - -C "$scratch" tree | wc -c) / 10240))
unplugged_at=99 # records; tar's checkpoint comes before the record is written
write_scripts

what='tar, degrade'
begin degrade
ok "$what: tar succeeds" tars
finish
lost_leg_is_told "$what"
is "$expected" "$(grep -c ^10240 "$scratch/a.1")" \
	"$what: the other drive has all records"
is mark "$(tail -n 1 "$scratch/a.1")" "$what: and the filemark"

what='tar, stop'
begin stop
fails "$what: tar does not succeed" tars
like 'Input/output error' "$(<"$scratch/output")" "$what: it has EIO"
finish
lost_leg_is_told "$what"
is "$unplugged_at" "$(head -n "$unplugged_at" "$scratch/a.1" | grep -c ^10240)" \
	"$what: the other drive has what was acknowledged"
is "$((unplugged_at + 1))" "$(wc -l <"$scratch/a.1")" \
	"$what: and behind it the filemark of close, and no more"

what='tar, markfull'
begin markfull
ok "$what: tar goes on with another volume" tars -M -F "$scratch/next" ||
	diag <"$scratch/change.log"
finish 2
lost_leg_is_told "$what"
is $((unplugged_at + 1)) "$(grep -c ^10240 "$scratch/a.1")" \
	"$what: the first volume ends with the record that met the loss"
ok "$what: on the second both have the same" cmp "$scratch/a.2" "$scratch/b.2"
like ^10240 "$(<"$scratch/a.2")" "$what: and that is something"

what='dump, degrade'
begin degrade
writes=$(</sys/class/scsi_tape/nst1/stats/write_cnt)
ok "$what: dump succeeds" dumps
finish
lost_leg_is_told "$what"
is mark "$(tail -n 1 "$scratch/a.1")" "$what: the other drive has the filemark"
done_testing
