#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What a drive may answer to a write, row by row as in mirror/st_rw.c, through
# the real st: what the client of pmtd is told is what is on the tape, as st
# shows it without us.

kernel=new drives=none
# shellcheck source=drives.sh
. "$(dirname "$0")/drives.sh"
# shellcheck disable=SC2034 # in an arithmetic expression of rules
EOM=64 # in a sense key

# sense KEY ASC/ASCQ [INFORMATION [RESPONSE]]: in hexadecimal.
sense()
{
	printf '%02x00%02x%08x0a00000000%02x%02x00000000' \
		$((${4:-0x70} | (${3:--1} >= 0 ? 0x80 : 0))) $(($1)) \
		$((${3:-0} >= 0 ? ${3:-0} : 0)) "0x${2%/*}" "0x${2#*/}"
}

# numbers: of the records on the tape, which are 1024 bytes each.
numbers()
{
	raw $a ls 16 | sed 's/^1024 0*\(.\)$/\1/' | paste -sd ' '
}

# one WHAT RULES OPERATIONS TOLD NUMBERS
one()
{
	local what=$1 rules=$2 ops=$3

	: >"$log"
	obey blank
	raw $a op 6 1
	start_pmtd "st:$a"
	# The first command that is counted is the client's.
	mapfile -t lines <<<"$rules"
	obey "${lines[@]}"
	# shellcheck disable=SC2086 # They are several.
	is "$4" "$(op rw $ops)" "$what: what the client is told"
	mt -f "$ntape" rewind >"$scratch/rewind" 2>&1
	end_pmtd TERM
	rm -f "$control"
	is "$5" "$(numbers)" "$what: what is on the tape"
}

w3='write:1024 write:1024 write:1024'
w5="$w3 write:1024 write:1024"
start_obedient

one 'no fault' '' "$w5 close" 'ok 1024 1024 1024 1024 1024 ok' '0 1 2 3 4 mark'
one 'early warning, no residue' "on 0a 2 1 done $(sense EOM 0/2)" "$w5 close" \
	'ok 1024 1024 1024 ENOSPC 1024 ok' '0 1 2 3 mark'
one 'early warning, residue, written' \
	"on 0a 2 1 done $(sense EOM 0/2 1024)" "$w5 close" \
	'ok 1024 1024 1024 ENOSPC 1024 ok' '0 1 2 3 mark'
one 'early warning, residue, not written' \
	"on 0a 2 1 not $(sense EOM 0/2 1024)" "$w5 close" \
	'ok 1024 1024 1024 ENOSPC 1024 ok' '0 1 2 3 mark'
one 'early warning, deferred, not written' \
	"on 0a 2 1 not $(sense EOM 0/0 1024 0x71)" "$w5 close" \
	'ok 1024 1024 1024 ENOSPC 1024 ok' '0 1 2 3 mark'
one 'the end of the medium' 'set end 2' "$w3 close" \
	'ok 1024 1024 ENOSPC ok' '0 1'
one 'volume overflow, and what was buffered is lost' \
	"on 0a 2 1 lose $(sense EOM+13 0/2 2048)" "$w5 close" \
	'ok 1024 1024 EIO EIO EIO ok' '0'
one 'medium error with EOM, which st hides' \
	"on 0a 2 1 not $(sense EOM+3 c/0)" "$w5 close" \
	'ok 1024 1024 EIO 1024 1024 ok' '0 1 2 3 mark'
one 'medium error' "on 0a 2 1 not $(sense 3 c/0)" "$w5 close" \
	'ok 1024 1024 EIO 1024 1024 ok' '0 1 2 3 mark'
one 'preliminary warning without EOM, written' \
	"on 0a 2 1 done $(sense 0 0/7)" "$w5 close" \
	'ok 1024 1024 1024 1024 1024 ok' '0 1 2 3 4 mark'
one 'cleaning wanted, written' "on 0a 2 1 done $(sense 0 82/82)" "$w5 close" \
	'ok 1024 1024 1024 1024 1024 ok' '0 1 2 3 4 mark'
one 'recovered error' "on 0a 2 1 done $(sense 1 17/0)" "$w5 close" \
	'ok 1024 1024 1024 1024 1024 ok' '0 1 2 3 4 mark'
one 'aborted, but written' "on 0a 2 1 done $(sense 11 4b/3)" "$w5 close" \
	'ok 1024 1024 1024 1024 1024 ok' '0 1 2 3 4 mark'
like 'the record is on the tape: read back' "$(<"$log")" '... and it is told'
one 'a deferred error, with a loss' "on 0a 2 1 lose $(sense 3 c/0 -1 0x71)" \
	"$w5 close" 'ok 1024 1024 EIO EIO EIO ok' '0'
one 'a unit attention that st gets' "on 0a 2 1 not $(sense 6 29/0)" \
	"$w5 close" 'ok 1024 1024 EIO EIO EIO ok' '0 1'
one 'a unit attention that only we get' \
	"on 0a 2 1 done $(sense EOM 0/2)
on 34 0 1 not $(sense 6 29/0)" "$w5 close" \
	'ok 1024 1024 EIO EIO EIO ok' '0 1 2'
like 'the drive was reset' "$(<"$log")" '... and it is told'
one 'a deferred error that only we get' \
	"on 0a 2 1 done $(sense EOM 0/2)
on 34 0 1 not $(sense 3 c/0 -1 0x71)" "$w5 close" \
	'ok 1024 1024 EIO EIO EIO ok' '0 1 2'
like 'deferred error: Medium Error, 0c/00' "$(<"$log")" '... and it is told'
one 'early warning that a filemark meets, and only READ POSITION tells' \
	'set warn 3
set quiet 1' "$w3 weof:1 write:1024 write:1024 close" \
	'ok 1024 1024 1024 ok 1024 ENOSPC ok' '0 1 2 mark 3 mark'
one 'a filemark that is not written' "on 10 0 1 not $(sense 3 c/0)" \
	"$w3 weof:1 write:1024 close" 'ok 1024 1024 1024 EIO 1024 ok' \
	'0 1 2 3 mark'
one 'TapeAlert' "set alerts 4
on 0a 2 1 not $(sense 3 c/0)" "$w3 close" 'ok 1024 1024 EIO ok' '0 1 mark'
like 'TapeAlert 03h: hard error' "$(<"$log")" '... is told'

# 4 MB of 8 are written then, told in MB and rounded up: 23 to 31 records.
for page in 12 23 49; do
	what="a capacity that log page $page tells"
	obey blank "set mb 8" "set page $page"
	raw $a op 6 1
	rm -f "$scratch/copy.tap"
	start_pmtd \
		"mirror:{st:$a,file:$scratch/copy.tap},leot_margin=4M"
	fails "$what: the mirror ends the tape by its margin" \
		dd if=/dev/zero of="$ntape" bs=128k count=60
	like 'No space left' "$(<"$scratch/output")" "$what: with ENOSPC"
	mt -f "$ntape" rewind
	end_pmtd TERM
	like '^(2[3-9]|3[01])$' "$(raw $a ls 2 | grep -c ^131072)" \
		"$what: after as many records as it says"
done
done_testing
