#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What is mistyped ends with status 2 and one line, before anything is touched;
# what cannot be done with status 1.
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"

tape a.tap 2x80 m

# mistyped REGEX ARGUMENT...
mistyped()
{
	local words=$1

	shift
	exits 2 "'pmtimg $*' is mistyped" "$@"
	complains "$words" '... and it says how'
	is 1 "$(wc -l <err)" '... in one line'
}

mistyped 'no command' 
mistyped 'sink: no such command' sink a.tap
mistyped 'usage: pmtimg COMMAND' -q
mistyped 'usage: pmtimg ls TAPE' ls
mistyped 'usage: pmtimg ls TAPE' ls a.tap a.tap
mistyped 'usage: pmtimg convert SOURCE TARGET' convert a.tap
mistyped 'no tape to copy to' copy a.tap
mistyped 'no such option' ls --sink a.tap
mistyped 'needs an argument' dump a.tap --file
mistyped 'ls does not take --repair' ls --repair a.tap
mistyped 'not a number' dump --file -1 a.tap
mistyped 'not a number' dump --record 1x a.tap
mistyped 'there are auto, bar, plain and none' ls --progress=loud a.tap
mistyped 'one of them' copy --verify --lossy a.tap b.tap
mistyped 'not the number of a tape file' cat a.tap one
mistyped 'tape spec: character' ls file:a.tap,sink=1
mistyped 'no format "sink"' ls file:a.tap,format=sink
mistyped 'no such format; there are .*simh' create --format sink b.tap
mistyped 'tape spec' create --capacity lots b.tap
mistyped 'tape spec' copy a.tap b.tap file:c.tap,sink=1
mistyped 'for images' convert --to simh a.tap null:
is '' "$(ls b.tap c.tap 2>/dev/null)" 'nothing was made by any of these'

for command in info ls dump; do
	exits 1 "$command: what is not there is a failure" $command gone.tap
	complains 'gone.tap: can.t be opened' '... with the name and the reason'
	exits 1 "$command: a directory is no tape" $command "$scratch"
done
exits 2 'check: what is not there cannot be checked' check gone.tap
is '' "$(ls gone.tap 2>/dev/null)" 'to look for a tape does not make it'
exits 1 'nor does it in a tape over a tape' ls 'fault:{file:gone.tap},do=write 1 EIO'
is '' "$(ls gone.tap 2>/dev/null)" '... and it is not made'

exits 0 '--help is no mistake' --help
says 'usage: pmtimg COMMAND' '... and says how it is used'
exits 0 '--help goes with a command, too' ls --help
exits 0 '--version is no mistake' --version
says '^pmtimg [0-9]' '... and says it'

"$pmtimg" ls a.tap >/dev/full 2>err
is 1 $? 'what cannot be printed is a failure'
complains 'standard output' '... and says so'

cp a.tap 'a,b{c}.tap'
exits 0 'a path that exists is taken as it is' ls 'a,b{c}.tap'
exits 0 'a path can have options behind it' ls a.tap,format=simh
exits 0 'a spec is the same' ls file:a.tap

img ls a.tap
cp out plain
exits 0 '--progress=plain' ls --progress=plain a.tap
complains 'ls: 0%.*ls: 100%, [0-9]+ bytes of [0-9]+ bytes' \
	'tells of progress on standard error'
ok '... and only there' cmp out plain
exits 0 '-q' copy -q a.tap quiet.tap
is '' "$(cat out err)" 'says nothing when all goes well'
exits 0 '--progress=bar' ls --progress=bar a.tap
ok 'a bar does not get into the output' cmp out plain

done_testing
