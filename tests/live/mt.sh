#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# mt-st: every operation leaves the tape where st(4) would, and says so.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need dd

# state: "FILE/BLOCK at OBJECT: FLAGS", by mt status and mt tell.  The flags that an
# ordinary drive always has are left out.
state()
{
	{ mt -f "$ntape" status; mt -f "$ntape" tell; } | awk -F '[=,. ]' '
		/^File/ { place = $3 "/" $7 }
		is_flags { flags = $0; is_flags = 0 }
		/^General/ { is_flags = 1 }
		/^At block/ { object = $3 }
		END {
			sub(/ ONLINE IM_REP_EN/, "", flags)
			print place " at " object ":" flags
		}'
}

# step EXPECTED SENTENCE OPERATION [COUNT]: "fails" comes before the state if mt
# fails.
step()
{
	local expected=$1 sentence=$2 seen=''

	shift 2
	mt -f "$ntape" "$@" 2>>"$log" || seen='fails '
	is "$expected" "$seen$(state)" "mt $*: $sentence"
}

# block_size: as mt status shows it.
block_size()
{
	mt -f "$ntape" status | sed -n 's/^Tape block size \([0-9]*\) .*/\1/p'
}

# write_records SIZE COUNT
write_records()
{
	data $(($1 * $2)) 1 |
		dd of="$ntape" iflag=fullblock bs="$1" status=none
}

# Three files of three records: objects 0-2, 4-6 and 8-10; filemarks 3, 7 and 11.
start_with_three_files()
{
	start_drive
	write_records 1024 3
	write_records 1024 3
	write_records 1024 3
	mt -f "$ntape" rewind
}

status()
{
	start_drive
	is 'SCSI 2 tape drive:
File number=0, block number=0, partition=0.
Tape block size 0 bytes. Density code 0x0 (default).
Soft error count since last status=0
General status bits on (41010000):
 BOT ONLINE IM_REP_EN' "$(mt -f "$ntape" status)" \
		'mt status shows a SCSI-2 drive with a blank tape at BOT'
	is 'At block 0.' "$(mt -f "$ntape" tell)" 'mt tell says where'
	write_records 512 2
	is '1/0 at 3: EOF' "$(state)" 'after a file the tape stands behind it'
	stop_pmtd
}

over_files()
{
	start_with_three_files
	step '1/0 at 4: EOF' 'behind the next filemark' fsf
	step '3/0 at 12: EOF' 'behind the second from here' fsf 2
	step 'fails 3/-1 at 12: EOD' 'there is no more' fsf
	step '2/-1 at 11:' 'before the filemark' bsf
	step '0/-1 at 3:' 'before the second back' bsf 2
	step '1/0 at 4: EOF' 'reading on, behind that filemark' fsf
	step '1/0 at 4: EOF' 'the beginning of this file' bsfm
	step '1/-1 at 7:' 'the end of this file' fsfm
	step '1/-1 at 7:' 'which is where it stays' fsfm
	step 'fails 0/0 at 0: BOT' 'BOT is in the way' bsf 5
	step 'fails 0/0 at 0: BOT' 'file 0 has no filemark before it' bsfm
	step '2/0 at 8: EOF' 'the beginning of file 2, from anywhere' asf 2
	step '0/0 at 0: BOT' 'and of file 0' asf 0
	stop_pmtd
}

over_records()
{
	start_with_three_files
	step '0/2 at 2:' 'over two records' fsr 2
	step '0/1 at 1:' 'and one back' bsr
	step 'fails 1/0 at 4: EOF' 'a filemark ends it, and is passed' fsr 5
	step 'fails 0/-1 at 3:' 'the filemark ends it, and is passed' bsr
	step '0/-1 at 1:' 'then come the records before it' bsr 2
	step 'fails 0/0 at 0: BOT' 'BOT ends it' bsr 2
	stop_pmtd
}

to_the_end()
{
	start_with_three_files
	step '3/-1 at 12: EOD' 'the end of data, files counted' eod
	step '0/0 at 0: BOT' 'the beginning' rewind
	step '3/-1 at 12: EOD' 'is the same as eod' seod
	step '0/0 at 0: BOT' 'a rewind, too' retension
	step '-1/-1 at 5:' 'an object by its number' seek 5
	step '-1/-1 at 12:' 'the end of data is a place as well' seek 12
	step 'fails -1/-1 at 12:' 'no place is behind it' seek 13
	step '0/0 at 0: BOT' 'the beginning, and then all is known again' seek 0
	stop_pmtd
}

writing()
{
	start_with_three_files
	mt -f "$ntape" fsf 1
	mt -f "$ntape" fsr 1
	step '3/0 at 7: EOF' 'two filemarks, the end of all that followed' weof 2
	is $'1024*3 mark\n1024 mark\nmark' "$(layout)" \
		'mt weof: that is what the image holds'
	step '4/0 at 8: EOF' 'the same as weof' eof
	step '0/0 at 0: BOT' 'back' rewind
	mt -f "$ntape" fsr 1
	step '0/1 at 1:' 'the tape does not move' erase
	is 1024 "$(layout)" 'mt erase: nothing follows on the image'
	stop_pmtd
}

fixed_blocks()
{
	start_drive
	is 0 "$(block_size)" 'a new drive is in variable block mode'
	step '0/0 at 0: BOT' 'the tape does not move' setblk 512
	is 512 "$(block_size)" 'mt setblk: mt status shows it from then on'
	write_records 1536 2
	is '512*6 mark' "$(layout)" \
		'in fixed block mode a write is as many records as blocks'
	mt -f "$ntape" rewind
	ok 'and a read gives as many blocks as it has room for' \
		dd if="$ntape" of="$scratch/out" bs=2048 count=1
	is '0/4 at 4:' "$(state)" 'which are counted one by one'
	fails 'a write of half a block is refused' write_records 256 1
	mt -f "$ntape" setblk 0
	is 0 "$(block_size)" 'mt setblk 0: variable block mode again'
	stop_pmtd
}

unloading()
{
	local op

	start_with_three_files
	for op in offline rewoffl eject; do
		mt -f "$ntape" fsf 1
		ok "mt $op ejects the tape" mt -f "$ntape" "$op"
		like ' DR_OPEN ' "$(mt -f "$ntape" status)" "mt $op: mt status says so"
		fails "mt $op: there is no tape to rewind" mt -f "$ntape" rewind
		fails "mt $op: there is no tape to write to" write_records 1 1
		step '0/0 at 0: BOT' "the tape is back, at BOT ($op)" load
	done
	is $'1024*3 mark\n1024*3 mark\n1024*3 mark' "$(layout)" \
		'nothing on the image has changed'
	stop_pmtd
}

settings()
{
	local may=''

	[ "$(id -u)" -eq 0 ] || may='fails '
	start_with_three_files
	step '0/0 at 0: BOT' 'the door can be locked' lock
	step '0/0 at 0: BOT' 'and unlocked' unlock
	step "${may}0/0 at 0: BOT" 'root can set options' stsetoptions sysv
	step "${may}0/0 at 0: BOT" 'and clear them' stclearoptions sysv
	step 'fails 0/0 at 0: BOT' 'an image has no compression' compression 1
	step 'fails 0/0 at 0: BOT' 'and no partitions' setpartition 1
	stop_pmtd
}

status
over_files
over_records
to_the_end
writing
fixed_blocks
unloading
settings
done_testing
