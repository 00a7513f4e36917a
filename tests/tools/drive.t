#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# pmtimg on a tape drive, here one of pmtd: read, written, and one volume among
# others.
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"

tape a.tap 100x10240 m 100x5120 m m
tape small.tap 10x512 m 3 m m
start_pmtd "file:$image,capacity=512K,warn=64K"
drive=st:$ntape

exits 0 'a blank tape in a drive' info --json "$drive"
json '$j->{partitions}[0]{objects} == 0 && !defined $j->{format}' 'is blank'
exits 0 'a copy that begins in a drive' copy --verify a.tap "$drive" rest.tap
says 'volume 1: st:.* a closing filemark.*volume 2: rest.tap' \
	'goes on elsewhere when its tape is full'
says 'verified' '... and is the same'
exits 0 'a copy from both' copy --from "$drive,rest.tap" back.tap
ok '... is what was copied' cmp a.tap back.tap
exits 0 'ls of a drive' ls --json "$drive"
json '$j->[0]{sizes}[0]{size} == 10240 && $j->[1]{kind} eq "end" &&
	$j->[1]{filemarks} == 1 && $j->[1]{object} == $j->[0]{records} + 1' \
	'tells what is on its tape'
exits 0 'check of a drive' check "$drive"
says 'clean' 'reads its tape'
exits 0 'cat of a drive' cat "$drive" 0
ok 'writes the data' cmp -n 400000 out <("$pmtimg" cat a.tap 0)
exits 0 'dump of a drive' dump --record 3 "$drive"
says 'file 0 record 3: object 3, offset 30720, 10240 bytes' \
	'counts the bytes that were read'
exits 0 'convert of a drive' convert "$drive" saved.tap
exits 1 'a tape in a drive is not overwritten' copy a.tap "$drive"
complains 'not blank' '... and it says so'
exits 0 '... unless that is what is wanted' copy --overwrite small.tap "$drive"
stop_pmtd
ok 'the tape in the drive has the volume, byte for byte' cmp small.tap "$image"
exits 0 'what was saved before is a clean tape' check saved.tap

done_testing
