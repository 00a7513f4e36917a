#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Rows of the mirror's fault matrix that need the sense data of a drive: leg A is
# a drive of st that answers what it is told to, leg B an image; in lockstep, and
# with a ring.  What the client is told, and what is on each leg afterwards, as
# st and perl show it without us.  The other rows are in
# tests/fault/mirror-matrix-t.c, by the same numbers.

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

# The numbers of the records on the drive's tape, and in the image.
on_drive()
{
	raw $a ls 16 | sed 's/^1024 0*\(.\)$/\1/' | paste -sd ' '
}

in_image()
{
	perl -e 'local $/; my $d = <STDIN>; my $at = 0;
		while ($at + 4 <= length $d) {
			my $n = unpack "V", substr $d, $at, 4;
			if ($n == 0) { print "mark\n"; $at += 4; next }
			last if $n == 0xffffffff;
			printf "%x\n", unpack "Q>", substr $d, $at + 4, 8;
			$at += 8 + $n + $n % 2;
		}' <"$scratch/copy.tap" | paste -sd ' '
}

# one ROW WHAT RULES OPERATIONS TOLD DRIVE IMAGE [OPTIONS]
one()
{
	local what="row $1, $2${8:+ ($8)}" ops=$4

	: >"$log"
	rm -f "$scratch/copy.tap"
	obey blank
	raw $a op 6 1
	start_pmtd "mirror:{st:$a,file:$scratch/copy.tap}${8:+,$8}"
	# The first command that is counted is the client's.
	mapfile -t lines <<<"$3"
	obey "${lines[@]}"
	# shellcheck disable=SC2086 # They are several.
	is "$5" "$(op rw $ops)" "$what: what the client is told"
	mt -f "$ntape" rewind >"$scratch/rewind" 2>&1
	end_pmtd TERM
	rm -f "$control"
	is "$6" "$(on_drive)" "$what: what is on the drive's tape"
	is "$7" "$(in_image)" "$what: what is in the image"
}

# told_dead ROW: the drive's leg has left the mirror.
told_dead()
{
	like 'leg 1 .* is out of the mirror' "$(<"$log")" "row $1: it is told"
}

w5='write:1024 write:1024 write:1024 write:1024 write:1024'
all='0 1 2 3 4 mark'
start_obedient

one 6 'early warning as a deferred NO SENSE, not written' \
	"on 0a 2 1 not $(sense EOM 0/0 1024 0x71)" "$w5 close" \
	'ok 1024 1024 1024 ENOSPC 1024 ok' '0 1 2 3 mark' '0 1 2 3 mark'
one 9 'programmable early warning without EOM' \
	"on 0a 2 1 done $(sense 0 0/7)" "$w5 close" \
	'ok 1024 1024 1024 1024 1024 ok' "$all" "$all"
is 0 "$(grep -c "out of the mirror" "$log")" 'row 9: the leg stays in it'
one 10 'early warning that only READ POSITION tells, at a filemark' \
	'set warn 3
set quiet 1' \
	'write:1024 write:1024 write:1024 weof:1 write:1024 write:1024 close' \
	'ok 1024 1024 1024 ok 1024 ENOSPC ok' '0 1 2 mark 3 mark' \
	'0 1 2 mark 3 mark'
one 15 'volume overflow, and what was buffered is lost' \
	"on 0a 2 1 lose $(sense EOM+13 0/2 2048)" "$w5 close" \
	'ok 1024 1024 1024 1024 1024 ok' '0' "$all"
told_dead 15
one 19 'a medium error with EOM, which st tells as success' \
	"on 0a 2 1 not $(sense EOM+3 c/0)" "$w5 close" \
	'ok 1024 1024 1024 1024 1024 ok' '0 1' "$all"
told_dead 19
one 24 'a deferred error is given to our own command' \
	"on 0a 2 1 done $(sense EOM 0/2)
on 34 0 1 not $(sense 3 c/0 -1 0x71)" "$w5 close" \
	'ok 1024 1024 1024 1024 1024 ok' '0 1 2' "$all"
told_dead 24
one 59 'RECOVERED ERROR' "on 0a 2 1 done $(sense 1 17/0)" "$w5 close" \
	'ok 1024 1024 1024 1024 1024 ok' "$all" "$all"
is 0 "$(grep -c "out of the mirror" "$log")" 'row 59: the leg stays in it'
one 60 'a drive that finds a logical block guard wrong' \
	"on 0a 2 1 not $(sense 4 10/1)" "$w5 close" \
	'ok 1024 1024 1024 1024 1024 ok' '0 1' "$all"
told_dead 60

# With a ring, whichever leg is first.
one 59 'RECOVERED ERROR' "on 0a 2 1 done $(sense 1 17/0)" "$w5 close" \
	'ok 1024 1024 1024 1024 1024 ok' "$all" "$all" ack=ring
one 15 'volume overflow, and what was buffered is lost' \
	"on 0a 2 1 lose $(sense EOM+13 0/2 2048)" "$w5 close" \
	'ok 1024 1024 1024 1024 1024 ok' '0' "$all" ack=ring
told_dead 15
one 16 'a medium error' "on 0a 2 1 not $(sense 3 c/0)" "$w5 close" \
	'ok 1024 1024 1024 1024 1024 ok' '0 1' "$all" ack=ring
told_dead 16
done_testing
