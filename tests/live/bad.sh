#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Bad input: pmtd says in one line what is wrong and what to do, exits with 1, or
# 2 if it is the command line or the spec, and leaves no node behind.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

good=$scratch/good.tap
mkdir "$scratch/dir"
echo 'This is a text.' >"$scratch/text"

# refused STATUS REGEX SENTENCE ARGUMENT...: pmtd is not given the transport.
refused()
{
	local expected=$1 words=$2 sentence=$3 status=0

	shift 3
	timeout 10 "$pmtd" "$@" >"$scratch/said" 2>&1 </dev/null || status=$?
	ok "$sentence" as_it_should "$expected" "$status" "$words"
}

# ok keeps its own output, so what pmtd said is shown here.
as_it_should()
{
	local said

	said=$(<"$scratch/said")
	printf 'status %s, expected %s; pmtd said:\n%s\n' "$2" "$1" "$said"
	[ "$2" -eq "$1" ] && [[ $said =~ ^pmtd:\ .*$3 ]] &&
		[ "$(wc -l <<<"$said")" -eq 1 ] && nodes_are_gone
}

# bad_spec REGEX SPEC
bad_spec()
{
	refused 2 "$1" "no such tape: $2" "${options[@]}" "$2"
	[ ! -e "$good" ] || fail "nothing is made for $2"
}

bad_specs()
{
	bad_spec 'file:, null:' ''
	bad_spec 'no tape type "tpe".*file:, null:' "tpe:$good"
	bad_spec 'needs IMAGE' 'file:'
	bad_spec 'takes no argument' 'null:argument'
	bad_spec '"}" is missing' 'fault:{null:'
	bad_spec 'takes 1 tape in braces' 'fault:null:'
	bad_spec 'takes 1 tape in braces' 'fault:{null:,null:}'
	bad_spec 'write 3 EIO' "fault:{file:$good},do=write 1 explode"
	bad_spec 'no option "capcity"' "file:$good,capcity=1M"
	bad_spec 'KEY=VALUE' "file:$good,capacity"
	bad_spec 'yes or no' "file:$good,readonly=maybe"
	bad_spec 'no format "tpx".*simh' "file:$good,format=tpx"
}

absurd_numbers()
{
	bad_spec 'must be 1 to' "file:$good,capacity=0"
	bad_spec 'number of bytes' "file:$good,capacity=-1"
	bad_spec 'number of bytes' "file:$good,capacity=99999999999999999999"
	bad_spec 'number of bytes' "file:$good,capacity=10Q"
	bad_spec 'number of bytes' "file:$good,capacity="
	bad_spec 'less than capacity' "file:$good,capacity=1M,warn=2M"
	bad_spec 'less than objects' "null:,objects=5,warn_objects=5"
	bad_spec 'must be 1 to' "file:$good,min=0"
	bad_spec 'must be 1 to 16777216' "file:$good,max=17M"
	bad_spec 'more than max' "file:$good,min=10,max=9"
	bad_spec 'must be 1 to' "file:$good,granularity=0"
}

bad_command_lines()
{
	local name

	refused 2 'pmtd --help' 'no argument is a question for help'
	refused 2 'pmtd --help' 'two tapes are too many' null: null:
	refused 2 'pmtd --help' 'no such option' --colour null:
	refused 2 'pmtd --help' 'an option lacks its argument' --name
	refused 2 'octal' 'no such mode' --mode 888 null:
	refused 2 'octal' 'too large a mode' --mode 7777 null:
	refused 2 'no such user' 'no such owner' --owner 'no one' null:
	refused 2 'no such group' 'no such group' --group 'no one' null:
	for name in '' . .. a/b 'a b' "$(printf '%061d' 0)"; do
		refused 2 'letters, digits' "no such name: '$name'" \
			--name "$name" "${options[@]}" null:
	done
}

# bad_image REGEX SENTENCE SPEC
bad_image()
{
	refused 1 "$1" "$2" "${options[@]}" "$3"
}

bad_images()
{
	bad_image 'is its directory there' 'a directory that is missing' \
		"file:$scratch/missing/a.tap"
	bad_image 'a directory, and none' 'a directory' "file:$scratch/dir"
	bad_image 'not a regular file' 'a device' 'file:/dev/null'
	bad_image 'No such file' 'an image that is missing and may not be made' \
		"file:$good,create=no"
	bad_image 'No such file' 'a script that is missing' \
		"fault:{null:},script=$scratch/missing"
	ok 'nothing was made' [ ! -e "$good" ]
	bad_image 'no format that is known' 'a text' "file:$scratch/text"
	is 'This is a text.' "$(<"$scratch/text")" 'which stays as it is'
	cp "$pmtd" "$scratch/program"
	bad_image 'no format that is known' 'a program' "file:$scratch/program"
	ok 'which stays as it is' cmp "$pmtd" "$scratch/program"
}

# still_works: the drive that was there before.
still_works()
{
	nodes_exist && [ "$(op rw write:9 close)" = 'ok 9 ok' ]
}

# in_use REGEX SENTENCE ARGUMENT...
in_use()
{
	local words=$1 sentence=$2 status=0

	shift 2
	timeout 10 "$pmtd" "$@" >"$scratch/said" 2>&1 </dev/null || status=$?
	like "^1 pmtd: .*$words" "$status $(<"$scratch/said")" "$sentence"
	is 1 "$(wc -l <"$scratch/said")" 'in one line'
	ok 'and the drive that was there goes on' still_works
}

in_use_already()
{
	local other=(--name other)

	[ "$transport" = cuse ] || other=(--fuse "$scratch/dir")
	start_drive
	in_use 'already' 'a name that is taken' "${options[@]}" null:
	in_use 'in use by another process' 'an image that is in use' \
		"${other[@]}" "file:$image"
	ok 'no other node is left' [ ! -e /dev/other ]
	stop_pmtd
}

# The one that does not rewind is made after the other.
second_node_in_use()
{
	touch /dev/nother
	refused 1 'already' 'a name of which the second node is taken' \
		--name other null:
	ok 'the first node is not left alone' [ ! -e /dev/other ]
	ok 'and what was there is not touched' [ -f /dev/nother ]
	rm /dev/nother
}

bad_places()
{
	refused 1 '--fuse' 'no directory for FUSE' \
		--fuse "$scratch/missing" null:
	refused 1 '--fuse' 'a file for FUSE' --fuse "$scratch/text" null:
}

# A start that fails makes nothing, and takes nothing away.
no_image_left()
{
	refused 1 '--fuse' 'no directory for FUSE, with a new image' \
		--fuse "$scratch/missing" "file:$good"
	ok 'the image is not made' [ ! -e "$good" ]
	refused 1 '--fuse' 'and with a new image below another tape' \
		--fuse "$scratch/missing" "fault:{file:$good},do=any 9 EIO"
	ok 'the image is not made' [ ! -e "$good" ]
	ln -s "$good" "$scratch/link"
	refused 1 '--fuse' 'and with a link to the new image' \
		--fuse "$scratch/missing" "file:$scratch/link"
	ok 'the image is not made' [ ! -e "$good" ]
	ok 'the link is still there' [ -L "$scratch/link" ]
	: >"$good"
	refused 1 '--fuse' 'and with a blank image that was there before' \
		--fuse "$scratch/missing" "file:$good"
	ok 'that is still there' [ -f "$good" ]
	rm "$good"
}

bad_specs
absurd_numbers
bad_command_lines
bad_images
in_use_already
[ "$transport" = fuse ] || second_node_in_use
bad_places
no_image_left
done_testing
