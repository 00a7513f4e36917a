#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# pmtimg create: a blank image of each format, and never over anything.
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"

exits 0 'an image is made' create a.tap
says 'a\.tap: a blank tape, format simh' '... with the format of its suffix'
img info --json a.tap
json '$j->{partitions}[0]{objects} == 0' '... and it is blank'

for there in a.tap directory link; do
	[ -e "$there" ] || [ "$there" != directory ] || mkdir directory
	[ "$there" != link ] || ln -s nowhere link
	exits 1 "nothing is made over a $there" create "$there"
	complains 'nothing is overwritten' '... and it says so'
done
ok 'what was there stays' test -d directory -a -L link -a ! -e nowhere
exits 1 'nothing is made where there is no directory' create none/a.tap
complains 'is its directory there' '... and it asks for it'

exits 0 'a name may have any characters' create 'b,{}\.tap'
ok '... and is made with them' test -f 'b,{}\.tap'

# What a format can't keep is refused, and nothing stays behind.
exits 2 'simh images keep no capacity' create --format simh --capacity 1M c.x
complains 'keeps no capacity; give it when' '... and it says what to do'
ok '... and nothing is made' test ! -e c.x
exits 2 'nor compression' create --format simh --compress zlib c.x
ok '... and nothing is made' test ! -e c.x
exits 2 'nor encryption' create --format simh --key c.key c.x
ok '... and nothing is made' test ! -e c.x

names=$(formats)
like simh "$names" 'there are formats to make'
for name in $names; do
	exits 0 "$name: an image is made" create --format "$name" "x-$name"
	exits 0 "$name: it can be looked at" info --json \
		"file:x-$name,format=$name"
	json "\$j->{format} eq '$name' && \$j->{partitions}[0]{objects} == 0 &&
		!\$j->{protected}" "$name: it is blank, and of that format"
	exits 1 "$name: it is not made twice" create --format "$name" "x-$name"
	img create --format "$name" --capacity 64M --warn 1M "y-$name"
	if [ "$status" -eq 0 ]; then
		img info --json "file:y-$name,format=$name"
		json '$j->{partitions}[0]{capacity} > 0 &&
			$j->{partitions}[0]{early_warning} > 0' \
			"$name: it has the capacity that was asked for"
	else
		is "2 none" "$status $([ -e "y-$name" ] || echo none)" \
			"$name: it is not made with a capacity that it loses"
	fi
done

done_testing
