#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The examples of pmtimg(1) work as they are typed.
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"

need mandoc tar jq

# examples: the commands of the page, each on one line; those that go on in a
# second line are indented there.
examples()
{
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$tools/../../docs/pmtimg.1" |
		sed -n '/^\.Bd/,/^\.Ed/{/^\./!p}' |
		sed -e ':a' -e '$!N' -e 's/\n    / /' -e 'ta' -e 'P' -e 'D' |
		sed 's/^\$ //'
}

mkdir bin
ln -s "$pmtimg" bin/pmtimg
PATH=$scratch/bin:$PATH

# monday.tap: two archives of 1 MB, and a text.
mkdir monday
data 1000000 1 >monday/one
tar cf monday.tar monday
split -b 10240 -d -a 4 monday.tar part-
mapfile -t parts < <(printf '@%s\n' part-*)
tape monday.tap "${parts[@]}" m 3x80 m "${parts[@]}" m m
head -c $((20 * 10248)) monday.tap >part.tap

typed=0
while read -r command; do
	ok "$command" timeout 60 bash -o pipefail -c "$command" <<<e.tap
	cp output "output-$((typed++))"
done < <(examples)
is 13 "$typed" 'these were all of them'

like 'format +simh' "$(<output-1)" 'info tells of the new image'
like 'tar archive' "$(<output-2)" 'ls knows the archive'
like 'monday/one' "$(<output-3)" 'cat gives it to tar'
is '0
2' "$(<output-4)" 'the archives are found in the JSON'
like 'file 1 record 0' "$(<output-5)" 'dump shows the record'
ok 'the other format has the same tape' cmp monday.tap monday.simh
ok 'the volumes come back as they were' cmp monday.tap back.tap
ok 'and what was a part is the whole' cmp monday.tap part.tap
like '^the same on all' "$(<output-10)" 'verify finds no difference'
ok 'the volume that was asked for is there' test -s e.tap

done_testing
