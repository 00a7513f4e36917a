#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# pmtd over one real drive: what mt shows, tar, early warning and the physical
# end, and what it does to st and to the drive's sg node.

kernel=new drives=debug
# shellcheck source=drives.sh
. "$(dirname "$0")/drives.sh"
need tar dd

options_of()
{
	cat /sys/class/scsi_tape/nst0/options
}

# Whether another program could send commands to the drive.
sg_is_busy()
{
	perl -MFcntl -e '
		exit 1 if sysopen(F, "/dev/sg0", O_RDWR | O_NONBLOCK);
		exit($!{EBUSY} ? 0 : 2);'
}

layout_of()
{
	raw $a ls 0 | sed 's/ $//' | uniq -c | awk '{ print $1 "*" $2 }' |
		paste -sd ' '
}

before=$(options_of)
start_pmtd "st:$a"
is 0 $(($(options_of) & 7)) "st's buffering is off while the tape is loaded"
is $((0x800)) $(($(options_of) & 0x800)) 'and addresses are logical'
ok 'nobody else can send commands to the drive' sg_is_busy
fails 'nor open it' raw $a op 6 1
ok 'mt shows its status' mt -f "$ntape" status
like 'BOT ONLINE' "$(<"$scratch/output")" 'which is that of a loaded tape'
ok 'a record of 10 KiB is written' dd if=/dev/zero of="$ntape" bs=10k count=1
is 1/0 "$(place)" 'mt shows where it is'
fails 'a record below what the drive takes is refused' \
	dd if=/dev/zero of="$ntape" bs=100 count=1
ok 'mt offline' mt -f "$ntape" offline
fails 'then anybody can use the drive' sg_is_busy
is "$before" "$(options_of)" 'and st has its options again'
is '1*10240 1*mark' "$(layout_of)" 'the tape holds what was written'
ok 'mt load' mt -f "$ntape" load
stop_pmtd

mkdir "$scratch/tree"
data 300000 1 >"$scratch/tree/file"
start_pmtd "st:$a"
ok 'tar writes through it' tar -c -b 20 -f "$tape" -C "$scratch" tree
ok 'and reads the length of each record' dd if="$tape" of=/dev/null bs=64k
like '0\+30' "$(<"$scratch/output")" '... all of them'
stop_pmtd
is '30*10240 1*mark' "$(layout_of)" 'tar: the tape holds what was written'

# ---- Early warning and the end ---------------------------------------------

# 150 objects: early warning is object 130, and record 148 is the last.
debug_tape $a 150
start_pmtd "st:$a"
ops=$(printf 'write:1024 %.0s' $(seq 134))
# shellcheck disable=SC2086 # They are several.
told=$(op rw $ops close)
is '131 1024 1 ENOSPC 1 1024 1 ENOSPC' \
	"$(tr ' ' '\n' <<<"$told" | sed '1d;$d' | uniq -c |
		awk '{ print $1, $2 }' | paste -sd ' ')" \
	'early warning: the record that meets it is whole, then every other fails'
stop_pmtd
is '132*1024 1*mark' "$(layout_of)" 'and all that was acknowledged is there'

debug_tape $a 150
start_pmtd "st:$a"
ops=$(printf 'write:1024 %.0s' $(seq 180))
# shellcheck disable=SC2086 # They are several.
told=$(op rw $ops weof:1 rewind)
written=$(tr ' ' '\n' <<<"$told" | grep -c 1024)
like ' ENOSPC ENOSPC ENOSPC (EIO|ENOSPC) ok$' "$told" \
	'the physical end: ENOSPC for ever, no filemark fits, but it rewinds'
stop_pmtd
is "$written*1024" "$(layout_of)" 'and all that was acknowledged is there'

done_testing
