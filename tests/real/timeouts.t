#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A drive that does not answer a write in st's time is a leg that has failed;
# the mirror goes on without it.  If the command can be aborted, the drive stands
# where it stood, and what it had before is good; if the drive has to be reset, it
# stands at BOT, and what is there is never written over.  (Rows 26 and 27 of the
# faults that a mirror has to bear.)

kernel=new drives=none
# shellcheck source=drives.sh
. "$(dirname "$0")/drives.sh"

# numbers: of the records on the drive's tape, which are 1024 bytes each.
numbers()
{
	raw $a ls 16 | sed 's/^1024 0*\(.\)$/\1/' | paste -sd ' '
}

# one WHAT RULE...: the third write is never answered.
one()
{
	local begin

	what=$1
	shift
	: >"$log"
	rm -f "$image" "$control"
	obey blank
	raw $a op 6 1
	start_pmtd "mirror:{st:$a,timeout=3,file:$image},leg_timeout=60"
	obey "$@" 'on 0a 2 1 never 00'
	begin=$SECONDS
	is 'ok 1024 1024 1024 1024 ok 1024 ok' \
		"$(op rw write:1024 write:1024 write:1024 write:1024 weof:1 write:1024 close)" \
		"$what: the client does not notice"
	like '^([3-9]|[1-4][0-9])$' $((SECONDS - begin)) \
		"$what: but that it takes st's 3 seconds, and less than leg_timeout="
	mt -f "$ntape" offline >"$scratch/offline" 2>&1
	end_pmtd TERM
	is '1024*4 mark 1024 mark' "$(layout | paste -sd ' ')" \
		"$what: the other leg has all of it"
}

start_obedient

one 'a command that is aborted'
like 'leg 1 .*is out of the mirror: object 2: ' "$(<"$log")" \
	"$what: it is told, with the object"
like 'good on it: 2 objects' "$(<"$log")" "$what: and what is good"
like '^0 1( mark)?$' "$(numbers)" "$what: that is on the tape, and nothing else"

one 'a drive that is reset' 'set deaf 1'
like 'leg 1 .*is out of the mirror: object 2: ' "$(<"$log")" \
	"$what: it is told, with the object"
like 'good on it: 0 objects' "$(<"$log")" "$what: nothing is certain there"
is '0 1' "$(numbers)" "$what: and nothing on its tape was written over"

what='a reset, and the drive alone'
: >"$log"
rm -f "$control"
obey blank
raw $a op 6 1
start_pmtd "st:$a,timeout=3"
obey 'set deaf 1' 'on 0a 2 1 never 00'
is 'ok 1024 1024 EIO EIO EIO ok 1024 1024' \
	"$(op rw write:1024 write:1024 write:1024 write:1024 weof:1 rewind \
		read:2048 read:2048)" \
	"$what: nothing is written until it is rewound, and then all is there"
stop_pmtd
is '0 1' "$(numbers)" "$what: and on the tape"
done_testing
