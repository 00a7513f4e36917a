#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# pmtimg info, ls, dump and cat: what is on a tape.
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"

need tar cpio gzip

# ---- info ------------------------------------------------------------------

tape a.tap 3x10240 3072 m 80 m m 2x512 b40 m m
exits 0 'info' info a.tap
says 'format +simh' 'tells the format'
says 'used +3[0-9.]+ KiB \(35020 bytes\)' '... the bytes of medium'
says 'files +3' '... files that have records'
says 'records +8' '... records'
says 'record sizes +40 to 10240 bytes' '... of which sizes'
says 'bad records +1' '... those that are bad'
says 'filemarks +5' '... filemarks'
says 'partitions +1' '... partitions'
says 'compression +no' '... compression'
says 'encryption +no' '... encryption'
says 'protected +no' '... and protection'
img info --json a.tap
json '$j->{format} eq "simh" && !$j->{encrypted} && !$j->{compressed} &&
	!defined $j->{protected}' 'the same as JSON: of the image'
json 'my $p = $j->{partitions}[0]; @{$j->{partitions}} == 1 &&
	$p->{used} == 35020 && $p->{files} == 3 && $p->{records} == 8 &&
	$p->{filemarks} == 5 && $p->{objects} == 13 && $p->{bad} == 1 &&
	$p->{smallest} == 40 && $p->{largest} == 10240 &&
	$p->{bytes} == 35020 - 5 * 4 - 8 * 8 && !defined $p->{damage}' \
	'... and of its partition'
exits 0 'the limits of a spec count' info --json file:a.tap,capacity=1M
json '$j->{partitions}[0]{capacity} == 1 << 20' '... and are told'
chmod a-w a.tap
img info a.tap
says 'protected +yes: nobody may write to it' 'write protection is told'
chmod u+w a.tap
exits 1 'info of a damaged tape fails' info --json \
	"$images/simh/cut-in-data/image.tap"
json '$j->{partitions}[0]{damage} =~ /offset 88/ &&
	$j->{partitions}[0]{records} == 1' \
	'... and tells of the damage, and what precedes it'
touch empty.tap
exits 0 'a file of 0 bytes is a blank tape' info empty.tap
is 0 "$(stat -c %s empty.tap)" '... and stays one'

# ---- ls --------------------------------------------------------------------

# lines: without the spaces.
lines()
{
	tr -s ' ' <out | sed 's/^ //'
}

img ls a.tap
is 'file object records bytes content; record sizes
0 0 4 33792 text; 3 x 10240, 1 x 3072
1 5 1 80 text; 1 x 80
2 0 0 (no records)
3 8 3 1064 text; 2 x 512, 1 x 40; 1 bad
2 filemarks at the end; end of data at object 13, offset 35020' "$(lines)" \
	'ls has a line for each file'
img ls --json a.tap
json '@$j == 5' 'as JSON it is an array'
json 'my $f = $j->[0]; $f->{kind} eq "file" && $f->{file} == 0 &&
	$f->{object} == 0 && $f->{offset} == 0 && $f->{records} == 4 &&
	$f->{bytes} == 33792 && $f->{filemark} && $f->{sizes_complete} &&
	$f->{smallest} == 3072 && $f->{largest} == 10240 &&
	$f->{sizes}[0]{count} == 3 && $f->{sizes}[0]{size} == 10240 &&
	$f->{content} eq "text"' '... of files'
json '$j->[2]{kind} eq "empty" && $j->[2]{file} == 2 &&
	$j->[2]{count} == 1' '... and those without records'
json '$j->[4]{kind} eq "end" && $j->[4]{object} == 13 &&
	$j->[4]{offset} == 35020 && $j->[4]{filemarks} == 2' '... with its end'
img ls -v a.tap
says 'object 3 offset 30744 record 3: 3072 bytes' \
	'-v tells of each record where it is'
says 'object 4 offset 33824 filemark' '... and of each filemark'
img ls -v --json a.tap
json '@$j == 14 && $j->[3]{kind} eq "record" && $j->[3]{offset} == 30744 &&
	$j->[3]{bytes} == 3072 && $j->[4]{kind} eq "filemark" &&
	$j->[10]{bad} && !$j->[9]{bad}' '... also as JSON'
tape many.tap 1 2 3 4 5 6 7 8
img ls many.tap
says '6 x|1 x 6, \.\.\. \(1 to 8\)' 'many record sizes are told as a range'
exits 1 'ls of a damaged tape fails' ls --json \
	"$images/simh/cut-in-data/image.tap"
json '$j->[0]{records} == 1 && $j->[1]{kind} eq "damage" &&
	$j->[1]{offset} == 88' '... and tells what precedes the damage, and of it'
complains 'image\.tap: offset 88: .*pmtimg check' '... and who tells more'
exits 0 'ls of tapes that are no images' ls 'fault:{file:a.tap},do=write 1 EIO'
like '0 0 4 33792 text; 3 x 10240, 1 x 3072' "$(lines)" '... is the same'

# content EXPECTED FILE: what ls makes of a record.
content()
{
	tape content.tap "@$2"
	img ls --json content.tap
	is "$1" "$(perl -MJSON::PP -e '
		print decode_json(join "", <>)->[0]{content}' <out)" \
		"ls knows $1 when it sees it"
}

mkdir tree
seq 1000 >tree/file
tar cf record tree; content 'tar archive (GNU)' record
tar cf record --format=pax tree; content 'tar archive' record
tar cf record --format=v7 tree; content 'tar archive (old)' record
for kind in newc crc odc bin; do
	find tree | cpio -o -H $kind >"cpio-$kind" 2>/dev/null
done
content 'cpio archive (newc)' cpio-newc
content 'cpio archive (newc, with checksums)' cpio-crc
content 'cpio archive (odc)' cpio-odc
content 'cpio archive (old binary)' cpio-bin
gzip -c tree/file >record; content gzip record
printf 'AMANDA: TAPESTART DATE 20260101 TAPE DAILY01\n\014\n' >record
content 'Amanda: TAPESTART DATE 20260101 TAPE DAILY01' record
printf 'VOL1PMT001%70s' '' >record; content 'ANSI label VOL1: PMT001' record
printf 'HDR1%-17s%59s' MY.FILE '' >record
content 'ANSI label HDR1: MY.FILE' record
printf '\xe5\xd6\xd3\xf1\xd7\xd4\xe3\xf0\xf0\xf1' >record
perl -e 'print "\x40" x 70' >>record; content 'EBCDIC label VOL1: PMT001' record
perl -e 'print "\0" x 24, pack("V", 60012), "\0" x 996' >record
content dump record
head -c 512 /dev/zero >record; content zeros record
printf 'hello\n\033[31m' >record; content data record
printf 'VOL1\033[31m!%70s' '' >record
content 'ANSI label VOL1: [31m!' record

# ---- dump ------------------------------------------------------------------

tape d.tap 20 3 m 16
exits 0 'dump' dump d.tap
is 'file 0 record 0: object 0, offset 0, 20 bytes
00000000  31 30 30 30 30 30 30 0a  31 30 30 30 30 30 31 0a  |1000000.1000001.|
00000010  31 30 30 30                                       |1000|
file 0 record 1: object 1, offset 28, 3 bytes
00000000  32 30 30                                          |200|
filemark: object 2, offset 40
file 1 record 0: object 3, offset 44, 16 bytes
00000000  33 30 30 30 30 30 30 0a  33 30 30 30 30 30 31 0a  |3000000.3000001.|' \
	"$(<out)" 'shows everything'
img dump --file 1 d.tap
is 2 "$(wc -l <out)" '--file shows one file'
img dump --file 0 --record 1 d.tap
is 'file 0 record 1: object 1, offset 28, 3 bytes
00000000  32 30 30                                          |200|' "$(<out)" \
	'--record shows one record'
exits 1 'a record that is not there is a failure' dump --file 1 --record 1 d.tap
complains 'file 1 has no record 1' '... and it says so'
exits 1 'a file that is not there is a failure' dump --file 5 d.tap
exits 1 'dump stops at damage' dump "$images/simh/cut-in-data/image.tap"
says 'object 0' '... after what precedes it'

# ---- cat -------------------------------------------------------------------

head -c 30000 /dev/urandom >first
seq 20000 | head -c 12345 >second
split -b 10240 -d first f-
tape c.tap @f-00 @f-01 @f-02 m @second m
exits 0 'cat' cat c.tap 0
ok 'gives the data of a file' cmp out first
exits 0 'cat of the next file' cat c.tap 1
ok '... gives that one' cmp out second
exits 0 'behind the last filemark is an empty file' cat c.tap 2
is 0 "$(stat -c %s out)" '... of 0 bytes'
exits 1 'a file that is not there is a failure' cat c.tap 3
complains 'no file 3' '... and it says so'
exits 1 'cat of a bad record fails' cat "$images/simh/bad-record/image.tap" 0
is 80 "$(stat -c %s out)" '... after the data that precede it'
exits 1 'there is no second partition' cat --partition 1 c.tap 0
need script
ok 'cat does not write to a terminal' script -qec \
	"'$pmtimg' cat c.tap 0; [ \$? -eq 1 ]" typescript
contains typescript 'is a terminal'
ok '... and says so' contains typescript 'is a terminal'
"$pmtimg" cat c.tap 0 2>err >/dev/full
is 1 $? 'cat fails if its output is full'

done_testing
