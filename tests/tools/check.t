#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# pmtimg check: all the damage there is, and the one kind that can be repaired.
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"

# ---- The images in tests/data, which people have listed --------------------

# listed FILE: "STATUS RECORDS FILEMARKS" that a check of it should come to; the
# figures only where there is no damage.
listed()
{
	if grep -q '^not loaded' "$1"; then
		echo 2
	elif grep -q '^error' "$1"; then
		echo 1
	else
		echo "0 $(grep -c '^record' "$1") $(sed -n \
			's/^filemarks: //p' "$1" | paste -sd+ | sed 's/^$/0/' | bc)"
	fi
}

# found IMAGE: what the last check came to.  Listings are of the first partition.
found()
{
	local checked=$status

	if [ "$checked" -eq 0 ]; then
		img info --json "$1"
		perl -MJSON::PP -e '
			my $p = decode_json(join "", <>)->{partitions}[0];
			print "0 $p->{records} $p->{filemarks}"' <out
	else
		echo "$checked"
	fi
}

need bc
checked=0
for listing in "$images"/*/*/listing; do
	dir=${listing%/listing}
	format=$(basename "$(dirname "$dir")")
	for image in "$dir"/image*; do
		expected=$(listed "$listing")
		img check "$image"
		seen=$(found "$image")
		# Some formats are only taken if they are named.
		if [ "$seen" != "$expected" ]; then
			img check "file:$image,format=$format"
			seen=$(found "file:$image,format=$format")
		fi
		is "$expected" "$seen" \
			"${dir#"$images"/}: check agrees with the listing"
	done
	checked=$((checked + 1))
done
ok "there were images to check ($checked)" test "$checked" -ge 45

# ---- All damage, not only the first ----------------------------------------

# Records of 80 bytes take 88: 0, 88, 176, 264 and so on.
tape a.tap 40x80 m 80
exits 0 'a clean tape' check a.tap
says 'a\.tap: clean: .* 41 records \(3280 bytes\) and 1 filemark' \
	'is said to be clean, and how much of it was read'
damage a.tap 88 51    # the first length of object 1
damage a.tap 1052 51  # the last one of object 11
damage a.tap 1936 0 0 0 f0 # no object at all, in place of object 22
exits 1 'a tape with damage in three places' check a.tap
says 'damage: object 1, offset 88: leading length 81.* offset 176' \
	'the first is told, with where it goes on'
says 'damage: object 11 or later, offset 968: .*trailing length 81.* offset 1056' \
	'... and the second'
says 'damage: object 22 or later, offset 1936: .* offset 2024' '... and the third'
says 'damaged: 3 damaged places, 0 bad records; 38 records \(3040 bytes\) and 1 f' \
	'... and what can be read besides'
exits 1 'the same as JSON' check --json a.tap
json 'join(" ", map { $_->{kind} } @$j) eq
	"damage damage damage summary"' 'has each of them'
json '$j->[0]{offset} == 88 && $j->[0]{object} == 1 &&
	$j->[0]{object_exact} && $j->[0]{continues} == 176 &&
	$j->[1]{offset} == 968 && !$j->[1]{object_exact}' '... with its place'
json '!$j->[3]{clean} && $j->[3]{damaged} == 3 && $j->[3]{records} == 38' \
	'... and a summary'

tape b.tap 80 b40 b0 80
exits 1 'bad records are damage' check b.tap
says 'bad: object 1, offset 88: .* 40 bytes are there' '... and told' 
says 'bad: object 2, offset 136: .* 0 bytes are there' '... each of them'
says '0 damaged places, 2 bad records; 2 records' '... and counted'
img check --json b.tap
json '$j->[0]{kind} eq "bad" && $j->[0]{object} == 1 &&
	$j->[0]{bytes} == 40 && $j->[2]{bad} == 2' '... also as JSON'

tape c.tap 3x80 m
exits 1 'a tape that is no image' check 'fault:{file:c.tap},do=read 2 EIO'
says 'damage: object 1.* goes on' '... is checked, too'
says '2 records .* and 1 filemark' '... behind what it can not read as well'

exits 2 'a program is no tape' check "$(type -P ls)"
complains 'no .*image|no format that is known' '... and that is said'

# ---- Repair ----------------------------------------------------------------

# repaired BYTES OBJECTS: b.tap ends so now, and is clean.
repaired()
{
	is "$1" "$(stat -c %s b.tap)" '... what is whole stays'
	ok '... byte for byte' cmp -n "$1" a.tap b.tap
	exits 0 '... and is clean' check b.tap
	img ls --json b.tap
	json "\$j->[-1]{kind} eq 'end' && \$j->[-1]{object} == $2" \
		'... with the objects that it had'
}

tape a.tap 80 m 2x80
for size in 181 184 200 264 266; do
	head -c $size a.tap >b.tap
	exits 1 "cut to $size bytes, the tape is damaged" check b.tap
	exits 0 '... and can be repaired' check --repair b.tap
	says "repaired: $((size - 180)) bytes .* at offset 180; .* after 3 obj" \
		'... which tells what was done'
	repaired 180 3
done
head -c 200 a.tap >b.tap
exits 0 'a repair as JSON' check --repair --json b.tap
json '$j->[-1]{kind} eq "repair" && $j->[-1]{repaired} &&
	$j->[-1]{words} =~ /20 bytes/' '... tells the same'
exits 0 'a clean tape needs no repair' check --repair b.tap
says 'nothing to repair' '... and that is said'
repaired 180 3

# refused REGEX SENTENCE: b.tap stays as it is.
refused()
{
	cp b.tap before
	exits 1 "no repair: $2" check --repair "${3:-b.tap}"
	says "not repaired, nothing was changed: .*$1" '... and it says so'
	ok '... and the tape is as it was' cmp b.tap before
}

cp a.tap b.tap
damage b.tap 92 51
refused 'not certain that' 'a damaged length, in the middle'
tape b.tap 80 80 80
damage b.tap 88 ff ff ff 00
refused 'good data follows' 'an object that claims to reach the end, but does not'
cp a.tap b.tap
damage b.tap 264 51
refused 'not certain that' 'a last record that is all there, but damaged'
tape b.tap 20x80
truncate -s -8 b.tap
damage b.tap 88 51
refused 'more than a torn tail' 'other damage as well'
# Too little for the search of the format, but what if it is data?
tape b.tap 80 80 80 80
truncate -s -8 b.tap
damage b.tap 88 ff ff ff 00
refused 'good data follows' 'a single record between two damages'
head -c 200 a.tap >b.tap
chmod a-w b.tap
refused 'nobody may write' 'the image is write protected'
chmod u+w b.tap
printf '\x50\0\0\0' >b.tap
head -c 17000000 /dev/zero >>b.tap
damage b.tap 0 1 0 0 0
refused 'not certain that' 'something of another kind' \
	file:b.tap,format=simh
head -c 88 a.tap >b.tap
# What ends an e11 image can be its first odd record, which lacks a byte here.
printf '\3\0\0\0abc\3\0\0\0' >>b.tap
refused 'not certain that' 'a last record in the e11 format' \
	file:b.tap,format=simh

# A signal ends a check, and it says how far it came.
tape s.tap 20x80
"$pmtimg" check 'fault:{file:s.tap},do=read 10 stall=0.5;read 11+ stall=0.5' \
	>out 2>err &
pid=$!
catches() { # PID: it is pmtimg, no more the shell, and catches SIGINT
	local caught

	[ "$(readlink "/proc/$1/exe")" = "$(realpath "$pmtimg")" ] || return
	caught=$(sed -n 's/^SigCgt:\t//p' "/proc/$1/status")
	[ $((0x$caught & 2)) -ne 0 ]
}
await 10 catches $pid
kill -INT $pid
reap $pid
is 130 $? 'SIGINT ends a check, with status 130'
complains 'stopped by SIGINT at object' '... and it says how far it came'

done_testing
