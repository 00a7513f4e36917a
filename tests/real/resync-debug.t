#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# pmtimg copy --resume to a real drive whose tape is too short, to one that is
# longer than the source, and through rmt.  The drives keep 4 bytes of a record,
# which is enough to tell one from another.

kernel=new drives=debug
# shellcheck source=drives.sh
. "$(dirname "$0")/drives.sh"
need /usr/sbin/rmt-tar
pmtimg=$build/pmtimg

# img ARGUMENT...
img()
{
	timeout 100 "$pmtimg" "$@" </dev/null
}

# write_tapes N: both hold N numbered records, and a filemark.
write_tapes()
{
	debug_tape $a 300
	debug_tape $b "${2:-300}"
	raw $a write 200 1024
	[ "$1" -eq 0 ] || raw $b write "$1" 1024
}

objects()
{
	raw "$1" ls 8 | wc -l
}

the_same()
{
	ok "$1: verify finds no difference" img verify "st:$a" "st:$b"
	ok "$1: nor does st without us" cmp <(raw $a ls 8) <(raw $b ls 8)
}

what='a beginning'
write_tapes 120
is 121 "$(objects $b)" "$what: with the filemark that st has written"
fails "$what: differs" img verify "st:$a" "st:$b"
like 'differ: object 120 ' "$(<"$scratch/output")" "$what: where that is"
ok "$what: is completed" img copy --resume "st:$a" "st:$b"
like 'the same on both: 120 objects' "$(<"$scratch/output")" "$what: from there"
the_same "$what"

what='a tape without room'
write_tapes 0 150
fails "$what: is not enough" img copy --resume "st:$a" "st:$b"
like 'holds the first (1[0-9][0-9]) objects: [0-9]* records \([0-9]* bytes\) and 0 filemarks of st:' \
	"$(<"$scratch/output")" "$what: it says how much it holds"
held=${BASH_REMATCH[1]}
is "$held" "$(objects $b)" "$what: which is what is there"
ok "$what: and that is the beginning of the other" \
	cmp <(raw $a ls 8 | head -n "$held") <(raw $b ls 8)
fails "$what: the next attempt ends there, too" \
	img copy --resume "st:$a" "st:$b"
like "holds the first $held objects" "$(<"$scratch/output")" \
	"$what: and says the same"

what='a tape that is longer'
write_tapes 250
fails "$what: is refused" img copy --resume "st:$a" "st:$b"
is 251 "$(objects $b)" "$what: and is as it was"
ok "$what: unless that is what is wanted" \
	img copy --resume --overwrite "st:$a" "st:$b"
the_same "$what"

what='through rmt'
printf '#!/bin/sh\nshift\nexec "$@"\n' >"$scratch/rsh"
chmod +x "$scratch/rsh"
write_tapes 120
far="rmt:here:$b,rsh=$scratch/rsh,rmt=/usr/sbin/rmt-tar"
ok "$what: a beginning is completed" img copy --resume "st:$a" "$far"
like 'the same on both: 120 objects' "$(<"$scratch/output")" "$what: from there"
ok "$what: verify finds no difference" img verify "st:$a" "$far"
the_same "$what"
done_testing
