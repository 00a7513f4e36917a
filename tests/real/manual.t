#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# All commands of pmt-mirror(7) work as they are typed, on two real drives, in the
# situation that they are meant for.

kernel=new drives=tgt
# shellcheck source=drives.sh
. "$(dirname "$0")/drives.sh"
need tar pidof
page=$real/../../docs/pmt-mirror.7
PATH=$build:$PATH

# The commands of the page, a line each.
sed -n '/^\.Bd/,/^\.Ed/s/^# //p' "$page" >"$scratch/commands"
: >"$scratch/typed"

# type_in COMMAND: which has to be in the page.
type_in()
{
	grep -qxFe "$1" "$scratch/commands" ||
		{ echo 'the page has no such command'; return 125; }
	echo "$1" >>"$scratch/typed"
	timeout 100 bash -c "$1" </dev/null || return
	case $1 in
	kill\ \$*) await 10 nodes_are_gone ;;
	esac
}

works() # COMMAND...
{
	local command

	for command; do
		ok "$what: $command" type_in "$command"
	done
}

says() # REGEX
{
	like "$1" "$(<"$scratch/output")" "$what: it says so"
}

mirror='mirror:{st:/dev/nst0,st:/dev/nst1}'
verify='pmtimg verify st:/dev/nst0 st:/dev/nst1'
resume='pmtimg copy --resume st:/dev/nst0 st:/dev/nst1'
end='kill $(pidof pmtd)'
start_tgt 40 40

what='every backup on two tapes'
works "pmtd '$mirror'" 'tar -c -b 20 -f /dev/npmt /etc' \
	'kill -USR1 $(pidof pmtd)' 'mt -f /dev/npmt rewind' \
	'tar -d -b 20 -f /dev/npmt -C /' 'mt -f /dev/npmt offline' "$verify"
says 'the same on all: [0-9]+ objects'

what='the next tapes'
works 'mt -f /dev/npmt load' "$end"

what='a leg that was lost'
raw $b op 6 1 3 49 5 1 # 49 records, and a filemark as st leaves it
pmtd "$mirror"
fails "$what: the mirror does not read it" tar -t -b 20 -f /dev/npmt
works "$end" 'pmtd st:/dev/nst0' 'tar -t -b 20 -f /dev/npmt' \
	'mt -f /dev/npmt offline'
fails "$what: $verify" type_in "$verify"
says "differ: object 49 .*completed by: pmtimg copy --resume 'st:/dev/nst0' 'st:/dev/nst1'"
works "$resume" "$verify && echo they are a pair"
says 'they are a pair'
works "$end"

what='a tape with an older backup'
raw $b op 6 1
raw $b write 5 1024
fails "$what: $resume" type_in "$resume"
works "${resume/resume/resume --overwrite}" "$verify"

what='a restore that compares'
works "pmtd '$mirror,verify=yes'" 'tar -d -b 20 -f /dev/npmt -C /' "$end"

what='several volumes'
works "pmtd '$mirror,on_leg_error=markfull,leot_margin=360G'" \
	'tar -c -M -b 20 -f /dev/npmt /etc' "$end"

what='the rehearsal'
works "pmtd 'mirror:{file:/var/tmp/a.tap,fault:{file:/var/tmp/b.tap},do=write 100 EIO}'" \
	'tar -c -b 20 -f /dev/npmt /etc' "$end"
verify='pmtimg verify /var/tmp/a.tap /var/tmp/b.tap'
fails "$what: $verify" type_in "$verify"
says 'differ: object 99 '
works 'pmtimg copy --resume /var/tmp/a.tap /var/tmp/b.tap' "$verify"

# There is no other building here; tests/live/rmt.sh has one.
echo "pmtd 'mirror:{st:/dev/nst0,rmt:backup@vault:/dev/nst0}'" >>"$scratch/typed"
is '' "$(sort -u "$scratch/commands" | comm -23 - <(sort -u "$scratch/typed"))" \
	'these were all of them'
done_testing
