#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Tapes with partitions: each is looked at, and none is lost silently.  The image
# is a directory.
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"

cp -r "$images/ltfs/partitions/image" two
exits 0 'info' info --json two
json '@{$j->{partitions}} == 2 && $j->{partitions}[0]{records} == 1 &&
	$j->{partitions}[0]{bytes} == 80 && $j->{partitions}[1]{records} == 2 &&
	$j->{partitions}[1]{bytes} == 84' 'tells of both partitions'
json '$j->{protected} =~ /only be read/' '... and that the format is only read'
exits 0 'ls' ls two
says 'partition 0.*1 x 80.*partition 1.*1 x 81, 1 x 3' 'lists both partitions'
img ls --json two
json 'join(" ", map { $_->{partition} } @$j) eq "0 0 1 1"' \
	'... also as JSON, in one array'
exits 0 'ls of one partition' ls --json --partition 1 two
json '@$j == 2 && $j->[0]{partition} == 1 && $j->[0]{bytes} == 84' \
	'lists that one'
exits 1 'ls of one that is not there' ls --partition 2 two
complains 'no partition 2; there are 2' 'fails, and says how many there are'
exits 0 'check' check two
says 'clean: .* 3 records .164 bytes. and 2 filemarks' 'reads both partitions'
exits 0 'cat' cat --partition 1 two 0
is 84 "$(stat -c %s out)" 'writes data of that partition'
exits 0 'dump' dump --partition 1 --record 1 two
says 'file 0 record 1: object 1, offset 1, 3 bytes' 'shows that partition'

exits 1 'convert to a format without partitions is refused' convert two a.tap
complains 'all partitions but the first of 2' '... and it says what would be lost'
ok '... and nothing is made' test ! -e a.tap
exits 0 '... but can be wanted' convert --lossy two a.tap
says 'lost: two: all partitions but the first of 2' '... which tells of the loss'
img info --json a.tap
json '$j->{partitions}[0]{bytes} == 80' '... and keeps the first'
exits 1 'copy is refused as well' copy two b.tap
complains 'choose one with --partition' '... and it says what to do'
ok '... before anything is made' test ! -e b.tap
exits 0 'copy of one partition' copy --verify --partition 1 two b.tap
img info --json b.tap
json '$j->{partitions}[0]{bytes} == 84' '... copies that one'

# A format that has partitions keeps them.
for name in $(formats); do
	img convert --to "$name" two "x-$name"
	[ "$status" -eq 0 ] || continue
	img info --json "file:x-$name,format=$name"
	json '$j->{partitions}[0]{bytes} == 80 && $j->{partitions}[1]{bytes} == 84' \
		"$name: both partitions are kept"
	exits 0 "$name: they are clean" check "file:x-$name,format=$name"
done

done_testing
